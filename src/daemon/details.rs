//! What PagerDuty's webhooks leave out: what the alerts of an incident say.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::alert::Alert;
use ira_commands::playbook::Incoming;
use ira_commands::ports::people::IncidentRead as _;
use ira_commands::{Fault, Kind};

use crate::clients::pagerduty::Rest;
use crate::config::Config;

/// The labels that the webhook itself gives: where there are others, the sender's body came along.
const OWN: [&str; 6] = ["alertname", "service", "service_id", "urgency", "priority", "incident"];
/// Those of them that are the incident's, whatever its alerts say.
const KEPT: [&str; 4] = ["incident", "service_id", "urgency", "priority"];
/// How long PagerDuty has to answer.
const WITHIN: Duration = Duration::from_secs(10);
/// The longest label and annotation that is taken, bytes.
const LONGEST: usize = 4096;

/// The alert with what the alerts of its incident agree on. None where it is of another sender, where it says enough
/// already, and where nobody may be asked: then it is as it came.
pub(super) async fn of(config: &Arc<Config>, alert: &Incoming) -> Result<Option<Incoming>, Fault> {
    let labels = &alert.alert.labels;
    let bare = alert.source == "pagerduty" && labels.keys().all(|name| OWN.contains(&name.as_str()));
    let (true, Some(own), Some(id)) = (bare, config.systems.pagerduty.clone(), labels.get("incident")) else {
        return Ok(None);
    };
    let rest = Rest::new(Arc::clone(config), own);
    match tokio::time::timeout(WITHIN, rest.alerts(id)).await {
        Ok(found) => Ok(Some(merged(alert.clone(), &found?))),
        Err(_) => Err(Fault::new(Kind::Timeout, "PagerDuty did not answer in time")),
    }
}

fn merged(mut alert: Incoming, found: &[Alert]) -> Incoming {
    let Some((first, others)) = found.split_first() else { return alert };
    let fits = |value: &str| value.len() <= LONGEST;
    for (name, value) in first.labels.iter().filter(|(name, value)| fits(value) && !KEPT.contains(&name.as_str())) {
        if others.iter().all(|other| other.labels.get(name) == Some(value)) {
            alert.alert.labels.insert(name.clone(), value.clone());
        }
    }
    for (name, value) in first.annotations.iter().filter(|(_, value)| fits(value)) {
        if others.iter().all(|other| other.annotations.get(name) == Some(value)) {
            alert.alert.annotations.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    alert
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::*;

    fn labels(of: &[(&str, &str)]) -> BTreeMap<String, String> {
        of.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn what_all_alerts_of_an_incident_say_is_what_it_is_about() {
        let own = Alert { labels: labels(&[("alertname", "[FIRING:2] Down"), ("incident", "Q1")]), ..Alert::default() };
        let own = Incoming { source: "pagerduty".to_owned(), alert: own, starts_at: None };
        let one = |unit| Alert {
            labels: labels(&[("alertname", "Down"), ("unit", unit), ("team", "a"), ("incident", "other")]),
            ..Alert::default()
        };
        let same = merged(own.clone(), &[]);
        assert_eq!(same, own);
        let both = merged(own.clone(), &[one("web"), one("db")]).alert.labels;
        assert_eq!(both, labels(&[("alertname", "Down"), ("incident", "Q1"), ("team", "a")]));
        assert_eq!(merged(own, &[one("web")]).alert.labels.get("unit").map(String::as_str), Some("web"));
    }
}
