//! `--once`: what is due is done, and the process ends. For cron.

use std::sync::Arc;

use ira_commands::Fault;

use super::{Shared, decide, work};
use crate::store::ask::Filter;

/// Decides what waits, goes on with what is due, sends what is to be sent.
pub(super) async fn once(shared: &Arc<Shared>) -> Result<(), Fault> {
    let parts = shared.parts();
    for run in work::orphaned(shared).await? {
        // Its process is dead: whoever denies it says why.
        if let Err(denial) = parts.engine.drive_orphan(run, &work::Log).await? {
            tracing::info!("run {run}: {denial}");
        }
    }
    loop {
        parts.engine.tick().await?;
        let mut any = decide::pass(shared).await?;
        while let Some((run, came)) = parts.engine.work(&work::Log).await? {
            work::count(shared, run, &came);
            any = true;
        }
        any |= parts.sender.pass(None).await? > 0;
        if !any {
            break;
        }
    }
    shared.spans.close().await;
    let open = shared.store.runs(Filter::Active).await?.len();
    if open > 0 {
        tracing::info!("{open} runs wait for their time or for somebody");
    }
    Ok(())
}
