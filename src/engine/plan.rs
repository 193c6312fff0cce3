//! What a run would do: every write that may come, each as its command plans it, and the hash that is agreed to.

use ira_commands::playbook::{self, Playbook, Refusal, Scope, Step, Unready};
use ira_commands::value::U256;
use ira_commands::{Fault, Invocation, Kind, Report};
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::guards::most;

/// One write that may come.
#[derive(Clone, Debug, PartialEq)]
pub struct PlannedWrite {
    /// The step's id; with the item behind a slash where it is done for each of a list.
    pub step: String,
    /// What is done (`systemd.restart`).
    pub verb: String,
    /// What is acted on: as the command's plan names it, else the command with its arguments.
    pub target: String,
    /// Whether the command's plan named it: then nothing else is acted on.
    pub named: bool,
    /// The command's plan; none where it cannot be made yet, and then why.
    pub plan: Result<Report, Fault>,
}

/// What a run would do.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct PlanDocument {
    /// SHA-256 of revision, key, parameters, and of each write the step, the verb and its target; in hex.
    pub hash: String,
    /// The writes, in order.
    pub writes: Vec<PlannedWrite>,
}

impl PlannedWrite {
    /// What it may act on: each thing that its plan names, or nothing at all where that has nothing to do.
    fn targets(&self) -> Vec<String> {
        let plan = self.plan.as_ref().ok().and_then(|report| report.data.get("plan"));
        match plan {
            Some(Json::Null) => vec![NOTHING.to_owned()],
            Some(plan) if plan["targets"].is_array() => {
                plan["targets"].as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
            }
            _ if self.named => vec![self.target.clone()],
            _ => Vec::new(),
        }
    }
}

/// What a plan of nothing names: no attempt has this key.
const NOTHING: &str = "nothing: the plan is empty";

impl PlanDocument {
    /// The document of these writes.
    pub(super) fn of(playbook: &Playbook, scope: &Scope, writes: Vec<PlannedWrite>) -> Self {
        let key: Vec<_> = scope.key.iter().map(|part| (&part.path, &part.value)).collect();
        let what: Vec<_> = writes.iter().map(|write| (&write.step, &write.verb, &write.target)).collect();
        // The caps and the declared effects are in the text that the revision is the hash of.
        let text = json!([playbook.revision, key, scope.params, what]).to_string();
        Self { hash: digest(&text), writes }
    }

    /// What a step may act on; empty where its plan does not name it.
    pub(super) fn targets(&self, step: &str) -> Vec<String> {
        self.writes.iter().filter(|write| write.step == step).flat_map(PlannedWrite::targets).collect()
    }

    /// What the plans spend together, in the smallest unit (`link_juels`, `native_wei`).
    pub fn spends(&self, field: &str) -> u128 {
        let of = |report: &Report| -> Option<u128> {
            let spends = report.data.get("plan").and_then(|plan| plan.get("spends"))?;
            U256::from_dec_str(spends.get(field)?.as_str()?).ok().map(most)
        };
        let known = self.writes.iter().filter_map(|write| write.plan.as_ref().ok().and_then(of));
        known.fold(0, u128::saturating_add)
    }

    /// For a program, and for the record.
    pub fn json(&self) -> Json {
        let write = |write: &PlannedWrite| {
            json!({
                "step": write.step,
                "do": write.verb,
                "target": write.target,
                "plan": write.plan.as_ref().ok().map(|report| report.data.get("plan").unwrap_or(&report.data)),
                "not_planned": write.plan.as_ref().err().map(Fault::one_line),
            })
        };
        json!({ "plan_hash": self.hash, "writes": self.writes.iter().map(write).collect::<Vec<_>>() })
    }

    /// The same in a line each, for a note.
    pub fn lines(&self) -> Vec<String> {
        let line = |write: &PlannedWrite| {
            let what = write.plan.as_ref().map_or_else(
                |fault| format!("cannot be planned yet: {}", fault.one_line()),
                |report| {
                    let plan = report.data.get("plan").and_then(|plan| plan.get("what")).and_then(Json::as_str);
                    plan.map_or_else(|| super::hands::line(report), str::to_owned)
                },
            );
            format!("{}: {} ({what})", write.step, write.verb)
        };
        self.writes.iter().map(line).collect()
    }
}

/// SHA-256, hex.
pub(super) fn digest(text: &str) -> String {
    ira_commands::units::digits(&Sha256::digest(text.as_bytes()))
}

/// The command of a step, with its arguments as they are now.
pub(super) fn invocation(playbook: &Playbook, step: &Step, writes: bool, scope: &Scope) -> Result<Invocation, Fault> {
    playbook::invocation(playbook, step, writes, scope).map_err(|unready| match unready {
        Unready::Refused(refusal) => not_inserted(playbook, step, &refusal),
        Unready::NotTaken(fault) => fault.wrap(format!("`{}` is not done", step.id.text)),
    })
}

/// What could not be inserted, as a fault.
pub(super) fn not_inserted(playbook: &Playbook, step: &Step, refusal: &Refusal) -> Fault {
    Fault::new(Kind::Usage, format!("`{}` is not done: {}", step.id.text, refusal.message))
        .because(format!("line {} of the playbook {}", refusal.at.line, playbook.name.text))
}

/// What a planned command acts on, and whether its plan says so.
pub(super) fn target(invocation: &Invocation, plan: Option<&Report>) -> (String, bool) {
    let said = plan.and_then(|plan| plan.data.get("plan")?.get("target")?.as_str());
    match said {
        Some(target) => (target.to_owned(), true),
        None => (format!("{} {}", invocation.name(), invocation.with()), false),
    }
}
