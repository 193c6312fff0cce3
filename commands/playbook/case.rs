//! The tests in a playbook's file.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::model::Text;
use super::place::Place;

/// One test: an alert, what the world answers, and what must come of it.
#[derive(Clone, Debug, PartialEq)]
pub struct Case {
    /// What it shows.
    pub name: String,
    /// The alert.
    pub alert: Fixture,
    /// What is changed in the alert first (`alert.status`, `alert.labels.env`).
    pub set: BTreeMap<String, Json>,
    /// Parameters.
    pub params: BTreeMap<String, Json>,
    /// What steps (by id) and queries (`q.NAME`) answer, one after the other; the last one again and again.
    pub mock: BTreeMap<String, Vec<Answer>>,
    /// What must come of it.
    pub expect: Expect,
    /// Where it stands.
    pub at: Place,
}

/// The alert of a test.
#[derive(Clone, Debug, PartialEq)]
pub enum Fixture {
    /// A file beside the playbook.
    File(Text),
    /// It is written in the test.
    Written {
        /// Its labels.
        labels: BTreeMap<String, String>,
        /// Its annotations.
        annotations: BTreeMap<String, String>,
        /// Whether it is over.
        resolved: bool,
    },
}

impl Fixture {
    /// The labels of one that is written in its test.
    pub fn labels(&self) -> Option<&BTreeMap<String, String>> {
        match self {
            Self::File(_) => None,
            Self::Written { labels, .. } => Some(labels),
        }
    }
}

/// What a mocked step or query answers once.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// It worked, and says nothing of note.
    Ok,
    /// It worked; this is what it answers.
    Out(Json),
    /// It had provably no effect.
    Refused,
    /// It failed.
    Failed,
    /// Whether it happened is not known; a query that cannot be read.
    Unknown,
}

/// What must come of a test. What is `None` is not looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Expect {
    /// `run`, `ignored`, `denied` or `cancelled`.
    pub decision: Option<Text>,
    /// Why (`resolved`, `no match`, `require`).
    pub reason: Option<String>,
    /// The steps that were done, in order.
    pub path: Option<Vec<String>>,
    /// Whether it was seen to work.
    pub verified: Option<bool>,
    /// Whether somebody was paged.
    pub escalated: Option<bool>,
    /// The steps that were taken back, in order.
    pub undone: Option<Vec<String>>,
}
