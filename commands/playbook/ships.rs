//! The playbooks that ship. A file of the same name in a folder of the configuration stands in the place of one.

/// File and text of each.
pub const SHIPPED: &[(&str, &str)] = &[
    ("feed-alert.yaml", include_str!("../playbooks/feed-alert.yaml")),
    ("vrf-alert.yaml", include_str!("../playbooks/vrf-alert.yaml")),
    ("service-down.yaml", include_str!("../playbooks/service-down.yaml")),
    ("high-error-rate.yaml", include_str!("../playbooks/high-error-rate.yaml")),
    ("connection-pool.yaml", include_str!("../playbooks/connection-pool.yaml")),
    ("cache-degraded.yaml", include_str!("../playbooks/cache-degraded.yaml")),
    ("pod-crash-loop.yaml", include_str!("../playbooks/pod-crash-loop.yaml")),
    ("deployment-failed.yaml", include_str!("../playbooks/deployment-failed.yaml")),
    ("high-memory.yaml", include_str!("../playbooks/high-memory.yaml")),
    ("high-cpu.yaml", include_str!("../playbooks/high-cpu.yaml")),
    ("node-not-ready.yaml", include_str!("../playbooks/node-not-ready.yaml")),
];

/// A playbook to start from, with a comment about each part. It is sound but for its name and owner.
pub fn template(name: Option<&str>) -> String {
    include_str!("template.yaml").replace("playbook: NAME", &format!("playbook: {}", name.unwrap_or("NAME")))
}

#[cfg(test)]
mod tests {
    use super::super::{load, parse};
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
    fn what_one_starts_from_is_sound() {
        let text = template(Some("mine"));
        let read = load(&text, &|_| Err("none".to_owned()));
        assert_eq!(read.expect("sound").name.text, "mine");
        assert!(parse(&template(None)).is_ok());
    }
}
