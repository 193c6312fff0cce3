//! Keeping a run while it is worked on. Judged by the monotonic clock: the wall clock may do what it likes.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ira_commands::{Fault, Kind};

use super::hands::Alarm;
use crate::store::Store;
use crate::store::model::{Run, RunId};

/// A claim on a run.
pub(super) struct Lease {
    store: Arc<dyn Store>,
    alarm: Option<Arc<dyn Alarm>>,
    pub run: RunId,
    pub fence: u64,
    ttl: Duration,
    /// When it was taken or kept last, before the store was asked.
    kept: Mutex<Instant>,
    lost: AtomicBool,
}

impl Lease {
    /// Of a run that was claimed; `asked` is the moment before it was.
    pub fn of(store: Arc<dyn Store>, alarm: Option<Arc<dyn Alarm>>, run: &Run, ttl: Duration, asked: Instant) -> Self {
        let (kept, lost) = (Mutex::new(asked), AtomicBool::new(false));
        Self { store, alarm, run: run.id, fence: run.fence, ttl, kept, lost }
    }

    /// Whether an effect may still be begun: not in the last third of it, and not once it is lost.
    pub fn fresh(&self) -> Result<(), Fault> {
        let kept = *self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        if self.lost() {
            return Err(Fault::new(Kind::Busy, format!("run {} was taken over by another worker", self.run)));
        }
        if kept.elapsed() * 3 >= self.ttl * 2 {
            return Err(Fault::new(Kind::Busy, format!("the lease of run {} could not be kept in time", self.run)));
        }
        Ok(())
    }

    /// Whether another worker has the run.
    pub fn lost(&self) -> bool {
        self.lost.load(Ordering::SeqCst)
    }

    /// Keeps it, again and again; never ends.
    pub async fn keep(&self) -> std::convert::Infallible {
        loop {
            tokio::time::sleep(self.ttl / 3).await;
            if self.lost() {
                continue;
            }
            let asked = Instant::now();
            match self.store.renew(self.run, self.fence, self.ttl).await {
                Ok(Ok(run)) => {
                    *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = asked;
                    self.keep_alarm(&run).await;
                }
                Ok(Err(denial)) => {
                    tracing::warn!("run {}: {}", self.run, denial.message);
                    self.lost.store(true, Ordering::SeqCst);
                }
                // The store may come back before the lease ends; `fresh` sees to it that nothing is begun meanwhile.
                Err(fault) => tracing::warn!("run {} could not be kept: {fault}", self.run),
            }
        }
    }

    /// Whoever holds the alarm may forget it, as Alertmanager does when it is restarted.
    async fn keep_alarm(&self, run: &Run) {
        let Some(alarm) = self.alarm.as_ref().filter(|_| run.first_write_at.is_some() && !run.state.terminal()) else {
            return;
        };
        // One that does not answer may not cost the lease.
        match tokio::time::timeout(self.ttl / 6, alarm.set(run)).await {
            Ok(Ok(())) => {}
            Ok(Err(fault)) => tracing::warn!("the alarm of run {} could not be kept: {fault}", self.run),
            Err(_) => tracing::warn!("the alarm of run {} could not be kept: no answer", self.run),
        }
    }
}
