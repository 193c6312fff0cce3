//! The longest that acting and verifying can take, and whether the page waits for as long.

use crate::playbook::model::Playbook;
use crate::playbook::shape::spelled;

/// The longest path of act and verify, seconds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worst {
    /// Its parts, in order: what, and how long.
    pub parts: Vec<(String, u64)>,
    /// Their sum.
    pub seconds: u64,
}

impl std::fmt::Display for Worst {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let parts: Vec<String> =
            self.parts.iter().map(|(what, seconds)| format!("{what} {}", spelled(*seconds))).collect();
        write!(f, "{} = {}", parts.join(" + "), spelled(self.seconds))
    }
}

/// The longest that a playbook can take from its first step until it is seen whether it worked: every step with all its
/// attempts and pauses, every undo, and verify until it gives up. Holding comes after.
pub fn worst(playbook: &Playbook) -> Worst {
    let mut parts = Vec::new();
    for step in &playbook.steps {
        let (attempts, backoff) = step.retry.map_or((1, 0), |retry| (u64::from(retry.attempts.max(1)), retry.backoff));
        let once = match &step.wait {
            // The last look may begin at the very end.
            Some(wait) => wait.within.saturating_add(step.timeout),
            None => step.timeout.saturating_mul(attempts).saturating_add(backoff.saturating_mul(attempts - 1)),
        };
        let rounds = step.each.as_ref().map_or(1, |each| each.max.div_ceil(each.concurrency.max(1)) as u64);
        parts.push((step.id.text.clone(), once.saturating_mul(rounds)));
        if let Some(undo) = &step.undo {
            parts.push((format!("undo of {}", step.id.text), undo.timeout.saturating_mul(rounds)));
        }
    }
    if let Some(verify) = &playbook.verify {
        parts.push(("verify.after".to_owned(), verify.after));
        parts.push(("verify.within".to_owned(), verify.within));
    }
    let seconds = parts.iter().fold(0u64, |sum, (_, seconds)| sum.saturating_add(*seconds));
    Worst { parts, seconds }
}
