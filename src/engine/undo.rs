//! Taking back what was done, newest first: what can be, and of which it is known that it was done.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::Invocation;
use ira_commands::effect::TakenBack;
use ira_commands::playbook::{Playbook, Scope, Step, undoing};
use serde_json::{Value as Json, json};

use super::course::{Course, Go, Halt};
use super::eye::rounds;
use super::hands::Mark;
use super::journal::Entry;
use super::plan::{PlanDocument, invocation, not_inserted};
use super::step::Came as Round;
use super::walk::cursor;
use super::{Came, Ending, guards};
use crate::store::ask::Advance;
use crate::store::{Guard, Phase, RunState, StepState as Stands};

/// Why a run is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Why {
    /// A step did not work.
    Failed,
    /// It did not help.
    Unverified,
    /// A person cancelled it.
    Cancelled,
    /// A person takes back what was escalated.
    Person,
    /// The same, and not all of it could be.
    PersonInPart,
}

/// Whether there is nothing to take back of what a step does.
fn is_transient(playbook: &Playbook, step: &Step, scope: &Scope) -> bool {
    let back = invocation(playbook, step, true, scope).map(|invocation| invocation.taken_back());
    step.taken_back.or(back.ok()) == Some(TakenBack::Transient)
}

impl Course<'_> {
    /// A person cancelled it. Before the first write nothing is done; after it what can be is taken back.
    pub async fn cancelled(&mut self, who: &str) -> Go<Halt> {
        if self.past.wrote() {
            return self.undo(Why::Cancelled, &format!("{who} cancelled it")).await;
        }
        self.finish(Ending::Cancelled, &format!("{who} cancelled it; nothing was done")).await
    }

    /// Takes back what was done, and ends the run, or has verify say whether it may end.
    pub async fn undo(&mut self, why: Why, detail: &str) -> Go<Halt> {
        self.note("stopped", json!({ "why": why, "detail": detail })).await?;
        self.refresh().await?;
        let state = RunState::Running(Phase::Act);
        self.advance(Advance { cursor: Some("undo".to_owned()), ..self.to(state, detail) }).await?;
        self.taking_back(why, detail).await
    }

    /// Goes on with a run that was stopped before.
    pub async fn stopping(&mut self, stopped: &Json) -> Go<Halt> {
        let why = serde_json::from_value(stopped["why"].clone()).unwrap_or(Why::Failed);
        let detail = stopped["detail"].as_str().unwrap_or_default().to_owned();
        if self.past.noted("undone", true).is_some() {
            return match self.past.run.phase {
                Phase::Verify => match self.verify().await {
                    Ok(()) => self.finish(Ending::Cancelled, &detail).await,
                    Err(halt) => Ok(halt),
                },
                _ => self.taken_back(why, &detail).await,
            };
        }
        self.taking_back(why, &detail).await
    }

    async fn taking_back(&mut self, why: Why, detail: &str) -> Go<Halt> {
        let playbook = self.playbook;
        let name = guards::key(&self.scope);
        let plan = PlanDocument { hash: name, writes: Vec::new() };
        if self.first.is_none() {
            let Course { scope, engine, past, .. } = self;
            // Its guards are decided; only scopes and locks count.
            self.first =
                guards::first_write(&past.run, playbook, scope, &plan, &engine.budgets, &[], false).ok().map(Arc::new);
        }
        // A run that was handed over has none any more. What is half done is taken back all the same.
        if let Some(alarm) = &self.engine.alarm
            && let Err(fault) = alarm.set(&self.past.run).await
        {
            self.watch.warn(&format!("nobody would be paged if this machine died: {}", fault.one_line()));
        }
        let (mut back, mut left, mut nothing) = (Vec::new(), Vec::new(), Vec::new());
        let steps = playbook.steps.iter().zip(&playbook.effects.writes).rev();
        for (step, _) in steps.filter(|(_, writes)| **writes) {
            let rounds = rounds(playbook, step, &self.scope).unwrap_or_default();
            for (path, scope) in rounds.into_iter().rev() {
                self.refresh().await?;
                if self.past.run.no_more_writes {
                    return self.out_of_time().await;
                }
                match self.stands(&path) {
                    Some(Stands::Done) if step.undo.is_none() && is_transient(playbook, step, &scope) => {
                        nothing.push(path);
                    }
                    Some(Stands::Done) => match self.take_back(step, &path, &scope).await? {
                        Ok(()) => back.push(path),
                        Err(why) => left.push(format!("{path} ({why})")),
                    },
                    Some(Stands::Failed(crate::store::Trace::Nothing)) | None => {}
                    Some(other) => left.push(format!("{path} (it is {other})")),
                }
            }
        }
        let list = |what: &str, all: &[String]| {
            if all.is_empty() { String::new() } else { format!(" {what}: {}.", all.join(", ")) }
        };
        let said = format!(
            "{detail}.{}{}{}",
            list("Taken back", &back),
            list("Not taken back", &left),
            list("Nothing to take back of", &nothing),
        );
        let why = if why == Why::Person && !left.is_empty() { Why::PersonInPart } else { why };
        self.note("undone", json!({ "back": back, "left": left })).await?;
        self.taken_back(why, &said).await
    }

    /// What follows when everything was taken back that can be.
    async fn taken_back(&mut self, why: Why, said: &str) -> Go<Halt> {
        match why {
            Why::Failed => self.finish(Ending::Broken, said).await,
            Why::Unverified => self.finish(Ending::Unverified, said).await,
            Why::Person => self.finish(Ending::Undone, said).await,
            Why::PersonInPart => self.finish(Ending::UndoneInPart, said).await,
            Why::Cancelled if self.playbook.verify.is_none() => self.finish(Ending::Cancelled, said).await,
            // The page stays armed until it is seen to be well.
            Why::Cancelled => {
                let now = self.store().now().await?;
                self.note("stopped", json!({ "why": why, "detail": said })).await?;
                let state = RunState::Running(Phase::Verify);
                self.advance(Advance { cursor: Some(cursor("verify", now)), ..self.to(state, said) }).await?;
                self.let_go().await?;
                Ok(Halt::came(Came::Sleeps(Duration::ZERO)))
            }
        }
    }

    /// How the attempts of a round stand together: done only where all are; none where there was nothing to do.
    fn stands(&self, path: &str) -> Option<Stands> {
        let states: Vec<Stands> = self.past.latest(path).iter().map(|step| step.state).collect();
        states.iter().find(|state| **state != Stands::Done).or(states.first()).copied()
    }

    /// Takes one round back. The inner error is why that is not done.
    async fn take_back(&mut self, step: &Step, path: &str, scope: &Scope) -> Go<Result<(), String>> {
        let Some(with) = undoing(self.playbook, step, scope) else {
            return Ok(Err("there is nothing that takes it back".to_owned()));
        };
        let undo = step.undo.as_ref().map(|undo| (undo.action.text.as_str(), undo.timeout));
        let (action, timeout) = undo.unwrap_or_default();
        let built = with
            .map_err(|refusal| not_inserted(self.playbook, step, &refusal))
            .and_then(|with| Invocation::from_data(action, with));
        let invocation = match built {
            Ok(Invocation::Act(action)) => Invocation::Act(action.within(timeout)),
            Ok(invocation) => invocation,
            Err(fault) => return Ok(Err(fault.one_line())),
        };
        let entry = Entry {
            path: format!("undo/{path}"),
            declared: None,
            undo: true,
            within: Duration::from_secs(timeout),
            targets: Vec::new(),
        };
        let under = entry.path.clone();
        self.watch.step(&under, action, Mark::Begins, "");
        match self.write(&invocation, entry).await? {
            Round::Done { said, .. } => {
                self.watch.step(&under, action, Mark::Undone, &said);
                Ok(Ok(()))
            }
            Round::Refused(why) | Round::Failed(why) => {
                self.watch.step(&under, action, Mark::Failed, &why);
                Ok(Err(why))
            }
            Round::Unknown(why) => {
                self.watch.step(&under, action, Mark::Unknown, &why);
                Err(self.unknown(&why).await?)
            }
            Round::Denied(denial) => match denial.guard {
                Guard::Freeze => Err(self.frozen(&denial, "undo".to_owned()).await?),
                Guard::Escalated => Err(self.out_of_time().await?),
                Guard::Fence | Guard::Lease => Err(Halt::came(Came::Lost(self.lease.run))),
                _ => Ok(Err(denial.message)),
            },
        }
    }
}
