//! What several tests need.

pub mod bed;
pub mod faults;
pub mod journal;
pub mod man;
pub mod node;
pub mod run;

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use ira::config::env::{Env as _, SystemEnv};

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

/// Says by name what is not tested here.
pub fn skipped(why: &str) {
    said(&format!("skipped: {why}"));
}

/// Says what was measured, or seen, and is no matter of right or wrong.
pub fn said(what: &str) {
    std::io::stderr().write_all(format!("{what}\n").as_bytes()).expect("said");
}

/// Whether these Debian packages are there, or could be installed; where they cannot be had that is said by name. CI has
/// them.
pub fn debian(packages: &[&str]) -> bool {
    let mut command = Command::new(in_repository("tests/beds/debian.sh"));
    let there = command.args(packages).stdin(Stdio::null()).status().is_ok_and(|status| status.success());
    if !there {
        let which = packages.join(", ");
        assert!(SystemEnv.get("CI").expect("readable").is_none(), "CI has {which}");
        skipped(&format!("{which} cannot be had"));
    }
    there
}
