//! Bind → ready → serve → drain.

use std::sync::Arc;

use ira_commands::{Fault, Kind};
use sd_notify::NotifyState;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::admin::Admin;
use super::intake::Intake;
use super::life::DaemonArgs;
use super::{Shared, arms, books, catch_up, decide, drills, listen, time, work};
use crate::cli::OutputFlags;
use crate::terminal::write_stdout;

/// The most probes and open pages at the same time.
const VISITORS: usize = 128;

/// Serves until it is told to end, and then what is under way has its grace.
pub(super) async fn serve(
    args: &DaemonArgs,
    output: &OutputFlags,
    shared: &Arc<Shared>,
    stopped: watch::Receiver<bool>,
) -> Result<(), Fault> {
    let config = Arc::clone(&shared.loaded().config);
    let mut signals = Signals::take()?;
    let mut tasks = JoinSet::new();
    let listener = listen::bind(args.listen.unwrap_or(config.daemon.listen)).await?;
    let at = listen::address(&listener)?;
    let scheme = |tls: bool| if tls { "https" } else { "http" };
    let loaded = shared.loaded();
    let mut said = format!("ready: {}://{at}\n", scheme(loaded.tls.is_some()));
    if let Some(admin) = args.admin.or(config.daemon.admin) {
        books::private(admin, loaded.admin_tls.is_some())?;
        let admin = listen::bind(admin).await?;
        said = format!("{said}admin: {}://{}\n", scheme(loaded.admin_tls.is_some()), listen::address(&admin)?);
        tasks.spawn(listen::serve(admin, Arc::new(Admin(Arc::clone(shared))), VISITORS, stopped.clone()));
    }
    let orphans = work::orphans(shared).await?;
    let intake = Arc::new(Intake::new(Arc::clone(shared), at.ip().is_loopback()));
    tasks.spawn(listen::serve(listener, intake, config.daemon.connections, stopped));
    tasks.spawn(decide::run(Arc::clone(shared)));
    tasks.spawn(time::run(Arc::clone(shared)));
    tasks.spawn(time::send(Arc::clone(shared)));
    for _ in 0..config.daemon.workers {
        tasks.spawn(work::run(Arc::clone(shared)));
    }
    write_stdout(&said)
        .map_err(|error| Fault::new(Kind::Failed, "it cannot be said that it is ready").because(error.to_string()))?;
    notify(NotifyState::Ready);
    tasks.spawn(drills::run(Arc::clone(shared)));
    tasks.spawn(arms::run(Arc::clone(shared)));
    tasks.spawn(catch_up::run(Arc::clone(shared)));
    tracing::info!("{}; {orphans} runs of an earlier daemon are taken up", said.trim().replace('\n', ", "));
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => break,
            _ = signals.interrupt.recv() => break,
            _ = signals.reload.recv() => {
                let (again, output, listen) = (Arc::clone(shared), output.clone(), args.listen);
                if tokio::task::spawn_blocking(move || again.reload(&output, listen)).await.is_err() {
                    tracing::error!("nothing was reloaded: it broke");
                }
            }
        }
    }
    notify(NotifyState::Stopping);
    tracing::info!("stopping: nothing more is taken; what is under way has {} s", config.daemon.grace.as_secs());
    shared.stop.send_replace(true);
    shared.web.close();
    let drained = async { while tasks.join_next().await.is_some() {} };
    if tokio::time::timeout(config.daemon.grace, drained).await.is_err() {
        tracing::warn!("runs are still under way: the next daemon takes them up");
    }
    shared.spans.close().await;
    Ok(())
}

fn notify(state: NotifyState<'_>) {
    if let Err(error) = sd_notify::notify(&[state]) {
        tracing::debug!("the service manager is not told: {error}");
    }
}

/// What the process is told from outside.
struct Signals {
    terminate: Signal,
    interrupt: Signal,
    reload: Signal,
}

impl Signals {
    fn take() -> Result<Self, Fault> {
        let take = |kind| {
            signal(kind).map_err(|error| Fault::new(Kind::Failed, "signals cannot be heard").because(error.to_string()))
        };
        Ok(Self {
            terminate: take(SignalKind::terminate())?,
            interrupt: take(SignalKind::interrupt())?,
            reload: take(SignalKind::hangup())?,
        })
    }
}
