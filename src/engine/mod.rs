//! The engine: when and how often, never what. It takes a run through its phases, writes down what is about to be done
//! before it is done, and knows after a crash what was. It names no command.

mod approve;
mod drive;
mod ending;
mod guards;
mod hands;
mod journal;
mod lease;
mod outbox;
mod past;
mod plan;
mod resume;
mod steps;
mod undo;
mod verify;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::Fault;
use ira_commands::playbook::{Incoming, Playbook};
use serde_json::{Value as Json, json};

use crate::config::BudgetConfig;
use crate::store::Store;
use crate::store::ask::{Admission, Admit, Denial, Incoming as Arrived, Override, Page, Text};
use crate::store::model::Run;

pub use hands::{Consent, Hands, Mark, Unwatched, Watch};
pub use outbox::{Post, SendFault, deliver};
pub use plan::{PlanDocument, PlannedWrite};

/// How long a worker has a run without saying that it lives.
const TTL: Duration = Duration::from_secs(30);

/// What runs playbooks.
pub struct Engine {
    /// Where everything is written down.
    pub store: Arc<dyn Store>,
    /// Where a step gets its ports.
    pub hands: Arc<dyn Hands>,
    /// Who this is, in the record.
    pub worker: String,
    /// For how long a run is taken.
    pub ttl: Duration,
    /// Where the locks of this machine are.
    pub folder: PathBuf,
    /// Budgets that playbooks name.
    pub budgets: BTreeMap<String, BudgetConfig>,
    /// What a person overrides, where one runs it by hand.
    pub overrides: Vec<Override>,
    /// Whether nobody is there: what cannot be done then goes to a person by a page.
    pub unattended: bool,
}

/// A run that is to be, by an alert and a playbook.
pub struct Wanted<'a> {
    /// What makes a repeated request the same run.
    pub key: String,
    /// The playbook, with its text.
    pub playbook: &'a Playbook,
    /// The playbook's text.
    pub text: &'a str,
    /// The alert.
    pub alert: &'a Incoming,
    /// The parameters, checked.
    pub params: BTreeMap<String, Json>,
    /// Who asks.
    pub by: String,
    /// Whom it wakes.
    pub page: Option<Page>,
    /// How long its first phase may take; none where a person watches it.
    pub escalate_in: Option<Duration>,
}

/// Where a run stands after it was driven as far as it goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// It ended; the run says how.
    Ended(Box<Run>),
    /// It goes on after this time.
    Sleeps(Duration),
    /// Something else has to happen first: a person's word, a thaw.
    Waits(Box<Run>),
    /// A guard denied its first write: nothing was done.
    Denied(Denial, Box<Run>),
    /// Nobody agreed to its plan: nothing was done.
    NotAgreed(Box<Run>),
}

impl Engine {
    /// An engine for a process on this machine.
    pub fn new(store: Arc<dyn Store>, hands: Arc<dyn Hands>, worker: String, folder: PathBuf) -> Self {
        Self {
            store,
            hands,
            worker,
            ttl: TTL,
            folder,
            budgets: BTreeMap::new(),
            overrides: Vec::new(),
            unattended: false,
        }
    }

    /// Writes down that a run is to be. The same key again gives the same run.
    pub async fn admit(&self, wanted: Wanted<'_>) -> Result<Admission, Fault> {
        let Wanted { key, playbook, text, alert, params, by, page, escalate_in } = wanted;
        let alert_name = alert.alert.name().unwrap_or("an alert");
        self.store
            .admit(Admit {
                key: key.clone(),
                alert: Some(Arrived {
                    source: alert.source.clone(),
                    delivery_id: key,
                    fingerprint: past::fingerprint(alert),
                    group_key: String::new(),
                    payload: past::payload(alert),
                }),
                playbook: Some(Text {
                    name: playbook.name.text.clone(),
                    revision: playbook.revision.clone(),
                    text: text.to_owned(),
                }),
                title: format!("{} for {alert_name}", playbook.name.text),
                params: json!(params),
                by,
                claimable: self.unattended,
                escalate_in,
                page,
            })
            .await
    }
}
