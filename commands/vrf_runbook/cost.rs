//! What a request costs, three ways: "underfunded" depends on whom one asks.

use crate::value::{I256, U256};

use super::facts::{Coordinator, Request, Scene, Version};

/// Gas that a fulfilment uses beside the callback, in the documented formulas.
const OVERHEAD: u64 = 200_000;
/// Gas that the coordinator itself uses to check a proof and keep its books, without callback: 68,000 to 85,000 on the
/// real coordinators of the test bed. The most, so that "can be paid" is not said too early.
const VERIFICATION: u64 = 85_000;

/// The three prices of one request, in its own currency: juels or wei.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cost {
    /// What the contract would charge at the lane's highest gas price: an estimate, since a proof is needed to
    /// simulate it. The callback's own gas is simulated; where it reverts, its limit counts.
    pub simulated: U256,
    /// What the node compares the balance with when its simulation reverts: no premium.
    pub node_estimate: U256,
    /// The documented maximum, with the flat fee: what a subscription should hold.
    pub documented: U256,
}

/// Wei for one LINK as the coordinator would take it: the feed's answer, or the fallback where that is stale.
pub fn wei_per_link(coordinator: &Coordinator, now: u64) -> Option<U256> {
    let config = coordinator.config.as_ref().ok()?;
    let (answer, updated) = *coordinator.price.as_ref().ok()?;
    let stale = config.staleness_seconds > 0 && now.saturating_sub(updated) > config.staleness_seconds;
    let used: I256 = if stale { *coordinator.fallback_wei_per_link.as_ref().ok()? } else { answer };
    used.is_positive().then_some(used.magnitude)
}

/// The prices of `request`; `None` where the lane's price, the configuration or the price of LINK is not known.
pub fn cost(scene: &Scene, request: &Request) -> Option<Cost> {
    let coordinator = &scene.coordinator;
    let config = coordinator.config.as_ref().ok()?;
    let lane = request.lane.as_ref().ok()?;
    // V2 keeps the lane's price in the node's configuration alone.
    let price = lane.max_gas.or_else(|| scene.gas_price.as_ref().ok().copied())?;
    let native = request.native();
    let premium = match (coordinator.version, native) {
        (Version::V2, _) => 0,
        (Version::V25, true) => config.native_premium,
        (Version::V25, false) => config.link_premium,
    };
    let gas = |units: u64| price.checked_mul(U256::from(units));
    let with_premium = |wei: U256| Some(wei.checked_mul(U256::from(100 + premium))? / U256::from(100));
    let in_currency = |wei: U256| {
        if native {
            return Some(wei);
        }
        let rate = wei_per_link(coordinator, scene.block.timestamp)?;
        Some(wei.checked_mul(U256::exp10(18))? / rate)
    };
    let most = gas(OVERHEAD.checked_add(request.callback_gas_limit)?)?;
    let callback = request.callback_gas.as_ref().copied().unwrap_or(request.callback_gas_limit);
    let used = VERIFICATION.checked_add(config.gas_after_payment)?.checked_add(callback)?;
    let flat = match (coordinator.version, native) {
        (Version::V2, _) => config.flat_juels,
        (Version::V25, true) => config.native_flat_fee,
        (Version::V25, false) => in_currency(config.link_flat_fee)?,
    };
    Some(Cost {
        simulated: in_currency(with_premium(gas(used)?)?)?.checked_add(flat)?,
        node_estimate: in_currency(most)?,
        documented: in_currency(with_premium(most)?)?.checked_add(flat)?,
    })
}
