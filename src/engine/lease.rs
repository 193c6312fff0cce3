//! Keeping a run while it is worked on. Judged by the monotonic clock: the wall clock may do what it likes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ira_commands::{Fault, Kind};

use crate::store::Store;
use crate::store::model::{Run, RunId};

/// A claim on a run.
pub struct Lease {
    store: Arc<dyn Store>,
    run: RunId,
    fence: u64,
    ttl: Duration,
    /// When it was taken or kept last, before the store was asked.
    kept: Mutex<Instant>,
    lost: AtomicBool,
    cancelled: AtomicBool,
}

impl Lease {
    /// Of a run that was claimed; `asked` is the moment before it was.
    pub fn of(store: Arc<dyn Store>, run: &Run, ttl: Duration, asked: Instant) -> Self {
        Self {
            store,
            run: run.id,
            fence: run.fence,
            ttl,
            kept: Mutex::new(asked),
            lost: AtomicBool::new(false),
            cancelled: AtomicBool::new(run.cancelled_by.is_some()),
        }
    }

    /// Whether an effect may still be begun: not in the last third of it, and not once it is lost.
    pub fn fresh(&self) -> Result<(), Fault> {
        let kept = *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lost.load(Ordering::SeqCst) {
            return Err(Fault::new(Kind::Busy, format!("run {} was taken over by another worker", self.run)));
        }
        if kept.elapsed() * 3 >= self.ttl * 2 {
            return Err(Fault::new(Kind::Busy, format!("the lease of run {} could not be kept in time", self.run)));
        }
        Ok(())
    }

    /// Whether a person cancelled the run, as of the last time it was kept.
    pub fn cancelled(&self) -> bool {
        self.cancelled.load(Ordering::SeqCst)
    }

    /// Keeps it, again and again; ends only when it is lost.
    pub async fn keep(&self) {
        loop {
            tokio::time::sleep(self.ttl / 3).await;
            let asked = Instant::now();
            match self.store.renew(self.run, self.fence, self.ttl).await {
                Ok(Ok(run)) => {
                    *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                    self.cancelled.store(run.cancelled_by.is_some(), Ordering::SeqCst);
                }
                Ok(Err(denial)) => {
                    tracing::warn!("run {}: {}", self.run, denial.message);
                    self.lost.store(true, Ordering::SeqCst);
                    return;
                }
                // The store may come back before the lease ends; `fresh` sees to it that nothing is begun meanwhile.
                Err(fault) => tracing::warn!("run {} could not be kept: {fault}", self.run),
            }
        }
    }
}
