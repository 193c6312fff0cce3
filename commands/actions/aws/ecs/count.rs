//! `ecs.stop_service` and `ecs.start_service`: how many tasks a service has.

use async_trait::async_trait;
use serde_json::json;

use super::super::{About, Name, fact, flag, planned};
use super::{changeable, default_cluster, deployment, five_minutes, named, stable};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::aws::{Service, ServiceName};

/// Which service has no tasks any more.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StopService {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    #[serde(default = "default_cluster")]
    pub cluster: Name,

    /// The service
    #[arg(long, value_name = "NAME")]
    pub service: Name,

    /// Seconds that its tasks have to end
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

/// Which service has how many tasks.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StartService {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The cluster
    #[arg(long, value_name = "NAME", default_value = "default")]
    #[serde(default = "default_cluster")]
    pub cluster: Name,

    /// The service
    #[arg(long, value_name = "NAME")]
    pub service: Name,

    /// So many tasks
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u32).range(1..=5000))]
    pub tasks: u32,

    /// Only where it has none now: a service that runs is not made smaller by a start
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub only_stopped: bool,

    /// Seconds that they have to run
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

/// How many tasks which service is to have.
struct Count<'a> {
    action: &'static str,
    account: Option<&'a Name>,
    name: ServiceName,
    tasks: u32,
}

impl Count<'_> {
    async fn read(&self, context: &Context) -> Result<Service, Fault> {
        let service = changeable(context, self.account, &self.name).await?;
        if !service.replicas {
            let why = format!("{} has one task on each machine, and no number of its own", self.name);
            return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        }
        Ok(service)
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("looking at {}", self.name));
        let service = self.read(context).await?;
        let (name, tasks) = (&self.name, self.tasks);
        let what = if tasks == 0 { format!("stop {name}") } else { format!("have {tasks} tasks of {name}") };
        let before = format!("{} (of {})", service.desired, service.task_definition);
        // A deployment in between is another thing to stop or start than was agreed to.
        let after = if service.desired == i64::from(tasks) {
            before.clone()
        } else {
            format!("{tasks} (of {})", service.task_definition)
        };
        let mut plan = planned(
            context,
            About {
                action: self.action,
                account: self.account,
                target: name.to_string(),
                what,
                changes: vec![Change::new(format!("tasks of {name}"), before, after)],
                taken_back: TakenBack::Undo,
            },
        )
        .await?;
        plan.notes.push(format!("{} run now", service.running));
        if service.desired != i64::from(tasks) {
            plan.notes.push(format!("taken back by: {}", self.back(service.desired)));
        }
        Ok(plan)
    }

    /// The command that brings the number of before back.
    fn back(&self, desired: i64) -> String {
        let (flag, name) = (flag(self.account), &self.name);
        let verb = if desired == 0 { "ecs.stop_service" } else { "ecs.start_service" };
        let tasks = if desired == 0 { String::new() } else { format!(" --tasks {desired}") };
        format!("ira act {verb} {flag}--cluster {} --service {}{tasks}", name.cluster, name.service)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let service = self.read(context).await?;
        let data =
            json!({ "before": service.desired, "after": self.tasks, "task_definition": service.task_definition });
        let mut begun = data.clone();
        begun["deployment"] = json!(deployment(&service));
        let step = attempt.begin(&begun)?;
        context.progress().stage(&attempt.plan.what);
        let account = super::super::account(self.account);
        let result = match step.aws() {
            Ok(aws) => aws.set_desired(account, &self.name, self.tasks).await,
            Err(fault) => Err(Broken::before(fault)),
        };
        let (before, after) = (service.desired, self.tasks);
        let deed = result.map(|_| Deed {
            summary: format!("{}: {before} → {after} tasks", self.name),
            facts: vec![fact("tasks", format!("{before} → {after}")), fact("taken back by", self.back(before))],
            data,
        });
        attempt.end(step, deed)
    }

    async fn verify(&self, context: &Context, seconds: u64) -> Result<Verified, Fault> {
        let tasks = i64::from(self.tasks);
        stable::verify(context, self.account, &self.name, seconds, move |service| service.desired == tasks).await
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let name = &self.name;
        let begun = &open.begun["more"];
        let service = context.aws()?.service(super::super::account(self.account), name).await?;
        let now = service.desired;
        Ok(if Some(now) == begun["after"].as_i64() {
            Probed::Done(format!("{name} is to have {now} tasks"))
        } else if Some(now) == begun["before"].as_i64() && begun["deployment"] == deployment(&service) {
            Probed::NotDone(format!("{name} is to have {now} tasks, as before"))
        } else {
            Probed::Unknown(format!("{name} is to have {now} tasks, neither as before nor as it was to be"))
        })
    }
}

impl StopService {
    fn count(&self) -> Count<'_> {
        let name = named(&self.cluster, &self.service);
        Count { action: "ecs.stop_service", account: self.account.as_ref(), name, tasks: 0 }
    }
}

impl StartService {
    fn count(&self) -> Count<'_> {
        let name = named(&self.cluster, &self.service);
        Count { action: "ecs.start_service", account: self.account.as_ref(), name, tasks: self.tasks }
    }
}

#[async_trait]
impl Act for StopService {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("ecs.wait_stable", "desired"), ("ecs.wait_stable", "running"), ("ecs.wait_stable", "pending")]
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        self.count().plan(context).await
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        self.count().carry_out(attempt).await
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        self.count().verify(context, self.within).await
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        self.count().probe(context, open).await
    }
}

#[async_trait]
impl Act for StartService {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("ecs.wait_stable", "desired")]
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let count = self.count();
        if self.only_stopped {
            let now = count.read(context).await?.desired;
            if now != 0 && now != i64::from(self.tasks) {
                let why = format!("{} is to have {now} tasks by now, not none", count.name);
                return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
            }
        }
        count.plan(context).await
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        self.count().carry_out(attempt).await
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        self.count().verify(context, self.within).await
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        self.count().probe(context, open).await
    }
}
