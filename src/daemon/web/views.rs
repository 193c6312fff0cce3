//! What the templates are given: plain values, every text of them as it is (the templates escape it).

use ira_commands::date::stamp;
use ira_commands::text::{clean, excerpt};
use ira_commands::words::Span;
use ira_commands::{Effect, Fault};
use serde_json::{Value as Json, json};

use super::Shelved;
use super::events::{shown, tone};
use super::people::Visitor;
use crate::config::users::Role;
use crate::runs::times::{relative, took};
use crate::store::ask::{Filter, Mails, Story};
use crate::store::event::{self, Event, What};
use crate::store::model::{GuardRow, OutboxRow, Run, RunId, Step};
use crate::store::{Guard, MailState, RunState, StepState, Store, Trace, Wait};

/// Runs on a page.
const ROWS: usize = 50;
/// The most of an answer that is shown, characters.
const DETAIL: usize = 16_000;
/// The most events that are shown: the newest.
const EVENTS: usize = 500;

/// What a list of runs is asked for.
#[derive(Clone, Debug, Default)]
pub struct Query {
    /// `open`, `person`, a state's word; all where empty.
    pub state: String,
    /// A part of the playbook's name.
    pub playbook: String,
    /// A part of a lock, or of the title.
    pub target: String,
    /// Admitted in this time.
    pub since: String,
    /// Only runs with a lower number.
    pub before: Option<u64>,
}

impl Query {
    fn takes(&self, run: &Run, now: u64) -> bool {
        let state = match self.state.as_str() {
            "" => true,
            "open" => !run.state.terminal(),
            "person" => waits_for_a_person(run.state),
            word => run.state.word() == word,
        };
        let playbook = self.playbook.is_empty()
            || run.playbook.as_deref().is_some_and(|name| name.contains(self.playbook.as_str()));
        let target = self.target.is_empty()
            || run.title.contains(&self.target)
            || run.locks.iter().any(|lock| lock.contains(&self.target));
        let since = self.since.parse::<Span>().map_or(0, |span| now.saturating_sub(span.seconds.saturating_mul(1_000)));
        state && playbook && target && run.admitted_at >= since && self.before.is_none_or(|id| run.id.0 < id)
    }

    fn older(&self, last: RunId) -> String {
        let words: Vec<String> =
            [("state", &self.state), ("playbook", &self.playbook), ("target", &self.target), ("since", &self.since)]
                .into_iter()
                .filter(|(_, value)| !value.is_empty())
                .map(|(name, value)| format!("{name}={}", super::forms::quoted(value)))
                .chain([format!("before={last}")])
                .collect();
        format!("/runs?{}", words.join("&"))
    }
}

fn waits_for_a_person(state: RunState) -> bool {
    matches!(state, RunState::NeedsHuman | RunState::Waiting(Wait::Approval | Wait::Freeze) | RunState::Escalated)
}

/// The list of runs.
pub async fn runs(store: &dyn Store, query: &Query, visitor: &Visitor) -> Result<Json, Fault> {
    let now = store.now().await?;
    let mut runs = store.runs(Filter::All).await?;
    let open = runs.iter().filter(|run| !run.state.terminal()).count();
    let person = runs.iter().filter(|run| !run.state.terminal() && waits_for_a_person(run.state)).count();
    runs.retain(|run| query.takes(run, now));
    runs.sort_by_key(|run| std::cmp::Reverse(run.id));
    let more = runs.len() > ROWS;
    runs.truncate(ROWS);
    let guards = store.guards().await?;
    let frozen: Vec<Json> = guards.iter().filter_map(|row| frozen(row, now)).collect();
    let states = [("", "all"), ("open", "open"), ("person", "a person is needed"), ("succeeded", "succeeded")];
    let states =
        states.into_iter().chain([("escalated", "escalated"), ("failed", "failed"), ("cancelled", "cancelled")]);
    let headline = match (open, person) {
        (0, _) => "No run is open.".to_owned(),
        (_, 0) => format!("{open} open; none waits for a person."),
        _ => format!("{person} of {open} open runs wait for a person."),
    };
    Ok(json!({
        "headline": headline,
        "asked": { "playbook": query.playbook, "target": query.target, "since": query.since },
        "states": states
            .map(|(value, words)| json!({ "value": value, "words": words, "chosen": value == query.state }))
            .collect::<Vec<_>>(),
        "is_frozen": frozen.iter().any(|one| one["thaws"] == true && one["scope"] == "*"),
        "frozen": frozen,
        "older": runs.last().filter(|_| more).map(|run| query.older(run.id)),
        "runs": runs.iter().map(|run| row(run, now)).collect::<Vec<_>>(),
        "csrf": visitor.csrf(),
        "may_operate": visitor.is(Role::Operator),
    }))
}

fn frozen(row: &GuardRow, now: u64) -> Option<Json> {
    let what = match row.kind {
        Guard::Freeze => "frozen:",
        Guard::Maintenance => "maintenance:",
        Guard::Storm => "a storm of alerts:",
        _ => return None,
    };
    let scope = row.key.split_once(':').map_or("*", |(_, scope)| scope);
    Some(json!({
        "what": what,
        "scope": scope,
        "reason": row.state.get("reason").and_then(Json::as_str).unwrap_or_default(),
        "until": row.until.map(|at| when(at, now)),
        "thaws": row.kind == Guard::Freeze,
    }))
}

fn row(run: &Run, now: u64) -> Json {
    let page = run.escalate_by.filter(|_| !run.state.terminal()).map(|at| format!("pages {}", relative(at, now)));
    json!({
        "id": run.id,
        "tone": tone(run.state),
        "state": run.state.word(),
        "title": clean(&excerpt(&run.title, 160)),
        "begun": when(run.admitted_at, now),
        "page": page,
        "note": clean(&excerpt(&run.note, 200)),
    })
}

/// A moment: absolute, and as it is to a person now.
pub fn when(at: u64, now: u64) -> Json {
    let iso = stamp(at / 1_000);
    let clock = iso.split_once('T').map_or("", |(_, clock)| clock).trim_end_matches('Z').to_owned();
    json!({ "iso": iso, "ago": relative(at, now), "clock": clock })
}

/// How a step may be repeated, in words.
fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Read => "reads",
        Effect::Idempotent => "may be repeated",
        Effect::Once => "once",
    }
}

/// A value for the eye; none where there is nothing in it.
pub fn pretty(value: &Json) -> Option<String> {
    let empty = match value {
        Json::Null => true,
        Json::Object(map) => map.is_empty(),
        Json::Array(list) => list.is_empty(),
        _ => false,
    };
    let text = || serde_json::to_string_pretty(value).unwrap_or_default();
    (!empty).then(|| excerpt_lines(&text()))
}

/// A text of several lines, cut where it is too long.
fn excerpt_lines(text: &str) -> String {
    let mut kept: String = text.chars().take(DETAIL).collect();
    if kept.len() < text.len() {
        kept.push_str("\n… cut here");
    }
    kept
}

/// One run, with all that belongs to it.
pub async fn run(from: &dyn Store, story: &Story, visitor: &Visitor) -> Result<Json, Fault> {
    let now = from.now().await?;
    let (run, id) = (&story.run, story.run.id);
    let events = from.events(id).await?;
    let mails = from.mails(Mails::Of(id)).await?;
    let broken = event::check(&events)
        .err()
        .map(|why| format!("The record of this run is not whole ({why}): somebody wrote to the store beside ira."));
    let unknown = story.steps.iter().filter(|step| step.state == StepState::Unknown).map(|step| {
        json!({ "path": step.path, "id": step.id, "choices": [
            { "value": "it-ran", "words": "it happened" },
            { "value": "it-did-not", "words": "it did not happen" },
            { "value": "abort", "words": "stop the run" },
        ] })
    });
    let newest = events.len().saturating_sub(EVENTS);
    Ok(json!({
        "run": {
            "id": id, "tone": tone(run.state), "state": run.state.word(), "seq": run.seq,
            "head": run.head.chars().take(16).collect::<String>(),
        },
        "headline": headline(run),
        "broken": broken,
        "unknown": unknown.collect::<Vec<_>>(),
        "asks": asks(story, &events, visitor, now),
        "facts": facts(run, now),
        "cancels": !run.state.terminal() && run.cancelled_by.is_none(),
        "compared": compared(&events),
        "steps": story.steps.iter().map(|one| step(one, now)).collect::<Vec<_>>(),
        "told": mails.iter().map(|mail| told(mail, now)).collect::<Vec<_>>(),
        "alert": story.alert.as_ref().map(|row| {
            let payload: Json = serde_json::from_str(&row.payload).unwrap_or_default();
            json!({ "labels": labels(&payload["alert"]) })
        }),
        "events": events[newest..].iter().filter_map(|event| shown(event, now)).collect::<Vec<_>>(),
        "csrf": visitor.csrf(),
        "may_approve": visitor.is(Role::Approver),
        "may_operate": visitor.is(Role::Operator),
    }))
}

fn headline(run: &Run) -> String {
    let title = clean(&excerpt(&run.title, 160));
    if run.note.is_empty() {
        format!("Run {}: {title}", run.id)
    } else {
        format!("Run {}: {title}. {}", run.id, clean(&run.note))
    }
}

fn facts(run: &Run, now: u64) -> Vec<Json> {
    let mut facts = Vec::new();
    let mut add = |label: &str, value: String, time: Option<Json>| {
        facts.push(json!({ "label": label, "value": value, "time": time }));
    };
    if let (Some(name), Some(revision)) = (&run.playbook, &run.revision) {
        add("playbook", format!("{name}, revision {}", revision.chars().take(8).collect::<String>()), None);
    }
    add("begun", format!("{} by {}", relative(run.admitted_at, now), run.by), Some(when(run.admitted_at, now)));
    if let Some(ended) = run.ended_at {
        add("ended", format!("after {}", took(run.admitted_at, ended)), Some(when(ended, now)));
    }
    if let (Some(at), false) = (run.escalate_by, run.state.terminal()) {
        let done = if run.no_more_writes { "paged; nothing more is written" } else { "unless it ends before" };
        add("page", format!("{}, {done}", relative(at, now)), Some(when(at, now)));
    }
    if let Some(at) = run.wake_at.filter(|_| !run.state.terminal()) {
        add("goes on", relative(at, now), Some(when(at, now)));
    }
    if let Some(who) = &run.cancelled_by {
        add("cancelled", format!("by {who}"), None);
    }
    if !run.locks.is_empty() {
        add("acts on", run.locks.join(", "), None);
    }
    facts
}

/// The plan that somebody is asked about, and what keeps this visitor from answering.
fn asks(story: &Story, events: &[Event], visitor: &Visitor, now: u64) -> Option<Json> {
    if story.run.state != RunState::Waiting(Wait::Approval) {
        return None;
    }
    let approval = story.approvals.iter().rfind(|one| one.decision.is_none())?;
    let plan = events.iter().rev().find_map(|event| match &event.what {
        What::Noted { sort, matter } if sort == "plan" && matter["plan_hash"] == approval.plan_hash.as_str() => {
            Some(matter)
        }
        _ => None,
    });
    let text = |value: &Json, key: &str| value.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
    let write = |write: &Json| {
        let planned = write["plan"].get("what").and_then(Json::as_str).map(str::to_owned);
        let change = |one: &Json| {
            let of = |key: &str| text(one, key);
            json!({ "what": of("what"), "before": of("before"), "after": of("after") })
        };
        let changes: Vec<Json> =
            write["plan"].get("changes").and_then(Json::as_array).into_iter().flatten().map(change).collect();
        let what = planned.unwrap_or_else(|| text(write, "not_planned"));
        json!({ "verb": text(write, "do"), "target": text(write, "target"), "step": text(write, "step"), "what": what, "changes": changes })
    };
    let writes: Vec<Json> = plan.and_then(|plan| plan["writes"].as_array()).into_iter().flatten().map(write).collect();
    let why_not = match visitor.name() {
        None => Some("Sign in to answer.".to_owned()),
        Some(name) if name == story.run.by => Some("You asked for this run: somebody else has to agree.".to_owned()),
        Some(_) if !visitor.is(Role::Approver) => Some("You may look, and not answer.".to_owned()),
        Some(_) if approval.expires_at <= now => Some("The time to answer is over.".to_owned()),
        Some(_) => None,
    };
    Some(json!({
        "until": when(approval.expires_at, now), "hash": approval.plan_hash, "writes": writes, "why_not": why_not,
    }))
}

fn step(step: &Step, now: u64) -> Json {
    let tone = match step.state {
        StepState::Done => "good",
        StepState::Pending | StepState::Started => "cool",
        StepState::Failed(Trace::Nothing) => "warn",
        StepState::Failed(Trace::Something) | StepState::Unknown => "bad",
    };
    let said = ["summary", "proof", "fault", "reason"].into_iter().find_map(|key| step.exit.get(key)?.as_str());
    json!({
        "id": step.id,
        "tone": tone,
        "state": step.state.word(),
        "path": step.path,
        "effect": word(step.effect),
        "attempt": step.attempt,
        "took": took(step.started_at, step.ended_at.unwrap_or(now)),
        "undo": step.undo,
        "said": said.map(|said| clean(&excerpt(said, 400))),
        "detail": pretty(&step.exit),
    })
}

fn told(mail: &OutboxRow, now: u64) -> Json {
    let tone = match mail.state {
        MailState::Accepted | MailState::Closed => "good",
        MailState::Pending => "warn",
        _ => "",
    };
    json!({
        "tone": tone,
        "kind": mail.mail.word(),
        "channel": mail.channel,
        "state": mail.state.word(),
        "when": when(mail.accepted_at.unwrap_or(mail.next_at), now),
        "why": clean(&excerpt(mail.error.as_deref().unwrap_or(&mail.reason), 400)),
    })
}

fn labels(payload: &Json) -> Vec<Json> {
    let of = |key: &str| payload.get(key).and_then(Json::as_object).into_iter().flatten();
    of("labels")
        .chain(of("annotations"))
        .map(|(name, value)| {
            let value = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            json!({ "name": name, "value": clean(&excerpt(&value, 600)) })
        })
        .collect()
}

/// What was measured before the first write, and what the last look gave.
fn compared(events: &[Event]) -> Vec<Json> {
    let noted = |sort: &str| {
        events.iter().rev().find_map(|event| match &event.what {
            What::Noted { sort: known, matter } if known == sort => matter.as_object(),
            _ => None,
        })
    };
    let Some(before) = noted("before") else { return Vec::new() };
    let after = noted("after");
    let value = |value: &Json| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    before
        .iter()
        .map(|(name, was)| json!({ "name": name, "before": value(was), "after": after.and_then(|map| map.get(name)).map(value) }))
        .collect()
}

/// The playbooks that are loaded, each with how its runs ended.
pub async fn playbooks(store: &dyn Store, shelf: &[Shelved]) -> Result<Json, Fault> {
    let runs = store.runs(Filter::All).await?;
    let row = |one: &Shelved| {
        // Those that wrote something and came to their end.
        let wrote = runs
            .iter()
            .filter(|run| run.playbook.as_deref() == Some(one.name.as_str()))
            .filter(|run| run.first_write_at.is_some() && run.state.terminal() && run.state != RunState::Cancelled);
        let (fixed, all) = wrote
            .fold((0_u32, 0_u32), |(fixed, all), run| (fixed + u32::from(run.state == RunState::Succeeded), all + 1));
        let fixed = match all {
            0 => "has not acted yet".to_owned(),
            _ => format!("{fixed} of {all} runs fixed it, verified"),
        };
        json!({
            "name": one.name,
            "about": one.about,
            "rung": one.rung,
            "tone": match one.rung { "auto" => "good", "approve" => "warn", _ => "soft" },
            "revision": one.revision.chars().take(8).collect::<String>(),
            "kind": if one.writes { "writes" } else { "reads only" },
            "fixed": fixed,
            "refused": one.refused,
            "tests": match one.tests { 0 => "no tests".to_owned(), 1 => "1 test".to_owned(), count => format!("{count} tests") },
        })
    };
    Ok(json!({
        "headline": match shelf.len() {
            0 => "No playbook is loaded.".to_owned(),
            1 => "1 playbook is loaded.".to_owned(),
            count => format!("{count} playbooks are loaded."),
        },
        "playbooks": shelf.iter().map(row).collect::<Vec<_>>(),
    }))
}
