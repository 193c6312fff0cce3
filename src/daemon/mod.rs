//! Alerts come in, and the same commands run: validate → open the store → bind → ready → serve → drain.

mod arms;
mod books;
mod decide;
mod intake;
mod listen;
mod lock;
mod metrics;
mod own;
mod pager;
mod recur;
mod serve;
pub mod sources;
mod storm;
mod tell;
mod time;
pub mod web;
mod work;

pub use serve::{DaemonArgs, daemon};

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Notify, watch};

use crate::store::Store;
use crate::store::model::RunId;
use books::Loaded;
use metrics::Metrics;

/// What the parts of the daemon share.
struct Shared {
    store: Arc<dyn Store>,
    /// The store's own name: part of the keys of what ira itself pages.
    cluster: String,
    loaded: RwLock<Arc<Loaded>>,
    metrics: Metrics,
    /// An alert waits to be decided.
    alerts: Notify,
    /// A run waits for a worker.
    runs: Notify,
    /// Runs that are to be taken up at once, whenever they are due.
    nudged: Mutex<BTreeSet<RunId>>,
    /// A row of the outbox may be due.
    mail: Notify,
    /// Whether the daemon stops: nothing new is begun.
    stop: watch::Sender<bool>,
}

impl Shared {
    /// What was loaded last.
    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.loaded.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts something else in its place: what is under way goes on with what it has.
    fn replace(&self, loaded: Loaded) {
        *self.loaded.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(loaded);
    }

    /// Has a worker take up a run, whenever it is due.
    fn nudge(&self, run: RunId) {
        self.nudged.lock().unwrap_or_else(PoisonError::into_inner).insert(run);
        self.runs.notify_one();
    }

    fn stopping(&self) -> bool {
        *self.stop.borrow()
    }

    /// Until the daemon stops.
    async fn stopped(&self) {
        let mut stop = self.stop.subscribe();
        // The sender lives as long as this does.
        let _gone = stop.wait_for(|stop| *stop).await.is_err();
    }
}
