//! Writing to the incident: each write is written down before, and looked for before it is made again.

use serde_json::json;

use super::note::{Planned, Verb, mark_of};
use crate::actions::{Broken, Left};
use crate::context::{Context, Ended, Step};
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::ports::people::{IncidentChange, Note};

/// Takes the lock of what is written.
pub(super) fn hold(context: &Context, key: &str) -> Result<Box<dyn Send + Sync>, Fault> {
    let name = crate::actions::digest(key.as_bytes());
    context.hold(&format!("pd-annotate-{}", &name["sha256:".len()..][..16]))
}

/// Settles what was begun under `key` and broke off: a note that is there was made. What is not there is made anew by
/// who asks, and not twice: the lock is held, and whoever held it before is gone.
pub(super) fn settle(context: &Context, key: &str, notes: &[Note]) -> Result<(), Fault> {
    if !context.is_acting() {
        return Ok(());
    }
    for open in context.open_attempts()?.into_iter().filter(|open| open.key.starts_with(&format!("{key} "))) {
        let mark = open.begun["marker"].as_str().unwrap_or_default();
        let there = !mark.is_empty() && notes.iter().any(|note| mark_of(&note.content) == mark);
        let step = context.reopen(&open)?;
        if there {
            step.end(&Ended::Done(json!({ "by": "marker" })))?;
        } else {
            step.end(&Ended::NotDone(json!({ "by": "marker", "reason": "no note carries it" })))?;
        }
    }
    Ok(())
}

/// Writes how it ended; what may have happened stays open, and the next run of the same looks for it.
fn end(step: Step<'_>, broken: Broken) -> Fault {
    let reason = json!({ "fault": broken.fault.one_line() });
    let ended = match broken.left {
        Left::Nothing => step.end(&Ended::NotDone(reason)),
        Left::Something => step.end(&Ended::Failed(reason)),
        Left::Unknown => step.end(&Ended::Unknown(reason)),
    };
    match ended {
        Err(fault) => fault,
        Ok(()) if broken.left == Left::Unknown => {
            let mut open = broken.fault.wrap("it is not known whether the incident has the note");
            open.kind = Kind::Busy;
            open.hint("run the same again: it looks for its note, and makes no second one")
        }
        Ok(()) => broken.fault,
    }
}

/// Makes, changes or leaves a note; gives its id.
pub(super) async fn note(
    context: &Context,
    key: &str,
    incident: &str,
    wanted: &Planned,
) -> Result<Option<String>, Fault> {
    if wanted.verb == Verb::Leave {
        return Ok(wanted.id.clone());
    }
    context.progress().stage(&format!("writing note {}", wanted.number));
    let mark = mark_of(&wanted.content);
    let begun = json!({ "command": "pd-annotate", "incident": incident, "marker": mark, "note": wanted.id });
    let step = context.step(&format!("{key} #{}", wanted.number), Effect::Idempotent, &begun)?;
    let result = match (step.incidents(), &wanted.id) {
        (Err(fault), _) => Err(Broken::before(fault)),
        (Ok(port), Some(id)) => port.change_note(incident, id, &wanted.content).await.map(|()| id.clone()),
        (Ok(port), None) => port.add_note(incident, &wanted.content).await,
    };
    match result {
        Ok(id) => {
            step.end(&Ended::Done(json!({ "note": id })))?;
            Ok(Some(id))
        }
        Err(broken) => {
            // The answer may be lost and the note there.
            if broken.left != Left::Nothing
                && let Ok(now) = context.incidents()?.notes(incident).await
                && let Some(found) = now.iter().find(|note| note.content.trim() == wanted.content.trim())
            {
                step.end(&Ended::Done(json!({ "note": found.id, "by": "marker" })))?;
                return Ok(Some(found.id.clone()));
            }
            Err(end(step, broken))
        }
    }
}

/// Changes the incident.
pub(super) async fn change(context: &Context, key: &str, incident: &str, change: &IncidentChange) -> Result<(), Fault> {
    if *change == IncidentChange::default() {
        return Ok(());
    }
    context.progress().stage("changing the incident");
    let begun = json!({ "command": "pd-annotate", "incident": incident, "status": change.status,
        "priority": change.priority, "fields": change.fields.iter().map(|(name, _)| name).collect::<Vec<_>>() });
    let step = context.step(&format!("{key} incident"), Effect::Idempotent, &begun)?;
    let result = match step.incidents() {
        Ok(port) => port.change(incident, change).await,
        Err(fault) => Err(Broken::before(fault)),
    };
    match result {
        Ok(()) => step.end(&Ended::Done(json!({}))),
        Err(broken) => Err(end(step, broken)),
    }
}
