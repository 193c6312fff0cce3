//! How `ira` is asked: the commands of [`Invocation`], what keeps and inspects them, and the flags that say how the
//! result is shown and how the chain is reached.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{
    ArgMatches, Args, Command, CommandFactory as _, FromArgMatches as _, Parser, Subcommand, ValueEnum, ValueHint,
};
use ira_commands::actions::Action;
use ira_commands::{Invocation, pd_annotate, playbook, vrf_runbook};
use secrecy::SecretString;

pub use crate::config::{ColorChoice as Color, Format};
use crate::help;
use crate::runs::{FreezeArgs, RunVerb, ThawArgs};

/// Lines of help are at most this wide, whatever the terminal's width.
const HELP_WIDTH: usize = 100;

/// Triage for people on call: ask what is wrong, who must act and what to do next
#[derive(Debug, Parser)]
#[command(name = "ira", version, disable_help_subcommand = true, arg_required_else_help = false, max_term_width = HELP_WIDTH)]
struct Cli {
    #[command(flatten)]
    output: OutputFlags,
    #[command(subcommand)]
    command: Sub,
}

/// The two closed lists side by side; nothing is in both.
#[derive(Debug, Subcommand)]
enum Sub {
    #[command(flatten)]
    Step(Invocation),
    #[command(flatten)]
    Control(Control),
}

/// What runs, keeps and inspects commands: never a step of anything.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Control {
    /// Replay a recorded chain with three real faults in it, and report them: no network, no set-up
    Demo,
    /// Show or check the configuration
    #[command(subcommand, arg_required_else_help = false)]
    Config(ConfigVerb),
    /// List, check and try playbooks: what is to be done when an alert comes
    #[command(subcommand, arg_required_else_help = false)]
    Playbook(PlaybookVerb),
    /// Answer an alert with the playbook that is for it: plan, ask, do, verify, or hand it to a person
    Remediate(RemediateArgs),
    /// List, show and decide runs of playbooks
    #[command(subcommand, arg_required_else_help = false)]
    Run(RunVerb),
    /// Stop all writes, or those to a playbook or target; pages and notes go on
    Freeze(FreezeArgs),
    /// End what `ira freeze` began
    Thaw(ThawArgs),
    /// Explain a topic (output, exit-codes, config, networks, feeds, vrf, playbooks, actions, people) or a command
    Help {
        /// A topic, or a command
        #[arg(value_name = "TOPIC")]
        topic: Vec<String>,
    },
    /// Print what makes your shell complete commands, flags and feed names
    Completions {
        /// The shell
        shell: Shell,
    },
}

/// Which alert is answered, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct RemediateArgs {
    /// The playbook [default: the one that is for the alert]
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: Option<String>,
    /// The alert: Alertmanager or PagerDuty JSON, or pasted `- name = value` lines; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: PathBuf,
    /// Who sent it
    #[arg(long, value_name = "NAME", default_value = "alertmanager", value_parser = sources())]
    pub source: String,
    /// A parameter of the playbook; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Go no further than this rung; `suggest` shows the plan
    #[arg(long, value_enum, value_name = "RUNG")]
    pub mode: Option<Rung>,
    /// A guard whose denial is overridden; needs --reason
    #[arg(long = "override", value_name = "GUARD", requires = "reason")]
    pub overrides: Vec<String>,
    /// Why a guard is overridden; it is recorded
    #[arg(long, value_name = "TEXT")]
    pub reason: Option<String>,
    /// Show what it would do, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
}

/// How far a playbook goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Rung {
    /// Decide and record
    Observe,
    /// Show the plan
    Suggest,
    /// Do it after a yes
    Approve,
    /// Do it
    Auto,
}

impl From<Rung> for playbook::Mode {
    fn from(rung: Rung) -> Self {
        match rung {
            Rung::Observe => Self::Observe,
            Rung::Suggest => Self::Suggest,
            Rung::Approve => Self::Approve,
            Rung::Auto => Self::Auto,
        }
    }
}

/// What is asked of the configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigVerb {
    /// Print every effective value with its origin; secrets stay hidden
    Show,
    /// Read every configuration file and report each mistake with its place (exit 78 where there is one)
    Check,
}

/// What is asked of playbooks.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum PlaybookVerb {
    /// List the playbooks that are loaded, with where each comes from
    List,
    /// Report each mistake of a playbook with its place, its own tests included (exit 78 where there is one)
    Check {
        /// The files [default: every playbook that would be loaded]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Run the tests in playbooks: nothing is read or written but their files
    Test {
        /// The files [default: every playbook that would be loaded]
        #[arg(value_name = "FILE", value_hint = ValueHint::FilePath)]
        files: Vec<PathBuf>,
    },
    /// Say which playbook an alert is for, and at which stage each other one is not
    Explain {
        /// The alert: Alertmanager or PagerDuty JSON, or pasted `- name = value` lines; `-` is stdin
        #[arg(value_name = "FILE|-", value_hint = ValueHint::FilePath)]
        alert: PathBuf,
        /// Who sent it
        #[arg(long, value_name = "NAME", default_value = "alertmanager", value_parser = sources())]
        source: String,
    },
    /// Print the JSON Schema of playbooks, for editors
    Schema,
    /// Print a playbook to start from
    New {
        /// What it is to be called
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// The senders that an alert may be of.
fn sources() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(playbook::SOURCES.iter().filter(|source| **source != "any"))
}

/// The shells that completions exist for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Shell {
    /// GNU bash.
    Bash,
    /// Z shell.
    Zsh,
    /// Friendly interactive shell.
    Fish,
    /// Elvish.
    Elvish,
    /// Microsoft's shell.
    Powershell,
}

/// How the result is shown; every command takes these.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "Output")]
pub struct OutputFlags {
    /// Print one JSON document, errors included (`ira help output`)
    #[arg(long, global = true, conflicts_with = "format")]
    pub json: bool,
    /// The form of the result [default: table]
    #[arg(long, global = true, value_enum, value_name = "FORMAT")]
    pub format: Option<Format>,
    /// When to colour [default: auto]
    #[arg(long, global = true, value_enum, value_name = "WHEN")]
    pub color: Option<Color>,
    /// Addresses and hashes in full, rows as long as they are
    #[arg(long, global = true)]
    pub wide: bool,
    /// Show what is healthy too
    #[arg(short, long, global = true)]
    pub verbose: bool,
    /// Read this configuration file in place of the user's
    #[arg(long, global = true, value_name = "FILE", help_heading = "Configuration")]
    pub config: Option<PathBuf>,
}

impl OutputFlags {
    /// The form asked for on the command line; `None` leaves it to the configuration.
    pub fn format(&self) -> Option<Format> {
        if self.json { Some(Format::Json) } else { self.format }
    }
}

/// How the chain and the directory are reached: never part of the command's own arguments, never kept.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How the chain is reached")]
pub struct Reach {
    /// An RPC endpoint; give it several times to have more than one to turn to
    ///
    /// Everyone on this machine can read a URL given here in the list of processes. One that holds a key belongs in an
    /// environment variable (`env:NAME`) or a file (`file:PATH`).
    #[arg(long, value_name = "URL|env:NAME|file:PATH", value_parser = secret)]
    pub rpc_url: Vec<SecretString>,
    /// How many endpoints must give the same answer; a difference is a finding, not an average
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..))]
    pub quorum: Option<u16>,
    /// Seconds to wait for one answer
    #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=600))]
    pub timeout: Option<u64>,
    /// The directory of published feeds: a file, or a URL
    #[arg(long, value_name = "FILE|URL", value_hint = ValueHint::FilePath)]
    pub directory: Option<String>,
    /// Write every answer of this run to FILE, to be replayed; it holds no URL and no key
    #[arg(long, value_name = "FILE", conflicts_with = "replay")]
    pub record: Option<PathBuf>,
    /// Answer from a recording instead of a network
    #[arg(long, value_name = "FILE", conflicts_with_all = ["rpc_url", "quorum", "timeout"])]
    pub replay: Option<PathBuf>,
    /// The Chainlink nodes to ask, by name, or all of the network where none is named; `None` where none is asked
    #[arg(skip)]
    pub nodes: Option<Vec<String>>,
}

/// Which Chainlink nodes are asked beside the chain: for the commands that ask any.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "How the chain is reached")]
struct Beside {
    /// A Chainlink node of the configuration to ask, and no other; may be given several times [default: all of the network]
    #[arg(long = "node", value_name = "NAME", conflicts_with = "replay")]
    nodes: Vec<String>,
}

/// What is asked around a command that reads a chain.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub struct Around {
    /// Take network and contract from an alert: Alertmanager or PagerDuty JSON, or pasted `- name = value` lines; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: Option<PathBuf>,
    /// Report again every 15 seconds, or every SECONDS, in place
    #[arg(
        long,
        value_name = "SECONDS",
        help_heading = "Output",
        num_args = 0..=1,
        require_equals = true,
        default_missing_value = "15",
        value_parser = clap::value_parser!(u64).range(1..=3600),
        conflicts_with_all = ["json", "format", "record", "replay"],
    )]
    pub watch: Option<u64>,
}

/// How an action is agreed to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "How it is agreed to")]
pub struct Agreement {
    /// Show what it would do, and do nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Do it without asking; needs a cap for each currency that it spends
    #[arg(long, conflicts_with = "dry_run")]
    pub yes: bool,
    /// Only settle what was begun before and broke off: the same bytes are sent again, or nothing
    #[arg(long, conflicts_with = "dry_run")]
    pub resume: bool,
}

/// What an action is told.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
struct Told {
    /// Give it the facts of an alert, as data: Alertmanager or PagerDuty JSON; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    alert: Option<PathBuf>,
}

/// How long an action by hand waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
struct Patience {
    /// Seconds to wait for a transaction to be mined
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    wait: u64,
}

/// What is noted, and how its incident is found: read before the command exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "What is noted")]
pub struct Noted {
    /// `-`: what stdin says, in markdown
    #[arg(value_name = "-", value_parser = ["-"], allow_hyphen_values = true, conflicts_with_all = ["file", "from"])]
    pub stdin: Option<String>,
    /// What this file says, in markdown; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath, conflicts_with = "from")]
    pub file: Option<PathBuf>,
    /// What this command of ira reports; all that follows is its own: --from feed-report eth-usd
    #[arg(long, value_name = "COMMAND", num_args = 1.., allow_hyphen_values = true)]
    pub from: Vec<OsString>,
    /// Find the incident of this alert: an Alertmanager webhook body, or what PagerDuty sent; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: Option<PathBuf>,
    /// Show what it would write, and write nothing
    #[arg(long, help_heading = "How it is agreed to")]
    pub dry_run: bool,
}

/// A whole command line.
#[derive(Clone, Debug)]
pub struct Asked {
    /// How to show what comes of it.
    pub output: OutputFlags,
    /// What was asked.
    pub what: What,
}

/// What was asked.
#[derive(Clone, Debug)]
pub enum What {
    /// A command that may be a step, with what only a command line says about it.
    Step(Box<(Invocation, Reach, Around)>),
    /// A runbook that mends, or settles what was begun before.
    Mend(Box<(vrf_runbook::Args, Reach, Around, Agreement)>),
    /// An action, with how it is agreed to, how long it waits, seconds, and the alert whose facts it is given.
    Act(Box<(Action, Reach, Agreement, u64, Option<PathBuf>)>),
    /// A note, with where it is read.
    Annotate(Box<(pd_annotate::Args, Noted)>),
    /// Anything else.
    Control(Control),
}

#[expect(clippy::unnecessary_wraps, reason = "clap's signature of a value parser")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}

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

/// Reads a command line. Help and version come as an error, as clap has it.
pub fn parse(args: &[OsString], width: Option<u16>) -> Result<Asked, clap::Error> {
    let width = width.map_or(HELP_WIDTH, |width| usize::from(width).min(HELP_WIDTH));
    let mut all = command().term_width(width);
    let matches = all.try_get_matches_from_mut(args)?;
    read(&matches).map_err(|error| error.format(&mut all))
}

fn read(matches: &ArgMatches) -> Result<Asked, clap::Error> {
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

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn ask(line: &str) -> Result<Asked, clap::Error> {
        let args: Vec<OsString> = std::iter::once("ira").chain(line.split(' ')).map(OsString::from).collect();
        parse(&args, None)
    }

    #[test]
    fn the_definition_holds() {
        command().debug_assert();
    }

    #[test]
    fn how_it_is_reached_stands_beside_the_arguments_and_not_in_them() {
        let asked = ask("feed-report eth-usd --rpc-url env:A --rpc-url env:B --watch --json").err();
        assert!(asked.is_some(), "--watch is for a table");
        let asked =
            ask("feed-report eth-usd --rpc-url env:A --rpc-url env:B --watch -v --wide").expect("a command line");
        assert!(asked.output.verbose && asked.output.wide);
        let What::Step(step) = asked.what else { panic!("a step") };
        let (Invocation::FeedReport(args), reach, around) = *step else { panic!("a feed report") };
        assert_eq!(args.feeds, ["eth-usd"]);
        assert_eq!(reach.rpc_url.iter().map(ExposeSecret::expose_secret).collect::<Vec<_>>(), ["env:A", "env:B"]);
        assert_eq!(around.watch, Some(15));
        let kept = serde_json::to_string(&args).expect("serialises");
        assert!(!kept.contains("env:"), "{kept}");
    }

    #[test]
    fn an_endpoint_is_not_in_what_a_debug_print_shows() {
        let asked = ask("feed-report eth-usd --rpc-url https://rpc.example/KEY").expect("a command line");
        assert!(!format!("{asked:?}").contains("KEY"));
    }

    #[test]
    fn what_makes_no_sense_together_is_refused() {
        for line in [
            "feed-report a --record f --replay g",
            "feed-report a --json --format markdown",
            "feed-report a --replay f --rpc-url env:A",
            "feed-report a --watch=0",
            "demo --rpc-url env:A",
        ] {
            assert!(ask(line).is_err(), "{line}");
        }
    }

    #[test]
    fn output_flags_stand_before_or_after_the_command() {
        for line in ["--format json demo", "demo --json", "demo --format=json"] {
            assert_eq!(ask(line).expect(line).output.format(), Some(Format::Json), "{line}");
        }
    }
}
