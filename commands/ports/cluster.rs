//! A Kubernetes cluster, by the API of its control plane. Objects are the API's own JSON.

use std::fmt;

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::actions::Broken;
use crate::fault::Fault;

/// The kinds of object that are read or changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ObjectKind {
    /// A pod.
    Pod,
    /// A node; belongs to no namespace.
    Node,
    /// A deployment.
    Deployment,
    /// A stateful set.
    StatefulSet,
    /// A daemon set.
    DaemonSet,
    /// A replica set: one revision of a deployment.
    ReplicaSet,
    /// One revision of a stateful or a daemon set.
    ControllerRevision,
    /// What sets how many replicas there are (`autoscaling/v1`).
    Autoscaler,
    /// What happened (`v1`).
    Event,
}

impl ObjectKind {
    /// As a person writes it: `deployment`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Node => "node",
            Self::Deployment => "deployment",
            Self::StatefulSet => "statefulset",
            Self::DaemonSet => "daemonset",
            Self::ReplicaSet => "replicaset",
            Self::ControllerRevision => "controllerrevision",
            Self::Autoscaler => "horizontalpodautoscaler",
            Self::Event => "event",
        }
    }
}

/// One object by its name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct ObjectName {
    /// What it is.
    pub kind: ObjectKind,
    /// Where it is; empty for a node.
    pub namespace: String,
    /// Its name.
    pub name: String,
}

impl ObjectName {
    /// An object of a namespace.
    pub fn new(kind: ObjectKind, namespace: &str, name: &str) -> Self {
        Self { kind, namespace: namespace.to_owned(), name: name.to_owned() }
    }

    /// A node.
    pub fn node(name: &str) -> Self {
        Self::new(ObjectKind::Node, "", name)
    }
}

impl fmt::Display for ObjectName {
    /// `deployment shop/web`, `node n1`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ", self.kind.word())?;
        if !self.namespace.is_empty() {
            write!(f, "{}/", self.namespace)?;
        }
        f.write_str(&self.name)
    }
}

/// Which objects are listed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// What they are.
    pub kind: ObjectKind,
    /// Where they are; everywhere where not given.
    pub namespace: Option<String>,
    /// A selector of labels; all where it is empty.
    pub labels: String,
    /// A selector of fields; all where it is empty.
    pub fields: String,
    /// The most that are read.
    pub most: u32,
}

/// What a list has.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listed {
    /// The objects.
    pub items: Vec<Json>,
    /// Whether there are more of them than were to be read.
    pub more: bool,
}

/// Which lines of a container's log are read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogAsk {
    /// The pod.
    pub pod: ObjectName,
    /// The container; the only one where not given.
    pub container: Option<String>,
    /// So many lines from the end.
    pub lines: u32,
    /// No more than these bytes.
    pub bytes: u32,
    /// Of the container before the last restart.
    pub previous: bool,
}

/// Reading a cluster.
#[async_trait]
pub trait ClusterRead: Send + Sync {
    /// Which cluster: the context's name, or the host of its API. A fault where none is configured.
    async fn place(&self) -> Result<String, Fault>;

    /// The namespace where none is named.
    async fn namespace(&self) -> Result<String, Fault>;

    /// A name that no other attempt has.
    fn name(&self) -> String;

    /// One object; kind `Missing` where there is none.
    async fn get(&self, object: &ObjectName) -> Result<Json, Fault>;

    /// Several.
    async fn list(&self, listing: &Listing) -> Result<Listed, Fault>;

    /// Lines of a log. Known secrets are masked in it.
    async fn logs(&self, ask: &LogAsk) -> Result<String, Fault>;

    /// What pods or nodes use, by the metrics API: its own items. Kind `Missing` where the cluster has no such API.
    async fn usage(&self, kind: ObjectKind, namespace: Option<&str>, labels: &str) -> Result<Vec<Json>, Fault>;
}

/// What a patch changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// The object.
    Object,
    /// Its `scale` alone: how many replicas there are.
    Scale,
}

/// What becomes of a request that a pod should go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Evicted {
    /// It goes.
    Going,
    /// There is none of that name and uid any more.
    Gone,
    /// A disruption budget keeps it for now: its words.
    Held(String),
}

/// How a command in a container ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Executed {
    /// Its exit code.
    pub exit: i32,
    /// How its standard output begins. Known secrets are masked.
    pub stdout: String,
    /// The same of its standard error.
    pub stderr: String,
    /// Whether there was more of either.
    pub cut: bool,
}

/// Changing a cluster.
#[async_trait]
pub trait ClusterWrite: Send + Sync {
    /// Merges into an object (a strategic merge patch); gives it as it is then. With `metadata.resourceVersion` in it
    /// nothing is done when the object changed since.
    async fn patch(&self, object: &ObjectName, part: Part, patch: &Json) -> Result<Json, Broken>;

    /// Deletes the object of that name while it has this uid.
    async fn delete(&self, object: &ObjectName, uid: &str) -> Result<(), Broken>;

    /// Asks that a pod of this uid go, as far as disruption budgets allow.
    async fn evict(&self, pod: &ObjectName, uid: &str) -> Result<Evicted, Broken>;

    /// Runs a command in a container, without a shell, and waits for its end.
    async fn exec(&self, pod: &ObjectName, container: &str, argv: &[String], seconds: u64) -> Result<Executed, Broken>;
}
