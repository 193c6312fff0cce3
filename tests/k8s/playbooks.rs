//! The playbooks that ship for a cluster: from a payload of Alertmanager to *verified*, and to a person.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::people::api::{Api, json as answer};
use crate::support::in_repository;
use crate::support::run::wait_until;

/// Somebody whose configuration lets these playbooks write in the namespace `shop` and on every node of the bed.
fn desk(cluster: &Cluster, user: &str, playbook: &str, more: &str, quick: &[(&str, &str)]) -> Person {
    let person = Person::new(cluster.kubeconfig(user));
    let config = person.home.path().join(".config/ira");
    std::fs::create_dir_all(config.join("playbooks")).expect("made");
    let budget = |name| format!("[budgets.{name}]\nmax = 9\nwindow = \"1h\"\n");
    let budgets: String = ["pods", "rollouts", "nodes"].map(budget).concat();
    let targets = "targets = { namespace = [\"shop\"] }\n";
    let targets = if playbook == "node-not-ready" { "targets = { node = [\"n*\"] }\n" } else { targets };
    let text = format!("{budgets}[playbooks.{playbook}]\n{targets}{more}");
    std::fs::write(config.join("config.toml"), text).expect("written");
    let file = in_repository(&format!("commands/playbooks/{playbook}.yaml"));
    let mut text = std::fs::read_to_string(file).expect("it ships");
    for (slow, here) in quick {
        assert!(text.contains(slow), "{slow}");
        text = text.replacen(slow, here, 1);
    }
    std::fs::write(config.join(format!("playbooks/{playbook}.yaml")), text).expect("written");
    person
}

impl Person {
    fn alert(&self, labels: &Value) {
        let alert = json!({ "status": "firing", "labels": labels, "annotations": {}, "startsAt": "2026-11-21T03:59:51.953Z",
            "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "dfa6cc323feecd04" });
        let body = json!({ "version": "4", "status": "firing", "receiver": "ira", "groupKey": "{}:{}", "alerts": [alert],
            "groupLabels": {}, "commonLabels": labels, "commonAnnotations": {}, "externalURL": "", "truncatedAlerts": 0 });
        std::fs::write(self.home.path().join("alert.json"), body.to_string()).expect("written");
    }

    fn ira(&self, words: &[&str]) -> std::process::Command {
        let mut command = ira(self.home.path());
        command.env("KUBECONFIG", &self.kubeconfig).args(words);
        command
    }

    fn remediate(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.ira(&[&["remediate", "--alert", "alert.json"], words].concat()));
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        ran
    }
}

/// A cluster with two pods of `web`, one of which ends again and again; its name.
fn crash_loop(image: &str) -> Option<(Cluster, String)> {
    let cluster = Cluster::start()?;
    cluster.deploy(image, 2);
    wait_until("both are there", || cluster.pods().len() == 2);
    let name = cluster.pods()[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    cluster.sicken(&name);
    let restarts = |pod: &Value| pod["status"]["containerStatuses"][0]["restartCount"].as_i64().unwrap_or_default();
    wait_until("it is sick", || {
        cluster.pods().iter().any(|pod| pod["metadata"]["name"] == name.as_str() && restarts(pod) > 0)
    });
    Some((cluster, name))
}

const QUICK: &[(&str, &str)] = &[
    ("after: 15s", "after: 1s"),
    ("every: 10s", "every: 1s"),
    ("within: 5m", "within: 10s"),
    ("hold: 10m", "hold: 2s"),
];

#[test]
fn a_crash_loop_is_mended_by_the_playbook_that_ships_with_no_more_rights_than_it_needs() {
    let Some((cluster, pod)) = crash_loop("web:1") else { return };
    cluster.allow(&["k8s.pod_status", "k8s.events", "k8s.logs", "k8s.delete_pod"]);
    let person = desk(&cluster, "ira", "pod-crash-loop", "", QUICK);
    person
        .alert(&json!({ "alertname": "KubePodCrashLooping", "namespace": "shop", "pod": pod, "severity": "warning" }));
    let plan = person.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains(&format!("delete pod shop/{pod}")), "{plan:?}");
    assert!(cluster.asked().iter().all(|(verb, _)| matches!(verb.as_str(), "get" | "list")), "{:?}", cluster.asked());
    let ran = person.remediate(&["--yes"]);
    assert!(ran.code == 0 && ran.out.contains("it helped, and was seen to hold"), "{ran:?}");
    assert!(cluster.pods().iter().all(|one| one["metadata"]["name"] != pod.as_str()));
    let writes: Vec<_> =
        cluster.asked().into_iter().filter(|(verb, _)| !matches!(verb.as_str(), "get" | "list")).collect();
    assert_eq!(writes, [("delete".to_owned(), "pods".to_owned())], "one write");
}

#[test]
fn a_crash_loop_that_comes_again_is_handed_to_a_person() {
    let Some((cluster, pod)) = crash_loop("web:crash") else { return };
    let person = desk(&cluster, "admin", "pod-crash-loop", "", QUICK);
    person.alert(&json!({ "alertname": "PodCrashLoop", "namespace": "shop", "pod": pod }));
    let ran = person.remediate(&["--yes"]);
    assert!(ran.code == 4 && ran.out.contains("was handed to a person"), "{ran:?}");
    let other = desk(&cluster, "admin", "pod-crash-loop", "", QUICK);
    other.alert(&json!({ "alertname": "PodCrashLoop", "namespace": "kube-system", "pod": pod }));
    let refused = other.remediate(&["--yes"]);
    assert_ne!(refused.code, 0, "no namespace of theirs: {refused:?}");
}

#[test]
fn a_failed_deployment_goes_back_and_holds() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    cluster.image("web:bad");
    wait_until("it is rolled out", || cluster.deployment()["status"]["updatedReplicas"] == 1);
    let server = std::sync::Arc::new(std::sync::atomic::AtomicBool::new(true));
    let failing = std::sync::Arc::clone(&server);
    let prometheus = Api::start(move |_| {
        let value = if failing.load(std::sync::atomic::Ordering::Relaxed) { "0.4" } else { "0" };
        answer(200, &json!({ "status": "success", "data": { "resultType": "scalar", "result": [1, value] } }))
    });
    let more = format!("[prometheus]\nurl = \"http://127.0.0.1:{}\"\n", prometheus.port);
    let quick = [
        ("after: 30s", "after: 1s"),
        ("every: 30s", "every: 1s"),
        ("within: 10m", "within: 20s"),
        ("hold: 2h", "hold: 2s"),
    ];
    let person = desk(&cluster, "admin", "deployment-failed", &more, &quick);
    person.alert(&json!({ "alertname": "DeploymentFailure", "namespace": "shop", "deployment": "web" }));
    let running = std::thread::scope(|scope| {
        let ran = scope.spawn(|| person.remediate(&["--yes"]));
        wait_until("it went back", || {
            cluster.deployment()["spec"]["template"]["spec"]["containers"][0]["image"] == "web:1" || ran.is_finished()
        });
        server.store(false, std::sync::atomic::Ordering::Relaxed);
        ran.join().expect("it ends")
    });
    assert!(running.code == 0 && running.out.contains("it helped, and was seen to hold"), "{running:?}");
    cluster.wait_ready(2);
}

#[test]
fn a_node_that_is_dead_is_emptied_and_one_that_comes_back_is_used_again() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let node = cluster.pods()[0]["spec"]["nodeName"].as_str().expect("bound").to_owned();
    let dead = |value: Value| {
        let patch = json!({ "metadata": { "annotations": { "bed/dead": value } } });
        cluster.call(&Method::PATCH, &format!("/api/v1/nodes/{node}"), &patch);
    };
    dead(json!("true"));
    let quick = [
        ("with: { for: 1m }", "with: { for: 3s }"),
        ("after: 15s", "after: 1s"),
        ("every: 15s", "every: 1s"),
        ("within: 5m", "within: 10s"),
        ("hold: 10m", "hold: 2s"),
    ];
    let person = desk(&cluster, "admin", "node-not-ready", "", &quick);
    person.alert(&json!({ "alertname": "NodeNotReady", "node": node }));
    let status = ["k8s.node_status", "--node", &node];
    wait_until("the control plane sees that it is dead", || person.data(&status)["ready"] == false);
    let ran = std::thread::scope(|scope| {
        let ran = scope.spawn(|| person.remediate(&["--yes"]));
        wait_until("its pods are gone", || {
            cluster.pods().iter().all(|pod| pod["spec"]["nodeName"] != node.as_str()) || ran.is_finished()
        });
        dead(Value::Null);
        ran.join().expect("it ends")
    });
    assert!(ran.code == 0 && ran.out.contains("it helped, and was seen to hold"), "{ran:?}");
    let now = person.data(&status);
    assert_eq!((&now["ready"], &now["cordoned"]), (&json!(true), &json!(false)), "{now}");
}

#[test]
fn a_full_pod_gives_memory_back_or_goes_and_there_is_one_more() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let names =
        || cluster.pods().iter().map(|pod| pod["metadata"]["name"].as_str().expect("a name").to_owned()).collect();
    let before: Vec<String> = names();
    let uses = |pod: &str, memory: &str| {
        let usage = json!({
            "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
            "metadata": { "name": pod, "labels": { "app": "web" } },
            "containers": [{ "name": "web", "usage": { "cpu": "1m", "memory": memory } }],
        });
        cluster.call(&Method::POST, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", &usage);
    };
    uses(&before[0], "124Mi");
    uses(&before[1], "16Mi");
    let quick = [
        ("with: { for: 30s }", "with: { for: 1s }"),
        ("after: 1m", "after: 1s"),
        ("every: 30s", "every: 1s"),
        ("within: 10m", "within: 20s"),
        ("hold: 10m", "hold: 2s"),
    ];
    let person = desk(&cluster, "admin", "high-memory", "params = { gc = \"true\", most = \"3\" }\n", &quick);
    person.alert(&json!({ "alertname": "HighMemoryUsage", "namespace": "shop", "deployment": "web" }));
    let ran = person.remediate(&["--yes"]);
    assert!(ran.code == 0 && ran.out.contains("it helped, and was seen to hold"), "{ran:?}");
    cluster.wait_ready(3);
    let after: Vec<String> = names();
    assert!(!after.contains(&before[0]) && after.contains(&before[1]), "{before:?} {after:?}");
}
