//! What came of a drill's alert: when it was on the disk, when the first write began, when it was seen to be well.

use std::time::Duration;

use ira_commands::Fault;
use ira_commands::text::excerpt;
use serde_json::{Value as Json, json};

use super::mark::LABEL;
use crate::store::event::What;
use crate::store::model::{InboxRow, RunId};
use crate::store::{Phase, RunState, Store};

/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(200);
/// So many of the last alerts are looked through.
const ALERTS: usize = 500;

/// Which alert is waited for.
#[derive(Clone, Debug)]
pub(super) enum Wanted {
    /// The one with this number.
    Made(String),
    /// The next that the playbook answers, after this time (unix milliseconds).
    Real(u64),
}

/// What was seen so far. Times are unix milliseconds by the store's clock.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    /// When the alert was on the disk.
    pub accepted: Option<u64>,
    /// The run that answers it.
    pub run: Option<u64>,
    /// When its first write began.
    pub wrote: Option<u64>,
    /// When it was first seen to be well.
    pub well: Option<u64>,
    /// How it ended; none where it goes on.
    pub state: Option<RunState>,
    /// Why nothing answers it, or the last word of the run.
    pub note: String,
}

impl Seen {
    /// Whether the playbook did what it is for.
    pub fn passed(&self, writes: bool) -> bool {
        self.state == Some(RunState::Succeeded) && (self.wrote.is_some() || !writes)
    }

    /// The times since `from`, seconds with three decimals.
    pub fn times(&self, from: u64) -> Json {
        let since =
            |at: Option<u64>| at.map(|at| f64::from(u32::try_from(at.saturating_sub(from)).unwrap_or(u32::MAX)) / 1e3);
        json!({ "detect": since(self.accepted), "act": since(self.wrote), "recover": since(self.well) })
    }
}

/// Whether a row is the alert that is waited for; with the run that answers it.
async fn answers(store: &dyn Store, row: &InboxRow, playbook: &str) -> Result<Option<RunId>, Fault> {
    let Some(run) = row.state.strip_prefix("run ").and_then(|id| id.parse().ok()).map(RunId) else { return Ok(None) };
    let story = store.run(run).await?;
    Ok(story.filter(|story| story.run.playbook.as_deref() == Some(playbook)).map(|_| run))
}

/// Looks once; whether there is nothing more to come.
pub(super) async fn look(store: &dyn Store, wanted: &Wanted, playbook: &str, seen: &mut Seen) -> Result<bool, Fault> {
    if seen.run.is_none() {
        let rows = store.inbox(ALERTS).await?;
        match wanted {
            Wanted::Made(id) => {
                let label = format!("\"{LABEL}\":\"{id}\"");
                let Some(row) = rows.iter().rfind(|row| row.payload.contains(&label)) else { return Ok(false) };
                seen.accepted = Some(row.received_at);
                if row.state.is_empty() {
                    return Ok(false);
                }
                seen.run = answers(store, row, playbook).await?.map(|run| run.0);
                if seen.run.is_none() {
                    seen.note = excerpt(&row.state, 300);
                    return Ok(true);
                }
            }
            Wanted::Real(since) => {
                for row in rows.iter().rev().filter(|row| row.last_seen >= *since) {
                    if let Some(run) = answers(store, row, playbook).await? {
                        (seen.accepted, seen.run) = (Some(row.last_seen), Some(run.0));
                        break;
                    }
                }
            }
        }
    }
    let Some(id) = seen.run.map(RunId) else { return Ok(false) };
    let Some(story) = store.run(id).await? else { return Ok(false) };
    let run = story.run;
    seen.wrote = run.first_write_at;
    if seen.well.is_none() {
        let events = store.events(id).await?;
        let well = events.iter().find(|event| match &event.what {
            What::Moved { state, .. } => *state == RunState::Running(Phase::Hold),
            What::Finished { state, .. } => *state == RunState::Succeeded && run.first_write_at.is_some(),
            _ => false,
        });
        seen.well = well.map(|event| event.at);
    }
    seen.note = excerpt(&run.note, 300);
    if run.state.terminal() || run.state == RunState::NeedsHuman {
        seen.state = Some(run.state);
        return Ok(true);
    }
    Ok(false)
}

/// Looks until there is nothing more to come, or `within` is over.
pub(super) async fn follow(
    store: &dyn Store,
    wanted: &Wanted,
    playbook: &str,
    within: Duration,
    seen: &mut Seen,
) -> Result<bool, Fault> {
    let until = tokio::time::Instant::now() + within;
    while tokio::time::Instant::now() < until {
        if look(store, wanted, playbook, seen).await? {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}
