//! The first phase: what is read before the first write, the plan that comes of it, and who agrees to it.

use std::time::Duration;

use ira_commands::Effect;
use ira_commands::playbook::{Mode, StepState, StepView, Want, guard_queries, permitted};
use serde_json::{Value as Json, json};

use super::course::{Course, Go, Halt};
use super::guards::denial;
use super::plan::PlanDocument;
use super::walk::At;
use super::{Came, Ending};
use crate::store::ask::{Advance, Ask};
use crate::store::{Guard, Phase, RunState, Wait};

/// How long a yes is waited for where the playbook does not say.
const PATIENCE: u64 = 900;

impl Course<'_> {
    /// Reads, plans, and asks where somebody is to be asked. Comes back when the run may act.
    pub async fn approve(&mut self) -> Go<()> {
        if self.playbook.effects.any() {
            self.permitted().await?;
            let first = self.read_up().await?;
            self.planned(first).await?;
            match self.asked.rung {
                Mode::Observe => return Err(self.finish(Ending::Observed, &self.suggestion("would do")).await?),
                Mode::Suggest => return Err(self.finish(Ending::Suggested, &self.suggestion("suggests")).await?),
                Mode::Approve if !self.plan.writes.is_empty() => self.agreed().await?,
                Mode::Approve | Mode::Auto => {}
            }
        }
        let deadline = self.playbook.escalate.as_ref().map(|escalate| Duration::from_secs(escalate.deadline));
        let ask = Advance {
            escalate_in: deadline,
            cursor: Some(String::new()),
            ..self.to(RunState::Running(Phase::Act), "the plan is known")
        };
        self.advance(ask).await
    }

    fn suggestion(&self, verb: &str) -> String {
        let lines = self.plan.lines();
        if lines.is_empty() {
            return format!("the playbook {} has nothing to do", self.playbook.name.text);
        }
        format!("the playbook {} {verb}, and nothing was done:\n{}", self.playbook.name.text, lines.join("\n"))
    }

    /// What the guards of the file say now.
    pub async fn permitted(&mut self) -> Go<()> {
        let names = guard_queries(self.playbook);
        self.eye.ask(&names, &mut self.scope).await;
        self.heard_at("guards", &names).await?;
        let Err(no) = permitted(self.playbook, &self.scope) else { return Ok(()) };
        let guard = if no.guard == "min_healthy" { Guard::MinHealthy } else { Guard::Require };
        self.unless_overridden(guard, no.why).await
    }

    /// Denies, unless a person said that this guard does not count.
    pub async fn unless_overridden(&mut self, guard: Guard, why: String) -> Go<()> {
        if let Some(word) = self.asked.overrides.iter().find(|word| word.guard == guard) {
            let matter = json!({ "guard": guard, "why": why, "reason": word.reason, "actor": word.actor });
            return self.note("overridden", matter).await;
        }
        let name = self.playbook.name.text.clone();
        Err(self.denied(denial(guard, &name, format!("{guard}: {why}"))).await?)
    }

    /// Does the reads before the first write that is wanted; gives the place of that write.
    async fn read_up(&mut self) -> Go<usize> {
        let playbook = self.playbook;
        for (at, step) in playbook.steps.iter().enumerate() {
            let id = &step.id.text;
            if self.scope.steps.contains_key(id) {
                continue;
            }
            self.boundary().await?;
            let writes = playbook.effects.writes[at];
            match self.is_wanted(step).await? {
                Want::Do if writes => return Ok(at),
                Want::Do if playbook.effects.effects[at] == Effect::Read => self.one(At { at, step }).await?,
                // Nobody is told of what is not agreed to.
                Want::Do => {}
                Want::Skip => {
                    let view = StepView { state: StepState::Skipped, out: json!({}) };
                    self.scope.steps.insert(id.clone(), view);
                }
                Want::Fault(why) => return Err(self.broken(&format!("the condition of `{id}`: {why}")).await?),
            }
        }
        Ok(playbook.steps.len())
    }

    /// Plans every write that may come, and writes the plan down.
    pub async fn planned(&mut self, from: usize) -> Go<()> {
        let before = self.past.run.plan_hash.clone();
        self.plan = match self.eye.plan(from, &mut self.scope).await {
            Ok(plan) => plan,
            // Its guards are decided: whether it can be done is seen when it is done.
            Err(_) if self.begun() => PlanDocument { hash: "none".to_owned(), writes: Vec::new() },
            Err(fault) => {
                let name = self.playbook.name.text.clone();
                return Err(self.denied(denial(Guard::Plan, &name, fault.one_line())).await?);
            }
        };
        if self.begun() {
            return Ok(());
        }
        let new = before.as_ref() != Some(&self.plan.hash);
        let plan = if new { self.plan.json() } else { Json::Null };
        let verdict = self.store().plan(self.lease.run, self.lease.fence, &self.plan.hash, plan).await?;
        self.heard(verdict)?;
        self.past.run.plan_hash = Some(self.plan.hash.clone());
        if new {
            let text = self.suggestion("plans");
            self.annotate(&format!("plan:{}", self.plan.hash), self.past.run.state, &text).await?;
        }
        Ok(())
    }

    /// Comes back where somebody agreed to this very plan.
    async fn agreed(&mut self) -> Go<()> {
        let within = self.playbook.approve.as_ref().map_or(PATIENCE, |approve| approve.within);
        let ask = Ask {
            run: self.lease.run,
            fence: self.lease.fence,
            path: String::new(),
            plan_hash: self.plan.hash.clone(),
            within: Duration::from_secs(within),
        };
        let verdict = self.store().ask(ask).await?;
        let approval = self.heard(verdict)?;
        match approval.decision {
            Some(true) => Ok(()),
            Some(false) => {
                let who = approval.actor.unwrap_or_else(|| "somebody".to_owned());
                Err(self.finish(Ending::NotAgreed, &format!("{who} said no to the plan; nothing was done")).await?)
            }
            None => {
                if self.asked.unattended {
                    let id = self.lease.run;
                    let why = format!("run {id} asks: {}", self.suggestion("plans"));
                    self.page_now(&format!("approval:{}", self.plan.hash), &why).await?;
                }
                self.park(RunState::Waiting(Wait::Approval), "somebody has to agree to the plan", Some(String::new()))
                    .await?;
                let run = Box::new(self.past.run.clone());
                Err(Halt::came(Came::Asks(Box::new(self.plan.clone()), run)))
            }
        }
    }
}
