//! What became of attempts of which it is not written how they ended: their probes look, else a person is asked. Nothing
//! of them is done again before it is known.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::actions::Action;
use ira_commands::context::Journal;
use ira_commands::{Effect, Invocation};
use serde_json::json;

use super::Came;
use super::course::{Course, Go, Halt};
use super::journal::{Entry, RunJournal};
use super::plan::invocation;
use crate::store::StepState as Stands;
use crate::store::ask::{End, FirstWrite, Outcome};
use crate::store::event::By;
use crate::store::model::Step;
use crate::store::{RunState, Trace, Wait};

/// How often a probe that cannot look is tried.
const PROBES: usize = 3;
/// How long between two.
const PROBE_IN: Duration = Duration::from_secs(15);

/// What is left to know.
pub(super) enum Left {
    /// Nothing.
    Known,
    /// A probe looks again later; the run waits for it.
    Later(String),
    /// A person is asked.
    Person(String),
}

impl Course<'_> {
    /// Settles what dead workers left open. Halts where a person or a later probe has to say.
    pub async fn settle_open(&mut self) -> Go<()> {
        let open: Vec<Step> = self.past.steps.iter().filter(|step| step.state.is_open()).cloned().collect();
        // Reads, and what can be repeated, are simply made again.
        let open: Vec<Step> = open.into_iter().filter(|step| step.effect == Effect::Once).collect();
        if open.is_empty() {
            return Ok(());
        }
        match self.settle(open, "its worker died").await? {
            Left::Known => self.refresh().await,
            Left::Later(why) | Left::Person(why) => Err(self.unknown(&why).await?),
        }
    }

    /// It is not known whether something happened: the run waits for its probe, or for a person.
    pub async fn unknown(&mut self, why: &str) -> Go<Halt> {
        self.refresh().await?;
        let waits = self.past.run.state == RunState::Waiting(Wait::Timer);
        if !waits && self.past.run.state != RunState::NeedsHuman {
            self.advance(self.to(RunState::NeedsHuman, why)).await?;
        }
        self.let_go().await?;
        let came = if waits { Came::Sleeps(PROBE_IN) } else { Came::Waits(Box::new(self.past.run.clone())) };
        Ok(Halt::came(came))
    }

    /// Finds out what became of those of these attempts that are open, and writes it down.
    pub async fn settle(&self, attempts: Vec<Step>, why: &str) -> Go<Left> {
        let open: Vec<Step> = attempts.into_iter().filter(|step| step.state.is_open()).collect();
        let mut left = Left::Known;
        for step in open {
            if step.effect != Effect::Once {
                self.ended(&step, Outcome::Failed(Trace::Something), json!({ "reason": why })).await?;
                continue;
            }
            let probed = self.probe(&step).await;
            let stands = self.attempts().await?.into_iter().find(|now| now.id == step.id).map(|now| now.state);
            if !stands.is_some_and(Stands::is_open) {
                self.watch.warn(&format!("{} was settled by its probe", step.path));
                continue;
            }
            let unseen = matches!(&probed, Ok(later) if later.contains(&step.id.0))
                || matches!(&probed, Err(fault) if fault.kind.retryable());
            let before = step.added.iter().filter(|more| more.get("probe").is_some()).count();
            let what = format!("{}: {why}; whether it happened is not known", step.path);
            if unseen && before < PROBES {
                let verdict = self.store().add(step.id, json!({ "probe": before + 1 })).await?;
                self.heard(verdict)?;
                self.ended(&step, Outcome::ProbeIn(PROBE_IN), json!({ "reason": why, "probe": before + 1 })).await?;
                left = Left::Later(what);
            } else {
                let page = format!(
                    "{what}. `ira run show {}` has what there is to see; then: ira run decide {} --say \
                     it-ran|it-did-not|abort",
                    step.run, step.id
                );
                self.ended(&step, Outcome::AskPerson(page), json!({ "reason": why })).await?;
                left = Left::Person(what);
            }
        }
        Ok(left)
    }

    async fn ended(&self, step: &Step, outcome: Outcome, exit: serde_json::Value) -> Go<()> {
        let end = End { attempt: step.id, fence: self.lease.fence, outcome, by: By::Worker, exit, output_ref: None };
        let verdict = self.store().end(end).await?;
        self.heard(verdict)?;
        Ok(())
    }

    /// Has the command of an attempt look what became of it. Gives those that could not be looked at just now.
    async fn probe(&self, step: &Step) -> Result<Vec<u64>, ira_commands::Fault> {
        let Some(invocation) = self.command_of(step)? else { return Ok(Vec::new()) };
        let below = step.begun["target"].as_str().and_then(|key| step.path.strip_suffix(key)?.strip_suffix('/'));
        let entry = Entry {
            path: below.unwrap_or(&step.path).to_owned(),
            declared: None,
            undo: step.undo,
            within: Duration::ZERO,
            targets: Vec::new(),
        };
        let (store, lease) = (Arc::clone(&self.engine.store), Arc::clone(&self.lease));
        let first = Arc::new(FirstWrite::of(&self.past.run));
        let journal: Arc<dyn Journal> = Arc::new(RunJournal::new(store, lease, self.folder(), first, entry));
        let context = self.engine.hands.context(&invocation, Some(journal)).await?;
        Action::settle_these(&context, &[step.id.0]).await
    }

    /// The command that an attempt belongs to.
    fn command_of(&self, step: &Step) -> Result<Option<Invocation>, ira_commands::Fault> {
        if let Some(name) = step.begun["do"].as_str() {
            return Invocation::from_data(name, step.begun["with"].clone()).map(Some);
        }
        let own = |id: &str| step.path.strip_prefix(id).is_some_and(|rest| rest.starts_with('/'));
        let playbook = self.playbook;
        let Some(at) = playbook.steps.iter().position(|known| own(&known.id.text)) else { return Ok(None) };
        invocation(playbook, &playbook.steps[at], true, &self.scope).map(Some)
    }
}

impl FirstWrite {
    /// Of a journal through which nothing is begun.
    fn of(run: &crate::store::model::Run) -> Self {
        Self {
            begin: crate::store::ask::Begin {
                run: run.id,
                fence: run.fence,
                path: String::new(),
                attempt: 1,
                effect: Effect::Once,
                reach: ira_commands::effect::Reach::Target,
                undo: false,
                effect_key: None,
                within: Duration::ZERO,
                begun: serde_json::Value::Null,
                plan_hash: run.plan_hash.clone(),
                locks: run.locks.clone(),
                scopes: Vec::new(),
            },
            cooldowns: Vec::new(),
            charges: Vec::new(),
            breaker: None,
            approved: false,
            overrides: Vec::new(),
        }
    }
}
