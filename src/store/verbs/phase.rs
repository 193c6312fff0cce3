//! A run goes on, waits, ends.

use ira_commands::{Fault, Kind};
use serde_json::Value as Json;

use crate::store::ask::{Advance, Due, Finish};
use crate::store::event::What;
use crate::store::model::{Run, RunId};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, RunState, StepState};

use super::{after, end, fenced, guards, log, moved, need, outbox, over, worker};

pub(in crate::store) fn plan(rows: &mut dyn Rows, id: RunId, fence: u64, plan_hash: &str, plan: &Json) -> Res<()> {
    let mut run = fenced(rows, id, fence)?;
    if run.plan_hash.as_deref() == Some(plan_hash) {
        return Ok(());
    }
    if run.first_write_at.is_some() {
        return denied(Guard::Plan, id.to_string(), format!("run {id} writes by its plan already"));
    }
    run.plan_hash = Some(plan_hash.to_owned());
    let actor = worker(&run);
    log(rows, &mut run, &actor, What::Planned { plan_hash: plan_hash.to_owned() })?;
    if !plan.is_null() {
        log(rows, &mut run, &actor, What::Noted { sort: "plan".to_owned(), matter: plan.clone() })?;
    }
    rows.put_run(&run)
}

pub(in crate::store) fn advance(rows: &mut dyn Rows, ask: &Advance) -> Res<Run> {
    let mut run = fenced(rows, ask.run, ask.fence)?;
    if ask.state.terminal() {
        return Err(
            Fault::new(Kind::Failed, format!("{} is an end: a run is finished, not advanced", ask.state)).into()
        );
    }
    let actor = worker(&run);
    let now = rows.now();
    if let Some(length) = ask.escalate_in {
        // Time that has run out is not given back: `due` hands the run over.
        if run.no_more_writes || run.escalate_by.is_some_and(|at| at <= now) {
            return denied(Guard::Escalated, run.id.to_string(), format!("the time of run {} has run out", run.id));
        }
        run.escalate_by = Some(after(rows, length));
        outbox::arm(rows, &run, None)?;
    }
    if let Some(cursor) = &ask.cursor {
        run.cursor.clone_from(cursor);
    }
    if ask.state == RunState::NeedsHuman {
        end::needs_human(rows, &mut run, &actor, &ask.why)?;
    } else {
        moved(rows, &mut run, &actor, ask.state, &ask.why)?;
        // A probe that is due is not forgotten for a wait without an end.
        let unknown =
            || rows.open_steps(Some(run.id)).map(|open| open.iter().any(|step| step.state == StepState::Unknown));
        run.wake_at = match (ask.state, ask.wake_in) {
            (_, Some(length)) => Some(after(rows, length)),
            (RunState::Waiting(_), None) if unknown()? => run.wake_at.or(Some(now)),
            (RunState::Waiting(_), None) => None,
            _ => Some(now),
        };
    }
    rows.put_run(&run)?;
    Ok(run)
}

pub(in crate::store) fn finish(rows: &mut dyn Rows, ask: &Finish) -> Res<Run> {
    let known = need(rows, ask.run)?;
    if known.state == ask.state && known.fence == ask.fence && known.note == ask.note {
        return Ok(known);
    }
    let mut run = fenced(rows, ask.run, ask.fence)?;
    if !ask.state.terminal() {
        return Err(Fault::new(Kind::Failed, format!("{} is no end of a run", ask.state)).into());
    }
    if ask.state != RunState::Escalated
        && let Some(open) = rows.open_steps(Some(run.id))?.first()
    {
        let message = format!("{} of run {} is {}: the run cannot be {}", open.path, run.id, open.state, ask.state);
        return denied(Guard::Attempt, open.id.to_string(), message);
    }
    if let Some(word) = &ask.verified {
        guards::verified(rows, &run, word)?;
    }
    let actor = worker(&run);
    over(rows, &mut run, &actor, ask.state, &ask.note)?;
    if ask.state == RunState::Escalated {
        escalate(rows, &mut run, &actor, &ask.note)?;
    } else {
        outbox::settle(rows, &run, ask.resolve)?;
    }
    rows.put_run(&run)?;
    Ok(run)
}

/// The page and no more writes, in one commit.
fn escalate(rows: &mut dyn Rows, run: &mut Run, actor: &str, why: &str) -> Res<()> {
    if !run.no_more_writes {
        run.no_more_writes = true;
        log(rows, run, actor, What::Escalated { why: why.to_owned() })?;
    }
    outbox::fire(rows, run, why)
}

pub(in crate::store) fn due(rows: &mut dyn Rows) -> Res<Due> {
    let now = rows.now();
    let escalated = rows.late()?;
    for id in &escalated {
        let mut run = need(rows, *id)?;
        let why = format!("run {id} ({}) did not end in time: it is {}", run.title, run.state);
        escalate(rows, &mut run, "ira", &why)?;
        // Whoever takes it ends it.
        run.wake_at = Some(run.wake_at.map_or(now, |at| at.min(now)));
        rows.put_run(&run)?;
    }
    let overdue = rows.open_steps(None)?.into_iter().filter(|step| step.ended_at.is_none() && step.deadline <= now);
    Ok(Due {
        overdue: overdue.map(|step| step.id).collect(),
        escalated,
        claimable: rows.claimable()?.is_some(),
        next_at: rows.next_due()?,
    })
}
