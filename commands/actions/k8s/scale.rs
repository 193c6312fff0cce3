//! `k8s.scale` and `k8s.update_hpa`: how many pods there are, and how many there may be.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::{patched, planned, probe_value};
use super::name::{Name, Workload};
use super::object::{self, MOST, number, text};
use super::restart::five_minutes;
use super::rollout;
use crate::actions::{Act, Attempt, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Listing, ObjectKind, ObjectName, Part};
use crate::report::{Cell, Fact};
use crate::text::excerpt;

/// How many pods a workload is to have.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scale {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME or statefulset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,

    /// So many pods
    #[arg(long, value_name = "COUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replicas: Option<u32>,

    /// So many more than there are, or (with a minus) fewer
    #[arg(long, value_name = "COUNT", allow_hyphen_values = true, conflicts_with = "replicas")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<i32>,

    /// Never fewer than these
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    #[serde(default = "one")]
    pub at_least: u32,

    /// Never more than these
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    #[serde(default = "hundred")]
    pub at_most: u32,

    /// None at all is meant
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub to_zero: bool,

    /// Seconds that the pods have to be available
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

fn one() -> u32 {
    1
}

fn hundred() -> u32 {
    100
}

impl Scale {
    /// How many there are to be, where there are `now`.
    fn wanted(&self, now: i64) -> Result<i64, Fault> {
        let wanted = match (self.replicas, self.by) {
            (Some(count), None) => i64::from(count),
            (None, Some(by)) => now + i64::from(by),
            _ => return Err(Fault::new(Kind::Usage, "give either replicas or by")),
        };
        let refused = |why: String| Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        if wanted == 0 && self.to_zero {
            return Ok(0);
        }
        if wanted <= 0 {
            return refused(format!("{wanted} pods would be none: say so with --to-zero and --replicas 0"));
        }
        match (i64::from(self.at_least), i64::from(self.at_most)) {
            (least, _) if wanted < least => refused(format!("{wanted} pods are fewer than {least} (--at-least)")),
            (_, most) if wanted > most => refused(format!("{wanted} pods are more than {most} (--at-most)")),
            _ => Ok(wanted),
        }
    }

    async fn object(&self, context: &Context) -> Result<ObjectName, Fault> {
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        Ok(ObjectName::new(self.workload.kind, &space, self.workload.name.as_str()))
    }

    async fn read(&self, context: &Context) -> Result<(ObjectName, Json, i64), Fault> {
        if self.workload.kind == ObjectKind::DaemonSet {
            return Err(Fault::new(Kind::Usage, "a daemon set has one pod on each node, and no number of its own"));
        }
        let (object, json) = object::workload(context, self.namespace.as_ref(), &self.workload).await?;
        let now = replicas(&json);
        Ok((object, json, now))
    }
}

fn replicas(json: &Json) -> i64 {
    json.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1)
}

/// The autoscaler that sets how many pods a workload has; none where none does, or where that may not be read.
async fn autoscaler(context: &Context, of: &ObjectName) -> Result<Option<Json>, Fault> {
    let listing = Listing {
        kind: ObjectKind::Autoscaler,
        namespace: Some(of.namespace.clone()),
        labels: String::new(),
        fields: String::new(),
        most: MOST,
    };
    let listed = context.cluster()?.list(&listing).await?;
    let of_it = |one: &Json| {
        text(one, "/spec/scaleTargetRef/name") == of.name
            && text(one, "/spec/scaleTargetRef/kind").eq_ignore_ascii_case(of.kind.word())
    };
    Ok(listed.items.into_iter().find(of_it))
}

#[async_trait]
impl Act for Scale {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("k8s.rollout_status", "wanted")]
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at {}", self.workload));
        let (object, _, now) = self.read(context).await?;
        let wanted = self.wanted(now)?;
        let mut notes = Vec::new();
        match autoscaler(context, &object).await {
            Ok(None) => {}
            Ok(Some(by)) => {
                let name = excerpt(object::name(&by), 253);
                let (least, most) = (number(&by, "/spec/minReplicas").max(1), number(&by, "/spec/maxReplicas"));
                if wanted < least || wanted > most {
                    return Err(Fault::new(
                        Kind::Failed,
                        format!("the autoscaler {name} keeps {object} between {least} and {most} pods"),
                    )
                    .hint("change that with k8s.update_hpa; nothing was done"));
                }
                notes.push(format!("the autoscaler {name} may change it again ({least} to {most})"));
            }
            Err(fault) if fault.kind == Kind::Denied => {
                notes.push("whether an autoscaler would change it again may not be read".to_owned());
            }
            Err(fault) => return Err(fault),
        }
        let change = Change::new(format!("pods of {object}"), now.to_string(), wanted.to_string());
        let what = format!("scale {object} to {wanted}");
        let mut plan = planned(context, "k8s.scale", &object, what, vec![change], self.taken_back()).await?;
        let space = &object.namespace;
        notes.push(format!(
            "taken back by: ira act k8s.scale --namespace {space} --workload {} --replicas {now}",
            self.workload
        ));
        plan.notes = notes;
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let (object, json, now) = self.read(attempt.context).await?;
        let wanted = self.wanted(now)?;
        let told = |_: &Json| Deed {
            summary: format!("{object}: {now} → {wanted} pods"),
            facts: vec![Fact {
                label: "pods",
                value: Cell::from(format!("{now} → {wanted}")),
                note: object.to_string(),
            }],
            data: json!({ "before": now, "after": wanted }),
        };
        let patch = json!({ "spec": { "replicas": wanted } });
        let more = json!({ "before": now, "after": wanted });
        patched(attempt, &object, &json, Part::Scale, patch, &more, told).await
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        rollout::verify(context, &self.object(context).await?, self.within).await
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let object = self.object(context).await?;
        let now = context.cluster()?.get(&object).await?;
        Ok(probe_value(&object, "the number of pods", &json!(replicas(&now)), open))
    }
}

/// Between how many pods an autoscaler may choose.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdateHpa {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// The autoscaler
    #[arg(long, value_name = "NAME")]
    pub hpa: Name,

    /// The fewest pods that it may choose
    #[arg(long, value_name = "COUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,

    /// The most pods that it may choose
    #[arg(long, value_name = "COUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,

    /// Neither is ever to be below this
    #[arg(long, value_name = "COUNT", default_value_t = 1)]
    #[serde(default = "one")]
    pub at_least: u32,

    /// Neither is ever to be above this
    #[arg(long, value_name = "COUNT", default_value_t = 100)]
    #[serde(default = "hundred")]
    pub at_most: u32,
}

fn bounds(json: &Json) -> (i64, i64) {
    (number(json, "/spec/minReplicas").max(1), number(json, "/spec/maxReplicas"))
}

impl UpdateHpa {
    fn wanted(&self, (min, max): (i64, i64)) -> Result<(i64, i64), Fault> {
        if self.min.is_none() && self.max.is_none() {
            return Err(Fault::new(Kind::Usage, "give at least one of min and max"));
        }
        let wanted = (self.min.map_or(min, i64::from), self.max.map_or(max, i64::from));
        let refused = |why: String| Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        let (least, most) = (i64::from(self.at_least), i64::from(self.at_most));
        if wanted.0 > wanted.1 {
            return refused(format!("{} to {} pods is no range", wanted.0, wanted.1));
        }
        // What is left as it is was somebody else's decision.
        for bound in [self.min.map(i64::from), self.max.map(i64::from)].into_iter().flatten() {
            if bound < least || bound > most {
                return refused(format!("{bound} pods are not between {least} and {most} (--at-least, --at-most)"));
            }
        }
        Ok(wanted)
    }

    async fn read(&self, context: &Context) -> Result<(ObjectName, Json), Fault> {
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        let object = ObjectName::new(ObjectKind::Autoscaler, &space, self.hpa.as_str());
        let json = context.cluster()?.get(&object).await?;
        Ok((object, json))
    }
}

#[async_trait]
impl Act for UpdateHpa {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at the autoscaler {}", self.hpa));
        let (object, json) = self.read(context).await?;
        let now = bounds(&json);
        let wanted = self.wanted(now)?;
        let range = |(min, max): (i64, i64)| format!("{min} to {max} pods");
        let change = Change::new(object.to_string(), range(now), range(wanted));
        let what = format!("let {object} choose {}", range(wanted));
        let mut plan = planned(context, "k8s.update_hpa", &object, what, vec![change], self.taken_back()).await?;
        let of = excerpt(text(&json, "/spec/scaleTargetRef/name"), 253);
        plan.notes.push(format!("it has {} pods of {of} now", number(&json, "/status/currentReplicas")));
        plan.notes.push(format!(
            "taken back by: ira act k8s.update_hpa --namespace {} --hpa {} --min {} --max {}",
            object.namespace, self.hpa, now.0, now.1
        ));
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let (object, json) = self.read(attempt.context).await?;
        let now = bounds(&json);
        let wanted = self.wanted(now)?;
        let data = json!({ "before": [now.0, now.1], "after": [wanted.0, wanted.1] });
        let told = |_: &Json| Deed {
            summary: attempt.plan.what.clone(),
            facts: vec![Fact {
                label: "autoscaler",
                value: Cell::from(object.name.as_str()),
                note: attempt.plan.what.clone(),
            }],
            data: data.clone(),
        };
        let patch = json!({ "spec": { "minReplicas": wanted.0, "maxReplicas": wanted.1 } });
        patched(attempt, &object, &json, Part::Object, patch, &data, told).await
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        let (object, json) = self.read(context).await?;
        let (min, max) = bounds(&json);
        let as_wanted = self.min.is_none_or(|wanted| i64::from(wanted) == min)
            && self.max.is_none_or(|wanted| i64::from(wanted) == max);
        Ok(Verified { worked: as_wanted, proof: format!("{object} chooses {min} to {max} pods") })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let (object, json) = self.read(context).await?;
        let (min, max) = bounds(&json);
        Ok(probe_value(&object, "the range", &json!([min, max]), open))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scale(replicas: Option<u32>, by: Option<i32>, to_zero: bool) -> Scale {
        let workload = "web".parse().expect("a workload");
        Scale { namespace: None, workload, replicas, by, at_least: 2, at_most: 5, to_zero, within: 1 }
    }

    #[test]
    fn pods_stay_within_their_bounds_and_none_at_all_is_only_meant_where_it_is_said() {
        assert_eq!(scale(Some(3), None, false).wanted(2).ok(), Some(3));
        assert_eq!(scale(None, Some(1), false).wanted(2).ok(), Some(3));
        assert_eq!(scale(Some(0), None, true).wanted(2).ok(), Some(0));
        for (replicas, by, to_zero, now) in [
            (Some(6), None, false, 2),
            (Some(1), None, false, 2),
            (Some(0), None, false, 2),
            (None, Some(-3), false, 3),
            (None, Some(-4), true, 3),
            (None, Some(1), false, 5),
            (None, None, false, 5),
        ] {
            assert!(scale(replicas, by, to_zero).wanted(now).is_err(), "{replicas:?} {by:?} {now}");
        }
    }

    #[test]
    fn a_range_is_changed_within_a_range() {
        let hpa = |min, max| UpdateHpa {
            namespace: None,
            hpa: "web".parse().expect("a name"),
            min,
            max,
            at_least: 1,
            at_most: 10,
        };
        assert_eq!(hpa(None, Some(8)).wanted((2, 4)).ok(), Some((2, 8)));
        assert!(hpa(None, Some(11)).wanted((2, 4)).is_err());
        assert!(hpa(Some(5), None).wanted((2, 4)).is_err(), "above the most");
        assert!(hpa(Some(0), None).wanted((2, 4)).is_err());
    }
}
