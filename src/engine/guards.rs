//! What may forbid a run, as the store decides it at the first write; and a guard's word for a person.

use std::collections::BTreeMap;
use std::time::Duration;

use ira_commands::effect::Reach;
use ira_commands::playbook::{Playbook, Scope, Season};
use ira_commands::value::U256;
use ira_commands::{Effect, Fault, Kind};
use serde_json::Value as Json;

use super::plan::PlanDocument;
use crate::config::BudgetConfig;
use crate::store::Guard;
use crate::store::ask::{Begin, Charge, Denial, FirstWrite, Override};
use crate::store::model::Run;

/// After so many runs in a row that did not help, a playbook is left alone …
pub(super) const BREAKS_AFTER: u32 = 3;
/// … for so long.
pub(super) const BROKEN_FOR: Duration = Duration::from_secs(3_600);

/// What a run is about, in one text: two runs about the same never act at the same time.
pub(super) fn key(scope: &Scope) -> String {
    scope.key.iter().map(|part| format!("{}={}", part.path, part.value)).collect::<Vec<_>>().join(",")
}

/// Everything that is decided with the first write of a run; its attempt is filled in when it comes. The error is a
/// denial: a budget that has to be counted apart for something that the alert does not name is no budget at all.
pub(super) fn first_write(
    run: &Run,
    playbook: &Playbook,
    scope: &Scope,
    plan: &PlanDocument,
    budgets: &BTreeMap<String, BudgetConfig>,
    overrides: &[Override],
    approved: bool,
) -> Result<FirstWrite, Denial> {
    let name = &playbook.name.text;
    let key = key(scope);
    let guards = &playbook.guards;
    let mut charges = Vec::new();
    let mut charge = |guard, key: String, amount: u128, limit: u128, window: u64| {
        charges.push(Charge { guard, key, amount, limit, window: Duration::from_secs(window) });
    };
    if let Some(recurrence) = guards.recurrence {
        charge(Guard::Recurrence, format!("{name}:{key}"), 1, recurrence.max.into(), recurrence.within);
    }
    if let Some(bucket) = guards.bucket {
        charge(Guard::Bucket, name.clone(), 1, bucket.max.into(), bucket.within);
    }
    if let Some(text) = &guards.budget {
        let (budget, config) = budget(&text.text, budgets, scope)?;
        if let Some(max) = config.max {
            charge(Guard::Budget, budget.clone(), 1, max.into(), config.window);
        }
        if let Some(link) = &config.link {
            let spent = plan.spends("link_juels");
            charge(Guard::Budget, format!("{budget}:link"), spent, most(link.units), config.window);
        }
        if let Some(native) = &config.native {
            let spent = plan.spends("native_wei");
            charge(Guard::Budget, format!("{budget}:native"), spent, most(native.units), config.window);
        }
    }
    let mut scopes = vec![name.clone()];
    scopes.extend(scope.key.iter().map(|part| part.value.clone()));
    let mut overrides = overrides.to_vec();
    for (season, guard) in [(Season::Maintenance, Guard::Maintenance), (Season::Storm, Guard::Storm)] {
        if !guards.not_during.contains(&season) {
            let reason = format!("the playbook does not name it in `not_during`: {}", season.word());
            overrides.push(Override { guard, reason, actor: format!("playbook {name}") });
        }
    }
    Ok(FirstWrite {
        begin: Begin {
            run: run.id,
            fence: run.fence,
            path: String::new(),
            attempt: 1,
            effect: Effect::Once,
            reach: Reach::Target,
            undo: false,
            effect_key: None,
            within: Duration::ZERO,
            begun: Json::Null,
            plan_hash: run.plan_hash.clone(),
            locks: vec![format!("key:{key}")],
            scopes,
        },
        cooldowns: guards
            .cooldown
            .map(|seconds| (format!("{name}:{key}"), Duration::from_secs(seconds)))
            .into_iter()
            .collect(),
        charges,
        breaker: Some(name.clone()),
        approved,
        overrides,
    })
}

fn budget<'a>(
    name: &str,
    budgets: &'a BTreeMap<String, BudgetConfig>,
    scope: &Scope,
) -> Result<(String, &'a BudgetConfig), Denial> {
    let no = |message: String| denial(Guard::Budget, name, message);
    let config = budgets.get(name).ok_or_else(|| no(format!("the configuration has no budget `{name}`")))?;
    let Some(label) = &config.per else { return Ok((name.to_owned(), config)) };
    match scope.alert.alert.labels.get(label).filter(|value| !value.is_empty()) {
        Some(value) => Ok((format!("{name}:{value}"), config)),
        None => Err(no(format!("the budget `{name}` is counted for each `{label}`, and the alert has none"))),
    }
}

/// A denial of the engine itself.
pub(super) fn denial(guard: Guard, key: &str, message: String) -> Denial {
    Denial { guard, key: key.to_owned(), until: None, holder: None, message }
}

/// An amount as the store counts: more than it can count is as much as it can.
pub(super) fn most(units: U256) -> u128 {
    if units > U256::from(u128::MAX) { u128::MAX } else { units.as_u128() }
}

/// Whether a person may go on in spite of this guard.
pub fn overridable(guard: Guard) -> bool {
    match guard {
        Guard::Cooldown
        | Guard::Bucket
        | Guard::Budget
        | Guard::Recurrence
        | Guard::Breaker
        | Guard::Maintenance
        | Guard::Require
        | Guard::MinHealthy
        | Guard::Firing
        | Guard::Storm => true,
        Guard::Lock
        | Guard::Freeze
        | Guard::Fence
        | Guard::Lease
        | Guard::Plan
        | Guard::Approval
        | Guard::Escalated
        | Guard::Cancelled
        | Guard::Attempt
        | Guard::State
        | Guard::Demoted => false,
    }
}

/// A guard's word, for a person: which, and how to go on all the same.
pub fn refused(denial: &Denial) -> Fault {
    let fault = Fault::new(Kind::Busy, denial.message.clone());
    let denied = |fault: Fault| fault.because(format!("denied by the guard `{}`", denial.guard));
    match (denial.guard, denial.holder) {
        (Guard::Lock, Some(run)) => denied(fault)
            .hint(format!("wait for it, or first: ira run cancel {run}, or ira run close {run} --as failed")),
        (Guard::Lease, Some(run)) => fault.hint(format!("a worker is at it; `ira run cancel {run}` stops it")),
        (Guard::State, Some(run)) => fault.hint(format!("`ira run show {run}` says where it stands")),
        (Guard::Freeze, _) => denied(fault).hint("`ira thaw` ends it"),
        (Guard::Plan, _) => fault.hint("look at the plan as it is now before you say yes"),
        (Guard::Approval, _) => denied(fault).hint("look at the plan again, and agree to it"),
        (guard, _) if overridable(guard) => {
            denied(fault).hint(format!("`--override {guard} --reason TEXT` goes on all the same; it is recorded"))
        }
        _ => fault,
    }
}
