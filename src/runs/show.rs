//! `ira run show`: a run with all that belongs to it.

use ira_commands::effect::{Reach, TakenBack};
use ira_commands::playbook::Playbook;
use ira_commands::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use ira_commands::text::excerpt;
use ira_commands::{Effect, Fault, Invocation};
use serde_json::{Value as Json, json};

use super::list::{json as run_json, status};
use super::no_run;
use super::times::{relative, took};
use super::words::words;
use crate::store::ask::{Mails, Story};
use crate::store::event::{self, Event};
use crate::store::model::{OutboxRow, Run, RunId, Step};
use crate::store::{MailState, RunState, StepState, Store, Trace, Wait};

/// Shows a run. Exit 4 where it ended without success, or waits for a person.
pub async fn show(from: &dyn Store, id: RunId, with_events: bool) -> Result<Report, Fault> {
    let story = from.run(id).await?.ok_or_else(|| no_run(id))?;
    let now = from.now().await?;
    let events = from.events(id).await?;
    let mails = from.mails(Mails::Of(id)).await?;
    let run = &story.run;
    let book = match &run.revision {
        Some(revision) => from.playbook(revision).await?.and_then(|text| ira_commands::playbook::parse(&text).ok()),
        None => None,
    };
    let mut tables = vec![steps(&story.steps, now)];
    if !mails.is_empty() {
        tables.push(outbox(&mails, now));
    }
    if with_events {
        tables.push(history(&events, now));
    }
    tables.retain(|table| !table.rows.is_empty());
    let section = Section {
        status: status(run),
        headline: headline(run),
        advice: advice(&story),
        facts: facts(&story, book.as_ref(), now),
        tables,
    };
    // Somebody wrote to the store beside ira: what it says of this run is not to be believed.
    let broken = event::check(&events).err().map(|why| format!("the record of run {id} is not whole: {why}"));
    Ok(Report {
        sections: vec![section],
        next: next(&story, book.as_ref()),
        data: data(&story, &events, &mails),
        errors: Vec::new(),
        warnings: broken.into_iter().collect(),
        outcome: match run.state {
            RunState::Failed | RunState::Escalated | RunState::NeedsHuman => Outcome::Problem,
            _ => Outcome::Well,
        },
    })
}

fn headline(run: &Run) -> String {
    let word = first_line(&run.note);
    let stands = match run.state {
        RunState::Queued => "waits for a worker".to_owned(),
        RunState::Running(phase) => format!("is at work ({phase})"),
        RunState::Waiting(Wait::Timer) => "waits for its time".to_owned(),
        RunState::Waiting(what) => format!("waits for the {what}"),
        RunState::NeedsHuman => "needs a person".to_owned(),
        RunState::Succeeded => "succeeded".to_owned(),
        RunState::Failed => "failed".to_owned(),
        RunState::Cancelled => "was cancelled".to_owned(),
        RunState::Escalated => "was handed to a person".to_owned(),
    };
    if word.is_empty() { format!("Run {} {stands}.", run.id) } else { format!("Run {} {stands}: {word}.", run.id) }
}

/// The first line of a run's last word, without its full stop: what follows it stands among the facts.
fn first_line(note: &str) -> String {
    excerpt(note.lines().next().unwrap_or_default(), 300).trim_end_matches('.').to_owned()
}

/// What is known of the steps that are not settled, and who settles them.
fn advice(story: &Story) -> String {
    let unknown: Vec<String> = story
        .steps
        .iter()
        .filter(|step| step.state == StepState::Unknown)
        .map(|step| format!("look whether `{}` happened, and say so (attempt {})", step.path, step.id))
        .collect();
    match story.run.state {
        RunState::Escalated if unknown.is_empty() => {
            "look at it yourself; ira does nothing more of its own accord.".to_owned()
        }
        _ => unknown.join(" · "),
    }
}

/// The writes of a run that were begun, the last attempt of each; those that took something back are not among them.
fn writes(story: &Story) -> Vec<&Step> {
    let mut last: Vec<&Step> = Vec::new();
    for step in &story.steps {
        if step.effect != Effect::Read && step.reach == Reach::Target && !step.undo {
            last.retain(|known| known.path != step.path);
            last.push(step);
        }
    }
    last
}

/// How what a step did is taken back, as its playbook says, else its command.
fn taken_back(book: Option<&Playbook>, step: &Step) -> Option<TakenBack> {
    let id = step.path.split('/').next();
    let own = book.and_then(|book| book.steps.iter().find(|own| Some(own.id.text.as_str()) == id));
    if let Some(own) = own.filter(|own| own.undo.is_some() || own.taken_back.is_some()) {
        return if own.undo.is_some() { Some(TakenBack::Undo) } else { own.taken_back };
    }
    let invocation = Invocation::from_data(step.begun["do"].as_str()?, step.begun["with"].clone()).ok()?;
    Some(invocation.taken_back())
}

fn next(story: &Story, book: Option<&Playbook>) -> Vec<String> {
    let run = story.run.id;
    let mut next: Vec<String> = story
        .steps
        .iter()
        .filter(|step| step.state == StepState::Unknown)
        .map(|step| format!("ira run decide {} --say it-ran|it-did-not|abort", step.id))
        .collect();
    let can_go_back = writes(story).iter().any(|step| {
        step.state == StepState::Done && taken_back(book, step) == Some(TakenBack::Undo) && !is_undone(story, step)
    });
    match story.run.state {
        RunState::Waiting(Wait::Approval) => {
            let plan: String = story.run.plan_hash.iter().flat_map(|hash| hash.chars().take(12)).collect();
            next.extend([format!("ira run approve {run} --plan {plan}"), format!("ira run resume {run}")]);
        }
        RunState::Waiting(Wait::Freeze) => next.extend(["ira thaw".to_owned(), format!("ira run resume {run}")]),
        RunState::Escalated => {
            next.extend(can_go_back.then(|| format!("ira run undo {run}")));
            next.push(format!("ira run resume {run}"));
            next.push(format!("ira run close {run} --as succeeded --reason TEXT"));
        }
        RunState::Queued | RunState::Running(_) | RunState::Waiting(_) => next.push(format!("ira run resume {run}")),
        RunState::NeedsHuman | RunState::Succeeded | RunState::Failed | RunState::Cancelled => {}
    }
    next
}

/// Whether what a step did was taken back.
fn is_undone(story: &Story, step: &Step) -> bool {
    let undo = format!("undo/{}", short(step));
    story.steps.iter().any(|other| other.undo && other.state == StepState::Done && short(other) == undo)
}

/// The path of an attempt without what its command acts on: that stands beside it.
fn short(step: &Step) -> String {
    let target = step.begun["target"].as_str();
    let below = target.and_then(|target| step.path.strip_suffix(target)?.strip_suffix('/'));
    below.unwrap_or(&step.path).to_owned()
}

fn facts(story: &Story, book: Option<&Playbook>, now: u64) -> Vec<Fact> {
    let run = &story.run;
    let mut facts = Vec::new();
    let mut add = |label, value: Cell, note: String| facts.push(Fact { label, value, note });
    add("what", Cell::from(excerpt(&run.title, 100)), String::new());
    add("state", Cell::from(run.state.word()).coloured(status(run)), String::new());
    for step in writes(story) {
        let back = match (step.state, taken_back(book, step)) {
            (StepState::Done, _) if is_undone(story, step) => "taken back".to_owned(),
            (StepState::Done, Some(TakenBack::Undo)) => format!("`ira run undo {}` takes it back", run.id),
            (StepState::Done, Some(TakenBack::Transient)) => "nothing to take back".to_owned(),
            (StepState::Done, Some(TakenBack::Irreversible)) => "cannot be taken back".to_owned(),
            (StepState::Done, None) => String::new(),
            (state, _) => state.word().to_owned(),
        };
        let verb = step.begun["do"].as_str().unwrap_or_default();
        let what = step.begun["what"].as_str().unwrap_or(verb);
        add("did", Cell::from(format!("{}: {}", short(step), excerpt(what, 120))), back);
    }
    for line in run.note.lines().skip(1).filter(|line| !line.starts_with("`ira run") && !line.starts_with("Done: ")) {
        add("note", Cell::from(excerpt(line, 300)), String::new());
    }
    if let (Some(name), Some(revision)) = (&run.playbook, &run.revision) {
        let short: String = revision.chars().take(8).collect();
        add("playbook", Cell::from(name.as_str()), format!("revision {short}"));
    }
    if let Some(hash) = &run.plan_hash {
        let short: String = hash.chars().take(12).collect();
        add("plan", Cell::shortened(short, hash.as_str()), String::new());
    }
    add("begun", Cell::from(relative(run.admitted_at, now)), format!("by {}", run.by));
    if let Some(ended) = run.ended_at {
        add("ended", Cell::from(relative(ended, now)), took(run.admitted_at, ended));
    }
    if let (Some(at), false) = (run.escalate_by, run.state.terminal()) {
        let done = if run.no_more_writes { "paged; nothing more is written" } else { "unless it ends before" };
        add("page", Cell::from(relative(at, now)), done.to_owned());
    }
    if let Some(owner) = &run.owner {
        add("worker", Cell::from(owner.as_str()), format!("until {}", relative(run.lease_until, now)));
    }
    facts
}

/// How an attempt is to be seen.
fn step_status(state: StepState) -> Status {
    match state {
        StepState::Done => Status::Ok,
        StepState::Pending | StepState::Started => Status::Info,
        StepState::Failed(Trace::Nothing) => Status::Warn,
        StepState::Failed(Trace::Something) | StepState::Unknown => Status::Critical,
    }
}

fn steps(steps: &[Step], now: u64) -> Table {
    let row = |step: &Step| {
        let path = short(step);
        let path = if path == step.path { Cell::from(excerpt(&path, 60)) } else { Cell::shortened(path, &*step.path) };
        vec![
            Cell::from(step.id.to_string()),
            path,
            Cell::from(step.begun["do"].as_str().unwrap_or_default()),
            Cell::from(step.state.word()).coloured(step_status(step.state)),
            Cell::from(took(step.started_at, step.ended_at.unwrap_or(now))),
            Cell::from(excerpt(&proof(&step.exit), 160)),
        ]
    };
    // A read that was made again: what it said before counts no more.
    let again = |at: usize| {
        steps[at].effect == Effect::Read && steps[at + 1..].iter().any(|later| later.path == steps[at].path)
    };
    let (old, new): (Vec<usize>, Vec<usize>) = (0..steps.len()).partition(|at| again(*at));
    Table {
        columns: vec!["attempt", "step", "does", "state", "took", "what came of it"],
        rows: new.iter().map(|at| row(&steps[*at])).collect(),
        folded_note: format!("{} earlier reads", old.len()),
        folded: old.iter().map(|at| row(&steps[*at])).collect(),
    }
}

/// The words in a result.
fn proof(exit: &Json) -> String {
    let word = |key: &str| exit.get(key).and_then(Json::as_str).map(str::to_owned);
    match word("summary").or_else(|| word("proof")).or_else(|| word("fault")).or_else(|| word("reason")) {
        Some(text) => text,
        None if exit.is_null() || exit.get("out").is_some() => String::new(),
        None => exit.to_string(),
    }
}

fn outbox(mails: &[OutboxRow], now: u64) -> Table {
    let row = |mail: &OutboxRow| {
        let when = mail.accepted_at.unwrap_or(mail.next_at);
        vec![
            Cell::from(mail.mail.word()),
            Cell::from(mail.channel.as_str()),
            Cell::from(mail.state.word()),
            Cell::from(relative(when, now)),
            Cell::from(excerpt(mail.error.as_deref().unwrap_or(mail.reason.lines().next().unwrap_or_default()), 100)),
        ]
    };
    // What was armed and never due told nobody anything.
    let told = |mail: &&OutboxRow| mail.state != MailState::Disarmed;
    Table {
        columns: vec!["told", "channel", "state", "when", "why"],
        rows: mails.iter().filter(told).map(row).collect(),
        ..Table::default()
    }
}

fn history(events: &[Event], now: u64) -> Table {
    let row = |event: &Event| {
        vec![
            Cell::from(event.seq.to_string()),
            Cell::from(relative(event.at, now)),
            Cell::from(event.actor.as_str()),
            Cell::from(excerpt(&words(&event.what).unwrap_or_else(|| event.text()), 140)),
        ]
    };
    Table { columns: vec!["#", "when", "who", "what"], rows: events.iter().map(row).collect(), ..Table::default() }
}

fn data(story: &Story, events: &[Event], mails: &[OutboxRow]) -> Json {
    let step = |step: &Step| {
        json!({
            "attempt": step.id,
            "path": step.path,
            "number": step.attempt,
            "effect": step.effect,
            "reach": step.reach,
            "undo": step.undo,
            "state": step.state,
            "started_at": step.started_at / 1_000,
            "ended_at": step.ended_at.map(|at| at / 1_000),
            "result": step.exit,
            "output": step.output_ref,
        })
    };
    let mail = |mail: &OutboxRow| {
        json!({
            "mail": mail.mail,
            "channel": mail.channel,
            "dedup_key": mail.dedup_key,
            "state": mail.state,
            "attempts": mail.attempts,
            "accepted_at": mail.accepted_at.map(|at| at / 1_000),
            "error": mail.error,
        })
    };
    json!({
        "run": run_json(&story.run),
        "steps": story.steps.iter().map(step).collect::<Vec<_>>(),
        "outbox": mails.iter().map(mail).collect::<Vec<_>>(),
        "events": events,
    })
}
