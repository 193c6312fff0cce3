//! `ira drill`: something that is marked for it is broken, and the whole path has to mend it: the alert, the playbook, its
//! acts, and that it is seen to be well. What was broken is taken back whatever comes of it.

mod child;
mod course;
mod faults;
mod injector;
mod mark;
mod refuse;
mod schedule;
mod send;
mod shown;
mod watch;

use std::sync::Arc;

use clap::Args;
use ira_commands::text::{clean, nearest};
use ira_commands::{Fault, Kind, Report};

pub use injector::entry;
pub use mark::{DrillSays, LABEL, Order, is_key, order};
pub use schedule::{ROUND, run as scheduled};
pub use shown::{Last, last};

use crate::cli::{Format, OutputFlags};
use crate::config::Config;
use crate::session::{Session, patiently};
use crate::store::Store;
use crate::terminal::{Env, write_stderr};
use crate::{connect, playbooks, remediate, runs, store};
use course::Drill;

/// What is drilled.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct DrillArgs {
    /// The drill or its playbook; `list` shows all of them, `undo` takes back what a dead one left
    #[arg(value_name = "PLAYBOOK|NAME|list|undo")]
    pub what: String,
    /// Show what would be broken and how it is taken back, and break nothing
    #[arg(long, visible_alias = "plan")]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Wait for the alert that the real monitoring sends: who is on call is paged as ever
    #[arg(long)]
    pub wait_for_alert: bool,
}

/// Does it; gives the exit code.
pub fn drill(session: &mut Session, args: &DrillArgs, output: &OutputFlags, env: Env<'_>) -> Result<u8, Fault> {
    let config = connect::effective(output)?;
    session.configure(config.output);
    course::here(&config)?;
    let actor = remediate::actor(env);
    match args.what.as_str() {
        "list" => {
            let report = patiently(async {
                let store = store::existing(&remediate::uri(&config)?)?;
                shown::list(&config, store.as_deref()).await
            })?;
            Ok(session.show(report, 0))
        }
        "undo" => undo(session, &config),
        _ => one(session, args, &config, output, &actor),
    }
}

/// Takes back what a drill left whose processes are dead.
fn undo(session: &mut Session, config: &Arc<Config>) -> Result<u8, Fault> {
    let (taken, ()) = patiently(async {
        let taken = injector::take_back(config).await?;
        let store = store::open(&remediate::uri(config)?)?;
        Ok((taken, course::orphans(store.as_ref()).await?))
    })?;
    let mut lines = Vec::new();
    for one in taken {
        lines.push(one?);
    }
    let under_way = injector::under_way()?;
    if !under_way.is_empty() {
        let goes_on = Fault::new(Kind::Busy, format!("a drill goes on: {}", clean(&under_way.join(", "))))
            .because("its own process lives, and takes back what it broke when its time is over")
            .hint("Ctrl-C where it was started ends it sooner; then run this again");
        return Err(lines.into_iter().fold(goes_on, Fault::because));
    }
    let said = if lines.is_empty() { "Nothing is left of any drill.".to_owned() } else { lines.join("\n") };
    Ok(session.show(runs::line(said), 0))
}

fn one(
    session: &mut Session,
    args: &DrillArgs,
    config: &Arc<Config>,
    output: &OutputFlags,
    actor: &str,
) -> Result<u8, Fault> {
    let name = named(config, &args.what)?;
    let drill = read(&name, config, output, args.wait_for_alert, actor)?;
    let would = patiently(async {
        // What an earlier one left is taken back before anything else is broken.
        for taken in injector::take_back(config).await? {
            taken?;
        }
        course::orphans(drill.store.as_ref()).await?;
        drill.look().await
    })?;
    let mut plan = shown::plan(&drill, &would);
    if args.dry_run {
        return Ok(session.show(plan, 0));
    }
    if !args.yes {
        if !session.can_ask() {
            let line = format!("ira drill {} --yes", ira_commands::shell::word(&args.what));
            let why = "nothing was done: it has to be confirmed, and there is no terminal to ask at";
            let fault = Fault::new(Kind::Confirmation, why).hint(line.clone());
            (plan.next, plan.errors) = (vec![line], vec![fault]);
            return Ok(session.show(plan, Kind::Confirmation.exit_code()));
        }
        session.tell(&plan);
        if !crate::apply::asked()? {
            return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
        }
    }
    let aloud = session.format() != Format::Json;
    let say = |line: &str| {
        if aloud {
            write_stderr(&format!("  {}\n", clean(line)));
        }
    };
    let outcome = patiently(Box::pin(drill.perform(&say)))?;
    let report: Report = shown::outcome(&drill, &outcome);
    let code = match report.errors.first() {
        Some(fault) => fault.kind.exit_code(),
        None => report.outcome.exit_code(),
    };
    Ok(session.show(report, code))
}

/// The drill of a name, or the only one of a playbook.
fn named(config: &Config, what: &str) -> Result<String, Fault> {
    let drills = &config.engine.drills;
    if drills.contains_key(what) {
        return Ok(what.to_owned());
    }
    let of: Vec<&String> = drills.iter().filter(|(_, one)| one.playbook == what).map(|(name, _)| name).collect();
    match of.as_slice() {
        [one] => Ok((*one).clone()),
        [] => {
            let fault = Fault::new(Kind::Usage, format!("no target is marked for a drill of `{}`", clean(what)));
            Err(match nearest(what, drills.keys().map(String::as_str)) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint("[drill.NAME] in the configuration marks one: ira help drills"),
            })
        }
        several => {
            let names: Vec<&str> = several.iter().map(|name| name.as_str()).collect();
            Err(Fault::new(Kind::Usage, format!("`{}` has several drills", clean(what)))
                .hint(format!("name one of them: {}", names.join(", "))))
        }
    }
}

/// All that a drill needs.
fn read(name: &str, config: &Arc<Config>, output: &OutputFlags, real: bool, actor: &str) -> Result<Drill, Fault> {
    let own = config.engine.drills.get(name).cloned();
    let own = own.ok_or_else(|| Fault::new(Kind::Usage, format!("there is no [drill.{}]", clean(name))))?;
    let sources = playbooks::all(output)?;
    let source = playbooks::named(&sources, &own.playbook)?;
    let playbook = source.read.as_deref().map_err(|_| {
        Fault::new(Kind::Config, format!("the playbook `{}` cannot be loaded", own.playbook)).hint("ira playbook check")
    })?;
    let playbook = playbook.clone();
    let (_, key) = refuse::meant(config, name, &own, &playbook)?;
    // What is wrong with them is said before anything is broken.
    let params: Vec<String> = own.params.iter().map(|(name, value)| format!("{name}={value}")).collect();
    remediate::params(&playbook, &params)?;
    let store: Arc<dyn Store> = store::open(&remediate::uri(config)?)?;
    Ok(Drill {
        name: name.to_owned(),
        own,
        playbook,
        key,
        config: Arc::clone(config),
        file: output.config.clone(),
        store,
        actor: actor.to_owned(),
        real,
    })
}
