//! The end of a unit's log, as `journalctl` gives it: the files of the journal are systemd's own to read.

use std::io::Read as _;
use std::process::{Command, Stdio};
use std::time::Duration;

use ira_commands::text::excerpt;
use tokio::time::timeout;

/// How long it may take: a journal can be long.
const PATIENCE: Duration = Duration::from_secs(3);
/// The most that is read of it, bytes.
const MOST: u64 = 64 << 10;
/// The longest line that is given, characters.
const LINE: usize = 300;

/// The last lines of a unit, oldest first, at most so many; none where there is no journal, or none that may be read. `root`
/// is the root folder of the system whose unit it is, empty for this one.
pub(super) async fn tail(root: &str, unit: &str, lines: usize) -> Vec<String> {
    let mut command = Command::new("journalctl");
    command
        .env_clear()
        .env("PATH", "/usr/bin:/bin")
        .args(["--quiet", "--no-pager", "--no-hostname", "--output=short-iso"])
        .arg(format!("--lines={lines}"))
        .arg(format!("--unit={unit}"));
    if !root.is_empty() {
        command.arg(format!("--root={root}"));
    }
    let Ok(mut child) = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn() else {
        return Vec::new();
    };
    let out = child.stdout.take();
    let read = tokio::task::spawn_blocking(move || {
        let mut bytes = Vec::new();
        let _as_far_as_it_goes = out.map(|out| out.take(MOST).read_to_end(&mut bytes));
        bytes
    });
    let read = timeout(PATIENCE, read).await;
    let _ended_or_not = child.kill();
    let _reaped = child.wait();
    let Ok(Ok(bytes)) = read else { return Vec::new() };
    let text = String::from_utf8_lossy(&bytes);
    let mut last: Vec<String> =
        text.lines().filter(|line| !line.starts_with("-- ")).map(|line| excerpt(line, LINE)).collect();
    last.drain(..last.len().saturating_sub(lines));
    last
}
