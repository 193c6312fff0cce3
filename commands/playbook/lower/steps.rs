//! Steps.

use serde_json::Value as Json;

use super::{EVERY, Lower, READ, Record};
use crate::effect::{Effect, TakenBack};
use crate::playbook::model::{Param, ParamType, Text};
use crate::playbook::simulate::WAIT;
use crate::playbook::step::{Limits, Loop, Output, Retry, Source, Step, Undo, Wait};
use crate::playbook::template::{Path, Template};
use crate::words::Span;

/// Items of a loop where neither the file nor the list says how many.
const ITEMS: usize = 16;

/// The seconds that a step lets pass, where its text says so.
fn pause(action: &Text, with: &Template) -> Option<u64> {
    let Template::Map(entries, _) = with else { return None };
    match &entries.iter().find(|entry| entry.name == "for").filter(|_| action.text == WAIT)?.value {
        Template::Plain(Json::String(text), _) => text.parse::<Span>().ok().map(|span| span.seconds),
        _ => None,
    }
}

impl Lower {
    pub(super) fn step(&mut self, step: Record<'_>) -> Option<Step> {
        let condition = self.cel(step, "if");
        let wait = self.wait(step);
        let retry = self.retry(step);
        let undo = step.record("undo").and_then(|undo| {
            let with = self.with(undo);
            Some(Undo { action: undo.word("do")?, with, timeout: undo.seconds("timeout").unwrap_or(READ) })
        });
        let outputs = step.named("outputs");
        let outputs =
            outputs.into_iter().filter_map(|(name, one)| Some((name.to_owned(), self.output(one)?))).collect();
        let with = self.with(step);
        let action = step.word("do")?;
        // What lets time pass takes as long as it says.
        let timeout = step.seconds("timeout").or_else(|| pause(&action, &with));
        Some(Step {
            with,
            each: self.each(step),
            id: step.word("id").unwrap_or_default(),
            condition,
            action,
            timeout: timeout.unwrap_or(READ),
            timeout_given: step.get("timeout").is_some(),
            retry,
            effect: step.text("effect").and_then(|word| match word.as_str() {
                "idempotent" => Some(Effect::Idempotent),
                "once" => Some(Effect::Once),
                _ => None,
            }),
            taken_back: step.text("taken_back").and_then(|word| match word.as_str() {
                "transient" => Some(TakenBack::Transient),
                "irreversible" => Some(TakenBack::Irreversible),
                _ => None,
            }),
            undo,
            accepts_irreversible: step.text("accept").as_deref() == Some("irreversible"),
            limits: step.record("caps").map(limits).unwrap_or_default(),
            wait,
            may_silence: step.boolean("may_silence").unwrap_or(true),
            outputs,
            at: step.node.at,
        })
    }

    fn wait(&mut self, step: Record<'_>) -> Option<Wait> {
        let until = self.cel(step, "until");
        match (step.get("until"), step.seconds("within")) {
            (Some(_), Some(within)) => {
                Some(Wait { until: until?, every: step.seconds("every").unwrap_or(EVERY), within })
            }
            (Some(node), None) if step.get("within").is_none() => {
                self.complain(node.at, "`until` needs `within`: nothing is waited for without an end");
                None
            }
            (None, Some(_)) => {
                self.complain(step.node.at, "`within` says how long `until` is waited for, and there is no `until`");
                None
            }
            _ => None,
        }
    }

    fn retry(&mut self, step: Record<'_>) -> Option<Retry> {
        let retry = step.record("retry")?;
        for word in retry.words("on").iter().filter(|word| word.text != "refused") {
            let problem = super::Problem::new(word.at, format!("`retry` cannot be on `{}`", word.text));
            self.problems.push(problem.hint(
                "only `refused` is tried again, which provably had no effect; what timed out or failed half-way may have had one",
            ));
        }
        let attempts = retry.int("attempts").and_then(|number| u32::try_from(number).ok());
        Some(Retry { attempts: attempts.unwrap_or(1), backoff: retry.seconds("backoff").unwrap_or_default() })
    }

    fn each(&mut self, step: Record<'_>) -> Option<Loop> {
        let each = step.record("for_each")?;
        let over = each.get("over")?;
        let max = each.int("max").and_then(|max| usize::try_from(max).ok());
        let concurrency = each.int("concurrency").and_then(|number| usize::try_from(number).ok()).unwrap_or(1);
        if let Some(name) = over.text() {
            if max.is_none() && each.get("max").is_none() {
                let problem = super::Problem::new(each.node.at, "a list that is not written here needs `max`");
                self.problems.push(problem.hint("max: the most items; a longer list is refused whole"));
            }
            let Some(name) = name.strip_prefix('$') else {
                let problem = super::Problem::new(over.at, "`over` takes a list, $params.NAME or $steps.ID.out.NAME");
                self.problems.push(problem.meant(name, ["$params.NAME", "$steps.ID.out.NAME"]));
                return None;
            };
            let over = Source::Named(Path { text: name.to_owned(), at: over.at });
            return Some(Loop { over, max: max.unwrap_or(ITEMS), concurrency });
        }
        let listed: Vec<String> = each.words("over").into_iter().map(|word| word.text).collect();
        let max = max.unwrap_or(listed.len()).max(1);
        if listed.len() > max || listed.len() > 256 {
            self.complain(over.at, format!("the list has {} items, and at most {} may be", listed.len(), max.min(256)));
        }
        Some(Loop { over: Source::Listed(listed), max, concurrency })
    }

    fn output(&mut self, one: Record<'_>) -> Option<Output> {
        let word = one.text("type")?;
        let kind = ParamType::ALL.into_iter().find(|kind| kind.word() == word)?;
        let pattern = one.get("pattern").and_then(|node| self.whole(node));
        let value = Param {
            kind,
            default: None,
            min: one.number("min"),
            max: one.number("max"),
            pattern,
            values: Vec::new(),
            max_items: one.int("max_items").and_then(|most| usize::try_from(most).ok()),
            about: String::new(),
            at: one.node.at,
        };
        Some(Output { take: one.text("take")?, value })
    }
}

fn limits(caps: Record<'_>) -> Limits {
    Limits {
        max_spend: caps.text("max_spend").and_then(|text| text.parse().ok()),
        max_spend_native: caps.text("max_spend_native").and_then(|text| text.parse().ok()),
        max_items: caps.int("max_items"),
        max_targets: caps.int("max_targets"),
    }
}
