//! What happened in a run, as it stands on its page.

use serde_json::{Value as Json, json};

use super::views::{pretty, when};
use crate::runs::words::words;
use crate::store::event::{Event, What};
use crate::store::{RunState, StepState};

/// An event for the page; none where it is only of use to the engine.
pub fn shown(event: &Event, now: u64) -> Option<Json> {
    let detail = match &event.what {
        What::Noted { matter, .. } => pretty(matter),
        _ => None,
    };
    let text = words(&event.what).or_else(|| {
        let What::Noted { sort, .. } = &event.what else { return None };
        Some(match sort.as_str() {
            "before" => "measured before the first write".to_owned(),
            "after" => "measured after it".to_owned(),
            "undone" => "taken back".to_owned(),
            other => other.to_owned(),
        })
    })?;
    Some(json!({
        "seq": event.seq,
        "when": when(event.at, now),
        "actor": event.actor,
        "tone": tone_of(&event.what),
        "text": text,
        "detail": detail,
    }))
}

fn tone_of(what: &What) -> &'static str {
    match what {
        What::Moved { state, .. } | What::Finished { state, .. } => tone(*state),
        What::Ended { state, .. } => match state {
            StepState::Done => "good",
            StepState::Unknown => "bad",
            StepState::Failed(_) => "warn",
            StepState::Pending | StepState::Started => "",
        },
        What::Planned { .. } | What::Began { .. } | What::Reopened => "cool",
        What::Escalated { .. } => "bad",
        What::Decided { yes: true, .. } => "good",
        What::Overridden { .. } | What::Asked { .. } | What::Decided { .. } | What::CancelAsked => "warn",
        What::Noted { sort, .. } => match sort.as_str() {
            "denied" | "stopped" | "undone" | "overridden" => "warn",
            "resolved" => "good",
            _ => "",
        },
        What::Admitted { .. } | What::Claimed { .. } | What::Added { .. } => "",
    }
}

/// The class of a state.
pub fn tone(state: RunState) -> &'static str {
    match state {
        RunState::NeedsHuman | RunState::Escalated => "bad",
        RunState::Failed | RunState::Waiting(_) => "warn",
        RunState::Queued | RunState::Running(_) => "cool",
        RunState::Succeeded => "good",
        RunState::Cancelled => "soft",
    }
}
