//! Is it early enough, or too late: confirmations, block hashes, the sequencer.

use crate::units::{duration, thousands};
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::state::Surroundings;

use super::Found;

/// Blocks whose hash the EVM itself still knows.
const WINDOW: u64 = 256;
/// From this age on, the feeder of the blockhash store is overdue: its default lookback.
const OVERDUE: u64 = 200;

/// Still inside its confirmations.
pub fn unconfirmed(around: &Surroundings<'_>, request: &Request) -> Found {
    let scene = around.scene;
    let least = match &scene.coordinator.config {
        Ok(config) => config.min_confirmations,
        Err(fault) => return Found::unread("the coordinator's configuration", fault),
    };
    let needed = request.confirmations.max(least);
    let age = scene.block.number.saturating_sub(request.block);
    if age >= needed {
        return Found::pass(format!("{} blocks old, {needed} needed", thousands(age)))
            .with("confirmations", age)
            .with("needed", needed);
    }
    let left = needed - age;
    let eta = scene.network.block_time.map_or(String::new(), |seconds| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a few blocks of a few seconds")]
        let seconds = (left as f64 * seconds).max(0.0) as u64;
        format!(", in about {}", duration(seconds))
    });
    Found::blocks(format!("{age} of {needed} confirmations: due {left} blocks from now{eta}"))
        .with("confirmations", age)
        .with("needed", needed)
        .mend("wait", "nobody")
}

/// The L2's sequencer.
pub fn sequencer_down(around: &Surroundings<'_>, _: &Request) -> Found {
    match &around.scene.sequencer {
        None => Found::skipped("the network has no sequencer feed"),
        Some(Err(fault)) => Found::unread("the sequencer uptime feed", fault),
        Some(Ok((false, since))) => Found::pass("the sequencer is up").with("since", *since),
        Some(Ok((true, since))) => Found::blocks(format!(
            "the L2 sequencer is down, since {}",
            duration(around.scene.block.timestamp.saturating_sub(*since))
        ))
        .with("since", *since)
        .mend("wait for the sequencer", "network operator"),
    }
}

/// Its block is out of the EVM's sight and not in the store.
pub fn blockhash_expired(around: &Surroundings<'_>, request: &Request) -> Found {
    let age = around.scene.block.number.saturating_sub(request.block);
    let stored = match &request.stored {
        Ok(stored) => *stored,
        Err(fault) if age > OVERDUE => return Found::unread("the blockhash store", fault).with("age_blocks", age),
        Err(_) => false,
    };
    let found = match (stored, age) {
        (true, _) => Found::pass(format!("{} blocks old, and its block hash is stored", thousands(age))),
        (false, age) if age > WINDOW => Found::blocks(format!(
            "its block is {} blocks old, beyond the {WINDOW} whose hash the EVM knows, and its hash is not in the BlockhashStore",
            thousands(age)
        ))
        .mend(
            format!("storeEarliest() on the BlockhashStore, then storeVerifyHeader back to block {}", request.block),
            "anyone",
        ),
        (false, age) if age >= OVERDUE => Found::pass(format!(
            "its block is {age} blocks old and not stored: out of reach in {} blocks unless somebody calls store({}) now",
            WINDOW - age,
            request.block
        ))
        .mend(format!("store({}) on the BlockhashStore", request.block), "anyone"),
        (false, age) => Found::pass(format!("its block is {age} blocks old: the EVM still knows its hash")),
    };
    found.with("age_blocks", age).with("stored", stored)
}

/// The store has not got a block that its feeder owes.
pub fn bhs_feeder_broken(around: &Surroundings<'_>, request: &Request) -> Found {
    let age = around.scene.block.number.saturating_sub(request.block);
    match &request.stored {
        Ok(true) => Found::pass("the feeder stored its block"),
        Ok(false) if age > OVERDUE => Found::holds(format!(
            "its block is {} blocks old and not stored; the feeder job owes it after at most {OVERDUE}",
            thousands(age)
        ))
        .with("age_blocks", age)
        .mend("look at the blockhashstore job and its key's balance on the node", "node operator"),
        Ok(false) => Found::pass("not due yet").with("age_blocks", age),
        Err(fault) => Found::unread("the blockhash store", fault),
    }
}
