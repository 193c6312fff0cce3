//! The processes below the shim: reaping them, and ending them.

use std::path::Path;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, WaitOptions, WaitStatus};

use crate::clients::script::kin;

/// How long the kernel has to say that nothing is left.
const AT_ONCE: Duration = Duration::from_millis(5);
/// How long processes have to end themselves.
const GRACE: Duration = Duration::from_secs(2);
/// How long they are killed over and over before they are given up.
const KILLING: Duration = Duration::from_secs(10);

/// What lives below this process.
pub(super) struct Below {
    /// The script itself.
    pub(super) script: Option<Pid>,
    /// How it ended, once it has.
    pub(super) status: Option<WaitStatus>,
}

impl Below {
    pub(super) fn new(script: Option<Pid>) -> Self {
        Self { script, status: None }
    }

    /// Reaps whatever has ended; whether anything is left.
    pub(super) fn reap(&mut self) -> bool {
        loop {
            match rustix::process::wait(WaitOptions::NOHANG) {
                Ok(Some((pid, status))) if Some(pid) == self.script => self.status = Some(status),
                Ok(Some(_)) | Err(rustix::io::Errno::INTR) => {}
                Ok(None) => return true,
                Err(_) => return false,
            }
        }
    }

    /// Ends everything below: asked first, then killed, until the kernel says that there is nothing left. Gives how many
    /// processes beside the script that were, and how many would not die. `meanwhile` is called again and again.
    pub(super) fn end_all(&mut self, cgroup: Option<&Path>, meanwhile: &mut dyn FnMut()) -> (usize, usize) {
        // The kernel says at once where nothing is left: to look among all processes takes longer than most scripts.
        if self.emptied(AT_ONCE, meanwhile) {
            return (0, 0);
        }
        let mut met = kin::descendants();
        if met.is_empty() && self.emptied(GRACE, meanwhile) {
            return (0, 0);
        }
        kin::signal(&met, Signal::TERM);
        kin::signal(&met, Signal::CONT);
        let begun = Instant::now();
        let mut empty = self.emptied(GRACE, meanwhile);
        while !empty && begun.elapsed() < KILLING {
            let now = kin::descendants();
            if let Some(cgroup) = cgroup {
                kin::kill_cgroup(cgroup);
            }
            // Stopped first, so that none can make another one while the list is gone through.
            kin::signal(&now, Signal::STOP);
            kin::signal(&now, Signal::KILL);
            met.extend(now);
            empty = self.emptied(Duration::from_millis(20), meanwhile);
        }
        if let Some(script) = self.script {
            met.remove(&script.as_raw_nonzero().get());
        }
        (met.len(), if empty { 0 } else { kin::descendants().len().max(1) })
    }

    /// Whether the last process below ends within `patience`.
    fn emptied(&mut self, patience: Duration, meanwhile: &mut dyn FnMut()) -> bool {
        let until = Instant::now() + patience;
        while self.reap() {
            let now = Instant::now();
            if now >= until {
                return false;
            }
            meanwhile();
            std::thread::sleep(Duration::from_millis(1).min(until - now));
        }
        true
    }
}
