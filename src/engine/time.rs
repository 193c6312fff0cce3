//! What time brings, whoever is alive to see it.

use ira_commands::{Effect, Fault};
use serde_json::json;

use super::Engine;
use crate::store::ask::{End, Filter, Outcome};
use crate::store::event::By;
use crate::store::model::Run;
use crate::store::{StepState, Trace};

/// What is due.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tick {
    /// Whether a run waits for a worker.
    pub claimable: bool,
    /// When something will be due next, unix milliseconds by the store's clock.
    pub next_at: Option<u64>,
}

impl Engine {
    /// Does what time brings: pages of runs that did not end in time fall due, and attempts of dead processes whose runs
    /// nobody will take up become unknown, with a page. Any process may do this.
    pub async fn tick(&self) -> Result<Tick, Fault> {
        let due = self.store.due().await?;
        if !due.overdue.is_empty() {
            let now = self.store.now().await?;
            for run in self.store.runs(Filter::Active).await? {
                let worked_on = run.owner.is_some() && run.lease_until > now;
                let taken_up = worked_on || (run.claimable && run.wake_at.is_some());
                if !taken_up {
                    self.bury(&run, now).await?;
                }
            }
        }
        Ok(Tick { claimable: due.claimable, next_at: due.next_at })
    }

    /// Ends the attempts of a run that should have ended, and whose process is dead.
    async fn bury(&self, run: &Run, now: u64) -> Result<(), Fault> {
        let Some(story) = self.store.run(run.id).await? else { return Ok(()) };
        for step in story.steps.iter().filter(|step| step.state == StepState::Started && step.deadline <= now) {
            let outcome = match step.effect {
                Effect::Read => Outcome::Failed(Trace::Nothing),
                Effect::Idempotent => Outcome::Failed(Trace::Something),
                Effect::Once => Outcome::AskPerson(format!(
                    "{} of run {}: its process died; whether it happened is not known. `ira run resume {}` looks",
                    step.path, run.id, run.id
                )),
            };
            let exit = json!({ "reason": "its process died" });
            let end = End { attempt: step.id, fence: run.fence, outcome, by: By::Worker, exit, output_ref: None };
            if let Err(denial) = self.store.end(end).await? {
                tracing::info!("attempt {}: {denial}", step.id);
            }
        }
        Ok(())
    }
}
