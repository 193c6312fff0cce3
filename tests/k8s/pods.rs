//! A pod: how it stands, what it said, what it uses, and that it goes.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::support::run::wait_until;

#[test]
fn a_pod_that_ends_again_and_again_is_deleted_once_and_a_well_one_comes() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let person = Person::new(cluster.kubeconfig("admin"));
    let status = ["k8s.pod_status", "--workload", "deployment/web"];
    let well = person.act(&status);
    assert!(well.code == 0 && well.out.contains("All 2 pods"), "{well:?}");

    let sick = cluster.pods()[0]["metadata"].clone();
    let (name, uid) = (sick["name"].as_str().expect("a name"), sick["uid"].as_str().expect("a uid"));
    let refused = person.agreed(&["k8s.delete_pod", "--pod", name]);
    assert!(refused.code == 1 && refused.out.contains("is ready and serves"), "{refused:?}");

    cluster.sicken(name);
    wait_until("it is sick", || person.data(&status)["state"] == "CrashLoopBackOff");
    let shown = person.act(&status);
    assert!(shown.code == 4 && shown.out.contains("OOMKilled (137)"), "{shown:?}");
    let data = person.data(&status);
    assert_eq!((&data["worst"], &data["uid"], &data["last_reason"]), (&json!(name), &json!(uid), &json!("OOMKilled")));
    let events = person.act(&["k8s.events", "--of", &format!("pod/{name}")]);
    assert!(events.out.contains("BackOff") && events.out.contains("Warning"), "{events:?}");
    let before = person.act(&["k8s.logs", "--pod", name, "--lines", "2", "--previous"]);
    assert!(before.out.contains("before: two") && !before.out.contains("one"), "{before:?}");

    let other = person.agreed(&["k8s.delete_pod", "--pod", name, "--uid", "of-another"]);
    assert!(other.code == 69 && other.out.contains("is another one by now"), "{other:?}");
    let dry = person.act(&["k8s.delete_pod", "--pod", name, "--dry-run"]);
    assert!(dry.code == 0 && dry.out.contains("CrashLoopBackOff") && dry.out.contains("replicaset/web"), "{dry:?}");
    assert_eq!(cluster.pods().iter().filter(|pod| pod["metadata"]["uid"] == uid).count(), 1, "a dry run");

    let deleted = person.agreed(&["k8s.delete_pod", "--pod", name, "--uid", uid]);
    assert!(deleted.code == 0 && deleted.out.contains("is gone"), "{deleted:?}");
    cluster.wait_ready(2);
    assert!(cluster.pods().iter().all(|pod| pod["metadata"]["uid"] != uid));
    assert_eq!(person.ended(), ["done"]);
    let again = person.agreed(&["k8s.delete_pod", "--pod", name, "--uid", uid]);
    assert_eq!(again.code, 69, "{again:?}");
}

#[test]
fn a_command_in_a_container_reads_its_arguments_as_they_are_and_what_pods_use_is_told() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 1);
    cluster.wait_ready(1);
    let person = Person::new(cluster.kubeconfig("admin"));
    let name = cluster.pods()[0]["metadata"]["name"].as_str().expect("a name").to_owned();
    let exec = |words: &[&str]| person.agreed(&[&["k8s.pod_exec", "--pod", &name], words].concat());
    let said = exec(&["--arg", "printf", "--arg", "%s|", "--arg", "$(id)", "--arg", "-rf", "--arg", "a\nb"]);
    assert_eq!(said.code, 0, "{said:?}");
    assert_eq!(said.json()["data"]["actions"][0]["stdout"], "$(id)|-rf|a\nb|", "{said:?}");
    let failed = exec(&["--arg", "sh", "--arg", "-c", "--arg", "echo broken >&2; exit 3"]);
    assert!(failed.code == 1 && failed.out.contains("exit code 3") && failed.out.contains("broken"), "{failed:?}");
    let late = exec(&["--within", "1", "--arg", "sleep", "--arg", "5"]);
    assert!(late.code == 75 && late.out.contains("not known whether"), "{late:?}");
    assert_eq!(person.ended()[..2], ["done", "failed:some"]);

    let top = ["k8s.top", "--workload", "web"];
    assert!(person.act(&top).out.contains("Nothing is known yet"));
    let usage = json!({
        "apiVersion": "metrics.k8s.io/v1beta1", "kind": "PodMetrics",
        "metadata": { "name": name, "labels": { "app": "web" } },
        "containers": [{ "name": "web", "usage": { "cpu": "125000000n", "memory": "96Mi" } }],
    });
    cluster.call(&Method::POST, "/apis/metrics.k8s.io/v1beta1/namespaces/shop/pods", &usage);
    let data = person.data(&top);
    assert_eq!((&data["cpu_share"], &data["memory_share"]), (&json!(0.25), &json!(0.75)), "{data}");
}
