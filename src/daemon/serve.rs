//! The life of the daemon: validate → open the store → bind → ready → serve → drain.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, RwLock};
use std::time::Duration;

use clap::Args;
use ira_commands::{Fault, Kind};
use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::{Notify, watch};
use tokio::task::JoinSet;

use super::books::Loaded;
use super::intake::Intake;
use super::metrics::Metrics;
use super::pager::Nobody;
use super::{Shared, decide, listen, lock, time, work};
use crate::cli::{OutputFlags, Reach};
use crate::config::daemon::{parse_address, parse_loopback};
use crate::engine::{Engine, Sender};
use crate::progress::Silent;
use crate::remediate::{self, LocalHands};
use crate::session::Session;
use crate::store::{Options, Sqlite, Store};
use crate::terminal::{Env, write_stdout};
use crate::logging;

/// How the daemon is started.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct DaemonArgs {
    /// Where alerts come in; port 0 takes a free one [default: 127.0.0.1:9097]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_address)]
    pub listen: Option<SocketAddr>,
    /// Where health and metrics are read: this machine alone
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_loopback)]
    pub admin: Option<SocketAddr>,
}

/// Runs until it is told to end; gives the exit code.
pub fn daemon(session: &mut Session, args: &DaemonArgs, output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    if logging::level(env(logging::VARIABLE).as_deref())?.is_none() {
        logging::start(tracing::Level::INFO, session.colours_stderr());
    }
    let loaded = Loaded::read(output)?;
    session.configure(loaded.config.output);
    for (name, why) in loaded.refused() {
        tracing::warn!("the playbook {name} is not loaded: {why}");
    }
    let uri = remediate::uri(&loaded.config)?;
    let path = uri.strip_prefix("sqlite:").map(Path::new).ok_or_else(|| {
        Fault::new(Kind::Config, "the daemon needs a store that outlives it").hint("store = \"sqlite:/var/lib/ira/ira.db\"")
    })?;
    let store: Arc<dyn Store> = Arc::new(Sqlite::open(path, Options::default())?);
    let _lock = lock::take(path)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(|error| Fault::new(Kind::Failed, "cannot start").because(error.to_string()))?;
    let served = runtime.block_on(serve(args, output, loaded, store));
    runtime.shutdown_timeout(Duration::from_secs(1));
    served.map(|()| 0)
}

async fn serve(args: &DaemonArgs, output: &OutputFlags, loaded: Loaded, store: Arc<dyn Store>) -> Result<(), Fault> {
    let config = Arc::clone(&loaded.config);
    let (stop, stopped) = watch::channel(false);
    let identity = store.identity().await?;
    let shared = Arc::new(Shared {
        store: Arc::clone(&store),
        cluster: identity.cluster_id.chars().take(12).collect(),
        loaded: RwLock::new(Arc::new(loaded)),
        metrics: Metrics::default(),
        alerts: Notify::new(),
        runs: Notify::new(),
        nudged: std::sync::Mutex::default(),
        mail: Notify::new(),
        stop,
    });
    let engine = Arc::new(engine(&shared, output)?);
    let sender = Arc::new(Sender {
        store,
        post: Arc::new(Nobody),
        hands: Arc::clone(&engine.hands),
        fallback: None,
        acknowledged_within: None,
    });
    let mut told = Signals::take()?;
    let listener = listen::bind(args.listen.unwrap_or(config.daemon.listen)).await?;
    let address = listener.local_addr().map_err(|error| Fault::new(Kind::Failed, error.to_string()))?;
    let orphans = work::orphans(&shared, &engine).await?;
    let mut tasks = JoinSet::new();
    tasks.spawn(listen::serve(listener, Arc::new(Intake::new(Arc::clone(&shared))), config.daemon.connections, stopped));
    tasks.spawn(decide::run(Arc::clone(&shared), Arc::clone(&engine)));
    tasks.spawn(time::run(Arc::clone(&shared), Arc::clone(&engine)));
    tasks.spawn(time::send(Arc::clone(&shared), sender));
    for _ in 0..config.daemon.workers {
        tasks.spawn(work::run(Arc::clone(&shared), Arc::clone(&engine)));
    }
    let ready = write_stdout(&format!("ready: http://{address}\n"));
    ready.map_err(|error| Fault::new(Kind::Failed, "it cannot be said that it is ready").because(error.to_string()))?;
    let _told = sd_notify::notify(&[NotifyState::Ready]);
    tracing::info!("listening on {address}; {orphans} runs of an earlier daemon are taken up");
    told.end().await;
    let _told = sd_notify::notify(&[NotifyState::Stopping]);
    tracing::info!("stopping: no more is taken; what is under way has {} s", config.daemon.grace.as_secs());
    let _heard = shared.stop.send(true);
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(config.daemon.grace, drained).await.is_err() {
        tracing::warn!("runs are still under way: the next daemon takes them up");
    }
    Ok(())
}

fn engine(shared: &Arc<Shared>, output: &OutputFlags) -> Result<Engine, Fault> {
    let hands =
        LocalHands { output: output.clone(), reach: Reach::default(), progress: Arc::new(Silent), dry: false };
    let worker = format!("{}{}:{:08x}", work::NAME, std::process::id(), rand::random::<u32>());
    let mut engine = Engine::new(Arc::clone(&shared.store), Arc::new(hands), worker, remediate::state()?);
    engine.budgets.clone_from(&shared.loaded().config.engine.budgets);
    engine.unattended = true;
    Ok(engine)
}

/// What the process is told from outside.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
}

impl Signals {
    fn take() -> Result<Self, Fault> {
        let take = |kind| {
            signal(kind).map_err(|error| Fault::new(Kind::Failed, "signals cannot be heard").because(error.to_string()))
        };
        Ok(Self { terminate: take(SignalKind::terminate())?, interrupt: take(SignalKind::interrupt())? })
    }

    /// Until the process is told to end.
    async fn end(&mut self) {
        tokio::select! {
            _ = self.terminate.recv() => {}
            _ = self.interrupt.recv() => {}
        }
    }
}
