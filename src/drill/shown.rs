//! What is shown of drills: those that there are, the plan of one, and what came of it.

use std::collections::BTreeMap;

use ira_commands::Fault;
use ira_commands::report::{Cell, Fact, Outcome as Verdict, Report, Section, Status, Table};
use ira_commands::text::{clean, excerpt};
use ira_commands::units;
use ira_commands::words::Span;
use serde_json::{Value as Json, json};

use super::course::{Drill, Outcome};
use super::mark;
use crate::config::Config;
use crate::config::drill::DAYS;
use crate::store::ask::Filter;
use crate::store::model::Run;
use crate::store::{RunState, Store};

/// The last drill of a playbook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Last {
    /// Its record: a run by hand.
    pub run: u64,
    /// Its name.
    pub drill: String,
    /// Whether it was mended.
    pub passed: bool,
    /// Which text of the playbook it was.
    pub revision: String,
}

/// The last drill of each playbook that came to an end; `runs` are newest first. One that a person ended, or that broke
/// nothing, says nothing.
pub async fn last(store: &dyn Store, runs: &[Run]) -> Result<BTreeMap<String, Last>, Fault> {
    let mut all = BTreeMap::new();
    for run in runs.iter().filter(|run| matches!(run.state, RunState::Succeeded | RunState::Failed)) {
        let Some((playbook, drill)) = mark::titled(&run.title).filter(|(name, _)| !all.contains_key(*name)) else {
            continue;
        };
        let story = store.run(run.id).await?;
        let steps = story.map(|story| story.steps).unwrap_or_default();
        let Some(exit) = steps.into_iter().map(|step| step.exit).find(|exit| exit["judged"] == true) else { continue };
        let revision = exit["revision"].as_str().unwrap_or_default().to_owned();
        let passed = run.state == RunState::Succeeded;
        all.insert(playbook.to_owned(), Last { run: run.id.0, drill: drill.to_owned(), passed, revision });
    }
    Ok(all)
}

/// `ira drill list`.
pub(super) async fn list(config: &Config, store: Option<&dyn Store>) -> Result<Report, Fault> {
    let (runs, now) = match store {
        Some(store) => (store.runs(Filter::All).await?, store.now().await?),
        None => (Vec::new(), 0),
    };
    let mut rows = Vec::new();
    let mut data = Vec::new();
    for (name, drill) in &config.engine.drills {
        let title = format!("{}{}/{name}", mark::PATH, drill.playbook);
        let run = runs.iter().find(|run| run.title == title);
        let came = run.map_or_else(
            || "never".to_owned(),
            |run| {
                let ago = units::duration(now.saturating_sub(run.admitted_at) / 1000);
                let word = match run.state {
                    RunState::Succeeded => "mended",
                    RunState::Failed => "not mended",
                    _ => "goes on",
                };
                format!("{word} {ago} ago")
            },
        );
        let when = drill.schedule.map_or_else(String::new, |one| {
            let day = usize::try_from(one.day).ok().and_then(|day| DAYS.get(day)).copied().unwrap_or_default();
            format!("{day} {:02}:{:02} UTC, {}", one.at / 3_600, one.at / 60 % 60, Span { seconds: one.window })
        });
        let safe = if drill.safe { Cell::from("yes") } else { Cell::from("no: refused").coloured(Status::Warn) };
        rows.push(vec![
            Cell::from(name.as_str()),
            Cell::from(drill.playbook.as_str()),
            Cell::from(drill.inject.word()),
            Cell::from(clean(&drill.inject.target())),
            safe,
            Cell::from(when),
            Cell::from(came),
        ]);
        data.push(json!({
            "drill": name,
            "playbook": drill.playbook,
            "inject": drill.inject,
            "safe": drill.safe,
            "last": run.map(|run| json!({ "run": run.id, "state": run.state, "at": run.admitted_at })),
        }));
    }
    let headline = match rows.len() {
        0 => "Nothing is marked for a drill: [drill.NAME] in the configuration does (ira help drills).".to_owned(),
        1 => "1 drill.".to_owned(),
        count => format!("{count} drills."),
    };
    let columns = vec!["drill", "playbook", "breaks", "target", "marked safe", "each week", "last"];
    let tables = if rows.is_empty() { Vec::new() } else { vec![Table { columns, rows, ..Table::default() }] };
    Ok(report(Status::Info, headline, String::new(), Vec::new(), tables, json!({ "drills": data })))
}

fn fact(label: &'static str, value: impl Into<String>) -> Fact {
    Fact { label, value: Cell::from(value.into()), note: String::new() }
}

fn report(
    status: Status,
    headline: String,
    advice: String,
    facts: Vec<Fact>,
    tables: Vec<Table>,
    data: Json,
) -> Report {
    Report {
        sections: vec![Section { status, headline, advice, facts, tables }],
        next: Vec::new(),
        data,
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Verdict::Well,
    }
}

/// What would be done.
pub(super) fn plan(drill: &Drill, would: &str) -> Report {
    let own = &drill.own;
    let within = Span { seconds: own.within };
    let labels: Vec<String> = own.labels.iter().map(|(name, value)| format!("{name}={}", clean(value))).collect();
    let alert = if drill.real {
        "that of the real monitoring: it pages whom it pages".to_owned()
    } else {
        format!("made as [sources.{}] sends it: {}", own.source, labels.join(" "))
    };
    let told =
        if own.pages || drill.real { "who is on call, as ever" } else { "nobody: pages and notes of it stay here" };
    let rung =
        own.rung.map_or_else(|| "as far as ever".to_owned(), |rung| format!("`{}`, in this drill alone", rung.word()));
    let facts = vec![
        fact("breaks", format!("{}: {}", own.inject.word(), clean(would))),
        fact("taken back", format!("when it is over, after {within} at the latest, and where this process dies")),
        fact("alert", alert),
        fact("playbook", format!("{}, {rung}", own.playbook)),
        fact("told", told),
    ];
    let headline = format!(
        "Drill {} breaks {} to see whether {} mends it.",
        drill.name,
        clean(&own.inject.target()),
        own.playbook
    );
    let data = json!({
        "drill": drill.name,
        "playbook": own.playbook,
        "inject": own.inject,
        "would": would,
        "within": own.within,
        "pages": own.pages || drill.real,
    });
    let mut plan = report(Status::Info, headline, String::new(), facts, Vec::new(), data);
    plan.next = vec![format!("ira drill {} --yes", ira_commands::shell::word(&drill.name))];
    plan
}

/// What came of it.
pub(super) fn outcome(drill: &Drill, came: &Outcome) -> Report {
    let times = came.seen.times(came.broken_at);
    let time = |name: &str| match times[name].as_f64() {
        Some(seconds) => format!("{seconds:.1} s"),
        None => "never".to_owned(),
    };
    let mut facts = vec![
        fact("time to detect", time("detect")),
        fact("time to act", time("act")),
        fact("time to recover", time("recover")),
    ];
    if !drill.real {
        "from the fault to the alert on the disk; the alert was made by the drill".clone_into(&mut facts[0].note);
    }
    facts.push(fact("broken", clean(&came.broken)));
    facts.push(match &came.back {
        Ok(said) if said.is_empty() => fact("taken back", "nothing was left to take back"),
        Ok(said) => fact("taken back", clean(said)),
        Err(fault) => fact("taken back", format!("NO: {}", fault.one_line())),
    });
    let name = &drill.name;
    let (status, headline, mut advice) = if came.passed {
        let word = if drill.playbook.effects.any() { "mended" } else { "answered" };
        (
            Status::Ok,
            format!(
                "Drill {name}: {} {word} it, detect {}, act {}, recover {}.",
                drill.own.playbook,
                time("detect"),
                time("act"),
                time("recover")
            ),
            String::new(),
        )
    } else {
        (Status::Critical, format!("Drill {name} failed: {}.", excerpt(&came.why, 300)), String::new())
    };
    if came.back.is_err() {
        "ira drill undo: what was broken is still broken".clone_into(&mut advice);
    } else if came.demoted {
        advice = format!(
            "{} does nothing by itself until `ira playbook promote {0} --to auto --reason …`",
            drill.own.playbook
        );
    }
    let mut report = report(status, headline, advice, facts, Vec::new(), drill.record(came));
    report.next.extend(came.seen.run.map(|run| format!("ira run show {run}")));
    if !came.passed {
        report.outcome = Verdict::Problem;
    }
    if came.interrupted {
        report.errors.push(Fault::new(ira_commands::Kind::Interrupted, "the drill was ended by hand"));
    }
    report
}
