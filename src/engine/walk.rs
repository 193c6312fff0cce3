//! The steps in their order: each is settled before the next one is looked at.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use ira_commands::playbook::{Cel, Firing, Scope, Step, StepState, StepView, Want, firing};
use serde_json::{Value as Json, json};

use super::course::{Course, Go, Halt};
use super::eye::{Eye, rounds};
use super::guards::first_write;
use super::hands::Mark;
use super::plan::invocation;
use super::step::Came as Round;
use super::{Ending, outputs};
use crate::store::ask::{Advance, Denial};
use crate::store::{Guard, Phase, RunState};

/// A step and its place.
#[derive(Clone, Copy)]
pub(super) struct At<'p> {
    pub at: usize,
    pub step: &'p Step,
}

/// The word of the interpreter for where a run is, and since when, unix milliseconds.
pub(super) fn cursor(at: &str, since: u64) -> String {
    format!("{at}@{since}")
}

/// What [`cursor`] wrote.
pub(super) fn since(cursor: &str, at: &str) -> Option<u64> {
    cursor.strip_prefix(at)?.strip_prefix('@')?.parse().ok()
}

impl Course<'_> {
    /// Brings back what is known of the steps before the one that the run is at.
    pub fn recall(&mut self) {
        let playbook = self.playbook;
        let named = self.past.run.cursor.split('@').next().unwrap_or_default();
        let named = playbook.steps.iter().position(|step| step.id.text == named);
        let from = self.past.noted("from", true).and_then(Json::as_str);
        let from = playbook.steps.iter().position(|step| Some(step.id.text.as_str()) == from);
        let reached = |step: &Step| {
            let id = &step.id.text;
            let wrote = self.past.attempts(id).any(|attempt| attempt.effect != ira_commands::Effect::Read);
            wrote || self.past.settled(id).is_some()
        };
        let written = self.begun().then(|| playbook.steps.iter().rposition(reached)).flatten();
        let Some(position) = named.max(written).max(from) else { return };
        for (at, step) in playbook.steps.iter().enumerate().take(position + 1) {
            let id = &step.id.text;
            let forced = from.is_some_and(|from| at >= from);
            let view = match self.past.settled(id) {
                Some(matter) if !forced => Some(StepView {
                    state: serde_json::from_value(matter["state"].clone()).unwrap_or(StepState::Failed),
                    out: outputs::read(matter, matter["file"].as_str()),
                }),
                _ => None,
            };
            let passed = from.is_some_and(|from| at < from);
            let view = match view {
                None if at < position && !forced => {
                    let state = if reached(step) { StepState::Failed } else { StepState::Skipped };
                    let left_out = (passed || !reached(step)).then(|| StepView { state, out: json!({}) });
                    self.read_before(step).or(left_out)
                }
                other => other,
            };
            if let Some(view) = view {
                self.scope.steps.insert(id.clone(), view);
            }
        }
        let before = self.past.noted("before", false).and_then(Json::as_object);
        self.scope.before = before.into_iter().flatten().map(|(name, value)| (name.clone(), value.clone())).collect();
    }

    /// A read that was done, with each of its rounds.
    fn read_before(&self, step: &Step) -> Option<StepView> {
        if step.each.is_none() {
            return self.past.read(&step.id.text);
        }
        let rounds = rounds(self.playbook, step, &self.scope).ok()?;
        let outs: Option<Vec<Json>> = rounds.iter().map(|(path, _)| Some(self.past.read(path)?.out)).collect();
        Some(StepView { state: StepState::Done, out: Json::Array(outs.filter(|outs| !outs.is_empty())?) })
    }

    /// Walks the steps that are left.
    pub async fn act(&mut self) -> Go<()> {
        let playbook = self.playbook;
        for (at, step) in playbook.steps.iter().enumerate() {
            let id = &step.id.text;
            if self.scope.steps.contains_key(id) {
                continue;
            }
            self.boundary().await?;
            let writes = playbook.effects.writes[at];
            match self.is_wanted(step).await? {
                Want::Do => {}
                Want::Skip => {
                    self.watch.step(id, &step.action.text, Mark::Skipped, "");
                    let view = StepView { state: StepState::Skipped, out: json!({}) };
                    self.scope.steps.insert(id.clone(), view);
                    continue;
                }
                Want::Fault(why) => return Err(self.broken(&format!("the condition of `{id}`: {why}")).await?),
            }
            if writes {
                self.ready(at).await?;
            }
            self.one(At { at, step }).await?;
        }
        self.acted().await
    }

    /// Whether a step is to be done now, and why is written down.
    pub async fn is_wanted(&mut self, step: &Step) -> Go<Want> {
        let want = self.eye.wanted(step, &mut self.scope).await;
        let names: Vec<&str> = step.condition.iter().flat_map(Cel::queries).collect();
        self.heard_at(&format!("if:{}", step.id.text), &names).await?;
        Ok(want)
    }

    /// What follows when every step was come to.
    async fn acted(&mut self) -> Go<()> {
        self.refresh().await?;
        if !self.playbook.effects.any() {
            return Err(self.finish(Ending::Done, "every step was done").await?);
        }
        if !self.past.wrote() {
            let why = "no step that changes anything was done, and the alert still fires";
            let over = self.scope.alert.alert.resolved || self.past.noted("resolved", false).is_some();
            let ending = if over { Ending::Resolved } else { Ending::NothingApplied };
            return Err(self.finish(ending, why).await?);
        }
        let state = RunState::Running(Phase::Verify);
        let now = self.store().now().await?;
        let ask = Advance { cursor: Some(cursor("verify", now)), ..self.to(state, "every step was done") };
        self.advance(ask).await
    }

    /// Sees that a write may be begun: its guards, what verify looks at before anything is changed, and the alarm.
    async fn ready(&mut self, at: usize) -> Go<()> {
        if self.first.is_some() {
            return Ok(());
        }
        self.planned_anew(at).await?;
        // Two systems are asked: neither waits for the other.
        let begun = self.begun();
        if !begun {
            self.permitted().await?;
        }
        let alarm = self.engine.alarm.clone();
        let run = self.past.run.clone();
        let armed = async {
            match &alarm {
                Some(alarm) => alarm.set(&run).await,
                None => Ok(()),
            }
        };
        let armed = match self.playbook.verify.as_ref().filter(|_| !begun) {
            Some(verify) => {
                let names = verify.until.queries();
                let ((), armed) = join(self.eye.ask(&names, &mut self.scope), armed).await;
                self.scope.before = Eye::values(&names, &self.scope);
                let mut notes = vec![("before".to_owned(), json!(self.scope.before))];
                notes.extend(self.said_at("before", &names));
                self.notes(notes).await?;
                armed
            }
            None => armed.await,
        };
        if let Err(fault) = armed {
            let why = format!("nobody would be paged if this machine died: {}", fault.one_line());
            return Err(self.broken(&why).await?);
        }
        let approved = self.asked.rung == ira_commands::playbook::Mode::Approve;
        let Course { playbook, scope, plan, asked, engine, past, .. } = self;
        let first = first_write(&past.run, playbook, scope, plan, &engine.budgets, &asked.overrides, approved);
        match first {
            Ok(first) => {
                self.first = Some(Arc::new(first));
                Ok(())
            }
            Err(denial) => Err(self.denied(denial).await?),
        }
    }

    /// The plan of what is left, where this worker has none: before the first write another plan than the one that was
    /// agreed to asks again.
    async fn planned_anew(&mut self, at: usize) -> Go<()> {
        if !self.plan.hash.is_empty() {
            return Ok(());
        }
        let agreed = self.past.run.plan_hash.clone();
        self.planned(at).await?;
        if self.begun() || agreed.is_none() || agreed.as_ref() == Some(&self.plan.hash) {
            return Ok(());
        }
        if self.asked.rung == ira_commands::playbook::Mode::Approve {
            let ask = Advance {
                cursor: Some(String::new()),
                ..self.to(RunState::Running(Phase::Approve), "the plan changed")
            };
            self.advance(ask).await?;
            return self.approve().await;
        }
        Ok(())
    }

    /// Does a step, once or for each of a list, and settles it.
    pub async fn one(&mut self, here: At<'_>) -> Go<()> {
        let step = here.step;
        let id = &step.id.text;
        self.watch.step(id, &step.action.text, Mark::Begins, "");
        if step.each.is_none()
            && let Some(length) = invocation(self.playbook, step, false, &self.scope).ok().and_then(|what| what.pause())
        {
            return self.pause(here, length).await;
        }
        let rounds = match rounds(self.playbook, step, &self.scope) {
            Ok(rounds) => rounds,
            Err(fault) => return Err(self.broken(&fault.one_line()).await?),
        };
        let many = step.each.as_ref().map_or(1, |each| each.concurrency.max(1));
        let mut outs = Vec::new();
        let mut said = String::new();
        for chunk in rounds.chunks(many) {
            let course = &*self;
            let asked = chunk.iter().map(|(path, scope): &(String, Scope)| course.round(here, path, scope));
            for came in join_all(asked).await {
                match came? {
                    Round::Done { out, said: line } => {
                        outs.push(out);
                        said = line;
                    }
                    other => return Err(self.not_done(step, other).await?),
                }
            }
            self.refresh().await?;
        }
        let out = if step.each.is_some() { Json::Array(outs) } else { outs.pop().unwrap_or_default() };
        self.settled(here, out, &said).await
    }

    /// Lets time pass: a timer of the store, which a worker that comes later waits the rest of. Once in a run.
    async fn pause(&mut self, here: At<'_>, length: Duration) -> Go<()> {
        let id = here.step.id.text.clone();
        if length.as_secs() > here.step.timeout {
            let why = format!("it would last longer than its timeout of {} s", here.step.timeout);
            return Err(self.not_done(here.step, Round::Refused(why)).await?);
        }
        let now = self.store().now().await?;
        let began = since(&self.past.run.cursor, &id).unwrap_or(now);
        let end = began + u64::try_from(length.as_millis()).unwrap_or(u64::MAX);
        if self.past.settled(&id).is_none() {
            if now < end {
                let rest = Duration::from_millis(end - now);
                self.watch.look(self.past.run.phase, false, &format!("`{id}` lets time pass"), rest);
                match self.sleep(rest, &format!("`{id}` lets time pass"), cursor(&id, began)).await? {}
            }
            let matter = json!({ "path": id, "state": StepState::Done, "out": { "waited": length.as_secs() } });
            self.note("step", matter).await?;
            self.refresh().await?;
        }
        let out = json!({ "waited": length.as_secs() });
        self.settled(here, out, &format!("{} s passed", length.as_secs())).await
    }

    /// A step worked: it is written down, and what it says may end the run before anything is done.
    async fn settled(&mut self, here: At<'_>, out: Json, said: &str) -> Go<()> {
        let step = here.step;
        let id = step.id.text.clone();
        if self.playbook.effects.effects[here.at] != ira_commands::Effect::Read {
            let (mut matter, file) = outputs::keep(&self.folder(), &format!("{}-{id}", self.lease.run), &out)?;
            matter["path"] = json!(id);
            matter["state"] = json!(StepState::Done);
            matter["said"] = json!(said);
            matter["file"] = json!(file);
            self.note("step", matter).await?;
        }
        let says = firing(step, &out);
        self.scope.steps.insert(id.clone(), StepView { state: StepState::Done, out });
        self.watch.step(&id, &step.action.text, Mark::Done, said);
        if !self.begun() && self.playbook.effects.any() {
            match says {
                Some(Firing::No) => return Err(self.resolved().await?),
                Some(Firing::Unknown) => {
                    self.unless_overridden(Guard::Firing, "whether the alert still fires cannot be told".to_owned())
                        .await?;
                }
                Some(Firing::Yes) | None => {}
            }
        }
        self.until(step).await
    }

    /// Waits until what a step waits for is true: looked at again and again, with the store's timer between.
    async fn until(&mut self, step: &Step) -> Go<()> {
        let Some(wait) = &step.wait else { return Ok(()) };
        let id = &step.id.text;
        let names = wait.until.queries();
        self.eye.ask(&names, &mut self.scope).await;
        self.heard_at(&format!("until:{id}"), &names).await?;
        let judged = wait.until.judge(&self.scope);
        let now = self.store().now().await?;
        let began = since(&self.past.run.cursor, id).unwrap_or(now);
        let end = began + wait.within * 1_000;
        let left = Duration::from_millis(end.saturating_sub(now));
        self.watch.look(self.past.run.phase, judged.holds, wait.until.text(), left);
        if judged.holds {
            return Ok(());
        }
        self.scope.steps.remove(id);
        if now + wait.every * 1_000 > end {
            let why = judged.fault.unwrap_or_else(|| format!("`{}` did not become true", wait.until.text()));
            self.scope.steps.insert(id.clone(), StepView { state: StepState::Failed, out: json!({}) });
            return Err(self.broken(&format!("`{id}`: {why}")).await?);
        }
        match self.sleep(Duration::from_secs(wait.every), "not yet", cursor(id, began)).await? {}
    }

    /// A step did not work.
    async fn not_done(&mut self, step: &Step, came: Round) -> Go<Halt> {
        let id = step.id.text.clone();
        self.refresh().await?;
        let settle = |course: &mut Self, state, mark, why: &str| {
            course.scope.steps.insert(id.clone(), StepView { state, out: json!({}) });
            course.watch.step(&id, &step.action.text, mark, why);
        };
        match came {
            Round::Denied(denial) => self.stopped_by(step, denial).await,
            Round::Unknown(why) => {
                settle(self, StepState::Unknown, Mark::Unknown, &why);
                self.unknown(&why).await
            }
            Round::Failed(why) => {
                settle(self, StepState::Failed, Mark::Failed, &why);
                self.broken(&format!("`{id}` failed: {why}")).await
            }
            Round::Refused(why) => {
                settle(self, StepState::Refused, Mark::Refused, &why);
                let tried = self.past.tried(&id) + 1;
                match step.retry.filter(|retry| tried < retry.attempts as usize) {
                    Some(retry) => {
                        self.note("tried", json!({ "path": id, "why": why })).await?;
                        self.scope.steps.remove(&id);
                        let now = self.store().now().await?;
                        let pause = Duration::from_secs(retry.backoff);
                        match self.sleep(pause, &format!("`{id}` is tried again: {why}"), cursor(&id, now)).await? {}
                    }
                    None => self.broken(&format!("`{id}` was refused: {why}")).await,
                }
            }
            Round::Done { .. } => Ok(Halt::Fault(ira_commands::Fault::new(ira_commands::Kind::Failed, "it was done"))),
        }
    }

    /// The store let a step begin nothing.
    async fn stopped_by(&mut self, step: &Step, denial: Denial) -> Go<Halt> {
        match denial.guard {
            Guard::Fence | Guard::Lease => {
                self.let_go().await?;
                Ok(Halt::came(super::Came::Lost(self.lease.run)))
            }
            Guard::Escalated => self.out_of_time().await,
            Guard::Cancelled => {
                let who = self.past.run.cancelled_by.clone().unwrap_or_default();
                self.cancelled(&who).await
            }
            _ if !self.begun() => self.denied(denial).await,
            Guard::Freeze => {
                let now = self.store().now().await?;
                self.frozen(&denial, cursor(&step.id.text, now)).await
            }
            _ => self.broken(&format!("`{}`: {}", step.id.text, denial.message)).await,
        }
    }
}
