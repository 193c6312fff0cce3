//! `journal.log`, which was the journal before there was a store: what is open in it is taken over once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io;
use std::path::Path;

use ira_commands::context::Open;
use ira_commands::{Effect, Fault, Kind};
use serde::Deserialize;
use serde_json::Value as Json;

use super::api::Store;
use super::ask::HandBegin;
use super::frames;

/// One record.
#[derive(Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
enum Record {
    /// An attempt begins.
    Begin { id: u64, key: String, effect: Effect, at: u64, begun: Json },
    /// Something more is about to be done under it.
    Add { id: u64, more: Json },
    /// It happened.
    Done { id: u64 },
    /// It provably did not.
    NotDone { id: u64 },
}

/// Takes over what is open in `journal.log` of a folder, and gives the file another name. Broken off anywhere it is done
/// again without harm.
pub(super) async fn take_over(store: &dyn Store, folder: &Path) -> Result<(), Fault> {
    let path = folder.join("journal.log");
    if !path.exists() {
        return Ok(());
    }
    let failed = |what: &str, error: &io::Error| {
        Fault::new(Kind::Failed, format!("the journal {} cannot be {what}", path.display()))
            .because(error.to_string())
            .hint("check the folder's owner; what is open in it has to be settled before anything else is done")
    };
    let mut file = match File::options().read(true).write(true).open(&path) {
        // Another process was faster.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        opened => opened.map_err(|error| failed("opened", &error))?,
    };
    file.lock().map_err(|error| failed("locked", &error))?;
    let bytes = frames::read(&mut file).map_err(|error| failed("read", &error))?;
    let damaged = |why: String| {
        Fault::new(Kind::Failed, format!("the journal {} is damaged", path.display()))
            .because(why)
            .hint("keep a copy of it; the hashes in it say what was sent, and the chain says what became of it")
    };
    let held = frames::parse(&bytes).map_err(damaged)?;
    let records = held.records.iter().map(|record| {
        serde_json::from_str(record).map_err(|error| damaged(format!("a record cannot be read: {error}")))
    });
    for open in open(records.collect::<Result<Vec<Record>, Fault>>()?) {
        let ask = HandBegin {
            run: None,
            key: format!("journal.log:{}:{}:{}", open.id, open.at, open.key),
            path: open.key,
            effect: open.effect,
            worker: "journal.log".to_owned(),
            at: Some(open.at.saturating_mul(1000)),
            begun: open.begun,
            added: open.added,
        };
        store.hand_begin(ask).await??;
    }
    match std::fs::rename(&path, folder.join("journal.log.taken-over")) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        renamed => renamed.map_err(|error| failed("renamed", &error)),
    }
}

/// The attempts without an end.
fn open(records: Vec<Record>) -> Vec<Open> {
    let mut open = BTreeMap::new();
    for record in records {
        match record {
            Record::Begin { id, key, effect, at, begun } => {
                open.insert(id, Open { id, key, effect, at, begun, added: Vec::new() });
            }
            Record::Add { id, more } => {
                if let Some(attempt) = open.get_mut(&id) {
                    attempt.added.push(more);
                }
            }
            Record::Done { id } | Record::NotDone { id } => {
                open.remove(&id);
            }
        }
    }
    open.into_values().collect()
}
