//! What this machine remembers of the store: the last step that was begun and is not safe to repeat. A store that does not
//! know it is an older copy, and what it says of runs under way is not to be believed.

use std::fs;
use std::path::{Path, PathBuf};

use ira_commands::{Fault, Kind};
use serde::{Deserialize, Serialize};

use crate::retention::USUAL;
use crate::store::Store;
use crate::store::model::RunId;

/// What is remembered of a store.
#[derive(Debug, Serialize, Deserialize)]
struct Remembered {
    /// Which time it was restored.
    store_epoch: u64,
    /// The run in which something was begun,
    run: RunId,
    /// how many events it had then,
    seq: u64,
    /// and the hash of the last one.
    head: String,
    /// When that was, unix milliseconds by the store's clock.
    at: u64,
}

fn file(folder: &Path, cluster: &str) -> PathBuf {
    folder.join(format!("remembered-{cluster}.json"))
}

/// Remembers that something was begun in a run.
pub(super) async fn remember(store: &dyn Store, folder: &Path, run: RunId) -> Result<(), Fault> {
    let identity = store.identity().await?;
    let Some(run) = store.run(run).await?.map(|story| story.run) else { return Ok(()) };
    let (seq, head) = (run.seq, run.head);
    let remembered = Remembered { store_epoch: identity.store_epoch, run: run.id, seq, head, at: store.now().await? };
    let path = file(folder, &identity.cluster_id);
    let kept = serde_json::to_vec(&remembered).map_err(std::io::Error::other).and_then(|text| {
        let draft = path.with_extension(format!("{}.part", std::process::id()));
        fs::create_dir_all(folder)?;
        fs::write(&draft, text).and_then(|()| fs::rename(&draft, &path))
    });
    kept.map_err(|error| {
        Fault::new(Kind::Failed, format!("{} cannot be written", path.display())).because(error.to_string())
    })
}

/// Why the store is not to be believed; none where nothing speaks against it. One that was restored knowingly, with its
/// epoch raised, is another one.
pub(super) async fn behind(store: &dyn Store, folder: &Path) -> Result<Option<String>, Fault> {
    let identity = store.identity().await?;
    let path = file(folder, &identity.cluster_id);
    let Ok(text) = fs::read_to_string(&path) else { return Ok(None) };
    let Ok(known) = serde_json::from_str::<Remembered>(&text) else { return Ok(None) };
    let mend =
        format!("look at every run that was under way (`ira run list --orphans`), then remove {}", path.display());
    if identity.store_epoch < known.store_epoch {
        return Ok(Some(format!(
            "the store is an older copy: it was restored {} times, and this machine saw {}; {mend}",
            identity.store_epoch, known.store_epoch
        )));
    }
    let old = store.now().await?.saturating_sub(known.at) > u64::try_from(USUAL.runs.as_millis()).unwrap_or(u64::MAX);
    // What is long past may have been let go.
    if identity.store_epoch > known.store_epoch || old {
        return Ok(None);
    }
    let events = store.events(known.run).await?;
    let there = events.iter().any(|event| event.seq == known.seq && event.hash() == known.head);
    Ok((!there).then(|| {
        format!("the store is an older copy: it does not know what was begun in run {} last; {mend}", known.run)
    }))
}
