//! A real Kubernetes control plane on loopback, or why there is none here.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use ira::config::env::{Env as _, SystemEnv};
use reqwest::Method;
use serde_json::{Value, json};

use crate::support::{in_repository, skipped};

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

    /// The same for a server at another port.
    pub fn kubeconfig_at(&self, user: &str, port: u16) -> String {
        let own = std::fs::read_to_string(self.kubeconfig(user)).expect("there");
        let server = self.said["server"].as_str().expect("a URL");
        let path = self.folder.path().join(format!("{user}-{port}.json"));
        std::fs::write(&path, own.replace(server, &format!("https://127.0.0.1:{port}"))).expect("written");
        path.display().to_string()
    }

    /// The port of the API.
    pub fn port(&self) -> u16 {
        let server = self.said["server"].as_str().expect("a URL");
        server.rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
    }

    /// Asks the API as who may do everything.
    pub fn call(&self, method: &Method, path: &str, body: &Value) -> Value {
        let kind = if *method == Method::PATCH { "application/merge-patch+json" } else { "application/json" };
        self.send(method, path, kind, if body.is_null() { String::new() } else { body.to_string() })
    }

    fn send(&self, method: &Method, path: &str, kind: &str, body: String) -> Value {
        let url = format!("{}{path}", self.said["server"].as_str().expect("a URL"));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        runtime.block_on(async {
            // The second call in a process finds it there.
            let _there = rustls::crypto::ring::default_provider().install_default();
            let client = reqwest::Client::builder().danger_accept_invalid_certs(true).build().expect("a client");
            let request = client.request(method.clone(), url).timeout(Duration::from_secs(20)).body(body);
            let request = request.bearer_auth(self.said["token"].as_str().expect("a token"));
            let answer = request.header("content-type", kind).send().await.expect("it answers");
            let status = answer.status();
            let text = answer.text().await.expect("a text");
            assert!(status.is_success(), "{method} {path}: {status} {text}");
            serde_json::from_str(&text).expect("JSON")
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
        crate::support::run::wait_until("the pods are ready", || {
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

    /// What the user `ira` asked for: verb and resource of each request.
    pub fn asked(&self) -> Vec<(String, String)> {
        let log = std::fs::read_to_string(self.said["audit"].as_str().expect("a path")).unwrap_or_default();
        let one = |line: &str| {
            let event: Value = serde_json::from_str(line).ok()?;
            let of = &event["objectRef"];
            let resource = format!("{}/{}", of["resource"].as_str()?, of["subresource"].as_str().unwrap_or_default());
            Some((event["verb"].as_str()?.to_owned(), resource.trim_end_matches('/').to_owned()))
        };
        log.lines().filter_map(one).collect()
    }

    /// Lets the user `ira` do what these actions say that they need, and nothing else.
    pub fn allow(&self, actions: &[&str]) {
        let role = ira_commands::actions::k8s::role(actions.iter().copied()).expect("of a cluster");
        let url = "/apis/rbac.authorization.k8s.io/v1";
        self.send(&Method::POST, &format!("{url}/clusterroles"), "application/yaml", role);
        let binding = json!({
            "metadata": { "name": "ira" },
            "roleRef": { "apiGroup": "rbac.authorization.k8s.io", "kind": "ClusterRole", "name": "ira" },
            "subjects": [{ "kind": "User", "name": "ira", "apiGroup": "rbac.authorization.k8s.io" }],
        });
        self.call(&Method::POST, &format!("{url}/clusterrolebindings"), &binding);
    }
}

impl Drop for Cluster {
    fn drop(&mut self) {
        // The end of its input is the sign to stop.
        drop(self.child.stdin.take());
        let _ = self.child.wait();
    }
}
