//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use ira_commands::ports::Clock;

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl SystemClock {
    /// Unix milliseconds.
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock: it is what ctx hands out")]
    pub fn now_millis(self) -> u64 {
        // A clock set before 1970 is no time at all; zero makes every age visibly absurd.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }
}

impl Clock for SystemClock {
    fn now(&self) -> u64 {
        self.now_millis() / 1000
    }
}

/// A clock that stands where a recording was made.
#[derive(Clone, Copy, Debug)]
pub struct StoppedClock(pub u64);

impl Clock for StoppedClock {
    fn now(&self) -> u64 {
        self.0
    }
}
