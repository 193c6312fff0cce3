//! The flags beside a command's own arguments: how the result is shown, how the chain is reached, how it is agreed to.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::{Args, ValueHint};
use secrecy::SecretString;

use super::{Color, Format};

/// How the result is shown; every command takes these.
#[expect(clippy::struct_excessive_bools, reason = "each is a flag that stands for itself")]
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
    /// Whether that file is the only one: neither the system's nor a project's is read. Not to be typed; a demonstration
    /// has nothing to do with what is installed here.
    #[arg(skip)]
    pub alone: bool,
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
pub(super) struct Beside {
    /// A Chainlink node of the configuration to ask, and no other; may be given several times [default: all of the network]
    #[arg(long = "node", value_name = "NAME", conflicts_with = "replay")]
    pub(super) nodes: Vec<String>,
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
pub(super) struct Told {
    /// Give it the facts of an alert, as data: Alertmanager or PagerDuty JSON; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub(super) alert: Option<PathBuf>,
}

/// How long an action by hand waits.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
pub(super) struct Patience {
    /// Seconds to wait for a transaction to be mined
    #[arg(long, value_name = "SECONDS", default_value_t = 600, value_parser = clap::value_parser!(u64).range(1..=86_400))]
    pub(super) wait: u64,
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

/// What a war room is about: read before the command exists.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args)]
#[command(next_help_heading = "What it is about")]
pub struct Meant {
    /// `-`: what stdin says, an alert as JSON or the lines `- alertname = …` of an incident
    #[arg(value_name = "-", value_parser = ["-"], allow_hyphen_values = true, conflicts_with = "alert")]
    pub stdin: Option<String>,
    /// The alert: what its sender wrote, or the lines of an incident; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: Option<PathBuf>,
    /// Print the message, and post nothing
    #[arg(long, help_heading = "How it is agreed to")]
    pub dry_run: bool,
}

#[expect(clippy::unnecessary_wraps, reason = "clap's signature of a value parser")]
fn secret(text: &str) -> Result<SecretString, std::convert::Infallible> {
    Ok(SecretString::from(text))
}
