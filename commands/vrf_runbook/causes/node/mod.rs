//! Does the node do its part: what the chain shows of it, and what only the node itself can say.

mod fulfilling;
mod jobs;
mod keys;
mod seeing;

use crate::node::NodeJob;
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::nodes::NodeFacts;
use crate::vrf_runbook::state::Surroundings;

use super::Found;

pub use fulfilling::{backing_off, fulfil_gas_too_low, tx_stuck};
pub use jobs::job_broken;
pub use keys::{key_disabled, node_key_dry};
pub use seeing::{expired_in_node, log_missed};

/// How a node is named so that it can be asked.
pub(super) const NAME_ONE: &str =
    "name its node: --node NAME, or [nodes.NAME] in the configuration (`ira help config`)";

/// A job that serves a request, and its node.
#[derive(Clone, Copy)]
struct Serving<'a> {
    node: &'a NodeFacts,
    job: &'a NodeJob,
}

/// `node vrf-1, job 5 (lane main)`.
impl std::fmt::Display for Serving<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "node {}, job {}", self.node.name, self.job.id)?;
        if self.job.name.is_empty() { Ok(()) } else { write!(f, " ({})", self.job.name) }
    }
}

/// The jobs that are for the request's coordinator and key; a key that a node does not tell counts as the right one.
fn serving<'a>(around: &'a Surroundings<'_>, request: &Request) -> Vec<Serving<'a>> {
    let coordinator = around.scene.coordinator.address;
    let of = |node: &'a NodeFacts| {
        node.jobs_of("vrf", coordinator)
            .filter(|job| node.hash_of(job).is_none_or(|hash| hash == request.key_hash))
            .map(move |job| Serving { node, job })
    };
    around.scene.nodes.iter().flat_map(of).collect()
}

/// Where no node could say it: why, and what to give.
pub(super) fn only_the_node(around: &Surroundings<'_>, what: &str, where_to_look: &str) -> Found {
    let reasons: Vec<String> =
        around.scene.nodes.iter().filter_map(NodeFacts::silent).map(ToString::to_string).collect();
    if around.scene.nodes.is_empty() {
        Found::unknown(format!("only the node can say {what}"))
            .mend(format!("{NAME_ONE}; or look on it: {where_to_look}"), "node operator")
    } else if reasons.is_empty() {
        Found::unknown(format!("the nodes do not say {what}"))
            .mend(format!("look on the node: {where_to_look}"), "node operator")
    } else {
        Found::unknown(format!("only the node can say {what}: {}", reasons.join("; ")))
            .mend(format!("have the node answer; or look on it: {where_to_look}"), "node operator")
    }
}

/// Where there are nodes, and none has a job for the request.
fn without_a_job(around: &Surroundings<'_>, what: &str, where_to_look: &str) -> Found {
    if around.scene.nodes.iter().any(|node| node.jobs.is_ok()) {
        return Found::unknown(format!("no job of the nodes asked serves it, so none can say {what}"))
            .mend(format!("see job-broken; or {NAME_ONE}"), "node operator");
    }
    only_the_node(around, what, where_to_look)
}

/// What some nodes could not say, to stand behind what others did.
fn gaps<T>(around: &Surroundings<'_>, part: impl Fn(&NodeFacts) -> &Result<T, crate::Fault>) -> String {
    let faults: Vec<String> =
        around.scene.nodes.iter().filter_map(|node| part(node).as_ref().err()).map(ToString::to_string).collect();
    if faults.is_empty() { String::new() } else { format!("; not known: {}", faults.join("; ")) }
}
