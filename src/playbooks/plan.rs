//! `ira playbook plan`: what a playbook would do for an alert, and what it goes by. Nothing is written, not even the store
//! is made.

use std::collections::BTreeMap;

use ira_commands::playbook::{Incoming, Playbook, matched, worst};
use ira_commands::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use ira_commands::text::{clean, excerpt};
use ira_commands::words::Span;
use ira_commands::{Fault, Kind, alert};
use serde_json::{Value as Json, json};

use crate::cli::{OutputFlags, PlanArgs};
use crate::input;
use crate::remediate::{self, Chosen, foresee};

/// Plans for each alert.
pub(super) fn report(args: &PlanArgs, chosen: &Chosen, output: &OutputFlags) -> Result<Report, Fault> {
    let text = input::text(&args.alert, "the alert", input::ALERT)?;
    let params = remediate::params(&chosen.playbook, &args.params)?;
    let values = values(&args.values)?;
    known(&chosen.playbook, &values)?;
    let mut whole: Option<Report> = None;
    for alert in alert::parse(&text)? {
        let incoming = Incoming { source: args.source.clone(), alert, starts_at: None };
        let one = one(chosen, &incoming, &params, args.offline.then_some(&values), output)?;
        whole = Some(match whole {
            None => one,
            Some(whole) => joined(whole, one),
        });
    }
    whole.ok_or_else(|| Fault::new(Kind::Usage, "there is no alert"))
}

/// What `--value` says.
fn values(given: &[String]) -> Result<BTreeMap<String, Json>, Fault> {
    let mut values = BTreeMap::new();
    for one in given {
        let (name, text) = one.split_once('=').ok_or_else(|| {
            Fault::new(Kind::Usage, format!("--value takes name=value, and this is `{}`", clean(one)))
        })?;
        values.insert(name.to_owned(), serde_json::from_str(text).unwrap_or_else(|_| Json::from(text)));
    }
    Ok(values)
}

/// Values are of queries and steps that are there.
fn known(playbook: &Playbook, values: &BTreeMap<String, Json>) -> Result<(), Fault> {
    let names = playbook.queries.keys().map(|name| format!("q.{name}"));
    let names: Vec<String> = names.chain(playbook.steps.iter().map(|step| step.id.text.clone())).collect();
    let Some(name) = values.keys().find(|name| !names.contains(name)) else { return Ok(()) };
    let fault = Fault::new(Kind::Usage, format!("the playbook has no query or step `{}`", clean(name)));
    Err(match ira_commands::text::nearest(name, names.iter().map(String::as_str)) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(names.join(", ")),
    })
}

fn one(
    chosen: &Chosen,
    alert: &Incoming,
    params: &BTreeMap<String, Json>,
    given: Option<&BTreeMap<String, Json>>,
    output: &OutputFlags,
) -> Result<Report, Fault> {
    let book = &chosen.playbook;
    let Ok(key) = matched(book, alert) else { return Ok(not_for(book, alert)) };
    let again = Chosen { playbook: book.clone(), text: chosen.text.clone(), file: chosen.file.clone() };
    let mut report = foresee(again, alert.clone(), params.clone(), given, output)?;
    let on = &book.on[key.on];
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    let parts: Vec<String> = key.key.iter().map(|part| format!("{} = {}", part.path, clean(&part.value))).collect();
    let mut facts =
        vec![fact("key", if parts.is_empty() { "none".to_owned() } else { parts.join(", ") }, String::new())];
    facts.extend(on.when.iter().map(|when| fact("when", excerpt(when.text(), 120), "it is true".to_owned())));
    facts.push(fact(
        "worst case",
        Span { seconds: worst(book).seconds }.to_string(),
        excerpt(&worst(book).to_string(), 200),
    ));
    if given.is_some() {
        facts.push(fact("offline", "nothing was read".to_owned(), "what is said was given".to_owned()));
    }
    if let Some(section) = report.sections.first_mut() {
        let at = section.facts.len().min(2);
        section.facts.splice(at..at, facts);
        section.tables.push(steps(book));
    }
    let own = report.data["alerts"].get_mut(0).map(Json::take).unwrap_or_default();
    report.data = own;
    report.data["matched"] = json!(true);
    report.data["key"] = key.key.iter().map(|part| part.value.clone()).collect();
    report.data["worst_seconds"] = json!(worst(book).seconds);
    report.data["offline"] = json!(given.is_some());
    Ok(report)
}

/// The steps in their order: what each is, how long it may take, and when it is left out.
fn steps(book: &Playbook) -> Table {
    let row = |at: usize| {
        let step = &book.steps[at];
        let what = if book.effects.writes[at] { "writes" } else { "reads or tells" };
        let condition = step.condition.as_ref().map(|condition| format!("if {}", condition.text()));
        vec![
            Cell::from(step.id.text.as_str()),
            Cell::from(step.action.text.as_str()),
            Cell::from(what),
            Cell::from(Span { seconds: step.timeout }.to_string()),
            Cell::from(excerpt(&condition.unwrap_or_default(), 80)),
        ]
    };
    Table {
        columns: vec!["step", "do", "effect", "at most", "condition"],
        rows: (0..book.steps.len()).map(row).collect(),
        ..Table::default()
    }
}

/// The alert is another's.
fn not_for(book: &Playbook, alert: &Incoming) -> Report {
    let stops = matched(book, alert).err().unwrap_or_default();
    let stop = stops.iter().rev().max_by_key(|stop| stop.stage);
    let (stage, why) = stop.map_or(("match", "it is for no alert"), |stop| (stop.stage.word(), stop.why.as_str()));
    let name = alert.alert.name().map_or_else(|| "the alert".to_owned(), |name| excerpt(name, 60));
    let headline = format!("{} is not for {name}: {why} (at `{stage}`).", book.name.text);
    Report {
        sections: vec![Section {
            status: Status::Warn,
            headline,
            advice: String::new(),
            facts: Vec::new(),
            tables: Vec::new(),
        }],
        next: vec!["ira playbook explain alert.json".to_owned()],
        data: json!({ "playbook": book.name.text, "matched": false, "stage": stage, "why": why }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Problem,
    }
}

/// Several alerts in one report; the worst outcome.
fn joined(mut whole: Report, one: Report) -> Report {
    whole.sections.extend(one.sections);
    whole.errors.extend(one.errors);
    whole.warnings.extend(one.warnings);
    let first = whole.data.take();
    whole.data = match first {
        Json::Object(mut map) if map.contains_key("alerts") => {
            if let Some(Json::Array(all)) = map.get_mut("alerts") {
                all.push(one.data);
            }
            Json::Object(map)
        }
        first => json!({ "alerts": [first, one.data] }),
    };
    if one.outcome != Outcome::Well {
        whole.outcome = one.outcome;
    }
    whole
}
