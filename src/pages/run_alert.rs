//! The run alert: what an Alertmanager pages by when this machine dies in the middle of a run.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ira_commands::{Fault, Kind, date};
use serde_json::json;

use crate::clients::alertmanager::Alertmanager;
use crate::clients::host_name;
use crate::clock::SystemClock;
use crate::config::Config;
use crate::drill;
use crate::engine::Alarm;
use crate::store::model::{Run, RunId};

/// Its name: what a route matches.
pub const NAME: &str = "IraRunOpen";
/// It ends by itself after this, seconds: nobody is there any more who could end it.
const ENDS: u64 = 86_400;
/// An Alertmanager forgets it when it is restarted, so it is told again.
const AGAIN: Duration = Duration::from_secs(50);

/// The run alert in every Alertmanager that is configured.
pub struct RunAlert {
    managers: Alertmanager,
    /// The id of the store: runs of two stores have the same numbers.
    cluster: String,
    /// The run that it was last told of, and when one has taken it.
    told: Mutex<Option<(RunId, Option<Instant>)>>,
}

impl RunAlert {
    /// Of the Alertmanagers that are configured; none where none is.
    pub fn of(config: &Arc<Config>, cluster: &str) -> Option<Self> {
        let pair = config.systems.alertmanager.clone()?;
        let managers = Alertmanager::new(Arc::clone(config), pair, Arc::new(SystemClock));
        Some(Self { managers, cluster: cluster.chars().take(12).collect(), told: Mutex::default() })
    }

    fn told(&self) -> std::sync::MutexGuard<'_, Option<(RunId, Option<Instant>)>> {
        self.told.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Posts it to each; well where one has taken it.
    async fn post(&self, run: &Run, ends: u64) -> Result<(), Fault> {
        let playbook = run.playbook.as_deref().unwrap_or("none");
        let summary = format!("run {} ({}) on {} has begun and not ended", run.id, run.title, host_name());
        let alert = json!([{
            // What it is known by: the same from whatever machine.
            "labels": {
                "alertname": NAME,
                "run": format!("{}/{}", self.cluster, run.id),
                "playbook": playbook,
                "severity": "critical",
            },
            "annotations": {
                "summary": summary,
                "description": format!("nobody may be at it any more: `ira run show {}` there has its record", run.id),
            },
            "startsAt": date::stamp(run.admitted_at / 1_000),
            "endsAt": date::stamp(ends),
        }]);
        let mut failed: Option<Fault> = None;
        let mut taken = 0;
        for said in self.managers.post(&alert).await {
            match said {
                Ok(()) => taken += 1,
                Err(fault) => {
                    tracing::warn!("the alert of run {}: {fault}", run.id);
                    failed = Some(match failed {
                        None => fault,
                        Some(first) => first.because(fault.one_line()),
                    });
                }
            }
        }
        match failed {
            // One that is there pages for both.
            Some(fault) if taken == 0 => Err(fault.wrap("no Alertmanager takes the alert of this run")),
            None if taken == 0 => Err(Fault::new(Kind::Config, "no Alertmanager is configured")),
            _ => Ok(()),
        }
    }
}

fn now() -> u64 {
    SystemClock.now_millis() / 1_000
}

#[async_trait]
impl Alarm for RunAlert {
    async fn set(&self, run: &Run) -> Result<(), Fault> {
        if drill::is_key(&run.page) {
            return Ok(());
        }
        let fresh = self.told().is_some_and(|(known, at)| known == run.id && at.is_some_and(|at| at.elapsed() < AGAIN));
        if fresh {
            return Ok(());
        }
        // It may be taken and the answer lost: then it is ended, too.
        *self.told() = Some((run.id, None));
        self.post(run, now() + ENDS).await?;
        *self.told() = Some((run.id, Some(Instant::now())));
        Ok(())
    }

    async fn clear(&self, run: &Run) -> Result<(), Fault> {
        if drill::is_key(&run.page) {
            return Ok(());
        }
        let told = self.told().take().is_some_and(|(known, _)| known == run.id);
        if !told && run.first_write_at.is_none() {
            return Ok(());
        }
        self.post(run, now().max(run.admitted_at / 1_000 + 1)).await
    }
}
