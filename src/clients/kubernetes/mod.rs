//! Kubernetes, over the API of its control plane, with the credentials of a kubeconfig or of the pod that this runs in.

mod exec;
mod paths;
mod request;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::actions::{Broken, Left};
use ira_commands::ports::cluster::{
    ClusterRead, ClusterWrite, Evicted, Executed, Listed, Listing, LogAsk, ObjectKind, ObjectName, Part,
};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use kube::config::{KubeConfigOptions, Kubeconfig};
use rand::Rng as _;
use serde_json::{Value as Json, json};
use tokio::sync::OnceCell;

use super::redact::Known;
use crate::config::Config;
use request::{Ask, Refusal, Reply};

/// How long one request may take.
const PATIENCE: Duration = Duration::from_secs(15);
/// The most objects that are asked for at once.
const PAGE: u32 = 250;

/// A cluster; connected to when it is first asked.
pub struct Kubernetes {
    config: Arc<Config>,
    connection: OnceCell<Connection>,
    known: std::sync::OnceLock<Known>,
}

struct Connection {
    client: kube::Client,
    place: String,
    namespace: String,
    evictions: OnceCell<String>,
}

impl Kubernetes {
    /// The configured one.
    pub fn new(config: Arc<Config>) -> Self {
        Self { config, connection: OnceCell::new(), known: std::sync::OnceLock::new() }
    }

    fn masked(&self, text: &str) -> String {
        self.known.get_or_init(|| Known::of(&self.config)).masked(text)
    }

    async fn connection(&self) -> Result<&Connection, Fault> {
        self.connection.get_or_try_init(|| self.connect()).await
    }

    async fn connect(&self) -> Result<Connection, Fault> {
        let settings = &self.config.systems.kubernetes;
        let wrong = |why: &dyn std::error::Error| {
            let mut fault = Fault::new(Kind::Config, "no Kubernetes cluster can be reached from here");
            let mut next = Some(why);
            while let Some(error) = next {
                fault = fault.because(excerpt(&self.masked(&error.to_string()), 300));
                next = error.source();
            }
            fault.hint("set KUBECONFIG, or `kubernetes.kubeconfig` and `kubernetes.context` (`ira help config`)")
        };
        let options = KubeConfigOptions { context: settings.context.clone(), ..KubeConfigOptions::default() };
        let (place, mut config) = match &settings.kubeconfig {
            None if settings.context.is_none() && in_cluster() => {
                let config = kube::Config::incluster().map_err(|error| wrong(&error))?;
                ("this cluster".to_owned(), config)
            }
            path => {
                let file = match path {
                    Some(path) => Kubeconfig::read_from(path),
                    None => Kubeconfig::read(),
                };
                let file = file.map_err(|error| wrong(&error))?;
                let context = settings.context.clone().or_else(|| file.current_context.clone());
                let loaded = kube::Config::from_custom_kubeconfig(file, &options).await;
                let config = loaded.map_err(|error| wrong(&error))?;
                let host = config.cluster_url.host().unwrap_or_default().to_owned();
                (context.filter(|name| !name.is_empty()).unwrap_or(host), config)
            }
        };
        // What was sent is sent again only by who knows what it does.
        config.default_retry = false;
        config.connect_timeout = Some(PATIENCE);
        config.read_timeout = Some(Duration::from_secs(3600));
        let namespace = settings.namespace.clone().unwrap_or_else(|| config.default_namespace.clone());
        let client = kube::Client::try_from(config).map_err(|error| wrong(&error))?;
        Ok(Connection { client, place: excerpt(&place, 100), namespace, evictions: OnceCell::new() })
    }

    async fn ask(&self, ask: Ask) -> Result<Reply, Refusal> {
        let connection = self.connection().await.map_err(Refusal::Before)?;
        ask.send(&connection.client, &connection.place, |text| self.masked(text)).await
    }

    async fn read(&self, what: &str, path: String) -> Result<Json, Fault> {
        self.ask(Ask::get(path)).await.map_err(Refusal::fault)?.json(what)
    }

    /// Where it is, and of which version its API is.
    pub async fn version(&self) -> Result<(String, String), Fault> {
        let said = self.read("its version", "/version".to_owned()).await?;
        let version = excerpt(said["gitVersion"].as_str().unwrap_or("of no version"), 40);
        Ok((self.connection().await?.place.clone(), version))
    }

    /// The version of the group `policy` that evictions are of here.
    async fn evictions(&self) -> Result<&str, Fault> {
        let connection = self.connection().await?;
        let found = connection.evictions.get_or_try_init(async || {
            let all = self.read("the list of resources", "/api/v1".to_owned()).await?;
            let resources = all["resources"].as_array().into_iter().flatten();
            let one = resources.filter(|one| one["name"] == "pods/eviction").find_map(|one| one["version"].as_str());
            Ok(one.unwrap_or("v1").to_owned())
        });
        found.await.map(String::as_str)
    }
}

/// Whether this runs in a pod that was given an account.
pub fn in_cluster() -> bool {
    std::path::Path::new("/var/run/secrets/kubernetes.io/serviceaccount/token").exists()
}

#[async_trait]
impl ClusterRead for Kubernetes {
    async fn place(&self) -> Result<String, Fault> {
        Ok(self.connection().await?.place.clone())
    }

    async fn namespace(&self) -> Result<String, Fault> {
        Ok(self.connection().await?.namespace.clone())
    }

    fn name(&self) -> String {
        format!("{:016x}", rand::rng().random::<u64>())
    }

    async fn get(&self, object: &ObjectName) -> Result<Json, Fault> {
        self.read(&object.to_string(), paths::object(object)).await
    }

    async fn list(&self, listing: &Listing) -> Result<Listed, Fault> {
        let mut listed = Listed::default();
        let mut after = String::new();
        loop {
            let left = listing.most - u32::try_from(listed.items.len()).unwrap_or(listing.most);
            let path = paths::list(listing, left.min(PAGE), &after);
            let mut page = self.read(listing.kind.word(), path).await?;
            if let Json::Array(items) = page["items"].take() {
                listed.items.extend(items);
            }
            page["metadata"]["continue"].as_str().unwrap_or_default().clone_into(&mut after);
            if after.is_empty() {
                return Ok(listed);
            }
            if listed.items.len() >= listing.most as usize {
                listed.more = true;
                return Ok(listed);
            }
        }
    }

    async fn logs(&self, ask: &LogAsk) -> Result<String, Fault> {
        let reply = self.ask(Ask::get(paths::log(ask))).await.map_err(Refusal::fault)?;
        Ok(self.masked(&String::from_utf8_lossy(&reply.body)))
    }

    async fn usage(&self, kind: ObjectKind, namespace: Option<&str>, labels: &str) -> Result<Vec<Json>, Fault> {
        let path = paths::usage(kind, namespace, labels);
        let mut all = self.read("the metrics", path).await.map_err(|fault| match fault.kind {
            Kind::Missing => fault.hint("the cluster has no metrics API: install metrics-server"),
            _ => fault,
        })?;
        match all["items"].take() {
            Json::Array(items) => Ok(items),
            _ => Ok(Vec::new()),
        }
    }
}

#[async_trait]
impl ClusterWrite for Kubernetes {
    async fn patch(&self, object: &ObjectName, part: Part, patch: &Json) -> Result<Json, Broken> {
        let scale = if part == Part::Scale { "/scale" } else { "" };
        let path = format!("{}{scale}?fieldManager=ira", paths::object(object));
        let kind =
            if part == Part::Scale { "application/merge-patch+json" } else { "application/strategic-merge-patch+json" };
        let reply = self.ask(Ask::new(http::Method::PATCH, path).body(kind, patch)).await.map_err(Refusal::broken)?;
        // It was done, whatever was said of it.
        reply.json(&object.to_string()).map_err(Broken::amid)
    }

    async fn delete(&self, object: &ObjectName, uid: &str) -> Result<(), Broken> {
        let options = json!({ "apiVersion": "v1", "kind": "DeleteOptions", "preconditions": { "uid": uid } });
        let ask = Ask::new(http::Method::DELETE, paths::object(object)).body("application/json", &options);
        match self.ask(ask).await {
            Ok(_) => Ok(()),
            Err(Refusal::Status(404, fault)) => {
                Err(Broken::before(fault.hint("it is gone already, by somebody else's hand")))
            }
            Err(refusal) => Err(refusal.broken()),
        }
    }

    async fn evict(&self, pod: &ObjectName, uid: &str) -> Result<Evicted, Broken> {
        let version = self.evictions().await.map_err(Broken::before)?;
        let eviction = json!({
            "apiVersion": format!("policy/{version}"),
            "kind": "Eviction",
            "metadata": { "name": pod.name, "namespace": pod.namespace },
            "deleteOptions": { "preconditions": { "uid": uid } },
        });
        let path = format!("{}/eviction", paths::object(pod));
        let ask = Ask::new(http::Method::POST, path).body("application/json", &eviction);
        match self.ask(ask).await {
            Ok(_) => Ok(Evicted::Going),
            // The uid no longer fits: the pod that was meant is gone.
            Err(Refusal::Status(404 | 409, _)) => Ok(Evicted::Gone),
            Err(Refusal::Status(429, fault)) => {
                Ok(Evicted::Held(fault.causes.first().cloned().unwrap_or_else(|| fault.message.clone())))
            }
            Err(refusal) => Err(refusal.broken()),
        }
    }

    async fn exec(&self, pod: &ObjectName, container: &str, argv: &[String], seconds: u64) -> Result<Executed, Broken> {
        let connection = self.connection().await.map_err(Broken::before)?;
        let mut ended = exec::run(&connection.client, pod, container, argv, seconds).await.map_err(|broken| {
            let Broken { mut fault, left } = broken;
            fault.causes = fault.causes.iter().map(|cause| self.masked(cause)).collect();
            Broken { fault, left }
        })?;
        ended.stdout = self.masked(&ended.stdout);
        ended.stderr = self.masked(&ended.stderr);
        Ok(ended)
    }
}

impl Refusal {
    /// As a reading command says it.
    fn fault(self) -> Fault {
        match self {
            Self::Before(fault) | Self::Status(_, fault) | Self::Unheard(fault) => fault,
        }
    }

    /// As a writing one says it.
    fn broken(self) -> Broken {
        match self {
            // 5xx: the server began something, and does not say how far it came.
            Self::Status(500.., fault) | Self::Unheard(fault) => Broken { fault, left: Left::Unknown },
            Self::Before(fault) | Self::Status(_, fault) => Broken::before(fault),
        }
    }
}
