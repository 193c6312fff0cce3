//! `k8s.events`, `k8s.logs`: what the cluster and the containers said.

use async_trait::async_trait;
use serde_json::json;

use super::name::Name;
use super::object::{self, MOST, number, text};
use super::status::{fact, report};
use crate::actions::Look;
use crate::context::Context;
use crate::date;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Listing, LogAsk, ObjectKind, ObjectName};
use crate::report::{Cell, Report, Status, Table};
use crate::text::excerpt;
use crate::units;

/// Whose events.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Events {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// Of the object of this name alone: pod/web-1, deployment/web, node/n1
    #[arg(long, value_name = "KIND/NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<String>,

    /// The newest so many
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=500))]
    #[serde(default = "twenty")]
    pub most: u32,
}

fn twenty() -> u32 {
    20
}

/// The kinds of object that events are asked for, as the API spells them.
const KINDS: [(&str, &str); 7] = [
    ("pod", "Pod"),
    ("node", "Node"),
    ("deployment", "Deployment"),
    ("statefulset", "StatefulSet"),
    ("daemonset", "DaemonSet"),
    ("replicaset", "ReplicaSet"),
    ("horizontalpodautoscaler", "HorizontalPodAutoscaler"),
];

impl Events {
    fn fields(&self) -> Result<(String, bool), Fault> {
        let Some(of) = &self.of else { return Ok((String::new(), false)) };
        let (kind, name) = of.split_once('/').unwrap_or(("pod", of));
        let known = KINDS.iter().find(|(word, _)| kind.eq_ignore_ascii_case(word));
        let Some((_, kind)) = known else {
            let words: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
            return Err(Fault::new(Kind::Usage, format!("`{}` is no kind of object", excerpt(kind, 40)))
                .hint(format!("one of {}", words.join(", "))));
        };
        let name: Name = name.parse().map_err(|why: String| Fault::new(Kind::Usage, why))?;
        Ok((format!("involvedObject.kind={kind},involvedObject.name={name}"), *kind == "Node"))
    }
}

#[async_trait]
impl Look for Events {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let (fields, of_node) = self.fields()?;
        let cluster = context.cluster()?;
        let place = cluster.place().await?;
        // Those of a node are kept in the namespace `default`, wherever one looks from.
        let space = match &self.namespace {
            None if of_node => "default".to_owned(),
            named => object::namespace(context, named.as_ref()).await?,
        };
        context.progress().stage("reading events");
        let listing = Listing {
            kind: ObjectKind::Event,
            namespace: Some(space.clone()),
            labels: String::new(),
            fields,
            most: MOST,
        };
        let listed = cluster.list(&listing).await?;
        let moment = |event: &serde_json::Value| {
            ["/lastTimestamp", "/eventTime", "/metadata/creationTimestamp"]
                .iter()
                .find_map(|at| date::moment(text(event, at)))
                .unwrap_or_default()
        };
        let mut events = listed.items;
        events.sort_by_key(|event| std::cmp::Reverse(moment(event)));
        events.truncate(self.most as usize);
        let warnings = events.iter().filter(|event| text(event, "/type") == "Warning").count();
        let told = |event: &serde_json::Value| {
            let kind = text(event, "/involvedObject/kind").to_lowercase();
            json!({
                "at": moment(event),
                "type": excerpt(text(event, "/type"), 40),
                "reason": excerpt(text(event, "/reason"), 80),
                "object": format!("{kind}/{}", excerpt(text(event, "/involvedObject/name"), 253)),
                "count": number(event, "/count").max(1),
                "message": excerpt(text(event, "/message"), 400),
            })
        };
        let data: Vec<_> = events.iter().map(told).collect();
        let row = |event: &serde_json::Value| {
            let age = units::duration(context.now().saturating_sub(event["at"].as_u64().unwrap_or_default()));
            let level = if event["type"] == "Warning" { Status::Warn } else { Status::Ok };
            let cell = |name: &str| Cell::from(event[name].as_str().unwrap_or_default());
            vec![
                Cell::from(age),
                cell("type").coloured(level),
                cell("reason"),
                cell("object"),
                Cell::from(event["count"].to_string()),
                cell("message"),
            ]
        };
        let table = Table {
            columns: vec!["age", "type", "reason", "object", "count", "message"],
            rows: data.iter().map(row).collect(),
            ..Table::default()
        };
        let of = self.of.as_deref().map_or_else(|| space.clone(), |of| format!("{of} in {space}"));
        let headline = format!("{} events of {of} on {place}, {warnings} of them warnings.", data.len());
        let data =
            json!({ "place": place, "namespace": space, "events": data, "warnings": warnings, "more": listed.more });
        Ok(report(Status::Info, headline, Vec::new(), vec![table], data))
    }
}

/// Whose log.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Logs {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// The pod
    #[arg(long, value_name = "NAME")]
    pub pod: Name,

    /// The container; the only one where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,

    /// So many lines from its end
    #[arg(long, value_name = "COUNT", default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=2000))]
    #[serde(default = "fifty")]
    pub lines: u32,

    /// Of the container before its last restart
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub previous: bool,
}

fn fifty() -> u32 {
    50
}

/// The most of a log that is read, bytes.
const MOST_BYTES: u32 = 64 * 1024;

#[async_trait]
impl Look for Logs {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let cluster = context.cluster()?;
        let place = cluster.place().await?;
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        let pod = ObjectName::new(ObjectKind::Pod, &space, self.pod.as_str());
        context.progress().stage(&format!("reading the log of {pod}"));
        let ask = LogAsk {
            pod: pod.clone(),
            container: self.container.as_ref().map(|name| name.as_str().to_owned()),
            lines: self.lines,
            bytes: MOST_BYTES,
            previous: self.previous,
        };
        let text = cluster.logs(&ask).await?;
        let lines: Vec<String> = text.lines().map(|line| excerpt(line, 400)).collect();
        let table = Table {
            columns: vec!["log"],
            rows: lines.iter().map(|line| vec![Cell::from(line.as_str())]).collect(),
            ..Table::default()
        };
        let which = if self.previous { " before its last restart" } else { "" };
        let headline = format!("The last {} lines of {pod} on {place}{which}.", lines.len());
        let facts = if lines.is_empty() { vec![fact("log", "nothing was written")] } else { Vec::new() };
        let data = json!({ "place": place, "pod": self.pod, "lines": lines });
        Ok(report(Status::Info, headline, facts, vec![table], data))
    }
}
