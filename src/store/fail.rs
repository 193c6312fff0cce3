//! Where a test has the process die.

/// Ends the process here, if `IRA_FAILPOINT` names this point and how manieth time it is passed: `NAME:COUNT`. Nothing
/// is flushed and nobody is told, as with `kill -9`. Not in a release.
pub fn point(name: &str) {
    #[cfg(debug_assertions)]
    armed::pass(name);
    #[cfg(not(debug_assertions))]
    let _ = name;
}

/// Every point there is, so that a loop can try each.
pub const POINTS: &[&str] = &["before-commit", "after-commit", "before-answer", "before-effect", "after-effect"];

#[cfg(debug_assertions)]
mod armed {
    use std::sync::LazyLock;
    use std::sync::atomic::{AtomicI64, Ordering};

    use crate::config::env::{Env as _, SystemEnv};

    static AIM: LazyLock<Option<(String, AtomicI64)>> = LazyLock::new(|| {
        let aim = SystemEnv.get("IRA_FAILPOINT").ok().flatten()?;
        let (name, count) = aim.split_once(':')?;
        Some((name.to_owned(), AtomicI64::new(count.parse().ok()?)))
    });

    pub(super) fn pass(name: &str) {
        if let Some((aim, left)) = AIM.as_ref()
            && aim == name
            && left.fetch_sub(1, Ordering::SeqCst) == 1
        {
            std::process::abort();
        }
    }
}
