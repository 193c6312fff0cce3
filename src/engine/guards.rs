//! What may forbid a run, as the store decides it at the first write.

use std::collections::BTreeMap;
use std::time::Duration;

use ira_commands::Effect;
use ira_commands::effect::Reach;
use ira_commands::playbook::{Playbook, Scope};
use ira_commands::value::U256;
use serde_json::Value as Json;

use super::plan::PlanDocument;
use crate::config::BudgetConfig;
use crate::store::Guard;
use crate::store::ask::{Begin, Charge, FirstWrite, Override};
use crate::store::model::Run;

/// What a run is about, in one text: two runs about the same never act at the same time.
pub(super) fn key(scope: &Scope) -> String {
    scope.key.iter().map(|part| format!("{}={}", part.path, part.value)).collect::<Vec<_>>().join(",")
}

/// Everything that is decided with the first write of a run.
pub(super) fn first_write(
    run: &Run,
    playbook: &Playbook,
    scope: &Scope,
    plan: Option<&PlanDocument>,
    budgets: &BTreeMap<String, BudgetConfig>,
    overrides: &[Override],
    approved: bool,
) -> FirstWrite {
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
    if let Some((budget, config)) = guards.budget.as_ref().and_then(|text| budgets.get_key_value(&text.text)) {
        let own = config.per.as_ref().and_then(|label| scope.alert.alert.labels.get(label));
        let budget = own.map_or_else(|| budget.clone(), |value| format!("{budget}:{value}"));
        if let Some(max) = config.max {
            charge(Guard::Budget, budget.clone(), 1, max.into(), config.window);
        }
        let spends = |field: &str| plan.map_or(0, |plan| plan.spends(field));
        if let Some(link) = &config.link {
            charge(Guard::Budget, format!("{budget}:link"), spends("link_juels"), most(link.units), config.window);
        }
        if let Some(native) = &config.native {
            charge(Guard::Budget, format!("{budget}:native"), spends("native_wei"), most(native.units), config.window);
        }
    }
    let mut scopes = vec![name.clone()];
    scopes.extend(scope.key.iter().map(|part| part.value.clone()));
    FirstWrite {
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
            plan_hash: plan.map(|plan| plan.hash.clone()).or_else(|| run.plan_hash.clone()),
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
        overrides: overrides.to_vec(),
    }
}

/// An amount as the store counts: more than it can count is as much as it can.
pub(super) fn most(units: U256) -> u128 {
    if units > U256::from(u128::MAX) { u128::MAX } else { units.as_u128() }
}
