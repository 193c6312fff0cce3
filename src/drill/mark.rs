//! By what an alert and a run are known to be of a drill: a label that counts only as long as the drill with that number
//! is written down and has not ended, so that no sender can hush a real alert with it.

use std::collections::BTreeMap;

use async_trait::async_trait;
use ira_commands::playbook::Mode;
use ira_commands::ports::systems::{AlertRead, Firing, Witness};
use ira_commands::{Fault, Invocation};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::config::Config;
use crate::remediate;
use crate::store::{self, Store};

/// The label of a drill's alert.
pub const LABEL: &str = "ira_drill";
/// What the record of a drill is called, before the playbook and the drill's name.
pub(super) const PATH: &str = "drill/";
/// How the pages of a drill's run begin: nobody is sent them.
const KEY: &str = "ira-drill:";

/// What is written down of a drill before anything is broken.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its number, drawn: what the label says.
    pub id: String,
    /// Its name in the configuration.
    pub name: String,
    /// The playbook.
    pub playbook: String,
    /// What is broken, in words.
    pub fault: String,
    /// On what.
    pub target: String,
    /// How far the playbook goes; as far as ever where none is given.
    pub rung: Option<Mode>,
    /// Parameters of the playbook, as on a command line.
    pub params: Vec<String>,
    /// Whether who is on call is paged as ever.
    pub pages: bool,
    /// Until when the label counts, unix milliseconds.
    pub until: u64,
}

impl Order {
    /// The dedup key of what its run would page by; none where it pages as ever.
    pub fn page(&self) -> Option<String> {
        (!self.pages).then(|| format!("{KEY}{}", self.id))
    }
}

/// Whether a dedup key is of a drill: nobody is told what has it.
pub fn is_key(key: &str) -> bool {
    key.starts_with(KEY)
}

/// The drill that an alert with these labels is of; none where it is of none that goes on.
pub async fn order(store: &dyn Store, labels: &BTreeMap<String, String>) -> Result<Option<Order>, Fault> {
    let Some(id) = labels.get(LABEL) else { return Ok(None) };
    let now = store.now().await?;
    let known = open(store).await?.into_iter().find(|(_, order)| order.id == *id && order.until > now);
    Ok(known.map(|(_, order)| order))
}

/// The drills of which it is not written how they ended, with the numbers of their attempts.
pub(super) async fn open(store: &dyn Store) -> Result<Vec<(u64, Order)>, Fault> {
    let all = store.hand_open().await?.into_iter().filter(|open| open.key.starts_with(PATH));
    Ok(all.filter_map(|open| Some((open.id, serde_json::from_value(open.begun).ok()?))).collect())
}

/// Who says whether the alert of a drill fires: the drill itself, for nobody else has ever heard of it.
pub struct DrillSays(String);

impl DrillSays {
    /// Where an invocation asks whether the alert of a drill fires; none where it asks about another, or something else.
    pub fn of(invocation: &Invocation, config: &Config) -> Result<Option<Self>, Fault> {
        if invocation.name() != ira_commands::playbook::STILL_FIRING {
            return Ok(None);
        }
        let with = invocation.with();
        let alerts = with["alerts"].as_array().map(Vec::as_slice).unwrap_or_default();
        let drill = !alerts.is_empty() && alerts.iter().all(|alert| alert["labels"][LABEL].is_string());
        Ok(if drill { Some(Self(remediate::uri(config)?)) } else { None })
    }

    async fn firing(&self, labels: &BTreeMap<String, String>) -> Result<Vec<Firing>, Fault> {
        let Some(store) = store::existing(&self.0)? else { return Ok(Vec::new()) };
        let known = order(store.as_ref(), labels).await?;
        Ok(known
            .map(|order| Firing { fingerprint: order.id, labels: labels.clone(), muted: false })
            .into_iter()
            .collect())
    }
}

#[async_trait]
impl AlertRead for DrillSays {
    async fn firing(&self, labels: &BTreeMap<String, String>) -> Vec<Witness> {
        vec![Witness { by: "the drill".to_owned(), says: self.firing(labels).await }]
    }
}

/// The words of a run's record: which playbook was drilled, by which drill.
pub(super) fn titled(title: &str) -> Option<(&str, &str)> {
    title.strip_prefix(PATH)?.split_once('/')
}

/// An order as it is written down.
pub(super) fn written(order: &Order) -> Json {
    serde_json::to_value(order).unwrap_or_default()
}
