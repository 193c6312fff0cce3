//! What pages when nobody is there any more: the watcher where the process dies, the run alert where the machine does.

use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::Fault;
use tokio::sync::Mutex;

use super::watcher::Watcher;
use crate::config::Config;
use crate::engine::Alarm;
use crate::pages::RunAlert;
use crate::store::RunState;
use crate::store::model::{Run, RunId};

/// The alarms of a run by hand.
pub struct HandAlarm {
    alert: Option<RunAlert>,
    config: Option<PathBuf>,
    /// The run that is at work, and its watcher.
    watcher: Mutex<Option<(RunId, Watcher)>>,
}

impl HandAlarm {
    /// As it is configured; none where there is nobody who could be told. `file` is the configuration file that was named.
    pub fn of(config: &Arc<Config>, cluster: &str, file: Option<PathBuf>) -> Option<Arc<dyn Alarm>> {
        let systems = &config.systems;
        let somebody = systems.page.is_some()
            || systems.pagerduty.is_some()
            || systems.slack.is_some()
            || systems.alertmanager.is_some();
        let alert = RunAlert::of(config, cluster);
        somebody.then(|| Arc::new(Self { alert, config: file, watcher: Mutex::default() }) as Arc<dyn Alarm>)
    }
}

/// Whether there is a watcher of this run. That of another one ends by itself.
fn watches(watcher: &mut Option<(RunId, Watcher)>, run: RunId) -> bool {
    watcher.as_mut().is_some_and(|(of, watcher)| *of == run && watcher.is_alive())
}

#[async_trait]
impl Alarm for HandAlarm {
    async fn set(&self, run: &Run) -> Result<(), Fault> {
        let mut watcher = self.watcher.lock().await;
        if !watches(&mut watcher, run.id) {
            *watcher = Some((run.id, Watcher::start(run.id, self.config.clone()).await?));
        }
        match &self.alert {
            Some(alert) => alert.set(run).await,
            None => Ok(()),
        }
    }

    async fn clear(&self, run: &Run) -> Result<(), Fault> {
        // The watcher ends by itself. What hands a run over stands until somebody was woken: it sees to that.
        let watched = watches(&mut *self.watcher.lock().await, run.id);
        match &self.alert {
            Some(alert) if run.state != RunState::Escalated || !watched => alert.clear(run).await,
            _ => Ok(()),
        }
    }
}
