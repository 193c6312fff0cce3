//! What time brings: pages that fall due, alerts that wait too long, what need not be kept.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ira_commands::Fault;

use super::beat::Beat;
use super::{Shared, direct, tell};
use crate::retention::{USUAL, sweep};

/// How often is looked.
const ROUND: Duration = Duration::from_secs(1);
/// How often is looked for what need not be kept.
const CLEANING: Duration = Duration::from_secs(3_600);
/// An alert that waits for longer than this to be decided is one that nobody decides.
const LONGEST: u64 = 60_000;

/// Looks at the clock until the daemon stops.
pub(super) async fn run(shared: Arc<Shared>) {
    let mut cleaned: Option<Instant> = None;
    let mut failing: Option<(Instant, bool)> = None;
    let mut beat = Beat::default();
    let watched = sd_notify::watchdog_enabled().is_some();
    while !shared.stopping() {
        let looked = shared.health.since.elapsed().as_millis();
        shared.health.looked.store(u64::try_from(looked).unwrap_or(u64::MAX), Ordering::Relaxed);
        if watched && let Err(error) = sd_notify::notify(&[sd_notify::NotifyState::Watchdog]) {
            tracing::debug!("the service manager is not told: {error}");
        }
        let went = round(&shared).await;
        shared.health.store.store(went.is_ok(), Ordering::Relaxed);
        shared.metrics.set("ira_store_up", &[], u64::from(went.is_ok()));
        failing = match went {
            Ok(claimable) => {
                beat.round(&shared, claimable).await;
                None
            }
            Err(fault) => Some(down(&shared, failing, &fault).await),
        };
        if failing.is_none() && cleaned.is_none_or(|at| at.elapsed() > CLEANING) {
            cleaned = Some(Instant::now());
            let state = shared.parts().engine.folder.clone();
            match sweep(shared.store.as_ref(), USUAL, &state).await {
                Ok(swept) => tracing::debug!("let go of {swept:?}"),
                Err(fault) => tracing::warn!("nothing could be let go: {fault}"),
            }
        }
        tokio::select! {
            () = tokio::time::sleep(ROUND) => {}
            () = shared.stopped() => {}
        }
    }
}

/// The store fails: since when, and whether somebody was woken for it.
async fn down(shared: &Arc<Shared>, failing: Option<(Instant, bool)>, fault: &Fault) -> (Instant, bool) {
    shared.metrics.count("ira_store_errors_total", &[]);
    let (since, told) = failing.unwrap_or_else(|| {
        tracing::error!("the store fails: nothing new is begun: {fault}");
        (Instant::now(), false)
    });
    let config = Arc::clone(&shared.loaded().config);
    if told || since.elapsed() < config.daemon.page_after {
        return (since, told);
    }
    let why = format!("the store has failed for {} s: {}", since.elapsed().as_secs(), fault.one_line());
    match direct::page(&config, "store", &why).await {
        Ok(()) => (since, true),
        Err(fault) => {
            tracing::error!("nobody could be told that the store fails: {fault}");
            (since, false)
        }
    }
}

/// What is due, and written down; whether a run waits for a worker.
async fn round(shared: &Arc<Shared>) -> Result<bool, Fault> {
    let parts = shared.parts();
    let engine = &parts.engine;
    let tick = engine.tick().await?;
    if tick.claimable {
        shared.runs.notify_one();
    }
    shared.store.beat(&engine.worker, "").await?;
    let loaded = &parts.loaded;
    let backlog = shared.store.backlog(loaded.config.daemon.queue).await?;
    let waited = backlog.oldest.map_or(0, |at| backlog.now.saturating_sub(at));
    shared.metrics.waiting.store(backlog.due, Ordering::Relaxed);
    shared.metrics.set("ira_undecided", &[], backlog.due);
    shared.metrics.set("ira_undecided_oldest_seconds", &[], waited / 1000);
    if backlog.due > 0 {
        shared.alerts.notify_one();
    }
    if waited > LONGEST {
        let why = format!(
            "{} alerts were taken and are not decided; the oldest waits for {} s. `ira run list` and the log say more",
            backlog.due,
            waited / 1000
        );
        tracing::error!("{why}");
        let at = backlog.now / 3_600_000;
        shared.store.tell(tell::own(&loaded.config, &shared.cluster, "undecided", at, &why)).await?;
    }
    shared.mail.notify_one();
    Ok(tick.claimable)
}

/// Empties the outbox until the daemon stops, and once more then.
pub(super) async fn send(shared: Arc<Shared>) {
    loop {
        let last = shared.stopping();
        match shared.parts().sender.pass(None).await {
            Ok(sent) => shared.metrics.add("ira_mail_sent_total", &[], sent as u64),
            Err(fault) => tracing::error!("the outbox cannot be emptied: {fault}"),
        }
        if last {
            return;
        }
        tokio::select! {
            () = shared.mail.notified() => {}
            () = tokio::time::sleep(ROUND) => {}
            () = shared.stopped() => {}
        }
    }
}
