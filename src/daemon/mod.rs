//! Alerts come in, and the same commands run: validate → open the store → bind → ready → serve → drain.

mod admin;
mod api;
mod arms;
mod beat;
mod books;
mod catch_up;
mod decide;
mod details;
mod direct;
mod drills;
mod intake;
mod life;
mod listen;
mod lock;
mod maintained;
mod metrics;
mod once;
mod own;
pub mod print;
mod recur;
mod routes;
mod routing;
mod runner;
mod serve;
pub mod sources;
mod spans;
mod storm;
mod tell;
mod time;
pub(crate) mod tls;
mod unit;
pub mod web;
mod work;

pub use life::{DaemonArgs, daemon};

use std::collections::{BTreeMap, BTreeSet};
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Instant;

use ira_commands::Fault;
use tokio::sync::{Notify, watch};

use crate::cli::{OutputFlags, Reach};
use crate::engine::{Engine, Sender};
use crate::pages::{self, RunAlert};
use crate::progress::Silent;
use crate::remediate::{self, LocalHands};
use crate::store::Store;
use crate::store::model::RunId;
use books::Loaded;
use metrics::Metrics;
use spans::Spans;
use web::Web;

/// What is made of what was loaded: replaced together at a reload, while what is under way goes on with what it has.
struct Parts {
    loaded: Arc<Loaded>,
    output: OutputFlags,
    engine: Arc<Engine>,
    sender: Arc<Sender>,
}

/// What the parts of the daemon share.
struct Shared {
    store: Arc<dyn Store>,
    /// The store's own name: part of the keys of what ira itself pages.
    cluster: String,
    /// Who this is, in the record.
    worker: String,
    parts: RwLock<Arc<Parts>>,
    metrics: Metrics,
    health: Health,
    /// Bodies that are being brought to the disk.
    taking: AtomicUsize,
    /// An alert waits to be decided.
    alerts: Notify,
    /// A run waits for a worker.
    runs: Notify,
    /// Runs that are to be taken up at once, whenever they are due.
    nudged: Mutex<BTreeSet<RunId>>,
    /// A row of the outbox may be due.
    mail: Notify,
    /// How runs ended that people asked for.
    came: api::Ends,
    /// Where runs that ended are handed over to be told of.
    spans: Spans,
    /// What people see.
    web: Web,
    /// The arms of the page are to be looked at.
    looked: Notify,
    /// Whether the daemon stops: nothing new is begun.
    stop: watch::Sender<bool>,
}

/// How it goes.
struct Health {
    since: Instant,
    /// Milliseconds after `since` at which the clock was last looked at.
    looked: AtomicU64,
    store: AtomicBool,
    /// Milliseconds after `since` at which a worker last looked for a run.
    worked: AtomicU64,
    /// When the watchdog last came, by intake.
    barked: Mutex<BTreeMap<String, Instant>>,
    /// Why the last reload changed nothing.
    reload: Mutex<Option<String>>,
}

impl Health {
    /// A worker looks for a run.
    fn work(&self) {
        self.worked.store(u64::try_from(self.since.elapsed().as_millis()).unwrap_or(u64::MAX), Ordering::Relaxed);
    }

    /// The watchdog came through an intake.
    fn bark(&self, intake: &str) {
        self.barked.lock().unwrap_or_else(PoisonError::into_inner).insert(intake.to_owned(), Instant::now());
    }

    /// When it last did.
    fn barked(&self, intake: &str) -> Option<Instant> {
        self.barked.lock().unwrap_or_else(PoisonError::into_inner).get(intake).copied()
    }
}

impl Shared {
    async fn new(
        store: Arc<dyn Store>,
        loaded: Loaded,
        output: &OutputFlags,
    ) -> Result<(Arc<Self>, watch::Receiver<bool>), Fault> {
        let (stop, stopped) = watch::channel(false);
        let (spans, ended) = Spans::new();
        let cluster: String = store.identity().await?.cluster_id.chars().take(12).collect();
        let worker = format!("{}{}:{:08x}", work::NAME, std::process::id(), rand::random::<u32>());
        let parts = Parts::new(&store, loaded, output, &cluster, &worker)?;
        let health = Health {
            since: Instant::now(),
            looked: AtomicU64::new(0),
            store: AtomicBool::new(true),
            worked: AtomicU64::new(0),
            barked: Mutex::default(),
            reload: Mutex::default(),
        };
        let config = &parts.loaded.config;
        let web = Web::new(Arc::clone(&store), config.users.clone(), config.public_url.as_deref())?;
        web.shelve(parts.loaded.shelf());
        let shared = Self {
            store,
            cluster,
            worker,
            parts: RwLock::new(Arc::new(parts)),
            metrics: Metrics::default(),
            health,
            taking: AtomicUsize::new(0),
            alerts: Notify::new(),
            runs: Notify::new(),
            nudged: Mutex::default(),
            mail: Notify::new(),
            came: api::Ends::default(),
            spans,
            web,
            looked: Notify::new(),
            stop,
        };
        let shared = Arc::new(shared);
        Spans::start(&shared, ended);
        Ok((shared, stopped))
    }

    /// What is worked with.
    fn parts(&self) -> Arc<Parts> {
        Arc::clone(&self.parts.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&self.parts().loaded)
    }

    /// Reads everything anew. Where anything is wrong, what was loaded before goes on.
    fn reload(&self, output: &OutputFlags, listen: Option<SocketAddr>) {
        let read = Loaded::read(output, listen)
            .inspect(|loaded| {
                // Whoever reloads waits for it anyway.
                tokio::runtime::Handle::current().block_on(arms::look(loaded));
            })
            .and_then(|loaded| Parts::new(&self.store, loaded, output, &self.cluster, &self.worker));
        let said = match read {
            Ok(parts) => {
                tracing::info!(
                    "reloaded: {} playbooks, {} senders",
                    parts.loaded.books.len(),
                    parts.loaded.sources.len()
                );
                parts.loaded.say();
                let config = &parts.loaded.config;
                self.web.admit(config.users.clone(), config.public_url.as_deref());
                self.web.shelve(parts.loaded.shelf());
                self.looked.notify_one();
                *self.parts.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(parts);
                None
            }
            Err(fault) => {
                tracing::error!("nothing was reloaded, and what was loaded before goes on: {fault}");
                Some(fault.one_line())
            }
        };
        self.metrics.count("ira_reloads_total", &[("outcome", if said.is_none() { "done" } else { "refused" })]);
        *self.health.reload.lock().unwrap_or_else(PoisonError::into_inner) = said;
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

impl Parts {
    fn new(
        store: &Arc<dyn Store>,
        loaded: Loaded,
        output: &OutputFlags,
        cluster: &str,
        worker: &str,
    ) -> Result<Self, Fault> {
        let config = &loaded.config;
        let hands = LocalHands {
            output: output.clone(),
            reach: Reach::default(),
            progress: Arc::new(Silent),
            dry: false,
            config: Some(Arc::clone(config)),
        };
        let mut engine = Engine::new(Arc::clone(store), Arc::new(hands), worker.to_owned(), remediate::state()?);
        engine.budgets.clone_from(&config.engine.budgets);
        engine.unattended = true;
        engine.alarm = RunAlert::of(config, cluster).map(|alarm| Arc::new(alarm) as _);
        let sender = pages::sender(config, store, &engine.hands);
        Ok(Self {
            engine: Arc::new(engine),
            sender: Arc::new(sender),
            output: output.clone(),
            loaded: Arc::new(loaded),
        })
    }
}
