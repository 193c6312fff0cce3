//! Which processes belong to an attempt, and ending them.

use std::collections::{BTreeMap, BTreeSet};
use std::os::linux::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use rustix::process::{Pid, Signal, kill_process};

use super::files::Files;

/// Every process and its parent; those that are dead and only not reaped yet are left out.
fn parents() -> BTreeMap<i32, i32> {
    pids().filter_map(|pid| Some((pid, parent(pid)?))).collect()
}

fn pids() -> impl Iterator<Item = i32> {
    let entries = std::fs::read_dir("/proc").into_iter().flatten().flatten();
    entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok())
}

fn parent(pid: i32) -> Option<i32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    // A process may have any name, brackets in it too.
    let mut rest = stat.get(stat.rfind(')')? + 1..)?.split_ascii_whitespace();
    let state = rest.next()?;
    if matches!(state, "Z" | "X") {
        return None;
    }
    rest.next()?.parse().ok()
}

/// Every living process below this one, however far.
pub(super) fn descendants() -> BTreeSet<i32> {
    let parents = parents();
    let mut found = BTreeSet::new();
    let mut heads = vec![i32::try_from(std::process::id()).unwrap_or(0)];
    while let Some(head) = heads.pop() {
        for (&pid, _) in parents.iter().filter(|(_, parent)| **parent == head) {
            if found.insert(pid) {
                heads.push(pid);
            }
        }
    }
    found
}

/// Every living process that carries this attempt's mark in its environment, is in its cgroup, or holds its lock open:
/// for when the shim, which knows its descendants, is dead.
pub(super) fn of_attempt(marker: &str, lock: &Path, cgroup: Option<&Path>) -> BTreeSet<i32> {
    let mark = format!("IRA_ATTEMPT={marker}");
    let lock = std::fs::metadata(lock).ok().map(|lock| (lock.st_dev(), lock.st_ino()));
    let own = i32::try_from(std::process::id()).unwrap_or(0);
    let belongs = |pid: &i32| {
        let environ = std::fs::read(format!("/proc/{pid}/environ")).unwrap_or_default();
        environ.split(|byte| *byte == 0).any(|one| one == mark.as_bytes()) || lock.is_some_and(|lock| holds(*pid, lock))
    };
    let mut found: BTreeSet<i32> = pids().filter(|pid| *pid != own && parent(*pid).is_some()).filter(belongs).collect();
    found.extend(cgroup.map(members).unwrap_or_default());
    found
}

fn holds(pid: i32, lock: (u64, u64)) -> bool {
    let open = std::fs::read_dir(format!("/proc/{pid}/fd")).into_iter().flatten().flatten();
    open.filter_map(|entry| std::fs::metadata(entry.path()).ok()).any(|file| (file.st_dev(), file.st_ino()) == lock)
}

/// Sends a signal to each; one that is gone already does not mind.
pub(super) fn signal(pids: &BTreeSet<i32>, signal: Signal) {
    for pid in pids.iter().filter_map(|pid| Pid::from_raw(*pid)) {
        let _gone_meanwhile = kill_process(pid, signal);
    }
}

/// Brings every process below this one into a cgroup of the attempt, and writes down where that is; `None` where there can
/// be none here. What is born in it stays in it, so that in the end none is outside.
pub(super) fn gather(files: &Files) -> Option<PathBuf> {
    let path = make_cgroup(files.name())?;
    // Written down first: whoever is moved is found there, also by others.
    if std::fs::write(files.cgroup(), path.display().to_string()).is_err() {
        let _not_of_use = std::fs::remove_dir(&path);
        return None;
    }
    for _ in 0..ROUNDS {
        let inside = members(&path);
        let outside: Vec<i32> = descendants().difference(&inside).copied().collect();
        let moved = outside.iter().filter(|pid| std::fs::write(path.join(PROCS), pid.to_string()).is_ok()).count();
        if moved == 0 {
            break;
        }
    }
    // Who is not let in, or is born faster than that, is found by ancestry all the same.
    Some(path)
}

/// How often those are looked for that were born meanwhile outside of a cgroup.
const ROUNDS: usize = 16;

/// The list of a cgroup's processes.
const PROCS: &str = "cgroup.procs";

fn members(cgroup: &Path) -> BTreeSet<i32> {
    let listed = std::fs::read_to_string(cgroup.join(PROCS)).unwrap_or_default();
    listed.lines().filter_map(|line| line.parse().ok()).collect()
}

/// Makes a cgroup for an attempt below the own one; `None` where that is not allowed here.
fn make_cgroup(name: &str) -> Option<PathBuf> {
    let own = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = own.lines().find_map(|line| line.strip_prefix("0::"))?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").ok()?;
    let (root, mount) = mounts.lines().find_map(|line| {
        let (place, kind) = line.split_once(" - ")?;
        let mut words = place.split(' ').skip(3);
        (kind.split(' ').next() == Some("cgroup2")).then_some((words.next()?, words.next()?))
    })?;
    if own.contains("..") {
        return None;
    }
    let below = own.strip_prefix(root.trim_end_matches('/'))?;
    let path = Path::new(mount).join(below.trim_start_matches('/')).join(format!("ira-{name}"));
    std::fs::create_dir(&path).ok()?;
    if path.join("cgroup.kill").exists() {
        return Some(path);
    }
    let _not_of_use = std::fs::remove_dir(&path);
    None
}

/// Whether anything lives in a cgroup.
pub(super) fn is_populated(cgroup: &Path) -> bool {
    let events = std::fs::read_to_string(cgroup.join("cgroup.events")).unwrap_or_default();
    events.lines().any(|line| line == "populated 1")
}

/// Kills everything in a cgroup at once.
pub(super) fn kill_cgroup(cgroup: &Path) {
    let _what_is_left_is_counted = std::fs::write(cgroup.join("cgroup.kill"), "1");
}
