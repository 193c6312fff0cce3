//! A run is taken, brought as far as it goes, and given back.

use std::sync::Arc;
use std::time::{Duration, Instant};

use ira_commands::playbook::{self, Effects, Playbook, Scope};
use ira_commands::{Fault, Kind};
use serde_json::{Value as Json, json};

use super::hands::{Consent, Watch};
use super::journal::{Shared, refused};
use super::lease::Lease;
use super::past::{self, Past};
use super::plan::PlanDocument;
use super::{Came, Engine, guards};
use crate::store::ask::{Advance, Which};
use crate::store::model::{Run, RunId};
use crate::store::{Guard, Phase, RunState, Wait};

/// A run under way.
pub(super) struct Driven<'a> {
    pub engine: &'a Engine,
    pub run: Run,
    pub playbook: Playbook,
    pub effects: Effects,
    pub scope: Scope,
    pub past: Past,
    pub lease: Arc<Lease>,
    pub watch: &'a dyn Watch,
    /// What was agreed to in this process.
    pub plan: Option<PlanDocument>,
}

/// Whether the run goes on now.
pub(super) enum Flow {
    /// It does.
    On,
    /// It came to this.
    Stop(Came),
}

impl Engine {
    /// Brings a run as far as it goes. Kind `Busy` where another worker has it.
    pub async fn drive(&self, id: RunId, consent: &dyn Consent, watch: &dyn Watch) -> Result<Came, Fault> {
        let asked = Instant::now();
        let run = match self.store.claim(&self.worker, self.ttl, Which::This(id)).await? {
            Ok(Some(run)) => run,
            Ok(None) => return Err(Fault::new(Kind::Busy, format!("run {id} is not to be had"))),
            Err(denial) if denial.guard == Guard::State => {
                let story = self.store.run(id).await?;
                return story.map(|story| Came::Ended(Box::new(story.run))).ok_or_else(|| refused(&denial));
            }
            Err(denial) => return Err(refused(&denial)),
        };
        let lease = Arc::new(Lease::of(Arc::clone(&self.store), &run, self.ttl, asked));
        let (run_id, fence) = (run.id, run.fence);
        let work = async {
            let mut driven = Driven::load(self, run, Arc::clone(&lease), watch).await?;
            driven.go(consent).await
        };
        let came = tokio::select! {
            biased;
            came = work => came,
            () = lease.keep() => Err(Fault::new(Kind::Busy, format!("run {run_id} was taken over by another worker"))),
        };
        if !matches!(came, Ok(Came::Ended(_))) {
            // Somebody else may go on with it at once; where this fails, after the lease.
            if let Err(fault) = self.store.release(run_id, fence).await {
                tracing::warn!("run {run_id} could not be given back: {fault}");
            }
        }
        came
    }
}

impl<'a> Driven<'a> {
    async fn load(engine: &'a Engine, run: Run, lease: Arc<Lease>, watch: &'a dyn Watch) -> Result<Self, Fault> {
        let lost = |what: &str| Fault::new(Kind::Failed, format!("run {} cannot go on: {what}", run.id));
        let story = engine.store.run(run.id).await?.ok_or_else(|| lost("it is not in the store"))?;
        let revision = run.revision.as_deref().ok_or_else(|| lost("it is no run of a playbook"))?;
        let text = engine.store.playbook(revision).await?.ok_or_else(|| lost("its playbook is not kept"))?;
        // The revision that it began with, whatever the file says by now.
        let playbook = playbook::parse(&text).map_err(|problems| {
            let first = problems.first().map(|problem| problem.message.clone()).unwrap_or_default();
            lost("this version of ira does not take its playbook").because(first)
        })?;
        let alert = story.alert.as_ref().and_then(|row| past::incoming(&row.payload));
        let alert = alert.ok_or_else(|| lost("its alert is not kept"))?;
        let key = past::key(&playbook, &alert).ok_or_else(|| lost("its alert has no key"))?;
        let params = serde_json::from_value(run.params.clone()).map_err(|_| lost("its parameters cannot be read"))?;
        let past = Past::of(story.steps, &engine.store.events(run.id).await?);
        let scope =
            Scope { alert, key, params, steps: past.steps.clone(), before: past.before.clone(), ..Scope::default() };
        let effects = playbook.effects.clone();
        Ok(Self { engine, run, playbook, effects, scope, past, lease, watch, plan: None })
    }

    async fn go(&mut self, consent: &dyn Consent) -> Result<Came, Fault> {
        if let Flow::Stop(came) = self.settle().await? {
            return Ok(came);
        }
        if self.run.no_more_writes {
            return self.hand_over("its time ran out").await;
        }
        let steps = self.playbook.steps.clone();
        for (at, step) in steps.iter().enumerate() {
            if let Flow::Stop(came) = self.interrupted().await? {
                return Ok(came);
            }
            if self.past.steps.contains_key(&step.id.text) {
                continue;
            }
            if let Flow::Stop(came) = self.step(at, step, consent).await? {
                return Ok(came);
            }
        }
        self.after_steps().await
    }

    /// Whether a person cancelled it meanwhile.
    pub async fn interrupted(&mut self) -> Result<Flow, Fault> {
        if self.lease.cancelled() || self.run.cancelled_by.is_some() {
            return self.cancelled().await.map(Flow::Stop);
        }
        Ok(Flow::On)
    }

    /// Whether anything was written for it that reaches a target.
    pub fn wrote(&self) -> bool {
        self.run.first_write_at.is_some()
    }

    /// What the journals of its steps share.
    pub fn shared(&self) -> Arc<Shared> {
        let approved = self.engine.unattended && self.playbook.mode == playbook::Mode::Approve;
        let first = guards::first_write(
            &self.run,
            &self.playbook,
            &self.scope,
            self.plan.as_ref(),
            &self.engine.budgets,
            &self.engine.overrides,
            approved,
        );
        Arc::new(Shared {
            store: Arc::clone(&self.engine.store),
            lease: Arc::clone(&self.lease),
            run: self.run.id,
            fence: self.run.fence,
            folder: self.engine.folder.clone(),
            first,
        })
    }

    /// Moves it to another state, re-arming its page in the same commit.
    pub async fn advance(
        &mut self,
        state: RunState,
        why: &str,
        escalate_in: Option<Duration>,
        wake_in: Option<Duration>,
    ) -> Result<(), Fault> {
        let advance = Advance {
            run: self.run.id,
            fence: self.run.fence,
            state,
            why: why.to_owned(),
            cursor: None,
            escalate_in,
            wake_in,
        };
        match self.engine.store.advance(advance).await? {
            Ok(run) => {
                self.run = run;
                self.watch.state(state);
                Ok(())
            }
            Err(denial) => Err(refused(&denial)),
        }
    }

    /// Moves it to another phase, where it is not there yet.
    pub async fn phase(&mut self, phase: Phase, escalate_in: Option<u64>) -> Result<(), Fault> {
        if self.run.state == RunState::Running(phase) && self.run.phase == phase {
            return Ok(());
        }
        // A phase that it was in before goes on under the time that it had.
        let fresh = self.run.phase < phase || (phase == Phase::Act && self.run.first_write_at.is_none());
        let escalate_in = escalate_in.filter(|_| fresh).map(Duration::from_secs);
        self.advance(RunState::Running(phase), "", escalate_in, None).await
    }

    /// Lets it sleep: by the journal, so that a crash forgets nothing.
    pub async fn sleep(&mut self, seconds: u64, why: &str) -> Result<Came, Fault> {
        let length = Duration::from_secs(seconds.max(1));
        self.advance(RunState::Waiting(Wait::Timer), why, None, Some(length)).await?;
        Ok(Came::Sleeps(length))
    }

    /// Remembers something in its record.
    pub async fn remember(&self, sort: &str, matter: Json) -> Result<(), Fault> {
        self.engine.store.note(self.run.id, &self.engine.worker, sort, matter).await
    }

    /// Remembers that a step is over.
    pub async fn over(&mut self, id: &str, state: playbook::StepState, out: Json) -> Result<(), Fault> {
        let out = past::kept(&out);
        self.remember(past::sort::STEP, json!({ "id": id, "state": state, "out": out })).await?;
        let view = playbook::StepView { state, out };
        self.past.steps.insert(id.to_owned(), view.clone());
        self.scope.steps.insert(id.to_owned(), view);
        Ok(())
    }

    /// The run and its attempts as they are now in the store.
    pub async fn reload(&mut self) -> Result<(), Fault> {
        if let Some(story) = self.engine.store.run(self.run.id).await? {
            self.run = story.run;
            self.past.attempts = story.steps;
        }
        Ok(())
    }
}
