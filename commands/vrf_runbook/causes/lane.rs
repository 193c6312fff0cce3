//! Is there a lane for it, and is gas cheap enough for that lane.

use crate::units::{gwei, hex, short_hex};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::state::Surroundings;

use super::Found;

/// The coordinator takes a request for any key hash, silently; nobody can answer for one that it does not know.
pub fn unknown_key_hash(_: &Surroundings<'_>, request: &Request) -> Found {
    match &request.lane {
        Ok(lane) if lane.registered => Found::pass(format!("the key hash {} is registered", short_hex(request.key_hash.as_bytes()))),
        Ok(_) => Found::blocks(format!(
            "no proving key with the hash {} is registered: the request was accepted silently and can only expire",
            short_hex(request.key_hash.as_bytes())
        ))
        .with("key_hash", hex(request.key_hash.as_bytes()))
        .mend("if the key is a lane of this coordinator: registerProvingKey and a job for it; else the consumer must request with a lane's key hash", "coordinator owner"),
        Err(fault) => Found::unread("the lane", fault),
    }
}

/// The present gas price against the lane's highest.
pub fn gas_price_above_lane(around: &Surroundings<'_>, request: &Request) -> Found {
    let price = match &around.scene.gas_price {
        Ok(price) => *price,
        Err(fault) => return Found::unread("the gas price", fault),
    };
    let lane = match &request.lane {
        Ok(lane) => lane,
        Err(fault) => return Found::unread("the lane", fault),
    };
    let Some(most) = lane.max_gas else {
        return if lane.registered {
            Found::unknown(format!("gas costs {}; V2 keeps the lane's highest price in the node alone", gwei(price)))
                .mend("compare with the node's key-specific PriceMax", "node operator")
        } else {
            Found::skipped("there is no such lane")
        };
    };
    let found = if price > most {
        Found::blocks(format!("gas costs {}, the lane pays at most {}", gwei(price), gwei(most)))
            .mend("wait for cheaper gas; new requests may use a dearer lane", "consumer's developers")
    } else {
        Found::pass(format!("gas costs {}, the lane pays up to {}", gwei(price), gwei(most)))
    };
    found.with("gas_price_wei", price.to_string()).with("lane_max_wei", most.to_string())
}
