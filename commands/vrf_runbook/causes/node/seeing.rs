//! Did the node see the request, and does it still know it.

use serde_json::json;

use crate::units::{duration, thousands};
use crate::vrf_runbook::causes::{Verdict, funds, lane, request as made, window};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::nodes::is_about;
use crate::vrf_runbook::state::Surroundings;

use super::{Found, Serving, serving, without_a_job};

/// By default a node drops requests older than this, seconds.
const NODE_TIMEOUT: u64 = 86_400;
/// A node so many blocks behind may be at work on what is between.
const USUAL_LAG: u64 = 5;

/// What keeps a node from working on a request that it saw: then it need not have written a run.
fn hindered(around: &Surroundings<'_>, request: &Request) -> Option<&'static str> {
    let looks: [(&str, super::super::Look); 6] = [
        ("subscription-gone", made::subscription_gone),
        ("consumer-not-contract", made::consumer_not_contract),
        ("unknown-key-hash", lane::unknown_key_hash),
        ("blockhash-expired", window::blockhash_expired),
        ("underfunded", funds::underfunded),
        ("gas-price-above-lane", lane::gas_price_above_lane),
    ];
    looks.into_iter().find(|(_, look)| look(around, request).blocking).map(|(cause, _)| cause)
}

/// The request is on chain, and no job wrote a run for it.
pub fn log_missed(around: &Surroundings<'_>, request: &Request) -> Found {
    const WHAT: &str = "whether it saw the request";
    let look =
        format!("GET /v2/pipeline/runs for its transaction; replay from block {} if there is none", request.block);
    let head = around.scene.block.number;
    if window::unconfirmed(around, request).verdict == Verdict::Fail {
        return Found::skipped("it is still inside its confirmations");
    }
    let jobs = serving(around, request);
    if jobs.is_empty() {
        return without_a_job(around, WHAT, &look);
    }
    let read: Vec<(Serving<'_>, _)> =
        jobs.iter().filter_map(|one| Some((*one, one.node.runs_of(one.job)?.as_ref().ok()?))).collect();
    if let Some((one, run)) =
        read.iter().find_map(|(one, runs)| Some((one, runs.runs.iter().find(|run| is_about(run, request))?)))
    {
        return Found::pass(format!("{one} worked on it (run {})", run.id))
            .with("node", one.node.name.as_str())
            .with("run", run.id.as_str());
    }
    let replay = |one: &Serving<'_>| format!("have node {} replay from block {}", one.node.name, request.block);
    let behind: Vec<(Serving<'_>, u64)> = jobs
        .iter()
        .filter_map(|one| Some((*one, one.node.meters.as_ref().ok()?.head?)))
        .filter(|(_, at)| head.saturating_sub(*at) > USUAL_LAG)
        .collect();
    // A node that has not come so far cannot have seen it; a replay would not help it.
    if let Some((one, at)) = behind.iter().find(|(_, at)| *at < request.block) {
        return Found::blocks(format!(
            "node {} is at block {} of {}: it has not come to the request in block {}",
            one.node.name,
            thousands(*at),
            thousands(head),
            thousands(request.block)
        ))
        .with("node", one.node.name.as_str())
        .with("node_head", *at)
        .mend(format!("look at the RPC endpoints of node {}; then {}", one.node.name, replay(one)), "node operator");
    }
    if let Some(cause) = hindered(around, request) {
        return Found::unknown(format!(
            "no run is written for it, which says nothing while {cause} holds: a node writes one when it can fulfil"
        ));
    }
    let Some((first, _)) = read.first() else {
        let faults: Vec<String> =
            jobs.iter().filter_map(|one| one.node.runs_of(one.job)?.as_ref().err()).map(ToString::to_string).collect();
        return Found::unknown(format!("the runs of its jobs could not be read: {}", faults.join("; ")))
            .mend(format!("look on the node: {look}"), "node operator");
    };
    if let Some((one, runs)) = read.iter().find(|(_, runs)| !runs.complete) {
        return Found::unknown(format!(
            "the newest {} runs of {one} do not go back to the request, and none is for it",
            runs.runs.len()
        ))
        .mend(format!("look on the node: {look}"), "node operator");
    }
    let lag = behind.first().map_or(String::new(), |(one, at)| {
        format!("; node {} is {} blocks behind the chain", one.node.name, thousands(head.saturating_sub(*at)))
    });
    let dropped: u64 = jobs.iter().map(|one| dropped(*one, "mailbox_size")).sum();
    let lost = if dropped > 0 {
        format!("; {dropped} requests were dropped since it started because too many waited")
    } else {
        String::new()
    };
    let names: Vec<String> = read.iter().map(|(one, _)| one.to_string()).collect();
    Found::blocks(format!("no run for it: {} did not see it{lag}{lost}", names.join("; ")))
        .with("node", first.node.name.as_str())
        .with("block", request.block)
        .with("dropped_mailbox_size", dropped)
        .mend(replay(first), "node operator")
}

/// How many requests a job dropped for a reason.
fn dropped(one: Serving<'_>, reason: &str) -> u64 {
    let meters = one.node.meters.as_ref().map(|meters| meters.dropped.as_slice()).unwrap_or_default();
    meters.iter().filter(|(job, why, _)| *job == one.job.name && why == reason).map(|(.., many)| many).sum()
}

/// Whether it has given up on the request for its age.
pub fn expired_in_node(around: &Surroundings<'_>, request: &Request) -> Found {
    let age = match &request.at {
        Ok(at) => around.scene.block.timestamp.saturating_sub(*at),
        Err(fault) => return Found::unread("the request's age", fault),
    };
    let jobs = serving(around, request);
    let known: Vec<(Serving<'_>, u64)> = jobs.iter().filter_map(|one| Some((*one, one.job.request_timeout?))).collect();
    let longest = known.iter().max_by_key(|(_, limit)| if *limit == 0 { u64::MAX } else { *limit });
    let (limit, whose) = match longest {
        Some((one, 0)) => {
            return Found::pass(format!("{} old; {one} drops no request for its age", duration(age)))
                .with("age_seconds", age);
        }
        Some((one, limit)) => (*limit, format!("{one} drops requests after {}", duration(*limit))),
        None => (
            NODE_TIMEOUT,
            format!("a node drops requests after {} unless its job says otherwise", duration(NODE_TIMEOUT)),
        ),
    };
    let found = if age < limit {
        Found::pass(format!("{} old; {whose}", duration(age)))
    } else {
        let many: u64 = jobs.iter().map(|one| dropped(*one, "age")).sum();
        let counted = if many > 0 { format!(" ({many} dropped since it started)") } else { String::new() };
        Found::holds(format!("{} old: {whose}{counted}", duration(age)))
            .mend(format!("raise the job's requestTimeout and replay from block {}", request.block), "node operator")
    };
    let timeouts: Vec<_> = known
        .iter()
        .map(|(one, limit)| json!({ "node": one.node.name, "job": one.job.id, "request_timeout_seconds": limit }))
        .collect();
    found.with("age_seconds", age).with("limit_seconds", limit).with("jobs", timeouts)
}
