//! Can the transmitters transmit: transmitter-gas, transmitter-stuck, transmitter-never, gas-above-billing.

use serde_json::json;

use crate::report::{Finding, Status};
use crate::units::{address, coin, gwei, thousands};
use crate::value::{U256, u256_to_f64};

use super::super::facts::{Facts, FeedKind, Oracle, Scene};
use super::participation::participation;
use super::{finding, oracle_list, plural, unknown};

/// Gas of a transmission where none is in the window to be measured: the nodes' default limit.
const ASSUMED_GAS: u64 = 500_000;
/// Balance for fewer transmissions than this wants a top-up.
const GAS_WARN: f64 = 20.0;
/// Balance for fewer than this is as good as none.
const GAS_CRITICAL: f64 = 3.0;
/// So many transactions waiting are a jam, not one on its way.
const STUCK_CRITICAL: u64 = 3;
/// After a round so young, one waiting transaction may be the next one on its way.
const IN_FLIGHT_SECONDS: u64 = 30;
/// One without a transmission is conspicuous where chance alone would leave one out less often than this.
const CHANCE: f64 = 0.01;

/// What one transmission costs: gas units, how that is known, and wei at the present price.
pub fn transmission_cost(scene: &Scene, facts: &Facts) -> Option<(U256, bool, U256)> {
    let (gas, measured) = match &facts.gas_used {
        Some(Ok((gas, _))) if !gas.is_zero() => (*gas, true),
        _ => (U256::from(ASSUMED_GAS), false),
    };
    let price = scene.gas_price.as_ref().ok()?;
    Some((gas, measured, gas.saturating_mul(*price)))
}

/// How many transmissions a balance pays for.
pub fn transmissions_left(balance: U256, cost: U256) -> f64 {
    if cost.is_zero() { f64::INFINITY } else { u256_to_f64(balance) / u256_to_f64(cost) }
}

/// Native balance of each transmitter against the cost of transmissions at the present gas price.
pub fn transmitter_gas(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "transmitter-gas";
    let oracles = match oracles(facts)? {
        Ok(oracles) => oracles,
        Err(fault) => return Some(unknown(CHECK, "transmitters", fault)),
    };
    let Some((gas, measured, cost)) = transmission_cost(scene, facts) else {
        let fault = scene.gas_price.as_ref().expect_err("a cost is missing only with the price");
        return Some(unknown(CHECK, "the gas price", fault));
    };
    let native = &scene.network.native;
    let mut worst = Status::Ok;
    let mut poor = Vec::new();
    let mut details = Vec::new();
    let mut unread = Vec::new();
    for (index, oracle) in oracles.iter().enumerate() {
        let balance = match &oracle.balance {
            Ok(balance) => *balance,
            Err(fault) => {
                unread.push((index, fault));
                continue;
            }
        };
        let left = transmissions_left(balance, cost);
        let status = match left {
            left if left < GAS_CRITICAL => Status::Critical,
            left if left < GAS_WARN => Status::Warn,
            _ => continue,
        };
        worst = worst.max(status);
        details.push(json!({ "oracle": index, "transmitter": address(oracle.account), "balance_wei": balance.to_string(), "transmissions": left.floor() }));
        poor.push((index, balance, left));
    }
    // One that is known to be dry counts for more than another that is not known.
    if let (true, Some((index, fault))) = (poor.is_empty(), unread.first()) {
        return Some(
            unknown(CHECK, &format!("balance of #{index}"), fault)
                .with("unread", unread.iter().map(|(index, _)| *index).collect::<Vec<_>>()),
        );
    }
    let price = scene.gas_price.as_ref().map_or(String::new(), |price| gwei(*price));
    let how = if measured { "measured" } else { "assumed" };
    let message = match poor.as_slice() {
        [] => format!("all {} transmitters hold gas for {GAS_WARN} transmissions or more at {price}", oracles.len()),
        [(index, balance, left)] => {
            format!("#{index} holds {}, gas for {:.0} transmissions at {price}", coin(*balance, native), left.floor())
        }
        several => format!(
            "{} hold gas for fewer than {GAS_WARN} transmissions at {price}; least {}",
            oracle_list(&several.iter().map(|(index, ..)| *index).collect::<Vec<_>>()),
            several.iter().map(|(_, balance, _)| *balance).min().map_or(String::new(), |least| coin(least, native)),
        ),
    };
    let indices: Vec<usize> = poor.iter().map(|(index, ..)| *index).collect();
    Some(
        finding(CHECK, worst, message)
            .with("poor", details)
            .with("unread", unread.iter().map(|(index, _)| *index).collect::<Vec<_>>())
            .with("gas_per_transmission", gas.low_u64())
            .with("gas_source", how)
            .with("gas_price_wei", scene.gas_price.as_ref().map_or(String::new(), U256::to_string))
            .mend(format!("send {native} to the transmitter of {}", oracle_list(&indices)), "node operator, or anyone"),
    )
}

fn oracles(facts: &Facts) -> Option<Result<&Vec<Oracle>, &crate::Fault>> {
    match &facts.oracles {
        Ok(oracles) if oracles.is_empty() => None,
        other => Some(other.as_ref()),
    }
}

/// Transactions that wait: nonce by the pinned block against nonce with the pool.
pub fn transmitter_stuck(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "transmitter-stuck";
    let oracles = match oracles(facts)? {
        Ok(oracles) => oracles,
        Err(fault) => return Some(unknown(CHECK, "transmitters", fault)),
    };
    let mut waiting = Vec::new();
    let mut unread = Vec::new();
    for (index, oracle) in oracles.iter().enumerate() {
        match (&oracle.nonce, &oracle.pending_nonce) {
            (Ok(mined), Ok(pending)) if pending > mined => waiting.push((index, *mined, *pending)),
            (Ok(_), Ok(_)) => {}
            (Err(fault), _) | (_, Err(fault)) => unread.push((index, fault)),
        }
    }
    if let (true, Some((index, fault))) = (waiting.is_empty(), unread.first()) {
        return Some(
            unknown(CHECK, &format!("nonces of #{index}"), fault)
                .with("unread", unread.iter().map(|(index, _)| *index).collect::<Vec<_>>()),
        );
    }
    let fresh = facts
        .best_round()
        .as_ref()
        .is_ok_and(|round| scene.block.timestamp.saturating_sub(round.updated_at) < IN_FLIGHT_SECONDS);
    let most = waiting.iter().map(|(_, mined, pending)| pending - mined).max().unwrap_or(0);
    let status = match most {
        0 => Status::Ok,
        1 if fresh => Status::Info,
        most if most >= STUCK_CRITICAL => Status::Critical,
        _ => Status::Warn,
    };
    let indices: Vec<usize> = waiting.iter().map(|(index, ..)| *index).collect();
    let message = match waiting.as_slice() {
        [] => "no transmitter has a transaction waiting".to_owned(),
        [(index, mined, pending)] => format!(
            "#{index} has {} waiting: nonce {mined} mined, {pending} with the pool",
            plural(pending - mined, "transaction")
        ),
        _ => format!("{} have transactions waiting, up to {most} each", oracle_list(&indices)),
    };
    let details: Vec<serde_json::Value> = waiting
        .iter()
        .map(|(index, mined, pending)| json!({ "oracle": index, "transmitter": address(oracles[*index].account), "latest": mined, "pending": pending }))
        .collect();
    Some(
        finding(CHECK, status, message)
            .with("waiting", details)
            .with("unread", unread.iter().map(|(index, _)| *index).collect::<Vec<_>>())
            .mend(format!("look again in a minute; if it still waits, the operator of {} replaces it at a higher fee with the same nonce", oracle_list(&indices)), "node operator"),
    )
}

/// Oracles that observe and never transmit, over enough rounds for their turn to have come.
pub fn transmitter_never(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "transmitter-never";
    if !facts.kind.is_ocr() {
        return None;
    }
    let seen = match participation(facts) {
        Ok(seen) => seen,
        Err(fault) => return Some(unknown(CHECK, "who transmitted", &fault)),
    };
    let never: Vec<usize> = (0..seen.parts.len()).filter(|index| seen.parts[*index].transmitted == 0).collect();
    // Turns are drawn: how likely it is that any of the oracles was left out so long by chance.
    let oracles = seen.parts.len() as f64;
    let by_chance = oracles * (1.0 - 1.0 / oracles).powf(seen.rounds as f64);
    let enough = by_chance < CHANCE;
    let (status, message) = match (never.is_empty(), enough) {
        (true, _) => (
            Status::Ok,
            format!("all {} transmitters had their turn in {}", seen.parts.len(), plural(seen.rounds, "round")),
        ),
        (false, true) => {
            (Status::Warn, format!("{} never transmitted in {}", oracle_list(&never), plural(seen.rounds, "round")))
        }
        (false, false) => (
            Status::Info,
            format!(
                "{} of {} transmitters had no turn yet in {}: too few rounds to tell",
                never.len(),
                seen.parts.len(),
                plural(seen.rounds, "round")
            ),
        ),
    };
    let found = finding(CHECK, status, message).with("never", never.clone()).with("rounds", seen.rounds);
    Some(if status == Status::Warn {
        found.mend(
            format!("ask the operators of {} whether their transmitter can send: gas, nonce, RPC", oracle_list(&never)),
            "node operators",
        )
    } else {
        found
    })
}

/// The present gas price against the highest that billing reimburses.
pub fn gas_above_billing(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "gas-above-billing";
    if facts.kind == FeedKind::Flux {
        return None;
    }
    let billing = match facts.billing.as_ref()? {
        Ok(billing) => billing,
        Err(fault) => return Some(unknown(CHECK, "billing", fault)),
    };
    let price = match &scene.gas_price {
        Ok(price) => *price,
        Err(fault) => return Some(unknown(CHECK, "the gas price", fault)),
    };
    let limit = U256::from(billing.max_gas_gwei).saturating_mul(U256::from(1_000_000_000_u64));
    let above = price > limit;
    let message = if above {
        format!(
            "gas costs {}, billing reimburses {} gwei at most: every transmission loses its oracle money",
            gwei(price),
            thousands(billing.max_gas_gwei)
        )
    } else {
        format!("gas costs {}, billing reimburses up to {} gwei", gwei(price), thousands(billing.max_gas_gwei))
    };
    Some(
        finding(CHECK, if above { Status::Warn } else { Status::Ok }, message)
            .with("gas_price_wei", price.to_string())
            .with("maximum_gas_price_gwei", billing.max_gas_gwei)
            .mend("raise maximumGasPriceGwei with setBilling, or wait for cheaper gas", "billing admin"),
    )
}
