//! A pod of a real control plane is deleted.

use super::*;
use crate::k8s::bed::Cluster;

const LOOK: &str = "ira: 1
playbook: pod-gone
about: a pod is gone; who keeps it is looked at
owner: tests
mode: auto
on:
  - source: alertmanager
    match: { alertname: PodGone }
    key: [alert.labels.deployment]
steps:
  - id: settle
    do: wait
    with: { for: 2s }
  - id: look
    do: k8s.rollout_status
    with: { namespace: shop, workload: deployment/web }
    timeout: 20s
";

#[test]
fn a_pod_with_the_mark_is_deleted_and_one_without_is_refused() {
    let Some(cluster) = Cluster::start() else { return };
    cluster.deploy("web:1", 2);
    cluster.wait_ready(2);
    let range = Range::with(&format!(
        "[kubernetes]\nkubeconfig = \"{}\"\n\
         [drill.pod]\nplaybook = \"pod-gone\"\nsafe = true\nwithin = \"60s\"\n\
         labels = {{ alertname = \"PodGone\", deployment = \"web\" }}\n\
         inject = {{ fault = \"delete-pod\", target = \"app=web\", namespace = \"shop\" }}\n",
        cluster.kubeconfig("admin")
    ));
    range.person.write(".config/ira/playbooks/pod.yaml", LOOK, 0o600);
    let _daemon = range.daemon();
    let name = |pod: &serde_json::Value| pod["metadata"]["name"].as_str().expect("a name").to_owned();
    let before: Vec<String> = cluster.pods().iter().map(name).collect();
    let refused = range.run(&["drill", "pod", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("ira.dev/drill: \"safe\""), "{refused:?}");
    assert_eq!(cluster.pods().iter().map(name).collect::<Vec<_>>(), before);
    let mark = json!({ "metadata": { "annotations": { "ira.dev/drill": "safe" } } });
    cluster.call(&reqwest::Method::PATCH, &format!("/api/v1/namespaces/shop/pods/{}", before[1]), &mark);
    let ran = range.run(&["drill", "pod", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?} {}", range.log());
    cluster.wait_ready(2);
    let after: Vec<String> = cluster.pods().iter().map(name).collect();
    assert!(after.contains(&before[0]) && !after.contains(&before[1]), "{before:?} {after:?}");
}
