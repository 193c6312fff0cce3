//! What people do to a run.

use std::time::Duration;

use ira_commands::{Fault, Kind};
use serde_json::json;

use crate::store::event::{By, What};
use crate::store::model::{Run, RunId};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, RunState, StepState, Trace};

use super::{after, end, guards, lease, log, need, outbox, over};

pub(in crate::store) fn cancel(rows: &mut dyn Rows, id: RunId, actor: &str) -> Res<Run> {
    let mut run = need(rows, id)?;
    if run.state.terminal() || run.cancelled_by.is_some() {
        return Ok(run);
    }
    run.cancelled_by = Some(actor.to_owned());
    log(rows, &mut run, actor, What::CancelAsked)?;
    let nobody = run.owner.is_none() || run.lease_until <= rows.now();
    if nobody && run.first_write_at.is_none() && rows.open_steps(Some(id))?.is_empty() {
        over(rows, &mut run, actor, RunState::Cancelled, &format!("cancelled by {actor}; nothing was done"))?;
        outbox::settle(rows, &run, false)?;
    } else if run.state != RunState::NeedsHuman {
        run.wake_at = Some(rows.now());
    }
    rows.put_run(&run)?;
    Ok(run)
}

pub(in crate::store) fn reopen(rows: &mut dyn Rows, id: RunId, actor: &str, length: Option<Duration>) -> Res<Run> {
    let mut run = need(rows, id)?;
    if run.state == RunState::Queued {
        return Ok(run);
    }
    if !matches!(run.state, RunState::Escalated | RunState::NeedsHuman | RunState::Failed) {
        return denied(Guard::State, id.to_string(), format!("run {id} is {}: there is nothing to take up", run.state));
    }
    if run.state.terminal()
        && let (Some(incident), Some(playbook)) = (run.incident, &run.playbook)
        && let Some(other) = rows.active_run(incident, playbook)?
    {
        return denied(Guard::State, id.to_string(), format!("run {other} is at the same incident with {playbook}"));
    }
    let locks = std::mem::take(&mut run.locks);
    guards::lock(rows, &mut run, &locks)?;
    log(rows, &mut run, actor, What::Reopened)?;
    run.state = RunState::Queued;
    run.no_more_writes = false;
    run.cancelled_by = None;
    run.ended_at = None;
    run.wake_at = Some(rows.now());
    run.escalate_by = length.map(|length| after(rows, length));
    if length.is_some() {
        outbox::arm(rows, &run, None)?;
    }
    rows.put_run(&run)?;
    Ok(run)
}

pub(in crate::store) fn close(rows: &mut dyn Rows, id: RunId, state: RunState, actor: &str, reason: &str) -> Res<Run> {
    let mut run = need(rows, id)?;
    if !state.terminal() {
        return Err(Fault::new(Kind::Usage, format!("{state} is no end of a run"))
            .hint("succeeded, failed, cancelled or escalated")
            .into());
    }
    let open = rows.open_steps(Some(id))?;
    if run.state == state && open.is_empty() {
        return Ok(run);
    }
    if run.state == RunState::Succeeded {
        return denied(Guard::State, id.to_string(), format!("run {id} has succeeded: there is nothing to close"));
    }
    lease::free(rows, &run)?;
    let ended = if state == RunState::Succeeded { StepState::Done } else { StepState::Failed(Trace::Something) };
    for mut step in open {
        step.exit = json!({ "closed_by": actor, "reason": reason, "before": step.exit });
        end::close(rows, &mut run, &mut step, ended, By::Human, actor)?;
    }
    over(rows, &mut run, actor, state, &format!("closed by {actor}: {reason}"))?;
    if state != RunState::Escalated {
        outbox::settle(rows, &run, false)?;
    }
    rows.put_run(&run)?;
    Ok(run)
}
