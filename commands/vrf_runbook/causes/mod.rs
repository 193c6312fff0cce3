//! The 23 causes for which a request is not fulfilled, each a step of the runbook.

use serde_json::{Map, Value as Json};

use crate::fault::Fault;
use crate::report::Remedy;

use super::facts::Request;
use super::gather::Transaction;
use super::state::{Step, Surroundings};

mod funds;
mod lane;
mod node;
mod request;
mod window;

/// What a step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// The cause does not hold.
    Pass,
    /// It holds.
    Fail,
    /// It could not be told; the message says what to give.
    Unknown,
    /// It does not apply.
    Skipped,
}

type Look = fn(&Surroundings<'_>, &Request) -> Found;

/// Every cause, in the order in which they are to be mended: a later one cannot be judged, or does not matter, while
/// an earlier one holds.
const CAUSES: [(&str, Look); 23] = [
    ("not-on-chain", request::not_on_chain),
    ("already-fulfilled", request::already_fulfilled),
    ("callback-failed", request::callback_failed),
    ("reorged", request::reorged),
    ("subscription-gone", request::subscription_gone),
    ("coordinator-migrated", request::coordinator_migrated),
    ("consumer-not-contract", request::consumer_not_contract),
    ("unconfirmed", window::unconfirmed),
    ("sequencer-down", window::sequencer_down),
    ("unknown-key-hash", lane::unknown_key_hash),
    ("blockhash-expired", window::blockhash_expired),
    ("bhs-feeder-broken", window::bhs_feeder_broken),
    ("underfunded", funds::underfunded),
    ("link-feed-stale", funds::link_feed_stale),
    ("gas-price-above-lane", lane::gas_price_above_lane),
    ("node-key-dry", node::node_key_dry),
    ("tx-stuck", node::tx_stuck),
    ("key-disabled", node::key_disabled),
    ("job-broken", node::job_broken),
    ("log-missed", node::log_missed),
    ("expired-in-node", node::expired_in_node),
    ("fulfil-gas-too-low", node::fulfil_gas_too_low),
    ("backing-off", node::backing_off),
];

/// The names of all causes.
pub fn names() -> [&'static str; 23] {
    CAUSES.map(|(name, _)| name)
}

/// What a look at one cause came to.
pub struct Found {
    verdict: Verdict,
    blocking: bool,
    message: String,
    evidence: Map<String, Json>,
    remedy: Option<Remedy>,
}

impl Found {
    fn new(verdict: Verdict, message: impl Into<String>) -> Self {
        Self { verdict, blocking: false, message: message.into(), evidence: Map::new(), remedy: None }
    }

    /// The cause does not hold.
    fn pass(message: impl Into<String>) -> Self {
        Self::new(Verdict::Pass, message)
    }

    /// It holds, and keeps the request from being fulfilled.
    fn blocks(message: impl Into<String>) -> Self {
        Self { blocking: true, ..Self::new(Verdict::Fail, message) }
    }

    /// It holds, without keeping the request from being fulfilled by itself.
    fn holds(message: impl Into<String>) -> Self {
        Self::new(Verdict::Fail, message)
    }

    fn unknown(message: impl Into<String>) -> Self {
        Self::new(Verdict::Unknown, message)
    }

    /// What it takes could not be read.
    fn unread(what: &str, fault: &Fault) -> Self {
        Self::unknown(format!("{what} could not be read: {}", fault.one_line()))
    }

    fn skipped(message: impl Into<String>) -> Self {
        Self::new(Verdict::Skipped, message)
    }

    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.evidence.insert(key.to_owned(), value.into());
        self
    }

    fn mend(mut self, action: impl Into<String>, by: &str) -> Self {
        self.remedy = Some(Remedy { action: action.into(), by: by.to_owned() });
        self
    }
}

/// The step of a transaction that made no request.
pub fn not_requested(transaction: &Transaction) -> Step {
    step("not-on-chain", request::not_requested(transaction))
}

fn step(cause: &'static str, found: Found) -> Step {
    let Found { verdict, blocking, message, evidence, remedy } = found;
    Step { cause, verdict, blocking, message, evidence, remedy }
}

/// Walks the runbook. Once the request turns out to be done, or never made, the rest is skipped.
pub fn walk(surroundings: &Surroundings<'_>, request: &Request) -> Vec<Step> {
    let mut ended: Option<&str> = None;
    CAUSES
        .iter()
        .map(|(cause, look)| {
            let found = match ended {
                Some(by) => Found::skipped(format!("decided by {by}")),
                None => look(surroundings, request),
            };
            let ends = matches!(*cause, "already-fulfilled" | "callback-failed" | "reorged");
            if ends && found.verdict == Verdict::Fail {
                ended = Some(cause);
            }
            step(cause, found)
        })
        .collect()
}
