//! A message as Alertmanager sends it to a receiver: what a demonstration and a drill send in its place.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

/// An alert that is sent.
#[derive(Clone, Debug, Default)]
pub struct Sent<'a> {
    /// What identifies it: with `alertname`.
    pub labels: BTreeMap<String, String>,
    /// What it says.
    pub summary: &'a str,
    /// When it began, RFC 3339.
    pub since: &'a str,
    /// When it was over, RFC 3339; none while it fires.
    pub over: Option<&'a str>,
    /// What Alertmanager knows it by; may be empty.
    pub fingerprint: &'a str,
}

impl Sent<'_> {
    /// The message; `version` is 4 of Alertmanager's own, and 1 of Grafana's.
    pub fn message(&self, version: &str) -> Json {
        let status = if self.over.is_some() { "resolved" } else { "firing" };
        let alert = json!({
            "status": status,
            "labels": self.labels,
            "annotations": { "summary": self.summary },
            "startsAt": self.since,
            "endsAt": self.over.unwrap_or("0001-01-01T00:00:00Z"),
            "generatorURL": "",
            "fingerprint": self.fingerprint,
        });
        let group: Vec<String> = self.labels.iter().map(|(name, value)| format!("{name}={value:?}")).collect();
        json!({
            "version": version,
            "groupKey": format!("{{}}:{{{}}}", group.join(", ")),
            "truncatedAlerts": 0,
            "status": status,
            "receiver": "ira",
            "groupLabels": self.labels,
            "commonLabels": self.labels,
            "commonAnnotations": { "summary": self.summary },
            "externalURL": "",
            "alerts": [alert],
        })
    }
}
