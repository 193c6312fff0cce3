//! What is asked of playbooks, and how an alert is answered with one.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use ira_commands::playbook;
use ira_commands::words::Span;
use serde::{Deserialize, Serialize};

/// Which alert is answered, and how.
#[derive(Clone, Debug, Default, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RemediateArgs {
    /// The playbook [default: the one that is for the alert]
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: Option<String>,
    /// The alert: Alertmanager or PagerDuty JSON, or pasted `- name = value` lines; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: PathBuf,
    /// Who sent it
    #[arg(long, value_name = "NAME", default_value = Self::SOURCE, value_parser = sources())]
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

impl RemediateArgs {
    /// Who sends alerts where nobody is named.
    pub const SOURCE: &'static str = "alertmanager";
}

/// How far a playbook goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
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
    /// Say what a playbook would do for an alert: what it reads, what it would change, and what forbids it. Writes nothing
    Plan(PlanArgs),
    /// Say what a playbook would have decided for alerts that were recorded
    Backtest(BacktestArgs),
    /// Show the record of a playbook, or let it go further by itself
    Promote(PromoteArgs),
    /// Print the JSON Schema of playbooks, for editors
    Schema,
    /// Print a playbook to start from
    New {
        /// What it is to be called
        #[arg(value_name = "NAME")]
        name: Option<String>,
    },
}

/// For which alert a playbook is planned.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct PlanArgs {
    /// The playbook: its name, or a file
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: String,
    /// The alert: Alertmanager or PagerDuty JSON, or pasted `- name = value` lines; `-` is stdin
    #[arg(long, value_name = "FILE|-", value_hint = ValueHint::FilePath)]
    pub alert: PathBuf,
    /// Who sent it
    #[arg(long, value_name = "NAME", default_value = "alertmanager", value_parser = sources())]
    pub source: String,
    /// A parameter of the playbook; may be given several times
    #[arg(long = "param", value_name = "NAME=VALUE")]
    pub params: Vec<String>,
    /// Read nothing: what queries and steps say is given with --value
    #[arg(long)]
    pub offline: bool,
    /// What a query (`q.NAME`) or a step (its id) says, as JSON or text; may be given several times
    #[arg(long = "value", value_name = "NAME=VALUE", requires = "offline")]
    pub values: Vec<String>,
}

/// Over which alerts a playbook is tried.
#[derive(Clone, Debug, PartialEq, Eq, Args)]
pub struct BacktestArgs {
    /// The playbook: its name, or a file
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: String,
    /// Recorded alerts: a file, or a folder of them; may be given several times [default: those that the store has]
    #[arg(long, value_name = "FILE|DIR", value_hint = ValueHint::AnyPath)]
    pub from: Vec<PathBuf>,
    /// Who sent those in files
    #[arg(long, value_name = "NAME", default_value = "alertmanager", value_parser = sources())]
    pub source: String,
    /// Only those of this time before the last one: 30d
    #[arg(long, value_name = "TIME")]
    pub since: Option<Span>,
}

/// How far a playbook is to go.
#[derive(Clone, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PromoteArgs {
    /// The playbook's name
    #[arg(value_name = "PLAYBOOK")]
    pub playbook: String,
    /// The rung that it is to be let onto [default: show its record]
    #[arg(long, value_enum, value_name = "RUNG")]
    pub to: Option<Rung>,
    /// Why, although its record does not show it; it is written down
    #[arg(long, value_name = "TEXT", requires = "to")]
    pub reason: Option<String>,
}

/// The senders that an alert may be of.
fn sources() -> clap::builder::PossibleValuesParser {
    clap::builder::PossibleValuesParser::new(playbook::SOURCES.iter().filter(|source| **source != "any"))
}
