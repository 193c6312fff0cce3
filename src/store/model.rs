//! The rows of the store, as values. Every time is in unix milliseconds, by the store's clock.

use ira_commands::Effect;
use ira_commands::effect::Reach;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::words::{Guard, Mail, MailState, Phase, RunState, StepState};

/// A number that names a row.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident,)+) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )+};
}

ids! {
    /// A run: what people type behind `ira run show`.
    RunId,
    /// One attempt at one step, of all runs; names its lock and result files.
    AttemptId,
    /// An alert that came in.
    InboxId,
    /// What alerts of one fingerprint belong to, from the first firing to the resolve.
    IncidentId,
    /// A question to a person.
    ApprovalId,
    /// A row of the outbox.
    MailId,
}

/// A run of a playbook, or of one command by hand (`playbook` is none).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Run {
    /// Its number.
    pub id: RunId,
    /// What it was admitted under; the same key gives the same run.
    pub key: String,
    /// What it is about, where an alert started it.
    pub incident: Option<IncidentId>,
    /// The alert it was admitted for.
    pub inbox: Option<InboxId>,
    /// The playbook's name; none for a command by hand.
    pub playbook: Option<String>,
    /// The hash of the playbook's text at admission; the text is kept as long as the run.
    pub revision: Option<String>,
    /// What it is called in a list.
    pub title: String,
    /// The typed parameters.
    pub params: Json,
    /// Who asked: a user, `alert`, `hand`.
    pub by: String,
    /// Whether a worker may take it by itself.
    pub claimable: bool,
    /// What was agreed to.
    pub plan_hash: Option<String>,
    /// Where it stands; a cache of its events.
    pub state: RunState,
    /// The phase it is in, or goes on in after it waited.
    pub phase: Phase,
    /// The path of the step it is at; the interpreter's own word.
    pub cursor: String,
    /// Raised by one with each claim.
    pub fence: u64,
    /// The worker that has it.
    pub owner: Option<String>,
    /// Until when; 0 where nobody has it.
    pub lease_until: u64,
    /// From when on a worker may take it; none where something else has to happen first.
    pub wake_at: Option<u64>,
    /// When a person is woken unless the phase ends before.
    pub escalate_by: Option<u64>,
    /// `escalate_by` has passed: what is under way ends, and nothing more is begun.
    pub no_more_writes: bool,
    /// Who cancelled it.
    pub cancelled_by: Option<String>,
    /// When its first write was written down: its guards are decided, once.
    pub first_write_at: Option<u64>,
    /// The locks that it took with it.
    pub locks: Vec<String>,
    /// The dedup key of its page.
    pub page: String,
    /// When it was admitted.
    pub admitted_at: u64,
    /// When it came to a terminal state.
    pub ended_at: Option<u64>,
    /// The last word about it.
    pub note: String,
    /// How many events it has.
    pub seq: u64,
    /// The hash of the last one.
    pub head: String,
}

/// One attempt at one step.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Step {
    /// Its number.
    pub id: AttemptId,
    /// Whose it is.
    pub run: RunId,
    /// The step's id and the keys of the loop or of the command's inner steps: `vrf-runbook/fund/8831`.
    pub path: String,
    /// From 1.
    pub attempt: u32,
    /// How it may be repeated.
    pub effect: Effect,
    /// What it reaches.
    pub reach: Reach,
    /// Whether it takes back what another step did.
    pub undo: bool,
    /// Where it stands.
    pub state: StepState,
    /// What makes a repeated `idempotent` step the same to whom it acts on; one for all its attempts.
    pub effect_key: Option<String>,
    /// The fence under which it was begun.
    pub fence: u64,
    /// When `started` was written.
    pub started_at: u64,
    /// When it has to have ended.
    pub deadline: u64,
    /// When its result was written.
    pub ended_at: Option<u64>,
    /// What was written before it was done.
    pub begun: Json,
    /// What was added to it later, in order.
    pub added: Vec<Json>,
    /// Its result: proof, reason, exit, and a digest of its output.
    pub exit: Json,
    /// Where the output is kept.
    pub output_ref: Option<String>,
}

/// A row of the guards: a lock, a cooldown, a bucket …
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct GuardRow {
    /// `KIND:` and what is guarded.
    pub key: String,
    /// Which guard it is.
    pub kind: Guard,
    /// The run that holds it, or wrote it last.
    pub run: Option<RunId>,
    /// The fence it was written under.
    pub fence: u64,
    /// Until when it denies; none without an end.
    pub until: Option<u64>,
    /// What is used of a bucket or budget in its window; how often in a row a breaker's runs failed.
    pub tokens: u128,
    /// What else there is to it: the grants of the window, the reason of a freeze.
    pub state: Json,
}

/// A row of the outbox: something that somebody outside has to be told.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its number; rows of one dedup key and channel are sent in this order.
    pub id: MailId,
    /// What makes a repeated request the same row.
    pub key: String,
    /// Whom it is about.
    pub run: Option<RunId>,
    /// What is asked of the sender.
    pub mail: Mail,
    /// The provider's incident; never changes.
    pub dedup_key: String,
    /// Which of the configured channels.
    pub channel: String,
    /// What the channel is told.
    pub payload: Json,
    /// Why it became due.
    pub reason: String,
    /// Where it stands.
    pub state: MailState,
    /// How often sending was tried.
    pub attempts: u32,
    /// When it is to be tried (again).
    pub next_at: u64,
    /// Until when a sender has it.
    pub claimed_until: u64,
    /// When it was written.
    pub created_at: u64,
    /// When the provider took it.
    pub accepted_at: Option<u64>,
    /// When a person acknowledged it.
    pub human_ack_at: Option<u64>,
    /// What the last try said.
    pub error: Option<String>,
}

impl OutboxRow {
    /// Whether somebody has to hear of it: a page, or what a later run under the key of a page says.
    pub fn wakes(&self) -> bool {
        self.mail == Mail::Trigger || (self.mail == Mail::Note && self.payload["wakes"] == Json::Bool(true))
    }
}

/// An alert that came in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InboxRow {
    /// Its number.
    pub id: InboxId,
    /// Which source sent it.
    pub source: String,
    /// The sender's own id of it, or the hash of fingerprint, start and status.
    pub delivery_id: String,
    /// What is alerting.
    pub fingerprint: String,
    /// The sender's group; kept, never a key.
    pub group_key: String,
    /// The alert in the normal form, as JSON: it is read by who looks at it, and by nobody on the way.
    pub payload: String,
    /// When it first came.
    pub received_at: u64,
    /// When it last came.
    pub last_seen: u64,
    /// How often it came.
    pub seen: u64,
    /// The last decision: `run N`, `paged: …`, `ignored: …`, `suppressed: …`; empty before.
    pub state: String,
    /// When it is to be looked at; none where that is not needed.
    pub look_at: Option<u64>,
}

/// A decision on an alert.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DecisionRow {
    /// When it was made.
    pub at: u64,
    /// What it says, as [`InboxRow::state`].
    pub what: String,
}

/// What alerts of one fingerprint belong to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    /// Its number.
    pub id: IncidentId,
    /// What is alerting.
    pub fingerprint: String,
    /// Whether no resolve has come.
    pub open: bool,
    /// When the first alert came.
    pub first: u64,
    /// When the last came.
    pub last: u64,
    /// How many different alerts there were.
    pub count: u64,
}

/// A question to a person.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Its number.
    pub id: ApprovalId,
    /// Whose plan.
    pub run: RunId,
    /// The step it is asked for; empty for the whole run.
    pub path: String,
    /// The plan that is agreed to, and no other.
    pub plan_hash: String,
    /// After this a yes counts nothing.
    pub expires_at: u64,
    /// What was said; the first word counts.
    pub decision: Option<bool>,
    /// By whom.
    pub actor: Option<String>,
}

/// Which store this is: remembered by a daemon, so that it notices when a fail-over lost commits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Identity {
    /// Drawn once, when the store is made.
    pub cluster_id: String,
    /// Raised by whoever restores the store from a copy.
    pub store_epoch: u64,
    /// The time of the last commit.
    pub high_water: u64,
}
