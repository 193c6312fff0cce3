//! The engine: when and how often, never what. It takes a run through its phases, writes down what is about to be done
//! before it is done, and knows after a crash what was. It names no command.

mod approve;
mod asked;
mod course;
mod drive;
mod ending;
mod export;
mod eye;
mod forecast;
mod guards;
mod hands;
mod journal;
mod lease;
mod offline;
mod outputs;
mod past;
mod plan;
mod post;
mod record;
mod remembered;
mod reports;
mod settle;
mod step;
mod time;
mod undo;
mod verify;
mod walk;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::Fault;
use ira_commands::playbook::{Incoming, Mode, Playbook};
use serde_json::Value as Json;

use crate::config::BudgetConfig;
use crate::store::ask::{Denial, Override, Page};
use crate::store::model::{InboxId, Run, RunId};
use crate::store::{Guard, RunState, Store};

pub use export::{Exported, export};
pub use forecast::{Forecast, Used};
pub use guards::{overridable, refused};
pub use hands::{Alarm, Hands, Mark, Unwatched, Watch};
pub use offline::offline;
pub use past::{fingerprint, incoming, kept, payload};
pub use plan::{PlanDocument, PlannedWrite};
pub use post::{Post, SendFault, Sender, told_journal};
pub use record::{Record, Standing, Tally, promote, standing};
pub use time::Tick;

/// How long a worker has a run without saying that it lives.
const TTL: Duration = Duration::from_secs(30);

/// What runs playbooks.
pub struct Engine {
    /// Where everything is written down.
    pub store: Arc<dyn Store>,
    /// Where a step gets its ports.
    pub hands: Arc<dyn Hands>,
    /// Who this is, in the record (`hand:4711`, `web-01`).
    pub worker: String,
    /// For how long a run is taken; kept every third of it.
    pub ttl: Duration,
    /// Where the locks of this machine, and outputs that are too long for the store, are.
    pub folder: PathBuf,
    /// Budgets that playbooks name.
    pub budgets: BTreeMap<String, BudgetConfig>,
    /// What pages when this machine dies.
    pub alarm: Option<Arc<dyn Alarm>>,
    /// Whether nobody is there: its runs may be taken by any worker, and what a guard denies goes to a person by a page.
    pub unattended: bool,
    known: drive::Known,
}

/// A run that is to be, for an alert and a playbook.
pub struct Wanted<'a> {
    /// What makes a repeated request the same run.
    pub key: String,
    /// The sender's own id of the message; where it has none, that of the same alert, beginning and status.
    pub delivery_id: Option<String>,
    /// The sender's group; may be empty.
    pub group_key: String,
    /// The row that the alert was received by; none where it comes with the run.
    pub received: Option<InboxId>,
    /// The playbook, read and checked.
    pub playbook: &'a Playbook,
    /// Its text: kept with the run, which is read from it again wherever it goes on.
    pub text: &'a str,
    /// The alert.
    pub alert: &'a Incoming,
    /// The parameters as given; those that are not have their defaults.
    pub params: BTreeMap<String, Json>,
    /// How far it goes: `Approve` waits for [`Engine::answer`] (by hand: always), `Auto` for nobody, `Suggest` ends with
    /// the plan noted, `Observe` with the plan recorded.
    pub rung: Mode,
    /// What a person overrides, and why.
    pub overrides: Vec<Override>,
    /// Who asks.
    pub by: String,
    /// Whom it wakes.
    pub page: Option<Page>,
    /// How long its first phase may take; none where a person watches it.
    pub escalate_in: Option<Duration>,
}

/// What a run would do, and what was read to know it. Nothing was written anywhere.
#[derive(Clone, Debug, PartialEq)]
pub struct Preview {
    /// The reads before the first write, in order: step, and what it said in one line.
    pub reads: Vec<(String, Result<String, Fault>)>,
    /// What verify asks, each with what it says now.
    pub verify: Vec<Looked>,
    /// Why it would end before its first write.
    pub stopped: Option<Stop>,
    /// The writes.
    pub plan: PlanDocument,
}

/// A query that verify asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Looked {
    /// Its name in the playbook.
    pub name: String,
    /// What it asks, in one line.
    pub what: String,
    /// What it says now; none where it cannot be asked.
    pub now: Option<Json>,
}

/// Why a run would end before its first write.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The alert does not fire any more.
    Over,
    /// A guard of the playbook itself says no, and why.
    Guard(Guard, String),
    /// Something could not be read, or planned; why.
    Unread(String),
    /// No step that writes is to be done.
    Idle,
}

impl Stop {
    /// It in words.
    pub fn why(&self) -> String {
        match self {
            Self::Over => "the alert does not fire any more".to_owned(),
            Self::Guard(guard, why) => format!("{guard}: {why}"),
            Self::Unread(why) => why.clone(),
            Self::Idle => "no step that changes anything is to be done".to_owned(),
        }
    }
}

/// Where a run stands after it was driven as far as it goes.
#[derive(Clone, Debug, PartialEq)]
pub enum Came {
    /// It asks whether this plan may be carried out: [`Engine::answer`], then drive it again.
    Asks(Box<PlanDocument>, Box<Run>),
    /// It ended; the run's note says how in words.
    Ended(Box<Run>, Ending),
    /// A guard denied its first write: nothing was done, and the run has ended. [`refused`] says it to a person.
    Denied(Box<Denial>, Box<Run>),
    /// It goes on by itself after this time, if it is driven again.
    Sleeps(Duration),
    /// Something else has to happen first: a person's word (`needs_human`), the thaw (`waiting:freeze`).
    Waits(Box<Run>),
    /// Another worker has it now.
    Lost(RunId),
}

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ending {
    /// It helped, and was seen to hold.
    Verified,
    /// Every step of a playbook that changes nothing was done.
    Done,
    /// Its plan was noted; it goes no further on its rung.
    Suggested,
    /// Its plan was recorded; it goes no further on its rung.
    Observed,
    /// The alert was over before anything was done.
    Resolved,
    /// Another run, for another alert about the same thing, did what this one would have.
    Covered,
    /// A person said no to its plan.
    NotAgreed,
    /// A guard denied it, and somebody is there to see.
    Denied,
    /// A guard denied it, and nobody is there: somebody is woken.
    DeniedAlone,
    /// A person cancelled it; what was done was taken back as far as can be, and it is seen to be well.
    Cancelled,
    /// A person had it taken back.
    Undone,
    /// A person had it taken back, and something of it could not be.
    UndoneInPart,
    /// A step of a playbook that changes nothing did not work.
    Failed,
    /// A step did not work: somebody is woken.
    Broken,
    /// It did not help: somebody is woken.
    Unverified,
    /// It helped for a while: somebody is woken.
    NotHeld,
    /// Nothing was to be done, and the alert still fires: somebody is woken.
    NothingApplied,
    /// Its time ran out: somebody is woken.
    OutOfTime,
}

impl Ending {
    /// The state that it leaves the run in.
    pub fn state(self) -> RunState {
        match self {
            Self::Verified | Self::Done | Self::Suggested | Self::Observed => RunState::Succeeded,
            Self::Resolved
            | Self::Covered
            | Self::NotAgreed
            | Self::Denied
            | Self::Cancelled
            | Self::Undone
            | Self::UndoneInPart => RunState::Cancelled,
            Self::Failed => RunState::Failed,
            Self::DeniedAlone
            | Self::Broken
            | Self::Unverified
            | Self::NotHeld
            | Self::NothingApplied
            | Self::OutOfTime => RunState::Escalated,
        }
    }
}

/// How a person takes up a run that was escalated, or waits for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TakeUp {
    /// It goes on where it was.
    GoOn,
    /// It goes on from this step, whatever was left out before it.
    From(String),
    /// What was done and can be taken back is, newest first.
    Undo,
}

impl Engine {
    /// An engine for a process on this machine, attended by a person.
    pub fn new(store: Arc<dyn Store>, hands: Arc<dyn Hands>, worker: String, folder: PathBuf) -> Self {
        let (budgets, alarm) = (BTreeMap::new(), None);
        Self {
            store,
            hands,
            worker,
            ttl: TTL,
            folder,
            budgets,
            alarm,
            unattended: false,
            known: drive::Known::default(),
        }
    }
}
