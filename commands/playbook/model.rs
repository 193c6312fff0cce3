//! A playbook as a value. Durations are seconds.

use std::collections::BTreeMap;

use super::case::Case;
use super::cel::Cel;
use super::pattern::{Pattern, Whole};
use super::place::Place;
use super::step::Step;
use super::template::{Path, Template};
use crate::effect::Effect;

/// A playbook that was read and lowered. That it is sound besides is what `check` says.
#[derive(Clone, Debug, PartialEq)]
pub struct Playbook {
    /// Its identity: unique among those loaded.
    pub name: Text,
    /// What it is for, in a line; may be empty.
    pub about: String,
    /// Who is told when the playbook itself is wrong.
    pub owner: String,
    /// The rung it starts on.
    pub mode: Mode,
    /// Who says yes to a plan on the rung `approve`.
    pub approve: Option<Approve>,
    /// Which alerts it is for: any of these.
    pub on: Vec<On>,
    /// What a label must look like to be inserted; one that is not here must be a DNS label.
    pub labels: BTreeMap<String, Whole>,
    /// What alert data may point a write at, by the last word of the path it comes from (`cluster` for
    /// `alert.labels.cluster`). Nothing here is nothing allowed.
    pub targets: BTreeMap<String, Vec<Pattern>>,
    /// What may be set by whoever starts it.
    pub params: BTreeMap<String, Param>,
    /// Reads with a name (`q.NAME`).
    pub queries: BTreeMap<String, Query>,
    /// What may forbid a run.
    pub guards: Guards,
    /// What is done, in order.
    pub steps: Vec<Step>,
    /// How it is seen that it worked.
    pub verify: Option<Verify>,
    /// Where facts, progress and outcome are noted.
    pub annotate: Option<Annotate>,
    /// Who is paged when it did not.
    pub escalate: Option<Escalate>,
    /// The file's own tests.
    pub tests: Vec<Case>,
    /// SHA-256 of the file's text, hex.
    pub revision: String,
    /// What its steps do.
    pub effects: Effects,
}

/// What a playbook's steps do, as far as is known before a run: one entry for each step.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Effects {
    /// How it may be repeated; the action's own word, or the playbook's where that is left to it.
    pub effects: Vec<Effect>,
    /// Whether it changes a system.
    pub writes: Vec<bool>,
}

impl Effects {
    /// Whether any step changes a system.
    pub fn any(&self) -> bool {
        self.writes.contains(&true)
    }
}

/// A word of the file with its place.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Text {
    /// The word.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// How far a playbook goes by itself. The order is from least to most.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Decide and record.
    Observe,
    /// Post the plan.
    Suggest,
    /// Wait for a person's yes to this plan.
    Approve,
    /// Do it.
    Auto,
}

impl Mode {
    /// Every rung, from least to most.
    pub const ALL: [Self; 4] = [Self::Observe, Self::Suggest, Self::Approve, Self::Auto];

    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Observe => "observe",
            Self::Suggest => "suggest",
            Self::Approve => "approve",
            Self::Auto => "auto",
        }
    }
}

/// What happens where nobody answers, or where what was done did not help.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum OrElse {
    /// Page.
    Escalate,
    /// Take back what was done, then page.
    Undo,
}

impl OrElse {
    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Escalate => "escalate",
            Self::Undo => "undo",
        }
    }
}

/// Who says yes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Approve {
    /// A role of the configuration's `users`.
    pub from: Text,
    /// How long a yes is waited for, seconds.
    pub within: u64,
    /// What follows when none comes; only [`OrElse::Escalate`].
    pub or_else: OrElse,
    /// Whether a person who runs it by hand needs a second one.
    pub second_person: bool,
}

/// Which messages of a sender start a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum When {
    /// That it fires.
    #[default]
    Firing,
    /// That it is over.
    Resolved,
    /// Both.
    Any,
}

/// One kind of alert that a playbook is for.
#[derive(Clone, Debug, PartialEq)]
pub struct On {
    /// Who sends it (`alertmanager`): says which fields an expression may use.
    pub source: Text,
    /// Labels that must be there and equal, or match.
    pub matches: BTreeMap<String, Matcher>,
    /// Narrows further.
    pub when: Option<Cel>,
    /// Which messages start a run.
    pub status: When,
    /// What the run is about: mutex and cooldown. An alert in which one of these is missing or empty is refused.
    pub key: Vec<Path>,
    /// Where it stands.
    pub at: Place,
}

/// What the value of a label must be.
#[derive(Clone, Debug, PartialEq)]
pub enum Matcher {
    /// This, exactly.
    Equals(String),
    /// Something that this matches from its first to its last character.
    Regex(Whole),
}

impl Matcher {
    /// Whether `value` is what it must be.
    pub fn matches(&self, value: &str) -> bool {
        match self {
            Self::Equals(wanted) => wanted == value,
            Self::Regex(whole) => whole.matches(value),
        }
    }
}

/// What a parameter may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ParamType {
    /// Text; without a `pattern` a DNS label.
    String,
    /// A whole number.
    Int,
    /// A number.
    Double,
    /// True or false.
    Bool,
    /// Seconds, written as `10m`.
    Duration,
    /// A list of texts.
    Strings,
}

impl ParamType {
    /// Every type.
    pub const ALL: [Self; 6] = [Self::String, Self::Int, Self::Double, Self::Bool, Self::Duration, Self::Strings];

    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::String => "string",
            Self::Int => "int",
            Self::Double => "double",
            Self::Bool => "bool",
            Self::Duration => "duration",
            Self::Strings => "strings",
        }
    }
}

/// A parameter: its type, and the bounds of its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Param {
    /// What it may be.
    pub kind: ParamType,
    /// Its value where none is given; without one it must be given.
    pub default: Option<serde_json::Value>,
    /// The least number or duration.
    pub min: Option<f64>,
    /// The greatest number or duration.
    pub max: Option<f64>,
    /// What a text must match from its first to its last character.
    pub pattern: Option<Whole>,
    /// The texts that it may be, where they are listed.
    pub values: Vec<String>,
    /// The most items of a list.
    pub max_items: Option<usize>,
    /// What it is for.
    pub about: String,
    /// Where it stands.
    pub at: Place,
}

/// A read with a name.
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// The command or action that reads (`prometheus.query` for the short form `prometheus: TEXT`).
    pub action: Text,
    /// Its arguments.
    pub with: Template,
    /// Where in what it answers the value stands (`status`, `feeds.0.answer`); `None` is all of it.
    pub take: Option<String>,
    /// How long it may take, seconds.
    pub timeout: u64,
    /// Where it stands.
    pub at: Place,
}

/// At most so many within a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Recurrence {
    /// The most runs; one more escalates instead.
    pub max: u32,
    /// Seconds.
    pub within: u64,
}

/// At most so many runs of this playbook within a time, over all keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bucket {
    /// The most runs.
    pub max: u32,
    /// Seconds.
    pub within: u64,
}

/// How many must be healthy before one is touched.
#[derive(Clone, Debug, PartialEq)]
pub struct MinHealthy {
    /// The query that counts the healthy.
    pub query: Text,
    /// The least.
    pub least: f64,
}

/// A time in which nothing is to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Season {
    /// A maintenance window of the configuration.
    Maintenance,
    /// More alerts than one cause could explain.
    Storm,
    /// `ira freeze`.
    Freeze,
}

impl Season {
    /// All of them: what holds where a playbook says nothing.
    pub const ALL: [Self; 3] = [Self::Maintenance, Self::Storm, Self::Freeze];

    /// The word in a file.
    pub fn word(self) -> &'static str {
        match self {
            Self::Maintenance => "maintenance",
            Self::Storm => "storm",
            Self::Freeze => "freeze",
        }
    }
}

/// What may forbid a run.
#[derive(Clone, Debug, PartialEq)]
pub struct Guards {
    /// Seconds after a run's first write in which the same key is left alone.
    pub cooldown: Option<u64>,
    /// How often a key may come back.
    pub recurrence: Option<Recurrence>,
    /// The name of a budget in the configuration.
    pub budget: Option<Text>,
    /// How often this playbook may run.
    pub bucket: Option<Bucket>,
    /// How many must be healthy.
    pub min_healthy: Option<MinHealthy>,
    /// What must be true; an error denies.
    pub require: Option<Cel>,
    /// When nothing is written.
    pub not_during: Vec<Season>,
}

impl Default for Guards {
    fn default() -> Self {
        Self {
            cooldown: None,
            recurrence: None,
            budget: None,
            bucket: None,
            min_healthy: None,
            require: None,
            not_during: Season::ALL.to_vec(),
        }
    }
}

/// How it is seen that it worked.
#[derive(Clone, Debug, PartialEq)]
pub struct Verify {
    /// Seconds after the last step before it is looked at.
    pub after: u64,
    /// What must become true; an error is not true.
    pub until: Cel,
    /// Seconds between two looks.
    pub every: u64,
    /// Seconds in which it must become true.
    pub within: u64,
    /// Seconds for which it must stay true then; 0 where it need not.
    pub hold: u64,
    /// What follows when it does not.
    pub or_else: OrElse,
    /// Where it stands.
    pub at: Place,
}

/// Where a run is noted: one note, kept current.
#[derive(Clone, Debug, PartialEq)]
pub struct Annotate {
    /// The channel (`pagerduty`).
    pub to: Text,
    /// The steps whose reports the note holds, in order.
    pub reports: Vec<Text>,
    /// What it says besides; prose.
    pub note: Option<Text>,
}

/// Who is paged.
#[derive(Clone, Debug, PartialEq)]
pub struct Escalate {
    /// The channel (`pagerduty`).
    pub to: Text,
    /// Seconds from the first write until the page, unless verified before.
    pub deadline: u64,
    /// What the page says; prose.
    pub note: Option<Text>,
    /// Where it stands.
    pub at: Place,
}
