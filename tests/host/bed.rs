//! Starts a real systemd in namespaces of its own; or says why that cannot be had here.

use std::io::{BufRead as _, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};

use crate::support::in_repository;

/// A systemd, ended when it is dropped.
pub struct Bed {
    /// Removed after it.
    _folder: tempfile::TempDir,
    child: Child,
    /// The process that is PID 1 in there.
    pub pid: String,
    /// The D-Bus address of its bus.
    pub bus: String,
}

/// The units that every bed has.
const UNITS: &[(&str, &str)] = &[
    ("web", "[Service]\nExecStart=/bin/sleep 100000\n"),
    ("bad", "[Service]\nExecStart=/bin/false\n"),
    ("notify", "[Service]\nType=notify\nTimeoutStartSec=1\nExecStart=/bin/sleep 100000\n"),
    ("slow", "[Service]\nExecStartPre=/bin/sleep 4\nExecStart=/bin/sleep 100000\n"),
    ("flappy", "[Service]\nExecStart=/bin/sleep 0.3\nRestart=always\nRestartSec=0.1\nStartLimitBurst=1000\n"),
];

impl Bed {
    /// `None` where it cannot be had: no root, no systemd.
    pub fn start(test: &str) -> Option<Self> {
        Self::with(test, &[])
    }

    /// The same with more units. One with `NetworkNamespacePath=/run/outside` serves on the loopback of the test.
    pub fn with(test: &str, more: &[(&str, String)]) -> Option<Self> {
        let folder = tempfile::tempdir().expect("a folder");
        let units = folder.path().join("units");
        std::fs::create_dir(&units).expect("made");
        let more = more.iter().map(|(name, text)| (*name, text.as_str()));
        for (name, text) in UNITS.iter().copied().chain(more) {
            std::fs::write(units.join(format!("{name}.service")), text).expect("written");
        }
        let mut child = Command::new(in_repository("tests/beds/systemd/start.sh"))
            .arg(folder.path())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("bash");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines().map_while(Result::ok);
        let mut next = |start: &str| lines.next().and_then(|line| line.strip_prefix(start).map(str::to_owned));
        if let (Some(pid), Some(bus)) = (next("pid "), next("bus ")) {
            return Some(Self { _folder: folder, child, pid, bus });
        }
        let status = child.wait().expect("it ends");
        assert_eq!(status.code(), Some(77), "the bed of {test} should have started: it says why on stderr");
        skipped(test);
        None
    }

    /// A file as it is called inside.
    pub fn inside(&self, path: &str) -> PathBuf {
        PathBuf::from(format!("/proc/{}/root{path}", self.pid))
    }

    /// Runs `systemctl` inside.
    pub fn systemctl(&self, words: &[&str]) -> String {
        let out = Command::new("nsenter")
            .args(["-t", &self.pid, "-m", "-p", "-u", "-i", "-C", "-n", "systemctl"])
            .args(words)
            .output()
            .expect("nsenter");
        String::from_utf8_lossy(&out.stdout).trim().to_owned()
    }

    /// A property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.systemctl(&["show", "--value", "-p", name, unit])
    }
}

#[expect(clippy::disallowed_macros, reason = "a test that proves nothing here says so by name")]
fn skipped(test: &str) {
    eprintln!("SKIPPED {test}: a systemd of its own cannot be had here (root, systemd and dbus are needed)");
}

impl Drop for Bed {
    fn drop(&mut self) {
        drop(self.child.stdin.take());
        let _it_cleans_up_first = self.child.wait();
    }
}
