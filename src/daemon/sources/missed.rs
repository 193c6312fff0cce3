//! What fired while nobody listened: Alertmanager gives up on a receiver that is away for longer than its interval, so
//! it is asked when ira starts. An alert that came and went meanwhile is in no answer.

use ira_commands::{Fault, Kind};
use serde::de::DeserializeSeed as _;
use serde_json::{Value as Json, json};

use super::alertmanager::{ALERTMANAGER, One};
use super::{Batch, Delivery, Limits};
use crate::clients::alertmanager::Alertmanager;

/// What one Alertmanager says.
pub struct Missed {
    /// Which of them.
    pub by: String,
    /// What fires for the receiver, with the ids that its webhook would have; without the keys of groups.
    pub says: Result<Batch, Fault>,
}

/// Asks every Alertmanager of the pair what fires for `receiver`, which is the one that sends to ira.
pub async fn missed(pair: &Alertmanager, receiver: &str, limits: &Limits) -> Vec<Missed> {
    let mut all = Vec::new();
    for (by, answer) in pair.listed(receiver).await {
        let says = answer.and_then(|list| listed(&list, receiver, limits).map_err(|why| unreadable(&by, why)));
        all.push(Missed { by, says });
    }
    all
}

fn unreadable(by: &str, why: String) -> Fault {
    Fault::new(Kind::BadAnswer, format!("{by} answers with what is no list of alerts")).because(why)
}

/// The alerts of a list of its API that fire and are sent to `receiver`.
pub(super) fn listed(list: &Json, receiver: &str, limits: &Limits) -> Result<Batch, String> {
    let list = list.as_array().ok_or("it is no list")?;
    let mine = |alert: &&Json| {
        // Neither filter is taken on trust: a proxy may have dropped it.
        let active = alert.pointer("/status/state").and_then(Json::as_str) == Some("active");
        let receivers = alert.get("receivers").and_then(Json::as_array);
        active && receivers.into_iter().flatten().any(|one| one["name"].as_str() == Some(receiver))
    };
    let mut batch = Batch::default();
    for alert in list.iter().filter(mine) {
        if batch.deliveries.len() >= limits.alerts {
            batch.truncated += 1;
            continue;
        }
        let mut alert = alert.clone();
        alert["status"] = json!("firing");
        let one: Result<Delivery, _> = One { limits, dialect: ALERTMANAGER }.deserialize(alert);
        batch.deliveries.push(one.map_err(|error| error.to_string())?);
    }
    Ok(batch)
}
