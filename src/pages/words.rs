//! A row of the outbox in words: as a page, and as a note.

use ira_commands::ports::people::{Page, PageVerb};
use ira_commands::text::{clean, excerpt};
use serde_json::{Value as Json, json};

use crate::store::Mail;
use crate::store::model::OutboxRow;

/// The longest summary, characters.
const LONGEST: usize = 900;

fn word<'a>(row: &'a OutboxRow, name: &str) -> &'a str {
    row.payload.get(name).and_then(Json::as_str).unwrap_or_default()
}

/// Why it is sent.
fn why(row: &OutboxRow) -> &str {
    if row.reason.is_empty() { word(row, "why") } else { &row.reason }
}

/// Lines without what could deceive.
fn sound(text: &str) -> String {
    text.lines().map(clean).collect::<Vec<_>>().join("\n")
}

/// The page of its run, where people reach the daemon's pages: `base` is `public_url`.
fn link(row: &OutboxRow, base: Option<&str>) -> Option<String> {
    Some(format!("{}/runs/{}", base?, row.run?))
}

/// A trigger or a resolve, as a provider takes it.
pub(super) fn page(row: &OutboxRow, base: Option<&str>) -> Page {
    let verb = if row.mail == Mail::Resolve { PageVerb::Resolve } else { PageVerb::Trigger };
    let or = |text: &str, other: &str| if text.is_empty() { other.to_owned() } else { text.to_owned() };
    let title = or(word(row, "summary"), &or(word(row, "title"), "a run of ira"));
    let first = why(row).lines().next().unwrap_or_default();
    let summary = if first.is_empty() { title } else { format!("{title}: {first}") };
    Page {
        verb,
        key: row.dedup_key.clone(),
        summary: excerpt(&summary, LONGEST),
        severity: or(word(row, "severity"), "critical"),
        source: or(word(row, "source"), "ira"),
        details: json!({ "details": details(row, base) }),
        links: link(row, base)
            .map(|url| (url, "the run, with what was found and done".to_owned()))
            .into_iter()
            .collect(),
    }
}

/// What a person who was just woken has to know: what happened, where, and what can be typed.
fn details(row: &OutboxRow, base: Option<&str>) -> String {
    let mut lines = vec![sound(why(row))];
    if !word(row, "instead_of").is_empty() {
        lines.push(format!("This came because {} did not take it, or nobody answered there.", word(row, "instead_of")));
    }
    lines.push(place(row));
    lines.extend(link(row, base));
    lines.retain(|line| !line.is_empty());
    lines.join("\n\n")
}

/// Which run it is, and on which machine its record is.
fn place(row: &OutboxRow) -> String {
    let Some(run) = row.run else { return String::new() };
    let on = word(row, "machine");
    let on = if on.is_empty() { String::new() } else { format!(" on {}", clean(on)) };
    let playbook = word(row, "playbook");
    let of = if playbook.is_empty() { String::new() } else { format!(" of the playbook {}", clean(playbook)) };
    format!("run {run}{of}{on}; `ira run show {run}` there has its record")
}

/// A note: what a run came to so far, or what is said beside a page.
pub(super) fn note(row: &OutboxRow, base: Option<&str>) -> String {
    let text = word(row, "text");
    if text.is_empty() {
        return details(row, base);
    }
    let run = row.run.map_or_else(|| "a run".to_owned(), |run| format!("run {run}"));
    let mut parts = vec![format!("**ira {run}: {}, {}**", clean(word(row, "playbook")), clean(word(row, "state")))];
    parts.push(sound(text));
    parts.push(sound(word(row, "note")));
    let list = |name: &str| row.payload.pointer(name).and_then(Json::as_array).cloned().unwrap_or_default();
    let said = |json: &Json, name: &str| clean(json[name].as_str().unwrap_or_default());
    let steps: Vec<String> = list("/facts/steps")
        .iter()
        .map(|step| format!("- `{}` ({}): {}", said(step, "step"), said(step, "do"), said(step, "state")))
        .collect();
    parts.push(steps.join("\n"));
    for report in list("/reports") {
        parts.push(format!("---\n`{}`", said(&report, "step")));
        // Markdown, made safe where it was made.
        parts.push(report["text"].as_str().unwrap_or_default().to_owned());
    }
    parts.extend(link(row, base));
    parts.retain(|part| !part.is_empty());
    parts.join("\n\n")
}
