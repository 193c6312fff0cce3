//! The playbooks for a cluster, one row each: what is wrong, what was done, what helps.

use reqwest::Method;
use serde_json::{Value, json};

use super::cluster::Bed;
use crate::support::run::wait_until;

/// One playbook, and what it is tried on.
pub struct Row {
    pub playbook: &'static str,
    pub hurry: &'static [(&'static str, &'static str)],
    /// The actions that it needs the rights for.
    pub needs: &'static [&'static str],
    /// Those of them that only read.
    pub reads: &'static [&'static str],
    pub own: &'static str,
    /// Tickets that it makes where it helps, and where it does not.
    pub tickets: (usize, usize),
    /// Makes something go wrong, beyond its help or not; the labels of the alert.
    pub breaks: fn(&Bed, bool) -> Value,
    pub acted: fn(&Bed) -> bool,
    pub helps: fn(&Bed),
    /// What it writes, in order, where it helps.
    pub writes: &'static [&'static str],
    /// Which writes it may be killed at: method and a part of the path.
    pub gates: &'static [(&'static str, &'static str)],
}

const SHOP: &str = "targets = { namespace = [\"shop\"] }";

pub const ROWS: [Row; 9] = [
    Row {
        playbook: "pod-crash-loop",
        hurry: &[
            ("after: 15s", "after: 1s"),
            ("every: 10s", "every: 2s"),
            ("within: 5m", "within: 15s"),
            ("hold: 10m", "hold: 2s"),
        ],
        needs: &["k8s.pod_status", "k8s.events", "k8s.logs", "k8s.delete_pod"],
        reads: &["k8s.pod_status", "k8s.events", "k8s.logs"],
        own: SHOP,
        tickets: (0, 0),
        breaks: |bed, useless| {
            bed.cluster.deploy(if useless { "web:crash" } else { "web:1" }, 2);
            wait_until("both are there", || names(bed).len() == 2);
            let pod = names(bed).remove(0);
            bed.cluster.sicken(&pod);
            let restarts =
                |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or_default();
            wait_until("it is sick", || bed.cluster.pods().iter().any(|pod| restarts(pod) > 0));
            bed.of.lock().expect("whole").clone_from(&pod);
            json!({ "alertname": "PodCrashLoop", "namespace": "shop", "pod": pod, "severity": "critical" })
        },
        acted: |bed| !names(bed).contains(&bed.of()),
        helps: |_| {},
        writes: &["delete pods"],
        gates: &[("DELETE", "/pods/")],
    },
    Row {
        playbook: "deployment-failed",
        hurry: &[
            ("after: 30s", "after: 1s"),
            ("every: 30s", "every: 2s"),
            ("within: 10m", "within: 15s"),
            ("hold: 2h", "hold: 2s"),
        ],
        needs: &["k8s.rollout_status", "k8s.rollout_history", "k8s.rollout_undo"],
        reads: &["k8s.rollout_status", "k8s.rollout_history"],
        own: SHOP,
        tickets: (0, 0),
        breaks: |bed, _| {
            running(bed, 2);
            bed.cluster.image("web:bad");
            wait_until("it is rolled out", || bed.cluster.deployment()["status"]["updatedReplicas"] == 1);
            json!({ "alertname": "DeploymentFailure", "namespace": "shop", "deployment": "web", "severity": "critical" })
        },
        acted: |bed| bed.cluster.deployment()["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1",
        helps: |bed| bed.fails(false),
        writes: &["patch deployments"],
        gates: &[("PATCH", "/deployments/web")],
    },
    Row {
        playbook: "high-memory",
        hurry: &[
            ("after: 1m", "after: 1s"),
            ("every: 30s", "every: 2s"),
            ("within: 10m", "within: 15s"),
            ("hold: 10m", "hold: 2s"),
        ],
        needs: &["k8s.top", "k8s.scale", "k8s.delete_pod"],
        reads: &["k8s.top"],
        own: "targets = { namespace = [\"shop\"] }\nparams = { most = \"3\" }",
        tickets: (0, 0),
        breaks: |bed, useless| {
            let pod = running(bed, 2);
            for name in names(bed) {
                bed.uses(&name, "1m", if useless || name == pod { "124Mi" } else { "16Mi" });
            }
            *bed.of.lock().expect("whole") = pod;
            json!({ "alertname": "HighMemoryUsage", "namespace": "shop", "deployment": "web", "severity": "warning" })
        },
        acted: |bed| !names(bed).contains(&bed.of()),
        helps: |_| {},
        writes: &["patch deployments/scale", "delete pods"],
        gates: &[("PATCH", "/deployments/web/scale"), ("DELETE", "/pods/")],
    },
    Row {
        playbook: "high-cpu",
        hurry: &[
            ("after: 1m", "after: 1s"),
            ("every: 30s", "every: 2s"),
            ("within: 10m", "within: 15s"),
            ("hold: 10m", "hold: 2s"),
        ],
        needs: &["k8s.top", "k8s.scale"],
        reads: &["k8s.top"],
        own: "targets = { namespace = [\"shop\"] }\nparams = { most = \"3\" }",
        tickets: (0, 0),
        breaks: |bed, _| {
            running(bed, 2);
            for name in names(bed) {
                bed.uses(&name, "480m", "16Mi");
            }
            json!({ "alertname": "HighCPU", "namespace": "shop", "deployment": "web", "severity": "warning" })
        },
        acted: |bed| bed.cluster.deployment()["status"]["readyReplicas"] == 3,
        // The same work, on one pod more.
        helps: |bed| {
            for name in names(bed) {
                bed.uses(&name, "320m", "16Mi");
            }
        },
        writes: &["patch deployments/scale"],
        gates: &[("PATCH", "/deployments/web/scale")],
    },
    Row {
        playbook: "node-not-ready",
        hurry: &[
            ("with: { for: 1m }", "with: { for: 6s }"),
            ("after: 15s", "after: 1s"),
            ("every: 15s", "every: 2s"),
            ("within: 5m", "within: 15s"),
            ("hold: 10m", "hold: 2s"),
        ],
        needs: &["k8s.node_status", "k8s.events", "k8s.cordon", "k8s.drain", "k8s.uncordon"],
        reads: &["k8s.node_status", "k8s.events", "k8s.pod_status"],
        own: "targets = { node = [\"n*\"] }",
        tickets: (0, 0),
        breaks: |bed, _| {
            let pod = running(bed, 2);
            let of = |one: &&Value| one["metadata"]["name"] == pod.as_str();
            let node = bed.cluster.pods().iter().find(of).expect("there")["spec"]["nodeName"]
                .as_str()
                .expect("bound")
                .to_owned();
            bed.dies(&node, true);
            let ready = |one: &Value| one["type"] == "Ready" && one["status"] != "True";
            wait_until("the control plane sees it", || {
                let node = bed.cluster.get(&format!("/api/v1/nodes/{node}"));
                node["status"]["conditions"].as_array().is_some_and(|all| all.iter().any(ready))
            });
            bed.of.lock().expect("whole").clone_from(&node);
            json!({ "alertname": "NodeNotReady", "node": node, "severity": "critical" })
        },
        acted: |bed| bed.cluster.pods().iter().all(|pod| pod["spec"]["nodeName"] != bed.of().as_str()),
        helps: |bed| bed.dies(&bed.of(), false),
        writes: &["patch nodes", "create pods/eviction", "patch nodes"],
        gates: &[("PATCH", "/nodes/"), ("POST", "/eviction")],
    },
    // An autoscaler may choose more.
    Row {
        playbook: "high-cpu",
        hurry: MEMORY,
        needs: &["k8s.top", "k8s.update_hpa"],
        reads: &["k8s.top"],
        own: "targets = { namespace = [\"shop\"] }\nparams = { most = \"3\", hpa = \"web\" }",
        tickets: (0, 0),
        breaks: |bed, _| {
            running(bed, 2);
            for name in names(bed) {
                bed.uses(&name, "480m", "16Mi");
            }
            let of = json!({ "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" });
            let spec = json!({ "minReplicas": 1, "maxReplicas": 2, "scaleTargetRef": of });
            bed.cluster.call(&Method::POST, SCALERS, &json!({ "metadata": { "name": "web" }, "spec": spec }));
            json!({ "alertname": "HighCPU", "namespace": "shop", "deployment": "web", "severity": "warning" })
        },
        acted: |bed| bed.cluster.get(&format!("{SCALERS}/web"))["spec"]["maxReplicas"] == 3,
        helps: |bed| {
            for name in names(bed) {
                bed.uses(&name, "320m", "16Mi");
            }
        },
        writes: &["patch horizontalpodautoscalers"],
        gates: &[("PATCH", "/horizontalpodautoscalers/web")],
    },
    // The same alert came before: a profile, a ticket, a higher limit.
    Row {
        playbook: "high-memory",
        hurry: MEMORY,
        needs: &["k8s.top", "k8s.scale", "k8s.set_resources", "k8s.rollout_status"],
        reads: &["k8s.top"],
        own: "targets = { namespace = [\"shop\"] }\nparams = { most = \"3\", profile = \"profile\", desk = \"ops\", memory_limit = \"256Mi\" }",
        tickets: (1, 1),
        breaks: |bed, _| {
            running(bed, 2);
            for name in names(bed) {
                bed.uses(&name, "1m", "124Mi");
            }
            json!({ "alertname": "HighMemoryUsage", "namespace": "shop", "deployment": "web", "severity": "warning" })
        },
        acted: |bed| {
            let all = bed.cluster.deployment();
            let status = &all["status"];
            container(bed)["resources"]["limits"]["memory"] == "256Mi"
                && status["observedGeneration"] == all["metadata"]["generation"]
                && ["replicas", "updatedReplicas", "readyReplicas"].iter().all(|count| status[*count] == 3)
        },
        helps: |bed| {
            for name in names(bed) {
                bed.uses(&name, "1m", "124Mi");
            }
        },
        writes: &["patch deployments/scale", "patch deployments"],
        gates: &[],
    },
    Row {
        playbook: "high-error-rate-kubernetes",
        hurry: ERRORS,
        needs: ERROR_NEEDS,
        reads: ERROR_READS,
        own: "targets = { namespace = [\"shop\"] }\nparams = { fresh = \"0\", depends_on = \"web\", timeout_name = \"TIMEOUT\", timeout_value = \"20s\", desk = \"ops\" }",
        tickets: (0, 1),
        breaks: |bed, _| {
            running(bed, 2);
            json!({ "alertname": "ErrorRateHighCritical", "namespace": "shop", "deployment": "web", "severity": "critical" })
        },
        acted: |bed| container(bed)["env"][0]["value"] == "20s",
        helps: |bed| bed.fails(false),
        writes: &["patch deployments"],
        gates: &[("PATCH", "/deployments/web")],
    },
    // Its pods were ended for their memory.
    Row {
        playbook: "high-error-rate-kubernetes",
        hurry: ERRORS,
        needs: ERROR_NEEDS,
        reads: ERROR_READS,
        own: "targets = { namespace = [\"shop\"] }\nparams = { fresh = \"0\" }",
        tickets: (0, 0),
        breaks: |bed, _| {
            let pod = running(bed, 2);
            bed.cluster.sicken(&pod);
            let restarts =
                |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or_default();
            wait_until("it is sick", || bed.cluster.pods().iter().any(|pod| restarts(pod) > 0));
            *bed.of.lock().expect("whole") = pod;
            json!({ "alertname": "ErrorRateHighCritical", "namespace": "shop", "deployment": "web", "severity": "critical" })
        },
        acted: |bed| !names(bed).contains(&bed.of()),
        helps: |bed| bed.fails(false),
        writes: &["patch deployments"],
        gates: &[("PATCH", "/deployments/web")],
    },
];

/// Where autoscalers are.
pub const SCALERS: &str = "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers";

const MEMORY: &[(&str, &str)] = &[
    ("after: 1m", "after: 1s"),
    ("every: 30s", "every: 2s"),
    ("within: 10m", "within: 15s"),
    ("hold: 10m", "hold: 2s"),
];

const ERRORS: &[(&str, &str)] = &[
    ("default: 7200, min: 60", "default: 7200, min: 0"),
    ("with: { for: 1m }", "with: { for: 2s }"),
    ("after: 5s", "after: 1s"),
    ("every: 15s", "every: 2s"),
    ("within: 5m", "within: 15s"),
    ("hold: 5m", "hold: 2s"),
];

const ERROR_READS: &[&str] = &["k8s.rollout_status", "k8s.rollout_history", "k8s.pod_status"];
const ERROR_NEEDS: &[&str] =
    &["k8s.rollout_status", "k8s.rollout_history", "k8s.pod_status", "k8s.rollout_restart", "k8s.set_env"];

fn container(bed: &Bed) -> Value {
    bed.cluster.deployment()["spec"]["template"]["spec"]["containers"][0].clone()
}

/// So many pods of a deployment `web`, all of them ready; the name of one.
fn running(bed: &Bed, count: u32) -> String {
    bed.cluster.deploy("web:1", count);
    bed.cluster.wait_ready(usize::try_from(count).expect("few"));
    names(bed).remove(0)
}

pub fn names(bed: &Bed) -> Vec<String> {
    bed.cluster.pods().iter().map(|pod| pod["metadata"]["name"].as_str().expect("a name").to_owned()).collect()
}

impl Bed {
    /// Has a pod use so much.
    pub fn uses(&self, pod: &str, cpu: &str, memory: &str) {
        let url = "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods";
        let containers = json!([{ "name": "web", "usage": { "cpu": cpu, "memory": memory } }]);
        let there =
            self.cluster.get(url)["items"].as_array().expect("a list").iter().any(|one| one["metadata"]["name"] == pod);
        if there {
            self.cluster.call(&Method::PATCH, &format!("{url}/{pod}"), &json!({ "containers": containers }));
            return;
        }
        let usage = json!({
            "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
            "metadata": { "name": pod, "labels": { "app": "web" } }, "containers": containers,
        });
        self.cluster.call(&Method::POST, url, &usage);
    }

    /// Has a node say nothing any more, or speak again.
    pub fn dies(&self, node: &str, dead: bool) {
        let value = if dead { json!("true") } else { Value::Null };
        let patch = json!({ "metadata": { "annotations": { "bed/dead": value } } });
        self.cluster.call(&Method::PATCH, &format!("/api/v1/nodes/{node}"), &patch);
    }
}
