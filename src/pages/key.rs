//! What the provider knows the page of an alert by.

use ira_commands::pd_annotate;
use ira_commands::playbook::Incoming;
use serde_json::Value as Json;

use crate::engine::fingerprint;

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
/// that incident's own. Else it is `ira:CLUSTER:FINGERPRINT`, with the id of the store as the cluster.
pub fn key(text: &str, alert: &Incoming, cluster: &str) -> (String, String) {
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let at = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).filter(|text| !text.trim().is_empty());
    if let Some(group) = at("/groupKey") {
        let named = pd_annotate::names_in(text).into_iter().next();
        return (named.unwrap_or_else(|| own(alert, cluster)), group.to_owned());
    }
    // A provider takes no longer one.
    let known = KEYS.iter().find_map(|pointer| at(pointer)).filter(|key| key.len() <= 255);
    (known.map_or_else(|| own(alert, cluster), str::to_owned), String::new())
}

fn own(alert: &Incoming, cluster: &str) -> String {
    let print: String = fingerprint(alert).chars().take(32).collect();
    format!("ira:{cluster}:{print}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_alert_and_ira_name_one_incident() {
        let alert = Incoming::default();
        let (page, group) = key("{\"groupKey\": \"{}:{alertname=\\\"Down\\\"}\", \"alerts\": []}", &alert, "c1");
        assert_eq!(group, "{}:{alertname=\"Down\"}");
        assert_eq!(page.len(), 64, "the hex sha256 of it: {page}");
        assert_eq!(key("{\"dedup_key\": \"k\"}", &alert, "c1"), ("k".to_owned(), String::new()));
        assert!(key("- alertname = Down", &alert, "c1").0.starts_with("ira:c1:"));
        assert!(key("{\"dedup_key\": \" \"}", &alert, "c1").0.starts_with("ira:c1:"));
    }
}
