//! Does the node do its part: what the chain shows of it, and what only the node itself can say.

use serde_json::json;

use crate::units::{address, coin, duration};
use crate::value::U256;
use crate::vrf_runbook::facts::{Request, Sender};
use crate::vrf_runbook::state::Surroundings;

use super::Found;

/// Gas that a fulfilment uses beside the callback, in the documented formulas.
const OVERHEAD: u64 = 200_000;
/// By default a node drops requests older than this, seconds.
const NODE_TIMEOUT: u64 = 86_400;

/// The accounts that sent fulfilments of late, as far as the chain shows them.
fn senders<'a>(around: &'a Surroundings<'_>) -> Result<&'a [Sender], Box<Found>> {
    if around.scene.senders.is_empty() {
        return Err(Box::new(Found::unknown(
            "nobody fulfilled anything in the lookback, so the node's keys are not known from the chain",
        )
        .mend(
            "give its accounts' balances a look on the node (GET /v2/keys/evm), or look further back with --lookback",
            "node operator",
        )));
    }
    Ok(&around.scene.senders)
}

/// Balance of the sending keys against a fulfilment at the lane's highest price.
pub fn node_key_dry(around: &Surroundings<'_>, request: &Request) -> Found {
    let senders = match senders(around) {
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
    for sender in senders {
        match &sender.balance {
            Ok(balance) if *balance < cost => dry.push((sender, *balance)),
            Ok(_) => {}
            Err(fault) => return Found::unread("a sending key's balance", fault),
        }
    }
    let listed: Vec<_> = dry
        .iter()
        .map(|(sender, balance)| json!({ "account": address(sender.account), "balance_wei": balance.to_string() }))
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
        .mend(format!("send {native} to {}", address(dry[0].0.account)), "anyone"),
        [(one, balance), ..] => Found::holds(format!(
            "the sending key {} holds {}, a fulfilment may cost {}",
            address(one.account),
            coin(*balance, native),
            coin(cost, native)
        ))
        .mend(format!("send {native} to {}", address(one.account)), "anyone"),
    };
    found.with("dry", listed).with("cost_wei", cost.to_string())
}

/// Transactions of the sending keys that wait.
pub fn tx_stuck(around: &Surroundings<'_>, _: &Request) -> Found {
    let senders = match senders(around) {
        Ok(senders) => senders,
        Err(unknown) => return *unknown,
    };
    let mut waiting = Vec::new();
    for sender in senders {
        match (&sender.nonce, &sender.pending_nonce) {
            (Ok(mined), Ok(pending)) if pending > mined => {
                waiting.push(json!({ "account": address(sender.account), "latest": mined, "pending": pending }));
            }
            (Ok(_), Ok(_)) => {}
            (Err(fault), _) | (_, Err(fault)) => return Found::unread("a sending key's nonce", fault),
        }
    }
    let found = if waiting.is_empty() {
        Found::pass("no sending key has a transaction waiting")
    } else {
        Found::holds(format!("{} of {} sending keys have transactions waiting", waiting.len(), senders.len())).mend(
            "look again in a minute; if they still wait, rebroadcast with a higher fee on the node, same nonce",
            "node operator",
        )
    };
    found.with("waiting", waiting)
}

/// What only the node's own API can say.
fn asks_the_node(what: &str, where_to_look: &str) -> Found {
    Found::unknown(format!("only the node can say {what}"))
        .mend(format!("look on the node: {where_to_look}"), "node operator")
}

/// Whether its key is disabled for this chain.
pub fn key_disabled(_: &Surroundings<'_>, _: &Request) -> Found {
    asks_the_node("whether its key is disabled for this chain", "GET /v2/keys/evm, `disabled`")
}

/// Whether its job is there and right.
pub fn job_broken(_: &Surroundings<'_>, _: &Request) -> Found {
    asks_the_node(
        "whether its VRF job is there, without errors, and has this coordinator, key and accounts",
        "GET /v2/jobs and /health",
    )
}

/// Whether it saw the request at all.
pub fn log_missed(_: &Surroundings<'_>, request: &Request) -> Found {
    asks_the_node(
        "whether it saw the request",
        &format!("GET /v2/pipeline/runs for its transaction; replay from block {} if there is none", request.block),
    )
}

/// Whether it has given up on the request for its age.
pub fn expired_in_node(around: &Surroundings<'_>, request: &Request) -> Found {
    let age = match &request.at {
        Ok(at) => around.scene.block.timestamp.saturating_sub(*at),
        Err(fault) => return Found::unread("the request's age", fault),
    };
    if age < NODE_TIMEOUT {
        return Found::pass(format!(
            "{} old; a node drops requests after {} unless its job says otherwise",
            duration(age),
            duration(NODE_TIMEOUT)
        ))
        .with("age_seconds", age);
    }
    Found::holds(format!(
        "{} old: a node drops requests after {} unless its job says otherwise",
        duration(age),
        duration(NODE_TIMEOUT)
    ))
    .with("age_seconds", age)
    .mend(format!("raise the job's requestTimeout and replay from block {}", request.block), "node operator")
}

/// Whether its fulfilments revert for want of gas.
pub fn fulfil_gas_too_low(_: &Surroundings<'_>, _: &Request) -> Found {
    asks_the_node(
        "whether its fulfilments revert for want of gas",
        "GET /v2/transactions/evm: reverted ones to the coordinator without data",
    )
}

/// Whether it is waiting before it tries again.
pub fn backing_off(_: &Surroundings<'_>, _: &Request) -> Found {
    asks_the_node(
        "whether it is backing off",
        "the job's backoffInitialDelay and backoffMaxDelay, metric vrf_request_time_between_sims",
    )
}
