//! After a crash, or where nobody knows: what was begun is looked at before anything else is done.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::actions::{Action, Probed, Verb};
use ira_commands::context::Open;
use ira_commands::{Effect, Fault, Invocation};
use serde_json::json;

use super::Came;
use super::drive::{Driven, Flow};
use super::journal::{RunJournal, refused};
use crate::store::ask::{End, Outcome};
use crate::store::event::By;
use crate::store::model::Step;
use crate::store::{RunState, Trace};

impl Driven<'_> {
    /// Settles every attempt of which it is not written how it ended: by its probe, by repeating where that is safe, or by
    /// a person.
    pub async fn settle(&mut self) -> Result<Flow, Fault> {
        self.reload().await?;
        let open: Vec<Step> = self.past.attempts.iter().filter(|step| step.state.is_open()).cloned().collect();
        for step in open {
            if step.effect == Effect::Read {
                // Nothing happened that could be repeated.
                let exit = json!({ "fault": "its worker went away" });
                self.end(&step, Outcome::Failed(Trace::Nothing), By::Worker, exit).await?;
                continue;
            }
            let found = self.look_back(&step).await;
            let (outcome, exit) = match found {
                // Settled on the way, by what it does itself.
                None => continue,
                Some(Probed::Done(proof)) => {
                    (Outcome::Done, json!({ "by": "probe", "proof": proof, "summary": proof }))
                }
                Some(Probed::Failed(why)) => {
                    (Outcome::Failed(Trace::Something), json!({ "by": "probe", "reason": why }))
                }
                Some(Probed::NotDone(why)) => {
                    (Outcome::Failed(Trace::Nothing), json!({ "by": "probe", "reason": why }))
                }
                Some(Probed::Unknown(why)) if step.effect == Effect::Idempotent => {
                    // Safe to repeat, under the key that all its attempts share.
                    (Outcome::Failed(Trace::Something), json!({ "by": "probe", "reason": why }))
                }
                Some(Probed::Unknown(why)) => {
                    let what = step.begun["what"].as_str().unwrap_or(&step.path).to_owned();
                    let page = format!("it is not known whether this happened: {what} ({why})");
                    (Outcome::AskPerson(page), json!({ "reason": why }))
                }
            };
            let asks = matches!(outcome, Outcome::AskPerson(_));
            let by = if asks { By::Worker } else { By::Probe };
            if !(asks && step.state == crate::store::StepState::Unknown) {
                self.end(&step, outcome, by, exit).await?;
            }
        }
        self.reload().await?;
        let unknown = self.past.attempts.iter().any(|step| step.state.is_open());
        if unknown || self.run.state == RunState::NeedsHuman {
            self.watch.state(self.run.state);
            return Ok(Flow::Stop(Came::Waits(Box::new(self.run.clone()))));
        }
        Ok(Flow::On)
    }

    async fn end(&self, step: &Step, outcome: Outcome, by: By, exit: serde_json::Value) -> Result<(), Fault> {
        let end = End { attempt: step.id, fence: self.run.fence, outcome, by, exit, output_ref: None };
        self.engine.store.end(end).await?.map_err(|denial| refused(&denial))?;
        Ok(())
    }

    /// What became of an attempt, by the command that began it; none where it settled the attempt itself.
    async fn look_back(&self, step: &Step) -> Option<Probed> {
        match self.probe(step).await {
            Ok(probed) => probed,
            Err(fault) => Some(Probed::Unknown(fault.one_line())),
        }
    }

    async fn probe(&self, step: &Step) -> Result<Option<Probed>, Fault> {
        let path = self.path_of(step);
        let key = step.path.strip_prefix(&format!("{path}/")).unwrap_or(&step.path).to_owned();
        let open = Open {
            id: step.id.0,
            key,
            effect: step.effect,
            at: step.started_at / 1_000,
            begun: step.begun.clone(),
            added: step.added.clone(),
        };
        if let Some(name) = step.begun.get("do").and_then(serde_json::Value::as_str) {
            let Some(action) = Action::from_data(name, step.begun["with"].clone()) else {
                return Ok(Some(Probed::Unknown(format!("there is no action `{name}` in this version"))));
            };
            let action = action?;
            let invocation = Invocation::Act(action.clone());
            let context = self.engine.hands.context(&invocation, None).await?;
            return match action.verb() {
                Verb::Act(act) => act.probe(&context, &open).await.map(Some),
                Verb::Look(_) => Ok(Some(Probed::NotDone("it only reads".to_owned()))),
            };
        }
        // A transaction: what was signed is settled by the same bytes, or not at all.
        let Some(chain) = step.begun.get("chain_id").and_then(serde_json::Value::as_u64) else {
            return Ok(Some(Probed::Unknown("there is nothing to tell it by".to_owned())));
        };
        let Some(of) = self.playbook.steps.iter().find(|one| one.id.text == path) else {
            return Ok(Some(Probed::Unknown("its step is not in the playbook".to_owned())));
        };
        let invocation = super::plan::invocation(&self.playbook, of, true, &self.scope)?;
        let within = Duration::from_secs(of.timeout);
        let journal = RunJournal::new(self.shared(), &path, invocation.reach(), of.effect, step.undo, within);
        let context = self.engine.hands.context(&invocation, Some(Arc::new(journal))).await?;
        Action::settle(&context, Some(chain)).await?;
        Ok(None)
    }

    /// The id of the playbook's step that an attempt belongs to.
    fn path_of(&self, step: &Step) -> String {
        let of = |one: &&ira_commands::playbook::Step| step.path.starts_with(&format!("{}/", one.id.text));
        self.playbook.steps.iter().find(of).map_or_else(|| step.path.clone(), |one| one.id.text.clone())
    }
}
