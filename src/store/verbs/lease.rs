//! Who has a run, and until when.

use std::time::Duration;

use crate::store::ask::{Denial, Which};
use crate::store::event::What;
use crate::store::model::{Run, RunId};
use crate::store::rows::{Res, Rows, Stop, denied};
use crate::store::words::{Guard, RunState};

use super::{after, fenced, log, need};

pub(in crate::store) fn claim(rows: &mut dyn Rows, worker: &str, ttl: Duration, which: Which) -> Res<Option<Run>> {
    let mut run = match which {
        Which::Next => match rows.claimable()? {
            Some(id) => need(rows, id)?,
            None => return Ok(None),
        },
        Which::This(id) | Which::Orphan(id) => {
            let run = need(rows, id)?;
            if run.state.terminal() {
                return denied(Guard::State, id.to_string(), format!("run {id} has ended: {}", run.state));
            }
            if which == Which::This(id) {
                free(rows, &run)?;
            }
            run
        }
    };
    take(rows, &mut run, worker, ttl)?;
    rows.put_run(&run)?;
    Ok(Some(run))
}

/// Denied while somebody has it.
pub(super) fn free(rows: &dyn Rows, run: &Run) -> Res<()> {
    if run.owner.is_none() || run.lease_until <= rows.now() {
        return Ok(());
    }
    let owner = run.owner.as_deref().unwrap_or("somebody");
    Err(Stop::Denied(Denial {
        guard: Guard::Lease,
        key: run.id.to_string(),
        until: Some(run.lease_until),
        holder: Some(run.id),
        message: format!("run {} is in the hands of {owner}", run.id),
    }))
}

pub(super) fn take(rows: &mut dyn Rows, run: &mut Run, worker: &str, ttl: Duration) -> Res<()> {
    run.fence += 1;
    run.owner = Some(worker.to_owned());
    run.lease_until = after(rows, ttl);
    // Due as it is, should the worker die.
    run.wake_at = Some(run.wake_at.map_or(rows.now(), |at| at.min(rows.now())));
    let state = RunState::Running(run.phase);
    log(rows, run, worker, What::Claimed { worker: worker.to_owned(), fence: run.fence, state })?;
    run.state = state;
    Ok(())
}

pub(in crate::store) fn renew(rows: &mut dyn Rows, id: RunId, fence: u64, ttl: Duration) -> Res<Run> {
    let mut run = fenced(rows, id, fence)?;
    if run.owner.is_none() {
        return denied(Guard::Lease, id.to_string(), format!("run {id} was given back"));
    }
    run.lease_until = run.lease_until.max(after(rows, ttl));
    rows.put_run(&run)?;
    Ok(run)
}

pub(in crate::store) fn release(rows: &mut dyn Rows, id: RunId, fence: u64) -> Res<()> {
    let mut run = fenced(rows, id, fence)?;
    run.owner = None;
    run.lease_until = 0;
    rows.put_run(&run)
}
