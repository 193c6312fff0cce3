//! Drills that are due: looked for until the daemon stops.

use std::sync::Arc;

use super::Shared;
use crate::drill;

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
