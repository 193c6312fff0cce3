//! `ira playbook backtest`: a playbook over alerts that were recorded.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use ira_commands::playbook::{Allowance, Backtested, Incoming, Playbook, Recorded, Surroundings, Verdict, backtest};
use ira_commands::report::{Cell, Outcome, Report, Section, Status, Table};
use ira_commands::text::{clean, excerpt};
use ira_commands::{Fault, Kind, alert, date, units};
use serde_json::{Value as Json, json};

use crate::cli::{BacktestArgs, OutputFlags};
use crate::config::Config;
use crate::store::Store;
use crate::store::ask::Filter;
use crate::{connect, engine, input, remediate, session, store};

/// The most alerts of the store that are looked at.
const MOST: usize = 100_000;
/// The most rows of a table; a program is given all.
const SHOWN: usize = 200;

/// An alert with what became of it.
struct Past {
    recorded: Recorded,
    /// How it is called in the table.
    name: String,
    /// What really became of it, where the store says so.
    really: String,
}

/// Backtests a playbook.
pub(super) fn report(args: &BacktestArgs, playbook: &Playbook, output: &OutputFlags) -> Result<Report, Fault> {
    let config = connect::effective(output)?;
    let mut all = Vec::new();
    for path in &args.from {
        for file in files(path)? {
            all.extend(read(&file, &args.source)?);
        }
    }
    let from = if args.from.is_empty() {
        all = session::block_on(stored(&config, &playbook.name.text))?;
        "the store".to_owned()
    } else {
        args.from.iter().map(|path| clean(&path.display().to_string())).collect::<Vec<_>>().join(", ")
    };
    all.sort_by_key(|past| past.recorded.at);
    if let (Some(since), Some(last)) = (args.since, all.last().map(|past| past.recorded.at)) {
        all.retain(|past| past.recorded.at.saturating_add(since.seconds) >= last);
    }
    let recorded: Vec<Recorded> = all.iter().map(|past| past.recorded.clone()).collect();
    let came = backtest(playbook, &recorded, &surroundings(&config));
    Ok(shown(playbook, &all, &came, &from))
}

/// What the configuration says of it.
fn surroundings(config: &Config) -> Surroundings {
    let budget = |(name, budget): (&String, &crate::config::BudgetConfig)| {
        (name.clone(), Allowance { max: budget.max, window: budget.window, per: budget.per.clone() })
    };
    Surroundings {
        budgets: config.engine.budgets.iter().map(budget).collect(),
        maintenance: config.engine.maintenance.values().map(|one| (one.from, one.until, one.scope.clone())).collect(),
        storm: u64::try_from(config.daemon.runs).ok(),
    }
}

/// The files of a folder, or the one that is named.
fn files(path: &Path) -> Result<Vec<PathBuf>, Fault> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let entries = fs::read_dir(path).map_err(|error| {
        let shown = clean(&path.display().to_string());
        Fault::new(Kind::Usage, format!("the alerts in {shown} cannot be read")).because(error.to_string())
    })?;
    let mut files: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|kind| kind == "json" || kind == "txt") && file.is_file());
    files.sort();
    Ok(files)
}

/// The alerts of a file. One that says when it began came in then; else when the file was written.
fn read(file: &Path, source: &str) -> Result<Vec<Past>, Fault> {
    let text = input::text(file, "the alert", input::ALERT)?;
    let shown = clean(&file.display().to_string());
    let alerts = alert::parse(&text).map_err(|fault| fault.wrap(format!("{shown} holds no alert that can be read")))?;
    let written = fs::metadata(file).and_then(|metadata| metadata.modified()).ok();
    let written = written.and_then(|at| at.duration_since(UNIX_EPOCH).ok()).map_or(0, |since| since.as_secs());
    let began = began(&text, alerts.len());
    let past = |(at, alert): (usize, alert::Alert)| {
        let starts_at = began.get(at).copied().flatten();
        let name = alert.name().map_or_else(|| "the alert".to_owned(), |name| excerpt(name, 40));
        let recorded = Recorded {
            at: starts_at.unwrap_or(written),
            alert: Incoming { source: source.to_owned(), alert, starts_at },
        };
        Past { recorded, name, really: String::new() }
    };
    Ok(alerts.into_iter().enumerate().map(past).collect())
}

/// When each of so many alerts began, as Alertmanager says it.
fn began(text: &str, count: usize) -> Vec<Option<u64>> {
    let json: Json = serde_json::from_str(text).unwrap_or_default();
    let list = json.get("alerts").unwrap_or(&json).as_array().cloned().unwrap_or_default();
    // What was left out of the reading would move the rest.
    if list.len() != count {
        return Vec::new();
    }
    list.iter().map(|one| one["startsAt"].as_str().and_then(date::moment)).collect()
}

/// The alerts that came in, with what became of them under this playbook.
async fn stored(config: &Config, playbook: &str) -> Result<Vec<Past>, Fault> {
    let store = store::open(&remediate::uri(config)?)?;
    let runs = ended(store.as_ref(), playbook).await?;
    let mut all = Vec::new();
    for row in store.inbox(MOST).await? {
        let Ok(alert) = engine::incoming(&row.payload) else { continue };
        let name = alert.alert.name().map_or_else(|| "the alert".to_owned(), |name| excerpt(name, 40));
        let really = runs.get(&row.id.0).cloned().unwrap_or(row.state);
        all.push(Past { recorded: Recorded { at: row.received_at / 1_000, alert }, name, really });
    }
    Ok(all)
}

/// How the runs of a playbook stand, by the alert that they are of.
async fn ended(store: &dyn Store, playbook: &str) -> Result<BTreeMap<u64, String>, Fault> {
    let mut states = BTreeMap::new();
    // Newest first: the last word about an alert stays.
    for run in store.runs(Filter::All).await?.into_iter().rev().filter(|run| run.playbook.as_deref() == Some(playbook))
    {
        states.extend(run.inbox.map(|inbox| (inbox.0, format!("run {}: {}", run.id, run.state))));
    }
    Ok(states)
}

fn shown(playbook: &Playbook, all: &[Past], came: &[Backtested], from: &str) -> Report {
    let name = &playbook.name.text;
    let count = |verdict: Verdict| came.iter().filter(|one| one.verdict == verdict).count();
    let matched = came.len() - count(Verdict::Ignored);
    let headline = match (came.len(), matched) {
        (0, _) => format!("There is no recorded alert in {from}."),
        (many, 0) => format!("{name} is for none of {many} recorded alerts."),
        (many, matched) => format!(
            "{name} is for {matched} of {many} recorded alerts: {} would run, {} hang on what a record does not say, {} are denied, {} came again.",
            count(Verdict::Run),
            count(Verdict::Unknown),
            count(Verdict::Denied),
            count(Verdict::Again),
        ),
    };
    let last = all.last().map_or(0, |past| past.recorded.at);
    let mut table = Table {
        columns: vec!["before the last", "alert", "key", "decision", "by", "why", "really"],
        ..Table::default()
    };
    for (past, one) in all.iter().zip(came) {
        let status = match one.verdict {
            Verdict::Run => Status::Ok,
            Verdict::Unknown => Status::Unknown,
            Verdict::Denied => Status::Warn,
            Verdict::Again | Verdict::Ignored => Status::Info,
        };
        let targets: Vec<String> =
            one.targets.iter().map(|(step, values)| format!("{step}: {}", values.join(", "))).collect();
        let why = if one.why.is_empty() { targets.join("; ") } else { one.why.clone() };
        let row = vec![
            Cell::from(units::duration(last.saturating_sub(past.recorded.at))),
            Cell::from(past.name.as_str()),
            Cell::from(excerpt(&one.key.join(" / "), 40)),
            Cell::from(one.verdict.word()).coloured(status),
            Cell::from(one.by),
            Cell::from(excerpt(&why, 100)),
            Cell::from(past.really.as_str()),
        ];
        let folded = matches!(one.verdict, Verdict::Ignored | Verdict::Again);
        if folded || table.rows.len() >= SHOWN { table.folded.push(row) } else { table.rows.push(row) }
    }
    if !table.folded.is_empty() {
        table.folded_note = format!("{} more, most of them of other playbooks or seen before", table.folded.len());
    }
    let counts: BTreeMap<&str, usize> = Verdict::ALL.iter().map(|verdict| (verdict.word(), count(*verdict))).collect();
    let mut by: BTreeMap<&str, usize> = BTreeMap::new();
    for one in came.iter().filter(|one| one.verdict == Verdict::Denied) {
        *by.entry(one.by).or_default() += 1;
    }
    let rows: Vec<Json> = all
        .iter()
        .zip(came)
        .map(|(past, one)| {
            json!({
                "at": past.recorded.at,
                "alert": past.recorded.alert.alert.labels,
                "source": past.recorded.alert.source,
                "decision": one.verdict,
                "by": one.by,
                "why": one.why,
                "key": one.key,
                "targets": one.targets.iter().map(|(step, with)| json!({ "step": step, "with": with })).collect::<Vec<_>>(),
                "really": past.really,
            })
        })
        .collect();
    let section = Section {
        status: if count(Verdict::Run) + count(Verdict::Unknown) > 0 { Status::Ok } else { Status::Info },
        headline,
        advice: String::new(),
        facts: Vec::new(),
        tables: if came.is_empty() { Vec::new() } else { vec![table] },
    };
    Report {
        sections: vec![section],
        next: Vec::new(),
        data: json!({
            "playbook": name,
            "revision": playbook.revision,
            "from": from,
            "alerts": came.len(),
            "decisions": counts,
            "denied_by": by,
            "rows": rows,
        }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}
