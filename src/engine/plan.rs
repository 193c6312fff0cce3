//! What a run would do: every write that may come, each as its command plans it, and the hash that is agreed to.

use ira_commands::actions::Caps;
use ira_commands::playbook::{Playbook, Refusal, Scope, Step, arguments};
use ira_commands::value::U256;
use ira_commands::{Fault, Invocation, Kind, Report};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::guards::most;

/// One write that may come.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWrite {
    /// The step's id.
    pub step: String,
    /// What is done (`systemd.restart`).
    pub verb: String,
    /// Exactly what is acted on, as the command's plan has it.
    pub target: String,
    /// The command's plan; none where it cannot be made before an earlier write is done, and then why.
    pub plan: Result<Report, Fault>,
}

/// What a run would do.
#[derive(Clone, Debug, PartialEq)]
pub struct PlanDocument {
    /// SHA-256 of revision, key, parameters, and of each write the verb, its target and its caps; in hex.
    pub hash: String,
    /// The writes, in order.
    pub writes: Vec<PlannedWrite>,
}

impl PlanDocument {
    /// What the plans spend together, in the smallest unit (`link_juels`, `native_wei`).
    pub fn spends(&self, field: &str) -> u128 {
        let of = |report: &Report| -> Option<u128> {
            let spends = report.data.get("plan").and_then(|plan| plan.get("spends"))?;
            U256::from_dec_str(spends.get(field)?.as_str()?).ok().map(most)
        };
        let known = self.writes.iter().filter_map(|write| write.plan.as_ref().ok().and_then(of));
        known.fold(0, u128::saturating_add)
    }

    /// For a program.
    pub fn json(&self) -> Json {
        let write = |write: &PlannedWrite| {
            json!({
                "step": write.step,
                "do": write.verb,
                "target": write.target,
                "plan": write.plan.as_ref().ok().map(|report| &report.data),
                "not_planned": write.plan.as_ref().err().map(Fault::one_line),
            })
        };
        json!({ "plan_hash": self.hash, "writes": self.writes.iter().map(write).collect::<Vec<_>>() })
    }
}

/// The hash of what may be done.
pub(super) fn hash(playbook: &Playbook, scope: &Scope, writes: &[PlannedWrite]) -> String {
    let key: Vec<_> = scope.key.iter().map(|part| (&part.path, &part.value)).collect();
    let writes: Vec<_> = writes.iter().map(|write| (&write.step, &write.verb, &write.target)).collect();
    let text = json!([playbook.revision, key, scope.params, writes]).to_string();
    let digest = Sha256::digest(text.as_bytes());
    ira_commands::units::hex(&digest)[2..].to_owned()
}

/// The command of a step, with its arguments as they are now.
pub(super) fn invocation(playbook: &Playbook, step: &Step, writes: bool, scope: &Scope) -> Result<Invocation, Fault> {
    let refused = |refusal: Refusal| {
        Fault::new(Kind::Usage, format!("`{}` is not done: {}", step.id.text, refusal.message))
            .because(format!("line {} of playbook {}", refusal.at.line, playbook.name.text))
    };
    let with = arguments(playbook, step, writes, scope).map_err(refused)?;
    build(&step.action.text, with, step, scope)
}

/// A command with its arguments, held to the step's caps, and with the alert that it is about.
pub(super) fn build(action: &str, mut with: Json, step: &Step, scope: &Scope) -> Result<Invocation, Fault> {
    let caps = Caps { link: step.limits.max_spend.clone(), native: step.limits.max_spend_native.clone() };
    let known = Invocation::schema(action).map(|schema| schema.as_value()["properties"].clone()).unwrap_or_default();
    for (name, cap) in [("max-spend", &caps.link), ("max-spend-native", &caps.native)] {
        if let (Some(cap), Some(map)) = (cap, with.as_object_mut())
            && known.get(name).is_some()
        {
            map.entry(name).or_insert_with(|| json!(cap));
        }
    }
    let mut invocation = Invocation::from_data(action, with)?;
    invocation.set_alerts(vec![scope.alert.alert.clone()]);
    Ok(invocation)
}

/// Exactly what a planned command acts on: as its plan says, else its arguments.
pub(super) fn target(invocation: &Invocation, plan: &Report) -> String {
    let said = plan.data.get("plan").and_then(|plan| plan.get("target")).and_then(Json::as_str);
    said.map_or_else(|| format!("{}:{}", invocation.name(), invocation.with()), str::to_owned)
}
