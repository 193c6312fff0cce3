//! What happened in a run, in words.

use serde_json::Value as Json;

use crate::store::event::{By, What};

/// An event for a person; none where it is only of use to the engine.
pub fn words(what: &What) -> Option<String> {
    let because = |why: &str| if why.is_empty() { String::new() } else { format!(": {why}") };
    Some(match what {
        What::Admitted { title, .. } => format!("{title} is to be done"),
        What::Claimed { worker, .. } => format!("{worker} is at it"),
        What::Moved { state, why } => format!("{state}{}", because(why)),
        What::Planned { plan_hash } => format!("the plan is known ({})", short(plan_hash)),
        What::Began { path, attempt: 1, .. } => format!("{path} is begun"),
        What::Began { path, attempt, .. } => format!("{path} is begun, attempt {attempt}"),
        What::Added { .. } => return None,
        What::Ended { attempt_id, state, by } => {
            let by = match by {
                By::Worker => "",
                By::Late => ", by a worker that had lost the run",
                By::Probe => ", by its probe",
                By::Human => ", by a person",
                By::Superseded => ", a later attempt took its place",
            };
            format!("attempt {attempt_id} is {state}{by}")
        }
        What::Escalated { why } => format!("a person is woken{}", because(why)),
        What::Overridden { guard, key, reason } => format!("the guard {guard} of {key} is overridden: {reason}"),
        What::Asked { plan_hash, .. } => format!("somebody is asked to agree to the plan {}", short(plan_hash)),
        What::Decided { plan_hash, yes } => {
            format!("{} to the plan {}", if *yes { "yes" } else { "no" }, short(plan_hash))
        }
        What::CancelAsked => "it is cancelled".to_owned(),
        What::Finished { state, note } => format!("{state}{}", because(note.lines().next().unwrap_or_default())),
        What::Reopened => "a person took it up again".to_owned(),
        What::Noted { sort, matter } => noted(sort, matter)?,
    })
}

fn noted(sort: &str, matter: &Json) -> Option<String> {
    let word = |name: &str| matter[name].as_str().unwrap_or_default();
    Some(match sort {
        "asked" => {
            let values = matter["values"].as_object().into_iter().flatten();
            let said: Vec<String> = values.map(|(name, value)| format!("q.{name} = {value}")).collect();
            let unread = matter["unread"].as_array().into_iter().flatten().filter_map(Json::as_str);
            let unread: Vec<String> = unread.map(|name| format!("q.{name} could not be read")).collect();
            format!("{} ({})", [said, unread].concat().join(", "), word("at"))
        }
        "step" => format!("{} was done: {}", word("path"), word("said")),
        "tried" => format!("{} had no effect: {}", word("path"), word("why")),
        "denied" => format!("denied: {}", word("message")),
        "stopped" => format!("it is taken back: {}", word("detail")),
        "resolved" => "the alert is resolved".to_owned(),
        "promoted" => format!("its playbook may be on `{}`: {}", word("to"), word("reason")),
        "thaw" => "what was frozen is thawed".to_owned(),
        "overridden" => format!("{} does not count: {}", word("guard"), word("reason")),
        "from" => format!("it goes on from {matter}"),
        // What only helps the engine to go on.
        "before" | "plan" | "undone" => return None,
        other => format!("{other}: {matter}"),
    })
}

fn short(hash: &str) -> String {
    hash.chars().take(12).collect()
}
