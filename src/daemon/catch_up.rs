//! What fired while nobody listened: asked of Alertmanager at the start.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::intake::alerts;
use super::routing::Routing;
use super::sources::{Batch, missed};
use super::{Shared, arms, beat};
use crate::clients::alertmanager::Alertmanager;
use crate::clock::SystemClock;
use crate::config::intake::Sender;

/// Asks once for each sender whose receivers are known: by their name in the configuration, or by where their webhooks
/// lead. What is known already only counts.
pub(super) async fn run(shared: Arc<Shared>) {
    let loaded = shared.loaded();
    let config = &loaded.config;
    let Some(pair) = config.systems.alertmanager.clone() else { return };
    let pair = Alertmanager::new(Arc::clone(config), pair, Arc::new(SystemClock));
    let routings = arms::asked(config).await.unwrap_or_default();
    for (name, source) in config.systems.sources.iter().filter(|(_, one)| one.sender == Sender::Alertmanager) {
        let mut receivers: BTreeSet<&String> = source.receiver.iter().collect();
        receivers.extend(routings.iter().flat_map(|(_, routing)| routing.leading_to(name)));
        for receiver in receivers {
            for one in missed(&pair, receiver, &source.limits).await {
                let routing = routings.iter().find(|(by, _)| *by == one.by).map(|(_, routing)| routing);
                match one.says {
                    Ok(mut batch) => {
                        // It is no word of the intake that it fires.
                        let _took = beat::take(&shared, &mut batch);
                        grouped(&mut batch, receiver, routing);
                        keep(&shared, name, &one.by, batch).await;
                    }
                    Err(fault) => tracing::warn!("what fired while nobody listened is not known: {}: {fault}", one.by),
                }
            }
        }
    }
}

/// The group of each: its API names none, but its routes say which it is in. So a page has the key of its webhook.
fn grouped(batch: &mut Batch, receiver: &str, routing: Option<&Routing>) {
    for one in batch.deliveries.iter_mut().filter(|one| one.group_key.is_empty()) {
        let labels = &one.incoming.alert.labels;
        let goes = routing.map(|routing| routing.of(labels)).unwrap_or_default();
        let key = goes.iter().find(|goes| goes.receiver == receiver).map(|goes| goes.group_key(labels));
        one.group_key = key.unwrap_or_default();
    }
}

async fn keep(shared: &Arc<Shared>, source: &str, by: &str, batch: Batch) {
    let found = alerts(source, batch);
    if found.is_empty() {
        return;
    }
    match shared.store.receive(found).await {
        Ok(received) => {
            let new = received.iter().filter(|one| !one.again).count();
            tracing::info!("{by} says that {} alerts fire; {new} of them were not known", received.len());
            shared.alerts.notify_one();
        }
        Err(fault) => tracing::error!("what {by} says could not be kept: {fault}"),
    }
}
