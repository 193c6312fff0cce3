//! Which incident is meant: by id, by URL, by the key of its alert, or by an alert itself.

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::Args;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::people::{Incident, IncidentName};
use crate::text::excerpt;
use crate::units::digits;

/// Whether it looks as the ids of incidents do.
fn is_id(text: &str) -> bool {
    text.starts_with(['P', 'Q', 'R'])
        && (5..=26).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_uppercase() || byte.is_ascii_digit())
}

/// What a text may be the name of, likeliest first.
fn meant(text: &str) -> Vec<IncidentName> {
    let text = text.trim();
    if let Some((_, rest)) = text.split_once("/incidents/").filter(|_| text.contains("://")) {
        let id: String = rest.chars().take_while(char::is_ascii_alphanumeric).collect();
        return vec![IncidentName::Id(id)];
    }
    let key = IncidentName::Key(text.to_owned());
    if is_id(text) { vec![IncidentName::Id(text.to_owned()), key] } else { vec![key] }
}

/// The key that Alertmanager gives PagerDuty for a group of alerts: the hex SHA-256 of the group's key.
pub fn group_key(group: &str) -> String {
    digits(&Sha256::digest(group))
}

/// What an incident may be called by, out of the text of an alert: the key that Alertmanager gives
/// PagerDuty, or the id and the keys that PagerDuty itself writes. None where it has none of them.
pub fn names_in(text: &str) -> Vec<String> {
    let Ok(json) = serde_json::from_str::<Json>(text) else { return Vec::new() };
    let mut names = Vec::new();
    let at = |pointer: &str| json.pointer(pointer).and_then(Json::as_str).map(str::to_owned);
    if let Some(group) = at("/groupKey") {
        names.push(group_key(&group));
    }
    let of_incident = at("/event/event_type").is_some_and(|kind| kind.starts_with("incident."));
    if of_incident {
        // A note's event has the incident beside the note.
        names.extend(at("/event/data/incident/id").or_else(|| at("/event/data/id")));
    }
    for pointer in [
        "/incident/id",
        "/messages/0/incident/id",
        "/event/data/incident_key",
        "/incident/incident_key",
        "/incident_key",
        "/dedup_key",
        "/alert_key",
    ] {
        names.extend(at(pointer));
    }
    names.retain(|name| !name.trim().is_empty());
    names.dedup();
    names
}

/// Finds it, and waits for one that is not there yet.
pub(super) async fn find(args: &Args, context: &Context) -> Result<Incident, Fault> {
    let given: Vec<&String> = args.incident.iter().chain(&args.names).filter(|name| !name.trim().is_empty()).collect();
    let names: Vec<IncidentName> = given.iter().flat_map(|name| meant(name)).collect();
    let Some(last) = names.last() else {
        return Err(Fault::new(Kind::Usage, "it is not said which incident is meant")
            .hint("name it by id, URL or key: ira pd-annotate Q1ABC -, or give --alert FILE"));
    };
    let incidents = context.incidents()?;
    context.progress().stage("looking for the incident");
    for name in &names {
        // One that is over may be another of the same key that is long gone.
        if let Some(found) = incidents.find(name, 0).await?.filter(|one| one.status != "resolved" || is_exact(name)) {
            return Ok(found);
        }
    }
    context.progress().stage("waiting for the incident");
    if let Some(found) = incidents.find(last, args.wait).await? {
        return Ok(found);
    }
    let shown: Vec<String> = given.iter().map(|name| excerpt(name, 80)).collect();
    Err(Fault::new(Kind::Missing, format!("PagerDuty has no incident {}", shown.join(" or ")))
        .because(format!("waited {} s for it", args.wait))
        .hint("an alert that was over before it paged has none; --wait SECONDS waits longer"))
}

fn is_exact(name: &IncidentName) -> bool {
    matches!(name, IncidentName::Id(_))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::actions::digest;

    #[test]
    fn an_incident_is_known_by_id_url_and_key() {
        let id = |text: &str| IncidentName::Id(text.to_owned());
        let key = |text: &str| IncidentName::Key(text.to_owned());
        assert_eq!(meant("https://x.pagerduty.com/incidents/Q1ABC2?x=y"), [id("Q1ABC2")]);
        assert_eq!(meant("Q1ABC"), [id("Q1ABC"), key("Q1ABC")]);
        assert_eq!(meant("ira:c1:93eac37c"), [key("ira:c1:93eac37c")]);
        assert_eq!(meant("PRODUCTION-DOWN"), [key("PRODUCTION-DOWN")]);
    }

    #[test]
    fn an_alert_names_its_incident() {
        let names = |json: Json| names_in(&json.to_string());
        let group = "{}:{alertname=\"Down\"}";
        assert_eq!(names(json!({ "groupKey": group })), [&digest(group.as_bytes())["sha256:".len()..]]);
        let event =
            |kind: &str| json!({ "event": { "event_type": kind, "data": { "id": "Q1", "incident_key": "k" } } });
        assert_eq!(names(event("incident.triggered")), ["Q1", "k"]);
        assert_eq!(names(event("service.updated")), ["k"]);
        let note = json!({ "event": { "event_type": "incident.annotated", "data": { "id": "N", "incident": { "id": "Q2" } } } });
        assert_eq!(names(note), ["Q2"]);
        assert_eq!(names(json!({ "dedup_key": "d" })), ["d"]);
        assert_eq!(names(json!([1])), Vec::<String>::new());
        assert_eq!(names_in("- alertname = Down"), Vec::<String>::new());
    }
}
