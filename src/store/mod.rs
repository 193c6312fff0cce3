//! What must outlive the process: runs, their attempts and events, guards, and whom it has to tell.

mod api;
pub mod ask;
pub mod event;
mod frames;
mod journal;
pub mod model;
mod words;

pub use api::Store;
pub use journal::FileJournal;
pub use words::{Guard, Mail, MailState, Phase, RunState, StepState, Trace, Wait};
