//! What a run would do, by given answers in the place of reads: nothing outside this process is asked.

use std::collections::BTreeMap;

use ira_commands::playbook::{
    Firing, STILL_FIRING, Scope, StepState, StepView, Want, firing, guard_queries, permitted, wanted,
};
use ira_commands::{Effect, Fault, Kind};
use serde_json::{Value as Json, json};

use super::asked::checked;
use super::eye::rounds;
use super::plan::{PlanDocument, PlannedWrite, invocation, target};
use super::{Preview, Stop, Wanted};
use crate::store::Guard;

/// The same as [`super::Engine::preview`] by these answers: `q.NAME` for a query, its id for a step. What has none is not
/// known: a guard on it denies, and the plan ends at a step that needs it.
pub fn offline(ask: &Wanted<'_>, answers: &BTreeMap<String, Json>) -> Result<Preview, Fault> {
    let playbook = ask.playbook;
    let mut scope = checked(ask)?;
    for (name, value) in answers {
        if let Some(query) = name.strip_prefix("q.") {
            // PromQL knows no whole numbers.
            let prometheus = playbook.queries.get(query).is_some_and(|query| query.action.text == "prometheus.query");
            let number = value.as_f64().filter(|_| prometheus).map(Json::from);
            scope.queries.insert(query.to_owned(), number.unwrap_or_else(|| value.clone()));
        }
    }
    let mut preview = Preview { reads: Vec::new(), verify: Vec::new(), stopped: None, plan: PlanDocument::default() };
    if !guard_queries(playbook).is_empty()
        && let Err(no) = permitted(playbook, &scope)
    {
        let guard = if no.guard == "min_healthy" { Guard::MinHealthy } else { Guard::Require };
        preview.stopped = Some(Stop::Guard(guard, no.why));
    }
    let mut writes = Vec::new();
    for (at, step) in playbook.steps.iter().enumerate() {
        let id = &step.id.text;
        match wanted(step, &scope) {
            Want::Do if playbook.effects.writes[at] => writes.extend(planned(ask, at, &scope)),
            Want::Do if playbook.effects.effects[at] == Effect::Read => {
                let given = answers.get(id).cloned();
                // What a test takes for said as well.
                let usual = match step.action.text.as_str() {
                    STILL_FIRING => Some(json!({ "firing": "yes" })),
                    "wait" => Some(json!({})),
                    _ => None,
                };
                let asked = step.action.text == STILL_FIRING;
                let how = if given.is_some() { "given" } else { "assumed" };
                let Some(out) = given.map(|given| word(given, asked)).or(usual) else {
                    let missing = Fault::new(Kind::Missing, format!("not read: --value {id}=… says what it would say"));
                    preview.reads.push((id.clone(), Err(missing)));
                    continue;
                };
                preview.reads.push((id.clone(), Ok(format!("{out} ({how})"))));
                let view = StepView { state: StepState::Done, out };
                if firing(step, &view.out) == Some(Firing::No) && writes.is_empty() {
                    preview.stopped = Some(Stop::Over);
                }
                scope.steps.insert(id.clone(), view);
            }
            Want::Do => {
                scope.steps.insert(id.clone(), StepView { state: StepState::Done, out: json!({}) });
            }
            Want::Skip => {
                scope.steps.insert(id.clone(), StepView { state: StepState::Skipped, out: json!({}) });
            }
            Want::Fault(why) if writes.is_empty() => {
                preview.stopped = Some(Stop::Unread(format!("the condition of `{id}`: {why}")));
                break;
            }
            // It hangs on what an earlier write gives.
            Want::Fault(why) => writes.push(PlannedWrite {
                step: id.clone(),
                verb: step.action.text.clone(),
                target: "what an earlier step gives".to_owned(),
                named: false,
                plan: Err(Fault::new(Kind::Missing, why)),
            }),
        }
    }
    if preview.stopped.is_none() && writes.is_empty() && playbook.effects.any() {
        preview.stopped = Some(Stop::Idle);
    }
    preview.plan = PlanDocument::of(playbook, &scope, writes);
    Ok(preview)
}

/// `yes`, `no` and `unknown` are what the read about the alert says.
fn word(given: Json, still: bool) -> Json {
    match given {
        Json::String(word) if still => json!({ "firing": word }),
        other => other,
    }
}

/// The writes of a step, each with what it is told, and no plan of its own.
fn planned(ask: &Wanted<'_>, at: usize, scope: &Scope) -> Vec<PlannedWrite> {
    let (playbook, step) = (ask.playbook, &ask.playbook.steps[at]);
    let one = |path: String, verb: &str, target: String, why: Fault| PlannedWrite {
        step: path,
        verb: verb.to_owned(),
        target,
        named: false,
        plan: Err(why),
    };
    let refused = |fault: Fault| vec![one(step.id.text.clone(), &step.action.text, "nothing".to_owned(), fault)];
    let rounds = match rounds(playbook, step, scope) {
        Ok(rounds) => rounds,
        Err(fault) => return refused(fault),
    };
    let planned = rounds.into_iter().map(|(path, scope)| match invocation(playbook, step, true, &scope) {
        Ok(invocation) => {
            let (told, _) = target(&invocation, None);
            let why = Fault::new(Kind::Missing, format!("not looked at: {told}"));
            one(path, &step.action.text, told, why)
        }
        Err(fault) => one(path, &step.action.text, "nothing".to_owned(), fault),
    });
    planned.collect()
}
