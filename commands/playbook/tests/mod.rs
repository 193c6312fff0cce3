mod evident;
mod hostile;
mod lessons;
mod past;
mod planted;
mod running;

const FUND: &str = include_str!("fund.yaml");

/// The alert that the sound playbook's tests name.
const LOW: &str = r#"{ "alerts": [{ "status": "firing", "labels": { "alertname": "SubscriptionLow", "env": "prod",
    "coordinator": "0xD7f86b4b8Cae7D942340FF628F82735b7a20893a" }, "annotations": { "balance": "3.2" } }] }"#;

/// The files beside the sound playbook.
fn beside(name: &str) -> Result<String, String> {
    if name == "fixtures/low.json" { Ok(LOW.to_owned()) } else { Err("no such file".to_owned()) }
}

/// The sound playbook with a text replaced that is in it.
fn changed(from: &str, to: &str) -> String {
    assert!(FUND.contains(from), "{from}");
    FUND.replace(from, to)
}

/// What is said about the sound playbook with a text replaced.
fn said(from: &str, to: &str) -> String {
    let problems = super::parse(&changed(from, to)).expect_err(to);
    problems.iter().map(|problem| problem.render("fund.yaml")).collect::<Vec<_>>().join("\n")
}
