//! What a Chainlink node is told to do: it is configured here, so it is ours.

use std::collections::{BTreeMap, BTreeSet};

use crate::actions::Action;
use crate::actions::node::{EnableKey, Replay};
use crate::value::U256;
use crate::vrf_runbook::causes::Verdict;
use crate::words::Address;

use super::remedies::{Case, Remedy, Wanted};

/// Lets a node send again from keys that it says are disabled.
pub fn enable(case: &Case<'_>) -> Vec<Remedy> {
    const CAUSE: &str = "key-disabled";
    let mut disabled: BTreeMap<(String, String), Vec<U256>> = BTreeMap::new();
    for (request, step) in case.steps(CAUSE).filter(|(_, step)| step.verdict == Verdict::Fail) {
        for one in step.evidence.get("disabled").and_then(|all| all.as_array()).into_iter().flatten() {
            if let (Some(node), Some(account)) = (one["node"].as_str(), one["account"].as_str()) {
                disabled.entry((node.to_owned(), account.to_owned())).or_default().push(request.id);
            }
        }
    }
    let action = |node: String, account: &str| {
        let address: Address = account.parse().ok()?;
        Some(Action::NodeEnableKey(EnableKey { node, address, network: case.network() }))
    };
    disabled
        .into_iter()
        .filter_map(|((node, account), requests)| Some(wanted(CAUSE, requests, action(node, &account)?)))
        .collect()
}

/// Has a node that missed a request read the logs again, from the oldest that it missed.
pub fn replay(case: &Case<'_>) -> Vec<Remedy> {
    const CAUSE: &str = "log-missed";
    let mut missed: BTreeMap<String, (u64, BTreeSet<U256>)> = BTreeMap::new();
    for (request, step) in case.steps(CAUSE).filter(|(_, step)| step.verdict == Verdict::Fail) {
        // Without a block it is the node that is behind, and a replay would not hurry it.
        let node =
            step.evidence.get("node").and_then(|node| node.as_str()).filter(|_| step.evidence.contains_key("block"));
        if let Some(node) = node {
            let (from, requests) = missed.entry(node.to_owned()).or_insert_with(|| (request.block, BTreeSet::new()));
            *from = (*from).min(request.block);
            requests.insert(request.id);
        }
    }
    let action = |node, block| Action::NodeReplay(Replay { node, block, network: case.network() });
    missed
        .into_iter()
        .map(|(node, (block, requests))| wanted(CAUSE, requests.into_iter().collect(), action(node, block)))
        .collect()
}

fn wanted(cause: &'static str, requests: Vec<U256>, action: Action) -> Remedy {
    Remedy::Do(Box::new(Wanted { cause, requests, action, notes: Vec::new(), stranger: None }))
}
