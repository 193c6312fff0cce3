//! One step of a playbook.

use std::collections::BTreeMap;

use super::cel::Cel;
use super::model::{Param, Text};
use super::place::Place;
use super::template::{Path, Template};
use crate::effect::{Effect, TakenBack};
use crate::words::Coins;

/// One step. Durations are seconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// Its name in this playbook.
    pub id: Text,
    /// Whether it is done; left out where this is false. An error fails the run before a write, and the step after it.
    pub condition: Option<Cel>,
    /// The command or action (`do:`).
    pub action: Text,
    /// Its arguments.
    pub with: Template,
    /// How long one attempt may take.
    pub timeout: u64,
    /// Whether the file says so, or the default holds.
    pub timeout_given: bool,
    /// When it is tried again.
    pub retry: Option<Retry>,
    /// The effect that the playbook declares, where the action leaves that to it.
    pub effect: Option<Effect>,
    /// How it is taken back, where the action leaves that to the playbook.
    pub taken_back: Option<TakenBack>,
    /// The step that takes it back.
    pub undo: Option<Undo>,
    /// Whether the file accepts that it cannot be taken back (`accept: irreversible`).
    pub accepts_irreversible: bool,
    /// What it may not go beyond.
    pub limits: Limits,
    /// Once for each of a list.
    pub each: Option<Loop>,
    /// Again until something is true.
    pub wait: Option<Wait>,
    /// Whether what it does may silence the alert (a stopped service has no error rate).
    pub may_silence: bool,
    /// Named, typed values out of what it answers: the only ones that `$steps.ID.out.NAME` may insert.
    pub outputs: BTreeMap<String, Output>,
    /// Where it stands.
    pub at: Place,
}

/// When a step is tried again: only after what provably had no effect.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retry {
    /// How often it is tried in all.
    pub attempts: u32,
    /// Seconds between two attempts.
    pub backoff: u64,
}

/// What takes a step back.
#[derive(Clone, Debug, PartialEq)]
pub struct Undo {
    /// The action.
    pub action: Text,
    /// Its arguments.
    pub with: Template,
    /// How long it may take, seconds.
    pub timeout: u64,
}

/// What a step may not go beyond.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Limits {
    /// LINK.
    pub max_spend: Option<Coins>,
    /// Native coins, gas included.
    pub max_spend_native: Option<Coins>,
    /// Things deleted or changed.
    pub max_items: Option<u64>,
    /// Systems acted on.
    pub max_targets: Option<u64>,
}

/// Once for each of a list that is bounded.
#[derive(Clone, Debug, PartialEq)]
pub struct Loop {
    /// The list.
    pub over: Source,
    /// The most of them; a longer list is refused whole.
    pub max: usize,
    /// How many at once, 1 or more.
    pub concurrency: usize,
}

/// Where a list comes from.
#[derive(Clone, Debug, PartialEq)]
pub enum Source {
    /// It is written in the file.
    Listed(Vec<String>),
    /// A parameter or an output of an earlier step.
    Named(Path),
}

/// Again until something is true.
#[derive(Clone, Debug, PartialEq)]
pub struct Wait {
    /// What must become true.
    pub until: Cel,
    /// Seconds between two looks.
    pub every: u64,
    /// Seconds in which it must.
    pub within: u64,
}

/// A named value out of what a step answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Output {
    /// Where in it the value stands (`pods.0.name`).
    pub take: String,
    /// What it must be.
    pub value: Param,
}
