//! The external switch: it is told that all is well, as long as all is well. Who has it pages when it is not told any more.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ira_commands::{Fault, Kind};
use reqwest::Method;

use super::Shared;
use super::sources::Batch;
use crate::clients::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::intake::Sender;
use crate::config::systems::{Auth, HeartbeatConfig};

/// How long it has to answer: the clock is looked at by who tells it.
const WITHIN: Duration = Duration::from_secs(5);

/// What always fires, that one who is told of nothing knows whether he would be.
const WATCHDOG: &str = "Watchdog";

/// Takes the watchdog out of what came, where it is waited for: it is no alert, and that it comes is all that it says.
/// Whether it was there.
pub(super) fn take(shared: &Shared, batch: &mut Batch) -> bool {
    let loaded = shared.loaded();
    if loaded.config.systems.heartbeat.as_ref().is_none_or(|heart| heart.watchdog.is_none()) {
        return false;
    }
    let all = batch.deliveries.len();
    batch.deliveries.retain(|one| one.incoming.alert.name() != Some(WATCHDOG));
    batch.deliveries.len() < all
}

/// When it was told.
#[derive(Default)]
pub(super) struct Beat {
    told: Option<Instant>,
    /// Why it is not told any more.
    held: Option<String>,
}

impl Beat {
    /// Tells it where it is time, and all is well. The store has just taken a commit, and what is overdue has its page.
    /// `claimable`: a run waits for a worker.
    pub async fn round(&mut self, shared: &Shared, claimable: bool) {
        let config = Arc::clone(&shared.loaded().config);
        let Some(heart) = &config.systems.heartbeat else { return };
        if self.told.is_some_and(|told| told.elapsed() < heart.every) {
            return;
        }
        let why = match unwell(shared, &config, heart, claimable) {
            Some(why) => Some(why),
            None => tell(&config, heart).await.err().map(|fault| fault.one_line()),
        };
        let outcome = if why.is_none() { "told" } else { "held" };
        shared.metrics.count("ira_heartbeats_total", &[("outcome", outcome)]);
        match &why {
            Some(why) if self.held.is_none() => {
                tracing::error!("the external switch is not told that all is well: {why}");
            }
            None if self.held.is_some() => tracing::info!("the external switch is told again that all is well"),
            _ => {}
        }
        if why.is_none() {
            self.told = Some(Instant::now());
        }
        self.held = why;
    }
}

/// Why it is not said that all is well.
fn unwell(shared: &Shared, config: &Config, heart: &HeartbeatConfig, claimable: bool) -> Option<String> {
    let health = &shared.health;
    let up = health.since.elapsed();
    let worked = Duration::from_millis(health.worked.load(Ordering::Relaxed));
    let idle = up.saturating_sub(worked);
    if claimable && idle > config.daemon.page_after {
        return Some(format!("a run waits, and no worker has looked for one for {} s", idle.as_secs()));
    }
    let within = heart.watchdog?;
    let sources = config.systems.sources.iter().filter(|(_, source)| source.sender == Sender::Alertmanager);
    let silent = sources.map(|(name, _)| name).find(|name| {
        // One that has just begun may not have been told yet.
        health.barked(name).map_or(up, |at| at.elapsed()) > within
    })?;
    Some(format!("{WATCHDOG} has not come from {silent} for more than {} s", within.as_secs()))
}

async fn tell(config: &Config, heart: &HeartbeatConfig) -> Result<(), Fault> {
    let service = Service::open("the external switch", &heart.url, &Auth::None, config.env())?;
    let call = Call::new(Method::GET, &[]);
    match tokio::time::timeout(WITHIN, service.ask(&call, Again::Freely)).await {
        Ok(said) => said.map(|_| ()).map_err(|broken| broken.fault),
        Err(_) => Err(Fault::new(Kind::Timeout, "the external switch did not answer in time")),
    }
}
