//! Drills that the daemon does by itself: once in each window, also where it was started anew in it.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::Fault;

use super::{course, injector, mark, read};
use crate::cli::OutputFlags;
use crate::config::Config;
use crate::store::Store;
use crate::store::ask::Filter;

/// Who does it, in the record.
const ACTOR: &str = "schedule";

/// Does what is due, one after the other; takes back what a drill left whose processes are dead. Gives how many were done.
pub async fn run(config: &Arc<Config>, output: &OutputFlags, store: &Arc<dyn Store>) -> Result<usize, Fault> {
    for taken in injector::take_back(config).await? {
        match taken {
            Ok(said) => tracing::warn!("a drill had died: {said}"),
            Err(fault) => tracing::error!("{fault}"),
        }
    }
    course::orphans(store.as_ref()).await?;
    let now = store.now().await? / 1000;
    let mut done = 0;
    for (name, own) in &config.engine.drills {
        let Some(began) = own.schedule.and_then(|schedule| schedule.open(now)) else { continue };
        let title = format!("{}{}/{name}", mark::PATH, own.playbook);
        let runs = store.runs(Filter::All).await?;
        if runs.iter().any(|run| run.title == title && run.admitted_at >= began * 1000) {
            continue;
        }
        let drill = match read(name, config, output, false, ACTOR) {
            Ok(drill) => drill,
            Err(fault) => {
                tracing::warn!("the drill {name} is not done: {fault}");
                continue;
            }
        };
        // What stands in its way now may be over before the window is.
        if let Err(fault) = drill.look().await {
            tracing::info!("the drill {name} is not done yet: {fault}");
            continue;
        }
        let said = Box::pin(drill.perform(&|line| tracing::info!("drill {name}: {line}"))).await;
        match said {
            Ok(outcome) if outcome.passed => tracing::info!("the drill {name} was mended"),
            Ok(outcome) => tracing::error!("the drill {name} failed: {}", outcome.why),
            Err(fault) => tracing::warn!("the drill {name} could not be done: {fault}"),
        }
        done += 1;
    }
    Ok(done)
}

/// How often the daemon looks.
pub const ROUND: Duration = Duration::from_secs(20);
