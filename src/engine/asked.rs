//! What is asked of the engine beside driving: a look at what a run would do, a run that is to be, a person's word.

use ira_commands::playbook::{
    Firing, KeyPart, Mode, Pattern, Playbook, Scope, StepState, StepView, Want, firing, guard_queries, matched, params,
    permitted,
};
use ira_commands::{Effect, Fault, Kind};
use serde_json::json;
use std::collections::BTreeMap;
use std::time::Duration;

use super::eye::{Eye, rounds};
use super::hands::line;
use super::past::{self, Asked};
use super::plan::{PlanDocument, invocation};
use super::record::standing;
use super::{Ending, Engine, Preview, Stop, TakeUp, Wanted};
use crate::store::ask::{Admission, Admit, Finish, Text, Verdict, Which};
use crate::store::event::What;
use crate::store::model::{Approval, Run, RunId};
use crate::store::{Guard, RunState};

impl Engine {
    /// What a run would do: reads, and changes nothing, not even the store.
    pub async fn preview(&self, wanted: &Wanted<'_>) -> Result<Preview, Fault> {
        let playbook = wanted.playbook;
        let mut scope = checked(wanted)?;
        let eye = Eye { hands: self.hands.as_ref(), playbook };
        let mut preview =
            Preview { reads: Vec::new(), verify: Vec::new(), stopped: None, plan: PlanDocument::default() };
        let counts = |guard: Guard| !wanted.overrides.iter().any(|word| word.guard == guard);
        eye.ask(&guard_queries(playbook), &mut scope).await;
        if let Err(no) = permitted(playbook, &scope) {
            let guard = if no.guard == "min_healthy" { Guard::MinHealthy } else { Guard::Require };
            preview.stopped = counts(guard).then_some(Stop::Guard(guard, no.why));
        }
        for (at, step) in playbook.steps.iter().enumerate() {
            let id = &step.id.text;
            match eye.wanted(step, &mut scope).await {
                Want::Do if playbook.effects.writes[at] => {
                    preview.verify = eye.verify(&mut scope).await;
                    match eye.plan(at, &mut scope).await {
                        Ok(plan) => preview.plan = plan,
                        Err(fault) => preview.stopped = Some(Stop::Unread(fault.one_line())),
                    }
                    return Ok(preview);
                }
                Want::Do if playbook.effects.effects[at] == Effect::Read => {
                    let view = looked(&eye, playbook, at, &scope).await;
                    let said = view.as_ref().map(|(_, said)| said.clone()).map_err(Clone::clone);
                    preview.reads.push((id.clone(), said));
                    let view = match view {
                        Ok((view, _)) => view,
                        Err(fault) => {
                            preview.stopped = Some(Stop::Unread(format!("`{id}`: {}", fault.one_line())));
                            return Ok(preview);
                        }
                    };
                    match firing(step, &view.out) {
                        Some(Firing::No) => preview.stopped = Some(Stop::Over),
                        Some(Firing::Unknown) if counts(Guard::Firing) => {
                            let why = "whether the alert still fires cannot be told".to_owned();
                            preview.stopped = Some(Stop::Guard(Guard::Firing, why));
                        }
                        Some(Firing::Yes | Firing::Unknown) | None => {}
                    }
                    scope.steps.insert(id.clone(), view);
                }
                // It tells somebody: not in a preview.
                Want::Do => {
                    scope.steps.insert(id.clone(), StepView { state: StepState::Done, out: json!({}) });
                }
                Want::Skip => {
                    scope.steps.insert(id.clone(), StepView { state: StepState::Skipped, out: json!({}) });
                }
                Want::Fault(why) => {
                    preview.stopped = Some(Stop::Unread(format!("the condition of `{id}`: {why}")));
                    return Ok(preview);
                }
            }
        }
        if preview.stopped.is_none() && playbook.effects.any() {
            preview.stopped = Some(Stop::Idle);
        }
        Ok(preview)
    }

    /// Writes down that a run is to be. The same key again gives the same run. A fault of kind `Usage` where a parameter is
    /// wrong, or the alert is not one that the playbook is for.
    pub async fn admit(&self, wanted: Wanted<'_>) -> Result<Admission, Fault> {
        let scope = checked(&wanted)?;
        let Wanted { playbook, alert, .. } = wanted;
        let name =
            alert.alert.name().map_or_else(|| "no alert".to_owned(), |name| ira_commands::text::excerpt(name, 60));
        // Nobody is there to say that it may go on by itself in spite of what it did last.
        let rung = match wanted.rung {
            Mode::Auto if self.unattended => standing(self.store.as_ref(), playbook, Some(Mode::Auto)).await?.rung,
            other => other,
        };
        let asked = Asked {
            params: scope.params.clone(),
            rung,
            overrides: wanted.overrides,
            unattended: self.unattended,
            targets: targets(playbook),
        };
        let incoming = past::kept(alert, wanted.delivery_id, wanted.group_key);
        let ask = Admit {
            key: wanted.key,
            alert: (!alert.alert.labels.is_empty()).then_some(incoming),
            received: wanted.received,
            playbook: Some(Text {
                name: playbook.name.text.clone(),
                revision: playbook.revision.clone(),
                text: wanted.text.to_owned(),
            }),
            title: format!("{} for {name}{}", playbook.name.text, about(&scope.key)),
            params: asked.json(),
            by: wanted.by,
            claimable: self.unattended,
            escalate_in: wanted.escalate_in,
            page: wanted.page,
        };
        self.store.admit(ask).await
    }

    /// Ends a run that was just admitted, because the run `by`, for another alert about the same thing, did its work: the
    /// same target is acted on once, and each alert has a record of its own.
    pub async fn covered(&self, run: RunId, by: &Run) -> Result<Verdict<Run>, Fault> {
        let claimed = match self.store.claim(&self.worker, self.ttl, Which::This(run)).await? {
            Ok(claimed) => claimed,
            Err(denial) => return Ok(Err(denial)),
        };
        let none = || Fault::new(Kind::Failed, format!("run {run} is gone"));
        let fence = claimed.ok_or_else(none)?.fence;
        let covered = json!({ "run": by.id, "state": by.state });
        self.store.note(run, &self.worker, vec![("covered".to_owned(), covered)]).await?;
        let finish = Finish {
            run,
            fence,
            state: Ending::Covered.state(),
            note: format!("covered by run {}, which is about the same thing: {}", by.id, by.state),
            resolve: false,
            verified: None,
        };
        self.store.finish(finish).await
    }

    /// Writes down what a person says of the plan of a run that asks.
    pub async fn answer(
        &self,
        run: RunId,
        plan_hash: &str,
        yes: bool,
        actor: &str,
    ) -> Result<Verdict<Approval>, Fault> {
        let story = self.store.run(run).await?;
        let asked = story.iter().flat_map(|story| &story.approvals).rfind(|approval| approval.plan_hash == plan_hash);
        let Some(approval) = asked else {
            return Err(Fault::new(Kind::Usage, format!("run {run} asks nothing about this plan")));
        };
        self.store.decide(approval.id, plan_hash, yes, actor).await
    }

    /// A person takes up a run that was escalated, waits for them, or waits for the thaw; then it is driven again.
    pub async fn take_up(&self, run: RunId, actor: &str, how: TakeUp) -> Result<Verdict<Run>, Fault> {
        let none =
            || Fault::new(Kind::Usage, format!("there is no run {run}")).hint("`ira run list` has those there are");
        let mut now = self.store.run(run).await?.ok_or_else(none)?.run;
        let Some(revision) = now.revision.clone() else {
            return Err(Fault::new(Kind::Usage, format!("run {run} is of a command by hand"))
                .hint("the same command with --resume settles what it began"));
        };
        let text = self.store.playbook(&revision).await?.unwrap_or_default();
        let playbook = ira_commands::playbook::parse(&text).ok();
        if let (TakeUp::From(step), Some(playbook)) = (&how, &playbook)
            && !playbook.steps.iter().any(|known| known.id.text == *step)
        {
            let known: Vec<&str> = playbook.steps.iter().map(|step| step.id.text.as_str()).collect();
            return Err(Fault::new(Kind::Usage, format!("the run has no step `{step}`")).hint(known.join(", ")));
        }
        if matches!(now.state, RunState::Escalated | RunState::NeedsHuman | RunState::Failed) {
            let deadline = playbook.and_then(|playbook| playbook.escalate);
            let deadline = deadline.map(|escalate| Duration::from_secs(escalate.deadline));
            now = match self.store.reopen(run, actor, deadline).await? {
                Ok(run) => run,
                Err(denial) => return Ok(Err(denial)),
            };
        }
        match how {
            TakeUp::GoOn => {}
            TakeUp::From(step) => self.store.note(run, actor, vec![("from".to_owned(), json!(step))]).await?,
            TakeUp::Undo => {
                let stopped = json!({ "why": "person", "detail": format!("{actor} had it taken back") });
                self.store.note(run, actor, vec![("stopped".to_owned(), stopped)]).await?;
            }
        }
        Ok(Ok(now))
    }

    /// The alerts of this fingerprint are over. Gives the runs that are open for them: those that have not begun to write
    /// end when they are driven.
    pub async fn resolved(&self, fingerprint: &str) -> Result<Vec<RunId>, Fault> {
        let runs = self.store.resolved(fingerprint).await?;
        for run in &runs {
            let events = self.store.events(*run).await?;
            let known = |what: &What| matches!(what, What::Noted { sort, .. } if sort == "resolved");
            if !events.iter().any(|event| known(&event.what)) {
                self.store.note(*run, &self.worker, vec![("resolved".to_owned(), json!({}))]).await?;
            }
        }
        Ok(runs)
    }
}

/// The targets of a playbook, the configuration's among them: the run keeps them.
fn targets(playbook: &Playbook) -> BTreeMap<String, Vec<String>> {
    let texts = |patterns: &Vec<Pattern>| patterns.iter().map(|pattern| pattern.text.clone()).collect();
    playbook.targets.iter().map(|(label, patterns)| (label.clone(), texts(patterns))).collect()
}

/// What a run is about, behind the alert's name in a title.
fn about(key: &[KeyPart]) -> String {
    let parts: Vec<String> = key.iter().map(|part| ira_commands::text::excerpt(&part.value, 40)).collect();
    if parts.is_empty() { String::new() } else { format!(" ({})", parts.join(", ")) }
}

/// What a run is about and its parameters, or why it cannot be.
pub(super) fn checked(wanted: &Wanted<'_>) -> Result<Scope, Fault> {
    let name = &wanted.playbook.name.text;
    let params = params(wanted.playbook, &wanted.params)
        .map_err(|wrong| Fault::new(Kind::Usage, format!("the playbook {name}: {}", wrong.join("; "))))?;
    let key = matched(wanted.playbook, wanted.alert).map_err(|stops| {
        let why = stops.iter().rev().max_by_key(|stop| stop.stage).map(|stop| stop.why.clone()).unwrap_or_default();
        Fault::new(Kind::Usage, format!("the playbook {name} is not for this alert")).because(why)
    })?;
    Ok(Scope { alert: wanted.alert.clone(), key: key.key, params, ..Scope::default() })
}

/// Does a read of a preview.
async fn looked(eye: &Eye<'_>, playbook: &Playbook, at: usize, scope: &Scope) -> Result<(StepView, String), Fault> {
    let step = &playbook.steps[at];
    let (mut outs, mut said) = (Vec::new(), String::new());
    for (_, scope) in rounds(playbook, step, scope)? {
        let invocation = invocation(playbook, step, false, &scope)?;
        if let Some(length) = invocation.pause() {
            said = format!("{} s would pass here", length.as_secs());
            outs.push(json!({ "waited": length.as_secs() }));
            continue;
        }
        let report = eye.look(&invocation, Duration::from_secs(step.timeout)).await?;
        said = line(&report);
        outs.push(report.data);
    }
    let out = if step.each.is_some() { json!(outs) } else { outs.pop().unwrap_or_default() };
    Ok((StepView { state: StepState::Done, out }, said))
}
