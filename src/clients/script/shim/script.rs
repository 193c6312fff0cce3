//! What a script may have, and its start.

use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use landlock::{ABI, AccessFs, PathBeneath, PathFd, Ruleset, RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus};
use rustix::fs::Mode;
use rustix::process::{Pid, Resource, Rlimit, getrlimit, prlimit, setrlimit};

use crate::clients::script::files::{Files, Order};
use crate::clients::script::find;

/// The most that a script may write to one file, bytes.
const FILE: u64 = 1 << 30;
/// The most files that it may have open.
const OPEN: u64 = 4096;
/// What this process may take beyond a script's time, seconds.
const LONGER: u64 = 60;

/// Leaves the terminal and everybody else's session. Who leads a group cannot make a session, and this process was begun as
/// one that does, so that a Ctrl-C before this line is not for it.
pub(super) fn alone() -> Result<(), String> {
    let failed = |error: rustix::io::Errno| format!("it gets no session of its own: {error}");
    let gone = || "who began it is gone".to_owned();
    let parent = rustix::process::getppid().ok_or_else(gone)?;
    let group = rustix::process::getpgid(Some(parent)).map_err(|_| gone())?;
    rustix::process::setpgid(None, Some(group)).map_err(|_| gone())?;
    rustix::process::setsid().map(|_| ()).map_err(failed)
}

/// Starts the script with nothing but what it may have; with how far it is confined, where that was ordered. A fault means
/// that nothing was run.
pub(super) fn start(order: &Order, files: &Files, input: Stdio) -> Result<(Child, Option<String>), String> {
    let now = find::digest(Path::new(&order.program)).map_err(|error| format!("it cannot be read: {error}"))?;
    if now != order.sha256 {
        return Err("it was changed since the plan".to_owned());
    }
    let home = files.home();
    let mut command = Command::new(&order.program);
    command
        .args(&order.args)
        .env_clear()
        .env("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin")
        .env("LANG", "C.UTF-8")
        .env("HOME", &home)
        .env("TMPDIR", &home)
        .env("IRA_ATTEMPT", files.marker())
        .envs(order.env.iter().map(|(name, value)| (name, value)))
        .current_dir(&home)
        .process_group(0)
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    rustix::process::umask(Mode::from_raw_mode(0o077));
    let spawned = |command: &mut Command| limited(order, || command.spawn());
    if order.writable.is_empty() {
        no_new_privileges()?;
        return Ok((spawned(&mut command)?, None));
    }
    // What a thread gives up, its children have not either, and this process keeps.
    let confined = std::thread::scope(|scope| {
        let thread = scope.spawn(|| {
            no_new_privileges()?;
            let level = confine(&order.writable, &home).map_err(|why| format!("it cannot be confined: {why}"))?;
            Ok((spawned(&mut command)?, Some(level.to_owned())))
        });
        thread.join()
    });
    confined.unwrap_or_else(|_| Err("it cannot be confined".to_owned()))
}

fn no_new_privileges() -> Result<(), String> {
    rustix::thread::set_no_new_privs(true).map_err(|error| format!("it could gain privileges: {error}"))
}

/// Starts something with the limits of a script, none above what this process has itself. They are this process's too, except
/// for memory and time.
fn limited(order: &Order, start: impl FnOnce() -> std::io::Result<Child>) -> Result<Child, String> {
    let own = |resource: Resource| getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let set = |resource: Resource, soft: u64, hard: u64| {
        let limit = Rlimit { current: Some(soft.min(own(resource))), maximum: Some(hard.min(own(resource))) };
        setrlimit(resource, limit).map_err(|error| format!("its limits cannot be set: {error}"))
    };
    set(Resource::Core, 0, 0)?;
    set(Resource::Fsize, FILE, FILE)?;
    set(Resource::Nofile, OPEN, OPEN)?;
    // Of each of its processes; its deadline is the shim's.
    let hard = order.timeout_seconds.saturating_add(LONGER);
    set(Resource::Cpu, order.timeout_seconds, hard)?;
    let before = getrlimit(Resource::As);
    set(Resource::As, order.memory_bytes, u64::MAX)?;
    let child = start();
    // Back to what they were: that is always allowed.
    let _nobody_forbids_it = setrlimit(Resource::As, before);
    let _nobody_forbids_it = set(Resource::Cpu, hard, hard);
    let child = child.map_err(|error| format!("the system does not run it: {error}"))?;
    let most = Some(order.memory_bytes.min(own(Resource::As)));
    if let Some(pid) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) {
        // What it was started with it may not raise either. It may have ended by now.
        let _ended = prlimit(Some(pid), Resource::As, Rlimit { current: most, maximum: most });
    }
    Ok(child)
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
