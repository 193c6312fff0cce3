//! `k8s.pod_status`, `k8s.rollout_status`, `k8s.rollout_history`: how a workload and its pods stand.

use async_trait::async_trait;
use serde_json::json;

use super::name::{Name, Workload};
use super::object::{self, MOST, name, uid};
use super::pod::{Pod, table};
use super::revision;
use super::rollout::Rollout;
use crate::actions::Look;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Listing, ObjectKind, ObjectName};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::units;

/// Which pods.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PodStatus {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// One pod
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pod: Option<Name>,

    /// Those of deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME", conflicts_with = "pod")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workload: Option<Workload>,

    /// Those of the controller of a pod of this name, which may be gone by now
    #[arg(long, value_name = "POD", conflicts_with_all = ["pod", "workload"])]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub like: Option<Name>,

    /// Those with these labels: app=web,tier!=cache
    #[arg(long, value_name = "LABELS", conflicts_with_all = ["pod", "workload", "like"])]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub selector: Option<String>,
}

/// A report of one section, whose exit says whether all is well.
pub(super) fn report(
    status: Status,
    headline: String,
    facts: Vec<Fact>,
    tables: Vec<Table>,
    data: serde_json::Value,
) -> Report {
    let outcome = if matches!(status, Status::Ok | Status::Info) { Outcome::Well } else { Outcome::Problem };
    Report {
        sections: vec![Section { status, headline, advice: String::new(), facts, tables }],
        next: Vec::new(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome,
    }
}

pub(super) fn fact(label: &'static str, value: impl Into<Cell>) -> Fact {
    Fact { label, value: value.into(), note: String::new() }
}

#[async_trait]
impl Look for PodStatus {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let cluster = context.cluster()?;
        let place = cluster.place().await?;
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        context.progress().stage("reading pods");
        let list = async |labels: &str| {
            let listing = Listing {
                kind: ObjectKind::Pod,
                namespace: Some(space.clone()),
                labels: labels.to_owned(),
                fields: String::new(),
                most: MOST,
            };
            Ok::<_, Fault>(cluster.list(&listing).await?.items)
        };
        let (of, found) = match (&self.pod, &self.workload, &self.like, &self.selector) {
            (Some(pod), None, None, None) => {
                let object = ObjectName::new(ObjectKind::Pod, &space, pod.as_str());
                (object.to_string(), vec![cluster.get(&object).await?])
            }
            (None, Some(workload), None, None) => {
                let object = ObjectName::new(workload.kind, &space, workload.name.as_str());
                let json = cluster.get(&object).await?;
                (object.to_string(), object::pods(context, &object, &json).await?)
            }
            (None, None, Some(pod), None) => {
                // A controller names its pods after itself: web-7f465958db-mhddc, db-0.
                let owner = pod.as_str().rsplit_once('-').map_or(pod.as_str(), |(owner, _)| owner);
                let of_it = |one: &serde_json::Value| object::controller(one).is_some_and(|(_, name, _)| name == owner);
                let all = list("").await?;
                (format!("{space}/{owner}"), all.into_iter().filter(of_it).collect())
            }
            (None, None, None, Some(labels)) if !labels.trim().is_empty() => {
                (format!("{space}, {labels}"), list(labels).await?)
            }
            _ => return Err(Fault::new(Kind::Usage, "give one of pod, workload, like and selector")),
        };
        let pods: Vec<Pod> = found.iter().map(Pod::of).collect();
        let ready = pods.iter().filter(|pod| pod.ready || pod.ended).count();
        let worst = pods.iter().max_by_key(|pod| (pod.level(), pod.restarts));
        let restarts: i64 = pods.iter().map(|pod| pod.restarts).sum();
        let (status, headline) = match worst {
            None => (Status::Warn, format!("There are no pods of {of} on {place}.")),
            Some(worst) if pods.len() == 1 => (worst.level(), format!("{of} on {place} is {}.", worst.words())),
            Some(worst) if worst.level() == Status::Ok => {
                (Status::Ok, format!("All {ready} pods of {of} on {place} are ready."))
            }
            Some(worst) => {
                let many = pods.len();
                (
                    worst.level(),
                    format!(
                        "{ready} of {many} pods of {of} on {place} are ready; {} is {}.",
                        worst.name,
                        worst.words()
                    ),
                )
            }
        };
        let data = json!({
            "place": place,
            "namespace": space,
            "pods": pods.iter().map(Pod::json).collect::<Vec<_>>(),
            "count": pods.len(),
            "ready": ready,
            "sick": pods.len() - ready,
            "restarts": restarts,
            "youngest_restarts": pods.iter().max_by_key(|pod| pod.since).map(|pod| pod.restarts),
            "state": worst.map(|pod| &pod.state),
            "worst": worst.map(|pod| &pod.name),
            "uid": worst.map(|pod| &pod.uid),
            "last_reason": worst.and_then(|pod| pod.last.as_ref()).map(|(reason, _)| reason),
        });
        Ok(report(status, headline, Vec::new(), vec![table(context, &pods)], data))
    }
}

/// Whose rollout.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RolloutStatus {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,
}

#[async_trait]
impl Look for RolloutStatus {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let place = context.cluster()?.place().await?;
        context.progress().stage(&format!("looking at {}", self.workload));
        let (object, json) = object::workload(context, self.namespace.as_ref(), &self.workload).await?;
        let now = Rollout::of(object.kind, &json);
        let mut facts = vec![
            fact("wanted", now.wanted.to_string()),
            fact("newest revision", now.updated.to_string()),
            fact("ready", now.ready.to_string()),
            fact("available", now.available.to_string()),
        ];
        if let Some(why) = &now.stuck {
            facts.push(fact("goes no further", why.as_str()));
        }
        let mut data = now.json();
        data["place"] = json!(place);
        data["uid"] = json!(uid(&json));
        let headline = format!("{object} on {place}: {}.", now.words);
        let mut report = report(now.level(), headline, facts, Vec::new(), data);
        if now.stuck.is_some() {
            report.next.push(format!(
                "ira act k8s.rollout_history --namespace {} --workload {}",
                object.namespace, self.workload
            ));
        }
        Ok(report)
    }
}

/// Whose revisions.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RolloutHistory {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,
}

#[async_trait]
impl Look for RolloutHistory {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let place = context.cluster()?.place().await?;
        context.progress().stage(&format!("reading the revisions of {}", self.workload));
        let (object, json) = object::workload(context, self.namespace.as_ref(), &self.workload).await?;
        let all = revision::all(context, &object, &json).await?;
        let age = |since: Option<u64>| since.map(|since| context.now().saturating_sub(since));
        let row = |one: &revision::Revision| {
            vec![
                Cell::from(one.number.to_string()),
                Cell::from(age(one.since).map(units::duration).unwrap_or_default()),
                Cell::from(one.images.join(", ")),
                Cell::from(one.cause.as_str()),
            ]
        };
        let table = Table {
            columns: vec!["revision", "age", "images", "why"],
            rows: all.iter().map(row).collect(),
            ..Table::default()
        };
        let newest = all.first();
        let data = json!({
            "place": place,
            "workload": name(&json),
            "revisions": all.iter().map(revision::Revision::json).collect::<Vec<_>>(),
            "current": newest.map(|one| one.number),
            "previous": all.get(1).map(|one| one.number),
            "age": newest.and_then(|one| age(one.since)),
        });
        let when = newest
            .and_then(|one| age(one.since))
            .map_or(String::new(), |age| format!(", {} old", units::duration(age)));
        let words = newest.map(revision::Revision::words).unwrap_or_default();
        let headline = format!("{object} on {place} is at {words}{when}, with {} in all.", all.len());
        Ok(report(Status::Info, headline, Vec::new(), vec![table], data))
    }
}
