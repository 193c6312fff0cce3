//! What is asked of playbooks, and how an alert is answered with one.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};
use ira_commands::playbook;

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
