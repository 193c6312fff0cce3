//! How `ira` is asked: the commands of [`Invocation`], what keeps and inspects them, and the flags that say how the
//! result is shown and how the chain is reached.

mod define;
mod flags;
mod playbooks;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Parser, Subcommand, ValueEnum};
use ira_commands::actions::Action;
use ira_commands::{Invocation, pd_annotate, vrf_runbook, war_room};

use crate::config::Role;

pub use self::define::command;
pub use self::flags::{Agreement, Around, Meant, Noted, OutputFlags, Reach};
pub use self::playbooks::{BacktestArgs, PlanArgs, PlaybookVerb, PromoteArgs, RemediateArgs, Rung};
pub use crate::config::{ColorChoice as Color, Format};
pub use crate::daemon::DaemonArgs;
pub use crate::demo::DemoArgs;
pub use crate::doctor::DoctorArgs;
pub use crate::drill::DrillArgs;
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
    /// See an alert answered: a daemon, a service that is killed, one that cannot be mended, and the page; no set-up
    Demo(DemoArgs),
    /// Show or check the configuration
    #[command(subcommand, arg_required_else_help = false)]
    Config(ConfigVerb),
    /// List, check and try playbooks: what is to be done when an alert comes
    #[command(subcommand, arg_required_else_help = false)]
    Playbook(PlaybookVerb),
    /// Answer an alert with the playbook that is for it: plan, ask, do, verify, or hand it to a person
    Remediate(RemediateArgs),
    /// Take alerts in, and answer each with the playbook that is for it, or wake somebody
    Daemon(DaemonArgs),
    /// Break something that is marked for it, and see whether its playbook mends it: the times to detect, act, recover
    Drill(DrillArgs),
    /// Ask every configured system one harmless read, and say what does not answer, why, and what mends it (exit 69)
    Doctor(DoctorArgs),
    /// List, show and decide runs of playbooks
    #[command(subcommand, arg_required_else_help = false)]
    Run(RunVerb),
    /// Stop all writes, or those to a playbook or target; pages and notes go on
    Freeze(FreezeArgs),
    /// End what `ira freeze` began
    Thaw(ThawArgs),
    /// Explain a topic (output, exit-codes, config, networks, feeds, vrf, playbooks, runs, actions, daemon, sources, drills, people) or a command
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

/// What is asked of the configuration.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum ConfigVerb {
    /// Print every effective value with its origin; secrets stay hidden
    Show,
    /// Read every configuration file and report each mistake with its place (exit 78 where there is one)
    Check,
    /// Make a token for a user, and the line for its hash
    Token {
        /// The user's name
        #[arg(value_name = "NAME")]
        name: String,
        /// What the user may do
        #[arg(long, value_enum, default_value_t = Role::Viewer)]
        role: Role,
    },
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
    /// What an action of this name has to be allowed.
    Policy(String),
    /// A note, with where it is read.
    Annotate(Box<(pd_annotate::Args, Noted)>),
    /// A war room, with what it is about.
    Call(Box<(war_room::Args, Meant)>),
    /// Anything else.
    Control(Control),
}

/// Reads a command line. Help and version come as an error, as clap has it.
pub fn parse(args: &[OsString], width: Option<u16>) -> Result<Asked, clap::Error> {
    let width = width.map_or(HELP_WIDTH, |width| usize::from(width).min(HELP_WIDTH));
    let mut all = command().term_width(width);
    let matches = all.try_get_matches_from_mut(args)?;
    define::read(&matches).map_err(|error| error.format(&mut all))
}
