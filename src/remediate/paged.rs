//! Whom a run by hand wakes: written down with it.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::{Fault, Report};

use super::Around;
use super::alarm::HandAlarm;
use super::hands::LocalHands;
use crate::cli::{OutputFlags, Reach};
use crate::config::Config;
use crate::engine::{Alarm as _, Engine, Hands, Wanted};
use crate::pages::{self, About, RunAlert};
use crate::progress::Silent;
use crate::runs;
use crate::store::Store;
use crate::store::model::RunId;

/// A run that is to be, with its page and the time after which it is sent.
pub(super) async fn paged<'a>(wanted: Wanted<'a>, around: &Around<'_>, store: &dyn Store) -> Result<Wanted<'a>, Fault> {
    let cluster = store.identity().await?.cluster_id;
    let (key, group_key) = pages::key(&around.config.systems, &around.text, wanted.alert, &cluster);
    let about = About { playbook: wanted.playbook, alert: wanted.alert, key: &key };
    let page = pages::page(&around.config, about);
    let escalate = wanted.playbook.escalate.as_ref();
    let escalate_in = escalate.map(|escalate| Duration::from_secs(escalate.deadline));
    Ok(Wanted { group_key, page, escalate_in, ..wanted })
}

/// An engine with what pages when this process or this machine dies.
pub(super) async fn armed(mut engine: Engine, around: &Around<'_>) -> Result<Engine, Fault> {
    let cluster = engine.store.identity().await?.cluster_id;
    engine.alarm = HandAlarm::of(&around.config, &cluster, around.output.config.clone());
    Ok(engine)
}

/// A run as it stands, once what is to be said of it was said.
pub(super) async fn told(engine: &Engine, around: &Around<'_>, run: RunId) -> Result<Report, Fault> {
    let sender = pages::sender(&around.config, &engine.store, &engine.hands);
    let untold = pages::deliver(&sender, run).await?;
    let mut report = runs::show(engine.store.as_ref(), run).await?;
    report.warnings.extend(untold);
    Ok(report)
}

/// What a person has said of a run goes to whoever was told of it, and an alert of a run that has ended is ended. Gives
/// what was not taken, a line each.
pub(crate) async fn told_of(
    run: RunId,
    config: &Arc<Config>,
    output: &OutputFlags,
    store: &Arc<dyn Store>,
) -> Result<Vec<String>, Fault> {
    let known = store.run(run).await?.map(|story| story.run);
    let Some(known) = known.filter(|run| run.playbook.is_some()) else { return Ok(Vec::new()) };
    let hands: Arc<dyn Hands> = Arc::new(LocalHands {
        output: output.clone(),
        reach: Reach::default(),
        progress: Arc::new(Silent),
        dry: false,
        config: None,
    });
    let mut untold = pages::deliver(&pages::sender(config, store, &hands), run).await?;
    let alert = RunAlert::of(config, &store.identity().await?.cluster_id).filter(|_| known.state.terminal());
    if let Some(alert) = alert
        && let Err(fault) = alert.clear(&known).await
    {
        untold.push(format!("the alert of the run could not be ended: {}", fault.one_line()));
    }
    Ok(untold)
}
