//! What senders and people ask, and what they are shown.

use std::time::Duration;

use ira_commands::Effect;
use serde_json::Value as Json;

use crate::store::model::{Approval, InboxRow, MailId, Run, RunId, Step};
use crate::store::words::{Guard, Mail};

/// Something that somebody outside is to be told.
#[derive(Clone, Debug, PartialEq)]
pub struct Tell {
    /// What makes a repeated request the same row.
    pub key: String,
    /// Whom it is about.
    pub run: Option<RunId>,
    /// What is asked of the sender.
    pub mail: Mail,
    /// The provider's incident.
    pub dedup_key: String,
    /// Which of the configured channels.
    pub channel: String,
    /// What it is told.
    pub payload: Json,
    /// When it is to be sent.
    pub wait: Duration,
}

/// What became of a row that a sender had.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The provider took it.
    Accepted,
    /// It did not; again after so long.
    Failed {
        /// When.
        again_in: Duration,
        /// Why.
        why: String,
    },
    /// A note, and its incident does not exist.
    Moot(String),
}

/// A freeze, a maintenance window or a storm.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suspend {
    /// `Freeze`, `Maintenance` or `Storm`.
    pub guard: Guard,
    /// What it is for; `*` is everything.
    pub scope: String,
    /// How long; none until it is lifted.
    pub lasts: Option<Duration>,
    /// Who.
    pub actor: String,
    /// Why.
    pub reason: String,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Whose plan.
    pub run: RunId,
    /// The fence of the claim.
    pub fence: u64,
    /// The step it is asked for; empty for the whole run.
    pub path: String,
    /// The plan.
    pub plan_hash: String,
    /// How long a yes is good.
    pub within: Duration,
}

/// Which runs are listed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Filter {
    /// All.
    #[default]
    All,
    /// Those that are not terminal.
    Active,
    /// Those that are not terminal, that nobody has, and that nobody will take by themselves; and terminal ones with
    /// an attempt of which it is not known what came of it.
    Orphans,
}

/// A run with all that belongs to it.
#[derive(Clone, Debug, PartialEq)]
pub struct Story {
    /// The run.
    pub run: Run,
    /// The alert that it was admitted for.
    pub alert: Option<InboxRow>,
    /// Every attempt, in the order of beginning.
    pub steps: Vec<Step>,
    /// Every question.
    pub approvals: Vec<Approval>,
}

/// How long things are kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retention {
    /// A run with its steps and events, after its end.
    pub runs: Duration,
    /// What tells that an alert came before, after it last came. At least the senders' retry window (72 h).
    pub dedup: Duration,
    /// The store's size; above it the oldest runs that ended go first. The memory model has none.
    pub bytes: Option<u64>,
}

/// What was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Runs.
    pub runs: u64,
    /// Alerts.
    pub alerts: u64,
}

/// An attempt by hand.
#[derive(Clone, Debug, PartialEq)]
pub struct HandBegin {
    /// The run of the same command, where it has begun something before.
    pub run: Option<RunId>,
    /// A key for the run, where it is the first; drawn by whoever asks.
    pub key: String,
    /// What it is called: what is acted on.
    pub path: String,
    /// How it may be repeated.
    pub effect: Effect,
    /// The process.
    pub worker: String,
    /// When it was begun, unix milliseconds; none for now. Given for what an older journal holds.
    pub at: Option<u64>,
    /// All that is needed to settle it after a crash.
    pub begun: Json,
    /// What was added since.
    pub added: Vec<Json>,
}

/// What a sender takes out of the outbox.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Take {
    /// Only of this channel; of all where none is given.
    pub channel: Option<String>,
    /// Only of this run.
    pub run: Option<RunId>,
    /// For how long it has them.
    pub ttl: Duration,
    /// At most so many.
    pub max: usize,
}

/// Which rows of the outbox are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mails {
    /// All.
    All,
    /// Those that are to be sent.
    Pending,
    /// Of a run, and those of its dedup key.
    Of(RunId),
    /// This one.
    One(MailId),
    /// Those of a dedup key.
    Key(String),
}
