//! The playbook for a service that is down, where a metric says so: the script that is kept for it.

use super::*;

/// The playbook that ships, in a hurry.
pub fn shipped() -> String {
    let text = include_str!("../../commands/playbooks/service-down.yaml");
    let hurry = [
        ("hold: 5m", "hold: 2s"),
        ("within: 2m", "within: 4s"),
        ("after: 5s", "after: 1s"),
        ("every: 5s", "every: 1s"),
    ];
    hurry.iter().fold(text.to_owned(), |text, (slow, fast)| text.replace(slow, fast))
}

fn desk() -> Desk {
    let desk = Desk::new("", MEND);
    desk.person.write(".config/ira/playbooks/mend.yaml", &shipped(), 0o600);
    desk.person.configure(&format!(
        "[budgets.services]\nmax = 99\nwindow = \"1h\"\n[playbooks.service-down]\n\
         targets = {{ metric = [\"StatusCheckFailed\", \"Status Check\"], namespace = [\"AWS/EC2\"] }}\n\
         params = {{ url = \"http://127.0.0.1:{}/healthz\", host = \"i-0abc\" }}\n",
        desk.port
    ));
    desk.person.script(
        "StatusCheckFailed#AWS%2FEC2.sh",
        "cat > @/seen; echo \"$IRA_METRIC $IRA_NAMESPACE\" >> @/ledger; touch @/well",
    );
    desk.person.script("StatusCheckFailed#AWS.sh", "echo wrong >> @/ledger");
    desk
}

/// What an alarm of `CloudWatch` is in the normal form, as Alertmanager would send it.
fn alarm(desk: &Desk, metric: &str, namespace: &str, instance: &str) {
    let mut body = alert(&[("web", "firing")]);
    body["alerts"][0]["labels"] = json!({
        "alertname": "web-01 StatusCheckFailed", "metric": metric, "namespace": namespace, "InstanceId": instance,
    });
    desk.person.write("alert.json", &body.to_string(), 0o600);
}

#[test]
fn service_down_runs_the_script_of_the_metric_and_namespace_that_the_alert_names() {
    let desk = desk();
    alarm(&desk, "StatusCheckFailed", "AWS/EC2", "i-0abc");
    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("StatusCheckFailed#AWS%2FEC2.sh"), "{plan:?}");
    assert_eq!(desk.ledger().len(), 0);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger()), (0, vec!["StatusCheckFailed AWS/EC2".to_owned()]), "{ran:?}");
    let seen: Value = serde_json::from_str(&desk.person.read("seen")).expect("the alert");
    assert_eq!(seen["labels"]["InstanceId"], "i-0abc", "the alert is its standard input");
}

#[test]
fn service_down_runs_no_script_for_what_nobody_named_or_for_another_host() {
    let desk = desk();
    // Allowed, and there is no such script; not allowed; a name that leads elsewhere.
    for (metric, namespace) in
        [("Status Check", "AWS/EC2"), ("CPUUtilization", "AWS/EC2"), ("StatusCheckFailed", "AWS")]
    {
        alarm(&desk, metric, namespace, "i-0abc");
        let ran = desk.remediate(&["--yes"]);
        assert!(ran.code != 0 && desk.ledger().is_empty(), "{metric} {namespace}: {ran:?}");
    }
    alarm(&desk, "../../StatusCheckFailed", "AWS/EC2", "i-0abc");
    assert_ne!(desk.remediate(&["--yes"]).code, 0);
    alarm(&desk, "StatusCheckFailed", "AWS/EC2", "i-0def");
    let elsewhere = desk.remediate(&["--yes"]);
    assert!(elsewhere.code == 69 && elsewhere.err.contains("no playbook is for this alert"), "{elsewhere:?}");
    assert!(desk.ledger().is_empty());
}
