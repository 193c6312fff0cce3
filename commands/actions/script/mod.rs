//! Scripts on this host: one program, its arguments as they are, never a shell.

mod act;
mod argv;
mod by_metric;
mod run;
#[cfg(test)]
mod tests;

use crate::alert::Alert;
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::words::Span;

pub use by_metric::ByMetric;
pub use run::Run;

/// Seconds that a script is given where nothing else is said.
pub const TIMEOUT: u64 = 60;
/// The most that it can be given: a day.
const LONGEST: u64 = 86_400;
/// What a script may read on standard input, bytes.
const MOST_STDIN: usize = 1 << 20;

/// How a script may be repeated. Only who wrote it knows.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize, schemars::JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum Repeat {
    /// Safe to run again
    Idempotent,
    /// It may have happened once it was begun, and is never silently run again
    Once,
}

impl From<Option<Repeat>> for Effect {
    fn from(repeat: Option<Repeat>) -> Self {
        match repeat {
            Some(Repeat::Idempotent) => Self::Idempotent,
            Some(Repeat::Once) | None => Self::Once,
        }
    }
}

/// One run of a script, however it was named.
struct Request<'a> {
    /// A path, or a name in the configured folder.
    program: String,
    /// Options of the script: each begins with `-`.
    flags: &'a [String],
    /// Its arguments: none begins with `-`, unless the scripts take `--`.
    args: &'a [String],
    /// What its environment has beside the usual, by name.
    env: Vec<(String, String)>,
    stdin: Option<String>,
    /// What of standard input is not the alert.
    own_stdin: Option<&'a str>,
    timeout: u64,
    effect: Effect,
    expect_exit: i32,
    writable: &'a [String],
}

/// An action that runs a script.
trait Scripted: Send + Sync {
    /// The action's name.
    const NAME: &'static str;

    /// What it runs, checked as far as that can be done without the host.
    fn request(&self) -> Result<Request<'_>, Fault>;

    /// Where it keeps the alert.
    fn alert(&mut self) -> &mut Option<Alert>;

    /// Where it keeps how long it is given.
    fn time(&mut self) -> &mut Option<Span>;
}

/// The variables that an alert sets.
const FACTS: [&str; 2] = ["IRA_ALERT_NAME", "IRA_ALERT_STATUS"];

/// What of an alert a script gets: two names of fixed variables, and the whole on standard input. No variable is named
/// after a label.
fn facts(alert: Option<&Alert>) -> Vec<(String, String)> {
    let Some(alert) = alert else { return Vec::new() };
    let status = if alert.resolved { "resolved" } else { "firing" };
    vec![(FACTS[0].to_owned(), alert.name().unwrap_or_default().to_owned()), (FACTS[1].to_owned(), status.to_owned())]
}

/// What is read on standard input: what was given, else the alert as JSON.
fn stdin(given: Option<&String>, alert: Option<&Alert>) -> Result<Option<String>, Fault> {
    let text = match (given, alert) {
        (Some(text), _) => text.clone(),
        (None, Some(alert)) => serde_json::to_string(alert)
            .map_err(|error| Fault::new(Kind::Failed, "the alert cannot be written").because(error.to_string()))?,
        (None, None) => return Ok(None),
    };
    if text.len() > MOST_STDIN {
        return Err(Fault::new(Kind::Usage, format!("standard input of {} bytes: at most 1 MiB is given", text.len())));
    }
    Ok(Some(text))
}

fn timeout(given: Option<Span>) -> Result<u64, Fault> {
    match given.map_or(TIMEOUT, |span| span.seconds) {
        seconds @ 1..=LONGEST => Ok(seconds),
        _ => Err(Fault::new(Kind::Usage, "a script's time is between 1s and 1d")),
    }
}
