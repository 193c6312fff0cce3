//! How attempts end.

use ira_commands::Effect;
use serde_json::json;

use crate::store::ask::{Decision, End, Outcome};
use crate::store::event::{By, What};
use crate::store::model::{AttemptId, Run, Step};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, RunState, StepState, Trace, Wait};

use super::{after, guards, lease, log, missing, moved, need, outbox, over, worker};

pub(in crate::store) fn end(rows: &mut dyn Rows, ask: &End) -> Res<Step> {
    let mut step = rows.step(ask.attempt)?.ok_or_else(|| missing("attempt", ask.attempt))?;
    let mut run = need(rows, step.run)?;
    let wanted = match ask.outcome {
        Outcome::Done => StepState::Done,
        Outcome::Failed(trace) => StepState::Failed(trace),
        Outcome::ProbeIn(_) | Outcome::AskPerson(_) => StepState::Unknown,
    };
    let ended = !step.state.is_open();
    if (ended || step.state == StepState::Unknown) && step.state == wanted && step.exit == ask.exit {
        return Ok(step);
    }
    if ended {
        return denied(Guard::Attempt, step.id.to_string(), format!("attempt {} has ended: {}", step.id, step.state));
    }
    // Whoever lost the run may still say what came of what it did, and nothing else.
    let late = ask.fence != run.fence || run.state.terminal();
    if ask.fence > run.fence || (late && wanted == StepState::Unknown) {
        return denied(
            Guard::Fence,
            run.id.to_string(),
            format!("run {} was taken over (fence {})", run.id, run.fence),
        );
    }
    if wanted == StepState::Unknown && step.effect == Effect::Read {
        return denied(Guard::Attempt, step.id.to_string(), "a read changes nothing: it has failed, or it is done");
    }
    let by = if late { By::Late } else { ask.by };
    step.exit.clone_from(&ask.exit);
    step.output_ref.clone_from(&ask.output_ref);
    let actor = worker(&run);
    close(rows, &mut run, &mut step, wanted, by, &actor)?;
    if !late {
        match &ask.outcome {
            Outcome::ProbeIn(length) => {
                moved(rows, &mut run, &actor, RunState::Waiting(Wait::Timer), "its probe is due")?;
                run.wake_at = Some(after(rows, *length));
            }
            Outcome::AskPerson(why) => needs_human(rows, &mut run, &actor, why)?,
            Outcome::Done | Outcome::Failed(_) => {}
        }
    }
    guards::release(rows, &run)?;
    rows.put_run(&run)?;
    Ok(step)
}

/// The state and its page, in one commit. Said again it is one page all the same.
pub(super) fn needs_human(rows: &mut dyn Rows, run: &mut Run, actor: &str, why: &str) -> Res<()> {
    if run.state == RunState::NeedsHuman && rows.mails_of(&run.page)?.iter().any(|row| row.reason == why) {
        return Ok(());
    }
    log(rows, run, actor, What::Moved { state: RunState::NeedsHuman, why: why.to_owned() })?;
    run.state = RunState::NeedsHuman;
    run.wake_at = None;
    outbox::fire(rows, run, why)
}

pub(super) fn close(
    rows: &mut dyn Rows,
    run: &mut Run,
    step: &mut Step,
    state: StepState,
    by: By,
    actor: &str,
) -> Res<()> {
    step.state = state;
    step.ended_at = Some(rows.now());
    rows.put_step(step)?;
    log(rows, run, actor, What::Ended { attempt_id: step.id, state, by })
}

pub(in crate::store) fn decide_unknown(
    rows: &mut dyn Rows,
    id: AttemptId,
    actor: &str,
    decision: Decision,
) -> Res<Step> {
    let mut step = rows.step(id)?.ok_or_else(|| missing("attempt", id))?;
    let mut run = need(rows, step.run)?;
    let state = match decision {
        Decision::ItRan => StepState::Done,
        Decision::ItDidNot => StepState::Failed(Trace::Nothing),
        Decision::Abort => StepState::Failed(Trace::Something),
    };
    if step.state == state && decision != Decision::Abort {
        return Ok(step);
    }
    match step.state {
        StepState::Unknown | StepState::Failed(Trace::Something) => {}
        // Nobody is at it any more, or nobody may be thought to be.
        StepState::Started => lease::free(rows, &run)?,
        _ => return denied(Guard::Attempt, id.to_string(), format!("attempt {id} has ended: {}", step.state)),
    }
    if let Some(later) = rows.attempts(step.run, &step.path)?.last().filter(|last| last.id != step.id) {
        return denied(Guard::Attempt, id.to_string(), format!("attempt {} was made since", later.id));
    }
    let by = if actor == "probe" { By::Probe } else { By::Human };
    step.exit = json!({ "decided_by": actor, "before": step.exit });
    close(rows, &mut run, &mut step, state, by, actor)?;
    if decision == Decision::Abort && !run.state.terminal() {
        over(rows, &mut run, actor, RunState::Escalated, &format!("aborted by {actor} at {}", step.path))?;
        run.no_more_writes = true;
        log(rows, &mut run, actor, What::Escalated { why: "aborted".to_owned() })?;
        outbox::settle(rows, &run, false)?;
    } else if matches!(run.state, RunState::NeedsHuman | RunState::Waiting(Wait::Timer))
        && !rows.open_steps(Some(run.id))?.iter().any(|step| step.state == StepState::Unknown)
    {
        moved(rows, &mut run, actor, RunState::Queued, "it is known what came of it")?;
        run.wake_at = Some(rows.now());
    }
    guards::release(rows, &run)?;
    rows.put_run(&run)?;
    Ok(step)
}
