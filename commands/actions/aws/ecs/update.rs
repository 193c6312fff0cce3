//! `ecs.update_task_definition`: the tasks of a service are made from another revision, an old one or a new one.

use async_trait::async_trait;
use serde_json::json;

use super::super::{About, Name, Pair, fact, flag, planned};
use super::{Revision, changeable, default_cluster, deployment, five_minutes, named, stable};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Left, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::aws::{Container, ContainerChange, Service, ServiceName, TaskDefinition};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "ecs.update_task_definition";

/// Which service, and what its tasks are made from.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct UpdateTaskDefinition {
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

    /// The revision that its tasks are made from: web:7
    #[arg(long, value_name = "FAMILY:REVISION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<Revision>,

    /// In place of an old revision a new one, which has this container changed
    #[arg(long, value_name = "NAME", conflicts_with = "to")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub container: Option<Name>,

    /// Its image
    #[arg(long, value_name = "IMAGE", conflicts_with = "to")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image: Option<String>,

    /// A variable of its environment; give it several times
    #[arg(long, value_name = "NAME=VALUE", conflicts_with = "to")]
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub env: Vec<Pair>,

    /// Its CPU units, 1024 of a core
    #[arg(long, value_name = "UNITS", conflicts_with = "to", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cpu: Option<u32>,

    /// The most memory that it may use, MiB
    #[arg(long, value_name = "MIB", conflicts_with = "to", value_parser = clap::value_parser!(u32).range(6..=1_000_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub memory: Option<u32>,

    /// Only while its tasks are made from this revision
    #[arg(long, value_name = "FAMILY:REVISION")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<Revision>,

    /// Seconds that all its tasks have to be exchanged
    #[arg(long, value_name = "SECONDS", default_value_t = 300, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    #[serde(default = "five_minutes")]
    pub within: u64,
}

/// What is to become of it, as it was read.
struct Read {
    service: Service,
    changes: Vec<Change>,
    new: Option<ContainerChange>,
    /// Whether it is so already.
    nothing: bool,
}

/// `web:7 (web: web:2.1)`.
fn words(definition: &TaskDefinition) -> String {
    let one = |container: &Container| format!("{}: {}", excerpt(&container.name, 60), excerpt(&container.image, 200));
    let images: Vec<String> = definition.containers.iter().map(one).collect();
    format!("{} ({})", definition.name, images.join(", "))
}

impl UpdateTaskDefinition {
    fn name(&self) -> ServiceName {
        named(&self.cluster, &self.service)
    }

    fn account(&self) -> Option<&str> {
        super::super::account(self.account.as_ref())
    }

    /// The change of a container; none where an old revision is named.
    fn change(&self) -> Result<Option<ContainerChange>, Fault> {
        let named = self.image.is_some() || !self.env.is_empty() || self.cpu.is_some() || self.memory.is_some();
        match (&self.to, &self.container) {
            (Some(_), None) if !named => Ok(None),
            (None, Some(container)) if named => Ok(Some(ContainerChange {
                container: container.to_string(),
                image: self.image.clone(),
                environment: self.env.iter().map(|one| (one.name.clone(), one.value.clone())).collect(),
                cpu: self.cpu.map(i64::from),
                memory: self.memory.map(i64::from),
            })),
            _ => Err(Fault::new(Kind::Usage, "give either to, or container with image, env, cpu or memory")),
        }
    }

    async fn read(&self, context: &Context) -> Result<Read, Fault> {
        let new = self.change()?;
        let name = self.name();
        let aws = context.aws()?;
        let service = changeable(context, self.account.as_ref(), &name).await?;
        if let Some(from) = self.from.as_ref().filter(|from| from.to_string() != service.task_definition) {
            let why = format!("the tasks of {name} are made from {} by now, not from {from}", service.task_definition);
            return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        }
        let now = aws.task_definition(self.account(), &service.task_definition).await?;
        let what = format!("task definition of {name}");
        let (mut changes, nothing) = match (&self.to, &new) {
            (Some(to), _) => {
                if to.family() != now.name.rsplit_once(':').map_or("", |(family, _)| family) {
                    let why = format!("{name} runs {}, of another family than {to}", now.name);
                    return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
                }
                let back = aws.task_definition(self.account(), &to.to_string()).await?;
                if back.status != "ACTIVE" {
                    let why = format!("{to} is {}, not ACTIVE", back.status);
                    return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
                }
                (vec![Change::new(what, words(&now), words(&back))], now.name == back.name)
            }
            (None, Some(new)) => {
                let changes = changes(&now, new)?;
                let nothing = changes.iter().all(|change| change.before == change.after);
                let family = now.name.split(':').next().unwrap_or_default();
                let after = if nothing { now.name.clone() } else { format!("a new revision of {family}") };
                (std::iter::once(Change::new(what, now.name, after)).chain(changes).collect(), nothing)
            }
            (None, None) => (Vec::new(), true),
        };
        // A deployment in between is another one than was agreed to, even from the same revision.
        if !nothing && let Some(first) = changes.first_mut() {
            first.before = format!("{}, deployment {}", first.before, deployment(&service));
        }
        Ok(Read { service, changes, new, nothing })
    }

    fn back(&self, to: &str) -> String {
        let flag = flag(self.account.as_ref());
        format!("ira act {NAME} {flag}--cluster {} --service {} --to {to}", self.cluster, self.service)
    }
}

/// What changes in a container.
fn changes(of: &TaskDefinition, new: &ContainerChange) -> Result<Vec<Change>, Fault> {
    let Some(container) = of.containers.iter().find(|one| one.name == new.container) else {
        let names: Vec<String> = of.containers.iter().map(|one| excerpt(&one.name, 60)).collect();
        return Err(Fault::new(Kind::Missing, format!("{} has no container {}", of.name, new.container))
            .hint(format!("it has {}; nothing was done", names.join(", "))));
    };
    let name = &new.container;
    let number = |value: Option<i64>| value.filter(|value| *value > 0).map_or("not set".to_owned(), |n| n.to_string());
    let mut all = Vec::new();
    if let Some(image) = &new.image {
        all.push(Change::new(format!("image of {name}"), excerpt(&container.image, 200), excerpt(image, 200)));
    }
    for (variable, value) in &new.environment {
        let before = container.environment.iter().find(|(name, _)| name == variable);
        let before = before.map_or("not set".to_owned(), |(_, value)| excerpt(value, 200));
        let what = format!("{} of {name}", excerpt(variable, 100));
        all.push(Change::new(what, before, excerpt(value, 200)));
    }
    if let Some(cpu) = new.cpu {
        all.push(Change::new(format!("CPU units of {name}"), number(Some(container.cpu)), cpu.to_string()));
    }
    if let Some(memory) = new.memory {
        let after = memory.to_string();
        all.push(Change::new(format!("memory of {name}, MiB"), number(container.memory), after));
    }
    Ok(all)
}

/// Whether a task definition has all that was to change.
fn has(of: &TaskDefinition, new: &ContainerChange) -> bool {
    changes(of, new).is_ok_and(|all| all.iter().all(|change| change.before == change.after))
}

#[async_trait]
impl Act for UpdateTaskDefinition {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("ecs.wait_stable", "task_definition"), ("ecs.wait_stable", "deployment")]
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let name = self.name();
        context.progress().stage(&format!("looking at {name}"));
        let read = self.read(context).await?;
        let what = match &self.to {
            Some(to) => format!("have the tasks of {name} made from {to}"),
            None => format!("have the tasks of {name} made from a new revision"),
        };
        let mut plan = planned(
            context,
            About {
                action: NAME,
                account: self.account.as_ref(),
                target: name.to_string(),
                what,
                changes: read.changes,
                taken_back: TakenBack::Undo,
            },
        )
        .await?;
        plan.nothing = read.nothing;
        let service = &read.service;
        plan.notes.push(format!("{} of {} tasks run now", service.running, service.desired));
        if !read.nothing {
            plan.notes.push(format!("taken back by: {}", self.back(&service.task_definition)));
        }
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let Read { service, changes, new, .. } = self.read(context).await?;
        if changes != attempt.plan.changes {
            return Err(Fault::new(Kind::Busy, format!("{} changed while it was begun", self.name()))
                .hint("nothing was done; look again"));
        }
        let from = service.task_definition.clone();
        let to = self.to.as_ref().map(ToString::to_string);
        let step = attempt.begin(&json!({ "before": from, "deployment": deployment(&service), "after": to }))?;
        context.progress().stage(&attempt.plan.what);
        let done = async {
            let aws = step.aws().map_err(Broken::before)?;
            let to = match (&to, &new) {
                (None, Some(new)) => {
                    let made = aws.register(self.account(), &from, new).await?;
                    step.add(&json!({ "after": made })).map_err(Broken::amid)?;
                    made
                }
                (to, _) => to.clone().unwrap_or_default(),
            };
            match aws.run_on(self.account(), &self.name(), &to).await {
                Err(Broken { fault, left: Left::Nothing }) if new.is_some() => {
                    Err(Broken::amid(fault.because(format!("{to} was made, and nothing runs from it"))))
                }
                Err(broken) => Err(broken),
                Ok(_) => Ok(to),
            }
        };
        let result = done.await.map(|to| Deed {
            summary: format!("{}: {from} → {to}", self.name()),
            facts: vec![fact("task definition", format!("{from} → {to}")), fact("taken back by", self.back(&from))],
            data: json!({ "before": from, "after": to, "made": new.is_some() }),
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        let name = self.name();
        let new = self.change()?;
        let to = self.to.as_ref().map(ToString::to_string);
        let right = move |service: &Service| to.as_ref().is_none_or(|to| *to == service.task_definition);
        let account = self.account.as_ref();
        let seen = stable::watch(context, account, &name, self.within, right).await?;
        if let (Some(new), Some(service)) = (&new, &seen.service) {
            let now = context.aws()?.task_definition(self.account(), &service.task_definition).await?;
            if !has(&now, new) {
                let proof = format!("{name} runs {}, which is not what was asked for", now.name);
                return Ok(Verified { worked: false, proof });
            }
        }
        Ok(Verified { worked: seen.well, proof: seen.proof })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let name = self.name();
        let begun = &open.begun["more"];
        let made = open.added.iter().rev().find_map(|added| added["after"].as_str());
        let service = context.aws()?.service(self.account(), &name).await?;
        let now = service.task_definition.as_str();
        let done = || Probed::Done(format!("the tasks of {name} are made from {now}"));
        if made.or(begun["after"].as_str()) == Some(now) {
            return Ok(done());
        }
        if begun["before"] == now && begun["deployment"] == deployment(&service) {
            let made = made.map(|made| format!("; {made} was made, and nothing runs from it")).unwrap_or_default();
            return Ok(Probed::NotDone(format!("the tasks of {name} are made from {now}, as before{made}")));
        }
        // Killed between the answer and its line in the journal: what runs says it.
        if let (Some(new), None) = (self.change()?, made)
            && has(&context.aws()?.task_definition(self.account(), now).await?, &new)
        {
            return Ok(done());
        }
        Ok(Probed::Unknown(format!(
            "the tasks of {name} are made from {now}, neither as before nor as they were to be"
        )))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn update() -> UpdateTaskDefinition {
        UpdateTaskDefinition {
            account: None,
            cluster: default_cluster(),
            service: default_cluster(),
            to: None,
            container: None,
            image: None,
            env: Vec::new(),
            cpu: None,
            memory: None,
            from: None,
            within: 1,
        }
    }

    #[test]
    fn it_is_an_old_revision_or_a_changed_container_and_never_both_or_none() {
        let (to, web) = ("web:7".parse().ok(), "web".parse().ok());
        assert!(update().change().is_err());
        assert!(UpdateTaskDefinition { container: web.clone(), ..update() }.change().is_err(), "nothing is changed");
        let image = Some("web:3".to_owned());
        assert!(UpdateTaskDefinition { image: image.clone(), ..update() }.change().is_err(), "of what");
        assert!(UpdateTaskDefinition { to, image: image.clone(), ..update() }.change().is_err());
        assert!(UpdateTaskDefinition { container: web, image, ..update() }.change().is_ok());
    }

    #[test]
    fn what_is_so_already_is_no_change() {
        let environment = vec![("MODE".to_owned(), "safe".to_owned())];
        let container =
            Container { name: "web".to_owned(), image: "web:2".to_owned(), environment, ..Container::default() };
        let now = TaskDefinition { name: "web:7".to_owned(), containers: vec![container], ..TaskDefinition::default() };
        let set = |image: &str, mode: &str| ContainerChange {
            container: "web".to_owned(),
            image: Some(image.to_owned()),
            environment: vec![("MODE".to_owned(), mode.to_owned())],
            ..ContainerChange::default()
        };
        assert!(has(&now, &set("web:2", "safe")));
        assert!(!has(&now, &set("web:3", "safe")) && !has(&now, &set("web:2", "wild")));
        let other = ContainerChange { container: "db".to_owned(), ..set("web:2", "safe") };
        assert_eq!(changes(&now, &other).expect_err("no such container").kind, Kind::Missing);
    }
}
