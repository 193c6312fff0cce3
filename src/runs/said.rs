//! What a person says to a run, each written down with who said it.

use std::time::Duration;

use ira_commands::report::{Outcome, Report, Section, Status};
use ira_commands::{Fault, Kind};
use serde_json::{Value as Json, json};

use super::{Answer, Say, no_run};
use crate::engine::refused;
use crate::store::ask::{Decision, Suspend, Verdict};
use crate::store::model::{AttemptId, RunId};
use crate::store::{Guard, RunState, Store};

/// A report of one line.
pub fn said(headline: String, next: Option<String>, data: Json) -> Report {
    let section =
        Section { status: Status::Ok, headline, advice: String::new(), facts: Vec::new(), tables: Vec::new() };
    Report {
        sections: vec![section],
        next: next.into_iter().collect(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}

/// What was asked for, or the denial for a person: what is in the way, and what they can do.
fn heard<T>(verdict: Verdict<T>) -> Result<T, Fault> {
    verdict.map_err(|denial| refused(&denial))
}

pub async fn cancel(store: &dyn Store, id: RunId, actor: &str) -> Result<Report, Fault> {
    store.run(id).await?.ok_or_else(|| no_run(id))?;
    let run = heard(store.cancel(id, actor).await?)?;
    let headline = if run.state.terminal() {
        format!("Run {id} has ended: {}.", run.state)
    } else if run.first_write_at.is_some() {
        format!(
            "Run {id} is told to stop: the step under way ends, then what can be is taken back; its page stays armed."
        )
    } else {
        format!("Run {id} is told to stop; nothing was written yet.")
    };
    Ok(said(headline, Some(format!("ira run show {id}")), json!({ "run": id, "state": run.state })))
}

pub async fn decide(store: &dyn Store, attempt: AttemptId, say: Say, actor: &str) -> Result<Report, Fault> {
    let decision = match say {
        Say::ItRan => Decision::ItRan,
        Say::ItDidNot => Decision::ItDidNot,
        Say::Abort => Decision::Abort,
    };
    let step = heard(store.decide_unknown(attempt, actor, decision).await?)?;
    let headline = format!("Attempt {attempt} ({}) stands as {} now, by {actor}.", step.path, step.state);
    let next = match say {
        Say::Abort => format!("ira run show {}", step.run),
        _ => format!("ira run resume {}", step.run),
    };
    Ok(said(headline, Some(next), json!({ "attempt": attempt, "run": step.run, "state": step.state })))
}

pub async fn close(store: &dyn Store, id: RunId, state: RunState, actor: &str, reason: &str) -> Result<Report, Fault> {
    if reason.trim().is_empty() {
        return Err(Fault::new(Kind::Usage, "--reason is empty: whoever reads the record wants to know why"));
    }
    let known = store.run(id).await?.ok_or_else(|| no_run(id))?.run;
    if known.state == RunState::Succeeded {
        return Err(Fault::new(Kind::Usage, format!("run {id} is not closed as {state}: it has succeeded"))
            .because(known.note.lines().next().unwrap_or_default().to_owned())
            .hint(format!("an end that was seen stays as it is: `ira run show {id}`; `ira run list --orphans` has what waits for a person")));
    }
    let run = heard(store.close(id, state, actor, reason).await?)?;
    let headline = format!("Run {id} is closed as {}, by {actor}.", run.state);
    Ok(said(headline, None, json!({ "run": id, "state": run.state })))
}

pub async fn answer(store: &dyn Store, answer: &Answer, yes: bool, actor: &str) -> Result<Report, Fault> {
    let id = RunId(answer.run);
    let known = store.run(id).await?.ok_or_else(|| no_run(id))?;
    let open = known.approvals.iter().rev().find(|approval| approval.decision.is_none());
    let Some(approval) = open else {
        return Err(Fault::new(Kind::Usage, format!("run {id} asks nothing"))
            .hint(format!("`ira run show {id}` says where it stands")));
    };
    // A yes is to a plan that was seen, never to whatever is there by now.
    let named = answer.plan.as_deref().is_some_and(|plan| plan.len() >= 8 && approval.plan_hash.starts_with(plan));
    if yes && !named {
        return Err(Fault::new(Kind::Confirmation, format!("a yes names the plan that it is to: run {id}")).hint(
            format!("look at it (`ira run show {id}`), then: ira run approve {id} --plan {}", &approval.plan_hash),
        ));
    }
    let decided = heard(store.decide(approval.id, &approval.plan_hash, yes, actor).await?)?;
    let word = if yes { "agreed to" } else { "refused" };
    let headline = format!("The plan of run {id} is {word}, by {actor}.");
    Ok(said(
        headline,
        Some(format!("ira run show {id}")),
        json!({ "run": id, "plan_hash": decided.plan_hash, "yes": yes }),
    ))
}

pub async fn freeze(
    store: &dyn Store,
    scope: &str,
    lasts: Option<Duration>,
    actor: &str,
    reason: &str,
) -> Result<Report, Fault> {
    let (scope, reason) = (scope.to_owned(), reason.to_owned());
    let row = store
        .suspend(Suspend { guard: Guard::Freeze, scope: scope.clone(), lasts, actor: actor.to_owned(), reason })
        .await?;
    let what = if scope == "*" { "Everything".to_owned() } else { format!("`{scope}`") };
    let headline = format!("{what} is frozen: nothing new is written; pages and notes go on.");
    let next =
        if scope == "*" { "ira thaw".to_owned() } else { format!("ira thaw {}", ira_commands::shell::word(&scope)) };
    Ok(said(headline, Some(next), json!({ "scope": scope, "until": row.until.map(|at| at / 1_000) })))
}

pub async fn thaw(store: &dyn Store, scope: &str, actor: &str) -> Result<Report, Fault> {
    let was = store.lift(Guard::Freeze, scope, actor).await?;
    let headline = if was { "Thawed: runs that waited for it go on." } else { "Nothing of that scope was frozen." };
    Ok(said(headline.to_owned(), None, json!({ "scope": scope, "thawed": was })))
}
