//! Taking back what was done, newest first. What is not known to have happened is never taken back.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::Fault;
use ira_commands::context::Journal;
use ira_commands::effect::{Reach, TakenBack};
use ira_commands::playbook::{Step, StepState, undoing};
use serde_json::json;

use super::drive::Driven;
use super::hands::{Mark, line};
use super::journal::RunJournal;
use super::past::sort;
use super::plan;
use super::steps::within;

impl Driven<'_> {
    /// Takes back every write that was done and can be; gives what is left as it is.
    pub async fn take_back(&mut self) -> Result<Vec<String>, Fault> {
        let mut left = Vec::new();
        let (steps, effects) = (self.playbook.steps.clone(), self.effects.clone());
        let writes = steps.iter().zip(&effects.writes).filter(|(_, writes)| **writes).map(|(step, _)| step);
        for step in writes.rev() {
            let id = &step.id.text;
            let done = self.past.steps.get(id).is_some_and(|view| view.state == StepState::Done);
            if !done || self.past.undone.contains(id) {
                continue;
            }
            match undoing(&self.playbook, step, &self.scope) {
                Some(Ok(with)) => {
                    if let Err(fault) = self.undo(step, with).await {
                        self.watch.step(id, "undo", Mark::Failed, &fault.one_line());
                        left.push(format!("`{id}` (its undo failed: {})", fault.one_line()));
                    }
                }
                Some(Err(refusal)) => left.push(format!("`{id}` (its undo: {})", refusal.message)),
                None if self.transient(step) => {}
                None => left.push(format!("`{id}` ({})", step.action.text)),
            }
        }
        Ok(left)
    }

    /// Whether there is nothing to take back of a step.
    fn transient(&self, step: &Step) -> bool {
        let own = plan::invocation(&self.playbook, step, true, &self.scope).map(|invocation| invocation.taken_back());
        step.taken_back.or(own.ok()) == Some(TakenBack::Transient)
    }

    async fn undo(&mut self, step: &Step, with: serde_json::Value) -> Result<(), Fault> {
        let Some(undo) = &step.undo else { return Ok(()) };
        let id = &step.id.text;
        let invocation = plan::build(&undo.action.text, with, step, &self.scope)?;
        self.watch.step(id, &undo.action.text, Mark::Begins, "undo");
        let length = Duration::from_secs(undo.timeout);
        let path = format!("{id}/undo");
        let journal: Arc<dyn Journal> =
            Arc::new(RunJournal::new(self.shared(), &path, Reach::Target, None, true, length));
        let work = async {
            let context = self.engine.hands.context(&invocation, Some(journal)).await?;
            invocation.run(&context).await
        };
        let report = within(undo.timeout, work).await?;
        self.watch.step(id, &undo.action.text, Mark::Undone, &line(&report));
        self.past.undone.push(id.clone());
        self.remember(sort::UNDONE, json!({ "id": id })).await
    }
}
