//! `ira run list`.

use ira_commands::report::{Cell, Outcome, Report, Section, Status, Table};
use ira_commands::text::excerpt;
use ira_commands::{Fault, shell};
use serde_json::{Value as Json, json};

use super::times::relative;
use crate::store::ask::Filter;
use crate::store::model::Run;
use crate::store::{RunState, Store};

/// How a run is to be seen.
pub(super) fn status(run: &Run) -> Status {
    match run.state {
        RunState::NeedsHuman | RunState::Escalated => Status::Critical,
        RunState::Failed | RunState::Waiting(_) => Status::Warn,
        RunState::Queued | RunState::Running(_) | RunState::Cancelled => Status::Info,
        RunState::Succeeded => Status::Ok,
    }
}

/// The data of a run: times in unix seconds.
pub(super) fn json(run: &Run) -> Json {
    json!({
        "run": run.id,
        "title": run.title,
        "playbook": run.playbook,
        "revision": run.revision,
        "state": run.state,
        "phase": run.phase,
        "cursor": run.cursor,
        "by": run.by,
        "owner": run.owner,
        "admitted_at": run.admitted_at / 1_000,
        "ended_at": run.ended_at.map(|at| at / 1_000),
        "escalate_by": run.escalate_by.map(|at| at / 1_000),
        "wake_at": run.wake_at.map(|at| at / 1_000),
        "no_more_writes": run.no_more_writes,
        "plan_hash": run.plan_hash,
        "note": run.note,
    })
}

fn row(run: &Run, now: u64) -> Vec<Cell> {
    let page = match run.escalate_by {
        Some(at) if !run.state.terminal() => format!("page {}", relative(at, now)),
        _ => run.note.lines().next().unwrap_or_default().to_owned(),
    };
    vec![
        Cell::from(run.id.to_string()),
        Cell::from(run.state.word()).coloured(status(run)),
        Cell::from(excerpt(&run.title, 60)),
        Cell::from(relative(run.admitted_at, now)),
        Cell::from(excerpt(&page, 60)),
    ]
}

/// Runs, newest first, those that somebody has to look at before the others.
pub async fn list(store: &dyn Store, active: bool, orphans: bool, max: usize) -> Result<Report, Fault> {
    let filter = match (active, orphans) {
        (_, true) => Filter::Orphans,
        (true, _) => Filter::Active,
        _ => Filter::All,
    };
    let now = store.now().await?;
    let mut runs = store.runs(filter).await?;
    runs.sort_by_key(|run| (status(run) != Status::Critical, std::cmp::Reverse(run.id)));
    let all = runs.len();
    runs.truncate(max);
    let of = |state: RunState| runs.iter().filter(|run| run.state == state).count();
    let (open, handed) = (of(RunState::NeedsHuman), of(RunState::Escalated));
    let kind = match filter {
        Filter::All => "runs",
        Filter::Active => "runs that have not ended",
        Filter::Orphans => "runs that nothing moves by itself",
    };
    let headline = match (all, open) {
        (0, _) => format!("There are no {kind}."),
        (_, 0) if handed > 0 => format!("{all} {kind}; none waits, {handed} handed to a person."),
        (_, 0) => format!("{all} {kind}; none waits for a person."),
        (_, 1) => format!("{all} {kind}; one waits for a person."),
        _ => format!("{all} {kind}; {open} wait for a person."),
    };
    let waits = runs.iter().find(|run| status(run) == Status::Critical).or(runs.first());
    let next = waits.map(|run| format!("ira run show {}", shell::word(&run.id.to_string())));
    let table = Table {
        columns: vec!["run", "state", "what", "begun", "page or last word"],
        rows: runs.iter().map(|run| row(run, now)).collect(),
        ..Table::default()
    };
    let worst = runs.iter().map(status).max().unwrap_or(Status::Ok);
    let section = Section {
        status: worst,
        headline,
        advice: String::new(),
        facts: Vec::new(),
        tables: if runs.is_empty() { Vec::new() } else { vec![table] },
    };
    Ok(Report {
        sections: vec![section],
        next: next.into_iter().collect(),
        data: json!({ "runs": runs.iter().map(json).collect::<Vec<_>>(), "total": all }),
        errors: Vec::new(),
        warnings: Vec::new(),
        // Asked for orphans, a script wants to know whether there are any.
        outcome: if orphans && all > 0 { Outcome::Problem } else { Outcome::Well },
    })
}
