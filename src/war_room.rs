//! `ira war-room` by hand: reads what it is about, then calls people together. Telling somebody needs no agreement.

use std::path::Path;

use ira_commands::{Fault, Invocation, Kind, alert, pd_annotate, war_room};

use crate::cli::{Meant, OutputFlags};
use crate::session::Session;
use crate::terminal::{Env, write_stderr};
use crate::{apply, input};

/// Calls people together; gives the exit code.
pub fn call(
    session: &mut Session,
    mut args: war_room::Args,
    meant: &Meant,
    output: &OutputFlags,
    env: Env<'_>,
) -> Result<u8, Fault> {
    let dash = Path::new("-");
    // Without anything else it is asked for: a person pastes what PagerDuty shows.
    let asked = meant.stdin.is_none() && meant.alert.is_none() && args.pd_url.is_none();
    if asked {
        if !session.can_ask() {
            return Err(Fault::new(Kind::Usage, "it is not said what the war room is about")
                .hint("give the alert on stdin (ira war-room -), with --alert FILE, or --pd-url URL"));
        }
        write_stderr("Paste the alert or the incident's details, then Ctrl-D on a line of its own:\n");
    }
    let path = if asked || meant.stdin.is_some() { Some(dash) } else { meant.alert.as_deref() };
    if let Some(path) = path {
        let text = input::text(path, "the alert", input::ALERT)?;
        args.names = pd_annotate::names_in(&text);
        match alert::parse(&text) {
            Ok(alerts) => args.alerts = alerts,
            // An incident without details is named, and the incident itself says what it is about.
            Err(fault) if args.names.is_empty() && args.pd_url.is_none() => return Err(fault),
            Err(_) => {}
        }
    }
    let invocation = Invocation::WarRoom(args);
    apply::tell(session, &invocation, meant.dry_run, output, env)
}
