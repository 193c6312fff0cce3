//! A command by hand is a run of its own: made, taken and begun in one commit, ended in another.

use std::time::Duration;

use ira_commands::context::Ended;
use ira_commands::effect::Reach;
use serde_json::Value as Json;

use crate::store::ask::{Admit, HandBegin};
use crate::store::event::{By, What};
use crate::store::model::{AttemptId, Run, Step};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, Phase, RunState, StepState, Trace};

use super::{admit, attempt, end, guards, lease, log, missing, need, over, worker};

/// How long a command is thought to live that says nothing: what it began is nobody's orphan before.
const PATIENCE: Duration = Duration::from_secs(600);
/// Who asked for such a run.
const HAND: &str = "hand";

pub(in crate::store) fn begin(rows: &mut dyn Rows, ask: &HandBegin) -> Res<Step> {
    let mut run = match ask.run {
        // A path is attempted once in a run: what it is about happened in it already.
        Some(id) if rows.attempts(id, &ask.path)?.is_empty() => {
            let run = need(rows, id)?;
            again(rows, run)?
        }
        _ => {
            let fresh = Admit {
                key: ask.key.clone(),
                alert: None,
                received: None,
                playbook: None,
                title: ask.path.clone(),
                params: Json::Null,
                by: HAND.to_owned(),
                claimable: false,
                escalate_in: None,
                page: None,
            };
            admit::admit(rows, &fresh)?.run().clone()
        }
    };
    // The same request again: its answer was lost.
    if let Some(step) = rows.attempts(run.id, &ask.path)?.into_iter().next() {
        return Ok(step);
    }
    run.phase = Phase::Act;
    lease::take(rows, &mut run, &ask.worker, PATIENCE)?;
    let mut step = Step {
        id: AttemptId::default(),
        run: run.id,
        path: ask.path.clone(),
        attempt: 1,
        effect: ask.effect,
        reach: Reach::Target,
        undo: false,
        state: StepState::Started,
        effect_key: None,
        fence: run.fence,
        started_at: ask.at.unwrap_or_else(|| rows.now()),
        // It watches itself.
        deadline: u64::from(u32::MAX) * 1000,
        ended_at: None,
        begun: ask.begun.clone(),
        added: ask.added.clone(),
        exit: Json::Null,
        output_ref: None,
    };
    let first = run.first_write_at.is_none();
    attempt::write_down(rows, &mut run, &mut step, first)?;
    rows.put_run(&run)?;
    Ok(step)
}

/// The run of a command that goes on after all it had begun had ended.
fn again(rows: &mut dyn Rows, mut run: Run) -> Res<Run> {
    if run.state.terminal() {
        log(rows, &mut run, HAND, What::Reopened)?;
        run.state = RunState::Queued;
        run.ended_at = None;
        run.no_more_writes = false;
    }
    Ok(run)
}

pub(in crate::store) fn end(rows: &mut dyn Rows, id: AttemptId, ended: &Ended) -> Res<Step> {
    let mut step = rows.step(id)?.ok_or_else(|| missing("attempt", id))?;
    let (state, exit) = match ended {
        Ended::Done(proof) => (StepState::Done, proof),
        Ended::NotDone(reason) => (StepState::Failed(Trace::Nothing), reason),
        Ended::Failed(reason) => (StepState::Failed(Trace::Something), reason),
        Ended::Unknown(reason) => (StepState::Unknown, reason),
    };
    if step.state == state && step.exit == *exit {
        return Ok(step);
    }
    if !step.state.is_open() {
        return denied(Guard::Attempt, id.to_string(), format!("attempt {id} has ended: {}", step.state));
    }
    let mut run = need(rows, step.run)?;
    step.exit.clone_from(exit);
    let actor = worker(&run);
    let by_hand = run.playbook.is_none() && run.by == HAND;
    let by = if by_hand { By::Worker } else { By::Late };
    end::close(rows, &mut run, &mut step, state, by, &actor)?;
    if by_hand && !run.state.terminal() && rows.open_steps(Some(run.id))?.is_empty() {
        let state = if state == StepState::Done { RunState::Succeeded } else { RunState::Failed };
        over(rows, &mut run, &actor, state, "")?;
    }
    guards::release(rows, &run)?;
    rows.put_run(&run)?;
    Ok(step)
}
