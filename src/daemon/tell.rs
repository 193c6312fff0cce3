//! The page of an alert: by which key, and in which words.

use std::time::Duration;

use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde_json::{Value as Json, json};

use crate::config::Config;
use crate::drill;
use crate::pages;
use crate::store::Mail;
use crate::store::ask::Tell;
use crate::store::model::InboxRow;

/// The labels that say what is broken, likeliest first.
const ABOUT: &[&str] = &["instance", "host", "hostname", "node", "pod", "service", "job"];
/// The channel where nobody is configured to be paged: every `ira` command says that a page is overdue.
const PEOPLE: &str = "people";

/// The dedup key of an alert's page. Of Alertmanager's groups it is the one that Alertmanager itself gives PagerDuty, so
/// that both are one incident.
pub(super) fn key(row: &InboxRow, cluster: &str) -> String {
    if let Some(key) = incident(row) {
        return key;
    }
    pages::of_sender(&row.fingerprint, &row.group_key, cluster)
}

/// The key of the incident that an alert comes from, where its sender is one that pages.
pub(super) fn incident(row: &InboxRow) -> Option<String> {
    // Few have one, and the others need not be read for it.
    if !row.payload.contains("\"incident\":") {
        return None;
    }
    let payload: Json = serde_json::from_str(&row.payload).ok()?;
    payload["incident"]
        .as_str()
        .filter(|key| !key.is_empty() && key.len() <= 255 && !drill::is_key(key))
        .map(str::to_owned)
}

/// Who takes pages first.
pub(super) fn channel(config: &Config) -> String {
    config.systems.page.as_ref().map_or(PEOPLE, |page| page.provider.word()).to_owned()
}

/// What whoever is woken reads.
pub(super) fn payload(alert: &Incoming, why: &str) -> Json {
    let labels = &alert.alert.labels;
    let name = alert.alert.name().unwrap_or("an alert");
    let about = ABOUT.iter().find_map(|label| labels.get(*label)).map_or(name, String::as_str);
    let severity = match labels.get("severity").map(|word| word.to_ascii_lowercase()).as_deref() {
        Some(word @ ("warning" | "error" | "info")) => word.to_owned(),
        _ => "critical".to_owned(),
    };
    let said = alert.alert.annotations.get("summary").map(|text| excerpt(text, 300));
    json!({
        "summary": excerpt(&format!("{name} on {about}"), 200),
        "source": excerpt(about, 200),
        "severity": severity,
        "sender": excerpt(&alert.source, 40),
        "said": said,
        "why": excerpt(why, 600),
    })
}

/// A page for an alert that no run answers.
pub(super) fn page(config: &Config, cluster: &str, row: &InboxRow, alert: &Incoming, why: &str) -> Tell {
    Tell {
        key: format!("alert:{}:{}", row.id, row.seen),
        run: None,
        mail: Mail::Trigger,
        dedup_key: key(row, cluster),
        channel: channel(config),
        payload: payload(alert, why),
        wait: Duration::ZERO,
    }
}

/// The end of such a page, where the alert is over.
pub(super) fn resolve(config: &Config, cluster: &str, row: &InboxRow, alert: &Incoming) -> Tell {
    Tell {
        key: format!("over:{}:{}", row.id, row.seen),
        mail: Mail::Resolve,
        ..page(config, cluster, row, alert, "the alert is over")
    }
}

/// A page of ira about itself.
pub(super) fn own(config: &Config, cluster: &str, about: &str, at: u64, why: &str) -> Tell {
    Tell {
        key: format!("own:{about}:{at}"),
        run: None,
        mail: Mail::Trigger,
        dedup_key: format!("ira:{cluster}:{about}"),
        channel: channel(config),
        payload: json!({ "summary": format!("ira: {about}"), "source": "ira", "severity": "critical", "why": why }),
        wait: Duration::ZERO,
    }
}
