//! `k8s.top`: what pods use of what they may.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::name::{Name, Workload};
use super::object::{self, items, name, text};
use super::quantity::value;
use super::status::report;
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::cluster::ObjectKind;
use crate::report::{Cell, Report, Status, Table};
use crate::text::excerpt;
use crate::units;

/// Whose pods.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Top {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,
}

/// What one pod uses, and may use at most.
struct Used {
    pod: String,
    cpu: f64,
    memory: f64,
    cpu_limit: Option<f64>,
    memory_limit: Option<f64>,
}

impl Used {
    fn of(pod: &Json, usage: &Json) -> Self {
        let used = |what: &str| {
            items(usage, "/containers").filter_map(|one| value(text(one, &format!("/usage/{what}")))).sum::<f64>()
        };
        // With one container that has no limit the pod has none.
        let limit = |what: &str| {
            items(pod, "/spec/containers").map(|one| value(text(one, &format!("/resources/limits/{what}")))).sum()
        };
        Self {
            pod: excerpt(name(pod), 253),
            cpu: used("cpu"),
            memory: used("memory"),
            cpu_limit: limit("cpu"),
            memory_limit: limit("memory"),
        }
    }

    fn share(used: f64, limit: Option<f64>) -> Option<f64> {
        limit.filter(|limit| *limit > 0.0).map(|limit| used / limit)
    }

    fn json(&self) -> Json {
        json!({
            "name": self.pod,
            "cpu": self.cpu,
            "memory": self.memory,
            "cpu_share": Self::share(self.cpu, self.cpu_limit),
            "memory_share": Self::share(self.memory, self.memory_limit),
        })
    }
}

fn mebibytes(bytes: f64) -> String {
    format!("{:.0} MiB", bytes / 1_048_576.0)
}

#[async_trait]
impl Look for Top {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let cluster = context.cluster()?;
        let place = cluster.place().await?;
        context.progress().stage(&format!("reading what {} uses", self.workload));
        let (object, json) = object::workload(context, self.namespace.as_ref(), &self.workload).await?;
        let pods = object::pods(context, &object, &json).await?;
        let labels = object::selector(&json, &object)?;
        let usage = cluster.usage(ObjectKind::Pod, Some(&object.namespace), &labels).await?;
        let of = |pod: &Json| usage.iter().find(|one| name(one) == name(pod)).map(|usage| Used::of(pod, usage));
        let mut all: Vec<Used> = pods.iter().filter_map(of).collect();
        all.sort_by(|a, b| b.memory.total_cmp(&a.memory));
        let most = |share: fn(&Used) -> Option<f64>| all.iter().filter_map(share).reduce(f64::max);
        let memory = most(|one| Used::share(one.memory, one.memory_limit));
        let cpu = most(|one| Used::share(one.cpu, one.cpu_limit));
        let percent =
            |share: Option<f64>| share.map_or_else(|| "no limit".to_owned(), |share| units::percent(share * 100.0));
        let row = |one: &Used| {
            vec![
                Cell::from(one.pod.as_str()),
                Cell::from(format!("{:.0}m", one.cpu * 1000.0)),
                Cell::from(percent(Used::share(one.cpu, one.cpu_limit))),
                Cell::from(mebibytes(one.memory)),
                Cell::from(percent(Used::share(one.memory, one.memory_limit))),
            ]
        };
        let table = Table {
            columns: vec!["pod", "CPU", "of its limit", "memory", "of its limit"],
            rows: all.iter().map(row).collect(),
            ..Table::default()
        };
        let headline = match all.len() {
            0 => format!("Nothing is known yet of what the pods of {object} on {place} use."),
            _ => format!(
                "{object} on {place}: the fullest of {} pods uses {} of its memory and {} of its CPU.",
                all.len(),
                percent(memory),
                percent(cpu)
            ),
        };
        let data = json!({
            "place": place,
            "pods": all.iter().map(Used::json).collect::<Vec<_>>(),
            "count": all.len(),
            "memory_share": memory,
            "cpu_share": cpu,
            "fullest": all.first().map(|one| &one.pod),
        });
        Ok(report(Status::Info, headline, Vec::new(), vec![table], data))
    }
}
