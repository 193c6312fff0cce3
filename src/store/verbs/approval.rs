//! Questions to people.

use crate::store::ask::Ask;
use crate::store::event::What;
use crate::store::model::{Approval, ApprovalId};
use crate::store::rows::{Res, Rows, denied};
use crate::store::words::{Guard, RunState, Wait};

use super::{after, fenced, log, missing, need, worker};

pub(in crate::store) fn ask(rows: &mut dyn Rows, ask: &Ask) -> Res<Approval> {
    let mut run = fenced(rows, ask.run, ask.fence)?;
    let now = rows.now();
    let same = |approval: &Approval| {
        approval.path == ask.path
            && approval.plan_hash == ask.plan_hash
            && (approval.decision.is_some() || approval.expires_at > now)
    };
    if let Some(asked) = rows.approvals(ask.run)?.into_iter().find(same) {
        return Ok(asked);
    }
    let mut approval = Approval {
        id: ApprovalId::default(),
        run: ask.run,
        path: ask.path.clone(),
        plan_hash: ask.plan_hash.clone(),
        expires_at: after(rows, ask.within),
        decision: None,
        actor: None,
    };
    rows.insert_approval(&mut approval)?;
    let actor = worker(&run);
    let asked = What::Asked { plan_hash: ask.plan_hash.clone(), expires_at: approval.expires_at };
    log(rows, &mut run, &actor, asked)?;
    rows.put_run(&run)?;
    Ok(approval)
}

pub(in crate::store) fn decide(
    rows: &mut dyn Rows,
    id: ApprovalId,
    plan_hash: &str,
    yes: bool,
    actor: &str,
) -> Res<Approval> {
    let mut approval = rows.approval(id)?.ok_or_else(|| missing("approval", id))?;
    let key = id.to_string();
    if approval.plan_hash != plan_hash {
        return denied(Guard::Plan, key, format!("approval {id} is about another plan"));
    }
    match (approval.decision, &approval.actor) {
        (Some(said), Some(who)) if said == yes && who == actor => return Ok(approval),
        (Some(said), who) => {
            let word = if said { "yes" } else { "no" };
            let who = who.as_deref().unwrap_or("somebody");
            return denied(Guard::Approval, key, format!("{who} said {word} to approval {id} before"));
        }
        (None, _) => {}
    }
    if approval.expires_at <= rows.now() {
        return denied(Guard::Approval, key, format!("approval {id} has expired"));
    }
    let mut run = need(rows, approval.run)?;
    if run.state.terminal() {
        return denied(Guard::State, key, format!("run {} has ended: {}", run.id, run.state));
    }
    approval.decision = Some(yes);
    approval.actor = Some(actor.to_owned());
    rows.put_approval(&approval)?;
    log(rows, &mut run, actor, What::Decided { plan_hash: plan_hash.to_owned(), yes })?;
    if run.state == RunState::Waiting(Wait::Approval) {
        run.wake_at = Some(rows.now());
    }
    rows.put_run(&run)?;
    Ok(approval)
}
