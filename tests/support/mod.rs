//! What several tests need.

pub mod bed;
pub mod faults;
pub mod journal;
pub mod man;
pub mod node;
pub mod run;

use std::path::{Path, PathBuf};
use std::process::Command;

/// The binary under test, in an environment of its own.
pub fn ira() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ira"));
    command.env_clear();
    command
}

/// A path in the repository.
pub fn in_repository(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join(path)
}
