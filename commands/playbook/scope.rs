//! What an expression, a variable or a note may look at.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use crate::alert::Alert;

/// An alert as it came in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Incoming {
    /// Who sent it (`alertmanager`).
    pub source: String,
    /// What it says.
    pub alert: Alert,
    /// When it began, unix seconds, where the sender says so.
    pub starts_at: Option<u64>,
}

impl Incoming {
    /// `firing` or `resolved`.
    pub fn status(&self) -> &'static str {
        if self.alert.resolved { "resolved" } else { "firing" }
    }
}

/// One part of what a run is about.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct KeyPart {
    /// Where it comes from (`alert.labels.cluster`).
    pub path: String,
    /// Its value, never empty.
    pub value: String,
}

/// How a step stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StepState {
    /// It has not been come to.
    Pending,
    /// Its condition was false.
    Skipped,
    /// It worked.
    Done,
    /// It provably had no effect.
    Refused,
    /// It failed.
    Failed,
    /// Whether it happened is not known.
    Unknown,
}

impl StepState {
    /// The word that expressions and notes see.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Skipped => "skipped",
            Self::Done => "done",
            Self::Refused => "refused",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

/// What is known of a step.
#[derive(Clone, Debug, PartialEq)]
pub struct StepView {
    /// How it stands.
    pub state: StepState,
    /// What it answered: its report's data.
    pub out: Json,
}

/// Everything that an expression, a variable or a note may look at, at one moment of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Scope {
    /// The alert.
    pub alert: Incoming,
    /// What the run is about: one for each path of `key`.
    pub key: Vec<KeyPart>,
    /// The parameters, checked.
    pub params: BTreeMap<String, Json>,
    /// What each query answered last; one that could not be read is not in it.
    pub queries: BTreeMap<String, Json>,
    /// The steps so far.
    pub steps: BTreeMap<String, StepView>,
    /// What verify's queries said before the first write, and last.
    pub before: BTreeMap<String, Json>,
    /// See `before`.
    pub after: BTreeMap<String, Json>,
    /// What a loop is at.
    pub item: Option<String>,
}
