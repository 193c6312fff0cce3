//! What the API has to allow for each action, as the role that grants it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

/// Group, resources, verbs.
type Rule = (&'static str, &'static [&'static str], &'static [&'static str]);

const WORKLOADS: &[&str] = &["deployments", "statefulsets", "daemonsets"];
const REVISIONS: &[&str] = &["replicasets", "controllerrevisions"];

fn rules(action: &str) -> &'static [Rule] {
    match action {
        "k8s.pod_status" => &[("", &["pods"], &["get", "list"]), ("apps", WORKLOADS, &["get"])],
        "k8s.rollout_status" => &[("apps", WORKLOADS, &["get"])],
        "k8s.rollout_history" => &[("apps", WORKLOADS, &["get"]), ("apps", REVISIONS, &["list"])],
        "k8s.events" => &[("", &["events"], &["list"])],
        "k8s.logs" => &[("", &["pods/log"], &["get"])],
        "k8s.top" => {
            &[("apps", WORKLOADS, &["get"]), ("", &["pods"], &["list"]), ("metrics.k8s.io", &["pods"], &["list"])]
        }
        "k8s.node_status" => &[("", &["nodes"], &["get"])],
        "k8s.delete_pod" => &[("", &["pods"], &["get", "delete"])],
        "k8s.rollout_restart" | "k8s.set_env" | "k8s.set_resources" => &[("apps", WORKLOADS, &["get", "patch"])],
        "k8s.rollout_undo" => &[("apps", WORKLOADS, &["get", "patch"]), ("apps", REVISIONS, &["list"])],
        "k8s.scale" => &[
            ("apps", &["deployments", "statefulsets"], &["get"]),
            ("apps", &["deployments/scale", "statefulsets/scale"], &["patch"]),
            ("autoscaling", &["horizontalpodautoscalers"], &["list"]),
        ],
        "k8s.update_hpa" => &[("autoscaling", &["horizontalpodautoscalers"], &["get", "patch"])],
        "k8s.cordon" | "k8s.uncordon" => &[("", &["nodes"], &["get", "patch"])],
        "k8s.drain" => {
            &[("", &["nodes"], &["get", "patch"]), ("", &["pods"], &["list"]), ("", &["pods/eviction"], &["create"])]
        }
        // By a WebSocket it is a GET, and newer servers ask for the other verb too.
        "k8s.pod_exec" => &[("", &["pods"], &["get"]), ("", &["pods/exec"], &["get", "create"])],
        _ => &[],
    }
}

/// The role that lets these actions be run, and nothing else: YAML for `kubectl apply`. None where none of them is about a
/// cluster.
pub fn role<'a>(actions: impl IntoIterator<Item = &'a str>) -> Option<String> {
    let mut verbs: BTreeMap<(&str, &str), BTreeSet<&str>> = BTreeMap::new();
    for (group, resources, allowed) in actions.into_iter().flat_map(rules) {
        for resource in *resources {
            verbs.entry((group, resource)).or_default().extend(*allowed);
        }
    }
    if verbs.is_empty() {
        return None;
    }
    let mut text = "\
# A Role in place of it, in each namespace, where no nodes are in it.
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: ira
rules:
"
    .to_owned();
    for ((group, resource), allowed) in verbs {
        let group = if group.is_empty() { "\"\"" } else { group };
        let allowed: Vec<&str> = allowed.into_iter().collect();
        // Writing to a text does not fail.
        let _ = writeln!(text, "- apiGroups: [{group}]\n  resources: [{resource}]\n  verbs: [{}]", allowed.join(", "));
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::actions::Action;

    #[test]
    fn every_action_on_a_cluster_has_its_rules_and_what_reads_may_not_write() {
        for name in Action::NAMES.iter().filter(|name| name.starts_with("k8s.")) {
            let rules = rules(name);
            assert!(!rules.is_empty(), "{name}");
            let writes = rules.iter().any(|(_, _, verbs)| verbs.iter().any(|verb| !matches!(*verb, "get" | "list")));
            let reads =
                name.ends_with("status") || ["history", "events", "logs", "top"].iter().any(|end| name.ends_with(end));
            assert_ne!(writes, reads, "{name}");
        }
        assert_eq!(role(["wait"]), None);
    }

    #[test]
    fn what_several_need_is_one_rule_for_each_resource() {
        let text = role(["k8s.delete_pod", "k8s.pod_status"]).expect("a role");
        assert!(text.contains("resources: [pods]\n  verbs: [delete, get, list]"), "{text}");
        assert_eq!(text.matches("[pods]").count(), 1, "{text}");
    }
}
