//! What the systems answered, as a report: what does not answer first, each with its mend.

use ira_commands::report::{Cell, Finding, Outcome, Remedy, Report, Section, Status, Table};
use ira_commands::{Fault, Kind};
use serde_json::{Map, json};

use super::{Answered, Said};

/// The data is `{findings: [{check, status, message, evidence: {system, kind?}, remedy}]}`. Exit 69 where a system
/// could not be asked, 4 where only something on this machine is wrong.
pub(super) fn report(answered: Vec<Answered>) -> Report {
    let count = answered.len();
    let outcome = outcome(answered.iter().filter_map(|one| one.said.as_ref().err()));
    let mut findings: Vec<(Finding, String)> = answered.into_iter().map(finding).collect();
    findings.sort_by_key(|(finding, _)| std::cmp::Reverse(finding.status));
    let bad: Vec<&(Finding, String)> = findings.iter().filter(|(one, _)| one.status == Status::Critical).collect();
    let headline = match (count, bad.len()) {
        (0, _) => "Nothing is configured that could be asked.".to_owned(),
        (1, 0) => "The only one that is configured answers.".to_owned(),
        (_, 0) => format!("All {count} answer."),
        (_, lost) => {
            let names: Vec<&str> = bad.iter().map(|(_, system)| system.as_str()).take(3).collect();
            let more = if lost > 3 { format!(" and {} more", lost - 3) } else { String::new() };
            format!("{lost} of {count} cannot be used: {}{more}.", names.join(", "))
        }
    };
    let advice = bad.iter().find_map(|(one, _)| one.remedy.as_ref()).map(|remedy| remedy.action.clone());
    let none = "write what is to be asked into the configuration (`ira help config`)";
    let status = if bad.is_empty() { Status::Ok } else { Status::Critical };
    let section = Section {
        status,
        headline,
        advice: advice.unwrap_or_else(|| if count == 0 { none.to_owned() } else { String::new() }),
        facts: Vec::new(),
        tables: vec![table(&findings, !bad.is_empty())],
    };
    let all: Vec<&Finding> = findings.iter().map(|(finding, _)| finding).collect();
    Report {
        data: json!({ "findings": all }),
        sections: vec![section],
        next: Vec::new(),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome,
    }
}

/// A fault that another command would end with 69 is a system that could not be asked.
fn outcome<'a>(faults: impl Iterator<Item = &'a Fault>) -> Outcome {
    let codes: Vec<u8> = faults.map(|fault| fault.kind.exit_code()).collect();
    match (codes.is_empty(), codes.contains(&Kind::Unreachable.exit_code())) {
        (true, _) => Outcome::Well,
        (_, true) => Outcome::Unavailable,
        _ => Outcome::Problem,
    }
}

fn finding(answered: Answered) -> (Finding, String) {
    let Answered { check, system, said } = answered;
    let mut evidence = Map::new();
    evidence.insert("system".to_owned(), json!(system));
    let (status, message, remedy) = match said {
        Ok(Said::Well(text)) => (Status::Ok, text, None),
        Ok(Said::Untold(text)) => (Status::Info, text, None),
        Err(fault) => {
            evidence.insert("kind".to_owned(), json!(fault.kind));
            let by = "owner of the configuration".to_owned();
            let message = fault.one_line();
            let action = fault.hint.or_else(|| {
                (fault.kind.retryable())
                    .then(|| format!("is it up, and is the way to it open from here? {} names it", place(check)))
            });
            (Status::Critical, message, action.map(|action| Remedy { action, by }))
        }
    };
    (Finding { check, status, message, evidence, remedy }, system)
}

/// Where the configuration says where a system is.
fn place(check: &str) -> &'static str {
    match check {
        "rpc" => "`networks.NAME.rpc`",
        "directory" => "`networks.NAME.directory`",
        "node" => "`nodes.NAME.url`",
        "pagerduty" => "`pagerduty.url`",
        "page" => "`page.url`",
        "slack" => "`slack.webhook`",
        "opsgenie" => "`opsgenie.url`",
        "prometheus" => "`prometheus.url`",
        "alertmanager" => "`alertmanager.urls`",
        "datadog" => "`datadog.url`",
        "grafana" => "`grafana.url`",
        "postgres" | "pgbouncer" | "redis" => "`url` of its table",
        "heartbeat" => "`heartbeat.url`",
        "otlp" => "`otlp.url`",
        "daemon" => "`daemon.url`",
        "tickets" => "`tickets.NAME.url`",
        "systemd" => "`systemd.bus`",
        _ => "the configuration",
    }
}

/// Those that answer are folded where others do not.
fn table(findings: &[(Finding, String)], fold: bool) -> Table {
    let row = |(finding, system): &(Finding, String)| {
        let mend = finding.remedy.as_ref().map(|remedy| remedy.action.clone()).unwrap_or_default();
        vec![
            Cell::from(finding.check),
            Cell::from(system.as_str()),
            Cell::status(finding.status),
            Cell::from(finding.message.as_str()),
            Cell::from(mend),
        ]
    };
    let (shown, folded): (Vec<_>, Vec<_>) =
        findings.iter().partition(|(finding, _)| !fold || finding.status == Status::Critical);
    Table {
        columns: vec!["check", "system", "status", "what it says", "mend"],
        rows: shown.into_iter().map(row).collect(),
        folded_note: format!("{} more answer", folded.len()),
        folded: folded.into_iter().map(row).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answered(system: &str, said: Result<Said, Fault>) -> Answered {
        Answered { check: "prometheus", system: system.to_owned(), said }
    }

    #[test]
    fn what_does_not_answer_comes_first_and_what_is_wrong_here_is_no_outage() {
        let well = || answered("a", Ok(Said::Well("well".to_owned())));
        let config = || answered("b", Err(Fault::new(Kind::Config, "no password").hint("chmod 600 x")));
        let gone = || answered("c", Err(Fault::new(Kind::Timeout, "silent")));
        assert_eq!(report(vec![well()]).outcome, Outcome::Well);
        let said = report(vec![well(), config()]);
        assert_eq!((said.outcome, said.sections[0].advice.as_str()), (Outcome::Problem, "chmod 600 x"));
        let said = report(vec![well(), config(), gone()]);
        assert_eq!(said.outcome, Outcome::Unavailable);
        assert_eq!(said.sections[0].headline, "2 of 3 cannot be used: b, c.");
        assert_eq!((said.sections[0].tables[0].rows.len(), said.sections[0].tables[0].folded.len()), (2, 1));
        assert_eq!(report(Vec::new()).outcome, Outcome::Well);
    }
}
