//! Is it early enough, or too late: confirmations, block hashes, the sequencer.

use serde_json::{Value as Json, json};

use crate::units::{address, duration, thousands};
use crate::value::H160;
use crate::vrf_runbook::facts::Request;
use crate::vrf_runbook::nodes::NodeFacts;
use crate::vrf_runbook::state::Surroundings;

use super::Found;
use super::node::NAME_ONE;

/// The type of the job that stores block hashes.
const FEEDER: &str = "blockhashstore";

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

/// The store has not got a block that its feeder owes; and what the nodes say of the feeder.
pub fn bhs_feeder_broken(around: &Surroundings<'_>, request: &Request) -> Found {
    let age = around.scene.block.number.saturating_sub(request.block);
    let feeder = Feeder::of(around);
    let found = match &request.stored {
        Ok(true) => return Found::pass("the feeder stored its block"),
        Err(fault) => return Found::unread("the blockhash store", fault),
        Ok(false) if age > OVERDUE => {
            let owed = format!(
                "its block is {} blocks old and not stored; the feeder job owes it after at most {OVERDUE}",
                thousands(age)
            );
            match &feeder {
                Feeder::Unknown(why) => Found::holds(format!("{owed}{why}"))
                    .mend("look at the blockhashstore job and its key's balance on the node", "node operator"),
                Feeder::Broken(what, mend) => {
                    Found::holds(format!("{owed}: {what}")).mend(mend.clone(), "node operator")
                }
                Feeder::Sound(which) => Found::holds(format!("{owed}, and {which} says of nothing that went wrong"))
                    .mend("look at its key's balance and its runs on the node", "node operator"),
            }
        }
        // What is broken now will be missed later.
        Ok(false) => match &feeder {
            Feeder::Broken(what, mend) => {
                Found::pass(format!("not due yet, but {what}")).mend(mend.clone(), "node operator")
            }
            _ => Found::pass("not due yet"),
        },
    };
    found.with("age_blocks", age).with("feeders", feeders(around))
}

/// What is known of the job that stores block hashes.
enum Feeder {
    /// A sound one.
    Sound(String),
    /// What is wrong, and the mend.
    Broken(String, String),
    /// Nobody can say; why, where there is somebody to ask.
    Unknown(String),
}

/// The most that a feeder without a trusted store may look back.
const REACH: u64 = 256;

impl Feeder {
    fn of(around: &Surroundings<'_>) -> Self {
        let coordinator = around.scene.coordinator.address;
        let nodes = &around.scene.nodes;
        let mut broken: Option<(String, String)> = None;
        for node in nodes {
            for job in node.jobs_of(FEEDER, coordinator) {
                let name = format!("the feeder, job {} of node {}", job.id, node.name);
                let (wait, back) = (job.wait_blocks.unwrap_or(0), job.lookback_blocks.unwrap_or(OVERDUE));
                let keys = node.keys.as_ref().map(Vec::as_slice).unwrap_or_default();
                let dry = |account: &H160| {
                    keys.iter()
                        .any(|key| key.address == *account && key.balance.is_some_and(|balance| balance.is_zero()))
                };
                let trusted = job.stores.len() > 1;
                let (what, mend) = if let Some(error) = job.errors.first() {
                    (format!("has errors: {}", error.description), format!("mend job {} on node {}", job.id, node.name))
                } else if wait >= back || (wait >= REACH && !trusted) {
                    let mend = "set its waitBlocks below its lookbackBlocks, both below 256";
                    (format!("waits {wait} blocks and looks back {back}"), mend.to_owned())
                } else if let Some(account) = job.from.iter().find(|account| dry(account)) {
                    (
                        format!("sends from {}, which holds nothing", address(*account)),
                        format!("fund {}", address(*account)),
                    )
                } else {
                    return Self::Sound(name);
                };
                broken.get_or_insert((format!("{name}, {what}"), mend));
            }
        }
        if let Some((what, mend)) = broken {
            return Self::Broken(what, mend);
        }
        if nodes.is_empty() {
            return Self::Unknown(String::new());
        }
        let faults: Vec<String> =
            nodes.iter().filter_map(|node| node.jobs.as_ref().err()).map(ToString::to_string).collect();
        if !faults.is_empty() {
            return Self::Unknown(format!(" ({})", faults.join("; ")));
        }
        let names: Vec<&str> = nodes.iter().map(|node| node.name.as_str()).collect();
        Self::Broken(
            format!("no blockhashstore job of {} is for this coordinator", names.join(", ")),
            format!("create the blockhashstore job, or {NAME_ONE} where it runs"),
        )
    }
}

fn feeders(around: &Surroundings<'_>) -> Vec<Json> {
    let coordinator = around.scene.coordinator.address;
    let of = |node: &NodeFacts| {
        node.jobs_of(FEEDER, coordinator)
            .map(|job| {
                json!({
                    "node": node.name, "job": job.id, "wait_blocks": job.wait_blocks,
                    "lookback_blocks": job.lookback_blocks, "errors": job.errors.len(),
                })
            })
            .collect::<Vec<_>>()
    };
    around.scene.nodes.iter().flat_map(of).collect()
}
