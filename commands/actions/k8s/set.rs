//! `k8s.set_env` and `k8s.set_resources`: one value of a container is changed, and nothing else.

use async_trait::async_trait;
use serde_json::{Map, Value as Json, json};

use super::container::{container, name_of};
use super::name::{Name, Workload};
use super::object::{items, text};
use super::quantity::Quantity;
use super::restart::five_minutes;
use super::template::{Revised, Template};
use crate::actions::Change;
use crate::context::Context;
use crate::effect::TakenBack;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::ObjectName;
use crate::shell;
use crate::text::excerpt;

const CONTAINERS: &str = "/spec/template/spec/containers";

/// Which variable becomes what.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SetEnv {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,

    /// The container; the only one where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,

    /// The variable; one that is set by its value already
    #[arg(long, value_name = "NAME")]
    pub name: String,

    /// What it is to be
    #[arg(long, value_name = "TEXT")]
    pub value: String,

    /// Not less than this: the number that the value begins with
    #[arg(long, value_name = "NUMBER")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,

    /// Not more than this
    #[arg(long, value_name = "NUMBER")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,

    /// Seconds that every pod has to be made anew and available
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

/// A value with a number at its begin: `30`, `2.5s`, `500ms`.
fn number(text: &str) -> Option<(f64, &str)> {
    let end = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let (number, unit) = text.split_at(end);
    Some((number.parse().ok()?, unit))
}

impl SetEnv {
    /// Whether the value may be so much, beside what it is.
    fn bounded(&self, before: &str) -> Result<(), Fault> {
        if self.at_least.is_none() && self.at_most.is_none() {
            return Ok(());
        }
        let outside = |why: String| Err(Fault::new(Kind::Usage, why).hint("nothing was done"));
        let Some((value, unit)) = number(&self.value) else {
            return outside(format!("`{}` begins with no number: it cannot be bounded", excerpt(&self.value, 60)));
        };
        // 500 in place of 500ms would pass any bound in numbers alone.
        if let Some((_, before_unit)) = number(before)
            && before_unit != unit
        {
            return outside(format!("{} is `{}`: give the same unit", self.name, excerpt(before, 60)));
        }
        match (self.at_least, self.at_most) {
            (Some(least), _) if value < least => outside(format!("{} is not to be below {least}", self.name)),
            (_, Some(most)) if value > most => outside(format!("{} is not to be above {most}", self.name)),
            _ => Ok(()),
        }
    }
}

#[async_trait]
impl Template for SetEnv {
    const NAME: &'static str = "k8s.set_env";
    const TAKEN_BACK: TakenBack = TakenBack::Undo;

    fn workload(&self) -> (Option<&Name>, &Workload) {
        (self.namespace.as_ref(), &self.workload)
    }

    async fn revised(&self, _: &Context, object: &ObjectName, json: &Json) -> Result<Revised, Fault> {
        let container = container(json, CONTAINERS, self.container.as_ref(), object)?;
        let of = name_of(container);
        let shown = excerpt(&self.name, 100);
        let Some(variable) = items(container, "/env").find(|one| text(one, "/name") == self.name) else {
            return Err(Fault::new(Kind::Missing, format!("container {of} of {object} has no variable {shown}"))
                .hint("only one that is there is changed; nothing was done"));
        };
        if variable.get("valueFrom").is_some() {
            return Err(Fault::new(Kind::Failed, format!("{shown} of {object} is taken from elsewhere (valueFrom)"))
                .hint("change it where it comes from; nothing was done"));
        }
        let before = text(variable, "/value");
        self.bounded(before)?;
        let back = SetEnv { value: before.to_owned(), ..self.clone() };
        Ok(Revised {
            what: format!("set {shown} to {} in", excerpt(&self.value, 100)),
            changes: vec![Change::new(
                format!("{shown} in {of} of {object}"),
                excerpt(before, 200),
                excerpt(&self.value, 200),
            )],
            patch: json!({ "spec": { "template": { "spec": { "containers": [
                { "name": of, "env": [{ "name": self.name, "value": self.value }] },
            ] } } } }),
            data: json!({ "container": of, "name": self.name, "before": before, "after": self.value }),
            notes: vec![back.line()],
        })
    }
}

impl SetEnv {
    fn line(&self) -> String {
        taken_back_by(&crate::actions::Action::K8sSetEnv(self.clone()))
    }
}

fn taken_back_by(action: &crate::actions::Action) -> String {
    let words: Vec<String> = action.words().iter().map(|word| shell::word(word)).collect();
    format!("taken back by: ira {}", words.join(" "))
}

/// What a container asks for, and what it may use at most.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SetResources {
    /// The namespace; that of the context where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<Name>,

    /// deployment/NAME, statefulset/NAME or daemonset/NAME
    #[arg(long, value_name = "KIND/NAME")]
    pub workload: Workload,

    /// The container; the only one where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,

    /// The CPU that it is given: 250m
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_request: Option<Quantity>,

    /// The most CPU that it may use: 1
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu_limit: Option<Quantity>,

    /// The memory that it is given: 256Mi
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_request: Option<Quantity>,

    /// The most memory that it may use: 512Mi
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory_limit: Option<Quantity>,

    /// Seconds that every pod has to be made anew and available
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

impl SetResources {
    fn amounts(&self) -> [(&'static str, &'static str, Option<&Quantity>); 4] {
        [
            ("requests", "cpu", self.cpu_request.as_ref()),
            ("limits", "cpu", self.cpu_limit.as_ref()),
            ("requests", "memory", self.memory_request.as_ref()),
            ("limits", "memory", self.memory_limit.as_ref()),
        ]
    }
}

#[async_trait]
impl Template for SetResources {
    const NAME: &'static str = "k8s.set_resources";
    const TAKEN_BACK: TakenBack = TakenBack::Undo;

    fn workload(&self) -> (Option<&Name>, &Workload) {
        (self.namespace.as_ref(), &self.workload)
    }

    async fn revised(&self, _: &Context, object: &ObjectName, json: &Json) -> Result<Revised, Fault> {
        let container = container(json, CONTAINERS, self.container.as_ref(), object)?;
        let of = name_of(container);
        let (mut changes, mut wanted, mut before) = (Vec::new(), Map::new(), Map::new());
        for (kind, what, amount) in self.amounts() {
            let Some(amount) = amount else { continue };
            let now = text(container, &format!("/resources/{kind}/{what}"));
            let label = format!("{what} {} of {of} in {object}", kind.trim_end_matches('s'));
            let shown = if now.is_empty() { "none" } else { now };
            changes.push(Change::new(label, excerpt(shown, 40), amount.as_str()));
            let put = |into: &mut Map<String, Json>, value: Json| {
                into.entry(kind).or_insert_with(|| json!({}))[what] = value;
            };
            put(&mut wanted, json!(amount));
            put(&mut before, if now.is_empty() { Json::Null } else { json!(now) });
        }
        if changes.is_empty() {
            return Err(Fault::new(Kind::Usage, "no amount is given")
                .hint("give at least one of cpu-request, cpu-limit, memory-request and memory-limit"));
        }
        // A request above its limit is refused by the API, in many more words.
        let (requests, limits) = (wanted.get("requests"), wanted.get("limits"));
        for what in ["cpu", "memory"] {
            let of = |from: Option<&Json>, kind: &str| {
                let given = from.and_then(|all| all[what].as_str());
                super::quantity::value(given.unwrap_or_else(|| text(container, &format!("/resources/{kind}/{what}"))))
            };
            if let (Some(request), Some(limit)) = (of(requests, "requests"), of(limits, "limits"))
                && request > limit
            {
                return Err(Fault::new(Kind::Usage, format!("the {what} request would be above the {what} limit"))
                    .hint("give both; nothing was done"));
            }
        }
        let patch =
            json!({ "spec": { "template": { "spec": { "containers": [{ "name": of, "resources": wanted }] } } } });
        let data = json!({ "container": of, "before": before, "after": wanted });
        Ok(Revised { what: "set the resources of".to_owned(), changes, patch, data, notes: Vec::new() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(value: &str, least: Option<f64>, most: Option<f64>) -> SetEnv {
        SetEnv {
            namespace: None,
            workload: "web".parse().expect("a workload"),
            container: None,
            name: "TIMEOUT".to_owned(),
            value: value.to_owned(),
            at_least: least,
            at_most: most,
            within: 1,
        }
    }

    #[test]
    fn a_bound_counts_with_its_unit() {
        assert!(env("30s", Some(1.0), Some(60.0)).bounded("10s").is_ok());
        assert!(env("90s", None, Some(60.0)).bounded("10s").is_err());
        assert!(env("0", Some(1.0), None).bounded("10").is_err());
        assert!(env("30", None, Some(60.0)).bounded("500ms").is_err(), "another unit");
        assert!(env("never", None, Some(60.0)).bounded("10").is_err());
        assert!(env("never", None, None).bounded("10").is_ok());
    }
}
