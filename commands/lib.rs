//! What `ira` does: each command is `Args`, `run` and tests in one place.
//!
//! Nothing here can reach a network, a terminal, a store, the environment or the clock but through the
//! [`Context`] it is given; the manifest's short dependency list is the wall that makes it so.

pub mod actions;
pub mod alert;
pub mod args;
pub mod context;
pub mod date;
pub mod effect;
pub mod fault;
pub mod feed_report;
pub mod invocation;
mod loose;
pub mod node;
pub mod pd_annotate;
pub mod playbook;
pub mod ports;
pub mod report;
mod sheet;
pub mod shell;
pub mod text;
pub mod transact;
pub mod units;
pub mod value;
pub mod vrf_runbook;
pub mod war_room;
pub mod words;

#[cfg(any(test, feature = "fakes"))]
pub mod fakes;

pub use context::Context;
pub use effect::Effect;
pub use fault::{Fault, Kind};
pub use invocation::Invocation;
pub use report::Report;
