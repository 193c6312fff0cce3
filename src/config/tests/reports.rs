//! What `ira config show`, `ira config check` and `ira help config` say.

use super::*;

#[test]
fn check_lists_every_finding_and_a_missing_secret_is_only_a_warning() {
    let report = check(&Machine::new().user("[networks.base]\nrpc = \"env:NONE\"").sources()).unwrap();
    assert_eq!(report.outcome, ira_commands::report::Outcome::Well);
    assert!(report.data.to_string().contains("NONE is not set"), "{}", report.data);
    let bad = Machine::new().system("x = 1").user("[output]\nwide = 1").env("IRA_FORMAT", "pdf");
    let report = check(&bad.sources()).unwrap();
    assert_eq!(report.outcome, ira_commands::report::Outcome::Problem);
    assert_eq!(report.sections[0].headline, "The configuration cannot be used: 3 errors in 2 files.");
    let open = Machine::new().user("[networks.base]\nrpc = \"file:key\"").write("home/key", "https://h/");
    std::fs::set_permissions(open.path("home/key"), std::fs::Permissions::from_mode(0o644)).unwrap();
    let report = check(&open.sources()).unwrap();
    assert!(report.data.to_string().contains("chmod 600"), "{}", report.data);
    assert_eq!(report.outcome, ira_commands::report::Outcome::Problem);
    let report = check(&Machine::new().user("network = \"basee\"").sources()).unwrap();
    assert!(report.data.to_string().contains("did you mean `base`"), "{}", report.data);
}

#[test]
fn show_has_every_value_with_its_origin() {
    let config = Machine::new().user("[networks.base]\nrpc = \"env:R\"").load().unwrap();
    let shown = config.show();
    let of = |key: &str| shown.iter().find(|value| value.key == key).unwrap();
    assert_eq!(of("output.format").value, "table");
    assert_eq!(of("networks.base-mainnet.rpc").value, serde_json::json!(["env:R"]));
    assert!(of("networks.base-mainnet.rpc").origin.to_string().ends_with("config.toml:2"));
    assert_eq!(of("networks.base-mainnet.chain_id").origin, Origin::Default);
    assert_eq!(of("network").value, serde_json::Value::Null);
    let report = show(&config);
    assert!(report.data["values"].as_array().unwrap().len() == shown.len());
    assert!(report.sections[0].tables[0].rows.len() == 24, "what ships is folded away");
}

#[test]
fn the_help_names_every_key_default_and_variable() {
    let help = include_str!("../../help/config.md");
    for (table, keys) in [
        ("", keys::TOP),
        ("[output]", keys::OUTPUT),
        ("[networks.", keys::NETWORK),
        ("signer", keys::SIGNER),
        ("vrf", keys::VRF),
        ("[budgets.NAME]", keys::BUDGET),
        ("[playbooks.NAME]", keys::PLAYBOOK),
        ("[maintenance.NAME]", keys::MAINTENANCE),
        ("[drill.NAME]", keys::DRILL),
        ("inject", keys::INJECT),
        ("schedule", keys::SCHEDULE),
        ("[users.NAME]", keys::USER),
        ("[nodes.", keys::NODE),
        ("[daemon]", keys::DAEMON),
        ("[daemon.tls]", keys::TLS),
        ("[otlp]", keys::OTLP),
        ("[scripts]", keys::SCRIPTS),
        ("[systemd]", keys::SYSTEMD),
        ("[pagerduty]", keys::PAGERDUTY),
        ("[page]", keys::PAGE),
        ("[heartbeat]", keys::HEARTBEAT),
        ("[slack]", keys::SLACK),
        ("[opsgenie]", keys::OPSGENIE),
        ("[prometheus]", keys::PROMETHEUS),
        ("[datadog]", keys::DATADOG),
        ("[grafana]", keys::GRAFANA),
        ("[alertmanager]", keys::ALERTMANAGER),
        ("[tickets.NAME]", keys::TICKETS),
        ("[postgres.NAME]", keys::DATA),
        ("[pgbouncer.NAME]", keys::DATA),
        ("[redis.NAME]", keys::DATA),
        ("[kubernetes]", keys::KUBERNETES),
        ("[aws.NAME]", keys::AWS),
        ("[http]", keys::HTTP),
        ("[sources.NAME]", keys::SOURCE),
        ("[war_room]", keys::WAR_ROOM),
        ("[war_room.products.NAME]", keys::PRODUCT),
    ] {
        assert!(help.contains(table));
        for key in keys {
            assert!(help.contains(&format!("`{}`", key.name)), "{} is not in config.md", key.name);
            assert!(help.contains(key.default), "the default of {} is not in config.md", key.name);
        }
    }
    for variable in env::VARIABLES {
        assert!(help.contains(&format!("`{}`", variable.name)), "{} is not in config.md", variable.name);
    }
    for text in [help, include_str!("../../help/networks.md")] {
        for line in text.lines() {
            assert!(line.chars().count() <= 80, "longer than 80 columns: {line}");
        }
    }
    // The documented examples are a configuration.
    for example in help.split("```toml\n").skip(1).map(|rest| rest.split("```").next().unwrap()) {
        Machine::new().user(example).load().unwrap_or_else(|fault| panic!("{fault}\n{example}"));
    }
    assert!(Path::new("/etc/ira/config.toml").is_absolute() && help.contains("/etc/ira/config.toml"));
}
