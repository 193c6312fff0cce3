//! What the provider knows the page of an alert by.

use ira_commands::pd_annotate;
use ira_commands::playbook::Incoming;
use ira_commands::units::digits;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use crate::config::systems::SystemsConfig;
use crate::daemon::sources::identity;
use crate::engine::fingerprint;

/// So much of the store's id is told.
const CLUSTER: usize = 12;

/// Where PagerDuty's own alerts and incidents have the key that they are known by.
const KEYS: &[&str] = &[
    "/event/data/incident_key",
    "/event/data/incident/incident_key",
    "/messages/0/incident/incident_key",
    "/incident/incident_key",
    "/incident_key",
    "/dedup_key",
    "/alert_key",
];

/// The dedup key of an alert's page, and the sender's group.
///
/// `text` is the alert as it came. Where it is an Alertmanager's webhook the key is the hex SHA-256 of its `groupKey`:
/// that is what Alertmanager itself gives PagerDuty, so that both are one incident. Where it came from PagerDuty it is
/// that incident's own. Of any other sender it is the same that the daemon pages by, where `systems` tells what it would
/// have sent; else `ira:CLUSTER:FINGERPRINT`, with the beginning of the store's id as the cluster.
pub fn key(systems: &SystemsConfig, text: &str, alert: &Incoming, cluster: &str) -> (String, String) {
    let cluster: String = cluster.chars().take(CLUSTER).collect();
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let at = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).filter(|text| !text.trim().is_empty());
    if let Some(group) = at("/groupKey") {
        let named = pd_annotate::names_in(text).into_iter().next();
        return (named.unwrap_or_else(|| own(&fingerprint(alert), &cluster)), group.to_owned());
    }
    // A provider takes no longer one.
    let known = KEYS.iter().find_map(|pointer| at(pointer)).filter(|key| key.len() <= 255);
    if let Some(key) = known {
        return (key.to_owned(), String::new());
    }
    match identity(systems, text) {
        Some((fingerprint, group)) => (of_sender(&fingerprint, &group, &cluster), group),
        None => (own(&fingerprint(alert), &cluster), String::new()),
    }
}

/// The dedup key of an alert whose sender pages by none: of its group where it has one, else of its fingerprint, which
/// begins with its source.
pub fn of_sender(fingerprint: &str, group: &str, cluster: &str) -> String {
    if group.is_empty() { own(fingerprint, cluster) } else { pd_annotate::group_key(group) }
}

fn own(fingerprint: &str, cluster: &str) -> String {
    format!("ira:{cluster}:{}", digits(&Sha256::digest(fingerprint.as_bytes())[..16]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_and_ira_name_one_incident() {
        let (none, alert) = (SystemsConfig::default(), Incoming::default());
        let (page, group) = key(&none, "{\"groupKey\": \"{}:{alertname=\\\"Down\\\"}\", \"alerts\": []}", &alert, "c1");
        assert_eq!(group, "{}:{alertname=\"Down\"}");
        assert_eq!(page.len(), 64, "the hex sha256 of it: {page}");
        assert_eq!(key(&none, "{\"dedup_key\": \"k\"}", &alert, "c1"), ("k".to_owned(), String::new()));
        assert!(key(&none, "- alertname = Down", &alert, "c1").0.starts_with("ira:c1:"));
        assert!(key(&none, "{\"dedup_key\": \" \"}", &alert, "c1").0.starts_with("ira:c1:"));
    }
}
