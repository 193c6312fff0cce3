//! Drills: those that are due are looked for until the daemon stops, and what an alert of one tells goes nowhere.

use std::sync::Arc;

use ira_commands::Fault;

use super::decide::One;
use super::{Shared, tell};
use crate::drill::{self, Order};
use crate::engine::incoming;
use crate::store::ask::Tell;
use crate::store::model::InboxRow;

/// Looks, and does what is due.
pub(super) async fn run(shared: Arc<Shared>) {
    while !shared.stopping() {
        let parts = shared.parts();
        let looked = drill::scheduled(&parts.loaded.config, &parts.output, &shared.store);
        tokio::select! {
            done = looked => {
                if let Err(fault) = done {
                    tracing::warn!("what is due to be drilled cannot be known: {fault}");
                }
            }
            // One that is under way takes back what it broke, by itself.
            () = shared.stopped() => return,
        }
        tokio::select! {
            () = tokio::time::sleep(drill::ROUND) => {}
            () = shared.stopped() => {}
        }
    }
}

/// The drill that an alert is of.
pub(super) async fn of(shared: &Shared, row: &InboxRow) -> Result<Option<Order>, Fault> {
    // Few are, and the others need not be read for it.
    if !row.payload.contains(drill::LABEL) {
        return Ok(None);
    }
    let alert = incoming(&row.payload).unwrap_or_default();
    drill::order(shared.store.as_ref(), &alert.alert.labels).await
}

impl One {
    /// Whom it tells; nobody outside where it is of a drill.
    pub(super) fn quiet(&self, mut tell: Tell) -> Tell {
        if let Some(page) = self.drill.as_ref().and_then(Order::page) {
            tell.dedup_key = page;
        }
        tell
    }

    /// The dedup key of its page.
    pub(super) fn page_key(&self) -> String {
        let drill = self.drill.as_ref().and_then(Order::page);
        drill.unwrap_or_else(|| tell::key(&self.row, &self.shared.cluster))
    }
}
