//! What comes in from senders of alerts, and what is decided of it.

use std::time::Duration;

use super::people::Tell;
use crate::store::model::{InboxId, InboxRow, RunId};

/// What came of an alert that was received.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Received {
    /// Its row.
    pub inbox: InboxId,
    /// Whether it had come before.
    pub again: bool,
}

/// An alert that waits to be decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// The alert.
    pub row: InboxRow,
    /// Whether nothing else is known of what is alerting.
    pub alone: bool,
}

/// What is decided of an alert.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// A run answers it.
    Run(RunId),
    /// A person was told.
    Paged(String),
    /// Nobody needs to be told: it is over, it is nothing to wake anybody for, or somebody said so.
    Ignored(String),
    /// Nothing is done about it now, for this reason; it is looked at again after this time.
    Suppressed(String, Duration),
}

impl Verdict {
    /// As it is kept and shown.
    pub fn text(&self) -> String {
        match self {
            Self::Run(run) => format!("run {run}"),
            Self::Paged(why) => format!("paged: {why}"),
            Self::Ignored(why) => format!("ignored: {why}"),
            Self::Suppressed(why, _) => format!("suppressed: {why}"),
        }
    }
}

/// A decision on an alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Judge {
    /// Which.
    pub inbox: InboxId,
    /// How often it had come when this was decided: one that came again meanwhile is looked at again.
    pub seen: u64,
    /// What.
    pub verdict: Verdict,
    /// Whom it wakes or tells, in the same commit. A trigger whose dedup key has one that lives is none: where that is
    /// armed, it falls due. A resolve is one only where the trigger is of an alert, nobody else was paged for its group,
    /// and no run needs it.
    pub tell: Option<Tell>,
}

/// How much waits to be decided.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Backlog {
    /// Alerts that are due to be looked at; counted no further than was asked.
    pub due: u64,
    /// When the oldest of them was due, unix milliseconds.
    pub oldest: Option<u64>,
    /// When the next one will be due.
    pub next_at: Option<u64>,
    /// The time now.
    pub now: u64,
}
