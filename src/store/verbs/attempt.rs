//! Nothing is done to the world before it is written down here.

use ira_commands::effect::Reach;
use ira_commands::{Effect, Fault, Kind};
use serde_json::Value as Json;

use crate::store::ask::{Begin, FirstWrite};
use crate::store::event::{By, What};
use crate::store::model::{AttemptId, Run, Step};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, RunState, StepState, Trace};

use super::{after, fenced, guards, log, missing, need, worker};

/// Begins an attempt; `first` where it may be the run's first write.
pub(in crate::store) fn begin(rows: &mut dyn Rows, ask: &Begin, first: Option<&FirstWrite>) -> Res<Step> {
    let mut run = fenced(rows, ask.run, ask.fence)?;
    let before = rows.attempts(ask.run, &ask.path)?;
    if let Some(same) = before.iter().find(|step| step.attempt == ask.attempt)
        && same.fence == ask.fence
        && same.state == StepState::Started
    {
        return Ok(same.clone());
    }
    if run.owner.is_none() || run.lease_until <= rows.now() {
        return denied(Guard::Lease, run.id.to_string(), format!("the lease of run {} has run out", run.id));
    }
    further(rows, &mut run, ask, before.last())?;
    let write = ask.reach == Reach::Target && ask.effect != Effect::Read;
    let first_write = write && run.first_write_at.is_none();
    if write {
        open_to_writes(&run, ask)?;
        guards::not_suspended(rows, &mut run, Guard::Freeze, &ask.scopes, &[])?;
        match first {
            Some(first) if first_write => guards::first(rows, &mut run, first)?,
            None if first_write => {
                return Err(Fault::new(Kind::Failed, format!("{} is the first write of run {}", ask.path, run.id))
                    .because("its guards have to be decided with it")
                    .into());
            }
            _ => guards::held(rows, &run, &ask.locks)?,
        }
    }
    let mut step = Step {
        id: AttemptId::default(),
        run: run.id,
        path: ask.path.clone(),
        attempt: ask.attempt,
        effect: ask.effect,
        reach: ask.reach,
        undo: ask.undo,
        state: StepState::Started,
        effect_key: ask.effect_key.clone(),
        fence: ask.fence,
        started_at: rows.now(),
        deadline: after(rows, ask.within),
        ended_at: None,
        begun: ask.begun.clone(),
        added: Vec::new(),
        exit: Json::Null,
        output_ref: None,
    };
    write_down(rows, &mut run, &mut step, first_write)?;
    rows.put_run(&run)?;
    Ok(step)
}

pub(super) fn write_down(rows: &mut dyn Rows, run: &mut Run, step: &mut Step, first_write: bool) -> Res<()> {
    rows.insert_step(step)?;
    if first_write {
        run.first_write_at = Some(step.started_at);
    }
    let began = What::Began {
        attempt_id: step.id,
        path: step.path.clone(),
        attempt: step.attempt,
        effect: step.effect,
        first_write,
    };
    let actor = worker(run);
    log(rows, run, &actor, began)
}

/// What stops every write of a run, the first and the later ones.
fn open_to_writes(run: &Run, ask: &Begin) -> Res<()> {
    let key = run.id.to_string();
    if run.no_more_writes {
        return denied(Guard::Escalated, key, format!("run {} was handed to a person: it begins nothing more", run.id));
    }
    if let Some(who) = run.cancelled_by.as_ref().filter(|_| !ask.undo) {
        return denied(Guard::Cancelled, key, format!("run {} was cancelled by {who}", run.id));
    }
    if run.state == RunState::NeedsHuman {
        return denied(Guard::State, key, format!("run {} waits for a person's word", run.id));
    }
    if run.plan_hash != ask.plan_hash {
        return denied(Guard::Plan, key, format!("the plan of run {} is not the one that this belongs to", run.id));
    }
    Ok(())
}

/// Whether what is known of the attempt before allows this one. One that an earlier worker left without a result gives
/// way where repeating is safe.
fn further(rows: &mut dyn Rows, run: &mut Run, ask: &Begin, last: Option<&Step>) -> Res<()> {
    let no = |why: &str| denied(Guard::Attempt, ask.path.clone(), format!("{} of run {}: {why}", ask.path, ask.run));
    let Some(last) = last else {
        return if ask.attempt == 1 { Ok(()) } else { no("the first attempt has number 1") };
    };
    if ask.attempt != last.attempt + 1 {
        return no(&format!("attempt {} follows on {}", ask.attempt, last.attempt));
    }
    if ask.effect != last.effect || ask.reach != last.reach || ask.effect_key != last.effect_key {
        return no("a further attempt has the effect, the reach and the effect key of the first");
    }
    match (last.effect, last.state) {
        (_, StepState::Failed(Trace::Nothing))
        | (Effect::Idempotent | Effect::Read, StepState::Failed(_))
        | (Effect::Read, StepState::Done) => Ok(()),
        (Effect::Idempotent | Effect::Read, StepState::Started) if last.fence < ask.fence => {
            let mut last = last.clone();
            last.state = StepState::Failed(Trace::Something);
            last.ended_at = Some(rows.now());
            rows.put_step(&last)?;
            let actor = worker(run);
            log(rows, run, &actor, What::Ended { attempt_id: last.id, state: last.state, by: By::Superseded })
        }
        (_, StepState::Done) => no("it is done"),
        (_, StepState::Unknown) => no("it is not known what came of the attempt before"),
        (_, StepState::Started) => no("the attempt before has no result yet"),
        (_, _) => no("the attempt before had an effect, or may have had"),
    }
}

pub(in crate::store) fn add(rows: &mut dyn Rows, id: AttemptId, more: &Json) -> Res<()> {
    let mut step = rows.step(id)?.ok_or_else(|| missing("attempt", id))?;
    if !step.state.is_open() {
        return denied(Guard::Attempt, id.to_string(), format!("attempt {id} has ended: {}", step.state));
    }
    let mut run = need(rows, step.run)?;
    step.added.push(more.clone());
    rows.put_step(&step)?;
    let actor = worker(&run);
    log(rows, &mut run, &actor, What::Added { attempt_id: id })?;
    rows.put_run(&run)
}
