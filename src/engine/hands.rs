//! What the engine is given from outside: ports for a step, somebody to watch, an alarm for when this machine dies.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::context::Journal;
use ira_commands::{Context, Fault, Invocation, Report};

use crate::store::model::Run;
use crate::store::{Phase, RunState};

/// Who gives a step its ports. The engine names no command: whatever a step is, it is reached through this.
#[async_trait]
pub trait Hands: Send + Sync {
    /// What an invocation is run in. Without a journal it holds no write port; with one, every write goes through it.
    async fn context(&self, invocation: &Invocation, journal: Option<Arc<dyn Journal>>) -> Result<Context, Fault>;
}

/// What pages by itself when this machine dies in the middle of a run: the run alert in Alertmanager.
#[async_trait]
pub trait Alarm: Send + Sync {
    /// Sets it, or keeps it set. Nothing is written to a target before this has worked.
    async fn set(&self, run: &Run) -> Result<(), Fault>;

    /// The run has ended: it is taken back.
    async fn clear(&self, run: &Run) -> Result<(), Fault>;
}

/// How a step stands, for whoever watches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mark {
    /// It begins.
    Begins,
    /// It worked.
    Done,
    /// Its condition was false.
    Skipped,
    /// It was refused: nothing was done.
    Refused,
    /// It failed.
    Failed,
    /// It is not known whether it happened.
    Unknown,
    /// It was taken back.
    Undone,
}

/// Who watches a run, as it goes.
pub trait Watch: Send + Sync {
    /// A step begins or has ended: its path in the run, the command, and in one line what came of it (empty where it
    /// begins).
    fn step(&self, _path: &str, _command: &str, _mark: Mark, _said: &str) {}

    /// The run stands elsewhere now, and why.
    fn state(&self, _state: RunState, _why: &str) {}

    /// A phase was looked at: whether it is good, what was seen, and for how long it is looked at still.
    fn look(&self, _phase: Phase, _good: bool, _seen: &str, _left: Duration) {}

    /// A tell, a note or an alarm did not work; the run goes on.
    fn warn(&self, _said: &str) {}
}

/// Nobody watches.
#[derive(Clone, Copy, Debug)]
pub struct Unwatched;

impl Watch for Unwatched {}

/// The words of a report in one line: the verdict of its first part.
pub(super) fn line(report: &Report) -> String {
    report.sections.first().map(|section| section.headline.clone()).unwrap_or_default()
}
