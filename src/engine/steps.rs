//! One step: its condition, the plan before the first write, its attempts.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::context::Journal;
use ira_commands::effect::Reach;
use ira_commands::playbook::{self, Cel, OrElse, Query, Step, StepState, StepView, items, question};
use ira_commands::{Effect, Fault, Invocation, Kind, Report};
use serde_json::{Value as Json, json};

use super::Came;
use super::drive::{Driven, Flow};
use super::hands::{Consent, Mark, line};
use super::journal::{RunJournal, refused};
use super::past;
use super::plan;
use crate::store::ask::{Begin, Denial, End, Outcome};
use crate::store::event::By;
use crate::store::{Guard, Phase, RunState, StepState as Stored, Trace, Wait};

impl Driven<'_> {
    /// Does a step that is not over yet.
    pub async fn step(&mut self, at: usize, step: &Step, consent: &dyn Consent) -> Result<Flow, Fault> {
        let id = &step.id.text;
        if let Some(condition) = &step.condition {
            let judged = self.judge(condition).await;
            if let Some(why) = judged.fault {
                let fault = Fault::new(Kind::Failed, format!("the condition of `{id}` cannot be told")).because(why);
                return self.broken(step, &fault).await.map(Flow::Stop);
            }
            if !judged.holds {
                self.watch.step(id, &step.action.text, Mark::Skipped, condition.text());
                self.over(id, StepState::Skipped, Json::Null).await?;
                return Ok(Flow::On);
            }
        }
        if !self.effects.writes[at] {
            return self.reading(step).await;
        }
        if self.past.agreed.is_none()
            && let Flow::Stop(came) = self.agree(at, consent).await?
        {
            return Ok(Flow::Stop(came));
        }
        self.phase(Phase::Act, self.playbook.escalate.as_ref().map(|escalate| escalate.deadline)).await?;
        self.writing(step).await
    }

    /// Whether an expression holds, after asking the queries that it speaks of.
    pub async fn judge(&mut self, cel: &Cel) -> playbook::Judged {
        let names: Vec<String> = cel.queries().into_iter().map(str::to_owned).collect();
        for name in names {
            self.ask(&name).await;
        }
        cel.judge(&self.scope)
    }

    /// Asks a query; what cannot be read is not in the scope afterwards.
    pub async fn ask(&mut self, name: &str) {
        self.scope.queries.remove(name);
        let Some(query) = self.playbook.queries.get(name).cloned() else { return };
        match self.answer(&query).await {
            Ok(value) => {
                self.scope.queries.insert(name.to_owned(), value);
            }
            Err(fault) => tracing::warn!("run {}: q.{name} could not be read: {fault}", self.run.id),
        }
    }

    async fn answer(&self, query: &Query) -> Result<Json, Fault> {
        let with =
            question(&self.playbook, query, &self.scope).map_err(|refusal| Fault::new(Kind::Usage, refusal.message))?;
        let mut invocation = Invocation::from_data(&query.action.text, with)?;
        invocation.set_alerts(vec![self.scope.alert.alert.clone()]);
        let report = self.read(&invocation, query.timeout).await?;
        match &query.take {
            None => Ok(report.data),
            Some(path) => playbook::at(&report.data, path)
                .cloned()
                .ok_or_else(|| Fault::new(Kind::Missing, format!("there is no `{path}` in what it answered"))),
        }
    }

    /// Runs something in a context that cannot write.
    pub async fn read(&self, invocation: &Invocation, seconds: u64) -> Result<Report, Fault> {
        let work = async {
            let context = self.engine.hands.context(invocation, None).await?;
            invocation.run(&context).await
        };
        within(seconds, work).await
    }

    /// A step that reads. Again where it failed and the playbook says so, and until what it waits for is true.
    async fn reading(&mut self, step: &Step) -> Result<Flow, Fault> {
        let id = &step.id.text;
        let invocation = match plan::invocation(&self.playbook, step, false, &self.scope) {
            Ok(invocation) => invocation,
            Err(fault) => return self.broken(step, &fault).await.map(Flow::Stop),
        };
        self.watch.step(id, &step.action.text, Mark::Begins, "");
        let tries = step.retry.map_or(1, |retry| retry.attempts.max(1));
        let mut count = 0;
        let result = loop {
            count += 1;
            let attempt = self.begin_read(id, &invocation, step.timeout).await?;
            let result = self.read(&invocation, step.timeout).await;
            let (outcome, exit) = match &result {
                Ok(report) => (Outcome::Done, json!({ "out": past::kept(&report.data), "proof": line(report) })),
                Err(fault) => (Outcome::Failed(Trace::Nothing), json!({ "fault": fault.one_line() })),
            };
            let end = End { attempt, fence: self.run.fence, outcome, by: By::Worker, exit, output_ref: None };
            self.engine.store.end(end).await?.map_err(|denial| refused(&denial))?;
            match result {
                Err(_) if count < tries => {
                    tokio::time::sleep(Duration::from_secs(step.retry.map_or(0, |retry| retry.backoff))).await;
                }
                result => break result,
            }
        };
        let report = match result {
            Ok(report) => report,
            Err(fault) => return self.broken(step, &fault).await.map(Flow::Stop),
        };
        self.reload().await?;
        let view = StepView { state: StepState::Done, out: past::kept(&report.data) };
        self.scope.steps.insert(id.clone(), view.clone());
        if let Some(wait) = &step.wait
            && !self.judge(&wait.until).await.holds
        {
            let since = self.past.of_step(id).map(|attempt| attempt.started_at).min().unwrap_or_default();
            let now = self.engine.store.now().await?;
            self.scope.steps.remove(id);
            if now.saturating_sub(since) >= wait.within * 1_000 {
                let fault = Fault::new(Kind::Failed, format!("`{}` did not become true in time", wait.until.text()));
                return self.broken(step, &fault).await.map(Flow::Stop);
            }
            return self.sleep(wait.every, &format!("`{id}` waits")).await.map(Flow::Stop);
        }
        self.watch.step(id, &step.action.text, Mark::Done, &line(&report));
        self.over(id, StepState::Done, view.out).await?;
        self.still_firing(step, &report).await
    }

    /// What a step says of its alert before the first write: *no* ends the run, *unknown* hands it over.
    async fn still_firing(&mut self, step: &Step, report: &Report) -> Result<Flow, Fault> {
        if self.wrote() || step.action.text != playbook::STILL_FIRING {
            return Ok(Flow::On);
        }
        match report.data["firing"].as_str() {
            Some("yes") => Ok(Flow::On),
            Some("no") => self
                .finish(RunState::Cancelled, "resolved: the alert does not fire any more", true)
                .await
                .map(Flow::Stop),
            _ => {
                let why = "whether the alert still fires cannot be told: nothing was applied";
                self.hand_over(why).await.map(Flow::Stop)
            }
        }
    }

    async fn begin_read(
        &mut self,
        path: &str,
        invocation: &Invocation,
        timeout: u64,
    ) -> Result<crate::store::model::AttemptId, Fault> {
        let before = self.past.attempts.iter().filter(|step| step.path == path).count();
        let begin = Begin {
            run: self.run.id,
            fence: self.run.fence,
            path: path.to_owned(),
            attempt: u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1),
            effect: Effect::Read,
            reach: Reach::Target,
            undo: false,
            effect_key: None,
            within: Duration::from_secs(timeout),
            begun: json!({ "do": invocation.name() }),
            plan_hash: None,
            locks: Vec::new(),
            scopes: Vec::new(),
        };
        let step = self.engine.store.begin(begin).await?.map_err(|denial| refused(&denial))?;
        let id = step.id;
        self.past.attempts.push(step);
        Ok(id)
    }

    /// A step that writes, once for each of its loop.
    async fn writing(&mut self, step: &Step) -> Result<Flow, Fault> {
        let id = step.id.text.clone();
        let Some(each) = &step.each else {
            return match self.write_one(step, &id).await? {
                Ok(out) => self.over(&id, StepState::Done, out).await.map(|()| Flow::On),
                Err(flow) => Ok(flow),
            };
        };
        let all = match items(&self.playbook, each, &self.scope) {
            Ok(all) => all,
            Err(refusal) => {
                let fault = Fault::new(Kind::Usage, refusal.message);
                return self.broken(step, &fault).await.map(Flow::Stop);
            }
        };
        let mut outs = Vec::new();
        for item in all {
            let path = format!("{id}/{item}");
            if let Some(view) = self.past.steps.get(&path) {
                outs.push(view.out.clone());
                continue;
            }
            self.scope.item = Some(item);
            let done = self.write_one(step, &path).await?;
            self.scope.item = None;
            match done {
                Ok(out) => {
                    self.over(&path, StepState::Done, out.clone()).await?;
                    outs.push(out);
                }
                Err(flow) => return Ok(flow),
            }
        }
        self.over(&id, StepState::Done, Json::Array(outs)).await.map(|()| Flow::On)
    }

    /// One write at a path: what it answered, or where the run stands instead.
    async fn write_one(&mut self, step: &Step, path: &str) -> Result<Result<Json, Flow>, Fault> {
        let tries = step.retry.map_or(1, |retry| retry.attempts.max(1));
        let invocation = match plan::invocation(&self.playbook, step, true, &self.scope) {
            Ok(invocation) => invocation,
            Err(fault) => return self.broken(step, &fault).await.map(|came| Err(Flow::Stop(came))),
        };
        let single = matches!(invocation, Invocation::Act(_));
        let tells = invocation.reach() == Reach::Tell;
        // What a crash left done is done.
        if let Some(done) = self.past.of_step(path).filter(|_| single).find(|attempt| attempt.state == Stored::Done) {
            let out = json!({ "status": "done", "proof": done.exit["summary"], "data": done.exit["data"] });
            return Ok(Ok(out));
        }
        self.watch.step(path, &step.action.text, Mark::Begins, "");
        if let Flow::Stop(came) = self.unchanged(step, path, &invocation).await? {
            return Ok(Err(Flow::Stop(came)));
        }
        let journal = Arc::new(RunJournal::new(
            self.shared(),
            path,
            invocation.reach(),
            step.effect,
            false,
            Duration::from_secs(step.timeout),
        ));
        let work = async {
            let journal: Arc<dyn Journal> = Arc::<RunJournal>::clone(&journal);
            let context = self.engine.hands.context(&invocation, Some(journal)).await?;
            invocation.run(&context).await
        };
        let result = within(step.timeout, work).await;
        self.reload().await?;
        let fault = match result {
            Ok(report) => {
                self.watch.step(path, &step.action.text, Mark::Done, &line(&report));
                // An action's answer is what it did; a command's, its report's data.
                let out = match report.data.get("actions").and_then(|all| all.get(0)).filter(|_| single) {
                    Some(action) => action.clone(),
                    None => report.data,
                };
                return Ok(Ok(out));
            }
            Err(fault) => fault,
        };
        if let Some(denial) = journal.denied() {
            return self.stopped(denial, path, &fault).await.map(Err);
        }
        if tells {
            self.watch.step(path, &step.action.text, Mark::Failed, &fault.one_line());
            tracing::warn!("run {}: `{path}` told nobody: {fault}", self.run.id);
            return Ok(Ok(json!({ "status": "failed", "fault": fault.one_line() })));
        }
        if let Flow::Stop(came) = self.settle().await? {
            self.watch.step(path, &step.action.text, Mark::Unknown, &fault.one_line());
            return Ok(Err(Flow::Stop(came)));
        }
        let attempts: Vec<_> = self.past.of_step(path).collect();
        if let Some(done) = attempts.iter().find(|attempt| attempt.state == Stored::Done && single) {
            let out = json!({ "status": "done", "proof": done.exit["proof"], "data": done.exit["data"] });
            return Ok(Ok(out));
        }
        let refused = attempts.iter().all(|attempt| attempt.state == Stored::Failed(Trace::Nothing));
        if refused && journal.began() && attempts.len() < tries as usize {
            let backoff = step.retry.map_or(0, |retry| retry.backoff);
            self.watch.step(path, &step.action.text, Mark::Failed, &fault.one_line());
            return self.sleep(backoff, &format!("`{path}` is tried again")).await.map(|came| Err(Flow::Stop(came)));
        }
        self.watch.step(path, &step.action.text, Mark::Failed, &fault.one_line());
        self.broken(step, &fault).await.map(|came| Err(Flow::Stop(came)))
    }

    /// A guard denied an attempt.
    async fn stopped(&mut self, denial: Denial, path: &str, fault: &Fault) -> Result<Flow, Fault> {
        match denial.guard {
            Guard::Freeze if self.wrote() => {
                let why = format!("frozen between two writes, before `{path}`");
                self.advance(RunState::Waiting(Wait::Freeze), &why, None, None).await?;
                self.page(&why).await?;
                Ok(Flow::Stop(Came::Waits(Box::new(self.run.clone()))))
            }
            Guard::Cancelled => self.cancelled().await.map(Flow::Stop),
            Guard::Escalated => self.hand_over("its time ran out").await.map(Flow::Stop),
            Guard::Fence | Guard::Lease => Err(fault.clone()),
            _ if self.wrote() => {
                let why = format!("`{path}`: {}", denial.message);
                self.hand_over(&why).await.map(Flow::Stop)
            }
            _ => self.denied(denial).await.map(Flow::Stop),
        }
    }

    /// A step failed for good: what was done before it is taken back where that can be, and a person takes over.
    pub async fn broken(&mut self, step: &Step, fault: &Fault) -> Result<super::Came, Fault> {
        let id = &step.id.text;
        let why = format!("`{id}` failed: {}", fault.one_line());
        self.watch.step(id, &step.action.text, Mark::Failed, &fault.one_line());
        self.over(id, StepState::Failed, json!({ "fault": fault.one_line() })).await?;
        if self.wrote() {
            let left = self.take_back().await?;
            return self.hand_over(&with_left(&why, &left)).await;
        }
        self.finish_faulted(&Fault::new(fault.kind, why)).await
    }

    /// What `else` of verify says.
    pub fn undoes(&self) -> bool {
        self.playbook.verify.as_ref().is_some_and(|verify| verify.or_else == OrElse::Undo)
    }
}

/// A reason with what is left of what was done.
pub(super) fn with_left(why: &str, left: &[String]) -> String {
    if left.is_empty() { why.to_owned() } else { format!("{why}; left as it is: {}", left.join(", ")) }
}

/// The result of `work`, or a fault after so many seconds.
pub(super) async fn within<T>(seconds: u64, work: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
    match tokio::time::timeout(Duration::from_secs(seconds), work).await {
        Ok(result) => result,
        Err(_) => Err(Fault::new(Kind::Timeout, format!("it did not end within {seconds} s"))),
    }
}
