//! What is agreed to: for each alert what would be done, what stands in the way, and how it will be seen that it helped.

use ira_commands::playbook::Playbook;
use ira_commands::report::{Cell, Fact, Outcome, Report, Section, Status};
use ira_commands::text::{clean, excerpt};
use ira_commands::words::Span;
use ira_commands::{Fault, units};
use serde_json::{Value as Json, json};

use super::case::{Case, Next};
use super::choose::Chosen;
use crate::config::Config;
use crate::engine::{Forecast, PlannedWrite, Preview, Stop, Used, overridable};
use crate::pages;
use crate::store::ask::Denial;

/// What would be done about these alerts. `config` says who is woken, `now` is the time in unix milliseconds.
pub fn plan(cases: &[Case], config: &Config, now: u64) -> Report {
    let mut sections = Vec::new();
    if cases.len() > 1 {
        sections.push(summary(cases));
    }
    for (at, case) in cases.iter().enumerate() {
        let number = if cases.len() > 1 { format!("{} · ", at + 1) } else { String::new() };
        sections.extend(of(case, cases, &number, config, now));
    }
    Report {
        sections,
        next: Vec::new(),
        data: json!({ "alerts": cases.iter().map(Case::json).collect::<Vec<_>>() }),
        errors: Vec::new(),
        warnings: warnings(cases, config),
        outcome: Outcome::Well,
    }
}

/// What has to be seen of who is woken, each once.
fn warnings(cases: &[Case], config: &Config) -> Vec<String> {
    let writes = cases.iter().filter(|case| case.preview.as_ref().is_some_and(|seen| !seen.plan.writes.is_empty()));
    let mut all = Vec::new();
    for chosen in writes.filter_map(|case| case.chosen.as_ref().ok()) {
        for warning in pages::armed(config, &chosen.playbook).warnings {
            if !all.contains(&warning) {
                all.push(warning);
            }
        }
    }
    all
}

/// How many of several alerts come to what.
fn summary(cases: &[Case]) -> Section {
    let count = |wanted: fn(Next<'_>) -> bool| cases.iter().filter(|case| wanted(case.next())).count();
    let parts = [
        (count(|next| next == Next::Agree), "to be acted on"),
        (count(|next| next == Next::Run), "only to be looked at"),
        (count(|next| matches!(next, Next::Same(_))), "about the same thing as another"),
        (count(|next| matches!(next, Next::Denied(_))), "denied by a guard"),
        (count(|next| matches!(next, Next::Stop(_))), "with nothing to do"),
        (count(|next| matches!(next, Next::Fault(_))), "without a playbook"),
    ];
    let said: Vec<String> =
        parts.iter().filter(|(count, _)| *count > 0).map(|(count, what)| format!("{count} {what}")).collect();
    let headline = format!("{} alerts fire: {}.", cases.len(), said.join(", "));
    let advice = if count(|next| next == Next::Agree) > 1 {
        "one yes is for all of them; they are done one after the other.".to_owned()
    } else {
        String::new()
    };
    Section { status: Status::Info, headline, advice, facts: Vec::new(), tables: Vec::new() }
}

fn of(case: &Case, cases: &[Case], number: &str, config: &Config, now: u64) -> Vec<Section> {
    let subject = case.subject();
    let name = case.playbook();
    let section = |status, headline: String, advice: String, facts| Section {
        status,
        headline: format!("{number}{headline}"),
        advice,
        facts,
        tables: Vec::new(),
    };
    let facts = || facts(case, config, now);
    let would = format!("{subject}: {name} would {}.", would(case));
    match case.next() {
        Next::Fault(fault) => {
            let advice = fault.hint.clone().unwrap_or_default();
            vec![section(Status::Warn, format!("{subject}: {}.", fault.one_line()), advice, Vec::new())]
        }
        Next::Same(at) => {
            let other = cases.get(at).map(Case::subject).unwrap_or_default();
            let headline = format!("{subject}: the run of {} ({other}) covers it; it is acted on once.", at + 1);
            vec![section(Status::Info, headline, String::new(), Vec::new())]
        }
        Next::Run => vec![section(Status::Info, format!("{subject}: {name} only looks."), String::new(), facts())],
        Next::Stop(stop) => {
            let (status, headline) = match stop {
                Stop::Over => (Status::Ok, format!("{subject}: nothing to do: {}.", stop.why())),
                _ => (Status::Warn, format!("{subject}: {name} would do nothing: {}.", stop.why())),
            };
            let advice = match stop {
                Stop::Guard(guard, _) => {
                    format!("look at it yourself, or go on all the same: --override {guard} --reason TEXT")
                }
                _ => String::new(),
            };
            vec![section(status, headline, advice, facts())]
        }
        Next::Denied(denial) => {
            let headline = format!("{subject}: {name} is denied by the guard `{}`: {}.", denial.guard, denial.message);
            let mut all = vec![section(Status::Warn, headline, way_on(&case.forecast), facts())];
            all.extend(writes(case));
            all
        }
        Next::Agree => {
            let mut all = vec![section(Status::Info, would, String::new(), facts())];
            all.extend(writes(case));
            all
        }
    }
}

/// What the writes are, in one sentence.
fn would(case: &Case) -> String {
    let Some(preview) = &case.preview else { return "look".to_owned() };
    let said: Vec<String> = preview.plan.writes.iter().take(3).map(what).collect();
    let more = preview.plan.writes.len().saturating_sub(said.len());
    let more = if more > 0 { format!(", and {more} more") } else { String::new() };
    format!("{}{more}", said.join(", then "))
}

/// What a write is, in words.
fn what(write: &PlannedWrite) -> String {
    let plan = write.plan.as_ref().ok().and_then(|report| report.data.get("plan"));
    let said = plan.and_then(|plan| plan.get("what")).and_then(Json::as_str);
    said.map_or_else(|| format!("do {}", write.verb), |said| excerpt(said, 100))
}

/// How a person goes on in spite of what denies.
fn way_on(forecast: &Forecast) -> String {
    if let Some(hard) = forecast.denials.iter().find(|denial| !overridable(denial.guard)) {
        let fault = crate::engine::refused(hard);
        return fault.hint.unwrap_or_default();
    }
    let words: Vec<String> = forecast.denials.iter().map(|denial| format!("--override {}", denial.guard)).collect();
    format!("wait, or go on all the same: {} --reason TEXT (it is recorded)", words.join(" "))
}

fn facts(case: &Case, config: &Config, now: u64) -> Vec<Fact> {
    let Ok(chosen) = &case.chosen else { return Vec::new() };
    let book = &chosen.playbook;
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    let mut facts = vec![alert(case), playbook(chosen)];
    let Some(preview) = &case.preview else { return facts };
    facts.extend(preview.reads.iter().map(|(step, said)| {
        let (value, note) = match said {
            Ok(said) => (excerpt(said, 160), String::new()),
            Err(fault) => (format!("cannot be read: {}", excerpt(&fault.one_line(), 160)), String::new()),
        };
        fact("read", format!("{step}: {value}"), note)
    }));
    facts.extend(case.forecast.denials.iter().map(|denial| {
        let until = denial.until.filter(|until| *until > now);
        let until = until.map(|until| format!("until {}", at(until, now))).unwrap_or_default();
        fact("denied", format!("{}: {}", denial.guard, excerpt(&denial.message, 160)), until)
    }));
    if !preview.plan.writes.is_empty() {
        facts.push(fact("guards", guards(book, &case.forecast), "this machine only".to_owned()));
        facts.extend(verify(book, preview));
        let armed = pages::armed(config, book);
        facts.push(fact("paged when it fails", armed.fails, String::new()));
        facts.push(fact("when its process dies", armed.process, String::new()));
        facts.push(fact("when this machine dies", armed.machine, String::new()));
    }
    facts
}

fn alert(case: &Case) -> Fact {
    let labels = &case.alert.alert.labels;
    let said = ["summary", "description"].iter().find_map(|name| case.alert.alert.annotations.get(*name));
    let value = said.map_or_else(|| case.subject(), |said| excerpt(said, 160));
    let note = labels.get("severity").map(|severity| excerpt(severity, 20)).unwrap_or_default();
    Fact { label: "alert", value: Cell::from(value), note }
}

fn playbook(chosen: &Chosen) -> Fact {
    let short: String = chosen.playbook.revision.chars().take(8).collect();
    let value = format!("{}, revision {short}", chosen.playbook.name.text);
    Fact { label: "playbook", value: Cell::from(value), note: clean(&chosen.file) }
}

/// What verify asks, and what it says now.
fn verify(book: &Playbook, preview: &Preview) -> Vec<Fact> {
    let Some(verify) = &book.verify else { return Vec::new() };
    let hold = if verify.hold > 0 { format!(", held for {}", span(verify.hold)) } else { String::new() };
    let first = Fact {
        label: "verify",
        value: Cell::from(verify.until.text().to_owned()),
        note: format!("within {}{hold}", span(verify.within)),
    };
    let asked = preview.verify.iter().map(|looked| {
        let now = looked.now.as_ref().map_or_else(|| "cannot be asked now".to_owned(), |now| format!("now {now}"));
        let value = Cell::from(format!("q.{}: {}", looked.name, excerpt(&looked.what, 120)));
        Fact { label: "", value, note: excerpt(&now, 40) }
    });
    std::iter::once(first).chain(asked).collect()
}

/// What is done, as each command plans it.
fn writes(case: &Case) -> Vec<Section> {
    let Some(preview) = &case.preview else { return Vec::new() };
    let mut sections = Vec::new();
    for (at, write) in preview.plan.writes.iter().enumerate() {
        match &write.plan {
            Ok(report) => sections.extend(report.sections.iter().cloned().map(|section| {
                let said = if section.advice.is_empty() { &section.headline } else { &section.advice };
                let headline = format!("{}: {}", write.step, said.trim_end_matches('.'));
                Section { headline, advice: String::new(), ..section }
            })),
            Err(fault) => sections.push(Section {
                status: Status::Warn,
                headline: if at == 0 {
                    format!("{}: {} cannot be planned", write.step, write.verb)
                } else {
                    format!("{}: {}, planned when what is before it is done", write.step, write.verb)
                },
                advice: String::new(),
                facts: vec![Fact { label: "why", value: Cell::from(fault.one_line()), note: String::new() }],
                tables: Vec::new(),
            }),
        }
    }
    sections
}

/// The guards that were asked, and how much is left.
fn guards(book: &Playbook, forecast: &Forecast) -> String {
    let denied = |guard| forecast.denials.iter().any(|denial: &Denial| denial.guard == guard);
    let mut all = Vec::new();
    if let Some(seconds) = book.guards.cooldown {
        let state = if denied(crate::store::Guard::Cooldown) { "denies" } else { "free" };
        all.push(format!("cooldown {} {state}", span(seconds)));
    }
    let counted = |used: &Used| {
        let name = match used.guard {
            crate::store::Guard::Budget => format!("budget {}", excerpt(&used.key, 40)),
            guard => guard.to_string(),
        };
        // Money is counted in its smallest unit.
        let shown = |count: u128| match used.key.rsplit_once(':') {
            Some((_, "link" | "native")) if used.guard == crate::store::Guard::Budget => {
                units::readable(&units::scaled_uint(count.into(), 18), 4)
            }
            _ => count.to_string(),
        };
        format!("{name} {} of {} in {}", shown(used.used), shown(used.limit), span(used.window.as_secs()))
    };
    all.extend(forecast.used.iter().map(counted));
    if all.is_empty() { "one run at a time".to_owned() } else { all.join(" · ") }
}

/// A time to come: how far away, and when.
pub fn at(until: u64, now: u64) -> String {
    let left = units::duration(until.saturating_sub(now).div_ceil(1_000));
    let second = until / 1_000 % 86_400;
    format!("{:02}:{:02}:{:02} UTC (in {left})", second / 3_600, second / 60 % 60, second % 60)
}

fn span(seconds: u64) -> String {
    Span { seconds }.to_string()
}

/// A fault that stands for a guard that stops a run before anything is made of it.
pub fn stopped(stop: &Stop) -> Option<Fault> {
    match stop {
        Stop::Guard(guard, why) => Some(
            Fault::new(ira_commands::Kind::Busy, format!("{guard}: {why}"))
                .hint(format!("`--override {guard} --reason TEXT` goes on all the same; it is recorded")),
        ),
        _ => None,
    }
}
