//! `k8s.node_status`, `k8s.cordon`, `k8s.uncordon`: how a node is, and whether it takes new pods.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::{patched, planned, probe_value};
use super::name::Name;
use super::object::{condition, items, text};
use super::status::{fact, report};
use crate::actions::{Act, Action, Attempt, Change, Deed, Look, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::Fault;
use crate::ports::cluster::{ObjectName, Part};
use crate::report::{Cell, Fact, Report, Status};
use crate::text::excerpt;

/// Which node.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct NodeStatus {
    /// The node
    #[arg(long, value_name = "NAME")]
    pub node: Name,
}

#[async_trait]
impl Look for NodeStatus {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let cluster = context.cluster()?;
        let place = cluster.place().await?;
        context.progress().stage(&format!("looking at node {}", self.node));
        let object = ObjectName::node(self.node.as_str());
        let json = cluster.get(&object).await?;
        let ready = condition(&json, "Ready").is_some_and(|(status, _)| status == "True");
        let cordoned = is_cordoned(&json);
        // DiskPressure and its like are well when they are false.
        let pressed = items(&json, "/status/conditions")
            .filter(|one| text(one, "/type") != "Ready" && text(one, "/status") == "True")
            .map(|one| excerpt(text(one, "/type"), 60));
        let pressed: Vec<String> = pressed.collect();
        let level = match (ready, cordoned || !pressed.is_empty()) {
            (false, _) => Status::Critical,
            (true, true) => Status::Warn,
            (true, false) => Status::Ok,
        };
        let mut facts = vec![fact("health", health(&json)), fact("pods", word(cordoned))];
        facts.extend(pressed.iter().map(|one| fact("pressure", one.as_str())));
        let headline = format!("{object} on {place} is {} and {}.", health(&json), word(cordoned));
        let data = json!({
            "place": place,
            "node": self.node,
            "ready": ready,
            "cordoned": cordoned,
            "pressure": pressed,
            "reason": condition(&json, "Ready").map(|(_, reason)| excerpt(reason, 60)),
        });
        Ok(report(level, headline, facts, Vec::new(), data))
    }
}

/// Which node.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Cordon {
    /// The node
    #[arg(long, value_name = "NAME")]
    pub node: Name,
}

/// Which node.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Uncordon {
    /// The node
    #[arg(long, value_name = "NAME")]
    pub node: Name,
}

pub(super) fn is_cordoned(node: &Json) -> bool {
    node.pointer("/spec/unschedulable") == Some(&json!(true))
}

fn word(cordoned: bool) -> &'static str {
    if cordoned { "takes no new pods" } else { "takes new pods" }
}

/// `Ready`, or what it is instead.
pub(super) fn health(node: &Json) -> String {
    match condition(node, "Ready") {
        Some(("True", _)) => "ready".to_owned(),
        Some((status, reason)) => format!("not ready ({status}, {reason})"),
        None => "of unknown health".to_owned(),
    }
}

async fn plan(context: &Context, action: &'static str, node: &Name, cordon: bool) -> Result<Plan, Fault> {
    context.progress().stage(&format!("looking at node {node}"));
    let object = ObjectName::node(node.as_str());
    let json = context.cluster()?.get(&object).await?;
    let change = Change::new(object.to_string(), word(is_cordoned(&json)), word(cordon));
    let what = format!("{} {object}", if cordon { "cordon" } else { "uncordon" });
    let mut plan = planned(context, action, &object, what, vec![change], TakenBack::Undo).await?;
    plan.notes.push(format!("it is {}", health(&json)));
    Ok(plan)
}

async fn carry_out(attempt: &Attempt<'_>, node: &Name, cordon: bool) -> Result<Deed, Fault> {
    let object = ObjectName::node(node.as_str());
    let json = attempt.context.cluster()?.get(&object).await?;
    let told = |_: &Json| Deed {
        summary: attempt.plan.what.clone(),
        facts: vec![Fact { label: "node", value: Cell::from(node.as_str()), note: word(cordon).to_owned() }],
        data: json!({ "node": node, "cordoned": cordon, "was": is_cordoned(&json) }),
    };
    let patch = json!({ "spec": { "unschedulable": if cordon { json!(true) } else { Json::Null } } });
    let more = json!({ "before": is_cordoned(&json), "after": cordon });
    patched(attempt, &object, &json, Part::Object, patch, &more, told).await
}

async fn verify(context: &Context, node: &Name, cordon: bool) -> Result<Verified, Fault> {
    let object = ObjectName::node(node.as_str());
    let now = is_cordoned(&context.cluster()?.get(&object).await?);
    Ok(Verified { worked: now == cordon, proof: format!("{object} {}", word(now)) })
}

/// That a node takes no new pods, or takes them again, is what these set themselves; whether it is ready is not.
pub(super) const SETS_CORDON: &[(&str, &str)] = &[("k8s.node_status", "cordoned")];

macro_rules! cordons {
    ($($args:ident $name:literal $cordon:literal $undo:ident $back:ident;)*) => {$(
        #[async_trait]
        impl Act for $args {
            fn effect(&self) -> Effect {
                Effect::Once
            }

            fn taken_back(&self) -> TakenBack {
                TakenBack::Undo
            }

            fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
                SETS_CORDON
            }

            fn undo(&self) -> Option<Action> {
                Some(Action::$undo($back { node: self.node.clone() }))
            }

            async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
                plan(context, $name, &self.node, $cordon).await
            }

            async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
                carry_out(attempt, &self.node, $cordon).await
            }

            async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
                verify(context, &self.node, $cordon).await
            }

            async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
                let object = ObjectName::node(self.node.as_str());
                let now = is_cordoned(&context.cluster()?.get(&object).await?);
                Ok(probe_value(&object, "being cordoned", &json!(now), open))
            }
        }
    )*};
}

cordons! {
    Cordon "k8s.cordon" true K8sUncordon Uncordon;
    Uncordon "k8s.uncordon" false K8sCordon Cordon;
}
