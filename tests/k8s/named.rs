//! Each misuse ends in a state of its name: what may not be done, what is not there, what changed since the plan, an API
//! that says nothing.

use reqwest::Method;
use serde_json::json;

use super::*;
use crate::shipped::front::{Front, Held};
use crate::support::run::wait_until;

const SCALE: [&str; 5] = ["k8s.scale", "--workload", "deployment/web", "--replicas", "3"];

#[test]
fn what_may_not_be_done_is_named_by_verb_and_resource_and_nothing_is_done() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    cluster.allow(&["k8s.rollout_status", "k8s.rollout_history", "k8s.pod_status", "k8s.node_status"]);
    let person = Person::new(cluster.kubeconfig("ira"));
    let pod = cluster.pods()[0].clone();
    let (name, node) =
        (pod["metadata"]["name"].as_str().expect("a name"), pod["spec"]["nodeName"].as_str().expect("bound"));
    for (words, verb, resource) in [
        (&["k8s.delete_pod", "--even-ready", "--pod", name][..], "delete", "pods"),
        (&SCALE, "patch", "deployments/scale"),
        (&["k8s.rollout_restart", "--workload", "web"], "patch", "deployments"),
        (&["k8s.set_env", "--workload", "web", "--name", "TIMEOUT", "--value", "9s"], "patch", "deployments"),
        (&["k8s.cordon", "--node", node], "patch", "nodes"),
        (&["k8s.top", "--workload", "web"], "list", "pods"),
        (&["k8s.logs", "--pod", name], "get", "pods/log"),
    ] {
        let ran = person.act(
            &[
                words,
                if words[0].contains("top") || words[0].contains("logs") { &["--json"] } else { &["--yes", "--json"] },
            ]
            .concat(),
        );
        assert_eq!(ran.code, 69, "{ran:?}");
        for part in ["does not allow this", verb, resource] {
            assert!(ran.out.contains(part), "{part}: {ran:?}");
        }
    }
    assert_eq!(cluster.wrote(), [] as [String; 0]);
    assert!(person.ended().iter().all(|state| state == "failed:none"), "{:?}", person.ended());
}

#[test]
fn what_is_not_there_is_named_and_nothing_is_begun() {
    let Some(cluster) = Cluster::start() else { return };
    let person = Person::new(cluster.kubeconfig("admin"));
    for (words, what) in [
        (&["k8s.delete_pod", "--pod", "gone-1"][..], "gone-1"),
        (&["k8s.scale", "--workload", "deployment/gone", "--replicas", "2"], "gone"),
        (&["k8s.rollout_undo", "--workload", "deployment/gone"], "gone"),
        (&["k8s.rollout_restart", "--workload", "statefulset/gone"], "gone"),
        (&["k8s.set_resources", "--workload", "gone", "--memory-limit", "1Gi"], "gone"),
        (&["k8s.update_hpa", "--hpa", "gone", "--max", "4"], "gone"),
        (&["k8s.cordon", "--node", "gone"], "gone"),
        (&["k8s.drain", "--node", "gone"], "gone"),
        (&["k8s.rollout_restart", "--namespace", "nowhere", "--workload", "web"], "nowhere"),
    ] {
        let ran = person.agreed(words);
        assert!(ran.code == 69 && ran.out.contains(what), "{words:?}: {ran:?}");
        assert_eq!(ran.json()["errors"][0]["kind"], "missing", "{words:?}: {ran:?}");
    }
    assert_eq!(person.ended(), [] as [String; 0]);
}

#[test]
fn lesson_26_what_changed_since_the_plan_is_left_as_it_is() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let front = Front::of(&cluster.server());
    let person = Person::new(cluster.kubeconfig_at("admin", &front.url()));
    // Somebody else is quicker, between the last look and the write.
    front.hold("PATCH", "/scale", Held::Until);
    let ran = std::thread::scope(|scope| {
        let ran = scope.spawn(|| person.agreed(&SCALE));
        wait_until("it writes", || front.is_hit() || ran.is_finished());
        let url = "/apis/apps/v1/namespaces/shop/deployments/web";
        cluster.call(&Method::PATCH, url, &json!({ "spec": { "replicas": 5 } }));
        front.open();
        ran.join().expect("it ends")
    });
    assert!(ran.code != 0 && ran.out.contains("changed"), "{ran:?}");
    assert_eq!(cluster.deployment()["spec"]["replicas"], 5, "theirs stands");
    assert_eq!(person.ended(), ["failed:none"]);
}

#[test]
fn an_api_that_says_nothing_is_given_up_and_a_write_that_nobody_heard_of_is_looked_at_first() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let front = Front::of(&cluster.server());
    let person = Person::new(cluster.kubeconfig_at("admin", &front.url()));
    front.hold("GET", "/deployments/web", Held::Before);
    let hung = person.agreed(&SCALE);
    assert!(hung.code == 69 && hung.out.contains("timeout"), "{hung:?}");
    assert_eq!(person.ended(), [] as [String; 0], "nothing was begun");

    front.hold("PATCH", "/scale", Held::After);
    let lost = person.agreed(&SCALE);
    assert_eq!(lost.code, 75, "done, and nobody heard of it: {lost:?}");
    front.open();
    let settled = person.act(&[&SCALE[..], &["--resume", "--json"]].concat());
    assert!(settled.code == 0 && settled.out.contains(r#""status":"done""#), "{settled:?}");
    cluster.wait_ready(3);
}
