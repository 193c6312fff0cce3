//! The checks: each looks at the facts of one feed and says one finding, or that it does not apply.

use serde_json::Value as Json;

use crate::fault::Fault;
use crate::report::{Finding, Remedy, Status};

use super::facts::{Facts, Scene};

mod answer;
mod configuration;
mod endpoints;
mod freshness;
pub mod gas;
mod oracles;
pub mod participation;

pub mod payments;
#[cfg(test)]
mod tests;

/// A check.
pub struct Check {
    /// Its stable name.
    pub name: &'static str,
    /// Whether it asks for something that a feed which is shut down no longer owes.
    live: bool,
    /// How it judges; `None` means that it does not apply to this feed.
    judge: fn(&Scene, &Facts) -> Option<Finding>,
}

const fn of_any(name: &'static str, judge: fn(&Scene, &Facts) -> Option<Finding>) -> Check {
    Check { name, live: false, judge }
}

const fn of_live(name: &'static str, judge: fn(&Scene, &Facts) -> Option<Finding>) -> Check {
    Check { name, live: true, judge }
}

/// All checks, in the order in which they are shown when equally bad.
pub const CHECKS: &[Check] = &[
    of_any("stale", freshness::stale),
    of_any("block-age", freshness::block_age),
    of_any("sequencer", freshness::sequencer),
    of_any("deprecated", freshness::deprecated),
    of_any("endpoints-disagree", endpoints::endpoints_disagree),
    of_live("deviation", answer::deviation),
    of_live("answer-bounds", answer::answer_bounds),
    of_any("decimals-mismatch", answer::decimals_mismatch),
    of_live("silent-oracle", oracles::silent_oracle),
    of_live("outlier-oracle", oracles::outlier_oracle),
    of_live("epoch-racing", oracles::epoch_racing),
    of_live("transmitter-gas", gas::transmitter_gas),
    of_live("transmitter-stuck", gas::transmitter_stuck),
    of_live("transmitter-never", gas::transmitter_never),
    of_live("gas-above-billing", gas::gas_above_billing),
    of_live("link-funds", payments::link_funds),
    of_any("config-changed", configuration::config_changed),
    of_any("aggregator-mismatch", configuration::aggregator_mismatch),
    of_any("migration-pending", configuration::migration_pending),
    of_any("phase-changed", configuration::phase_changed),
    of_any("access", configuration::access),
];

/// What the checks said of one feed.
#[derive(Clone, Debug, PartialEq)]
pub struct Judged {
    /// Findings, worst first.
    pub findings: Vec<Finding>,
    /// Names of the checks that do not apply.
    pub not_applicable: Vec<&'static str>,
}

impl Judged {
    /// The worst status of all.
    pub fn status(&self) -> Status {
        self.findings.iter().map(|finding| finding.status).max().unwrap_or(Status::Ok)
    }

    /// The finding of one check.
    pub fn get(&self, check: &str) -> Option<&Finding> {
        self.findings.iter().find(|finding| finding.check == check)
    }
}

/// Runs every check.
pub fn judge(scene: &Scene, facts: &Facts) -> Judged {
    let mut judged = Judged { findings: Vec::new(), not_applicable: Vec::new() };
    let shut_down = facts.is_shut_down(scene.block.timestamp);
    for check in CHECKS {
        let applies = !(check.live && shut_down);
        match applies.then(|| (check.judge)(scene, facts)).flatten() {
            Some(finding) => judged.findings.push(finding),
            None => judged.not_applicable.push(check.name),
        }
    }
    judged.findings.sort_by_key(|finding| std::cmp::Reverse(finding.status));
    judged
}

/// A finding without evidence or remedy.
fn finding(check: &'static str, status: Status, message: impl Into<String>) -> Finding {
    Finding { check, status, message: message.into(), evidence: serde_json::Map::new(), remedy: None }
}

/// The finding for what could not be read.
fn unknown(check: &'static str, what: &str, fault: &Fault) -> Finding {
    finding(check, Status::Unknown, format!("{what} could not be read: {}", fault.one_line()))
        .with("reason", fault.one_line())
}

impl Finding {
    /// Adds a number or text to the evidence.
    #[must_use]
    fn with(mut self, key: &str, value: impl Into<Json>) -> Self {
        self.evidence.insert(key.to_owned(), value.into());
        self
    }

    /// Says what to do and who can, where the finding is not well.
    #[must_use]
    fn mend(mut self, action: impl Into<String>, by: &str) -> Self {
        if self.status > Status::Ok {
            self.remedy = Some(Remedy { action: action.into(), by: by.to_owned() });
        }
        self
    }
}

/// `value` against `reference` in percent of the reference; `None` where that is zero.
fn percent_off(value: f64, reference: f64) -> Option<f64> {
    (reference != 0.0).then(|| (value - reference) / reference.abs() * 100.0)
}

/// `#5`, `#5 and #11`, `#1, #2 and #3`.
fn oracle_list(indices: &[usize]) -> String {
    let named: Vec<String> = indices.iter().map(|index| format!("#{index}")).collect();
    match named.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, rest)) => format!("{} and {last}", rest.join(", ")),
        None => String::new(),
    }
}

/// `1 round`, `3 rounds`.
fn plural(count: u64, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}
