//! Whole processes, timed.

use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Counted runs of each side, in turn.
pub const RUNS: usize = 11;

/// One whole process, its output thrown away.
pub fn run(command: &mut Command) -> Duration {
    let begun = Instant::now();
    let status = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).status().expect("it runs");
    let took = begun.elapsed();
    assert!(matches!(status.code(), Some(0 | 4)), "{command:?}: {status}");
    took
}

/// What `ira` logged of its round trips.
pub fn trips(command: &mut Command) -> String {
    let output = command.env("IRA_LOG", "info").output().expect("ira runs");
    let said = String::from_utf8_lossy(&output.stderr);
    said.lines()
        .find_map(|line| line.split_once("ira::connect: "))
        .map_or("the count of round trips is missing".to_owned(), |(_, trips)| trips.trim().to_owned())
}

/// The middle one.
pub fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

/// Milliseconds.
pub fn ms(time: Duration) -> f64 {
    time.as_secs_f64() * 1_000.0
}
