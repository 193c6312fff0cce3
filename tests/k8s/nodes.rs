//! A node: whether it takes pods, and that its pods go.

use reqwest::Method;
use serde_json::json;

use super::*;

#[test]
fn a_node_is_drained_as_far_as_a_budget_allows_and_what_would_be_lost_is_refused() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    let daemons = json!({
        "metadata": { "name": "agent" },
        "spec": {
            "selector": { "matchLabels": { "app": "agent" } },
            "template": { "metadata": { "labels": { "app": "agent" } }, "spec": { "containers": [{ "name": "a", "image": "agent:1" }] } },
        },
    });
    cluster.call(&Method::POST, "/apis/apps/v1/namespaces/shop/daemonsets", &daemons);
    cluster.wait_ready(2);
    let person = Person::new(cluster.kubeconfig("admin"));
    let node = cluster.pods()[0]["spec"]["nodeName"].as_str().expect("bound").to_owned();
    let budget = json!({
        "metadata": { "name": "web" },
        "spec": { "minAvailable": 2, "selector": { "matchLabels": { "app": "web" } } },
    });
    let budgets = "/apis/policy/v1beta1/namespaces/shop/poddisruptionbudgets";
    cluster.call(&Method::POST, budgets, &budget);
    crate::support::run::wait_until("the budget counts", || {
        cluster.get(&format!("{budgets}/web"))["status"]["currentHealthy"] == 2
    });
    let drain = |more: &[&str]| person.agreed(&[&["k8s.drain", "--node", &node], more].concat());
    let held = drain(&["--within", "2"]);
    assert!(held.code != 0 && held.out.contains("disruption budget") && held.out.contains("uncordon"), "{held:?}");
    assert_eq!(cluster.get(&format!("/api/v1/nodes/{node}"))["spec"]["unschedulable"], true, "what was done is told");
    assert_eq!(person.ended(), ["failed:some"]);

    cluster.call(&Method::PATCH, &format!("{budgets}/web"), &json!({ "spec": { "minAvailable": 1 } }));
    let drained = drain(&["--within", "60"]);
    assert!(drained.code == 0 && drained.out.contains("has 0 to leave"), "{drained:?}");
    cluster.wait_ready(2);
    assert!(cluster.pods().iter().all(|pod| pod["spec"]["nodeName"] != node.as_str()));
    let agents = cluster.get("/api/v1/namespaces/shop/pods?labelSelector=app%3Dagent");
    assert_eq!(agents["items"].as_array().map(Vec::len), Some(2), "those of a daemon set stay");

    let back = person.agreed(&["k8s.uncordon", "--node", &node]);
    assert!(back.code == 0 && back.out.contains("takes new pods"), "{back:?}");
    let nothing = person.act(&["k8s.uncordon", "--node", &node, "--yes"]);
    assert!(nothing.code == 0 && nothing.out.contains("Nothing to do"), "{nothing:?}");

    let bare = json!({
        "metadata": { "name": "alone" },
        "spec": { "nodeName": node, "containers": [{ "name": "a", "image": "a:1" }], "volumes": [{ "name": "d", "emptyDir": {} }] },
    });
    cluster.call(&Method::POST, "/api/v1/namespaces/shop/pods", &bare);
    let refused = drain(&[]);
    assert!(
        refused.code == 1 && refused.out.contains("--bare") && refused.out.contains("--delete-local-data"),
        "{refused:?}"
    );
    assert_ne!(cluster.get(&format!("/api/v1/nodes/{node}"))["spec"]["unschedulable"], true, "nothing was done");
}
