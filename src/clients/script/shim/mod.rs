//! The process between `ira` and a script: it outlives `ira`, waits for the script, ends what the script leaves, and
//! writes down how it ended.
//!
//! It is this same binary under another name. Its second stage gives up what a script may not have, and becomes it.

mod output;
mod second;

use std::ffi::OsString;
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use super::files::{Ending, Files, Order};
use super::kin;
use output::Output;

/// The name under which this binary is the shim.
pub(super) const FIRST: &str = "ira-attempt";
/// The name of its second stage.
const SECOND: &str = "ira-attempt-script";

/// A script that takes longer gets a cgroup. Moving a process into one takes the kernel longer than most scripts run, and
/// the cgroup is of use only at the deadline, or when this process is killed.
const QUICK: Duration = Duration::from_millis(50);
/// How long the kernel has to say that nothing is left.
const AT_ONCE: Duration = Duration::from_millis(5);
/// How long processes have to end themselves.
const GRACE: Duration = Duration::from_secs(2);
/// How long they are killed over and over before they are given up.
const KILLING: Duration = Duration::from_secs(10);

/// Does what the shim does where this process is one; `None` where it is `ira` itself.
pub fn entry(args: &[OsString]) -> Option<ExitCode> {
    let [name, lock, ..] = args else { return None };
    if name == FIRST {
        Some(first(Path::new(lock)))
    } else if name == SECOND {
        Some(second::run(Path::new(lock)))
    } else {
        None
    }
}

fn first(lock: &Path) -> ExitCode {
    let Some(files) = Files::of_lock(lock) else { return ExitCode::FAILURE };
    let ending = run(&files).unwrap_or_else(Ending::refused);
    // What cannot be written down is not known to anybody: then the attempt has vanished.
    let written = ending.write(&files).is_ok();
    if written && ending.left == 0 {
        files.tidy();
    }
    ExitCode::from(u8::from(!written))
}

/// A process below ended, or none is left.
enum Event {
    Ended(Pid, WaitStatus),
    Empty,
}

/// Runs what was ordered; a fault means that nothing was run.
fn run(files: &Files) -> Result<Ending, String> {
    let failed = |what: &str| {
        let what = what.to_owned();
        move |error: std::io::Error| format!("{what}: {error}")
    };
    // Whatever loses its parent below becomes a child of this process.
    rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
        .map_err(|error| format!("its descendants could not be kept together: {error}"))?;
    // The lock came as standard input. A copy goes to the script: while that lives the attempt does, even if this
    // process is killed.
    let lock = rustix::io::dup(std::io::stdin()).map_err(|error| format!("there is no lock: {error}"))?;
    let order = Order::read(files)?;
    let input = match File::open(files.input()) {
        Ok(file) => Stdio::from(file),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Stdio::null(),
        Err(error) => return Err(failed("its standard input cannot be read")(error)),
    };
    let (stdout, stderr) = (Output::new(files.out()), Output::new(files.err()));
    let begun = Instant::now();
    let mut child = Command::new("/proc/self/exe")
        .arg0(SECOND)
        .arg(files.lock())
        .env_clear()
        .current_dir(files.home())
        .stdin(input)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed("it cannot be started"))?;
    drop(lock);
    let stdout = stdout.follow(child.stdout.take());
    let stderr = stderr.follow(child.stderr.take());
    let events = reaper();
    let script = i32::try_from(child.id()).ok().and_then(Pid::from_raw);

    let deadline = begun + Duration::from_secs(order.timeout_seconds);
    let mut ending = Ending::default();
    let mut status = None;
    let mut gathering = None;
    while status.is_none() {
        let until = if gathering.is_none() { deadline.min(begun + QUICK) } else { deadline };
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(pid, how)) if Some(pid) == script => status = Some(how),
            Ok(Event::Ended(..)) => {}
            Ok(Event::Empty) | Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) if until < deadline => {
                let files = files.clone();
                gathering = Some(std::thread::spawn(move || kin::gather(&files)));
            }
            Err(RecvTimeoutError::Timeout) => {
                ending.timed_out = true;
                break;
            }
        }
    }
    let millis = begun.elapsed().as_millis();
    let cgroup = gathering.and_then(|gathering| gathering.join().ok().flatten());
    let (others, left) = end_all(&events, script, &mut status, cgroup.as_deref());
    ending.millis = u64::try_from(millis).unwrap_or(u64::MAX);
    ending.ended = others;
    ending.left = left;
    ending.exit = status.and_then(WaitStatus::exit_status);
    ending.signal = status.and_then(WaitStatus::terminating_signal);
    ending.stdout = stdout.finish();
    ending.stderr = stderr.finish();
    (ending.confined, ending.refused) = second::said(files);
    if let Some(path) = cgroup.filter(|_| left == 0) {
        let _it_goes_with_the_machine = std::fs::remove_dir(path);
    }
    Ok(ending)
}

/// Reaps every process below, and says when none is left.
fn reaper() -> Receiver<Event> {
    let (send, events) = mpsc::channel();
    std::thread::spawn(move || {
        loop {
            let event = match rustix::process::wait(WaitOptions::empty()) {
                Ok(Some((pid, status))) => Event::Ended(pid, status),
                Ok(None) | Err(rustix::io::Errno::INTR) => continue,
                Err(_) => Event::Empty,
            };
            let last = matches!(event, Event::Empty);
            if send.send(event).is_err() || last {
                return;
            }
        }
    });
    events
}

/// Ends everything below: asked first, then killed, until the kernel says that there is nothing left. Gives how many
/// processes beside the script that were, and how many would not die.
fn end_all(
    events: &Receiver<Event>,
    script: Option<Pid>,
    status: &mut Option<WaitStatus>,
    cgroup: Option<&Path>,
) -> (usize, usize) {
    // The kernel says at once where nothing is left: to look among all processes takes longer than most scripts.
    if emptied(events, AT_ONCE, script, status) {
        return (0, 0);
    }
    let mut met = kin::descendants();
    if met.is_empty() && emptied(events, GRACE, script, status) {
        return (0, 0);
    }
    kin::signal(&met, Signal::TERM);
    kin::signal(&met, Signal::CONT);
    let begun = Instant::now();
    let mut empty = emptied(events, GRACE, script, status);
    while !empty && begun.elapsed() < KILLING {
        let now = kin::descendants();
        if let Some(cgroup) = cgroup {
            kin::kill_cgroup(cgroup);
        }
        // Stopped first, so that none can make another one while the list is gone through.
        kin::signal(&now, Signal::STOP);
        kin::signal(&now, Signal::KILL);
        met.extend(now);
        empty = emptied(events, Duration::from_millis(20), script, status);
    }
    if let Some(script) = script {
        met.remove(&script.as_raw_nonzero().get());
    }
    (met.len(), if empty { 0 } else { kin::descendants().len().max(1) })
}

/// Whether the last process below ends within `patience`.
fn emptied(events: &Receiver<Event>, patience: Duration, script: Option<Pid>, status: &mut Option<WaitStatus>) -> bool {
    let until = Instant::now() + patience;
    loop {
        match events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Ended(pid, how)) if Some(pid) == script => *status = Some(how),
            Ok(Event::Ended(..)) => {}
            Ok(Event::Empty) | Err(RecvTimeoutError::Disconnected) => return true,
            Err(RecvTimeoutError::Timeout) => return false,
        }
    }
}
