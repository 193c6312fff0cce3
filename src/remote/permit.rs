//! Leave of the daemon for what is written by hand beside it.

use std::sync::Arc;

use ira_commands::Fault;
use ira_commands::actions::Plan;
use ira_commands::text::excerpt;

use super::Daemon;
use super::wire::{Ask, Permit, Permitted};
use crate::clients::service::Again;
use crate::config::Config;
use crate::session::{Session, patiently};

/// How long it may take, seconds; after that the daemon tells a person.
const LASTS: u64 = 3_600;

/// Leave that was given; how it ended is to be said.
pub struct Leave {
    daemon: Daemon,
    permit: u64,
}

/// Asks for leave to carry out a plan: its target is locked, and what it spends is counted. None where no daemon is named.
pub fn leave(session: &Session, config: &Arc<Config>, plan: &Plan) -> Result<Option<Leave>, Fault> {
    let Some(daemon) = Daemon::new(session, config)? else { return Ok(None) };
    let amounts = plan.spend.iter().flat_map(|spend| {
        [("link".to_owned(), spend.link.to_string()), ("native".to_owned(), spend.native_total().to_string())]
    });
    let mut keys = vec![plan.target.clone()];
    keys.extend(plan.target.split_whitespace().map(str::to_owned).filter(|word| *word != plan.target));
    keys.retain(|key| !key.is_empty());
    if keys.is_empty() {
        keys.push(plan.place.clone());
    }
    let ask = Permit {
        title: format!("{}: {}", plan.action, excerpt(&plan.what, 160)),
        keys,
        amounts: amounts.collect(),
        seconds: LASTS,
    };
    daemon.announce();
    let answer = patiently(daemon.ask(Ask::Permit(ask), Again::Refused))?;
    match answer.permit {
        Some(permit) => Ok(Some(Leave { daemon, permit })),
        None => Err(daemon.refused(&answer)),
    }
}

impl Leave {
    /// Says how it ended: `done` is none where that cannot be told. Gives a warning where the daemon could not be told.
    pub fn ended(self, done: Option<bool>, note: &str) -> Option<String> {
        let end = Permitted { permit: self.permit, done, note: excerpt(note, 300) };
        let told = patiently(self.daemon.ask(Ask::Permitted(end), Again::Freely));
        told.err().map(|fault| {
            format!(
                "the daemon was not told how it ended (`ira run close {}` says so): {}",
                self.permit,
                fault.one_line()
            )
        })
    }
}
