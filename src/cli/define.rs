//! The whole command line as clap sees it, and what a command line that it accepts asks for.

use clap::{Arg, ArgAction, ArgMatches, Args as _, Command, CommandFactory as _, FromArgMatches as _};
use ira_commands::Invocation;
use ira_commands::actions::Action;

use super::flags::{Beside, Patience, Told};
use super::{Agreement, Around, Asked, Cli, Meant, Noted, OutputFlags, Reach, Sub, What};
use crate::help;

/// The flag that asks what an action needs to be allowed; it stands alone.
const POLICY: &str = "policy";

/// The whole command line interface, as clap sees it.
pub fn command() -> Command {
    let mut all = Cli::command();
    for name in Invocation::NAMES {
        all = all.mut_subcommand(*name, |one| {
            // The flags' own doc comment would take the place of the command's.
            let about = one.get_about().cloned().unwrap_or_default();
            if *name == "pd-annotate" {
                return Noted::augment_args(one).about(about).long_about(None);
            }
            if *name == "war-room" {
                return Meant::augment_args(one).about(about).long_about(None);
            }
            let one = Reach::augment_args(Around::augment_args(one)).about(about.clone()).long_about(None);
            // Coordinators are listed in no directory, and nothing of a feed is known to a node alone.
            if *name == "feed-report" {
                return one;
            }
            let one = Beside::augment_args(one.mut_arg("directory", |arg| arg.hide(true)));
            // What is mended is mended once, and a recording of it could not be mended again.
            Agreement::augment_args(one)
                .about(about)
                .long_about(None)
                .mut_arg("apply", |arg| arg.conflicts_with_all(["watch", "record", "replay"]))
                .mut_arg("yes", |arg| arg.requires("apply"))
                .mut_arg("resume", |arg| {
                    arg.help(
                        "Settle first what was begun before and broke off: the same bytes are sent again, or nothing",
                    )
                    .conflicts_with_all(["watch", "record", "replay"])
                })
        });
    }
    all = all.mut_subcommand("act", |act| {
        Action::NAMES.iter().fold(act, |act, name| {
            act.mut_subcommand(*name, |one| {
                let about = one.get_about().cloned().unwrap_or_default();
                let one = Agreement::augment_args(one);
                let one = if is_of_no_chain(name) { one } else { Reach::augment_args(Patience::augment_args(one)) };
                let one = if takes_alert(name) { Told::augment_args(one) } else { one };
                let policy = "Print the least that it has to be allowed where it acts, and do nothing";
                let one =
                    one.arg(Arg::new(POLICY).long(POLICY).action(ArgAction::SetTrue).exclusive(true).help(policy));
                let one = one.about(about).long_about(None).mut_arg("resume", |arg| arg.conflicts_with("yes"));
                if is_of_no_chain(name) {
                    return one;
                }
                // An action reads no directory, and a recording of what was done cannot be done again.
                ["directory", "record", "replay"].iter().fold(one, |one, arg| one.mut_arg(*arg, |arg| arg.hide(true)))
            })
        })
    });
    help::with_examples(all)
}

/// Whether nothing about an action is reached through an endpoint.
fn is_of_no_chain(name: &str) -> bool {
    !["chain.", "node."].iter().any(|start| name.starts_with(start))
}

/// Whether an action can be given an alert.
fn takes_alert(name: &str) -> bool {
    name.starts_with("script.") || name == "alert.still_firing"
}

/// What a command line that clap accepted asks for.
pub(super) fn read(matches: &ArgMatches) -> Result<Asked, clap::Error> {
    if let Some(("act", act)) = matches.subcommand()
        && let Some((name, own)) = act.subcommand()
        && own.get_flag(POLICY)
    {
        let output = OutputFlags::from_arg_matches(matches)?;
        return Ok(Asked { output, what: What::Policy(name.to_owned()) });
    }
    let Cli { output, command } = Cli::from_arg_matches(matches)?;
    let what = match command {
        Sub::Control(control) => What::Control(control),
        Sub::Step(Invocation::Act(action)) => {
            let own = matches.subcommand().and_then(|(_, act)| act.subcommand());
            let none = (Reach::default(), Agreement::default(), Patience::default(), Told::default());
            let (reach, agreement, patience, told) = match own {
                Some((_, own)) => {
                    let of_none = is_of_no_chain(action.name());
                    let reach = (!of_none).then(|| Reach::from_arg_matches(own)).transpose()?;
                    let patience = (!of_none).then(|| Patience::from_arg_matches(own)).transpose()?;
                    let told = takes_alert(action.name()).then(|| Told::from_arg_matches(own)).transpose()?;
                    (
                        reach.unwrap_or_default(),
                        Agreement::from_arg_matches(own)?,
                        patience.unwrap_or_default(),
                        told.unwrap_or_default(),
                    )
                }
                None => none,
            };
            let reach = Reach { nodes: action.node().map(|name| vec![name.to_owned()]), ..reach };
            What::Act(Box::new((action, reach, agreement, patience.wait, told.alert)))
        }
        Sub::Step(Invocation::PdAnnotate(args)) => {
            let noted = match matches.subcommand() {
                Some((_, own)) => Noted::from_arg_matches(own)?,
                None => Noted::default(),
            };
            What::Annotate(Box::new((args, noted)))
        }
        Sub::Step(Invocation::WarRoom(args)) => {
            let meant = match matches.subcommand() {
                Some((_, own)) => Meant::from_arg_matches(own)?,
                None => Meant::default(),
            };
            What::Call(Box::new((args, meant)))
        }
        Sub::Step(invocation) => {
            let (mut reach, around) = match matches.subcommand() {
                Some((_, own)) => (Reach::from_arg_matches(own)?, Around::from_arg_matches(own)?),
                None => Default::default(),
            };
            if let (Invocation::VrfRunbook(args), Some((_, own))) = (&invocation, matches.subcommand()) {
                reach.nodes = Some(Beside::from_arg_matches(own)?.nodes);
                let agreement = Agreement::from_arg_matches(own)?;
                if args.apply || agreement.resume {
                    return Ok(Asked { output, what: What::Mend(Box::new((args.clone(), reach, around, agreement))) });
                }
            }
            What::Step(Box::new((invocation, reach, around)))
        }
    };
    Ok(Asked { output, what })
}
