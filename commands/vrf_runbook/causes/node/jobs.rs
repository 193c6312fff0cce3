//! The job that is to answer.

use serde_json::{Value as Json, json};

use crate::node::{Check, NodeJob};
use crate::units::{address, short_hex};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::nodes::NodeFacts;
use crate::vrf_runbook::state::Surroundings;

use super::{Found, Serving, gaps, only_the_node, serving};

/// Errors and checks that are quoted.
const QUOTED: usize = 3;

/// Whether a job is there, without errors, for this coordinator and key, with accounts that its node has; and its node well.
pub fn job_broken(around: &Surroundings<'_>, request: &Request) -> Found {
    const WHAT: &str = "whether its VRF job is there, without errors, and has this coordinator, key and accounts";
    let nodes = &around.scene.nodes;
    if nodes.iter().all(|node| node.jobs.is_err()) {
        return only_the_node(around, WHAT, "GET /v2/jobs and /health");
    }
    let jobs = serving(around, request);
    let gaps = gaps(around, |node| &node.jobs);
    if jobs.is_empty() {
        return missing(around, request, &gaps);
    }
    let chain = around.scene.network.chain_id;
    let judged: Vec<(Serving<'_>, Vec<Defect>)> = jobs.into_iter().map(|one| (one, defects(one, chain))).collect();
    let evidence: Vec<Json> = judged
        .iter()
        .map(|(one, defects)| {
            let defects: Vec<&str> = defects.iter().map(|defect| defect.what.as_str()).collect();
            json!({ "node": one.node.name, "job": one.job.id, "name": one.job.name, "defects": defects })
        })
        .collect();
    let broken: Vec<&(Serving<'_>, Vec<Defect>)> = judged.iter().filter(|(_, defects)| !defects.is_empty()).collect();
    let told: Vec<String> = broken
        .iter()
        .map(|(one, defects)| {
            let defects: Vec<&str> = defects.iter().map(|defect| defect.what.as_str()).collect();
            format!("{one} {}", defects.join(", "))
        })
        .collect();
    let mend = || broken.first().and_then(|(one, defects)| Some(format!("on {one}: {}", defects.first()?.mend)));
    let found = if broken.is_empty() {
        let names: Vec<String> = judged.iter().map(|(one, _)| one.to_string()).collect();
        Found::pass(format!("{} is there and sound{gaps}", names.join("; ")))
    } else if broken.len() < judged.len() {
        Found::pass(format!("another job is sound, but {}{gaps}", told.join("; ")))
    } else if broken.iter().all(|(_, defects)| defects.iter().any(|defect| defect.fatal)) {
        Found::blocks(format!("{}{gaps}", told.join("; ")))
    } else {
        Found::holds(format!("{}{gaps}", told.join("; ")))
    };
    let found = match mend() {
        Some(mend) => found.mend(mend, "node operator"),
        None => found,
    };
    found.with("jobs", evidence)
}

/// Something that is wrong with a job.
struct Defect {
    /// As a predicate of the job.
    what: String,
    /// What to do about it.
    mend: &'static str,
    /// Whether it cannot answer like that.
    fatal: bool,
}

fn defects(one: Serving<'_>, chain_id: u64) -> Vec<Defect> {
    let Serving { node, job } = one;
    let mut found = Vec::new();
    if let Ok(keys) = &node.keys {
        let has = |account| keys.iter().any(|key| key.address == account);
        let lost: Vec<_> = job.from.iter().copied().filter(|account| !has(*account)).map(address).collect();
        if job.from.is_empty() {
            let what = "names no account to send from".to_owned();
            found.push(Defect { what, mend: "set its fromAddresses", fatal: true });
        } else if !lost.is_empty() {
            found.push(Defect {
                what: format!("sends from {}, which the node has no key of", lost.join(" and ")),
                mend: "import the key, or set its fromAddresses to keys of the node",
                fatal: lost.len() == job.from.len(),
            });
        }
    }
    if let Some(first) = job.errors.first() {
        let often = first.occurrences.map_or(String::new(), |often| format!(" ({often} times)"));
        let more =
            if job.errors.len() > 1 { format!(" and {} other errors", job.errors.len() - 1) } else { String::new() };
        found.push(Defect {
            what: format!("has errors: {}{often}{more}", first.description),
            mend: "mend what its errors say, and dismiss them",
            fatal: false,
        });
    }
    let failing = failing(node, chain_id);
    if !failing.is_empty() {
        let names: Vec<String> = failing.iter().take(QUOTED).map(|check| told(check)).collect();
        found.push(Defect {
            what: format!("stands on a node that says it is not well: {}", names.join(", ")),
            mend: "mend what the node's /health names",
            fatal: false,
        });
    }
    found
}

fn told(check: &Check) -> String {
    if check.output.is_empty() { check.name.clone() } else { format!("{} ({})", check.name, check.output) }
}

/// The node's own checks that fail, but for those of another chain (`EVM.10.…`).
fn failing(node: &NodeFacts, chain_id: u64) -> Vec<&Check> {
    let elsewhere = |check: &Check| {
        let mut parts = check.name.split('.').skip_while(|part| !part.eq_ignore_ascii_case("evm")).skip(1);
        parts.next().and_then(|id| id.parse::<u64>().ok()).is_some_and(|id| id != chain_id)
    };
    let checks = node.checks.as_ref().map(Vec::as_slice).unwrap_or_default();
    checks.iter().filter(|check| !check.passing && !elsewhere(check)).collect()
}

/// Where no job serves the request: what comes nearest to one.
fn missing(around: &Surroundings<'_>, request: &Request, gaps: &str) -> Found {
    let coordinator = around.scene.coordinator.address;
    let names: Vec<&str> =
        around.scene.nodes.iter().filter(|node| node.jobs.is_ok()).map(|node| node.name.as_str()).collect();
    let mut near = Vec::new();
    for node in &around.scene.nodes {
        let jobs = node.jobs.as_ref().map(Vec::as_slice).unwrap_or_default();
        for job in jobs.iter().filter(|job| job.kind == "vrf") {
            let right_key = node.hash_of(job) == Some(request.key_hash);
            let one = Serving { node, job };
            if job.coordinators.contains(&coordinator) {
                near.push((one, format!("{one} is for another key, {}", key(node, job))));
            } else if right_key {
                let others: Vec<String> = job.coordinators.iter().copied().map(address).collect();
                near.push((one, format!("{one} has the key but another coordinator, {}", others.join(" and "))));
            }
        }
    }
    let lacking = match near.as_slice() {
        [] => "none has a VRF job for this coordinator".to_owned(),
        near => near.iter().take(QUOTED).map(|(_, why)| why.clone()).collect::<Vec<_>>().join("; "),
    };
    let message = format!("no job of {} serves this coordinator and key hash: {lacking}{gaps}", names.join(", "));
    // What a node that could not be asked has may be the job.
    let found = if gaps.is_empty() { Found::blocks(message) } else { Found::unknown(message) };
    let evidence: Vec<Json> =
        near.iter().map(|(one, why)| json!({ "node": one.node.name, "job": one.job.id, "why": why })).collect();
    found.with("nodes", names).with("nearest", evidence).mend(
        format!(
            "create the VRF job for coordinator {} and key hash {} (or {})",
            address(coordinator),
            short_hex(request.key_hash.as_bytes()),
            super::NAME_ONE
        ),
        "node operator",
    )
}

/// A job's key as a person can compare it.
fn key(node: &NodeFacts, job: &NodeJob) -> String {
    match (node.hash_of(job), &job.public_key) {
        (Some(hash), _) => format!("key hash {}", short_hex(hash.as_bytes())),
        (None, Some(public)) => public.clone(),
        (None, None) => "none".to_owned(),
    }
}
