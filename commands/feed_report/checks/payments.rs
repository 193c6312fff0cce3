//! Can the oracles be paid: link-funds.

use crate::fault::{Fault, Kind};
use crate::report::{Finding, Status};
use crate::units::readable;
use crate::value::{I256, U256, u256_to_f64};

use super::super::facts::{Billing, Facts, FeedKind, Known, Scene, Transmission};
use super::gas::transmission_cost;
use super::{finding, unknown};

/// Funds for fewer days than this want a top-up.
const DAYS_WARN: f64 = 14.0;
/// Funds for fewer days than this: nodes are told to stop when payment runs out.
const DAYS_CRITICAL: f64 = 2.0;
/// Juels in one LINK.
const JUELS: f64 = 1e18;
/// Seconds in a day.
const DAY: f64 = 86_400.0;

/// Juels per day that rounds cost; a fault where something that makes the cost could not be read.
///
/// Each round pays every observer and the transmitter, and gives the transmitter's gas back in LINK
/// (OCR1: at `microLinkPerEth`; OCR2: at the `juelsPerFeeCoin` that the round reported). With fewer than two rounds in
/// the window there is at least one per heartbeat, and the gas of a feed without any is not known.
pub fn juels_per_day(scene: &Scene, facts: &Facts) -> Known<f64> {
    let missing = |what: &str| Fault::new(Kind::Missing, what.to_owned());
    let rounds = facts.transmissions.as_ref().map_err(Clone::clone)?;
    let billing = match &facts.billing {
        Some(billing) => billing.as_ref().map_err(Clone::clone)?,
        None => return Err(missing("this kind of feed has no billing")),
    };
    let last = rounds.last().ok_or_else(|| missing("no round is in the window"))?;
    let at = |one: &Transmission| one.updated_at.or(one.observed_at);
    let spanned = rounds.first().and_then(|first| at(last)?.checked_sub(at(first)?)).filter(|seconds| *seconds > 0);
    let per_day = match (spanned, facts.heartbeat) {
        (Some(seconds), _) => (rounds.len() - 1) as f64 * DAY / seconds as f64,
        (None, Some(heartbeat)) => DAY / heartbeat.max(1) as f64,
        (None, None) => return Err(missing("the window holds fewer than two rounds, and the heartbeat is not known")),
    };
    let observers = rounds.iter().map(|one| one.observers.len()).sum::<usize>() as f64 / rounds.len() as f64;
    let paid = (observers * billing.observation_gjuels as f64 + billing.transmission_gjuels as f64) * 1e9;
    let price = scene.gas_price.as_ref().map_err(Clone::clone)?;
    let gas = transmission_cost(scene, facts).map_or(0.0, |(gas, _, _)| u256_to_f64(gas));
    let wei = gas * reimbursed_gwei(billing, u256_to_f64(*price) / 1e9) * 1e9;
    let juels_per_wei = match (billing.micro_link_per_native, last.juels_per_fee_coin) {
        (Some(micro), _) => micro as f64 / 1e6,
        (None, Some(juels)) => juels.to_f64() / JUELS,
        (None, None) => 0.0,
    };
    Ok(per_day * (paid + wei * juels_per_wei))
}

/// What is paid back for a unit of gas at `price`, gwei: half of what was saved against the reasonable price on top, and
/// never more than the maximum (`impliedGasPrice` of both OCR aggregators).
fn reimbursed_gwei(billing: &Billing, price: f64) -> f64 {
    let saved = (billing.reasonable_gas_gwei as f64 - price).max(0.0);
    (price + saved / 2.0).min(billing.max_gas_gwei as f64)
}

/// LINK left against what the rounds of the window cost.
pub fn link_funds(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "link-funds";
    let available = match facts.link_available.as_ref()? {
        Ok(available) => *available,
        Err(fault) => return Some(unknown(CHECK, "the funds", fault)),
    };
    let found = if facts.kind == FeedKind::Flux {
        flux_funds(facts, available)?
    } else {
        let rate = juels_per_day(scene, facts);
        let days = rate.as_ref().ok().filter(|rate| **rate > 0.0).map(|rate| available.to_f64() / rate);
        let status = match days {
            _ if !available.is_positive() => Status::Critical,
            Some(days) if days < DAYS_CRITICAL => Status::Critical,
            Some(days) if days < DAYS_WARN => Status::Warn,
            _ if rate.is_err() => Status::Unknown,
            _ => Status::Ok,
        };
        let shown = link(available);
        let message = match (days, &rate) {
            _ if !available.is_positive() => format!("{shown} available for payment: more is owed than held"),
            (Some(days), _) => format!("{shown} available for payment, {} at the rate of the window", days_shown(days)),
            (None, Err(fault)) => {
                format!("{shown} available for payment; what a day costs is not known: {}", fault.one_line())
            }
            (None, Ok(_)) => format!("{shown} available for payment, and nothing to pay"),
        };
        finding(CHECK, status, message).with("days", days)
    };
    Some(found.with("available_juels", available.to_string()).mend("send LINK to the aggregator", "anyone"))
}

fn flux_funds(facts: &Facts, available: I256) -> Option<Finding> {
    const CHECK: &str = "link-funds";
    let payment = match facts.flux.as_ref()? {
        Ok(funds) => funds.payment,
        Err(fault) => return Some(unknown(CHECK, "the payment", fault)),
    };
    let oracles = facts.oracles.as_ref().map_or(1, Vec::len).max(1);
    let round = payment.saturating_mul(U256::from(oracles));
    let rounds = if round.is_zero() { f64::INFINITY } else { available.to_f64() / u256_to_f64(round) };
    // The contract itself refuses to pay with fewer than two rounds in reserve.
    let status = if rounds < 2.0 {
        Status::Critical
    } else if rounds < 50.0 {
        Status::Warn
    } else {
        Status::Ok
    };
    let worth =
        if rounds.is_finite() { format!("payment for {rounds:.0} rounds") } else { "and nothing to pay".to_owned() };
    Some(
        finding(CHECK, status, format!("{} available, {worth}", link(available)))
            .with("rounds", rounds.is_finite().then(|| rounds.floor())),
    )
}

/// `1,204 LINK`.
pub fn link(juels: I256) -> String {
    format!("{} LINK", readable(&crate::units::scaled(juels, 18), 4))
}

/// `≈ 38 days`.
pub fn days_shown(days: f64) -> String {
    if days > 3_650.0 {
        "≈ more than 10 years".to_owned()
    } else if days < 1.0 / 24.0 {
        "less than an hour".to_owned()
    } else if days < 2.0 {
        format!("≈ {:.0} hours", days * 24.0)
    } else {
        format!("≈ {days:.0} days")
    }
}
