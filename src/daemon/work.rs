//! Workers: each takes the run that is due for the longest time, goes with it as far as it goes, and takes the next.

use std::sync::{Arc, PoisonError};
use std::time::Duration;

use ira_commands::Fault;
use ira_commands::text::excerpt;

use super::Shared;
use crate::engine::{Came, Engine, Mark, Watch};
use crate::store::RunState;
use crate::store::ask::Filter;
use crate::store::model::RunId;

/// How long is waited at most before it is looked again.
const PAUSE: Duration = Duration::from_millis(500);
/// After the store failed.
const LONGER: Duration = Duration::from_secs(2);

/// What every worker of a daemon is called in the record; with the process behind it.
pub(super) const NAME: &str = "daemon:";

/// Takes runs until the daemon stops; the one that is under way is gone on with.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.stopping() {
        let engine = Arc::clone(&shared.parts().engine);
        shared.health.work();
        let nudged = shared.nudged.lock().unwrap_or_else(PoisonError::into_inner).pop_first();
        let did = match nudged {
            Some(run) => taken(&engine, run).await,
            None => engine.work(&Log).await,
        };
        match did {
            Ok(Some((run, came))) => count(&shared, run, &came),
            Ok(None) => {
                tokio::select! {
                    () = shared.runs.notified() => {}
                    () = tokio::time::sleep(PAUSE) => {}
                    () = shared.stopped() => {}
                }
            }
            Err(fault) => {
                tracing::error!("a run could not be gone on with: {fault}");
                shared.metrics.count("ira_store_errors_total", &[]);
                tokio::time::sleep(LONGER).await;
            }
        }
    }
}

/// A run that is taken up whenever it is due; another worker may have it, and sees by itself why.
async fn taken(engine: &Engine, run: RunId) -> Result<Option<(RunId, Came)>, Fault> {
    match engine.drive(run, &Log).await? {
        Ok(came) => Ok(Some((run, came))),
        Err(denial) => {
            tracing::debug!("run {run}: {denial}");
            Ok(None)
        }
    }
}

pub(super) fn count(shared: &Shared, run: RunId, came: &Came) {
    // What it told waits in the outbox.
    shared.mail.notify_one();
    if matches!(came, Came::Ended(..) | Came::Denied(..)) && !shared.spans.ended(run) {
        shared.metrics.count("ira_traces_total", &[("outcome", "lost")]);
    }
    match came {
        Came::Ended(ended, ending) => {
            let playbook = ended.playbook.clone().unwrap_or_default();
            let how = format!("{ending:?}").to_lowercase();
            shared.metrics.count("ira_runs_total", &[("playbook", &playbook), ("outcome", &how)]);
            tracing::info!("run {run} of {playbook} ended: {how}; {}", excerpt(&ended.note, 200));
        }
        Came::Denied(denial, ended) => {
            let playbook = ended.playbook.clone().unwrap_or_default();
            shared.metrics.count("ira_runs_total", &[("playbook", &playbook), ("outcome", "denied")]);
            shared.metrics.count("ira_denials_total", &[("guard", denial.guard.word())]);
            tracing::info!("run {run} of {playbook} was denied: {denial}");
        }
        Came::Asks(plan, _) => tracing::info!("run {run} asks whether plan {} may be carried out", plan.hash),
        Came::Sleeps(_) | Came::Waits(_) => {}
        Came::Lost(_) => tracing::warn!("run {run} was taken over"),
    }
}

/// Takes up the runs that an earlier daemon had: its process is dead, for this one has the lock of the store.
pub(super) async fn orphans(shared: &Arc<Shared>) -> Result<usize, Fault> {
    let orphans = orphaned(shared).await?;
    let count = orphans.len();
    for run in orphans {
        let (shared, engine) = (Arc::clone(shared), Arc::clone(&shared.parts().engine));
        tokio::spawn(async move {
            match engine.drive_orphan(run, &Log).await {
                Ok(Ok(came)) => self::count(&shared, run, &came),
                Ok(Err(denial)) => tracing::info!("run {run}: {denial}"),
                Err(fault) => tracing::error!("run {run} could not be taken up: {fault}"),
            }
        });
    }
    Ok(count)
}

/// The runs that an earlier daemon had.
pub(super) async fn orphaned(shared: &Shared) -> Result<Vec<RunId>, Fault> {
    let runs = shared.store.runs(Filter::Active).await?;
    let theirs = |owner: &str| owner.starts_with(NAME) && owner != shared.worker;
    Ok(runs.iter().filter(|run| run.owner.as_deref().is_some_and(theirs)).map(|run| run.id).collect())
}

/// A run as lines of the log.
pub(super) struct Log;

impl Watch for Log {
    fn step(&self, path: &str, command: &str, mark: Mark, said: &str) {
        tracing::debug!("{path} ({command}): {mark:?} {}", excerpt(said, 160));
    }

    fn state(&self, state: RunState, why: &str) {
        tracing::debug!("{state} {}", excerpt(why, 160));
    }

    fn warn(&self, said: &str) {
        tracing::warn!("{}", excerpt(said, 300));
    }
}
