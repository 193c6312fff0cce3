//! A run without a world: what the tests of a file go through.

use std::collections::{BTreeMap, VecDeque};

use serde_json::{Value as Json, json};

use super::bind::{items, question, undoing};
use super::case::{Answer, Case};
use super::decide::{Stage, matched};
use super::judge::{Want, guard_queries, holding, looks, permitted, wanted};
use super::model::{OrElse, Playbook};
use super::ready::{Unready, invocation};
use super::scope::{Incoming, Scope, StepState, StepView};
use super::step::Step;
use super::template::PROMETHEUS;
use super::values::params;

/// The action that asks whether the alert still fires.
pub(super) const STILL_FIRING: &str = "alert.still_firing";
/// The action that does nothing for a while.
pub(super) const WAIT: &str = "wait";

/// What becomes of an alert.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Decided {
    /// The steps are walked.
    Run,
    /// It is for another playbook, or for none.
    Ignored,
    /// Something forbids it.
    Denied,
    /// It was over before anything was done.
    Cancelled,
}

impl Decided {
    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Run => "run",
            Self::Ignored => "ignored",
            Self::Denied => "denied",
            Self::Cancelled => "cancelled",
        }
    }
}

/// How a run ended that did nothing.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Outcome {
    /// What became of the alert.
    pub decision: Decided,
    /// Why, in a word or two that a test can name (`resolved`, `no match`, `require`, `did not hold`).
    pub reason: String,
    /// Why, in full.
    pub detail: String,
    /// The steps that were done, in order.
    pub path: Vec<String>,
    /// Whether it was seen to work; `None` where nothing was written.
    pub verified: Option<bool>,
    /// Whether somebody is paged.
    pub escalated: bool,
    /// The steps that were taken back, in order.
    pub undone: Vec<String>,
}

/// Walks `playbook` for `alert` with the answers of `case`, as the engine would on the rung `auto` with no guard of the
/// configuration in the way. The error says which answer the test does not give.
pub fn simulate(playbook: &Playbook, case: &Case, alert: &Incoming) -> Result<Outcome, String> {
    let mut outcome = Outcome {
        decision: Decided::Run,
        reason: String::new(),
        detail: String::new(),
        path: Vec::new(),
        verified: None,
        escalated: false,
        undone: Vec::new(),
    };
    let over = |mut outcome: Outcome, decision, reason: &str, detail: String| {
        outcome.escalated = decision == Decided::Denied && playbook.effects.any();
        (outcome.decision, outcome.reason, outcome.detail) = (decision, reason.to_owned(), detail);
        Ok(outcome)
    };
    let key = match matched(playbook, alert) {
        Ok(matched) => matched.key,
        Err(stops) => {
            let Some(stopped) = stops.iter().rev().max_by_key(|stopped| stopped.stage) else {
                return over(outcome, Decided::Ignored, "no match", "it is for no alert".to_owned());
            };
            let (decision, reason) = match stopped.stage {
                Stage::Status if alert.alert.resolved => (Decided::Ignored, "resolved"),
                Stage::Status => (Decided::Ignored, "firing"),
                Stage::Source | Stage::Match => (Decided::Ignored, "no match"),
                Stage::When => (Decided::Ignored, "when"),
                Stage::Key => (Decided::Denied, "key"),
            };
            return over(outcome, decision, reason, stopped.why.clone());
        }
    };
    let params = match params(playbook, &case.params) {
        Ok(params) => params,
        Err(wrong) => return over(outcome, Decided::Denied, "params", wrong.join("; ")),
    };
    let answers = case.mock.iter().map(|(name, answers)| (name.clone(), answers.iter().cloned().collect())).collect();
    let mut run =
        Run { playbook, scope: Scope { alert: alert.clone(), key, params, ..Scope::default() }, answers, wrote: false };
    run.ask(&guard_queries(playbook))?;
    if let Err(denial) = permitted(playbook, &run.scope) {
        return over(outcome, Decided::Denied, denial.guard, denial.why);
    }
    let stopped = run.walk(&mut outcome)?;
    if let Some(Stop::Over(decision, reason, detail)) = stopped {
        return over(outcome, decision, reason, detail);
    }
    let (reason, detail) = match stopped {
        None if run.wrote => run.verify(&mut outcome)?,
        None if playbook.effects.any() => {
            outcome.escalated = !alert.alert.resolved;
            ("nothing applied", "no step that writes was done, and the alert still fires".to_owned())
        }
        None => ("done", String::new()),
        Some(Stop::Broken(reason, detail)) => {
            outcome.escalated = playbook.effects.any();
            outcome.verified = run.wrote.then_some(false);
            if reason != "unknown" {
                outcome.undone = run.undo();
            }
            (reason, detail)
        }
        Some(Stop::Over(..)) => ("", String::new()),
    };
    (outcome.reason, outcome.detail) = (reason.to_owned(), detail);
    Ok(outcome)
}

/// Why the steps were not walked to their end.
enum Stop {
    /// Before anything was written: there is no run.
    Over(Decided, &'static str, String),
    /// A step did not work.
    Broken(&'static str, String),
}

struct Run<'a> {
    playbook: &'a Playbook,
    scope: Scope,
    answers: BTreeMap<String, VecDeque<Answer>>,
    wrote: bool,
}

impl Run<'_> {
    /// The next answer under a name; the last one stays.
    fn next(&mut self, name: &str) -> Option<Answer> {
        let answers = self.answers.get_mut(name)?;
        if answers.len() > 1 { answers.pop_front() } else { answers.front().cloned() }
    }

    /// Asks queries anew.
    fn ask(&mut self, names: &[&str]) -> Result<(), String> {
        for name in names {
            let Some(query) = self.playbook.queries.get(*name) else { continue };
            let answer = self.next(&format!("q.{name}"));
            let answer = answer.ok_or_else(|| format!("the test does not say what `q.{name}` answers"))?;
            let readable = question(self.playbook, query, &self.scope).is_ok();
            match answer {
                // PromQL knows no whole numbers.
                Answer::Out(Json::Number(number)) if readable && query.action.text == PROMETHEUS => {
                    self.scope.queries.insert((*name).to_owned(), json!(number.as_f64()));
                }
                Answer::Out(value) if readable => {
                    self.scope.queries.insert((*name).to_owned(), value);
                }
                _ => {
                    self.scope.queries.remove(*name);
                }
            }
        }
        Ok(())
    }

    fn walk(&mut self, outcome: &mut Outcome) -> Result<Option<Stop>, String> {
        let playbook = self.playbook;
        for (step, writes) in playbook.steps.iter().zip(&playbook.effects.writes) {
            let id = step.id.text.as_str();
            self.ask(&step.condition.iter().flat_map(super::Cel::queries).collect::<Vec<_>>())?;
            match wanted(step, &self.scope) {
                Want::Do => {}
                Want::Skip => {
                    self.settle(id, StepState::Skipped, json!({}));
                    continue;
                }
                Want::Fault(why) => {
                    self.settle(id, StepState::Failed, json!({}));
                    return Ok(Some(Stop::Broken("condition", why)));
                }
            }
            if *writes && !self.wrote {
                self.before()?;
            }
            let (state, out, why) = match self.all(step, *writes, outcome)? {
                Ok(done) => done,
                Err(refusal) if self.wrote => return Ok(Some(Stop::Broken("target", refusal))),
                Err(refusal) => return Ok(Some(Stop::Over(Decided::Denied, "target", refusal))),
            };
            self.settle(id, state, out.clone());
            if step.action.text == STILL_FIRING && !self.wrote && playbook.effects.any() {
                match out["firing"].as_str() {
                    Some("no") => {
                        return Ok(Some(Stop::Over(
                            Decided::Cancelled,
                            "resolved",
                            "it does not fire any more".to_owned(),
                        )));
                    }
                    Some("yes") => {}
                    _ => {
                        let why = "whether it still fires could not be told".to_owned();
                        return Ok(Some(Stop::Over(Decided::Denied, "still_firing", why)));
                    }
                }
                continue;
            }
            match state {
                StepState::Done => {}
                StepState::Unknown => {
                    return Ok(Some(Stop::Broken("unknown", format!("whether `{id}` happened is not known"))));
                }
                StepState::Refused => return Ok(Some(Stop::Broken("refused", why))),
                _ => return Ok(Some(Stop::Broken("failed", why))),
            }
        }
        Ok(None)
    }

    fn settle(&mut self, id: &str, state: StepState, out: Json) {
        self.scope.steps.insert(id.to_owned(), StepView { state, out });
    }

    /// Asks verify's queries before anything is changed.
    fn before(&mut self) -> Result<(), String> {
        let Some(verify) = &self.playbook.verify else { return Ok(()) };
        let names = verify.until.queries();
        self.ask(&names)?;
        self.scope.before = self.asked(&names);
        Ok(())
    }

    fn asked(&self, names: &[&str]) -> BTreeMap<String, Json> {
        let value = |name: &&str| Some(((*name).to_owned(), self.scope.queries.get(*name)?.clone()));
        names.iter().filter_map(value).collect()
    }

    /// Does a step once, or once for each item. The inner error is what could not be inserted.
    fn all(
        &mut self,
        step: &Step,
        writes: bool,
        outcome: &mut Outcome,
    ) -> Result<Result<(StepState, Json, String), String>, String> {
        let Some(each) = &step.each else { return self.once(step, writes, outcome) };
        let items = match items(self.playbook, each, &self.scope) {
            Ok(items) => items,
            Err(refusal) => return Ok(Err(refusal.message)),
        };
        let mut outs = Vec::new();
        for item in items {
            self.scope.item = Some(item);
            let done = self.once(step, writes, outcome);
            self.scope.item = None;
            match done? {
                Ok((StepState::Done, out, _)) => outs.push(out),
                other => return Ok(other),
            }
        }
        Ok(Ok((StepState::Done, Json::Array(outs), String::new())))
    }

    fn once(
        &mut self,
        step: &Step,
        writes: bool,
        outcome: &mut Outcome,
    ) -> Result<Result<(StepState, Json, String), String>, String> {
        let id = step.id.text.as_str();
        if let Err(Unready::Refused(refusal)) = invocation(self.playbook, step, writes, &self.scope) {
            return Ok(Err(refusal.message));
        }
        if outcome.path.last().map(String::as_str) != Some(id) {
            outcome.path.push(id.to_owned());
        }
        let attempts = step.retry.map_or(1, |retry| retry.attempts.max(1));
        let times = step.wait.as_ref().map_or(1, |wait| looks(wait.within, wait.every));
        for look in 0..times {
            let mut ended = (StepState::Refused, json!({}));
            for _ in 0..attempts {
                ended = self.attempt(step)?;
                if ended.0 != StepState::Refused {
                    break;
                }
            }
            let (state, out) = ended;
            self.wrote |= writes && state != StepState::Refused;
            let Some(wait) = step.wait.as_ref().filter(|_| state == StepState::Done) else {
                let why = format!("`{id}` was {}", state.word());
                return Ok(Ok((state, out, why)));
            };
            self.settle(id, state, out.clone());
            self.ask(&wait.until.queries())?;
            let judged = wait.until.judge(&self.scope);
            if judged.holds {
                return Ok(Ok((StepState::Done, out, String::new())));
            }
            if look + 1 == times {
                let why = judged.fault.unwrap_or_else(|| format!("`{}` did not become true", wait.until.text()));
                return Ok(Ok((StepState::Failed, out, why)));
            }
        }
        Ok(Ok((StepState::Failed, json!({}), format!("`{id}` was never done"))))
    }

    fn attempt(&mut self, step: &Step) -> Result<(StepState, Json), String> {
        let id = step.id.text.as_str();
        let action = step.action.text.as_str();
        let answer = match (self.next(id), action) {
            (Some(answer), _) => answer,
            (None, STILL_FIRING | WAIT) => Answer::Ok,
            (None, _) => return Err(format!("the test does not say what `{id}` answers")),
        };
        Ok(match (answer, action) {
            (Answer::Ok, STILL_FIRING) => (StepState::Done, json!({ "firing": "yes" })),
            (Answer::Unknown, STILL_FIRING) => (StepState::Done, json!({ "firing": "unknown" })),
            (Answer::Out(Json::String(word)), STILL_FIRING) => (StepState::Done, json!({ "firing": word })),
            (Answer::Ok, _) => (StepState::Done, json!({})),
            (Answer::Out(out), _) => (StepState::Done, out),
            (Answer::Refused, _) => (StepState::Refused, json!({})),
            (Answer::Failed, _) => (StepState::Failed, json!({})),
            (Answer::Unknown, _) => (StepState::Unknown, json!({})),
        })
    }

    /// Looks until it is so, then whether it stays so.
    fn verify(&mut self, outcome: &mut Outcome) -> Result<(&'static str, String), String> {
        let Some(verify) = &self.playbook.verify else {
            return Ok(("done", String::new()));
        };
        let names = verify.until.queries();
        let mut good = false;
        let mut why = String::new();
        for _ in 0..looks(verify.within, verify.every) {
            self.ask(&names)?;
            self.scope.after = self.asked(&names);
            let judged = verify.until.judge(&self.scope);
            good = judged.holds;
            if good {
                break;
            }
            why = judged.fault.unwrap_or_else(|| format!("`{}` did not become true", verify.until.text()));
        }
        outcome.verified = Some(good);
        if !good {
            outcome.escalated = true;
            if verify.or_else == OrElse::Undo {
                outcome.undone = self.undo();
            }
            return Ok(("not verified", why));
        }
        for _ in 0..holding(verify) {
            self.ask(&names)?;
            self.scope.after = self.asked(&names);
            let judged = verify.until.judge(&self.scope);
            if !judged.holds {
                // A failed hold takes nothing back: what was done did help for a while.
                (outcome.verified, outcome.escalated) = (Some(false), true);
                let why = judged.fault.unwrap_or_else(|| format!("`{}` did not stay true", verify.until.text()));
                return Ok(("did not hold", why));
            }
        }
        Ok(("verified", String::new()))
    }

    /// Takes back what was done and can be, newest first.
    fn undo(&self) -> Vec<String> {
        let done = |id: &str| self.scope.steps.get(id).is_some_and(|view| view.state == StepState::Done);
        let steps = self.playbook.steps.iter().zip(&self.playbook.effects.writes).rev();
        let back = steps.filter(|(step, writes)| **writes && done(&step.id.text));
        back.filter(|(step, _)| matches!(undoing(self.playbook, step, &self.scope), Some(Ok(_))))
            .map(|(step, _)| step.id.text.clone())
            .collect()
    }
}
