//! Playbooks as a person looks at them.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::decide::Decision;
use super::model::{Mode, Playbook};
use super::problem::Problem;
use super::shape::spelled;
use super::trial::Tested;
use super::values::unset;
use crate::report::{Cell, Fact, Outcome as Ended, Report, Section, Status, Table};
use crate::shell;
use crate::text::{clean, excerpt};

/// A playbook's file: where it came from, and what it is or what is wrong with it.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// The file as it is shown (`/etc/ira/playbooks/redis.yaml`, `feed-alert.yaml`).
    pub file: String,
    /// Whether it ships with ira.
    pub ships: bool,
    /// What it says.
    pub read: Result<Box<Playbook>, Vec<Problem>>,
    /// The file that stands in the place of this one, where there is one.
    pub overridden_by: Option<String>,
}

impl Source {
    /// Its name: what the file says, else that of the file.
    pub fn name(&self) -> String {
        if let Ok(playbook) = &self.read {
            return playbook.name.text.clone();
        }
        let file = self.file.rsplit('/').next().unwrap_or_default();
        file.rsplit_once('.').map_or(file, |(name, _)| name).to_owned()
    }

    fn origin(&self) -> String {
        if self.ships { "ships with ira".to_owned() } else { clean(&self.file) }
    }
}

fn report(section: Section, data: Json, problem: bool, next: Vec<String>) -> Report {
    Report {
        sections: vec![section],
        next,
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if problem { Ended::Problem } else { Ended::Well },
    }
}

fn counted(number: usize, what: &str) -> String {
    format!("{number} {what}{}", if number == 1 { "" } else { "s" })
}

/// What is known of a playbook beside its file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Evidence {
    /// How far it goes by itself: what the configuration says, else its file, and no further than `approve` where it is
    /// demoted.
    pub rung: Mode,
    /// Whether it was demoted.
    pub demoted: bool,
    /// Runs of this revision that ended.
    pub runs: usize,
    /// Those that changed something, and were seen to have helped.
    pub verified: usize,
    /// Those that changed something, and did not help.
    pub unhelpful: usize,
    /// Whether it mended the last drill of it; none where there was none.
    pub drilled: Option<bool>,
}

impl Evidence {
    /// The runs, and how many of those that changed something helped.
    fn said(&self) -> String {
        let wrote = self.verified + self.unhelpful;
        let drilled = self.drilled.map(|mended| if mended { "; drill mended" } else { "; drill failed" });
        let runs = match (self.runs, wrote) {
            (0, _) => "no run".to_owned(),
            (runs, 0) => counted(runs, "run"),
            (runs, wrote) => format!("{}, {} of {wrote} fixed", counted(runs, "run"), self.verified),
        };
        runs + drilled.unwrap_or_default()
    }
}

/// `ira playbook list`; `known` is what the store says of each, by name. The data is `{playbooks: [{name, file, ships,
/// overridden_by, loaded, mode, owner, writes, revision, tests, unset, problems, rung, demoted, record: {runs, verified,
/// unhelpful, drilled}}]}`.
pub fn list(sources: &[Source], known: &BTreeMap<String, Evidence>) -> Report {
    let broken = sources.iter().filter(|source| source.read.is_err()).count();
    let row = |source: &Source| {
        let note = match (&source.overridden_by, &source.read) {
            (Some(by), _) => format!("overridden by {}", clean(by)),
            (None, Err(problems)) => format!("not loaded: {}", counted(problems.len(), "error")),
            (None, Ok(playbook)) => playbook.about.clone(),
        };
        let (mode, owner, what, tests) = match &source.read {
            Ok(playbook) => {
                let what = if playbook.effects.any() { "writes" } else { "reads" };
                // A playbook of which a test fails is not loaded.
                let tests = if playbook.tests.is_empty() {
                    "none".to_owned()
                } else {
                    format!("{} pass", playbook.tests.len())
                };
                (playbook.mode.word(), playbook.owner.as_str(), what, tests)
            }
            Err(_) => ("", "", "", String::new()),
        };
        let evidence = evidence(source, known);
        let rung = evidence.map_or_else(
            || Cell::from(mode),
            |one| {
                let word = one.rung.word();
                if one.demoted {
                    Cell::from(format!("{word} (demoted)")).coloured(Status::Warn)
                } else {
                    Cell::from(word)
                }
            },
        );
        let name = Cell::from(source.name());
        let name = if source.read.is_err() { name.coloured(Status::Critical) } else { name };
        vec![
            name,
            rung,
            evidence.map(Evidence::said).unwrap_or_default().into(),
            tests.into(),
            what.into(),
            excerpt(owner, 40).into(),
            source.origin().into(),
            excerpt(&note, 80).into(),
        ]
    };
    let table = Table {
        columns: vec!["playbook", "rung", "record", "tests", "does", "owner", "from", "what it is for"],
        rows: sources.iter().map(row).collect(),
        ..Table::default()
    };
    let loaded = sources.iter().filter(|source| source.read.is_ok() && source.overridden_by.is_none()).count();
    let (status, headline) = match broken {
        0 => (Status::Ok, format!("{}.", counted(loaded, "playbook"))),
        _ => (Status::Critical, format!("{}, and {} that cannot be loaded.", counted(loaded, "playbook"), broken)),
    };
    let all = sources.iter().map(|source| {
        let mut one = one(source);
        if let Some(evidence) = evidence(source, known) {
            one["rung"] = json!(evidence.rung);
            one["demoted"] = json!(evidence.demoted);
            let Evidence { runs, verified, unhelpful, drilled, .. } = evidence;
            one["record"] = json!({ "runs": runs, "verified": verified, "unhelpful": unhelpful, "drilled": drilled });
        }
        one
    });
    let data = json!({ "playbooks": all.collect::<Vec<_>>() });
    let first = sources.iter().find(|source| source.read.is_err());
    let advice = first.map(|source| format!("`ira playbook check {}` says what is wrong", shell::word(&source.file)));
    let next = vec![first.map_or_else(
        || "ira playbook explain alert.json".to_owned(),
        |source| format!("ira playbook check {}", shell::word(&source.file)),
    )];
    let section =
        Section { status, headline, advice: advice.unwrap_or_default(), facts: Vec::new(), tables: vec![table] };
    report(section, data, broken > 0, next)
}

/// What is known of a playbook that counts.
fn evidence<'a>(source: &Source, known: &'a BTreeMap<String, Evidence>) -> Option<&'a Evidence> {
    let counts = source.read.is_ok() && source.overridden_by.is_none();
    known.get(&source.name()).filter(|_| counts)
}

fn one(source: &Source) -> Json {
    let playbook = source.read.as_ref().ok();
    json!({
        "name": source.name(),
        "file": source.file,
        "ships": source.ships,
        "overridden_by": source.overridden_by,
        "loaded": playbook.is_some() && source.overridden_by.is_none(),
        "about": playbook.map(|playbook| &playbook.about),
        "mode": playbook.map(|playbook| playbook.mode),
        "owner": playbook.map(|playbook| &playbook.owner),
        "writes": playbook.map(|playbook| playbook.effects.any()),
        "revision": playbook.map(|playbook| &playbook.revision),
        "tests": playbook.map(|playbook| playbook.tests.len()),
        "unset": playbook.map(|playbook| unset(playbook)).unwrap_or_default(),
        "problems": source.read.as_ref().err().cloned().unwrap_or_default(),
    })
}

/// `ira playbook check`. The data is `{files: [{name, file, …, problems: [{line, column, message, hint, excerpt}]}]}`.
pub fn check(sources: &[Source]) -> Report {
    let broken = sources.iter().filter(|source| source.read.is_err()).count();
    let errors: usize = sources.iter().filter_map(|source| source.read.as_ref().err()).map(Vec::len).sum();
    let rows = |source: &Source| -> Vec<Vec<Cell>> {
        let problems = source.read.as_ref().err().into_iter().flatten();
        let row = |problem: &Problem| {
            let line = problem
                .excerpt
                .as_ref()
                .map(|line| format!("  ({})", excerpt(&line.split_whitespace().collect::<Vec<_>>().join(" "), 60)))
                .unwrap_or_default();
            vec![
                Cell::from(format!("{}:{}:{}", clean(&source.file), problem.line, problem.column)),
                Cell::from(format!("{}{line}", problem.message)),
                Cell::from(problem.hint.clone().unwrap_or_default()),
            ]
        };
        problems.map(row).collect()
    };
    let mut tables = Vec::new();
    if errors > 0 {
        let rows = sources.iter().flat_map(rows).collect();
        tables.push(Table { columns: vec!["place", "what is wrong", "what to do"], rows, ..Table::default() });
    }
    let mut facts = match sources {
        [Source { read: Ok(playbook), .. }] => facts(playbook),
        _ => Vec::new(),
    };
    facts.extend(sources.iter().filter(|source| source.overridden_by.is_none()).filter_map(without));
    let tests: usize = sources.iter().filter_map(|source| source.read.as_ref().ok()).map(|one| one.tests.len()).sum();
    let (status, headline) = match (errors, sources.len()) {
        (_, 0) => (Status::Info, "There is no playbook to check.".to_owned()),
        (0, files) => {
            let sound = if files == 1 { "is sound" } else { "are sound" };
            (Status::Ok, format!("{} {sound}: {} passed.", counted(files, "playbook"), counted(tests, "test")))
        }
        (errors, files) => {
            let of = if files == 1 { String::new() } else { format!(" in {broken} of {files} playbooks") };
            (Status::Critical, format!("It cannot be loaded: {}{of}.", counted(errors, "error")))
        }
    };
    let data = json!({ "files": sources.iter().map(one).collect::<Vec<_>>() });
    let section = Section { status, headline, advice: String::new(), facts, tables };
    report(section, data, errors > 0, Vec::new())
}

/// The parameters that a person or the configuration has to give before it can be run.
fn without(source: &Source) -> Option<Fact> {
    let playbook = source.read.as_ref().ok()?;
    let names = unset(playbook);
    let first = names.first()?;
    let name = &playbook.name.text;
    let value = Cell::from(format!("{name} has no value for {}", names.join(", ")));
    let note = format!("playbooks.{name}.params in the configuration, or --param {first}=… by hand");
    Some(Fact { label: "not set", value, note })
}

/// What is worth knowing about a playbook that is sound.
fn facts(playbook: &Playbook) -> Vec<Fact> {
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    let writes = playbook.effects.writes.iter().filter(|writes| **writes).count();
    let does = format!(
        "{}, {writes} of them {}",
        counted(playbook.steps.len(), "step"),
        if writes == 1 { "writes" } else { "write" }
    );
    let mut facts = vec![
        fact("rung", playbook.mode.word().to_owned(), does),
        fact("revision", playbook.revision.chars().take(12).collect(), String::new()),
    ];
    if let Some(escalate) = playbook.escalate.as_ref().filter(|_| playbook.effects.any()) {
        let worst = super::check::worst(playbook);
        let note = format!("the worst path is {worst}");
        facts.push(fact("deadline", spelled(escalate.deadline), note));
    }
    facts
}

/// `ira playbook test`. The data is `{tests: [{playbook, name, passed, wrong, outcome}]}`.
pub fn tests(tested: &[(String, Vec<Tested>)]) -> Report {
    let all: usize = tested.iter().map(|(_, tests)| tests.len()).sum();
    let failed: usize = tested.iter().flat_map(|(_, tests)| tests).filter(|test| !test.wrong.is_empty()).count();
    let mut table = Table { columns: vec!["playbook", "test", "result", "what came of it"], ..Table::default() };
    for (playbook, tests) in tested {
        for test in tests {
            let passed = test.wrong.is_empty();
            let result = if passed { Cell::from("passed") } else { Cell::from("failed").coloured(Status::Critical) };
            let came = match &test.outcome {
                _ if !passed => test.wrong.join("; "),
                Some(outcome) => format!("{}: {}", outcome.decision.word(), outcome.reason),
                None => String::new(),
            };
            let row = vec![Cell::from(clean(playbook)), Cell::from(excerpt(&test.name, 80)), result, Cell::from(came)];
            if passed { table.folded.push(row) } else { table.rows.push(row) }
        }
    }
    if !table.folded.is_empty() {
        table.folded_note = format!("{} that passed", counted(table.folded.len(), "test"));
    }
    let (status, headline) = match (all, failed) {
        (0, _) => (Status::Warn, "There is no test: add `tests:` to the playbook.".to_owned()),
        (all, 0) => (Status::Ok, format!("{} passed.", counted(all, "test"))),
        (all, failed) => (Status::Critical, format!("{failed} of {} failed.", counted(all, "test"))),
    };
    let data = tested.iter().flat_map(|(playbook, tests)| {
        tests.iter().map(move |test| {
            json!({
                "playbook": playbook,
                "name": test.name,
                "passed": test.wrong.is_empty(),
                "wrong": test.wrong,
                "outcome": test.outcome,
            })
        })
    });
    let data = json!({ "tests": data.collect::<Vec<_>>() });
    let section = Section { status, headline, advice: String::new(), facts: Vec::new(), tables: vec![table] };
    report(section, data, failed > 0, Vec::new())
}

/// `ira playbook explain`: one section for each alert. The data is `{alerts: [{alert, chosen, several, playbooks:
/// [{playbook, writes, matched, key, stopped: [{stage, why, fault}]}]}]}`.
pub fn explain(alerts: &[(String, Decision)]) -> Report {
    let sections = alerts.iter().map(|(alert, decision)| explained(alert, decision)).collect();
    let data = alerts.iter().map(|(alert, decision)| {
        let named = |at: &usize| decision.considered.get(*at).map(|one| one.playbook.clone());
        json!({
            "alert": alert,
            "writer": decision.writer.as_ref().and_then(named),
            "readers": decision.readers.iter().filter_map(named).collect::<Vec<_>>(),
            "several": decision.several.iter().filter_map(named).collect::<Vec<_>>(),
            "playbooks": decision.considered.iter().map(|one| json!({
                "playbook": one.playbook,
                "writes": one.writes,
                "matched": one.answer.is_ok(),
                "key": one.answer.as_ref().ok().map(|matched| {
                    matched.key.iter().map(|part| part.value.clone()).collect::<Vec<_>>()
                }),
                "stopped": one.answer.as_ref().err().into_iter().flatten().map(|stopped| json!({
                    "stage": stopped.stage.word(), "why": stopped.why, "fault": stopped.fault,
                })).collect::<Vec<_>>(),
            })).collect::<Vec<_>>(),
        })
    });
    let data = json!({ "alerts": data.collect::<Vec<_>>() });
    let none = alerts.iter().any(|(_, decision)| decision.writer.is_none() && decision.readers.is_empty());
    Report {
        sections,
        next: Vec::new(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if none { Ended::Problem } else { Ended::Well },
    }
}

fn explained(alert: &str, decision: &Decision) -> Section {
    let name = |at: &usize| decision.considered.get(*at).map_or("", |one| one.playbook.as_str());
    let names = |all: &[usize]| all.iter().map(name).collect::<Vec<_>>().join(", ");
    let alert = excerpt(alert, 60);
    let (status, headline) = match (&decision.writer, decision.several.as_slice(), decision.readers.as_slice()) {
        (Some(one), _, _) => (Status::Ok, format!("{alert} is for {}.", name(one))),
        (None, [], []) => (Status::Warn, format!("{alert} is for no playbook: it goes to a person.")),
        (None, [], readers) => (Status::Ok, format!("{alert} is for {}, which only reads and tells.", names(readers))),
        (None, several, _) => (
            Status::Critical,
            format!("{alert} is for {}, and so none of them writes: it goes to a person.", names(several)),
        ),
    };
    let mut rows: Vec<Vec<Cell>> = Vec::new();
    for one in &decision.considered {
        let row = match (&one.answer, one.furthest()) {
            (Ok(matched), _) => {
                let key: Vec<String> = matched.key.iter().map(|part| clean(&part.value)).collect();
                let why = if key.is_empty() { String::new() } else { format!("key {}", key.join(" / ")) };
                vec![one.playbook.as_str().into(), Cell::from("matches").coloured(Status::Ok), "".into(), why.into()]
            }
            (Err(_), Some(stopped)) => {
                let no = Cell::from("no");
                let no = if stopped.fault { no.coloured(Status::Warn) } else { no };
                vec![one.playbook.as_str().into(), no, stopped.stage.word().into(), stopped.why.as_str().into()]
            }
            (Err(_), None) => vec![one.playbook.as_str().into(), "no".into(), "".into(), "it is for no alert".into()],
        };
        rows.push(row);
    }
    let table = Table { columns: vec!["playbook", "for it", "stopped at", "why"], rows, ..Table::default() };
    let faults = decision.considered.iter().filter_map(|one| one.furthest().filter(|stopped| stopped.fault));
    let advice = faults.count();
    let advice = match advice {
        0 => String::new(),
        number => format!(
            "{} could not be told, and was not taken for a match: look at what is missing",
            counted(number, "condition")
        ),
    };
    Section { status, headline, advice, facts: Vec::new(), tables: vec![table] }
}
