//! A real Kubernetes control plane on loopback, or why there is none here.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ira::config::env::{Env as _, SystemEnv};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::run::wait_until;
use crate::support::{in_repository, skipped};

/// Where somebody asks what they may do.
const RULES: &str = "selfsubjectrulesreviews";

/// A cluster of two nodes; ended when it is dropped.
pub struct Cluster {
    folder: tempfile::TempDir,
    child: Child,
    said: Value,
}

/// Where the binaries are built, once.
fn binaries() -> PathBuf {
    let cache =
        SystemEnv.get("IRA_BED_CACHE").expect("readable").map_or_else(|| in_repository("target/beds"), PathBuf::from);
    cache.join("kubernetes")
}

impl Cluster {
    /// `None` where it cannot be had: no Debian, no root. CI has it.
    pub fn start() -> Option<Self> {
        let mut build = Command::new(in_repository("tests/beds/kubernetes/build.sh"));
        if !build.arg(binaries()).stdin(Stdio::null()).status().is_ok_and(|status| status.success()) {
            assert!(SystemEnv.get("CI").expect("readable").is_none(), "CI has Kubernetes");
            skipped("no Kubernetes control plane can be built here");
            return None;
        }
        let folder = tempfile::tempdir().expect("a folder");
        let mut child = Command::new("node")
            .arg(in_repository("tests/beds/kubernetes/bed.mjs"))
            .args([&binaries(), folder.path()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("node");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("it speaks");
        let said = serde_json::from_str(&line).expect("the control plane is up: it says why not on stderr");
        Some(Self { folder, child, said })
    }

    /// The kubeconfig of who may do everything, or of the user `ira`, who may do what a role allows.
    pub fn kubeconfig(&self, user: &str) -> String {
        self.said[user].as_str().expect("a path").to_owned()
    }

    /// The same for a server at another URL.
    pub fn kubeconfig_at(&self, user: &str, url: &str) -> String {
        let own = std::fs::read_to_string(self.kubeconfig(user)).expect("there");
        let port = url.rsplit(':').next().expect("a port");
        let path = self.folder.path().join(format!("{user}-{port}.json"));
        std::fs::write(&path, own.replace(&self.server(), url)).expect("written");
        path.display().to_string()
    }

    /// The URL of the API.
    pub fn server(&self) -> String {
        self.said["server"].as_str().expect("a URL").to_owned()
    }

    /// The port of the API.
    pub fn port(&self) -> u16 {
        self.server().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Asks the API as who may do everything.
    pub fn call(&self, method: &Method, path: &str, body: &Value) -> Value {
        let kind = if *method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, kind, if body.is_null() { String::new() } else { body.to_string() })
    }

    fn send(&self, method: &Method, path: &str, kind: &str, body: String) -> Value {
        let (status, text) = self.said_to(self.said["token"].as_str().expect("a token"), method, path, kind, body);
        assert!((200..300).contains(&status), "{method} {path}: {status} {text}");
        serde_json::from_str(&text).expect("JSON")
    }

    /// Asks the API with a token; the status and the text of its answer.
    fn said_to(&self, token: &str, method: &Method, path: &str, kind: &str, body: String) -> (u16, String) {
        let url = format!("{}{path}", self.server());
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            // The second call in a process finds it there.
            let _there = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().expect("a client");
            let request = client.request(method.clone(), url).timeout(Duration::from_secs(20)).body(body);
            let answer = request.bearer_auth(token).header("content-type", kind).send().await.expect("it answers");
            (answer.status().as_u16(), answer.text().await.expect("a text"))
        })
    }

    pub fn get(&self, path: &str) -> Value {
        self.call(&Method::GET, path, &Value::Null)
    }

    /// A deployment `web` of this image.
    pub fn deploy(&self, image: &str, replicas: u32) {
        let deployment = json!({
            "metadata": { "name": "web" },
            "spec": {
                "replicas": replicas,
                "progressDeadlineSeconds": 5,
                "selector": { "matchLabels": { "app": "web" } },
                "template": {
                    "metadata": { "labels": { "app": "web" }, "annotations": { "bed/log": "one\ntwo\nthree" } },
                    "spec": { "containers": [{
                        "name": "web", "image": image,
                        "env": [{ "name": "TIMEOUT", "value": "5s" }, { "name": "KEY", "valueFrom": { "fieldRef": { "fieldPath": "metadata.name" } } }],
                        "resources": { "limits": { "memory": "128Mi", "cpu": "500m" } },
                    }] },
                },
            },
        });
        self.call(&Method::POST, "/apis/apps/v1/namespaces/shop/deployments", &deployment);
    }

    pub fn deployment(&self) -> Value {
        self.get("/apis/apps/v1/namespaces/shop/deployments/web")
    }

    pub fn image(&self, image: &str) {
        let json = json!([{ "name": "web", "image": image, "env": self.deployment()["spec"]["template"]["spec"]["containers"][0]["env"] }]);
        let patch = json!({ "spec": { "template": { "spec": { "containers": json } } } });
        self.call(&Method::PATCH, "/apis/apps/v1/namespaces/shop/deployments/web", &patch);
    }

    pub fn pods(&self) -> Vec<Value> {
        let all = self.get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dweb");
        all["items"].as_array().expect("a list").clone()
    }

    /// Waits until this many pods of `web` are ready, and no others are there.
    pub fn wait_ready(&self, count: usize) {
        wait_until("the pods are ready", || {
            let pods = self.pods();
            let is = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
            let ready = |pod: &&Value| pod["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(is));
            pods.len() == count && pods.iter().filter(ready).count() == count
        });
    }

    /// Makes a pod end again and again, until it is deleted.
    pub fn sicken(&self, pod: &str) {
        let patch = json!({ "metadata": { "annotations": { "bed/sick": "true" } } });
        self.call(&Method::PATCH, &format!("/api/v1/namespaces/shop/pods/{pod}"), &patch);
    }

    /// What the user `ira` asked for: verb, resource and status of each request.
    fn audited(&self) -> Vec<(String, String, u64)> {
        let log = std::fs::read_to_string(self.said["audit"].as_str().expect("a path")).unwrap_or_default();
        let one = |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            let of = &event["objectRef"];
            let resource = format!("{}/{}", of["resource"].as_str()?, of["subresource"].as_str().unwrap_or_default());
            let status = event["responseStatus"]["code"].as_u64()?;
            Some((event["verb"].as_str()?.to_owned(), resource.trim_end_matches('/').to_owned(), status))
        };
        log.lines().filter_map(one).filter(|(_, resource, _)| resource != RULES).collect()
    }

    /// The same without the status.
    pub fn asked(&self) -> Vec<(String, String)> {
        self.audited().into_iter().map(|(verb, resource, _)| (verb, resource)).collect()
    }

    /// What the user `ira` changed, in order: `delete pods`.
    pub fn wrote(&self) -> Vec<String> {
        let changed = |(verb, _, status): &(String, String, u64)| {
            !matches!(verb.as_str(), "get" | "list" | "watch") && (200..300).contains(status)
        };
        self.audited().into_iter().filter(changed).map(|(verb, of, _)| format!("{verb} {of}")).collect()
    }

    /// How many rules say what the user `ira` may do.
    fn rules(&self) -> usize {
        let ask = json!({ "apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": { "namespace": "shop" } });
        let url = format!("/apis/authorization.k8s.io/v1/{RULES}");
        let (status, text) = self.said_to("bed-ira", &Method::POST, &url, "application/json", ask.to_string());
        assert_eq!(status, 201, "{text}");
        let said: Value = serde_json::from_str(&text).expect("JSON");
        said["status"]["resourceRules"].as_array().map_or(0, Vec::len)
    }

    /// Lets the user `ira` do what these actions say that they need, and nothing else from now on.
    pub fn allow(&self, actions: &[&str]) {
        let admin = self.said["token"].as_str().expect("a token");
        for kind in ["clusterrolebindings", "clusterroles"] {
            let path = format!("/apis/rbac.authorization.k8s.io/v1/{kind}/ira");
            let (status, text) = self.said_to(admin, &Method::DELETE, &path, "application/json", String::new());
            assert!(matches!(status, 200 | 404), "{text}");
        }
        // What everybody may do who is known.
        wait_until("they may do nothing", || self.rules() == 1);
        let role = ira_commands::actions::k8s::role(actions.iter().copied()).expect("of a cluster");
        let url = "/apis/rbac.authorization.k8s.io/v1";
        self.send(&Method::POST, &format!("{url}/clusterroles"), "application/yaml", role);
        let binding = json!({
            "metadata": { "name": "ira" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ira" },
            "subjects": [{ "kind": "User", "name": "ira", "apiGroup": "rbac.authorization.k8s.io" }],
        });
        self.call(&Method::POST, &format!("{url}/clusterrolebindings"), &binding);
        wait_until("the role counts", || self.rules() > 1);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the sign to stop.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
