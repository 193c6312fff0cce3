//! The playbooks that ship. A file of the same name in a folder of the configuration stands in the place of one.

/// File and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("feed-alert.yaml", include_str!("../playbooks/feed-alert.yaml")),
    ("vrf-alert.yaml", include_str!("../playbooks/vrf-alert.yaml")),
    ("service-down.yaml", include_str!("../playbooks/service-down.yaml")),
    ("high-error-rate.yaml", include_str!("../playbooks/high-error-rate.yaml")),
    ("high-error-rate-kubernetes.yaml", include_str!("../playbooks/high-error-rate-kubernetes.yaml")),
    ("connection-pool.yaml", include_str!("../playbooks/connection-pool.yaml")),
    ("cache-degraded.yaml", include_str!("../playbooks/cache-degraded.yaml")),
    ("pod-crash-loop.yaml", include_str!("../playbooks/pod-crash-loop.yaml")),
    ("deployment-failed.yaml", include_str!("../playbooks/deployment-failed.yaml")),
    ("high-memory.yaml", include_str!("../playbooks/high-memory.yaml")),
    ("high-cpu.yaml", include_str!("../playbooks/high-cpu.yaml")),
    ("node-not-ready.yaml", include_str!("../playbooks/node-not-ready.yaml")),
    ("database-outage.yaml", include_str!("../playbooks/database-outage.yaml")),
];

/// A playbook to start from, with a comment about each part. It is sound but for its name and owner.
pub fn template(name: Option<&str>) -> String {
    include_str!("template.yaml").replace("playbook: NAME", &format!("playbook: {}", name.unwrap_or("NAME")))
}

#[cfg(test)]
mod tests {
    use super::super::{Incoming, decide, load, parse};
    use super::*;

    #[test]
    fn what_ships_is_sound_and_starts_at_suggest_or_below() {
        for (file, text) in SHIPPED {
            let read = load(text, &|name| Err(format!("{name} is not in the binary")));
            let playbook = read.unwrap_or_else(|problems| {
                panic!("{}", problems.iter().map(|one| one.render(file)).collect::<Vec<_>>().join("\n"))
            });
            assert_eq!(format!("{}.yaml", playbook.name.text), *file);
            assert!(playbook.mode <= super::super::Mode::Suggest && playbook.tests.len() > 1, "{file}");
        }
    }

    #[test]
    fn the_usual_names_of_alerts_are_for_one_playbook_each_out_of_the_box() {
        let all: Vec<_> = SHIPPED.iter().map(|(_, text)| parse(text).expect("sound")).collect();
        let all: Vec<_> = all.iter().collect();
        let of_pod = [("namespace", "shop"), ("pod", "web-1")];
        let of_deployment = [("namespace", "shop"), ("deployment", "web")];
        for (name, labels, wanted) in [
            ("PodCrashLoop", &of_pod[..], "pod-crash-loop"),
            ("KubePodCrashLooping", &of_pod, "pod-crash-loop"),
            ("HighMemoryUsage", &of_deployment, "high-memory"),
            ("HighCPU", &of_deployment, "high-cpu"),
            ("DatabaseConnectionPoolExhaustion", &[("database", "shop")], "connection-pool"),
            ("CacheHitRatioDegraded", &[("cache", "pages")], "cache-degraded"),
            ("DeploymentFailure", &of_deployment, "deployment-failed"),
            ("NodeNotReady", &[("node", "worker-1")], "node-not-ready"),
            ("ErrorRateHighCritical", &of_deployment, "high-error-rate-kubernetes"),
            ("ErrorRateHighCritical", &[("job", "web")], "high-error-rate"),
            (
                "ErrorRateHighCritical",
                &[("job", "web"), ("namespace", "shop"), ("deployment", "web")],
                "high-error-rate-kubernetes",
            ),
            ("ServiceDown", &[("unit", "web.service")], "service-down"),
        ] {
            for source in ["alertmanager", "grafana", "pagerduty", "datadog"] {
                let mut alert = Incoming { source: source.to_owned(), ..Incoming::default() };
                let named = [("alertname", name)];
                let given = labels.iter().chain(&named).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
                alert.alert.labels.extend(given);
                let decision = decide(&all, &alert);
                let writer = decision.writer.map(|at| decision.considered[at].playbook.as_str());
                assert_eq!((writer, decision.several.len()), (Some(wanted), 0), "{name} from {source}");
            }
        }
    }

    #[test]
    fn what_one_starts_from_is_sound() {
        let text = template(Some("mine"));
        let read = load(&text, &|_| Err("none".to_owned()));
        assert_eq!(read.expect("sound").name.text, "mine");
        assert!(parse(&template(None)).is_ok());
    }
}
