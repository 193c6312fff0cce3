//! The second stage: gives up what a script may not have, and becomes it.

use std::fs::{File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode};

use landlock::{ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus};
use rustix::fs::Mode;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::clients::script::files::{Files, Order};
use crate::clients::script::find;

/// The most that a script may write to one file, bytes.
const FILE: u64 = 1 << 30;
/// The most files that it may have open.
const OPEN: u64 = 4096;

/// How the two things that are said begin.
const CONFINED: &str = "confined: ";
const REFUSED: &str = "refused: ";

/// What the second stage said: how far the script is confined, and why it was never run.
pub(super) fn said(files: &Files) -> (Option<String>, Option<String>) {
    let text = std::fs::read_to_string(files.stage()).unwrap_or_default();
    let find = |start: &str| text.lines().find_map(|line| line.strip_prefix(start)).map(str::to_owned);
    (find(CONFINED), find(REFUSED))
}

pub(super) fn run(lock: &Path) -> ExitCode {
    let Some(files) = Files::of_lock(lock) else { return ExitCode::FAILURE };
    let mut note = Note { path: files.stage(), file: None };
    let why = match prepared(&files, &mut note) {
        Ok(mut command) => format!("the system does not run it: {}", command.exec()),
        Err(why) => why,
    };
    let _then_it_vanished = note.write(REFUSED, &why.replace('\n', " "));
    ExitCode::FAILURE
}

/// What is said to the shim; most scripts have nothing to say.
struct Note {
    path: PathBuf,
    file: Option<File>,
}

impl Note {
    /// Makes the file; closed by the script's first breath.
    fn open(&mut self) -> io::Result<&mut File> {
        let file = match self.file.take() {
            Some(file) => file,
            None => OpenOptions::new().create(true).append(true).open(&self.path)?,
        };
        Ok(self.file.insert(file))
    }

    fn write(&mut self, start: &str, text: &str) -> io::Result<()> {
        writeln!(self.open()?, "{start}{text}")
    }
}

fn prepared(files: &Files, note: &mut Note) -> Result<Command, String> {
    let order = Order::read(files)?;
    rustix::process::setsid().map_err(|error| format!("it gets no session of its own: {error}"))?;
    rustix::process::umask(Mode::from_raw_mode(0o077));
    limit(&order)?;
    rustix::thread::set_no_new_privs(true).map_err(|error| format!("it could gain privileges: {error}"))?;
    let now = find::digest(Path::new(&order.program)).map_err(|error| format!("it cannot be read: {error}"))?;
    if now != order.sha256 {
        return Err("it was changed since the plan".to_owned());
    }
    if !order.writable.is_empty() {
        // Before it is given up: afterwards no file can be made there.
        note.open().map_err(|error| error.to_string())?;
        let level = confine(&order.writable, &files.home()).map_err(|why| format!("it cannot be confined: {why}"))?;
        note.write(CONFINED, level).map_err(|error| error.to_string())?;
    }
    let mut command = Command::new(&order.program);
    command.args(&order.args).env_clear();
    let home = files.home();
    command
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .env("IRA_ATTEMPT", files.marker())
        .envs(order.env);
    Ok(command)
}

/// Sets the limits, none above what this process has itself.
fn limit(order: &Order) -> Result<(), String> {
    let set = |resource: Resource, soft: u64, hard: u64| {
        let own = getrlimit(resource).maximum.unwrap_or(u64::MAX);
        let limit = Rlimit { current: Some(soft.min(own)), maximum: Some(hard.min(own)) };
        setrlimit(resource, limit).map_err(|error| format!("its limits cannot be set: {error}"))
    };
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, FILE, FILE)?;
    set(Resource::Nofile, OPEN, OPEN)?;
    // Of each of its processes; its deadline is the shim's.
    set(Resource::Cpu, order.timeout_seconds, order.timeout_seconds + 5)?;
    set(Resource::As, order.memory_bytes, order.memory_bytes)
}

/// Keeps it from writing anywhere else; gives how much of that the kernel does.
fn confine(writable: &[PathBuf], home: &Path) -> Result<&'static str, String> {
    let abi = ABI::V5;
    let failed = |error: &dyn std::error::Error| error.to_string();
    let mut rules = Ruleset::default()
        .handle_access(AccessFs::from_write(abi))
        .and_then(Ruleset::create)
        .map_err(|error| failed(&error))?;
    for path in writable.iter().map(PathBuf::as_path).chain([home, Path::new("/dev/null"), Path::new("/dev/zero")]) {
        let fd = PathFd::new(path).map_err(|error| failed(&error))?;
        let access = if path.is_dir() {
            AccessFs::from_write(abi)
        } else {
            AccessFs::from_file(abi) & AccessFs::from_write(abi)
        };
        rules = rules.add_rule(PathBeneath::new(fd, access)).map_err(|error| failed(&error))?;
    }
    let status = rules.restrict_self().map_err(|error| failed(&error))?;
    Ok(match status.ruleset {
        RulesetStatus::FullyEnforced => "fully",
        RulesetStatus::PartiallyEnforced => "in part",
        RulesetStatus::NotEnforced => "not at all: this kernel has no landlock",
    })
}
