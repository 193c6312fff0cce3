//! What the engine is given from outside: ports for a step, somebody to ask, somebody to watch.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::context::Journal;
use ira_commands::{Context, Fault, Invocation, Report};

use super::plan::PlanDocument;
use crate::store::model::RunId;
use crate::store::{Phase, RunState};

/// Who gives a step its ports. The engine names no command: whatever a step is, it is reached through this.
#[async_trait]
pub trait Hands: Send + Sync {
    /// What an invocation is run in. Without a journal it holds no write port; with one, every write goes through it.
    async fn context(&self, invocation: &Invocation, journal: Option<Arc<dyn Journal>>) -> Result<Context, Fault>;
}

/// Who agrees to a plan before the first write.
#[async_trait]
pub trait Consent: Send + Sync {
    /// Whether this plan, and no other, may be carried out.
    async fn agree(&self, run: RunId, plan: &PlanDocument) -> Result<bool, Fault>;
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
    /// It failed.
    Failed,
    /// It is not known whether it happened.
    Unknown,
    /// It is taken back.
    Undone,
}

/// Who watches a run.
pub trait Watch: Send + Sync {
    /// A step begins or has ended; `said` is what came of it, in one line.
    fn step(&self, _id: &str, _what: &str, _mark: Mark, _said: &str) {}
    /// The run goes on in another state.
    fn state(&self, _state: RunState) {}
    /// A phase was looked at: whether it is good, and what was seen.
    fn look(&self, _phase: Phase, _good: bool, _seen: &str) {}
}

/// Nobody watches.
pub struct Unwatched;

impl Watch for Unwatched {}

/// The words of a report in one line: the verdict of its first part.
pub(super) fn line(report: &Report) -> String {
    report.sections.first().map(|section| section.headline.clone()).unwrap_or_default()
}
