//! `k8s.pod_exec`: a command in a container.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::change::planned;
use super::container::{container, name_of};
use super::name::Name;
use super::object::{self, uid};
use super::pod::Pod;
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Verified};
use crate::context::Context;
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Executed, ObjectKind, ObjectName};
use crate::report::{Cell, Fact};
use crate::shell;
use crate::text::excerpt;

/// What is run, and where.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct PodExec {
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

    /// The program, then each of its arguments: no shell reads them
    #[arg(long = "arg", value_name = "WORD", required = true, allow_hyphen_values = true)]
    #[serde(rename = "arg")]
    pub args: Vec<String>,

    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..=3600))]
    #[serde(default = "sixty")]
    pub within: u64,
}

fn sixty() -> u64 {
    60
}

impl PodExec {
    async fn read(&self, context: &Context) -> Result<(ObjectName, Json, String), Fault> {
        let space = object::namespace(context, self.namespace.as_ref()).await?;
        let object = ObjectName::new(ObjectKind::Pod, &space, self.pod.as_str());
        let json = context.cluster()?.get(&object).await?;
        let container = name_of(container(&json, "/spec/containers", self.container.as_ref(), &object)?).to_owned();
        Ok((object, json, container))
    }

    fn line(&self) -> String {
        let words: Vec<String> = self.args.iter().map(|word| shell::word(word)).collect();
        excerpt(&words.join(" "), 300)
    }
}

#[async_trait]
impl Act for PodExec {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Irreversible
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at pod {}", self.pod));
        if self.args.first().is_none_or(String::is_empty) {
            return Err(Fault::new(Kind::Usage, "no program is named").hint("--arg PROGRAM --arg ARGUMENT …"));
        }
        if self.args.iter().any(|word| word.contains('\0')) {
            return Err(Fault::new(Kind::Usage, "an argument holds a NUL: no program takes that"));
        }
        let (object, json, container) = self.read(context).await?;
        let pod = Pod::of(&json);
        if pod.state != "Running" {
            return Err(Fault::new(Kind::Failed, format!("nothing can be run in {object}: it is {}", pod.words()))
                .hint("nothing was done"));
        }
        let change = Change::new(format!("in {container} of {object} (uid {})", pod.uid), "", self.line());
        let what = format!("run {} in {container} of {object}", self.line());
        let mut plan = planned(context, "k8s.pod_exec", &object, what, vec![change], self.taken_back()).await?;
        plan.nothing = false;
        plan.target = format!("{} {} {container}", plan.target, pod.uid);
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let (object, json, container) = self.read(context).await?;
        let step = attempt.begin(&json!({ "uid": uid(&json), "container": container }))?;
        context.progress().stage(&attempt.plan.what);
        let result = match step.cluster() {
            Ok(cluster) => cluster.exec(&object, &container, &self.args, self.within).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        attempt.end(step, result.and_then(|end| told(&end)))
    }

    async fn verify(&self, _: &Context, _: &Plan) -> Result<Verified, Fault> {
        // What it is to have done only its caller knows: a playbook verifies that.
        Ok(Verified { worked: true, proof: "it ended with exit code 0, by its own word".to_owned() })
    }
}

fn told(end: &Executed) -> Result<Deed, Broken> {
    if end.exit != 0 {
        let mut fault = Fault::new(Kind::Failed, format!("the command ended with exit code {}", end.exit));
        for line in [&end.stderr, &end.stdout].into_iter().flat_map(|text| text.lines().rev().take(3)) {
            fault = fault.because(excerpt(line, 200));
        }
        return Err(Broken::amid(fault));
    }
    let last = |text: &str| text.lines().rev().find(|line| !line.trim().is_empty()).map(|line| excerpt(line, 200));
    let note = last(&end.stdout).or_else(|| last(&end.stderr)).unwrap_or_default();
    Ok(Deed {
        summary: "exit code 0".to_owned(),
        facts: vec![Fact { label: "exit", value: Cell::from("0"), note }],
        data: json!({ "exit": 0, "stdout": end.stdout, "stderr": end.stderr, "cut": end.cut }),
    })
}
