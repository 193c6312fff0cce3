//! Can the oracles be paid: link-funds.

use crate::report::{Finding, Status};
use crate::units::readable;
use crate::value::{I256, U256, u256_to_f64};

use super::super::facts::{Facts, FeedKind, Scene};
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

/// Juels per day that the window's rounds cost, where enough of them are known.
///
/// Each round pays every observer and the transmitter, and gives the transmitter's gas back in LINK
/// (OCR1: at `microLinkPerEth`; OCR2: at the `juelsPerFeeCoin` that the round reported), up to the highest gas price.
pub fn juels_per_day(scene: &Scene, facts: &Facts) -> Option<f64> {
    let rounds = facts.transmissions.as_ref().ok()?;
    let (first, last) = (rounds.first()?, rounds.last()?);
    let at = |one: &super::super::facts::Transmission| one.updated_at.or(one.observed_at);
    let seconds = at(last)?.checked_sub(at(first)?).filter(|seconds| *seconds > 0)?;
    let per_day = (rounds.len() - 1) as f64 * DAY / seconds as f64;
    let billing = facts.billing.as_ref()?.as_ref().ok()?;
    let observers = rounds.iter().map(|one| one.observers.len()).sum::<usize>() as f64 / rounds.len() as f64;
    let paid = (observers * billing.observation_gjuels as f64 + billing.transmission_gjuels as f64) * 1e9;
    let gas = transmission_cost(scene, facts).map_or(0.0, |(gas, _, _)| {
        let price = scene.gas_price.as_ref().map_or(0.0, |price| u256_to_f64(*price));
        u256_to_f64(gas) * price.min(billing.max_gas_gwei as f64 * 1e9)
    });
    let juels_per_wei = match (billing.micro_link_per_native, last.juels_per_fee_coin) {
        (Some(micro), _) => micro as f64 / 1e6,
        (None, Some(juels)) => juels.to_f64() / JUELS,
        (None, None) => 0.0,
    };
    Some(per_day * (paid + gas * juels_per_wei))
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
        let days = juels_per_day(scene, facts).filter(|rate| *rate > 0.0).map(|rate| available.to_f64() / rate);
        let status = match days {
            _ if !available.is_positive() => Status::Critical,
            Some(days) if days < DAYS_CRITICAL => Status::Critical,
            Some(days) if days < DAYS_WARN => Status::Warn,
            _ => Status::Ok,
        };
        let shown = link(available);
        let message = match days {
            _ if !available.is_positive() => format!("{shown} available for payment: more is owed than held"),
            Some(days) => format!("{shown} available for payment, {} at the rate of the window", days_shown(days)),
            None => format!("{shown} available for payment; the rate is not known without rounds in the window"),
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
