//! Which chain, and which feed on it, an alert is about.

use std::collections::BTreeSet;

use super::Alert;
use crate::fault::{Fault, Kind};
use crate::text::excerpt;
use crate::value::{H160, lenient_address};

/// Labels that name the network, the most explicit first.
const NETWORK: [&str; 4] = ["network_name", "network", "chain_name", "chain"];

/// Forms of the label `job` that end in the network, as the exporters of feed telemetry are scraped.
const JOB: [&str; 2] = ["ocr_telemetry_prometheus_exporter_", "atlas_prod_otpe2_"];

/// Labels that name the feed, the most trusted first: what the alerting rule read the metric of, then the proxy in
/// front of it, then names that have to be looked up.
const TARGET: [(&str, Holds); 16] = [
    ("contract_address", Holds::Either),
    ("contract", Holds::Either),
    ("proxy_address", Holds::Either),
    ("proxy", Holds::Either),
    ("aggregator_address", Holds::Either),
    ("aggregator", Holds::Either),
    ("feed_address", Holds::Either),
    // The contract's address on EVM chains; elsewhere an identifier that no directory lists.
    ("feed_id", Holds::Address),
    ("feed_path", Holds::Either),
    ("feed_name", Holds::Either),
    ("feed", Holds::Either),
    ("contract_name", Holds::Either),
    ("price_feed", Holds::Either),
    ("pair", Holds::Either),
    ("asset", Holds::Either),
    ("asset_name", Holds::Either),
];

/// What a label's value is taken for.
#[derive(Clone, Copy, PartialEq)]
enum Holds {
    /// An address or a name, as it looks.
    Either,
    /// An address or nothing.
    Address,
}

/// Where an alert points.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Scope {
    /// The network, in lower case with dashes (`ethereum-mainnet`).
    pub network: Option<String>,
    /// What may be the feed, the most trusted first; each value once.
    pub targets: Vec<TargetHint>,
}

/// A label that may name the feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TargetHint {
    /// The label's name.
    pub label: &'static str,
    /// Its value, cleaned.
    pub value: String,
    /// The value where it is an address. Its case is not held against it: labels are often lower-cased.
    pub address: Option<H160>,
}

/// Where `alert` points, by its labels.
pub fn chain_scope(alert: &Alert) -> Scope {
    let label = |name: &str| alert.labels.get(name).map(|value| excerpt(value, 200)).filter(|value| !value.is_empty());
    let network = NETWORK.iter().find_map(|name| label(name)).or_else(|| {
        let job = label("job")?;
        JOB.iter().find_map(|form| job.strip_prefix(form)).map(str::to_owned)
    });
    let mut scope =
        Scope { network: network.map(|name| network_name(&name)).filter(|name| !name.is_empty()), targets: Vec::new() };
    for (name, holds) in TARGET {
        let Some(value) = label(name) else { continue };
        let address = lenient_address(&value);
        let known = scope.targets.iter().any(|hint| hint.value.eq_ignore_ascii_case(&value));
        if !known && (address.is_some() || holds == Holds::Either) {
            scope.targets.push(TargetHint { label: name, value, address });
        }
    }
    scope
}

/// The networks that the alerts name, each once, in order of name.
pub fn networks(alerts: &[Alert]) -> BTreeSet<String> {
    alerts.iter().filter_map(|alert| chain_scope(alert).network).collect()
}

/// The network that a command is about: `named`, else the one that all alerts name.
pub fn network(named: Option<&str>, alerts: &[Alert]) -> Result<Option<String>, Fault> {
    if let Some(named) = named {
        return Ok(Some(named.to_owned()));
    }
    let mut all = networks(alerts);
    match all.len() {
        0 | 1 => Ok(all.pop_first()),
        _ => {
            let all: Vec<String> = all.into_iter().take(8).collect();
            Err(Fault::new(Kind::Usage, format!("the alerts are of several networks: {}", all.join(", ")))
                .hint("name the one to report on with --network"))
        }
    }
}

/// `Ethereum_Mainnet` is `ethereum-mainnet`: metric names take no dash, so exporters write `_`.
fn network_name(text: &str) -> String {
    let dashed = text.trim().to_lowercase().replace(|c: char| c == '_' || c.is_whitespace(), "-");
    dashed.trim_matches('-').to_owned()
}
