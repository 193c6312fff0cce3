//! A scripted implementation of every port, for tests.

use crate::ports::{Clock, Progress};

/// A clock that stands still.
pub struct StoppedClock(pub u64);

impl Clock for StoppedClock {
    fn now(&self) -> u64 {
        self.0
    }
}

/// Progress that nobody watches.
pub struct Silent;

impl Progress for Silent {}
