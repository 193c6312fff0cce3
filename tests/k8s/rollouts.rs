//! A rollout: how far it is, taken back, begun anew; what its containers are given, and how many there are.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::support::run::wait_until;

const WEB: [&str; 2] = ["--workload", "deployment/web"];

#[test]
fn a_rollout_that_fails_is_taken_back_to_the_revision_before_and_only_while_it_is_the_present_one() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    cluster.image("web:bad");
    let person = Person::new(cluster.kubeconfig("admin"));
    let status = [&["k8s.rollout_status"], &WEB[..]].concat();
    wait_until("it goes no further", || person.data(&status)["stuck"] == "ProgressDeadlineExceeded");
    let shown = person.act(&status);
    assert!(shown.code == 4 && shown.out.contains("k8s.rollout_history"), "{shown:?}");
    let history = person.data(&[&["k8s.rollout_history"], &WEB[..]].concat());
    assert_eq!((&history["current"], &history["previous"]), (&json!(2), &json!(1)), "{history}");
    assert_eq!(history["revisions"][0]["images"], json!(["web:bad"]));

    let undo = |more: &[&str]| person.agreed(&[&["k8s.rollout_undo"], &WEB[..], more].concat());
    let moved = undo(&["--from", "1"]);
    assert!(moved.code == 1 && moved.out.contains("at revision 2 by now, not at 1"), "{moved:?}");
    let none = undo(&["--to", "9"]);
    assert!(none.code == 69 && none.out.contains("has no revision 9"), "{none:?}");
    let back = undo(&["--from", "2"]);
    assert!(back.code == 0 && back.out.contains("all of the newest revision"), "{back:?}");
    let container = &cluster.deployment()["spec"]["template"]["spec"]["containers"][0];
    assert_eq!((&container["image"], container["env"].as_array().map(Vec::len)), (&json!("web:1"), Some(2)));
    assert_eq!(back.json()["data"]["actions"][0]["from"]["revision"], 2);

    let restarted = person.agreed(&[&["k8s.rollout_restart"], &WEB[..]].concat());
    assert_eq!(restarted.code, 0, "{restarted:?}");
    assert_eq!(person.ended(), ["done", "done"]);
}

#[test]
fn one_value_of_a_container_is_changed_within_its_bound_and_nothing_else() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 1);
    cluster.wait_ready(1);
    let person = Person::new(cluster.kubeconfig("admin"));
    let set = |more: &[&str]| person.agreed(&[&["k8s.set_env"], &WEB[..], more].concat());
    for (words, why) in [
        (["--name", "TIMEOUT", "--value", "99s"], "not to be above 30"),
        (["--name", "TIMEOUT", "--value", "9"], "give the same unit"),
        (["--name", "OTHER", "--value", "9s"], "has no variable OTHER"),
        (["--name", "KEY", "--value", "9s"], "taken from elsewhere"),
    ] {
        let refused = set(&[&words[..], &["--at-most", "30"]].concat());
        assert!(refused.code != 0 && refused.out.contains(why), "{refused:?}");
    }
    let before = cluster.deployment()["spec"]["template"]["spec"].clone();
    let done = set(&["--name", "TIMEOUT", "--value", "20s", "--at-most", "30"]);
    assert_eq!(done.code, 0, "{done:?}");
    let mut wanted = before;
    wanted["containers"][0]["env"][0]["value"] = json!("20s");
    assert_eq!(cluster.deployment()["spec"]["template"]["spec"], wanted);

    let resources = |more: &[&str]| person.agreed(&[&["k8s.set_resources"], &WEB[..], more].concat());
    let above = resources(&["--memory-request", "256Mi"]);
    assert!(above.code == 2 && above.out.contains("above the memory limit"), "{above:?}");
    let done = resources(&["--memory-limit", "512Mi", "--memory-request", "256Mi"]);
    assert_eq!(done.code, 0, "{done:?}");
    wanted["containers"][0]["resources"] =
        json!({ "limits": { "cpu": "500m", "memory": "512Mi" }, "requests": { "memory": "256Mi" } });
    assert_eq!(cluster.deployment()["spec"]["template"]["spec"], wanted);
    let same = person.act(&[&["k8s.set_resources"], &WEB[..], &["--memory-limit", "512Mi", "--yes"]].concat());
    assert!(same.code == 0 && same.out.contains("Nothing to do"), "{same:?}");
    assert_eq!(person.ended(), ["done", "done"]);
}

#[test]
fn pods_are_more_or_fewer_within_bounds_and_what_an_autoscaler_would_undo_is_refused() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let person = Person::new(cluster.kubeconfig("admin"));
    let scale = |more: &[&str]| person.agreed(&[&["k8s.scale"], &WEB[..], more].concat());
    let more = scale(&["--by", "1", "--at-most", "3"]);
    assert_eq!(more.code, 0, "{more:?}");
    assert_eq!(more.json()["data"]["actions"][0]["before"], 2);
    let over = scale(&["--by", "1", "--at-most", "3"]);
    assert!(over.code == 1 && over.out.contains("more than 3"), "{over:?}");
    let none = scale(&["--replicas", "0"]);
    assert!(none.code == 1 && none.out.contains("--to-zero"), "{none:?}");
    let hpa = json!({
        "metadata": { "name": "web" },
        "spec": { "minReplicas": 2, "maxReplicas": 4, "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "web" } },
    });
    cluster.call(&Method::POST, "/apis/autoscaling/v1/namespaces/shop/horizontalpodautoscalers", &hpa);
    let undone = scale(&["--replicas", "6"]);
    assert!(undone.code == 1 && undone.out.contains("between 2 and 4"), "{undone:?}");
    let update = |more: &[&str]| person.agreed(&[&["k8s.update_hpa", "--hpa", "web"], more].concat());
    let wide = update(&["--max", "12", "--at-most", "10"]);
    assert!(wide.code == 1 && wide.out.contains("not between 1 and 10"), "{wide:?}");
    let wider = update(&["--max", "8", "--at-most", "10"]);
    assert!(wider.code == 0 && wider.out.contains("2 to 8 pods"), "{wider:?}");
    let fine = scale(&["--replicas", "6"]);
    assert_eq!(fine.code, 0, "{fine:?}");
    cluster.wait_ready(6);
    let zero = scale(&["--replicas", "0", "--to-zero"]);
    assert!(zero.code == 1, "the autoscaler's least: {zero:?}");
    assert_eq!(person.ended(), ["done", "done", "done"]);
}
