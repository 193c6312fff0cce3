//! What must outlive the process: runs, their attempts and events, guards, and whom it has to tell.

mod api;
pub mod ask;
mod backend;
pub mod clock;
pub mod event;
pub mod fail;
mod frames;
mod journal;
mod memory;
pub mod model;
mod old;
mod rows;
mod sqlite;
mod verbs;
mod words;

pub use api::Store;
pub(crate) use journal::wait;
pub use journal::{FILE, StoreJournal, hold};
pub use memory::Memory;
pub use sqlite::{Disk, Fatal, Options, Sqlite};
pub use words::{Guard, Mail, MailState, Phase, RunState, StepState, Trace, Wait};

use std::path::Path;
use std::sync::Arc;

use ira_commands::{Fault, Kind};

/// A copy of what the guards of a store count, to try something on; the store is only read, and not made where there is
/// none.
pub fn rehearsal(uri: &str) -> Result<Arc<dyn Store>, Fault> {
    let guards = match uri.split_once(':') {
        Some(("sqlite", path)) if Path::new(path).exists() => sqlite::guards(Path::new(path))?,
        _ => Vec::new(),
    };
    Ok(Arc::new(Memory::of_guards(Arc::new(clock::Machine), guards)))
}

/// Opens a store that is there; none where there is none yet.
pub fn existing(uri: &str) -> Result<Option<Arc<dyn Store>>, Fault> {
    match uri.split_once(':') {
        Some(("sqlite", path)) if Path::new(path).exists() => open(uri).map(Some),
        Some(("sqlite", path)) if !path.is_empty() => Ok(None),
        _ => open(uri).map(Some),
    }
}

/// Opens a store by its URI: `sqlite:PATH`, or `memory:` for one that is forgotten with the process.
pub fn open(uri: &str) -> Result<Arc<dyn Store>, Fault> {
    match uri.split_once(':') {
        Some(("sqlite", path)) if !path.is_empty() => Ok(Arc::new(Sqlite::open(Path::new(path), Options::default())?)),
        Some(("memory", "")) => Ok(Arc::new(Memory::new(Arc::new(clock::Machine)))),
        _ => Err(Fault::new(Kind::Config, format!("{uri:?} names no store")).hint("sqlite:PATH")),
    }
}
