//! `k8s.delete_pod`: a sick pod goes, and its controller makes another.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::planned;
use super::name::Name;
use super::object::{self, text};
use super::pod::Pod;
use crate::actions::looks::Looks;
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{ObjectKind, ObjectName};
use crate::report::{Cell, Fact};

/// Which pod.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeletePod {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// The pod
    #[arg(long, value_name = "NAME")]
    pub pod: Name,

    /// Only while the pod of that name has this uid
    #[arg(long, value_name = "UID")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,

    /// Also when it is ready and serves
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub even_ready: bool,

    /// Also when no controller makes another one
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,

    /// Seconds that it has to be gone
    #[arg(long, value_name = "SECONDS", default_value_t = 90, value_parser = clap::value_parser!(u64).range(1..=3600))]
    #[serde(default = "ninety")]
    pub within: u64,
}

fn ninety() -> u64 {
    90
}

impl DeletePod {
    async fn object(&self, context: &Context) -> Result<ObjectName, Fault> {
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        Ok(ObjectName::new(ObjectKind::Pod, &space, self.pod.as_str()))
    }

    /// The pod as it is; a fault where it is not the one that is meant.
    async fn read(&self, context: &Context) -> Result<(ObjectName, Json), Fault> {
        let object = self.object(context).await?;
        let json = context.cluster()?.get(&object).await?;
        match &self.uid {
            Some(uid) if uid != object::uid(&json) => Err(Fault::new(
                Kind::Missing,
                format!("{object} is another one by now: its uid is {}, not {uid}", object::uid(&json)),
            )
            .hint("nothing was done")),
            _ => Ok((object, json)),
        }
    }
}

#[async_trait]
impl Act for DeletePod {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at pod {}", self.pod));
        let (object, json) = self.read(context).await?;
        let pod = Pod::of(&json);
        if pod.state == "Terminating" {
            return Err(Fault::new(Kind::Busy, format!("{object} is being deleted already"))
                .hint("wait for it; a pod that never goes has a finalizer, or a node that is gone"));
        }
        if pod.ready && !self.even_ready {
            return Err(Fault::new(Kind::Failed, format!("{object} is ready and serves: nothing was done"))
                .hint("--even-ready deletes it all the same"));
        }
        if pod.controlled.is_none() && !self.bare {
            return Err(Fault::new(Kind::Failed, format!("{object} belongs to no controller: it would not come back"))
                .hint("nothing was done; --bare deletes it all the same"));
        }
        // How often it was started again changes by the second; that it is this pod, and not ready, does not.
        let before = if pod.ready { "ready" } else { "not ready" };
        let after = match &pod.controlled {
            Some(owner) => format!("gone; {owner} makes another"),
            None => "gone, for good".to_owned(),
        };
        let change = Change::new(format!("{object} (uid {})", pod.uid), before, after);
        let what = format!("delete {object}");
        let mut plan = planned(context, "k8s.delete_pod", &object, what, vec![change], self.taken_back()).await?;
        plan.target = format!("{} {}", plan.target, pod.uid);
        plan.notes.push(format!("it is {}", pod.words()));
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let (object, json) = self.read(context).await?;
        let pod = Pod::of(&json);
        let step = attempt.begin(&json!({ "uid": pod.uid }))?;
        context.progress().stage(&attempt.plan.what);
        let result = match step.cluster() {
            Ok(cluster) => cluster.delete(&object, &pod.uid).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let deed = result.map(|()| Deed {
            summary: format!("{object} deleted, which was {}", pod.words()),
            facts: vec![Fact { label: "pod", value: Cell::from(pod.name.as_str()), note: pod.words() }],
            data: json!({ "pod": pod.name, "uid": pod.uid, "was": pod.json() }),
        });
        attempt.end(step, deed)
    }

    /// The pod is gone by its uid: one of the same name may be there again.
    async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        let object = self.object(context).await?;
        let uid = agreed.target.rsplit(' ').next().unwrap_or_default();
        let cluster = context.cluster()?;
        let mut looks = Looks::new(context, self.within);
        loop {
            let there = match cluster.get(&object).await {
                Err(fault) if fault.kind == Kind::Missing => false,
                Err(fault) if looks.bears(&fault) => true,
                Err(fault) => return Err(fault),
                Ok(json) => object::uid(&json) == uid,
            };
            if !there {
                return Ok(Verified { worked: true, proof: format!("{object} with the uid {uid} is gone") });
            }
            if !looks.again().await {
                let proof = format!("{object} is still there after {}", crate::units::duration(self.within));
                return Ok(Verified { worked: false, proof });
            }
        }
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let object = self.object(context).await?;
        let uid = text(&open.begun["more"], "/uid");
        Ok(match context.cluster()?.get(&object).await {
            Err(fault) if fault.kind == Kind::Missing => Probed::Done(format!("there is no {object}")),
            Err(fault) => return Err(fault),
            Ok(json) if object::uid(&json) != uid => {
                Probed::Done(format!("the {object} of now is another one (uid {})", object::uid(&json)))
            }
            Ok(json) if !text(&json, "/metadata/deletionTimestamp").is_empty() => {
                Probed::Done(format!("{object} is being deleted"))
            }
            Ok(_) => Probed::NotDone(format!("{object} with the uid {uid} is there, and nobody deletes it")),
        })
    }
}
