mod planted;

const FUND: &str = include_str!("fund.yaml");

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
