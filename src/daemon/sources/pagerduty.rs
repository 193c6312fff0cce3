//! PagerDuty's webhooks, version 3. What ira itself caused comes back here: it starts nothing.

use std::collections::BTreeMap;

use ira_commands::alert::{self, Alert};
use ira_commands::date::moment;
use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde::Deserialize;

use super::json::{fits, shorten, unreadable};
use super::{Batch, Delivery, Incident, Limits, News, Refusal, digest};

/// PagerDuty tries for 48 hours; what is older is somebody's copy.
const OLDEST: u64 = 49 * 3_600;
/// What the keys of ira's own incidents begin with, and what it calls itself where it triggers any other.
const OWN: (&str, &str) = ("ira:", "ira");

#[derive(Deserialize)]
struct Message {
    event: Event,
}

#[derive(Deserialize)]
struct Event {
    id: String,
    #[serde(rename = "event_type")]
    what: String,
    occurred_at: String,
    #[serde(default)]
    agent: Option<Named>,
    #[serde(default)]
    client: Option<Client>,
    #[serde(default)]
    data: Data,
}

#[derive(Deserialize)]
struct Client {
    #[serde(default)]
    name: Option<String>,
}

/// A thing that is referred to.
#[derive(Deserialize, Default)]
struct Named {
    #[serde(default)]
    id: String,
    #[serde(default)]
    summary: Option<String>,
}

/// An incident; or what belongs to one, and names it.
#[derive(Deserialize, Default)]
struct Data {
    #[serde(default)]
    id: String,
    #[serde(default)]
    incident: Option<Named>,
    #[serde(default)]
    incident_key: Option<String>,
    #[serde(default)]
    title: Option<String>,
    #[serde(default)]
    html_url: Option<String>,
    #[serde(default)]
    created_at: Option<String>,
    #[serde(default)]
    urgency: Option<String>,
    #[serde(default)]
    service: Option<Named>,
    #[serde(default)]
    priority: Option<Named>,
}

/// The alert of a body, or what happened to an incident.
pub(super) fn read(body: &[u8], limits: &Limits, now: u64) -> Result<Batch, Refusal> {
    limits.shallow(body)?;
    let Message { event } = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    let told = |text: &str| format!("`{}` is no time at which it occurred", excerpt(text, 40));
    let at = moment(&event.occurred_at).ok_or_else(|| Refusal::malformed(told(&event.occurred_at)))?;
    if now.saturating_sub(at) > OLDEST {
        // Its signature holds for ever: the time is a part of the proof.
        return Err(Refusal::stranger(format!("it occurred {} h ago", (now - at) / 3_600)));
    }
    fits("id", &event.id)?;
    fits("event_type", &event.what)?;
    let resolved = match event.what.as_str() {
        "incident.triggered" | "incident.reopened" => false,
        "incident.resolved" => true,
        what if what.starts_with("incident.") => return news(event),
        "pagey.ping" => return Ok(Batch { note: Some("a ping"), ..Batch::default() }),
        _ => return Ok(Batch { note: Some("about no incident"), ..Batch::default() }),
    };
    let incident = event.data.incident()?;
    let by_key = incident.key.as_deref().is_some_and(|key| key.starts_with(OWN.0));
    let by_name = event.client.as_ref().and_then(|client| client.name.as_deref()) == Some(OWN.1);
    if by_key || by_name {
        return news(event);
    }
    Ok(Batch { deliveries: deliveries(&event, &incident, resolved, body, limits)?, ..Batch::default() })
}

fn deliveries(
    event: &Event,
    incident: &Incident,
    resolved: bool,
    body: &[u8],
    limits: &Limits,
) -> Result<Vec<Delivery>, Refusal> {
    let data = &event.data;
    let mut own = BTreeMap::new();
    let summary = |named: &Option<Named>| named.as_ref().and_then(|named| named.summary.clone());
    for (name, value) in [
        ("alertname", data.title.clone()),
        ("service", summary(&data.service)),
        ("service_id", data.service.as_ref().map(|service| service.id.clone())),
        ("urgency", data.urgency.clone()),
        ("priority", summary(&data.priority)),
        ("incident", Some(incident.id.clone())),
    ] {
        own.extend(value.filter(|value| !value.is_empty()).map(|value| (name.to_owned(), value)));
    }
    let mut about = BTreeMap::new();
    for (name, value) in [("summary", &data.title), ("incident_url", &data.html_url)] {
        about.extend(value.clone().map(|value| (name.to_owned(), value)));
    }
    // Details come along where the sender of the incident gave it a body.
    let text = std::str::from_utf8(body).map_err(|_| Refusal::malformed("it is not UTF-8"))?;
    let within = alert::parse(text).unwrap_or_default();
    let alerts = if within.is_empty() { vec![Alert::default()] } else { within };
    if alerts.len() > limits.alerts {
        return Err(Refusal::too_much(format!("more than {} alerts", limits.alerts)));
    }
    let began = data.created_at.as_deref().and_then(moment);
    let many = alerts.len() > 1;
    let one = |(index, mut alert): (usize, Alert)| {
        alert.resolved = resolved;
        for (all, more) in [(&mut alert.labels, &own), (&mut alert.annotations, &about)] {
            for (name, value) in more {
                all.entry(name.clone()).or_insert_with(|| value.clone());
            }
        }
        limits.alert(&mut alert)?;
        let id = if many { format!("{}:{index}", event.id) } else { event.id.clone() };
        let what = if many { index.to_string() } else { String::new() };
        Ok(Delivery {
            id,
            fingerprint: digest(&["pagerduty", &incident.id, &what]),
            group_key: String::new(),
            incoming: Incoming { source: "pagerduty".to_owned(), alert, starts_at: began },
            incident: Some(incident.clone()),
        })
    };
    alerts.into_iter().enumerate().map(one).collect()
}

fn news(event: Event) -> Result<Batch, Refusal> {
    let incident = event.data.incident()?;
    let by = event.agent.and_then(|agent| agent.summary).map(|mut by| {
        shorten(&mut by, 256);
        by
    });
    let news = News { id: event.id, what: event.what, incident, by };
    Ok(Batch { news: Some(news), note: Some("news of an incident"), ..Batch::default() })
}

impl Data {
    fn incident(&self) -> Result<Incident, Refusal> {
        let id = self.incident.as_ref().map_or(&self.id, |incident| &incident.id);
        fits("the incident's id", id)?;
        if let Some(key) = &self.incident_key {
            fits("incident_key", if key.is_empty() { "-" } else { key })?;
        }
        let key = self.incident_key.clone().filter(|key| !key.is_empty());
        Ok(Incident { id: id.clone(), key })
    }
}
