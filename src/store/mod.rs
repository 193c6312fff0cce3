//! What must outlive the process.

mod frames;
mod journal;

pub use journal::FileJournal;
