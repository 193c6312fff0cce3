//! `ira remediate` with a daemon: it plans, the person says yes, it acts.

use ira_commands::{Fault, Kind};

use super::wire::{Ask, Remedy};
use super::{Daemon, follow, show};
use crate::cli::{OutputFlags, RemediateArgs};
use crate::clients::service::Again;
use crate::input;
use crate::session::{Session, patiently};
use crate::terminal::write_stderr;

/// Runs a playbook of the daemon for each firing alert; gives the exit code, or none where no daemon is named.
pub fn remediate(session: &mut Session, args: &RemediateArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    let Some(daemon) = Daemon::of(session, output)? else { return Ok(None) };
    daemon.announce();
    let alert = input::text(&args.alert, "the alert", input::ALERT)?;
    let ask = |agreed| Ask::Remediate(Box::new(Remedy { args: args.clone(), alert: alert.clone(), agreed }));
    // What stops it without anybody at a terminal is written down by the daemon, too.
    let plan = patiently(daemon.ask(ask(None), Again::Freely))?;
    if plan.plans.is_empty() || args.dry_run {
        return Ok(Some(show(&plan)));
    }
    if plan.plans.iter().any(|plan| !plan.is_empty()) && !args.yes {
        if !session.can_ask() {
            return Ok(Some(show(&plan)));
        }
        write_stderr(&plan.aside);
        write_stderr(&plan.out);
        if !crate::apply::asked()? {
            return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
        }
    } else if !daemon.is_json() {
        write_stderr(&plan.out);
    }
    let begun = patiently(daemon.ask(ask(Some(plan.plans)), Again::Refused))?;
    if begun.runs.is_empty() {
        return Ok(Some(show(&begun)));
    }
    patiently(follow::runs(&daemon, &begun.runs, false)).map(Some)
}
