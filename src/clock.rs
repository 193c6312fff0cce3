//! The wall clock.

use std::time::{SystemTime, UNIX_EPOCH};

use ira_commands::ports::Clock;

/// The clock of this machine.
#[derive(Clone, Copy, Debug)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that reads the wall clock: it is what ctx hands out")]
    fn now(&self) -> u64 {
        // A clock set before 1970 is no time at all; zero makes every age visibly absurd.
        SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs())
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
