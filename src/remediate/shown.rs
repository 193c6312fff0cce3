//! How a run by hand is shown: its plan before it, its steps while it goes on.

use ira_commands::Fault;
use ira_commands::playbook::{Incoming, Playbook};
use ira_commands::report::{Cell, Fact, Outcome, Report, Section, Status};
use ira_commands::text::{clean, excerpt};
use ira_commands::words::Span;
use serde_json::json;

use super::choose::Chosen;
use crate::engine::{Mark, Preview, Watch};
use crate::store::{Phase, RunState};
use crate::terminal::write_stderr;

/// The plan of a run, as it is agreed to.
pub fn plan(chosen: &Chosen, alert: &Incoming, preview: &Preview, armed: &str) -> Report {
    let document = &preview.plan;
    let book = &chosen.playbook;
    let short: String = book.revision.chars().take(8).collect();
    let name = alert.alert.name().map_or_else(|| "the alert".to_owned(), clean);
    let count = document.writes.len();
    let headline = match (count, &preview.stopped) {
        (_, Some(why)) => format!("{} would do nothing for {name}: {why}.", book.name.text),
        (0, _) => format!("{} answers {name} and writes nothing.", book.name.text),
        (1, _) => format!("{} answers {name} with one write.", book.name.text),
        _ => format!("{} answers {name} with up to {count} writes.", book.name.text),
    };
    let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
    let mut facts = vec![
        fact("playbook", book.name.text.clone(), format!("revision {short}, {}", clean(&chosen.file))),
        fact("guards", guards(book), "this machine only".to_owned()),
        fact("page", armed.to_owned(), String::new()),
    ];
    facts.extend(preview.reads.iter().map(|(step, said)| {
        let said = said.as_ref().map_or_else(Fault::one_line, Clone::clone);
        fact("read", step.clone(), excerpt(&said, 160))
    }));
    if let Some(verify) = &book.verify {
        let hold = if verify.hold > 0 { format!(", held for {}", span(verify.hold)) } else { String::new() };
        facts.push(fact("verify", verify.until.text().to_owned(), format!("within {}{hold}", span(verify.within))));
    }
    let mut sections =
        vec![Section { status: Status::Info, headline, advice: String::new(), facts, tables: Vec::new() }];
    for write in &document.writes {
        match &write.plan {
            Ok(report) => sections.extend(
                report
                    .sections
                    .iter()
                    .cloned()
                    .map(|section| Section { headline: format!("{}: {}", write.step, section.headline), ..section }),
            ),
            Err(fault) => sections.push(Section {
                status: Status::Warn,
                headline: format!("{} ({}): planned when what is before it is done", write.step, write.verb),
                advice: fault.one_line(),
                facts: Vec::new(),
                tables: Vec::new(),
            }),
        }
    }
    Report {
        sections,
        next: Vec::new(),
        data: json!({ "playbook": book.name.text, "revision": book.revision, "plan": document.json() }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: Outcome::Well,
    }
}

fn span(seconds: u64) -> String {
    Span { seconds }.to_string()
}

fn guards(book: &Playbook) -> String {
    let guards = &book.guards;
    let mut all = Vec::new();
    all.extend(guards.cooldown.map(|seconds| format!("cooldown {}", span(seconds))));
    all.extend(guards.recurrence.map(|one| format!("at most {} in {}", one.max, span(one.within))));
    all.extend(guards.budget.as_ref().map(|budget| format!("budget {}", budget.text)));
    if all.is_empty() { "one run per key".to_owned() } else { all.join(" · ") }
}

/// The steps of a run, a line each.
pub struct Lines;

impl Watch for Lines {
    fn step(&self, id: &str, what: &str, mark: Mark, said: &str) {
        let sign = match mark {
            Mark::Begins => return,
            Mark::Done => "✔",
            Mark::Skipped => "–",
            Mark::Failed | Mark::Refused => "✘",
            Mark::Unknown => "?",
            Mark::Undone => "↶",
        };
        write_stderr(&format!("  {sign} {:<12} {:<24} {}\n", clean(id), clean(what), excerpt(said, 160)));
    }

    fn state(&self, state: RunState, why: &str) {
        if matches!(state, RunState::Running(_)) {
            write_stderr(&format!("  · {state} {}\n", excerpt(why, 120)));
        }
    }

    fn warn(&self, said: &str) {
        write_stderr(&format!("  ! {}\n", excerpt(said, 200)));
    }

    fn look(&self, phase: Phase, good: bool, seen: &str) {
        let sign = if good { "✔" } else { "…" };
        write_stderr(&format!("  {sign} {:<12} {}\n", phase.word(), excerpt(seen, 160)));
    }
}
