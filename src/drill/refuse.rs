//! Why a drill is not begun: what is not marked, and what would not be a drill any more.

use ira_commands::playbook::{Incoming, KeyPart, Playbook, matched};
use ira_commands::text::clean;
use ira_commands::{Fault, Kind};

use super::mark::LABEL;
use crate::config::{Config, DrillConfig};
use crate::engine::incoming;
use crate::store::ask::Filter;
use crate::store::{Guard, Store};

/// So many of the last alerts are looked through.
const ALERTS: usize = 500;
/// One that did not come again for longer is taken to be over, milliseconds.
const OLD: u64 = 86_400_000;

/// It may be another time.
fn no(why: String) -> Fault {
    Fault::new(Kind::Busy, why)
}

/// The alert of a drill, and what its run would be about; a fault where the playbook is not for it, or the configuration
/// does not mark the target.
pub(super) fn meant(
    config: &Config,
    name: &str,
    drill: &DrillConfig,
    playbook: &Playbook,
) -> Result<(Incoming, Vec<KeyPart>), Fault> {
    if !drill.safe {
        return Err(Fault::new(Kind::Config, format!("the target of [drill.{name}] is not marked as safe for drills"))
            .because(format!("{} {}", drill.inject.word(), clean(&drill.inject.target())))
            .hint(format!("safe = true in [drill.{name}], once it is: it will be broken")));
    }
    let sender = config.systems.sources.get(&drill.source);
    let source = sender.map_or_else(|| drill.source.clone(), |source| source.sender.word().to_owned());
    let mut alert = Incoming { source, ..Incoming::default() };
    alert.alert.labels.clone_from(&drill.labels);
    let about = matched(playbook, &alert).map_err(|stops| {
        let why = stops.iter().max_by_key(|stop| stop.stage).map(|stop| stop.why.clone()).unwrap_or_default();
        Fault::new(Kind::Config, format!("{} does not answer the alert of [drill.{name}]", drill.playbook))
            .because(why)
            .hint("`labels` of the drill are what the playbook's `on` takes")
    })?;
    Ok((alert, about.key))
}

/// Whether it may be begun now.
pub(super) async fn now(
    store: &dyn Store,
    config: &Config,
    drill: &DrillConfig,
    playbook: &Playbook,
    key: &[KeyPart],
) -> Result<(), Fault> {
    let now = store.now().await?;
    let values: Vec<&str> = key.iter().map(|part| part.value.as_str()).collect();
    let concerns = |scope: &str| {
        scope == "*" || scope == drill.playbook || scope == drill.inject.target() || values.contains(&scope)
    };
    for row in store.guards().await? {
        let Some((_, scope)) = row.key.split_once(':') else { continue };
        let kind = row.kind;
        let stands = matches!(kind, Guard::Freeze | Guard::Maintenance | Guard::Storm) && concerns(scope);
        if stands && row.until.is_none_or(|until| until > now) {
            let why = row.state["reason"].as_str().map(clean).unwrap_or_default();
            return Err(no(format!("no drill now: {kind} of `{}`", clean(scope))).because(why));
        }
    }
    let windows = config.engine.maintenance.iter();
    let open = windows.clone().find(|(_, one)| concerns(&one.scope) && (one.from..one.until).contains(&(now / 1000)));
    if let Some((name, _)) = open {
        return Err(no(format!("no drill now: the maintenance window {name} is open")));
    }
    for run in store.runs(Filter::Active).await? {
        let same = run.playbook.as_deref() == Some(&drill.playbook);
        if same || run.locks.iter().any(|lock| values.iter().any(|value| lock.contains(value))) {
            return Err(no(format!("no drill now: run {} of the same goes on ({})", run.id, run.state))
                .hint(format!("ira run show {}", run.id)));
        }
    }
    fires(store, now, playbook, key).await
}

/// A real alert about the same is no time for a drill.
async fn fires(store: &dyn Store, now: u64, playbook: &Playbook, key: &[KeyPart]) -> Result<(), Fault> {
    let mut seen = std::collections::BTreeSet::new();
    // Newest first: what is over has said so last.
    for row in store.inbox(ALERTS).await? {
        if !seen.insert(row.fingerprint.clone())
            || row.state.starts_with("ignored")
            || now - row.last_seen.min(now) > OLD
        {
            continue;
        }
        let Ok(alert) = incoming(&row.payload) else { continue };
        if alert.alert.resolved || alert.alert.labels.contains_key(LABEL) {
            continue;
        }
        if matched(playbook, &alert).is_ok_and(|about| about.key == key) {
            let name = alert.alert.name().map(clean).unwrap_or_default();
            return Err(no(format!(
                "no drill now: the real alert {name} about the same is not over (alert {})",
                row.id
            ))
            .because(clean(&row.state)));
        }
    }
    Ok(())
}
