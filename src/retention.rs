//! What is let go: runs that ended long ago, and the files that only they speak of. The store says which runs; what lies
//! beside it is looked through by age, so that a process that dies in between leaves nothing behind for ever.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::Path;
use std::time::{Duration, SystemTime};

use ira_commands::{Fault, Kind};

use crate::store::Store;
use crate::store::ask::{Dropped, Filter, Retention};

/// The folder of the attempts of scripts, in the state folder.
pub const ATTEMPTS: &str = "attempts";
/// The folder of the long answers of steps.
const OUTPUTS: &str = "outputs";
/// The file whose age says when this was done last.
const STAMP: &str = "swept";
const DAY: u64 = 86_400;

/// How long is kept where nothing else is said: runs 90 days, alerts that came in 30.
pub const USUAL: Retention =
    Retention { runs: Duration::from_secs(90 * DAY), dedup: Duration::from_secs(30 * DAY), bytes: None };

/// What was let go.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Swept {
    /// Of the store.
    pub dropped: Dropped,
    /// Attempts of scripts, with their outputs.
    pub scripts: usize,
    /// Answers of steps.
    pub outputs: usize,
}

/// Lets go of what need not be kept, in the store and in the state folder beside it.
pub async fn sweep(store: &dyn Store, keep: Retention, state: &Path) -> Result<Swept, Fault> {
    let dropped = store.retain(keep).await?;
    let now = SystemTime::UNIX_EPOCH + Duration::from_millis(store.now().await?);
    let since = now.checked_sub(keep.runs).unwrap_or(SystemTime::UNIX_EPOCH);
    let scripts = attempts(&state.join(ATTEMPTS), since).map_err(|error| unread(ATTEMPTS, &error))?;
    let outputs = outputs(&state.join(OUTPUTS), since).map_err(|error| unread(OUTPUTS, &error))?;
    let mut swept = Swept { dropped, ..Swept::default() };
    if scripts.is_empty() && outputs.is_empty() {
        return Ok(swept);
    }
    let kept = Kept::of(store).await?;
    for name in scripts.iter().filter(|name| !kept.scripts.contains(*name)) {
        forget(&state.join(ATTEMPTS), name);
        swept.scripts += 1;
    }
    for file in outputs.iter().filter(|file| !kept.speaks_of(file)) {
        if fs::remove_file(state.join(OUTPUTS).join(file)).is_ok() {
            swept.outputs += 1;
        }
    }
    Ok(swept)
}

/// The same once a day, for processes that come and go. What does not work is tried again the next day: nobody waits for
/// it.
pub async fn daily(store: &dyn Store, state: &Path) {
    let done = async {
        let stamp = state.join(STAMP);
        let now = SystemTime::UNIX_EPOCH + Duration::from_millis(store.now().await?);
        let last = fs::metadata(&stamp).and_then(|metadata| metadata.modified());
        if last.is_ok_and(|last| now.duration_since(last).is_ok_and(|since| since.as_secs() < DAY)) {
            return Ok(());
        }
        fs::write(&stamp, "").map_err(|error| unread(STAMP, &error))?;
        sweep(store, USUAL, state).await.map(|swept| tracing::info!("let go: {swept:?}"))
    };
    if let Err(fault) = done.await {
        tracing::warn!("what is old could not be let go: {fault}");
    }
}

/// What the runs that are kept speak of.
#[derive(Default)]
struct Kept {
    runs: BTreeSet<u64>,
    attempts: BTreeSet<u64>,
    scripts: BTreeSet<String>,
}

impl Kept {
    async fn of(store: &dyn Store) -> Result<Self, Fault> {
        let mut kept = Self::default();
        for run in store.runs(Filter::All).await? {
            kept.runs.insert(run.id.0);
            let steps = store.run(run.id).await?.map(|story| story.steps).unwrap_or_default();
            for step in steps {
                kept.attempts.insert(step.id.0);
                kept.scripts.extend(step.begun["more"]["attempt"].as_str().map(str::to_owned));
            }
        }
        Ok(kept)
    }

    /// Whether a file is of a run that is kept: named `ATTEMPT.json`, or `RUN-STEP.json`.
    fn speaks_of(&self, file: &str) -> bool {
        let name = file.split('.').next().unwrap_or_default();
        match name.split_once('-') {
            Some((run, _)) => run.parse().is_ok_and(|run| self.runs.contains(&run)),
            None => name.parse().is_ok_and(|attempt| self.attempts.contains(&attempt)),
        }
    }
}

fn unread(folder: &str, error: &io::Error) -> Fault {
    Fault::new(Kind::Failed, format!("the folder `{folder}` beside the store cannot be read"))
        .because(error.to_string())
}

/// The same without a folder: then there is nothing.
fn there<T: Default>(read: io::Result<T>) -> io::Result<T> {
    match read {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(T::default()),
        other => other,
    }
}

#[cfg(target_os = "linux")]
fn attempts(folder: &Path, since: SystemTime) -> io::Result<Vec<String>> {
    there(crate::clients::script::idle(folder, since))
}

#[cfg(not(target_os = "linux"))]
fn attempts(_folder: &Path, _since: SystemTime) -> io::Result<Vec<String>> {
    Ok(Vec::new())
}

#[cfg(target_os = "linux")]
fn forget(folder: &Path, name: &str) {
    crate::clients::script::forget(folder, name);
}

#[cfg(not(target_os = "linux"))]
fn forget(_folder: &Path, _name: &str) {}

/// The answers of which nothing was written since a time.
fn outputs(folder: &Path, since: SystemTime) -> io::Result<Vec<String>> {
    let mut old = Vec::new();
    for entry in there(fs::read_dir(folder).map(Some))?.into_iter().flatten() {
        let entry = entry?;
        if entry.metadata()?.modified()? < since {
            old.extend(entry.file_name().to_str().map(str::to_owned));
        }
    }
    Ok(old)
}
