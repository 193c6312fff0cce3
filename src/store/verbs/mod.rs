//! What each verb does to the rows: said once, for every store that runs a verb as one transaction over them.

pub(super) mod admit;
pub(super) mod approval;
pub(super) mod attempt;
pub(super) mod end;
mod guards;
pub(super) mod hand;
pub(super) mod intake;
pub(super) mod lease;
pub(super) mod list;
pub(super) mod outbox;
pub(super) mod person;
pub(super) mod phase;
pub(super) mod retain;
pub(super) mod suspend;

use std::time::Duration;

use ira_commands::{Fault, Kind};

use super::ask::Denial;
use super::event::{self, Event, What};
use super::model::{Run, RunId};
use super::rows::{Res, Rows, Stop, denied};
use super::words::{Guard, RunState};

/// Later than everything, and still a number that every store can hold.
const NEVER: u64 = u64::MAX >> 1;

/// Milliseconds of a length of time.
pub(super) fn millis(length: Duration) -> u64 {
    u64::try_from(length.as_millis()).map_or(NEVER, |length| length.min(NEVER))
}

/// So long after the transaction's time.
fn after(rows: &dyn Rows, length: Duration) -> u64 {
    rows.now().saturating_add(millis(length)).min(NEVER)
}

fn missing(what: &str, id: impl std::fmt::Display) -> Stop {
    Stop::Fault(
        Fault::new(Kind::Missing, format!("there is no {what} {id}"))
            .hint("`ira run list` shows the runs that are kept"),
    )
}

fn need(rows: &dyn Rows, id: RunId) -> Res<Run> {
    rows.run(id)?.ok_or_else(|| missing("run", id))
}

/// The run, where it has not ended and the fence is that of its last claim.
fn fenced(rows: &dyn Rows, id: RunId, fence: u64) -> Res<Run> {
    let run = need(rows, id)?;
    // Nobody has the fence 0: the run was never taken.
    if run.fence != fence || fence == 0 {
        return Err(Stop::Denied(Denial {
            guard: Guard::Fence,
            key: id.to_string(),
            until: None,
            holder: None,
            message: format!("run {id} was taken over (fence {}; this worker has {fence})", run.fence),
        }));
    }
    if run.state.terminal() {
        return denied(Guard::State, id.to_string(), format!("run {id} has ended: {}", run.state));
    }
    Ok(run)
}

/// Appends to the events of a run, whose count and last hash go on in `run`.
fn log(rows: &mut dyn Rows, run: &mut Run, actor: &str, what: What) -> Res<()> {
    let event = Event {
        run: run.id,
        seq: run.seq + 1,
        at: rows.now(),
        actor: actor.to_owned(),
        what,
        prev_hash: std::mem::take(&mut run.head),
    };
    let text = event.text();
    rows.append(&event, &text)?;
    run.seq = event.seq;
    run.head = event::hash(event.run, event.seq, event.at, actor, &text, &event.prev_hash);
    Ok(())
}

/// Moves a run to another state that is not terminal.
fn moved(rows: &mut dyn Rows, run: &mut Run, actor: &str, state: RunState, why: &str) -> Res<()> {
    if run.state != state {
        log(rows, run, actor, What::Moved { state, why: why.to_owned() })?;
        run.state = state;
    }
    if let RunState::Running(phase) = state {
        run.phase = phase;
    }
    Ok(())
}

/// Brings a run to its end: its locks are released unless an attempt is open.
fn over(rows: &mut dyn Rows, run: &mut Run, actor: &str, state: RunState, note: &str) -> Res<()> {
    log(rows, run, actor, What::Finished { state, note: note.to_owned() })?;
    run.state = state;
    note.clone_into(&mut run.note);
    run.ended_at = Some(rows.now());
    run.owner = None;
    run.lease_until = 0;
    run.wake_at = None;
    guards::release(rows, run)
}

/// Who does what a worker does under its claim.
fn worker(run: &Run) -> String {
    run.owner.clone().unwrap_or_else(|| "ira".to_owned())
}
