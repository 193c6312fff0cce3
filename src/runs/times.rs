//! Times of the store as a person reads them.

use ira_commands::units;

/// `12 min ago`, or `in 5 min`.
pub fn relative(at: u64, now: u64) -> String {
    if at <= now {
        format!("{} ago", units::duration((now - at) / 1_000))
    } else {
        format!("in {}", units::duration((at - now).div_ceil(1_000)))
    }
}

/// How long something took, or takes up to now: milliseconds below ten seconds.
pub fn took(from: u64, to: u64) -> String {
    let millis = to.saturating_sub(from);
    if millis < 10_000 {
        format!("{}.{} s", millis / 1_000, millis % 1_000 / 100)
    } else {
        units::duration(millis / 1_000)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_relative_and_short() {
        assert_eq!(relative(1_000, 61_000), "1 min ago");
        assert_eq!(relative(61_000, 1_000), "in 1 min");
        assert_eq!(took(0, 1_234), "1.2 s");
        assert_eq!(took(0, 75_000), "1 min 15 s");
    }
}
