//! Whom a run wakes, and what they are told: decided when the run is admitted, so that it can be sent by anybody later.

use ira_commands::playbook::{Incoming, Playbook};
use ira_commands::text::excerpt;
use serde_json::json;

use super::channel;
use crate::clients::host_name;
use crate::config::Config;
use crate::store::ask::Page;

/// The labels that say what is broken, likeliest first.
const SOURCES: &[&str] = &["instance", "host", "hostname", "node", "pod", "service", "job"];

/// Whoever looks at the runs.
const PEOPLE: &str = "people";

/// What a page is about.
#[derive(Clone, Copy)]
pub struct About<'a> {
    /// The playbook that answers the alert.
    pub playbook: &'a Playbook,
    /// The alert.
    pub alert: &'a Incoming,
    /// The dedup key of its page.
    pub key: &'a str,
}

/// The page of a run; none where it wakes nobody and notes nothing. Where nobody is configured to be paged it is for the
/// people who look at the runs: its key is that of the run's notes all the same.
pub fn page(config: &Config, about: About<'_>) -> Option<Page> {
    let escalate = about.playbook.escalate.as_ref();
    let channel = match (escalate, &config.systems.page) {
        (Some(escalate), Some(paging)) => {
            // Another channel than those that take pages would take none: then it is the first of those.
            let wanted = channel(&escalate.to.text).filter(|wanted| Some(*wanted) == paging.fallback);
            wanted.unwrap_or(paging.provider).word()
        }
        _ if about.playbook.annotate.is_some() => PEOPLE,
        _ => return None,
    };
    let labels = &about.alert.alert.labels;
    let name = about.alert.alert.name().unwrap_or("an alert");
    let source = SOURCES.iter().find_map(|label| labels.get(*label)).map_or(name, String::as_str);
    let severity = match labels.get("severity").map(|word| word.to_ascii_lowercase()).as_deref() {
        Some(word @ ("warning" | "error" | "info")) => word.to_owned(),
        _ => "critical".to_owned(),
    };
    Some(Page {
        dedup_key: about.key.to_owned(),
        channel: channel.to_owned(),
        payload: json!({
            "summary": excerpt(&format!("{name} on {source}"), 200),
            "source": excerpt(source, 200),
            "severity": severity,
            "playbook": about.playbook.name.text,
            "machine": host_name(),
        }),
    })
}
