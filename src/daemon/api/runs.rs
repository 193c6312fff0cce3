//! Runs, and what people decide of them.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::{Fault, Kind};
use tokio::time::Instant;

use super::{coded, remedy, report};
use crate::daemon::Shared;
use crate::engine::{TakeUp, refused};
use crate::remote::wire::{Answer, Follow, Shown};
use crate::runs::{self, RunVerb};
use crate::store::RunState;
use crate::store::model::RunId;

/// How long it is waited for something to happen in a run.
const WAITS: Duration = Duration::from_secs(20);
/// How often it is looked.
const PAUSE: Duration = Duration::from_millis(100);

/// What is asked about runs.
pub(super) async fn verb(shared: &Arc<Shared>, who: &str, verb: &RunVerb, shown: &Shown) -> Result<Answer, Fault> {
    let store = shared.store.as_ref();
    match verb {
        RunVerb::Approve(answer) | RunVerb::Deny(answer) => {
            let id = RunId(answer.run);
            let by = store.run(id).await?.map(|story| story.run.by);
            if by.as_deref() == Some(who) {
                return Err(Fault::new(Kind::Denied, format!("run {id} was asked for by you"))
                    .hint("somebody else has to agree"));
            }
            Ok(report(&runs::run(verb, store, who).await?, shown))
        }
        RunVerb::Resume { run, from } => {
            let how = from.clone().map_or(TakeUp::GoOn, TakeUp::From);
            take_up(shared, who, RunId(*run), how, shown).await
        }
        RunVerb::Undo { run } => take_up(shared, who, RunId(*run), TakeUp::Undo, shown).await,
        RunVerb::ExportTest { run } => Ok(Answer { out: runs::test(store, RunId(*run)).await?, ..Answer::default() }),
        _ => Ok(report(&runs::run(verb, store, who).await?, shown)),
    }
}

async fn take_up(shared: &Arc<Shared>, who: &str, run: RunId, how: TakeUp, shown: &Shown) -> Result<Answer, Fault> {
    let engine = remedy::engine(shared)?;
    let taken = engine.take_up(run, who, how).await?.map_err(|denial| refused(&denial))?;
    remedy::drive(shared, engine, run, None);
    Ok(report(&runs::line(format!("Run {run} goes on: {}.", taken.state)), shown))
}

/// What happened in a run since: at once where something did, else when something does.
pub(super) async fn follow(shared: &Arc<Shared>, asked: Follow, shown: &Shown) -> Result<Answer, Fault> {
    let (store, id) = (shared.store.as_ref(), RunId(asked.run));
    let until = Instant::now() + WAITS;
    loop {
        let (lines, seen, state) = runs::since(store, id, asked.seen).await?;
        let ended = state.terminal() || state == RunState::NeedsHuman;
        if lines.is_empty() && !ended && Instant::now() < until && !shared.stopping() {
            tokio::time::sleep(PAUSE).await;
            continue;
        }
        let aside = lines.concat();
        if !ended {
            return Ok(Answer { aside, seen, ..Answer::default() });
        }
        let code = match state {
            RunState::Succeeded | RunState::Cancelled => 0,
            RunState::Failed => 1,
            _ => 4,
        };
        let code = shared.came.of(id).unwrap_or(code);
        let whole = coded(&runs::show(store, id).await?, code, shown);
        return Ok(Answer { aside: aside + &whole.aside, seen, ended, ..whole });
    }
}
