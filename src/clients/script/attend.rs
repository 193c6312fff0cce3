//! Looking after an attempt, whoever began it.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use ira_commands::ports::Progress;
use ira_commands::ports::host::{ScriptEnd, ScriptFate, ScriptOutput};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use rustix::process::Signal;
use tokio::sync::oneshot;
use tokio::time::{sleep, timeout};

use super::Mask;
use super::files::{Ending, Files, Spilled, replace};
use super::kin;

/// How often what it wrote is looked at.
const LOOK: Duration = Duration::from_millis(250);
/// How long what is killed may take to be gone.
const DYING: Duration = Duration::from_secs(5);
/// What is read of either end of an output, bytes.
const SHOWN: u64 = 4096;

/// Waits until nothing of it lives, and says how it ended.
pub(super) async fn wait(
    files: &Files,
    seconds: u64,
    progress: &dyn Progress,
    mask: &Mask,
) -> Result<ScriptFate, Fault> {
    let until = Instant::now() + Duration::from_secs(seconds);
    let mut freed = freed(files);
    loop {
        match timeout(LOOK, &mut freed).await {
            // Whoever had the lock is gone, or there never was one.
            Ok(_) => break,
            Err(_) if Instant::now() >= until => return Ok(ScriptFate::Alive),
            Err(_) => say(files, progress, mask),
        }
    }
    // Its shim may have been killed alone, and the script have closed every file: then its mark is still in it.
    loop {
        if let Some(ending) = read(files)? {
            return Ok(ScriptFate::Ended(Box::new(ended(files, ending, mask)?)));
        }
        if !is_alive(files) {
            break;
        }
        if Instant::now() >= until {
            return Ok(ScriptFate::Alive);
        }
        sleep(LOOK).await;
    }
    // It may have ended between the two looks.
    if let Some(ending) = read(files)? {
        return Ok(ScriptFate::Ended(Box::new(ended(files, ending, mask)?)));
    }
    // Its shim would have removed it.
    let _none_or_gone = cgroup(files).map(std::fs::remove_dir);
    Ok(ScriptFate::Vanished)
}

/// Kills whatever belongs to it; gives how much would not die.
pub(super) async fn stop(files: &Files) -> usize {
    let cgroup = cgroup(files);
    let until = Instant::now() + DYING;
    loop {
        let alive = kin::of_attempt(&files.marker(), &files.lock(), cgroup.as_deref());
        if alive.is_empty() || Instant::now() >= until {
            return alive.len();
        }
        if let Some(path) = &cgroup {
            kin::kill_cgroup(path);
        }
        kin::signal(&alive, Signal::KILL);
        sleep(Duration::from_millis(20)).await;
    }
}

/// Comes true when nobody holds the lock. A thread of its own waits for it, which ends with the process at the latest.
fn freed(files: &Files) -> oneshot::Receiver<()> {
    let (send, freed) = oneshot::channel();
    let path = files.lock();
    std::thread::spawn(move || {
        if let Ok(file) = File::open(path) {
            let _free_or_not_to_be_had = file.lock_shared();
        }
        let _nobody_waits_any_more = send.send(());
    });
    freed
}

/// Whether anything of it lives.
pub(super) fn is_held(files: &Files) -> bool {
    let held = match File::open(files.lock()) {
        Ok(file) => file.try_lock_shared().is_err(),
        // There never was a lock, or it is not for us to see.
        Err(error) => error.kind() != std::io::ErrorKind::NotFound,
    };
    held || is_alive(files)
}

fn cgroup(files: &Files) -> Option<PathBuf> {
    std::fs::read_to_string(files.cgroup()).ok().map(PathBuf::from)
}

fn is_alive(files: &Files) -> bool {
    let cgroup = cgroup(files);
    cgroup.as_deref().is_some_and(kin::is_populated)
        || !kin::of_attempt(&files.marker(), &files.lock(), cgroup.as_deref()).is_empty()
}

fn read(files: &Files) -> Result<Option<Ending>, Fault> {
    Ending::read(files).map_err(|error| {
        Fault::new(Kind::Failed, format!("{} cannot be read", files.result().display())).because(error.to_string())
    })
}

/// The last line that it wrote.
fn say(files: &Files, progress: &dyn Progress, mask: &Mask) {
    let text = end_of(&files.out());
    if let Some(line) = text.lines().rev().find(|line| !line.trim().is_empty()) {
        progress.stage(&excerpt(&mask(line), 100));
    }
}

fn end_of(path: &Path) -> String {
    let mut bytes = Vec::new();
    if let Ok(mut file) = File::open(path) {
        let length = file.metadata().map_or(0, |metadata| metadata.len());
        let _from_the_start = file.seek(SeekFrom::Start(length.saturating_sub(SHOWN)));
        let _as_far_as_it_goes = file.take(SHOWN).read_to_end(&mut bytes);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// How it ended, with what it wrote, known secrets masked there and on the disk.
fn ended(files: &Files, ending: Ending, mask: &Mask) -> Result<ScriptEnd, Fault> {
    Ok(ScriptEnd {
        exit: ending.exit,
        signal: ending.signal,
        timed_out: ending.timed_out,
        refused: ending.refused,
        ended: ending.ended,
        left: ending.left,
        millis: ending.millis,
        stdout: output(&files.out(), ending.stdout, mask)?,
        stderr: output(&files.err(), ending.stderr, mask)?,
        confined: ending.confined,
    })
}

fn output(path: &Path, spilled: Spilled, mask: &Mask) -> Result<ScriptOutput, Fault> {
    // Capped by the shim. One that is not there was never begun.
    let bytes = std::fs::read(path).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let masked = mask(&text);
    if masked != text {
        replace(path, masked.as_bytes()).map_err(|error| {
            Fault::new(Kind::Failed, format!("a secret stands in {}, and cannot be taken out", path.display()))
                .because(error.to_string())
        })?;
    }
    let shown = usize::try_from(SHOWN).unwrap_or(usize::MAX);
    let head: String = masked.chars().take(shown).collect();
    let count = masked.chars().count();
    let tail = if count > shown { masked.chars().skip((count - shown).max(shown)).collect() } else { String::new() };
    Ok(ScriptOutput { bytes: spilled.bytes, sha256: spilled.sha256, head, tail, file: path.display().to_string() })
}
