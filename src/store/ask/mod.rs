//! What is asked of the store, and what it answers. Lengths of time are given as such: the store's clock adds them.

mod intake;
mod people;

use std::time::Duration;

use ira_commands::Effect;
use ira_commands::effect::Reach;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::event::By;
use super::model::{AttemptId, InboxId, Run, RunId};
use super::words::{Guard, RunState, Trace};

pub use intake::{Backlog, Judge, Received, Verdict as Judged, Waiting};
pub use people::{Ask, Dropped, Filter, HandBegin, Mails, Retention, Sent, Story, Suspend, Take, Tell};

/// Why a verb was not carried out. Nothing was changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Denial {
    /// What denies.
    pub guard: Guard,
    /// Which lock, bucket, scope … it is about; may be empty.
    pub key: String,
    /// Until when, unix milliseconds; none where no time ends it.
    pub until: Option<u64>,
    /// The run that stands in the way.
    pub holder: Option<RunId>,
    /// The same for a person, in one line.
    pub message: String,
}

/// What a verb that may be denied gives. A fault around it means that the store itself failed.
pub type Verdict<T> = Result<T, Denial>;

/// An alert, as it is admitted.
#[derive(Clone, Debug, PartialEq)]
pub struct Incoming {
    /// Which source sent it.
    pub source: String,
    /// The sender's own id of it.
    pub delivery_id: String,
    /// What is alerting.
    pub fingerprint: String,
    /// The sender's group.
    pub group_key: String,
    /// The alert in the normal form, as JSON.
    pub payload: String,
    /// Whether it says that it is over: a run for it belongs to no incident.
    pub over: bool,
}

/// A playbook, as it is admitted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Text {
    /// Its name.
    pub name: String,
    /// The hash of the text.
    pub revision: String,
    /// The text, kept while a run needs it.
    pub text: String,
}

/// Whom a run wakes when it does not end in time.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// The provider's incident.
    pub dedup_key: String,
    /// Which of the configured channels.
    pub channel: String,
    /// What it is told.
    pub payload: Json,
}

/// A run that is to be.
#[derive(Clone, Debug, PartialEq)]
pub struct Admit {
    /// What makes a repeated request the same run: the delivery and the playbook, or a number drawn by whoever asks.
    pub key: String,
    /// The alert it is for.
    pub alert: Option<Incoming>,
    /// The row that the alert was received by: it does not come again with the run.
    pub received: Option<InboxId>,
    /// The playbook; none for a command by hand.
    pub playbook: Option<Text>,
    /// What it is called in a list.
    pub title: String,
    /// The typed parameters.
    pub params: Json,
    /// Who asks.
    pub by: String,
    /// Whether a worker may take it by itself; else only who names it does.
    pub claimable: bool,
    /// How long its first phase may take; none for a command by hand, which a person watches.
    pub escalate_in: Option<Duration>,
    /// Whom it wakes; where none is given, the people who look at `ira run list`.
    pub page: Option<Page>,
}

/// What came of an [`Admit`].
#[derive(Clone, Debug, PartialEq)]
pub enum Admission {
    /// A run was made.
    New(Run),
    /// It had been made under this key before.
    Again(Run),
    /// The playbook already runs for this incident.
    Active(Run),
}

impl Admission {
    /// The run, whichever.
    pub fn run(&self) -> &Run {
        match self {
            Self::New(run) | Self::Again(run) | Self::Active(run) => run,
        }
    }
}

/// Which run a worker asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Which {
    /// The one that is due for the longest time.
    Next,
    /// This one, also before it is due, also where it waits for a person. Not a terminal one.
    This(RunId),
    /// The same, of which is known that the process that had it is dead: its lease is not waited for.
    Orphan(RunId),
}

/// An attempt that is to be begun.
#[derive(Clone, Debug, PartialEq)]
pub struct Begin {
    /// Whose.
    pub run: RunId,
    /// The fence of the claim.
    pub fence: u64,
    /// Which step.
    pub path: String,
    /// The how-manieth attempt, from 1. The same request again, under the same fence, gives the same attempt.
    pub attempt: u32,
    /// How it may be repeated.
    pub effect: Effect,
    /// What it reaches: only a write that reaches a target is guarded.
    pub reach: Reach,
    /// Whether it takes back what another step did: a cancel does not deny it.
    pub undo: bool,
    /// For `idempotent`: the key that all its attempts share.
    pub effect_key: Option<String>,
    /// How long it may take.
    pub within: Duration,
    /// All that is needed to settle it after a crash.
    pub begun: Json,
    /// The plan it belongs to; denied where the run's is another.
    pub plan_hash: Option<String>,
    /// The locks it needs: taken with the run's first write, checked with each later one.
    pub locks: Vec<String>,
    /// What a freeze, a maintenance window or a storm may be named for: playbook, target, service. `*` is always among
    /// them.
    pub scopes: Vec<String>,
}

/// So much of a window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Charge {
    /// `Bucket`, `Budget` or `Recurrence`.
    pub guard: Guard,
    /// Which.
    pub key: String,
    /// What the run takes of it.
    pub amount: u128,
    /// What may be taken within any window.
    pub limit: u128,
    /// How long the window is.
    pub window: Duration,
}

/// A person's word against a guard.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Override {
    /// Which. A lock and a freeze are never overridden: `ira run close`, `ira thaw`.
    pub guard: Guard,
    /// Why.
    pub reason: String,
    /// Who.
    pub actor: String,
}

/// The first write of a run: all its guards are decided with it, once.
#[derive(Clone, Debug, PartialEq)]
pub struct FirstWrite {
    /// The attempt. Its locks are all the locks of the run.
    pub begin: Begin,
    /// For how long nothing else may begin to write, by key.
    pub cooldowns: Vec<(String, Duration)>,
    /// Buckets, budgets for the whole run, recurrence.
    pub charges: Vec<Charge>,
    /// The breaker's key.
    pub breaker: Option<String>,
    /// Whether an approval of the plan has to be there, unexpired.
    pub approved: bool,
    /// What a person overrides.
    pub overrides: Vec<Override>,
}

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Outcome {
    /// It happened.
    Done,
    /// It failed, and left this.
    Failed(Trace),
    /// It may have happened, and a read-only probe will say, after so long.
    ProbeIn(Duration),
    /// It may have happened, and a person has to say; with what the page says.
    AskPerson(String),
}

/// The end of an attempt.
#[derive(Clone, Debug, PartialEq)]
pub struct End {
    /// Which.
    pub attempt: AttemptId,
    /// The fence of the claim. One that is too low changes the attempt and nothing else, and only to what is known.
    pub fence: u64,
    /// How.
    pub outcome: Outcome,
    /// By what it is known: a worker, or its probe.
    pub by: By,
    /// Proof, reason, exit, digest of the output.
    pub exit: Json,
    /// Where the output is kept.
    pub output_ref: Option<String>,
}

/// What a person, or a conclusive probe, says of an unknown attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It ran.
    ItRan,
    /// It did not: a further attempt is allowed.
    ItDidNot,
    /// Whatever it did, the run is over: escalated, its locks released.
    Abort,
}

/// A run goes on in another state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Advance {
    /// Which.
    pub run: RunId,
    /// The fence of the claim.
    pub fence: u64,
    /// The state; none of the terminal ones.
    pub state: RunState,
    /// Why, in a few words.
    pub why: String,
    /// The path it is at; as it was where none is given.
    pub cursor: Option<String>,
    /// Re-arms the page, in the same commit; as it was where none is given.
    pub escalate_in: Option<Duration>,
    /// When it is due again; where none is given, a waiting run waits until something else wakes it.
    pub wake_in: Option<Duration>,
}

/// How a run failed or did not, for its breaker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// The breaker's key.
    pub breaker: String,
    /// Whether what it did helped; none where it cannot be said.
    pub good: Option<bool>,
    /// After so many failures in a row it opens.
    pub after: u32,
    /// For so long.
    pub opens_for: Duration,
}

/// The end of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finish {
    /// Which.
    pub run: RunId,
    /// The fence of the claim.
    pub fence: u64,
    /// A terminal state.
    pub state: RunState,
    /// The last word; what the page or note says.
    pub note: String,
    /// Whether its alert is over: a page that was sent is resolved, where no other run under its key is open.
    pub resolve: bool,
    /// What its breaker is told.
    pub verified: Option<Verified>,
}

/// What the passing of time has brought.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Due {
    /// Runs whose time ran out just now: their pages are due, and they begin nothing more.
    pub escalated: Vec<RunId>,
    /// Attempts that should have ended: see that they become unknown, or failed.
    pub overdue: Vec<AttemptId>,
    /// Whether a run waits for a worker.
    pub claimable: bool,
    /// When something will be due next, unix milliseconds.
    pub next_at: Option<u64>,
}
