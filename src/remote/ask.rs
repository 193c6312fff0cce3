//! What is asked in one request.

use ira_commands::Fault;

use super::wire::Ask;
use super::{Daemon, follow, show};
use crate::cli::{OutputFlags, PromoteArgs};
use crate::clients::service::Again;
use crate::runs::{FreezeArgs, RunVerb, ThawArgs};
use crate::session::{Session, patiently};

fn asked(daemon: &Daemon, ask: Ask, again: Again) -> Result<u8, Fault> {
    daemon.announce();
    Ok(show(&patiently(daemon.ask(ask, again))?))
}

/// `ira run …`, where a daemon is named.
pub fn run(session: &mut Session, verb: &RunVerb, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    let Some(daemon) = Daemon::of(session, output)? else { return Ok(None) };
    if let RunVerb::Tail { run } = verb {
        daemon.announce();
        return patiently(follow::runs(&daemon, &[*run], true)).map(Some);
    }
    let again = match verb {
        RunVerb::List { .. } | RunVerb::Show { .. } | RunVerb::ExportTest { .. } => Again::Freely,
        _ => Again::Refused,
    };
    let goes_on = match verb {
        RunVerb::Resume { run, .. } | RunVerb::Undo { run } => Some(*run),
        _ => None,
    };
    let code = asked(&daemon, Ask::Run(verb.clone()), again)?;
    match goes_on {
        Some(run) if code == 0 => patiently(follow::runs(&daemon, &[run], true)).map(Some),
        _ => Ok(Some(code)),
    }
}

/// `ira freeze`, where a daemon is named.
pub fn freeze(session: &mut Session, args: &FreezeArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    let Some(daemon) = Daemon::of(session, output)? else { return Ok(None) };
    // Frozen twice is frozen.
    asked(&daemon, Ask::Freeze(args.clone()), Again::Freely).map(Some)
}

/// `ira thaw`, where a daemon is named.
pub fn thaw(session: &mut Session, args: &ThawArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    let Some(daemon) = Daemon::of(session, output)? else { return Ok(None) };
    asked(&daemon, Ask::Thaw(args.clone()), Again::Refused).map(Some)
}

/// `ira playbook promote`, where a daemon is named.
pub fn promote(session: &mut Session, args: &PromoteArgs, output: &OutputFlags) -> Result<Option<u8>, Fault> {
    let Some(daemon) = Daemon::of(session, output)? else { return Ok(None) };
    asked(&daemon, Ask::Promote(args.clone()), Again::Refused).map(Some)
}
