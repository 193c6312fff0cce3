//! Actions on a host: scripts under their shim, units of a real systemd.
#![cfg(target_os = "linux")]

pub mod bed;
mod crash;
mod hostile;
mod kept;
mod scripts;
mod systemd;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;

use serde_json::Value;

use crate::support::journal::journal;
use crate::support::run::{Ran, Running, ira};

/// Somebody on call: a home with a folder of scripts, a configuration and a journal.
pub struct Person {
    /// The home.
    pub home: tempfile::TempDir,
    /// Whether no cgroup can be made, as for most people.
    pub without_cgroup: bool,
}

impl Person {
    pub fn new() -> Self {
        let person = Self { home: tempfile::tempdir().expect("a home"), without_cgroup: false };
        person.configure("");
        person
    }

    pub fn configure(&self, more: &str) {
        let folder = self.path("scripts");
        std::fs::create_dir_all(&folder).expect("made");
        self.write(".config/ira/config.toml", &format!("[scripts]\nfolder = \"{}\"\n{more}", folder.display()), 0o600);
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub fn write(&self, name: &str, text: &str, mode: u32) -> PathBuf {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
        path
    }

    /// A script that may be run; `@/` in it is the home.
    pub fn script(&self, name: &str, body: &str) -> PathBuf {
        let body = body.replace("@/", &format!("{}/", self.home.path().display()));
        self.write(&format!("scripts/{name}"), &format!("#!/bin/sh\n{body}"), 0o755)
    }

    pub fn read(&self, name: &str) -> String {
        std::fs::read_to_string(self.path(name)).unwrap_or_default()
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.home.path());
        if self.without_cgroup && rustix::process::geteuid().is_root() {
            // Others cannot make one anyhow.
            let hidden = "mount -t tmpfs tmpfs /sys/fs/cgroup && exec \"$@\"";
            let ira = command.get_program().to_owned();
            command = Command::new("unshare");
            command.env_clear().env("HOME", self.home.path()).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
            command.current_dir(self.home.path()).args(["--mount", "sh", "-c", hidden, "sh"]).arg(ira);
        }
        command.arg("act").args(words);
        command
    }

    pub fn act(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    /// Agreed to.
    pub fn agreed(&self, words: &[&str]) -> Ran {
        self.act(&[words, &["--yes", "--json"]].concat())
    }

    /// The same, left to itself.
    pub fn left(&self, words: &[&str]) -> Running {
        Running::of(self.command(words).arg("--yes"))
    }

    pub fn resumed(&self, words: &[&str]) -> Ran {
        self.act(&[words, &["--resume", "--json"]].concat())
    }

    /// What was written down.
    pub fn journal(&self) -> Vec<Value> {
        journal(self.home.path())
    }

    /// How the only attempt that was made ended; nothing where that is open.
    pub fn ended(&self) -> String {
        let records = self.journal();
        records.last().and_then(|last| last["state"].as_str()).unwrap_or_default().to_owned()
    }
}

/// Every living process with its command line, as a shell would show it.
fn processes() -> Vec<(i32, String)> {
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let line = |pid: i32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        let dead = stat.rsplit(')').next()?.trim_start().starts_with(['Z', 'X']);
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        (!dead).then(|| (pid, String::from_utf8_lossy(&line).replace('\0', " ")))
    };
    pids.filter_map(line).collect()
}

/// The shim of the attempt that is under way in this home.
pub fn shim(person: &Person) -> Option<i32> {
    let home = person.home.path().display().to_string();
    processes()
        .into_iter()
        .find(|(_, line)| line.starts_with("ira-attempt ") && line.contains(&home))
        .map(|(pid, _)| pid)
}

pub fn is_alive(pid: &str) -> bool {
    let pid: i32 = pid.trim().parse().expect("a process's number");
    processes().iter().any(|(other, _)| *other == pid)
}

/// Kills one process that a test's own `ira` began.
pub fn kill(pid: i32) {
    let pid = rustix::process::Pid::from_raw(pid).expect("a process's number");
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
}
