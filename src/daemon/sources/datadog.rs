//! Datadog's webhooks. Their payload is whatever a person pastes there: it is to be the one of `ira help sources`, in
//! which every field is a text.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde::Deserialize;

use super::json::{fits, unreadable};
use super::{Batch, Delivery, Limits, Refusal, digest};

/// The payload to paste.
pub(super) const PAYLOAD: &str = include_str!("datadog.json");

#[derive(Deserialize)]
struct Message {
    id: String,
    alert_id: String,
    alert_title: String,
    alert_transition: String,
    #[serde(flatten)]
    more: BTreeMap<String, serde_json::Value>,
}

/// The alert of a body.
pub(super) fn read(body: &[u8], limits: &Limits) -> Result<Batch, Refusal> {
    limits.shallow(body)?;
    let message: Message = serde_json::from_slice(body).map_err(|error| unreadable(&error))?;
    // A variable that Datadog does not know, or that has no value, is left as it is or empty.
    let said =
        |text: &str| Some(text.trim()).filter(|text| !text.is_empty() && !text.starts_with('$')).map(str::to_owned);
    let more = |name: &str| message.more.get(name).and_then(|value| said(value.as_str()?));
    let needed = |name: &str, text: &str| {
        said(text)
            .ok_or_else(|| Refusal::malformed(format!("`{name}` is empty: is it the payload of `ira help sources`?")))
    };
    let (alert_id, id) = (needed("alert_id", &message.alert_id)?, needed("id", &message.id)?);
    fits("id", &id)?;
    let state = state(&needed("alert_transition", &message.alert_transition)?)?;

    let mut labels = BTreeMap::new();
    for tag in more("tags").iter().flat_map(|tags| tags.split(',')).map(str::trim).filter(|tag| !tag.is_empty()) {
        let (name, value) = tag.split_once(':').unwrap_or((tag, "true"));
        labels.insert(name.to_owned(), value.to_owned());
    }
    let own = [
        ("alertname", Some(needed("alert_title", &message.alert_title)?)),
        ("alert_id", Some(alert_id.clone())),
        ("state", Some(state.to_owned())),
        ("priority", more("priority")),
        ("metric", more("metric")),
        ("scope", more("scope")),
        ("org_id", more("org_id")),
    ];
    for (name, value) in own {
        let Some(value) = value else { continue };
        // What the monitor says is not overruled by a tag.
        if let Some(tag) = labels.insert(name.to_owned(), value) {
            labels.entry(format!("tag_{name}")).or_insert(tag);
        }
    }
    if let Some(host) = more("host") {
        labels.entry("host".to_owned()).or_insert(host);
    }
    let about = [("summary", "title"), ("description", "message"), ("link", "link"), ("query", "query")];
    let annotations = about.into_iter().filter_map(|(name, field)| Some((name.to_owned(), more(field)?))).collect();
    let mut alert = Alert { labels, annotations, resolved: state == "ok" };
    limits.alert(&mut alert)?;

    let whole = |name: &str| more(name).unwrap_or_default();
    let fingerprint = digest(&["datadog", &whole("org_id"), &alert_id, &whole("scope")]);
    // Of one cycle each state comes once; what comes again is a reminder. Without it every message is another.
    let id = match more("alert_cycle_key") {
        Some(cycle) => digest(&["datadog", &fingerprint, &cycle, state]),
        None => id,
    };
    // Milliseconds.
    let starts_at = more("date").and_then(|date| Some(date.parse::<u64>().ok()? / 1000));
    let incoming = Incoming { source: "datadog".to_owned(), alert, starts_at };
    let delivery = Delivery { id, fingerprint, group_key: whole("aggreg_key"), incoming, incident: None };
    Ok(Batch { deliveries: vec![delivery], ..Batch::default() })
}

/// What a transition says that the monitor now is.
fn state(transition: &str) -> Result<&'static str, Refusal> {
    let word = transition.to_ascii_lowercase();
    // `Warn Recovered` and `No Data Recovered` are over as `Recovered` is.
    if word.ends_with("recovered") || word == "ok" {
        return Ok("ok");
    }
    match word.trim_start_matches("re-") {
        "triggered" | "alert" | "renotify" => Ok("alert"),
        "warn" => Ok("warn"),
        "no data" => Ok("no data"),
        _ => Err(Refusal::malformed(format!("`alert_transition` is `{}`", excerpt(transition, 40)))),
    }
}
