//! What was begun, and what came of it.

use serde_json::Value as Json;

use crate::effect::Effect;
use crate::fault::Fault;

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It happened; with the proof.
    Done(Json),
    /// It provably did not happen, and never will under this attempt; with the reason.
    NotDone(Json),
    /// It acted and failed; with what is known of it.
    Failed(Json),
    /// Whether it happened is not known. It stays open: a probe or a person settles it.
    Unknown(Json),
}

/// An attempt that was begun, and of which it is not written how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// The journal's number of it.
    pub id: u64,
    /// What is acted on.
    pub key: String,
    /// How it may be repeated.
    pub effect: Effect,
    /// When it was begun, unix seconds.
    pub at: u64,
    /// What was written before it was done.
    pub begun: Json,
    /// What was added to it later, in order.
    pub added: Vec<Json>,
}

/// What was begun, and what came of it. Each verb has reached the disk when it returns; one that fails is final: the
/// journal takes nothing more, and whoever asked must not go on.
pub trait Journal: Send + Sync {
    /// Takes the lock of this name, for as long as what is returned lives. Kind `Busy` where somebody else has it.
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault>;

    /// Every attempt without an end, oldest first.
    fn open(&self) -> Result<Vec<Open>, Fault>;

    /// Writes down that an attempt begins; gives its number.
    fn begin(&self, key: &str, effect: Effect, at: u64, begun: &Json) -> Result<u64, Fault>;

    /// Adds to an open attempt.
    fn add(&self, id: u64, more: &Json) -> Result<(), Fault>;

    /// Writes down how an attempt ended.
    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault>;
}
