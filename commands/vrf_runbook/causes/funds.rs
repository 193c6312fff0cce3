//! Can it be paid for.

use serde_json::Value as Json;

use crate::units::{coin, duration, readable, scaled};
use crate::value::U256;
use crate::vrf_runbook::cost::{self, Cost};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::state::Surroundings;

use super::Found;

/// A price feed older than this share of what is allowed is near its limit.
const NEAR_STALE: f64 = 0.8;
/// A balance that covers fewer further requests than this is near its end.
const AHEAD: u64 = 3;

/// An amount in the currency that the request is paid in.
fn amount(around: &Surroundings<'_>, native: bool, value: U256) -> String {
    coin(value, if native { &around.scene.network.native } else { "LINK" })
}

/// The subscription's balance against what the request costs, and against what stands before it in its queue.
pub fn underfunded(around: &Surroundings<'_>, request: &Request) -> Found {
    let native = request.native();
    let state = match around.subscription.map(|subscription| &subscription.state) {
        Some(Ok(Some(state))) => state,
        Some(Ok(None)) => return Found::skipped("there is no subscription to fund"),
        Some(Err(fault)) => return Found::unread("the subscription", fault),
        None => return Found::unknown("the subscription was not read"),
    };
    let balance = if native { state.native } else { state.link };
    let Some(price) = cost::cost(around.scene, request) else {
        return Found::unknown(
            "what it costs is not known: the lane's price, the configuration or the price of LINK could not be read",
        )
        .with("balance", balance.to_string());
    };
    let queue = queue(around, request, native, balance);
    let shown = |value: U256| amount(around, native, value);
    let layers = if around.scene.network.sequencer.is_some() { ", L1 fees not counted" } else { "" };
    let lane = if request.lane.as_ref().is_ok_and(|lane| lane.max_gas.is_none()) {
        " (at the present gas price: V2 keeps the lane's in the node alone)"
    } else {
        ""
    };
    let numbers = format!(
        "holds {}; a node waits below about {}, its own estimate is {}, the documented maximum {}{lane}{layers}",
        shown(balance),
        shown(price.simulated),
        shown(price.node_estimate),
        shown(price.documented)
    );
    let (missing, here) = (queue.needed.saturating_sub(balance), queue.needed_until_here.saturating_sub(balance));
    let alone = if here == missing {
        String::new()
    } else {
        format!(" ({} for this request and the cheaper ones before it alone)", shown(here))
    };
    let action = format!("fund subscription {} with {}{alone}", request.subscription, shown(missing));
    let further = balance.saturating_sub(queue.needed).checked_div(price.documented).unwrap_or(U256::max_value());
    let found = if balance < price.simulated {
        Found::blocks(format!("the subscription {numbers}")).mend(action, "anyone")
    } else if queue.blocked {
        Found::blocks(format!("a cheaper request of the same subscription stands before it and cannot be afforded; the subscription {numbers}"))
            .mend(action, "anyone")
    } else if balance < price.documented {
        Found::holds(format!("below the documented maximum: the subscription {numbers}")).mend(action, "anyone")
    } else if further < U256::from(AHEAD) {
        Found::pass(format!(
            "the subscription {numbers}; beside what is pending that covers {further} more requests like it, fewer than {AHEAD}"
        ))
        .mend(
            format!("fund subscription {} before it runs dry", request.subscription),
            "subscription owner, or anyone",
        )
    } else {
        Found::pass(format!("the subscription {numbers}"))
    };
    let found = match around.scene.network.sequencer {
        Some(_) => found.with("l1_fee", Json::Null).with(
            "l1_fee_note",
            "what the L2 charges for data on L1 comes on top of every number here, and cannot be seen without a proof",
        ),
        None => found,
    };
    found
        .with("further_requests", further.min(U256::from(u64::MAX)).as_u64())
        .with("currency", if native { "native" } else { "link" })
        .with("balance", balance.to_string())
        .with("simulated", price.simulated.to_string())
        .with("node_estimate", price.node_estimate.to_string())
        .with("documented_maximum", price.documented.to_string())
        .with("needed_for_all_pending", queue.needed.to_string())
        .with("needed_until_here", queue.needed_until_here.to_string())
        .with("pending_before", queue.before)
}

/// A request's place among the pending ones of its subscription and currency.
struct Queue {
    /// Documented maximum of all pending requests in this currency.
    needed: U256,
    /// The same of this request and those that the node takes before it.
    needed_until_here: U256,
    /// How many those are.
    before: usize,
    /// Whether one of them cannot be afforded.
    blocked: bool,
}

/// The node takes a subscription's requests by callback gas, least first, and stops at the first that it cannot
/// afford: a dear one never blocks cheaper ones, but every dearer one waits. LINK and native are queues apart.
fn queue(around: &Surroundings<'_>, request: &Request, native: bool, balance: U256) -> Queue {
    let mut queue = Queue { needed: U256::zero(), needed_until_here: U256::zero(), before: 0, blocked: false };
    let place = |one: &Request| (one.callback_gas_limit, one.block, one.id);
    for one in around.siblings.iter().filter(|one| one.native() == native) {
        let Some(Cost { simulated, documented, .. }) = cost::cost(around.scene, one) else { continue };
        queue.needed = queue.needed.saturating_add(documented);
        if place(one) <= place(request) {
            queue.needed_until_here = queue.needed_until_here.saturating_add(documented);
        }
        if place(one) < place(request) {
            queue.before += 1;
            queue.blocked |= balance < simulated;
        }
    }
    queue
}

/// The LINK/native feed is older than the coordinator accepts: the fallback price is charged.
pub fn link_feed_stale(around: &Surroundings<'_>, request: &Request) -> Found {
    if request.native() {
        return Found::skipped("it is paid natively: the price of LINK does not matter");
    }
    let coordinator = &around.scene.coordinator;
    let (answer, updated) = match &coordinator.price {
        Ok(price) => *price,
        Err(fault) => return Found::unread("the LINK/native feed", fault),
    };
    let limit = match &coordinator.config {
        Ok(config) => config.staleness_seconds,
        Err(fault) => return Found::unread("the coordinator's configuration", fault),
    };
    let age = around.scene.block.timestamp.saturating_sub(updated);
    let found = if !answer.is_positive() {
        Found::blocks(format!(
            "the LINK/native feed answers {answer}: every fulfilment reverts with InvalidLinkWeiPrice"
        ))
        .mend("run `ira feed-report` on the coordinator's LINK/native feed", "feed owner")
    } else if limit > 0 && age > limit {
        let fallback = coordinator.fallback_wei_per_link.as_ref().map_or("unknown".to_owned(), |wei| {
            format!("{} {} for a LINK", readable(&scaled(*wei, 18), 4), around.scene.network.native)
        });
        Found::holds(format!(
            "the LINK/native feed is {} old, {} allowed: the fallback price is charged ({fallback})",
            duration(age),
            duration(limit)
        ))
        .mend(
            "run `ira feed-report` on the coordinator's LINK/native feed; the owner may set the fallback price",
            "feed owner",
        )
    } else if limit > 0 && age as f64 > limit as f64 * NEAR_STALE {
        Found::pass(format!("the LINK/native feed is {} old, nearly the {} allowed", duration(age), duration(limit)))
            .mend(
                "run `ira feed-report` on the coordinator's LINK/native feed before the fallback price is charged",
                "feed owner",
            )
    } else {
        Found::pass(format!("the LINK/native feed is {} old, {} allowed", duration(age), duration(limit)))
    };
    found.with("age_seconds", age).with("staleness_seconds", limit).with("answer", answer.to_string())
}
