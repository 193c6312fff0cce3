//! The tests of a file, run.

use serde_json::Value as Json;

use super::case::{Case, Expect, Fixture};
use super::model::Playbook;
use super::place::Place;
use super::problem::Problem;
use super::scope::Incoming;
use super::simulate::{Outcome, simulate};
use crate::alert::{self, Alert};
use crate::text::excerpt;

/// Reads a file beside a playbook, by the name that stands in it; the error says why it cannot be.
pub type Fixtures<'a> = dyn Fn(&str) -> Result<String, String> + 'a;

/// How one test of a file went.
#[derive(Clone, Debug, PartialEq)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// Where it stands.
    pub at: Place,
    /// What came of it; `None` where it could not be run.
    pub outcome: Option<Outcome>,
    /// What is not as it should be; empty where it passed.
    pub wrong: Vec<String>,
}

impl Tested {
    /// As a problem of the file; `None` where it passed.
    pub fn problem(&self) -> Option<Problem> {
        if self.wrong.is_empty() {
            return None;
        }
        let message = format!("the test `{}` fails: {}", excerpt(&self.name, 80), self.wrong.join("; "));
        Some(Problem::new(self.at, message))
    }
}

/// Runs the tests of a playbook.
pub fn test(playbook: &Playbook, fixtures: &Fixtures<'_>) -> Vec<Tested> {
    playbook.tests.iter().map(|case| one(playbook, case, fixtures)).collect()
}

fn one(playbook: &Playbook, case: &Case, fixtures: &Fixtures<'_>) -> Tested {
    let run = incoming(playbook, case, fixtures).and_then(|alert| simulate(playbook, case, &alert));
    let (outcome, wrong) = match run {
        Ok(outcome) => {
            let wrong = differences(&case.expect, &outcome);
            (Some(outcome), wrong)
        }
        Err(why) => (None, vec![why]),
    };
    Tested { name: case.name.clone(), at: case.at, outcome, wrong }
}

/// The alert of a test.
fn incoming(playbook: &Playbook, case: &Case, fixtures: &Fixtures<'_>) -> Result<Incoming, String> {
    let alert = match &case.alert {
        Fixture::Written { labels, annotations, resolved } => {
            Alert { labels: labels.clone(), annotations: annotations.clone(), resolved: *resolved }
        }
        Fixture::File(file) => {
            let name = excerpt(&file.text, 80);
            let text = fixtures(&file.text).map_err(|why| format!("`{name}` cannot be read: {why}"))?;
            let alerts = alert::parse(&text).map_err(|fault| format!("`{name}`: {}", fault.one_line()))?;
            alerts.into_iter().next().ok_or_else(|| format!("`{name}` holds no alert"))?
        }
    };
    let source = playbook.on.first().map(|on| on.source.text.clone()).unwrap_or_default();
    let mut incoming = Incoming { source, alert, starts_at: None };
    for (path, value) in &case.set {
        let text = match value {
            Json::String(text) => text.clone(),
            other => other.to_string(),
        };
        match (path.as_str(), path.strip_prefix("alert.labels."), path.strip_prefix("alert.annotations.")) {
            ("alert.status", ..) => match text.as_str() {
                "firing" => incoming.alert.resolved = false,
                "resolved" => incoming.alert.resolved = true,
                _ => return Err(format!("`alert.status` is firing or resolved, not `{}`", excerpt(&text, 40))),
            },
            ("alert.source", ..) => incoming.source = text,
            ("alert.starts_at", ..) => incoming.starts_at = value.as_u64(),
            // An empty map or nothing takes a label away.
            (_, Some(label), _) if value.is_null() => drop(incoming.alert.labels.remove(label)),
            (_, Some(label), _) => drop(incoming.alert.labels.insert(label.to_owned(), text)),
            (_, _, Some(name)) => drop(incoming.alert.annotations.insert(name.to_owned(), text)),
            _ => return Err(format!("`set` cannot set `{}`", excerpt(path, 60))),
        }
    }
    Ok(incoming)
}

fn differences(expect: &Expect, outcome: &Outcome) -> Vec<String> {
    let mut wrong = Vec::new();
    let why = if outcome.detail.is_empty() { outcome.reason.clone() } else { outcome.detail.clone() };
    let mut say = |what: &str, wanted: String, found: String| {
        if wanted != found {
            wrong.push(format!("{what} is {found}, not {wanted} ({why})"));
        }
    };
    if let Some(wanted) = &expect.decision {
        say("decision", wanted.text.clone(), outcome.decision.word().to_owned());
    }
    if let Some(wanted) = &expect.reason {
        say("reason", format!("`{wanted}`"), format!("`{}`", outcome.reason));
    }
    if let Some(wanted) = &expect.path {
        say("path", format!("[{}]", wanted.join(", ")), format!("[{}]", outcome.path.join(", ")));
    }
    if let Some(wanted) = expect.verified {
        say(
            "verified",
            wanted.to_string(),
            outcome.verified.map_or_else(|| "not asked".to_owned(), |verified| verified.to_string()),
        );
    }
    if let Some(wanted) = expect.escalated {
        say("escalated", wanted.to_string(), outcome.escalated.to_string());
    }
    if let Some(wanted) = &expect.undone {
        say("undone", format!("[{}]", wanted.join(", ")), format!("[{}]", outcome.undone.join(", ")));
    }
    wrong
}
