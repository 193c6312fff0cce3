//! `k8s.rollout_restart` and `k8s.rollout_undo`: a workload's pods are made anew, or from a revision of before.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::name::{Name, Workload};
use super::revision::{self, Revision};
use super::template::{Revised, Template};
use crate::actions::Change;
use crate::context::Context;
use crate::date;
use crate::effect::TakenBack;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::ObjectName;

/// Which workload to restart.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RolloutRestart {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,

    /// Seconds that every pod has to be made anew and available
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

/// Which workload to take back to a revision.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RolloutUndo {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,

    /// The revision to go back to; the one before the present one where not given
    #[arg(long, value_name = "REVISION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<u64>,

    /// Only while this revision is the present one
    #[arg(long, value_name = "REVISION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<u64>,

    /// Seconds that every pod has to be made anew and available
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

pub(super) fn five_minutes() -> u64 {
    300
}

#[async_trait]
impl Template for RolloutRestart {
    const NAME: &'static str = "k8s.rollout_restart";
    const TAKEN_BACK: TakenBack = TakenBack::Transient;

    fn workload(&self) -> (Option<&Name>, &Workload) {
        (self.namespace.as_ref(), &self.workload)
    }

    async fn revised(&self, context: &Context, object: &ObjectName, _: &Json) -> Result<Revised, Fault> {
        let stamp = date::stamp(context.now());
        Ok(Revised {
            what: "restart".to_owned(),
            changes: vec![Change::new(format!("pods of {object}"), "as they are", "made anew, one after the other")],
            // The annotation that `kubectl rollout restart` sets: one history, whoever restarts.
            patch: json!({ "spec": { "template": { "metadata": { "annotations": {
                "kubectl.kubernetes.io/restartedAt": stamp,
            } } } } }),
            data: json!({ "restarted_at": stamp }),
            notes: Vec::new(),
        })
    }
}

impl RolloutUndo {
    /// The revision that is there, and the one to go back to.
    fn chosen<'a>(&self, object: &ObjectName, all: &'a [Revision]) -> Result<(&'a Revision, &'a Revision), Fault> {
        let nothing = "nothing was done; `ira act k8s.rollout_history` lists the revisions";
        let Some(now) = all.first() else {
            return Err(Fault::new(Kind::Missing, format!("{object} has no revision")));
        };
        if let Some(from) = self.from.filter(|from| *from != now.number) {
            let message = format!("{object} is at revision {} by now, not at {from}", now.number);
            return Err(Fault::new(Kind::Failed, message).hint(nothing));
        }
        let target = match self.to {
            Some(to) => all.iter().find(|one| one.number == to),
            None => all.get(1),
        };
        let missing = || match self.to {
            Some(to) => format!("{object} has no revision {to} any more"),
            None => format!("{object} has no revision before {}", now.number),
        };
        Ok((now, target.ok_or_else(|| Fault::new(Kind::Missing, missing()).hint(nothing))?))
    }
}

#[async_trait]
impl Template for RolloutUndo {
    const NAME: &'static str = "k8s.rollout_undo";
    const TAKEN_BACK: TakenBack = TakenBack::Undo;

    fn workload(&self) -> (Option<&Name>, &Workload) {
        (self.namespace.as_ref(), &self.workload)
    }

    async fn revised(&self, context: &Context, object: &ObjectName, json: &Json) -> Result<Revised, Fault> {
        let all = revision::all(context, object, json).await?;
        let (now, back) = self.chosen(object, &all)?;
        let space = &object.namespace;
        Ok(Revised {
            what: format!("go back to revision {} of", back.number),
            changes: vec![Change::new(object.to_string(), now.words(), back.words())],
            patch: back.patch.clone(),
            data: json!({ "from": now.json(), "to": back.json() }),
            notes: vec![format!(
                "taken back by: ira act k8s.rollout_undo --namespace {space} --workload {} --to {}",
                self.workload, now.number
            )],
        })
    }
}
