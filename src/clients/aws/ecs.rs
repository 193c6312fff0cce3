//! ECS.

use async_trait::async_trait;
use aws_sdk_ecs::Client;
use aws_sdk_ecs::types::{self, ContainerDefinition, KeyValuePair, TaskDefinitionField};
use ira_commands::actions::Broken;
use ira_commands::ports::aws::{
    Account, Container, ContainerChange, Deployment, EcsRead, EcsWrite, Service, ServiceName, TaskDefinition,
};
use ira_commands::{Fault, Kind};

use super::answer::Refusal;
use super::{Aws, Connection};

/// `web:7` of an ARN.
fn short(arn: Option<&str>) -> String {
    arn.and_then(|arn| arn.rsplit('/').next()).unwrap_or_default().to_owned()
}

impl Connection {
    fn service(&self, of: &types::Service) -> Service {
        let deployment = |one: &types::Deployment| Deployment {
            id: one.id().unwrap_or_default().to_owned(),
            status: one.status().unwrap_or_default().to_owned(),
            task_definition: short(one.task_definition()),
            desired: one.desired_count().into(),
            running: one.running_count().into(),
            failed: one.failed_tasks().into(),
            rollout: one.rollout_state().map(|state| state.as_str().to_owned()).unwrap_or_default(),
            reason: self.said(one.rollout_state_reason().unwrap_or_default()),
        };
        let mut deployments: Vec<Deployment> = of.deployments().iter().map(deployment).collect();
        deployments.sort_by_key(|one| one.status != "PRIMARY");
        let controller = of.deployment_controller().map_or("ECS", |controller| controller.r#type().as_str());
        let daemon = of.scheduling_strategy() == Some(&types::SchedulingStrategy::Daemon);
        Service {
            arn: of.service_arn().unwrap_or_default().to_owned(),
            status: of.status().unwrap_or_default().to_owned(),
            desired: of.desired_count().into(),
            running: of.running_count().into(),
            pending: of.pending_count().into(),
            task_definition: short(of.task_definition()),
            deployments,
            controller: controller.to_owned(),
            replicas: !daemon,
            event: of.events().first().map(|one| self.said(one.message().unwrap_or_default())).unwrap_or_default(),
        }
    }

    async fn definition(&self, client: &Client, name: &str) -> Result<types::TaskDefinition, Fault> {
        let request = client.describe_task_definition().task_definition(name);
        let answer = self.ask("ecs:DescribeTaskDefinition", request.send()).await?;
        answer.task_definition.ok_or_else(|| {
            Fault::new(Kind::BadAnswer, format!("AWS ({}) says nothing of the task definition {name}", self.place))
        })
    }
}

#[async_trait]
impl EcsRead for Aws {
    async fn service(&self, account: Account<'_>, name: &ServiceName) -> Result<Service, Fault> {
        let connection = self.connection(account).await?;
        let request = Client::new(&connection.reads).describe_services().cluster(&name.cluster).services(&name.service);
        let answer = connection.ask("ecs:DescribeServices", request.send()).await?;
        if let Some(service) = answer.services().first() {
            return Ok(connection.service(service));
        }
        let why = answer.failures().first().and_then(types::Failure::reason).unwrap_or("no reason");
        Err(Fault::new(Kind::Missing, format!("AWS ({}) has no {name}", connection.place))
            .because(connection.said(why))
            .hint("check the name, the cluster, the account and the region"))
    }

    async fn task_definition(&self, account: Account<'_>, name: &str) -> Result<TaskDefinition, Fault> {
        let connection = self.connection(account).await?;
        let found = connection.definition(&Client::new(&connection.reads), name).await?;
        let text = |text: Option<&str>| text.unwrap_or_default().to_owned();
        let container = |one: &ContainerDefinition| {
            let pair = |pair: &KeyValuePair| (text(pair.name()), connection.masked(pair.value().unwrap_or_default()));
            let mut environment: Vec<(String, String)> = one.environment().iter().map(pair).collect();
            environment.sort();
            Container {
                name: text(one.name()),
                image: text(one.image()),
                cpu: one.cpu().into(),
                memory: one.memory().map(i64::from),
                environment,
            }
        };
        Ok(TaskDefinition {
            name: short(found.task_definition_arn()),
            status: found.status().map(|status| status.as_str().to_owned()).unwrap_or_default(),
            cpu: text(found.cpu()),
            memory: text(found.memory()),
            containers: found.container_definitions().iter().map(container).collect(),
        })
    }
}

/// A container as it is but for the change.
fn changed(mut container: ContainerDefinition, change: &ContainerChange) -> ContainerDefinition {
    if container.name() != Some(&change.container) {
        return container;
    }
    if let Some(image) = &change.image {
        container.image = Some(image.clone());
    }
    if let Some(cpu) = change.cpu {
        container.cpu = i32::try_from(cpu).unwrap_or(i32::MAX);
    }
    if let Some(memory) = change.memory {
        container.memory = Some(i32::try_from(memory).unwrap_or(i32::MAX));
    }
    let environment = container.environment.get_or_insert_default();
    for (name, value) in &change.environment {
        environment.retain(|pair| pair.name() != Some(name));
        environment.push(KeyValuePair::builder().name(name).value(value).build());
    }
    container
}

#[async_trait]
impl EcsWrite for Aws {
    async fn set_desired(&self, account: Account<'_>, name: &ServiceName, tasks: u32) -> Result<Service, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let client = Client::new(&connection.writes);
        let tasks = i32::try_from(tasks).unwrap_or(i32::MAX);
        let request = client.update_service().cluster(&name.cluster).service(&name.service).desired_count(tasks);
        let answer = connection.tell("ecs:UpdateService", || request.clone().send()).await.map_err(Refusal::broken)?;
        // It was done, whatever was said of it.
        Ok(answer.service().map(|service| connection.service(service)).unwrap_or_default())
    }

    async fn register(&self, account: Account<'_>, from: &str, change: &ContainerChange) -> Result<String, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let reading = Client::new(&connection.reads)
            .describe_task_definition()
            .task_definition(from)
            .include(TaskDefinitionField::Tags);
        let answer = connection.ask("ecs:DescribeTaskDefinition", reading.send()).await.map_err(Broken::before)?;
        let Some(old) = answer.task_definition else {
            return Err(Broken::before(Fault::new(Kind::BadAnswer, format!("nothing is said of {from}"))));
        };
        // What is not set is left out: some say it with an empty text, which ECS does not take back.
        let text = |text: Option<String>| text.filter(|text| !text.is_empty());
        let containers = old.container_definitions.unwrap_or_default();
        let request = Client::new(&connection.writes)
            .register_task_definition()
            .set_family(old.family)
            .set_container_definitions(Some(containers.into_iter().map(|one| changed(one, change)).collect()))
            .set_task_role_arn(text(old.task_role_arn))
            .set_execution_role_arn(text(old.execution_role_arn))
            .set_network_mode(old.network_mode)
            .set_volumes(old.volumes)
            .set_placement_constraints(old.placement_constraints)
            .set_requires_compatibilities(old.requires_compatibilities.filter(|all| !all.is_empty()))
            .set_cpu(text(old.cpu))
            .set_memory(text(old.memory))
            .set_tags(answer.tags.filter(|tags| !tags.is_empty()))
            .set_pid_mode(old.pid_mode.filter(|mode| !mode.as_str().is_empty()))
            .set_ipc_mode(old.ipc_mode.filter(|mode| !mode.as_str().is_empty()))
            .set_proxy_configuration(old.proxy_configuration)
            .set_inference_accelerators(old.inference_accelerators)
            .set_ephemeral_storage(old.ephemeral_storage)
            .set_runtime_platform(old.runtime_platform)
            .set_enable_fault_injection(old.enable_fault_injection);
        let sent = connection.tell("ecs:RegisterTaskDefinition", || request.clone().send()).await;
        let made = sent.map_err(Refusal::broken)?.task_definition;
        let name = short(made.as_ref().and_then(types::TaskDefinition::task_definition_arn));
        if name.is_empty() {
            let fault = Fault::new(Kind::BadAnswer, format!("a revision after {from} was made, and not which"));
            return Err(Broken::amid(fault));
        }
        Ok(name)
    }

    async fn run_on(&self, account: Account<'_>, name: &ServiceName, task_definition: &str) -> Result<Service, Broken> {
        let connection = self.connection(account).await.map_err(Broken::before)?;
        let client = Client::new(&connection.writes);
        let request =
            client.update_service().cluster(&name.cluster).service(&name.service).task_definition(task_definition);
        let answer = connection.tell("ecs:UpdateService", || request.clone().send()).await.map_err(Refusal::broken)?;
        Ok(answer.service().map(|service| connection.service(service)).unwrap_or_default())
    }
}
