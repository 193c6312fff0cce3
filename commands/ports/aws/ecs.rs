//! ECS: services, and what their tasks are made from.

use std::fmt;

use async_trait::async_trait;

use super::Account;
use crate::actions::Broken;
use crate::fault::Fault;

/// A service by its name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceName {
    /// The cluster.
    pub cluster: String,
    /// The service in it.
    pub service: String,
}

impl fmt::Display for ServiceName {
    /// `service shop/web`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "service {}/{}", self.cluster, self.service)
    }
}

/// One set of tasks of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Deployment {
    /// Its id, which no other has.
    pub id: String,
    /// `PRIMARY` for the newest.
    pub status: String,
    /// What its tasks are made from: `web:7`.
    pub task_definition: String,
    /// How many tasks there are to be.
    pub desired: i64,
    /// How many run.
    pub running: i64,
    /// How many could not be started.
    pub failed: i64,
    /// `COMPLETED`, `IN_PROGRESS`, `FAILED`; empty where ECS does not say.
    pub rollout: String,
    /// Why, in its words.
    pub reason: String,
}

/// A service.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Service {
    /// Its ARN.
    pub arn: String,
    /// `ACTIVE`, `DRAINING`, `INACTIVE`.
    pub status: String,
    /// How many tasks there are to be.
    pub desired: i64,
    /// How many run.
    pub running: i64,
    /// How many are about to.
    pub pending: i64,
    /// What they are made from: `web:7`.
    pub task_definition: String,
    /// The newest first.
    pub deployments: Vec<Deployment>,
    /// Who exchanges its tasks: `ECS`, `CODE_DEPLOY`, `EXTERNAL`.
    pub controller: String,
    /// Whether it has a number of tasks of its own, and not one for each machine.
    pub replicas: bool,
    /// What ECS said of it last.
    pub event: String,
}

/// One container of a task definition.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Container {
    /// Its name.
    pub name: String,
    /// Its image.
    pub image: String,
    /// CPU units, 1024 of a core; zero where it has no share of its own.
    pub cpu: i64,
    /// The most memory, MiB.
    pub memory: Option<i64>,
    /// Its environment, in order of names. Known secrets are masked.
    pub environment: Vec<(String, String)>,
}

/// What tasks are made from. A revision never changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskDefinition {
    /// `web:7`.
    pub name: String,
    /// `ACTIVE`, `INACTIVE`.
    pub status: String,
    /// CPU units of a task as a whole; empty where none are set.
    pub cpu: String,
    /// Memory of a task as a whole, MiB; empty where none is set.
    pub memory: String,
    /// Its containers.
    pub containers: Vec<Container>,
}

/// What a new revision has otherwise, in one container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ContainerChange {
    /// Its name.
    pub container: String,
    /// Another image.
    pub image: Option<String>,
    /// Variables that are set.
    pub environment: Vec<(String, String)>,
    /// CPU units.
    pub cpu: Option<i64>,
    /// The most memory, MiB.
    pub memory: Option<i64>,
}

/// Reading ECS.
#[async_trait]
pub trait EcsRead: Send + Sync {
    /// A service; kind `Missing` where there is none.
    async fn service(&self, account: Account<'_>, name: &ServiceName) -> Result<Service, Fault>;

    /// A task definition by `FAMILY:REVISION`, or the newest active one by `FAMILY`; kind `Missing` where there is none.
    async fn task_definition(&self, account: Account<'_>, name: &str) -> Result<TaskDefinition, Fault>;
}

/// Changing ECS.
#[async_trait]
pub trait EcsWrite: Send + Sync {
    /// Sets how many tasks there are to be.
    async fn set_desired(&self, account: Account<'_>, name: &ServiceName, tasks: u32) -> Result<Service, Broken>;

    /// Makes a revision that is as `from` but for the change; gives its name.
    async fn register(&self, account: Account<'_>, from: &str, change: &ContainerChange) -> Result<String, Broken>;

    /// Has the tasks of a service made from this task definition.
    async fn run_on(&self, account: Account<'_>, name: &ServiceName, task_definition: &str) -> Result<Service, Broken>;
}
