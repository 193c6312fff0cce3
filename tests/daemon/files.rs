//! What the daemon prints for an installation is taken by those for whom it is.

use std::collections::BTreeSet;

use super::*;
use crate::support::{debian, in_repository};

fn printed(what: &str) -> String {
    let home = tempfile::tempdir().expect("a home");
    let ran = Ran::of(ira(home.path()).args(["daemon", "--print", what]));
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

/// The files of `--unit`, by their names.
fn units(host: &Host) -> Vec<(String, String)> {
    let ran = host.ira(&["daemon", "--unit"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let units = ran.out.split("// /etc/polkit").next().unwrap_or_default();
    let file = |part: &str| {
        let (name, text) = part.split_once('\n').expect("a file");
        (name.to_owned(), text.to_owned())
    };
    units.split("# /etc/systemd/system/").filter(|part| !part.trim().is_empty()).map(file).collect()
}

#[test]
fn systemd_takes_the_units_with_and_without_a_runner() {
    if !debian(&["systemd"]) {
        return;
    }
    let host = Host::new();
    let folder = tempfile::tempdir().expect("a folder");
    let config = std::fs::read_to_string(host.path(".config/ira/config.toml")).expect("there");
    // No secret is there: the units may be for another machine.
    let config = config.replace("env:KEY", "credential:pagerduty").replace("env:TOKEN", "credential:alertmanager");
    for runner in ["same-user", "/run/ira-runner/socket"] {
        host.write(".config/ira/config.toml", &config.replace("same-user", runner), 0o600);
        let units = units(&host);
        let names: Vec<&str> = units.iter().map(|(name, _)| name.as_str()).collect();
        let has_runner = names.contains(&"ira-runner.service");
        assert_eq!(has_runner, runner.starts_with('/'), "{names:?}");
        let of = |name: &str| &units.iter().find(|(one, _)| one == name).expect("printed").1;
        let daemon = of("ira.service");
        assert!(daemon.contains("LoadCredential=pagerduty:") && daemon.contains("LoadCredential=alertmanager:"));
        if has_runner {
            let text = of("ira-runner.service");
            for line in ["KillMode=process", "Delegate=yes", "User=ira-runner", "daemon --runner ira --config"] {
                assert!(text.contains(line), "{line} in {text}");
            }
            assert!(!text.contains("LoadCredential") && daemon.contains("KillMode=mixed"), "{text}{daemon}");
        } else {
            assert!(daemon.contains("KillMode=process") && daemon.contains("Delegate=yes"), "{daemon}");
        }
        let mut verify = Command::new("systemd-analyze");
        verify.args(["verify", "--man=no"]);
        for (name, text) in &units {
            let path = folder.path().join(name);
            std::fs::write(&path, text).expect("written");
            verify.arg(path);
        }
        let said = verify.output().expect("systemd-analyze");
        let words = String::from_utf8_lossy(&said.stderr).into_owned();
        let ours: Vec<&str> = words.lines().filter(|line| line.contains("ira")).collect();
        assert!(said.status.success() && ours.is_empty(), "{words}");
    }
}

/// What `/metrics` has a line of its own for.
fn known() -> BTreeSet<String> {
    let host = Host::new();
    let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
    let (_, text) = daemon.get("/metrics");
    assert_eq!(daemon.end(), Some(0));
    let named = |line: &str| Some(line.strip_prefix("# TYPE ")?.split(' ').next()?.to_owned());
    text.lines().filter_map(named).collect()
}

/// Every name of a metric of ira in a text.
fn named(text: &str) -> BTreeSet<String> {
    let words = text.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
    let plain = |word: &str| word.trim_end_matches("_bucket").to_owned();
    words.filter(|word| word.starts_with("ira_")).map(plain).collect()
}

#[test]
fn dashboard_and_rules_ask_for_metrics_that_there_are() {
    let known = known();
    assert!(known.len() > 10, "{known:?}");
    let dashboard: Value = serde_json::from_str(&printed("dashboard")).expect("JSON");
    let mut asked = named(&printed("alert-rules"));
    let panels = dashboard["panels"].as_array().expect("panels");
    let ids: BTreeSet<u64> = panels.iter().filter_map(|panel| panel["id"].as_u64()).collect();
    assert_eq!(ids.len(), panels.len());
    for target in panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets")) {
        asked.extend(named(target["expr"].as_str().expect("an expression")));
    }
    let strange: Vec<&String> = asked.difference(&known).collect();
    assert!(strange.is_empty(), "nobody counts {strange:?}: {known:?}");
    assert!(known.difference(&asked).next().is_none(), "shown nowhere: {:?}", known.difference(&asked));
}

#[test]
fn prometheus_takes_the_rules_and_the_queries_of_the_dashboard() {
    if !debian(&["prometheus"]) {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::write(folder.path().join("rules.yml"), printed("alert-rules")).expect("written");
    let tests = std::fs::read(in_repository("tests/beds/prometheus/rules-test.yml")).expect("the tests of the rules");
    std::fs::write(folder.path().join("test.yml"), tests).expect("written");
    // Each query as a rule: promtool reads them so.
    let dashboard: Value = serde_json::from_str(&printed("dashboard")).expect("JSON");
    let panels = dashboard["panels"].as_array().expect("panels");
    let targets = panels.iter().flat_map(|panel| panel["targets"].as_array().expect("targets"));
    let query = |target: &Value| target["expr"].as_str().expect("an expression").replace("$__rate_interval", "5m");
    let rules: Vec<Value> =
        targets.zip(0..).map(|(one, at)| json!({ "record": format!("a{at}"), "expr": query(one) })).collect();
    let queries = json!({ "groups": [{ "name": "dashboard", "rules": rules }] });
    std::fs::write(folder.path().join("queries.yml"), queries.to_string()).expect("written");
    for words in [&["check", "rules", "rules.yml", "queries.yml"][..], &["test", "rules", "test.yml"]] {
        let said = Command::new("promtool").args(words).current_dir(folder.path()).output().expect("promtool");
        let text = format!("{}{}", String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success(), "{words:?}: {text}");
    }
}

#[test]
fn the_configuration_for_kubernetes_is_sound_and_a_secret_of_root_and_its_group_is_taken() {
    let text = printed("kubernetes");
    for line in
        ["kind: StatefulSet", "volumeClaimTemplates:", "defaultMode: 0440", "runAsNonRoot: true", "scheme: HTTPS"]
    {
        assert!(text.contains(line), "{line}");
    }
    // The file in the ConfigMap, at other places.
    let (_, rest) = text.split_once("config.toml: |\n").expect("the configuration");
    let lines = rest.lines().take_while(|line| line.is_empty() || line.starts_with("    "));
    let config: String = lines.flat_map(|line| [line.trim_start(), "\n"]).collect();
    let host = Host::new();
    let home = host.home.path().display().to_string();
    let place = |text: &str| {
        text.replace("/etc/ira/secrets", &format!("{home}/secrets")).replace("/var/lib/ira", &format!("{home}/state"))
    };
    let pair = rcgen::generate_simple_self_signed(vec!["ira.ira.svc".to_owned()]).expect("a certificate");
    host.write("secrets/tls.crt", &pair.cert.pem(), 0o440);
    host.write("secrets/tls.key", &pair.signing_key.serialize_pem(), 0o440);
    host.write("secrets/alertmanager", TOKEN, 0o440);
    host.write("secrets/pagerduty", CANARY, 0o440);
    host.write("kubernetes.toml", &place(&config), 0o440);
    // Playbooks are beside the configuration.
    host.write("playbooks/mend.yaml", &host.mend("2s", "60s"), 0o440);
    let path = host.path("kubernetes.toml").display().to_string();
    let checked = host.ira(&["daemon", "--check", "--config", &path]);
    assert!(checked.code == 78 && checked.err.contains("it runs scripts, and nothing says as whom"), "{checked:?}");
    std::fs::remove_file(host.path("playbooks/mend.yaml")).expect("removed");
    let checked = host.ira(&["daemon", "--check", "--config", &path]);
    assert!(checked.code == 0 && checked.out.contains("Sound: "), "{checked:?}");
    let served = host.ira(&["config", "check", "--config", &path]);
    assert_eq!(served.code, 0, "{served:?}");
}

#[test]
fn kubernetes_file_is_yaml_and_the_rest_says_what_it_is_for() {
    let python =
        "import sys, yaml\nfor one in yaml.safe_load_all(sys.stdin): assert one['kind'] and one['metadata']['name']";
    if debian(&["python3-yaml"]) {
        let mut command = Command::new("python3");
        let ran = Ran::with_input(command.args(["-c", python]), &printed("kubernetes"));
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    let role = printed("rbac");
    assert!(role.contains("resources: [pods]\n  verbs: [delete, get, list]"), "of the playbooks that ship: {role}");
    assert!(printed("containerfile").contains("FROM scratch") && printed("cron").contains("daemon --once"));
}
