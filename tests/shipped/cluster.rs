//! One control plane for all of them: what is wrong is made wrong, and cleared away again.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use reqwest::Method;
use serde_json::{Value, json};

use super::Scene;
use super::front::Front;
use super::rows::{Row, SCALERS};
use crate::k8s::bed::Cluster;
use crate::people::api::{Api, json as answer};
use crate::support::run::wait_until;

/// A cluster, the way to it, and a Prometheus.
pub struct Bed {
    pub cluster: Cluster,
    pub front: Front,
    prometheus: Api,
    desk: Api,
    failing: Arc<AtomicBool>,
    /// What the present alert is about.
    pub of: Mutex<String>,
}

impl Bed {
    pub fn start() -> Option<Self> {
        let cluster = Cluster::start()?;
        let front = Front::of(&cluster.server());
        let failing = Arc::new(AtomicBool::new(true));
        let own = Arc::clone(&failing);
        let prometheus = Api::start(move |asked| {
            let failing = own.load(Ordering::SeqCst);
            let asks = |part: &str| asked.path.contains(part) || asked.body.contains(part);
            let value = match failing {
                _ if asks("ALERTS_FOR_STATE") => "1",
                // Which kind of error it is: timeouts.
                true if asks("vector") => "4",
                true => "0.4",
                false => "0",
            };
            let result = json!([{ "metric": {}, "value": [1, value] }]);
            answer(200, &json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
        });
        let kept: Mutex<Vec<Value>> = Mutex::default();
        let desk = Api::start(move |asked| {
            let mut kept = kept.lock().expect("whole");
            if asked.method == "POST" {
                let mut issue = asked.json();
                issue["number"] = json!(kept.len() + 1);
                kept.push(issue.clone());
                return answer(201, &issue);
            }
            answer(200, &json!(*kept))
        });
        Some(Self { cluster, front, prometheus, desk, failing, of: Mutex::default() })
    }

    /// What the present alert is about.
    pub fn of(&self) -> String {
        self.of.lock().expect("whole").clone()
    }

    /// Whether requests fail, as Prometheus has it.
    pub fn fails(&self, value: bool) {
        self.failing.store(value, Ordering::SeqCst);
    }

    /// The texts of the tickets so far.
    pub fn tickets(&self) -> Vec<String> {
        let posted = self.desk.asked().into_iter().filter(|asked| asked.method == "POST");
        posted.map(|asked| asked.json()["body"].as_str().unwrap_or_default().to_owned()).collect()
    }

    /// Clears away what a scene left.
    fn clear(&self) {
        self.front.open();
        self.fails(true);
        for node in ["n1", "n2"] {
            self.dies(node, false);
            self.cluster.call(
                &Method::PATCH,
                &format!("/api/v1/nodes/{node}"),
                &json!({ "spec": { "unschedulable": null } }),
            );
        }
        let deployments = "/apis/apps/v1/namespaces/shop/deployments";
        if self.cluster.get(deployments)["items"].as_array().is_some_and(|all| !all.is_empty()) {
            let how = json!({ "propagationPolicy": "Background" });
            self.cluster.call(&Method::DELETE, &format!("{deployments}/web"), &how);
        }
        self.cluster.call(&Method::DELETE, SCALERS, &Value::Null);
        self.cluster.call(&Method::DELETE, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", &Value::Null);
        wait_until("the pods are gone", || self.cluster.pods().is_empty());
        let is_ready = |one: &Value| one["type"] == "Ready" && one["status"] == "True";
        wait_until("the nodes are there", || {
            let nodes = self.cluster.get("/api/v1/nodes");
            nodes["items"].as_array().expect("a list").iter().all(|node| {
                node["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(is_ready))
                    && node["spec"]["unschedulable"] != true
            })
        });
    }

    /// Makes something go wrong that a playbook is for; ira may do what these actions need, and nothing
    /// else; `useless`: what it does does not help.
    pub fn scene<'a>(&'a self, row: &'a Row, allowed: &[&str], useless: bool) -> OnCluster<'a> {
        self.clear();
        self.cluster.allow(allowed);
        let labels = (row.breaks)(self, useless);
        let (helped, useless_too) = row.tickets;
        let told = match (useless, allowed == row.needs) {
            (true, _) => useless_too,
            (false, true) => helped,
            // It comes to nothing of which anybody would be told.
            (false, false) => 0,
        };
        let told = self.tickets().len() + told;
        OnCluster { bed: self, row, labels, since: self.cluster.wrote().len(), told }
    }
}

/// A playbook on a cluster where something is wrong.
pub struct OnCluster<'a> {
    bed: &'a Bed,
    row: &'a Row,
    labels: Value,
    since: usize,
    /// How many tickets there are in the end.
    told: usize,
}

impl Scene for OnCluster<'_> {
    fn playbook(&self) -> &'static str {
        self.row.playbook
    }

    fn hurry(&self) -> Vec<(&'static str, &'static str)> {
        self.row.hurry.to_vec()
    }

    fn own(&self) -> String {
        self.row.own.to_owned()
    }

    fn tables(&self) -> String {
        let kubeconfig = self.bed.cluster.kubeconfig_at("ira", &self.bed.front.url());
        format!(
            "[kubernetes]\nkubeconfig = \"{kubeconfig}\"\n[prometheus]\nurl = \"{}\"\n\
             [tickets.ops]\npreset = \"github\"\nproject = \"a/b\"\ntoken = \"env:KEY\"\nurl = \"{}\"\n",
            self.bed.prometheus.url(),
            self.bed.desk.url()
        )
    }

    fn files(&self) -> Vec<(&'static str, String, u32)> {
        vec![(
            "scripts/profile",
            "#!/bin/sh\necho \"$1/$2\"; echo heap at https://profiles.example/1\n".to_owned(),
            0o755,
        )]
    }

    fn labels(&self) -> Value {
        self.labels.clone()
    }

    fn acted(&self) -> bool {
        (self.row.acted)(self.bed)
    }

    fn help(&self) {
        (self.row.helps)(self.bed);
    }

    fn told(&self) -> bool {
        self.bed.tickets().len() >= self.told
    }

    fn writes(&self) -> Vec<String> {
        self.bed.cluster.wrote()[self.since..].to_vec()
    }
}
