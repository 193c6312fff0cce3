//! The questions that a run asks of its playbook on the way: the same for a test, a plan and the engine.

use serde_json::Value as Json;

use super::STILL_FIRING;
use super::model::{Playbook, Query, Verify};
use super::scope::Scope;
use super::step::Step;
use super::template::PROMETHEUS;
use super::values::at;

/// Why a guard said no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Denial {
    /// The guard (`require`, `min_healthy`).
    pub guard: &'static str,
    /// Why.
    pub why: String,
}

/// Whether a step is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Want {
    /// It is.
    Do,
    /// Its condition is false.
    Skip,
    /// Its condition could not be told: the run fails here.
    Fault(String),
}

/// The queries that the guards ask.
pub fn guard_queries(playbook: &Playbook) -> Vec<&str> {
    let require = playbook.guards.require.iter().flat_map(super::Cel::queries);
    let least = playbook.guards.min_healthy.iter().map(|least| least.query.text.as_str());
    let mut names: Vec<&str> = require.chain(least).collect();
    names.sort_unstable();
    names.dedup();
    names
}

/// What the guards of the file say, of which the queries have been asked. What cannot be told denies.
pub fn permitted(playbook: &Playbook, scope: &Scope) -> Result<(), Denial> {
    if let Some(least) = &playbook.guards.min_healthy {
        let name = &least.query.text;
        let denied = |why: String| Err(Denial { guard: "min_healthy", why });
        match scope.queries.get(name).and_then(Json::as_f64) {
            Some(healthy) if healthy >= least.least => {}
            Some(healthy) => return denied(format!("q.{name} is {healthy}, and at least {} must be", least.least)),
            None => return denied(format!("q.{name} could not be read")),
        }
    }
    let Some(require) = &playbook.guards.require else { return Ok(()) };
    let judged = require.judge(scope);
    if judged.holds {
        return Ok(());
    }
    let why = judged.fault.unwrap_or_else(|| format!("`{}` is false", require.text()));
    Err(Denial { guard: "require", why })
}

/// Whether a step is to be done now.
pub fn wanted(step: &Step, scope: &Scope) -> Want {
    let Some(condition) = &step.condition else { return Want::Do };
    let judged = condition.judge(scope);
    match (judged.holds, judged.fault) {
        (true, _) => Want::Do,
        (false, None) => Want::Skip,
        (false, Some(fault)) => Want::Fault(fault),
    }
}

/// How often something is looked at within a time, the first look being at its beginning.
pub fn looks(within: u64, every: u64) -> u64 {
    within / every.max(1) + 1
}

/// How often it must be seen to hold, after it was seen to be so.
pub fn holding(verify: &Verify) -> u64 {
    verify.hold.div_ceil(verify.every.max(1))
}

/// Whether an alert still fires, by the word of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Firing {
    /// It does.
    Yes,
    /// It does not.
    No,
    /// It could not be told.
    Unknown,
}

/// What a step that asks whether the alert still fires was answered; `None` of any other step.
pub fn firing(step: &Step, out: &Json) -> Option<Firing> {
    if step.action.text != STILL_FIRING {
        return None;
    }
    match out.get("firing").or(out.get("answer")).and_then(Json::as_str) {
        Some("yes") => Some(Firing::Yes),
        Some("no") => Some(Firing::No),
        _ => Some(Firing::Unknown),
    }
}

/// The value of a query in what its command answered.
pub fn answered(query: &Query, data: &Json) -> Option<Json> {
    match &query.take {
        Some(path) => at(data, path).cloned(),
        // PromQL knows no whole numbers.
        None if query.action.text == PROMETHEUS => data.get("value").and_then(Json::as_f64).map(Json::from),
        None => Some(data.clone()),
    }
}
