//! What is asked of a daemon through its API, and what it answers. It names loaded playbooks, runs and scopes, never a
//! command: nothing that can be written here is a step.

use serde::{Deserialize, Serialize};

use crate::cli::{PromoteArgs, RemediateArgs};
use crate::config::Format;
use crate::render::Style;
use crate::runs::{FreezeArgs, RunVerb, ThawArgs};

/// The path under which it is asked.
pub const PATH: [&str; 2] = ["api", "v1"];
/// The longest request, bytes: an alert, and a little more.
pub const MOST: usize = 11 << 20;

/// A request.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Request {
    /// What is asked.
    pub ask: Ask,
    /// How the answer is to be shown.
    #[serde(default)]
    pub shown: Shown,
}

/// What is asked.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Ask {
    /// About runs, and what people decide of them.
    Run(RunVerb),
    /// What is to stop.
    Freeze(FreezeArgs),
    /// What is to go on.
    Thaw(ThawArgs),
    /// The rung of a playbook.
    Promote(PromoteArgs),
    /// A playbook for alerts.
    Remediate(Box<Remedy>),
    /// What happened in a run since.
    Follow(Follow),
    /// Leave to write by hand.
    Permit(Permit),
    /// How what was permitted ended.
    Permitted(Permitted),
}

/// A loaded playbook for alerts.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Remedy {
    /// As on the command line: the playbook's name, parameters, overrides.
    pub args: RemediateArgs,
    /// The alerts, as their sender wrote them.
    pub alert: String,
    /// The hashes of the plans that the person said yes to; none where the plan is only to be shown.
    #[serde(default)]
    pub agreed: Option<Vec<String>>,
}

/// A run that is followed.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Follow {
    /// Its number.
    pub run: u64,
    /// The last event that was shown.
    #[serde(default)]
    pub seen: u64,
}

/// Leave to write by hand.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permit {
    /// What it is called in the list of runs.
    pub title: String,
    /// What is written to: locks, and the scopes of a freeze.
    pub keys: Vec<String>,
    /// What it spends at most: the coin (`link`, `native`), and digits, in its least unit.
    #[serde(default)]
    pub amounts: Vec<(String, String)>,
    /// How long it may take, seconds; after that a person is told.
    pub seconds: u64,
}

/// How what was permitted ended.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Permitted {
    /// The permit: a run's number.
    pub permit: u64,
    /// Whether it was done; none where that cannot be told.
    pub done: Option<bool>,
    /// What came of it, in a line.
    #[serde(default)]
    pub note: String,
}

/// How an answer is shown.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
#[expect(clippy::struct_excessive_bools, reason = "each stands for itself, as in what it is made of")]
pub struct Shown {
    /// Its form.
    pub format: Format,
    /// Cells in full.
    pub wide: bool,
    /// Folded rows too.
    pub verbose: bool,
    /// Whether the result is coloured.
    pub colour: bool,
    /// Whether warnings and errors are coloured.
    pub colour_aside: bool,
    /// Columns to fit into.
    pub width: Option<u16>,
    /// JSON for the eye.
    pub pretty: bool,
}

impl Shown {
    /// As a result is rendered.
    pub fn style(&self) -> Style {
        Style {
            format: self.format,
            wide: self.wide,
            verbose: self.verbose,
            colour: self.colour,
            width: self.width,
            pretty: self.pretty,
        }
    }
}

/// What is answered.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Answer {
    /// The exit code.
    pub code: u8,
    /// The result.
    pub out: String,
    /// What is said beside it.
    pub aside: String,
    /// The plans that wait for a yes, by their hashes.
    pub plans: Vec<String>,
    /// The runs that were begun.
    pub runs: Vec<u64>,
    /// The last event that is in the result.
    pub seen: u64,
    /// Whether the run that is followed has ended.
    pub ended: bool,
    /// The permit.
    pub permit: Option<u64>,
}
