//! What fired while nobody listened: asked of Alertmanager at the start.

use std::sync::Arc;

use super::Shared;
use super::intake::alerts;
use super::sources::{Batch, missed};
use crate::clients::alertmanager::Alertmanager;
use crate::clock::SystemClock;
use crate::config::intake::Sender;

/// Asks once for each sender whose receiver is named. What is known already only counts.
pub(super) async fn run(shared: Arc<Shared>) {
    let loaded = shared.loaded();
    let config = &loaded.config;
    let Some(pair) = config.systems.alertmanager.clone() else { return };
    let pair = Alertmanager::new(Arc::clone(config), pair, Arc::new(SystemClock));
    for (name, source) in &config.systems.sources {
        let Some(receiver) = source.receiver.as_deref().filter(|_| source.sender == Sender::Alertmanager) else {
            continue;
        };
        for one in missed(&pair, receiver, &source.limits).await {
            match one.says {
                Ok(batch) => keep(&shared, name, &one.by, batch).await,
                Err(fault) => tracing::warn!("what fired while nobody listened is not known: {}: {fault}", one.by),
            }
        }
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
