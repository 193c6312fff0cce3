//! What only looks: queries, reads, and the plans of writes. Nothing here holds a write port, or touches the store.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::future::join_all;
use ira_commands::playbook::{
    Cel, Playbook, Query, Scope, Step, Unready, Want, answered, asking, items, question, wanted,
};
use ira_commands::{Fault, Invocation, Kind, Report};
use serde_json::{Map, Value as Json};

use super::Looked;
use super::hands::Hands;
use super::plan::{PlanDocument, PlannedWrite, invocation, not_inserted, target};

/// How long a command may take to plan.
const PLANNING: Duration = Duration::from_secs(60);

/// Looks for a playbook.
#[derive(Clone, Copy)]
pub(super) struct Eye<'a> {
    pub hands: &'a dyn Hands,
    pub playbook: &'a Playbook,
}

impl Eye<'_> {
    /// Reads, in a context without any write port.
    pub async fn look(&self, invocation: &Invocation, within: Duration) -> Result<Report, Fault> {
        let look = async {
            let context = self.hands.context(invocation, None).await?;
            invocation.run(&context).await
        };
        match tokio::time::timeout(within, look).await {
            Ok(done) => done,
            Err(_) => Err(late(invocation.name(), within)),
        }
    }

    /// Asks queries anew; those that cannot be read are not in the scope afterwards.
    pub async fn ask(&self, names: &[&str], scope: &mut Scope) {
        let known = names.iter().filter_map(|name| Some((*name, self.playbook.queries.get(*name)?)));
        let asked = known.map(|(name, query)| {
            let scope = &*scope;
            async move { (name.to_owned(), self.query(query, scope).await) }
        });
        for (name, answer) in join_all(asked).await {
            match answer {
                Ok(value) => scope.queries.insert(name, value),
                Err(fault) => {
                    tracing::info!("q.{name} of {}: {fault}", self.playbook.name.text);
                    scope.queries.remove(&name)
                }
            };
        }
    }

    /// What verify asks, and what that says now.
    pub async fn verify(&self, scope: &mut Scope) -> Vec<Looked> {
        let Some(verify) = &self.playbook.verify else { return Vec::new() };
        let names = verify.until.queries();
        self.ask(&names, scope).await;
        let one = |name: &&str| {
            let query = self.playbook.queries.get(*name)?;
            let with = question(self.playbook, query, scope).ok()?;
            let main = ["url", "query"].iter().find_map(|field| with.get(*field)?.as_str()).map(str::to_owned);
            let about = if with == Json::Object(Map::new()) { "of the alert".to_owned() } else { with.to_string() };
            let what = format!("{} {}", query.action.text, main.unwrap_or(about));
            Some(Looked { name: (*name).to_owned(), what, now: scope.queries.get(*name).cloned() })
        };
        names.iter().filter_map(one).collect()
    }

    async fn query(&self, query: &Query, scope: &Scope) -> Result<Json, Fault> {
        let invocation = asking(self.playbook, query, scope).map_err(|unready| match unready {
            Unready::Refused(refusal) => Fault::new(Kind::Usage, refusal.message),
            Unready::NotTaken(fault) => fault,
        })?;
        let report = self.look(&invocation, Duration::from_secs(query.timeout)).await?;
        answered(query, &report.data).ok_or_else(|| Fault::new(Kind::BadAnswer, "what was answered has no such value"))
    }

    /// Whether a step is to be done now; its queries are asked anew.
    pub async fn wanted(&self, step: &Step, scope: &mut Scope) -> Want {
        self.ask(&step.condition.iter().flat_map(Cel::queries).collect::<Vec<_>>(), scope).await;
        wanted(step, scope)
    }

    /// What these queries say.
    pub fn values(names: &[&str], scope: &Scope) -> BTreeMap<String, Json> {
        let value = |name: &&str| Some(((*name).to_owned(), scope.queries.get(*name)?.clone()));
        names.iter().filter_map(value).collect()
    }

    /// Every write that may come from the step `from` on. The error is why the first of them cannot be done.
    pub async fn plan(&self, from: usize, scope: &mut Scope) -> Result<PlanDocument, Fault> {
        let mut writes: Vec<PlannedWrite> = Vec::new();
        let steps = self.playbook.steps.iter().zip(&self.playbook.effects.writes).skip(from);
        for (step, _) in steps.filter(|(_, writes)| **writes) {
            // What depends on an earlier write cannot be told yet: it may come.
            if self.wanted(step, scope).await == Want::Skip {
                continue;
            }
            match self.plans(step, scope).await {
                Ok(planned) => writes.extend(planned),
                Err(fault) if writes.is_empty() => return Err(fault),
                Err(fault) => writes.push(PlannedWrite {
                    step: step.id.text.clone(),
                    verb: step.action.text.clone(),
                    target: "what an earlier step gives".to_owned(),
                    named: false,
                    plan: Err(fault),
                }),
            }
        }
        Ok(PlanDocument::of(self.playbook, scope, writes))
    }

    async fn plans(&self, step: &Step, scope: &Scope) -> Result<Vec<PlannedWrite>, Fault> {
        let mut planned = Vec::new();
        for (path, scope) in rounds(self.playbook, step, scope)? {
            let invocation = invocation(self.playbook, step, true, &scope)?;
            let plan = self.look(&invocation, PLANNING).await;
            let (target, named) = target(&invocation, plan.as_ref().ok());
            planned.push(PlannedWrite { step: path, verb: step.action.text.clone(), target, named, plan });
        }
        Ok(planned)
    }
}

/// Each time that a step is done: its path, and the scope with the item that it is at.
pub(super) fn rounds(playbook: &Playbook, step: &Step, scope: &Scope) -> Result<Vec<(String, Scope)>, Fault> {
    let id = &step.id.text;
    let Some(each) = &step.each else { return Ok(vec![(id.clone(), scope.clone())]) };
    let mut items = items(playbook, each, scope).map_err(|refusal| not_inserted(playbook, step, &refusal))?;
    let mut seen = std::collections::BTreeSet::new();
    items.retain(|item| seen.insert(item.clone()));
    let round = |item: String| (format!("{id}/{item}"), Scope { item: Some(item), ..scope.clone() });
    Ok(items.into_iter().map(round).collect())
}

/// The fault of what took too long.
pub(super) fn late(what: &str, within: Duration) -> Fault {
    Fault::new(Kind::Timeout, format!("{what} did not end within {} s", within.as_secs()))
}
