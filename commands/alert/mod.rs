//! The normal form of an alert, whichever system sent it.

use std::collections::BTreeMap;

use crate::fault::{Fault, Kind};

mod json;
mod plain;
mod scope;
mod tree;

pub use scope::{Scope, TargetHint, chain_scope, network, networks};

/// One alert. Labels and annotations are text from outside: data, never code.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What identifies it: the sender's labels, or the fields of its details.
    pub labels: BTreeMap<String, String>,
    /// What describes it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
    /// Whether its sender says that it is over.
    #[serde(default)]
    pub resolved: bool,
}

impl Alert {
    /// Its name (the label `alertname`), as sent.
    pub fn name(&self) -> Option<&str> {
        self.labels.get("alertname").map(String::as_str)
    }
}

/// Longest text that is read, bytes.
const MAX_TEXT: usize = 16 << 20;
/// Most alerts that are read from one text.
const MAX_ALERTS: usize = 10_000;
/// Most bytes of labels and annotations kept: shared ones are copied into each alert, so it can be more than was sent.
const MAX_KEPT: usize = 64 << 20;

/// Reads the alerts in `text`: an Alertmanager v4 webhook body or the list of its API v2, a PagerDuty v3 webhook,
/// incident, list of alerts or Events v2 body, or plain `- alertname = …` lines as PagerDuty shows them.
///
/// At least one alert, each with at least one label; at most 10,000 from at most 16 MiB. A fault is of kind
/// [`Kind::Usage`] and names the place: line and column of JSON, the line of plain text.
pub fn parse(text: &str) -> Result<Vec<Alert>, Fault> {
    if text.len() > MAX_TEXT {
        let size = text.len() >> 20;
        return Err(Fault::new(Kind::Usage, format!("the alert is too long: {size} MiB, at most 16 MiB are read"))
            .hint("give only the alerts in question"));
    }
    // Not trimmed further: the places in faults are those of the text as it was given.
    let text = text.trim_start_matches('\u{feff}');
    if text.trim().is_empty() {
        return Err(Fault::new(Kind::Usage, "the alert is empty").hint(SHAPES));
    }
    if json::looks_like(text) { json::read(text) } else { plain::read(text) }
}

/// What may be given as an alert, for hints.
const SHAPES: &str = "give an Alertmanager webhook body, a PagerDuty incident or event with its details (JSON), or the \
                      lines `- alertname = …`, `- contract_address = 0x…` as PagerDuty shows them";

/// The alerts found so far, within the bounds.
#[derive(Default)]
struct Found {
    alerts: Vec<Alert>,
    kept: usize,
}

impl Found {
    /// Keeps an alert; one without any label says nothing and is left out.
    fn push(&mut self, alert: Alert) -> Result<(), Fault> {
        if alert.labels.is_empty() {
            return Ok(());
        }
        self.kept +=
            alert.labels.iter().chain(&alert.annotations).map(|(key, value)| key.len() + value.len()).sum::<usize>();
        if self.alerts.len() >= MAX_ALERTS || self.kept > MAX_KEPT {
            let why = if self.kept > MAX_KEPT { "more than 64 MiB of labels" } else { "more than 10,000 alerts" };
            return Err(Fault::new(Kind::Usage, format!("too much to read at once: {why}"))
                .hint("give only the alerts in question"));
        }
        self.alerts.push(alert);
        Ok(())
    }
}

/// Puts what `under` has and `over` has not into `over`.
fn fill(over: &mut BTreeMap<String, String>, under: &BTreeMap<String, String>) {
    for (key, value) in under {
        if !over.contains_key(key) {
            over.insert(key.clone(), value.clone());
        }
    }
}

#[cfg(test)]
mod tests;
