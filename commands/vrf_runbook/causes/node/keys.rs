//! The accounts that a node sends from.

use serde_json::json;

use crate::units::{address, coin};
use crate::value::{H160, U256};
use crate::vrf_runbook::facts::{Request, Sender};
use crate::vrf_runbook::state::Surroundings;

use super::{Found, NAME_ONE, gaps, only_the_node, serving};

/// Gas that a fulfilment uses beside the callback, in the documented formulas.
const OVERHEAD: u64 = 200_000;

/// The accounts that fulfilments of the request are sent from: those of the jobs that serve it, else all that are known.
pub(super) fn senders<'a>(around: &'a Surroundings<'_>, request: &Request) -> Result<Vec<&'a Sender>, Box<Found>> {
    let all = &around.scene.senders;
    if all.is_empty() {
        let what = "nobody fulfilled anything in the lookback, so the node's keys are not known from the chain";
        let mend = format!("{NAME_ONE}; or name its account with --sender, or look further back with --lookback");
        return Err(Box::new(Found::unknown(what).mend(mend, "node operator")));
    }
    let of_jobs: Vec<H160> = serving(around, request).iter().flat_map(|one| one.job.from.iter().copied()).collect();
    let its: Vec<&Sender> = all.iter().filter(|sender| of_jobs.contains(&sender.account)).collect();
    Ok(if its.is_empty() { all.iter().collect() } else { its })
}

/// ` of node vrf-1`, where a node says that the account is its own.
pub(super) fn owner(around: &Surroundings<'_>, account: H160) -> Option<String> {
    let has = |keys: &Vec<crate::node::NodeKey>| keys.iter().any(|key| key.address == account);
    around.scene.nodes.iter().find(|node| node.keys.as_ref().is_ok_and(has)).map(|node| node.name.clone())
}

fn named(around: &Surroundings<'_>, account: H160) -> String {
    let of = owner(around, account).map_or(String::new(), |node| format!(" of node {node}"));
    format!("{}{of}", address(account))
}

/// Balance of the sending keys against a fulfilment at the lane's highest price.
pub fn node_key_dry(around: &Surroundings<'_>, request: &Request) -> Found {
    let senders = match senders(around, request) {
        Ok(senders) => senders,
        Err(unknown) => return *unknown,
    };
    let price = match (&request.lane, &around.scene.gas_price) {
        (Ok(lane), gas) => lane.max_gas.or_else(|| gas.as_ref().ok().copied()),
        (Err(fault), _) => return Found::unread("the lane", fault),
    };
    let Some(price) = price else { return Found::unknown("neither the lane's price nor the gas price is known") };
    let cost = price.saturating_mul(U256::from(OVERHEAD.saturating_add(request.callback_gas_limit)));
    let native = &around.scene.network.native;
    let mut dry = Vec::new();
    for sender in &senders {
        match &sender.balance {
            Ok(balance) if *balance < cost => dry.push((sender, *balance)),
            Ok(_) => {}
            Err(fault) => return Found::unread("a sending key's balance", fault),
        }
    }
    let listed: Vec<_> = dry
        .iter()
        .map(|(sender, balance)| {
            let account = sender.account;
            json!({ "account": address(account), "balance_wei": balance.to_string(), "node": owner(around, account) })
        })
        .collect();
    // With another key that can pay, the node goes on; with none it cannot.
    let found = match dry.as_slice() {
        [] => Found::pass(format!(
            "the sending keys hold more than the {} that a fulfilment may cost",
            coin(cost, native)
        )),
        dry if dry.len() == senders.len() => Found::blocks(format!(
            "every sending key holds less than the {} that a fulfilment may cost",
            coin(cost, native)
        ))
        .mend(format!("send {native} to {}", named(around, dry[0].0.account)), "anyone"),
        [(one, balance), ..] => Found::holds(format!(
            "the sending key {} holds {}, a fulfilment may cost {}",
            named(around, one.account),
            coin(*balance, native),
            coin(cost, native)
        ))
        .mend(format!("send {native} to {}", address(one.account)), "anyone"),
    };
    found.with("dry", listed).with("cost_wei", cost.to_string())
}

/// Whether the keys of the jobs that serve the request are disabled for this chain; of every key where no job is known.
pub fn key_disabled(around: &Surroundings<'_>, request: &Request) -> Found {
    const WHAT: &str = "whether its key is disabled for this chain";
    const LOOK: &str = "GET /v2/keys/evm, `disabled`";
    let jobs = serving(around, request);
    let mut states = Vec::new();
    for node in &around.scene.nodes {
        let from: Vec<H160> =
            jobs.iter().filter(|one| one.node.name == node.name).flat_map(|one| one.job.from.iter().copied()).collect();
        // A node without a job for the request is none of its business, where another has one.
        if from.is_empty() && !jobs.is_empty() {
            continue;
        }
        for key in node.keys.as_ref().map(Vec::as_slice).unwrap_or_default() {
            if from.is_empty() || from.contains(&key.address) {
                states.extend(key.disabled.map(|disabled| (node.name.as_str(), key.address, disabled)));
            }
        }
    }
    if states.is_empty() {
        return only_the_node(around, WHAT, LOOK);
    }
    let gaps = gaps(around, |node| &node.keys);
    let disabled: Vec<&(&str, H160, bool)> = states.iter().filter(|(.., disabled)| *disabled).collect();
    let listed: Vec<_> =
        disabled.iter().map(|(node, account, _)| json!({ "node": node, "account": address(*account) })).collect();
    let found = match disabled.as_slice() {
        [] => Found::pass(format!("{} sending keys are enabled{gaps}", states.len())),
        [(node, account, _), ..] => {
            let message = format!(
                "{} of {} sending keys are disabled for this chain: {} on node {node}{gaps}",
                disabled.len(),
                states.len(),
                address(*account)
            );
            let found = if disabled.len() == states.len() { Found::blocks(message) } else { Found::holds(message) };
            found.mend(format!("enable {} on node {node}", address(*account)), "node operator")
        }
    };
    found.with("disabled", listed)
}
