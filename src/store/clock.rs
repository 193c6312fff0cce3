//! The store's clock: starts at the later of the last commit and the wall clock, and goes on by the machine's own count
//! of time, sleep included. A wall clock that jumps moves nothing: no lease is longer for it, no timer earlier.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::clock::SystemClock;

/// Where time comes from.
pub trait Ticks: Send + Sync {
    /// Since some moment of this boot, time asleep included; never goes back.
    fn since_boot(&self) -> Duration;

    /// What the wall clock says, unix milliseconds.
    fn wall(&self) -> u64;
}

/// This machine.
#[derive(Clone, Copy, Debug)]
pub struct Machine;

impl Ticks for Machine {
    #[cfg(target_os = "linux")]
    fn since_boot(&self) -> Duration {
        let time = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
        Duration::new(u64::try_from(time.tv_sec).unwrap_or(0), u32::try_from(time.tv_nsec).unwrap_or(0))
    }

    #[cfg(not(target_os = "linux"))]
    fn since_boot(&self) -> Duration {
        static START: std::sync::LazyLock<std::time::Instant> = std::sync::LazyLock::new(std::time::Instant::now);
        START.elapsed()
    }

    fn wall(&self) -> u64 {
        SystemClock.now_millis()
    }
}

/// Time that somebody sets.
#[derive(Debug, Default)]
pub struct Manual {
    boot: AtomicU64,
    wall: AtomicU64,
}

impl Manual {
    /// The wall clock at this time, unix milliseconds.
    pub fn at(wall: u64) -> Self {
        Self { boot: AtomicU64::new(0), wall: AtomicU64::new(wall) }
    }

    /// So much time passes.
    pub fn pass(&self, length: Duration) {
        let millis = u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        self.boot.fetch_add(millis, Ordering::SeqCst);
        self.wall.fetch_add(millis, Ordering::SeqCst);
    }

    /// Somebody sets the wall clock.
    pub fn set_wall(&self, wall: u64) {
        self.wall.store(wall, Ordering::SeqCst);
    }
}

impl Ticks for Manual {
    fn since_boot(&self) -> Duration {
        Duration::from_millis(self.boot.load(Ordering::SeqCst))
    }

    fn wall(&self) -> u64 {
        self.wall.load(Ordering::SeqCst)
    }
}

/// So far may the wall clock be off before it is said.
const DRIFT: u64 = 30_000;

/// The clock of an open store.
pub(super) struct StoreClock {
    ticks: Arc<dyn Ticks>,
    state: Mutex<State>,
}

struct State {
    /// The time at `origin`.
    base: u64,
    origin: Duration,
    warned: bool,
}

impl StoreClock {
    /// Starts at the later of the last commit and the wall clock.
    pub(super) fn start(ticks: Arc<dyn Ticks>, high_water: u64) -> Self {
        let state = State { base: ticks.wall().max(high_water), origin: ticks.since_boot(), warned: false };
        Self { ticks, state: Mutex::new(state) }
    }

    /// The time, which is not before `high_water`: that of the last commit, perhaps of another process.
    pub(super) fn now(&self, high_water: u64) -> u64 {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let boot = self.ticks.since_boot();
        let passed = boot.saturating_sub(state.origin).as_millis();
        let mut now = state.base.saturating_add(u64::try_from(passed).unwrap_or(u64::MAX));
        if now < high_water {
            state.base = high_water;
            state.origin = boot;
            now = high_water;
        }
        let drift = self.ticks.wall().abs_diff(now);
        if drift > DRIFT && !state.warned {
            tracing::warn!("the wall clock and the store's differ by {} s; the store's counts", drift / 1000);
        }
        state.warned = drift > DRIFT;
        now
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    #[expect(non_snake_case, reason = "named for the invariant")]
    fn I24_the_wall_clock_moves_nothing_once_the_store_is_open() {
        let ticks = Arc::new(Manual::at(1_000_000));
        let clock = StoreClock::start(Arc::<Manual>::clone(&ticks), 0);
        assert_eq!(clock.now(0), 1_000_000);
        for wall in [1_000_000 + 3_600_000, 0, 999_999] {
            ticks.set_wall(wall);
            assert_eq!(clock.now(0), 1_000_000, "an hour ahead, or behind");
        }
        ticks.pass(Duration::from_secs(5));
        assert_eq!(clock.now(0), 1_005_000);
        assert_eq!(clock.now(1_009_000), 1_009_000, "another process committed at this time");
        ticks.pass(Duration::from_secs(1));
        assert_eq!(clock.now(0), 1_010_000);
        // Opened anew with the wall clock behind.
        ticks.set_wall(5);
        assert_eq!(StoreClock::start(ticks, 1_010_000).now(0), 1_010_000);
    }

    #[test]
    fn this_machine_counts_on() {
        let before = Machine.since_boot();
        assert!(Machine.since_boot() >= before && Machine.wall() > 1_700_000_000_000);
    }
}
