//! What an act sets is no proof that it helped: of each that changes something on a cluster.

use super::super::*;

/// What is said about a playbook that ships, with a text replaced.
fn said(text: &str, changes: &[(&str, &str)]) -> Vec<String> {
    let mut text = text.to_owned();
    for (from, to) in changes {
        assert!(text.contains(from), "{from}");
        text = text.replacen(from, to, 1);
    }
    let problems = parse(&text).err().unwrap_or_default();
    problems.into_iter().map(|problem| problem.message).filter(|message| message.contains("proves nothing")).collect()
}

const CPU: &str = include_str!("../../playbooks/high-cpu.yaml");
const UNTIL: (&str, &str) = ("q.cpu <= params.share", "q.cpu == 3");
const NODE: &str = include_str!("../../playbooks/node-not-ready.yaml");
const ROLLOUT: &str = include_str!("../../playbooks/deployment-failed.yaml");

#[test]
fn that_a_number_of_pods_is_wanted_proves_nothing_once_it_was_set() {
    let of = |take: &'static str| {
        [("    do: k8s.top\n", "    do: k8s.rollout_status\n"), ("    take: cpu_share", take), UNTIL]
    };
    assert_eq!(
        said(CPU, &of("    take: wanted")),
        ["verify asks only for what the act itself sets (q.cpu): that it was set proves nothing"]
    );
    assert_eq!(said(CPU, &of("    take: available")), [] as [&str; 0], "that they are available does");
}

#[test]
fn that_a_node_is_cordoned_proves_nothing_once_it_was_set() {
    assert_eq!(said(NODE, &[("take: ready }", "take: cordoned }")]).len(), 1);
    assert_eq!(said(NODE, &[]), [] as [&str; 0]);
}

#[test]
fn that_a_deployment_is_at_another_revision_proves_nothing_once_it_was_taken_back() {
    let query = |take: &str| {
        format!(
            "queries:\n  now:\n    do: k8s.rollout_history\n    with: {{ namespace: $alert.labels.namespace, \
             workload: 'deployment/$alert.labels.deployment' }}\n    take: {take}\n"
        )
    };
    let until = ("until: q.errors <= params.errors && q.p99 <= params.p99", "until: q.now == 1");
    for take in ["current", "previous", "age", "revisions.0.revision"] {
        let found = said(ROLLOUT, &[("queries:\n", &query(take)), until]);
        assert_eq!(
            found,
            ["verify asks only for what the act itself sets (q.now): that it was set proves nothing"],
            "{take}"
        );
    }
    // Beside it, what users see is asked, too.
    let both =
        ("until: q.errors <= params.errors && q.p99 <= params.p99", "until: q.errors <= params.errors && q.now == 1");
    assert_eq!(said(ROLLOUT, &[("queries:\n", &query("current")), both]), [] as [&str; 0]);
}
