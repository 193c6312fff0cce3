//! `ira run …`, `ira freeze`, `ira thaw`: what the store knows of runs, and what a person says to them.

mod list;
mod said;
mod show;
mod tail;
pub mod times;
pub mod words;

use std::time::Duration;

use clap::{Args, Subcommand, ValueEnum};
use ira_commands::words::Span;
use ira_commands::{Fault, Kind, Report};
use serde::{Deserialize, Serialize};

use crate::store::model::{AttemptId, RunId};
use crate::store::{RunState, Store};

/// What is asked of the runs.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunVerb {
    /// List runs, newest first; those that somebody has to look at before the others
    List {
        /// Only those that have not ended
        #[arg(long)]
        active: bool,
        /// Only those that nothing will move by itself: a person has to
        #[arg(long, conflicts_with = "active")]
        orphans: bool,
        /// At most so many
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..))]
        max: u16,
    },
    /// Show a run: where it stands, every attempt, and what comes next
    Show {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
        /// Every event too, each linked to the one before
        #[arg(long)]
        events: bool,
    },
    /// Show what happens in a run while it happens, and end with it
    Tail {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Print a run as a test of its playbook: the alert, what was read, what each step came to, and how it ended
    ExportTest {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Go on with a run that broke off, was escalated, or waits for a person: what was begun is looked at first
    Resume {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
        /// Go on from this step, whatever was left out before it
        #[arg(long, value_name = "STEP")]
        from: Option<String>,
    },
    /// Take back what a run did and can be taken back, newest first
    Undo {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Cancel a run: before its first write nothing is done, after it the step under way ends and what can be is taken back
    Cancel {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
    },
    /// Say what became of an attempt that nobody knows of; the run goes on from there
    Decide {
        /// The attempt's number, as `ira run show` has it
        #[arg(value_name = "ATTEMPT")]
        attempt: u64,
        /// What became of it
        #[arg(long, value_enum)]
        say: Say,
    },
    /// Say how a run ended, whatever it is at: its locks are released
    Close {
        /// Its number
        #[arg(value_name = "RUN")]
        run: u64,
        /// How it ended
        #[arg(long = "as", value_enum)]
        ended: Ended,
        /// Why it is closed by hand
        #[arg(long, value_name = "TEXT")]
        reason: String,
    },
    /// Say yes to the plan of a run that waits for it
    Approve(Answer),
    /// Say no to the plan of a run that waits for it
    Deny(Answer),
}

/// A person's answer to a plan.
#[derive(Clone, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Answer {
    /// The run's number
    #[arg(value_name = "RUN")]
    pub run: u64,
    /// The plan that is meant, by the beginning of its hash; needed where nobody is asked at a terminal
    #[arg(long, value_name = "HASH")]
    pub plan: Option<String>,
}

/// What became of an attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Say {
    /// It happened: it is not done again
    ItRan,
    /// It did not happen: it may be tried again
    ItDidNot,
    /// Whatever it did, the run is over
    Abort,
}

/// How a run is closed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Ended {
    /// What it was for is done
    Succeeded,
    /// It did not help
    Failed,
    /// It is not wanted any more
    Cancelled,
}

impl Ended {
    fn state(self) -> RunState {
        match self {
            Self::Succeeded => RunState::Succeeded,
            Self::Failed => RunState::Failed,
            Self::Cancelled => RunState::Cancelled,
        }
    }
}

/// What is stopped.
#[derive(Clone, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FreezeArgs {
    /// What for: a playbook, a target; everything where none is given
    #[arg(value_name = "SCOPE", default_value = "*")]
    pub scope: String,
    /// Why; those who are denied by it read this
    #[arg(long, value_name = "TEXT")]
    pub reason: String,
    /// For how long; until `ira thaw` where none is given
    #[arg(long = "for", value_name = "TIME")]
    pub lasts: Option<Span>,
}

/// What goes on again.
#[derive(Clone, Debug, PartialEq, Eq, Args, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ThawArgs {
    /// What was frozen
    #[arg(value_name = "SCOPE", default_value = "*")]
    pub scope: String,
}

/// A report of one line.
pub fn line(headline: String) -> Report {
    said::said(headline, None, serde_json::Value::Null)
}

/// Gives each event of a run in a line, as it happens, until the run has ended.
pub async fn follow(store: &dyn Store, run: RunId, line: impl FnMut(&str)) -> Result<(), Fault> {
    tail::tail(store, run, line).await
}

/// The events of a run behind this one, each in a line, with the number of the last, and where the run stands.
pub async fn since(store: &dyn Store, run: RunId, seen: u64) -> Result<(Vec<String>, u64, RunState), Fault> {
    tail::since(store, run, seen).await
}

/// A test of the run's playbook, as it stands in the file.
pub async fn test(store: &dyn Store, run: RunId) -> Result<String, Fault> {
    let made = crate::engine::export(store, run).await?;
    let head = if made.playbook.tests.is_empty() { "tests:\n" } else { "" };
    Ok(format!("{head}{}", ira_commands::playbook::written(&made.case, &made.remarks)))
}

/// A run as it stands.
pub async fn show(store: &dyn Store, run: RunId) -> Result<Report, Fault> {
    show::show(store, run, false).await
}

/// Does what is asked of the runs. `actor` is who asks: it is written down with what they say.
pub async fn run(verb: &RunVerb, store: &dyn Store, actor: &str) -> Result<Report, Fault> {
    match verb {
        RunVerb::List { active, orphans, max } => list::list(store, *active, *orphans, usize::from(*max)).await,
        RunVerb::Show { run, events } => show::show(store, RunId(*run), *events).await,
        RunVerb::Tail { run } => show::show(store, RunId(*run), true).await,
        // They drive the run, or give a text: the engine does that.
        RunVerb::Resume { .. } | RunVerb::Undo { .. } | RunVerb::ExportTest { .. } => {
            Err(Fault::new(Kind::Failed, "a run is taken up by the engine, not by its record"))
        }
        RunVerb::Cancel { run } => said::cancel(store, RunId(*run), actor).await,
        RunVerb::Decide { attempt, say } => said::decide(store, AttemptId(*attempt), *say, actor).await,
        RunVerb::Close { run, ended, reason } => said::close(store, RunId(*run), ended.state(), actor, reason).await,
        RunVerb::Approve(answer) => said::answer(store, answer, true, actor).await,
        RunVerb::Deny(answer) => said::answer(store, answer, false, actor).await,
    }
}

/// `ira freeze`: nothing new is written within the scope; pages and notes go on.
pub async fn freeze(args: &FreezeArgs, store: &dyn Store, actor: &str) -> Result<Report, Fault> {
    let lasts = args.lasts.map(|span| Duration::from_secs(span.seconds));
    said::freeze(store, &args.scope, lasts, actor, &args.reason).await
}

/// `ira thaw`.
pub async fn thaw(args: &ThawArgs, store: &dyn Store, actor: &str) -> Result<Report, Fault> {
    said::thaw(store, &args.scope, actor).await
}

/// The fault where there is no such run.
fn no_run(run: RunId) -> Fault {
    Fault::new(Kind::Usage, format!("there is no run {run}")).hint("`ira run list` has those there are")
}
