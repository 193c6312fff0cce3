//! Running the binary as a user would, in an environment of the test's own.

use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;

/// `ira` with an empty environment, a home of its own and no terminal.
pub fn ira(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ira"));
    command.env_clear().env("HOME", home).current_dir(home).stdin(Stdio::null());
    command
}

/// What a run left behind.
#[derive(Debug)]
pub struct Ran {
    /// Exit code.
    pub code: i32,
    /// Standard output.
    pub out: String,
    /// Standard error.
    pub err: String,
}

impl Ran {
    /// Runs it to the end.
    pub fn of(command: &mut Command) -> Self {
        Self::from(command.output().expect("ira runs"))
    }

    /// Runs it to the end with `input` on standard input.
    pub fn with_input(command: &mut Command, input: &str) -> Self {
        let mut child =
            command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ira starts");
        child.stdin.take().expect("piped").write_all(input.as_bytes()).expect("it reads");
        Self::from(child.wait_with_output().expect("ira ends"))
    }

    /// Standard output as JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("not JSON ({error}): {self:?}"))
    }
}

impl From<Output> for Ran {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().expect("ended by itself"),
            out: String::from_utf8(output.stdout).expect("UTF-8"),
            err: String::from_utf8(output.stderr).expect("UTF-8"),
        }
    }
}

/// A process that runs while the test does something else.
pub struct Running(pub Child);

impl Running {
    /// Starts it without anybody who reads what it says.
    pub fn of(command: &mut Command) -> Self {
        Self(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts"))
    }

    /// As `kill -9` does.
    pub fn kill(mut self) {
        self.0.kill().expect("killed");
        self.0.wait().expect("reaped");
    }

    /// Its exit code, once it ended.
    pub fn code(mut self) -> Option<i32> {
        self.0.wait().expect("it ends").code()
    }
}

/// Waits until something is so; a minute at most, which is no measure of anything.
pub fn wait_until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(60), "not within a minute: {what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}
