//! `k8s.drain`: a node takes no new pods, and those that it has are asked to go, as far as disruption budgets allow.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::planned;
use super::name::Name;
use super::node::{health, is_cordoned};
use super::object::{MOST, controller, items, name, text, uid, version};
use crate::actions::looks::Looks;
use crate::actions::{Act, Action, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open, Step};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Evicted, Listing, ObjectKind, ObjectName, Part};
use crate::report::{Cell, Fact};
use crate::text::excerpt;
use crate::units;

/// Which node, and what may be lost.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Drain {
    /// The node
    #[arg(long, value_name = "NAME")]
    pub node: Name,

    /// Also pods that keep data on the node (emptyDir): it is lost
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub delete_local_data: bool,

    /// Also pods that no controller makes again
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub bare: bool,

    /// Seconds that the pods have to be gone; budgets are waited for
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "super::restart::five_minutes")]
    pub within: u64,
}

/// The pods of a node that have to go, and what keeps them from it.
struct Leaving {
    pods: Vec<Json>,
    stays: usize,
    refused: Vec<String>,
}

fn label(pod: &Json) -> String {
    format!("{}/{}", excerpt(text(pod, "/metadata/namespace"), 253), excerpt(name(pod), 253))
}

impl Drain {
    async fn leaving(&self, context: &Context) -> Result<Leaving, Fault> {
        let listing = Listing {
            kind: ObjectKind::Pod,
            namespace: None,
            labels: String::new(),
            fields: format!("spec.nodeName={}", self.node),
            most: MOST,
        };
        let listed = context.cluster()?.list(&listing).await?;
        let mut leaving = Leaving { pods: Vec::new(), stays: 0, refused: Vec::new() };
        for pod in listed.items {
            let owner = controller(&pod).map(|(kind, _, _)| kind.to_owned());
            let mirrored = pod["metadata"]["annotations"]["kubernetes.io/config.mirror"].is_string();
            if mirrored || owner.as_deref() == Some("DaemonSet") {
                leaving.stays += 1;
                continue;
            }
            let ended = matches!(text(&pod, "/status/phase"), "Succeeded" | "Failed");
            if owner.is_none() && !ended && !self.bare {
                leaving.refused.push(format!("{} belongs to no controller (--bare)", label(&pod)));
            }
            let local = items(&pod, "/spec/volumes").any(|volume| volume.get("emptyDir").is_some());
            if local && !ended && !self.delete_local_data {
                leaving.refused.push(format!("{} keeps data on the node (--delete-local-data)", label(&pod)));
            }
            leaving.pods.push(pod);
        }
        leaving.pods.sort_by_key(label);
        Ok(leaving)
    }

    /// Asks every pod to go, until all are gone or the time is over. Gives how many went.
    async fn evict(&self, context: &Context, step: &Step<'_>) -> Result<usize, Broken> {
        let before = |fault| Broken::amid(fault);
        let mut gone = std::collections::BTreeSet::new();
        let mut held = Vec::new();
        let mut looks = Looks::new(context, self.within);
        loop {
            let leaving = self.leaving(context).await.map_err(before)?;
            let pods: Vec<&Json> = leaving.pods.iter().collect();
            if pods.is_empty() {
                return Ok(gone.len());
            }
            held.clear();
            for pod in &pods {
                gone.insert(uid(pod).to_owned());
                if !text(pod, "/metadata/deletionTimestamp").is_empty() {
                    held.push(format!("{} is going", label(pod)));
                    continue;
                }
                let object = ObjectName::new(ObjectKind::Pod, text(pod, "/metadata/namespace"), name(pod));
                match step.cluster().map_err(before)?.evict(&object, uid(pod)).await {
                    Ok(Evicted::Going) => held.push(format!("{} is going", label(pod))),
                    Ok(Evicted::Gone) => {}
                    Ok(Evicted::Held(why)) => held.push(format!("{}: {}", label(pod), excerpt(&why, 160))),
                    // To ask once more that a pod of this uid go does no harm.
                    Err(broken) if broken.fault.kind.retryable() => {
                        held.push(format!("{}: {}", label(pod), broken.fault.message));
                    }
                    Err(broken) => {
                        return Err(Broken::amid(broken.fault.wrap(format!("{} was not evicted", label(pod)))));
                    }
                }
            }
            context.progress().stage(&format!(
                "{} of {} pods of {} are gone",
                gone.len() - pods.len(),
                gone.len(),
                self.node
            ));
            if !looks.again().await {
                break;
            }
        }
        let mut fault = Fault::new(
            Kind::Timeout,
            format!("after {} {} pods are still on node {}", units::duration(self.within), held.len(), self.node),
        );
        for why in held.iter().take(8) {
            fault = fault.because(why.clone());
        }
        Err(Broken::amid(fault.hint("the node takes no new pods; k8s.uncordon lets it take them again")))
    }
}

#[async_trait]
impl Act for Drain {
    fn effect(&self) -> Effect {
        // Each pod is asked to go by its uid: to ask again changes nothing.
        Effect::Idempotent
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        super::node::SETS_CORDON
    }

    fn undo(&self) -> Option<Action> {
        Some(Action::K8sUncordon(super::Uncordon { node: self.node.clone() }))
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at node {} and its pods", self.node));
        let object = ObjectName::node(self.node.as_str());
        let json = context.cluster()?.get(&object).await?;
        let leaving = self.leaving(context).await?;
        if let Some(first) = leaving.refused.first() {
            let mut fault = Fault::new(Kind::Failed, format!("node {} cannot be drained: {first}", self.node));
            for more in leaving.refused.iter().skip(1).take(8) {
                fault = fault.because(more.clone());
            }
            return Err(fault.hint("nothing was done"));
        }
        let cordoned = if is_cordoned(&json) { "takes no new pods" } else { "takes new pods" };
        let mut changes = vec![Change::new(object.to_string(), cordoned, "takes no new pods")];
        changes.extend(leaving.pods.iter().map(|pod| Change::new(format!("pod {}", label(pod)), "here", "evicted")));
        let what = format!("drain {object} of {} pods", leaving.pods.len());
        let mut plan = planned(context, "k8s.drain", &object, what, changes, self.taken_back()).await?;
        plan.effect = self.effect();
        plan.notes.push(format!("it is {}", health(&json)));
        if leaving.stays > 0 {
            plan.notes.push(format!("{} pods of daemon sets, or of the node itself, stay", leaving.stays));
        }
        plan.notes.push(format!(
            "taken back by: ira act k8s.uncordon --node {}; the pods stay where they are then",
            self.node
        ));
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let object = ObjectName::node(self.node.as_str());
        let json = context.cluster()?.get(&object).await?;
        let step = attempt.begin(&json!({ "cordoned": is_cordoned(&json) }))?;
        context.progress().stage(&attempt.plan.what);
        let done = async {
            if !is_cordoned(&json) {
                let patch =
                    json!({ "metadata": { "resourceVersion": version(&json) }, "spec": { "unschedulable": true } });
                let cluster = step.cluster().map_err(Broken::before)?;
                cluster.patch(&object, Part::Object, &patch).await?;
            }
            self.evict(context, &step).await
        };
        let deed = done.await.map(|count| Deed {
            summary: format!("{count} pods left node {}", self.node),
            facts: vec![Fact {
                label: "node",
                value: Cell::from(self.node.as_str()),
                note: format!("{count} pods left"),
            }],
            data: json!({ "node": self.node, "pods": count }),
        });
        attempt.end(step, deed)
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        let object = ObjectName::node(self.node.as_str());
        let json = context.cluster()?.get(&object).await?;
        let left = self.leaving(context).await?.pods.len();
        let word = if is_cordoned(&json) { "takes no new pods" } else { "takes new pods again" };
        Ok(Verified {
            worked: left == 0 && is_cordoned(&json),
            proof: format!("{object} {word} and has {left} to leave"),
        })
    }

    async fn probe(&self, context: &Context, _: &Open) -> Result<Probed, Fault> {
        let object = ObjectName::node(self.node.as_str());
        let json = context.cluster()?.get(&object).await?;
        let left = self.leaving(context).await?.pods.len();
        Ok(match (is_cordoned(&json), left) {
            (true, 0) => Probed::Done(format!("{object} takes no new pods and has none to leave")),
            (true, _) => Probed::NotDone(format!("{object} takes no new pods, and {left} have yet to leave")),
            (false, _) => Probed::NotDone(format!("{object} takes new pods")),
        })
    }
}
