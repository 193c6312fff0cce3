//! What ira itself has to say: as alerts, so that each is written down, decided, and reaches a person like any other.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::playbook::Incoming;
use ira_commands::text::{clean, excerpt};

use crate::engine::kept;
use crate::store::ask;

/// The source of these.
pub(super) const SOURCE: &str = "ira";
/// What is said again within this time is one message, seconds.
const ROUND: u64 = 3_600;

fn alert(name: &str, about: &[(&str, &str)], why: &str, now: u64) -> ask::Incoming {
    let mut labels: BTreeMap<String, String> =
        about.iter().map(|(name, value)| ((*name).to_owned(), clean(value))).collect();
    labels.insert("alertname".to_owned(), name.to_owned());
    let annotations = BTreeMap::from([("summary".to_owned(), excerpt(why, 500))]);
    let alert = Alert { labels, annotations, resolved: false };
    kept(&Incoming { source: SOURCE.to_owned(), alert, starts_at: Some(now / ROUND * ROUND) }, None, String::new())
}

/// A body of a known sender was refused.
pub(super) fn refused(source: &str, status: u16, why: &str, now: u64) -> ask::Incoming {
    let why = format!("a message of {source} was refused ({status}), and its alerts are not known: {why}");
    alert("IraIntakeRefused", &[("source", source), ("status", &status.to_string())], &why, now)
}

/// A sender left alerts out of a body.
pub(super) fn truncated(source: &str, group: &str, left_out: u64, now: u64) -> ask::Incoming {
    let why = format!("{source} left {left_out} alerts out of a message (max_alerts): nobody answers them");
    alert("IraAlertsTruncated", &[("source", source), ("group", &excerpt(group, 200))], &why, now)
}
