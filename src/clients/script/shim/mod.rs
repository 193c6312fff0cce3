//! The process between `ira` and a script: it outlives `ira`, waits for the script, ends what the script leaves, and
//! writes down how it ended.
//!
//! It is this same binary under another name, on one thread: what `ira` promises of a script costs little more than the
//! script.

mod below;
mod output;
mod script;

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{ExitCode, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fd::OwnedFd;
use rustix::process::{Pid, PidfdFlags, WaitStatus, pidfd_open};

use super::files::{Ending, Files, Order};
use super::kin;
use below::Below;
use output::Output;

/// The name under which this binary is the shim.
pub(super) const FIRST: &str = "ira-attempt";

/// A script that takes longer gets a cgroup. Moving a process into one takes the kernel longer than most scripts run, and
/// the cgroup is of use only at the deadline, or when this process is killed.
const QUICK: Duration = Duration::from_millis(50);
/// How often those are reaped that a script in the background left.
const REAP: Duration = Duration::from_secs(1);
/// How long an output is waited for that a process which could not be ended may hold open.
const OUTPUT: Duration = Duration::from_secs(2);

/// Does what the shim does where this process is one; `None` where it is `ira` itself.
pub fn entry(args: &[OsString]) -> Option<ExitCode> {
    let [name, lock, ..] = args else { return None };
    (name == FIRST).then(|| first(Path::new(lock)))
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

/// Runs what was ordered; a fault means that nothing was run.
fn run(files: &Files) -> Result<Ending, String> {
    script::alone()?;
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
        Err(error) => return Err(format!("its standard input cannot be read: {error}")),
    };
    let begun = Instant::now();
    let (mut child, confined) = script::start(&order, files, input)?;
    drop(lock);
    let mut watched = Watched {
        outputs: [
            Output::new(files.out(), child.stdout.take().map(OwnedFd::from)),
            Output::new(files.err(), child.stderr.take().map(OwnedFd::from)),
        ],
        below: Below::new(i32::try_from(child.id()).ok().and_then(Pid::from_raw)),
        ended: None,
    };
    watched.ended = watched.below.script.and_then(|pid| pidfd_open(pid, PidfdFlags::empty()).ok());

    let deadline = begun + Duration::from_secs(order.timeout_seconds);
    let (mut cgroup, mut gathered, mut timed_out) = (None, false, false);
    while watched.below.reap() && watched.below.status.is_none() {
        let now = Instant::now();
        timed_out = now >= deadline;
        if timed_out {
            break;
        }
        if !gathered && now >= begun + QUICK {
            (cgroup, gathered) = (kin::gather(files), true);
        }
        let until = if gathered { deadline.min(now + REAP) } else { deadline.min(begun + QUICK) };
        watched.wait(until.saturating_duration_since(now));
    }
    let millis = begun.elapsed().as_millis();
    let (ended, left) = watched.end_all(cgroup.as_deref());
    watched.drain();
    if let Some(path) = cgroup.filter(|_| left == 0) {
        let _it_goes_with_the_machine = std::fs::remove_dir(path);
    }
    let status = watched.below.status;
    let [stdout, stderr] = watched.outputs.map(Output::finish);
    Ok(Ending {
        exit: status.and_then(WaitStatus::exit_status),
        signal: status.and_then(WaitStatus::terminating_signal),
        timed_out,
        refused: None,
        ended,
        left,
        millis: u64::try_from(millis).unwrap_or(u64::MAX),
        confined,
        stdout,
        stderr,
    })
}

/// All that is looked at while a script runs.
struct Watched {
    outputs: [Output; 2],
    below: Below,
    /// Readable once the script has ended.
    ended: Option<OwnedFd>,
}

impl Watched {
    /// Waits until the script writes or ends, for no longer than `patience`, and keeps what it wrote.
    fn wait(&mut self, patience: Duration) {
        // Where the kernel does not tell of its end, it is asked often.
        let patience = if self.ended.is_some() { patience } else { patience.min(Duration::from_millis(1)) };
        let own = self.ended.as_ref().filter(|_| self.below.status.is_none());
        let open: Vec<usize> = (0..self.outputs.len()).filter(|at| self.outputs[*at].source().is_some()).collect();
        let mut fds: Vec<PollFd<'_>> = open
            .iter()
            .filter_map(|at| self.outputs[*at].source())
            .chain(own)
            .map(|fd| PollFd::new(fd, PollFlags::IN))
            .collect();
        let patience = Timespec::try_from(patience).ok();
        if poll(&mut fds, patience.as_ref()).is_err() {
            // Interrupted, or no memory: looked at again, and not at full speed.
            std::thread::sleep(Duration::from_millis(1));
            return;
        }
        let ready: Vec<usize> =
            open.into_iter().zip(&fds).filter(|(_, fd)| !fd.revents().is_empty()).map(|(at, _)| at).collect();
        for at in ready {
            self.outputs[at].read();
        }
    }

    /// Ends everything below; how many that were beside the script, and how many would not die.
    fn end_all(&mut self, cgroup: Option<&Path>) -> (usize, usize) {
        let Self { below, outputs, .. } = self;
        // Who waits for a full pipe to be read ends the sooner if it is.
        below.end_all(cgroup, &mut || outputs.iter_mut().for_each(Output::read_ready))
    }

    /// Reads to the end of what was written.
    fn drain(&mut self) {
        let until = Instant::now() + OUTPUT;
        while self.outputs.iter().any(|output| output.source().is_some()) {
            let now = Instant::now();
            if now >= until {
                return;
            }
            self.wait(until - now);
        }
    }
}
