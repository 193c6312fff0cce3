//! Before the first write: the guards that are expressions, the plan of every write that may come, and a yes to it.

use ira_commands::playbook::{Step, items};
use ira_commands::{Fault, Invocation, Kind};
use serde_json::{Value as Json, json};

use super::Came;
use super::drive::{Driven, Flow};
use super::hands::Consent;
use super::journal::refused;
use super::past::sort;
use super::plan::{self, PlanDocument, PlannedWrite};
use crate::store::ask::Denial;
use crate::store::{Guard, Phase, RunState, Wait};

impl Driven<'_> {
    /// Plans every write that may come, and has it agreed to.
    pub async fn agree(&mut self, from: usize, consent: &dyn Consent) -> Result<Flow, Fault> {
        self.phase(Phase::Approve, self.playbook.approve.as_ref().map(|approve| approve.within)).await?;
        if let Flow::Stop(came) = self.guarded().await? {
            return Ok(Flow::Stop(came));
        }
        let document = self.document(from).await?;
        if let Some(PlannedWrite { plan: Err(fault), step, .. }) = document.writes.first() {
            let what = format!("`{step}` cannot be planned");
            return self.finish_faulted(&fault.clone().wrap(what)).await.map(Flow::Stop);
        }
        let planned = self.engine.store.plan(self.run.id, self.run.fence, &document.hash).await?;
        planned.map_err(|denial| refused(&denial))?;
        if !consent.agree(self.run.id, &document).await? {
            self.reload().await?;
            if self.run.state == RunState::Waiting(Wait::Approval) {
                return Ok(Flow::Stop(Came::Waits(Box::new(self.run.clone()))));
            }
            let note = "nobody agreed to the plan: nothing was done";
            let came = self.finish(RunState::Cancelled, note, false).await?;
            return Ok(Flow::Stop(match came {
                Came::Ended(run) => Came::NotAgreed(run),
                other => other,
            }));
        }
        self.remember_before().await?;
        self.remember(sort::AGREED, json!({ "plan_hash": document.hash })).await?;
        self.past.agreed = Some(document.hash.clone());
        self.plan = Some(document);
        self.reload().await?;
        Ok(Flow::On)
    }

    /// The guards that are expressions: what they cannot tell denies.
    async fn guarded(&mut self) -> Result<Flow, Fault> {
        let mut said = None;
        if let Some(require) = self.playbook.guards.require.clone() {
            let judged = self.judge(&require).await;
            if !judged.holds {
                let why = judged.fault.map(|fault| format!(": {fault}")).unwrap_or_default();
                said = Some(format!("`require: {}` does not hold{why}", require.text()));
            }
        }
        if let Some(healthy) = self.playbook.guards.min_healthy.clone() {
            self.ask(&healthy.query.text).await;
            let count = self.scope.queries.get(&healthy.query.text).and_then(Json::as_f64);
            if count.is_none_or(|count| count < healthy.least) {
                let count = count.map_or("unknown".to_owned(), |count| count.to_string());
                said = Some(format!(
                    "q.{} is {count}, and at least {} must be healthy",
                    healthy.query.text, healthy.least
                ));
            }
        }
        match said {
            None => Ok(Flow::On),
            Some(message) => {
                let key = self.playbook.name.text.clone();
                self.denied(Denial { guard: Guard::State, key, until: None, holder: None, message })
                    .await
                    .map(Flow::Stop)
            }
        }
    }

    /// Every write that may come from step `from` on, as its command plans it now.
    async fn document(&mut self, from: usize) -> Result<PlanDocument, Fault> {
        let mut writes = Vec::new();
        let (steps, effects) = (self.playbook.steps.clone(), self.effects.clone());
        for (at, step) in steps.iter().enumerate().skip(from).filter(|(at, _)| effects.writes[*at]) {
            // A later condition may speak of what an earlier write answers: then the write may come.
            if at > from
                && let Some(condition) = &step.condition
            {
                let judged = self.judge(condition).await;
                if !judged.holds && judged.fault.is_none() {
                    continue;
                }
            }
            let each = match &step.each {
                None => vec![None],
                Some(each) => match items(&self.playbook, each, &self.scope) {
                    Ok(items) => items.into_iter().map(Some).collect(),
                    Err(_) if at > from => vec![None],
                    Err(refusal) => return Err(Fault::new(Kind::Usage, refusal.message)),
                },
            };
            for item in each {
                let id = item.as_ref().map_or_else(|| step.id.text.clone(), |item| format!("{}/{item}", step.id.text));
                self.scope.item = item;
                let planned = async {
                    let invocation = plan::invocation(&self.playbook, step, true, &self.scope)?;
                    let report = self.read(&invocation, step.timeout).await?;
                    Ok((plan::target(&invocation, &report), report))
                };
                let (target, plan) = match planned.await {
                    Ok((target, report)) => (target, Ok(report)),
                    Err(fault) => (String::new(), Err(fault)),
                };
                writes.push(PlannedWrite { step: id, verb: step.action.text.clone(), target, plan });
            }
            self.scope.item = None;
        }
        Ok(PlanDocument { hash: plan::hash(&self.playbook, &self.scope, &writes), writes })
    }

    /// Whether what is written to is still what was agreed to.
    pub async fn unchanged(&mut self, step: &Step, path: &str, invocation: &Invocation) -> Result<Flow, Fault> {
        let agreed = self.plan.as_ref().and_then(|plan| plan.writes.iter().find(|write| write.step == path).cloned());
        let Some(PlannedWrite { target, plan: Ok(_), .. }) = agreed else { return Ok(Flow::On) };
        let now = match self.read(invocation, step.timeout).await {
            Ok(report) => plan::target(invocation, &report),
            Err(fault) => return self.broken(step, &fault).await.map(Flow::Stop),
        };
        if now == target {
            return Ok(Flow::On);
        }
        let fault = Fault::new(Kind::Busy, format!("`{path}` would act on something else than was agreed to"))
            .because(format!("agreed: {target}"))
            .because(format!("now: {now}"));
        self.broken(step, &fault).await.map(Flow::Stop)
    }
}
