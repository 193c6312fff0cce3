//! Telling people: a page, a message, a ticket. Nothing of it changes a system.

mod page;
mod slack;
mod ticket;

pub use page::{Link, PageArgs, Severity, Verb};
pub use slack::SlackArgs;
pub use ticket::TicketArgs;

use serde_json::json;

use crate::context::{Context, Ended};
use crate::effect::Effect;
use crate::fault::{Fault, Kind};

/// Ends the attempts at `key` of which it is not known how they ended, so that the same may be said again: whoever is
/// told knows it by its key, and takes it once.
fn supersede(context: &Context, key: &str) -> Result<(), Fault> {
    for open in context.open_attempts()? {
        if open.key == key && open.effect == Effect::Idempotent {
            let reason = json!({ "reason": "how it ended is not known; the same is said again under its key" });
            context.reopen(&open)?.end(&Ended::Failed(reason))?;
        }
    }
    Ok(())
}

/// A text that must say something.
fn said<'a>(flag: &str, text: &'a str) -> Result<&'a str, Fault> {
    match text.trim() {
        "" => Err(Fault::new(Kind::Usage, format!("{flag} is empty"))),
        text => Ok(text),
    }
}
