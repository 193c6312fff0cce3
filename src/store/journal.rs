//! The journal in a file: one record for each thing that is begun, added or ended.

use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use ira_commands::context::{Ended, Journal, Open};
use ira_commands::{Effect, Fault, Kind};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::frames::{self, Held, Sync};

/// One record.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "do")]
enum Record {
    /// An attempt begins.
    Begin { id: u64, key: String, effect: Effect, at: u64, begun: Json },
    /// Something more is about to be done under it.
    Add { id: u64, more: Json },
    /// It happened.
    Done { id: u64, proof: Json },
    /// It provably did not.
    NotDone { id: u64, reason: Json },
    /// It acted and failed.
    Failed { id: u64, reason: Json },
    /// Nobody knows yet; it stays open.
    Unknown { id: u64, reason: Json },
}

/// A journal in a file of a folder, with its locks beside it. Several processes may have it open.
#[derive(Debug)]
pub struct FileJournal {
    folder: PathBuf,
    /// Whether a write failed: what is on the disk is then not known, and nothing more is begun.
    broken: Mutex<bool>,
    sync: Sync,
}

impl FileJournal {
    /// The journal of a state folder. Made at the first write.
    pub fn new(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), broken: Mutex::new(false), sync: File::sync_all }
    }

    fn path(&self) -> PathBuf {
        self.folder.join("journal.log")
    }

    fn fault(&self, what: &str, error: &io::Error) -> Fault {
        Fault::new(Kind::Failed, format!("the journal {} cannot be {what}", self.path().display()))
            .because(error.to_string())
            .because("nothing is done that cannot be written down first")
            .hint("check the disk and the folder's owner; `--resume` settles what was begun before")
    }

    fn damaged(&self, why: String) -> Fault {
        Fault::new(Kind::Failed, format!("the journal {} is damaged", self.path().display()))
            .because(why)
            .hint("keep a copy of it; the hashes in it say what was sent, and the chain says what became of it")
    }

    /// Opens the file with its lock, reads it, and has `work` write to it.
    fn with<T>(&self, work: impl FnOnce(&mut File, &Held, Vec<Record>) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut broken: MutexGuard<'_, bool> = self.broken.lock().unwrap_or_else(PoisonError::into_inner);
        if *broken {
            return Err(self.fault("written", &io::Error::other("an earlier write to it failed")));
        }
        let mut file = frames::open(&self.path(), self.sync).map_err(|error| self.fault("opened", &error))?;
        // Held for the blink of a write; released with the file.
        file.lock().map_err(|error| self.fault("locked", &error))?;
        let bytes = frames::read(&mut file).map_err(|error| self.fault("read", &error))?;
        let held = frames::parse(&bytes).map_err(|why| self.damaged(why))?;
        if held.torn > 0 {
            tracing::warn!("the last record of {} was torn by a crash: {} bytes", self.path().display(), held.torn);
        }
        let records = held.records.iter().map(|record| {
            serde_json::from_str(record).map_err(|error| self.damaged(format!("a record cannot be read: {error}")))
        });
        let records = records.collect::<Result<Vec<Record>, Fault>>()?;
        let done = work(&mut file, &held, records);
        *broken = done.as_ref().is_err_and(|fault| fault.kind == Kind::Failed);
        done
    }

    fn append(&self, file: &mut File, held: &Held, record: &Record) -> Result<(), Fault> {
        let text = serde_json::to_string(record)
            .map_err(|error| Fault::new(Kind::Failed, "a record cannot be written").because(error.to_string()))?;
        frames::append(file, held, &text, self.sync).map_err(|error| self.fault("written", &error))
    }
}

/// The attempts without an end.
fn open(records: Vec<Record>) -> BTreeMap<u64, Open> {
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
            Record::Unknown { id, reason } => {
                if let Some(attempt) = open.get_mut(&id) {
                    attempt.added.push(serde_json::json!({ "unknown": reason }));
                }
            }
            Record::Done { id, .. } | Record::NotDone { id, .. } | Record::Failed { id, .. } => {
                open.remove(&id);
            }
        }
    }
    open
}

impl Journal for FileJournal {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + std::marker::Sync>, Fault> {
        let path = self.folder.join("locks").join(format!("{name}.lock"));
        let failed = |error: &io::Error| {
            Fault::new(Kind::Failed, format!("the lock {} cannot be taken", path.display())).because(error.to_string())
        };
        let file = frames::open(&path, self.sync).map_err(|error| failed(&error))?;
        match file.try_lock() {
            Ok(()) => Ok(Box::new(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Fault::new(Kind::Busy, "another ira is at work with the same key on the same network")
                    .because(format!("it holds {}", path.display()))
                    .hint("wait for it to end, and run this again"))
            }
            Err(TryLockError::Error(error)) => Err(failed(&error)),
        }
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        if !self.path().exists() {
            return Ok(Vec::new());
        }
        self.with(|_, _, records| Ok(open(records).into_values().collect()))
    }

    fn begin(&self, key: &str, effect: Effect, at: u64, begun: &Json) -> Result<u64, Fault> {
        self.with(|file, held, records| {
            let ids = records.iter().filter_map(|record| match record {
                Record::Begin { id, .. } => Some(*id),
                _ => None,
            });
            let id = ids.max().unwrap_or(0) + 1;
            let record = Record::Begin { id, key: key.to_owned(), effect, at, begun: begun.clone() };
            self.append(file, held, &record)?;
            Ok(id)
        })
    }

    fn add(&self, id: u64, more: &Json) -> Result<(), Fault> {
        self.with(|file, held, _| self.append(file, held, &Record::Add { id, more: more.clone() }))
    }

    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault> {
        let record = match ended {
            Ended::Done(proof) => Record::Done { id, proof: proof.clone() },
            Ended::NotDone(reason) => Record::NotDone { id, reason: reason.clone() },
            Ended::Failed(reason) => Record::Failed { id, reason: reason.clone() },
            Ended::Unknown(reason) => Record::Unknown { id, reason: reason.clone() },
        };
        self.with(|file, held, _| self.append(file, held, &record))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_was_begun_is_open_until_it_ended_also_for_the_next_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(folder.path());
        assert_eq!(journal.open().expect("empty"), []);
        let first = journal.begin("a", Effect::Once, 7, &json!({ "raw": "0x01" })).expect("begun");
        let second = journal.begin("b", Effect::Idempotent, 8, &json!({})).expect("begun");
        journal.add(first, &json!({ "raw": "0x02" })).expect("added");
        journal.end(second, &Ended::Done(json!({}))).expect("ended");
        let next = FileJournal::new(folder.path());
        let open = next.open().expect("read");
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].key.as_str(), open[0].at, open[0].added.len()), ("a", 7, 1));
        assert_eq!(next.begin("c", Effect::Once, 9, &json!({})).expect("begun"), 3);
        next.end(first, &Ended::NotDone(json!({}))).expect("ended");
        assert_eq!(journal.open().expect("read").len(), 1);
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (FileJournal::new(folder.path()), FileJournal::new(folder.path()));
        let held = one.hold("chain-1-0xab").expect("free");
        assert_eq!(two.hold("chain-1-0xab").err().map(|fault| fault.kind), Some(Kind::Busy));
        assert!(two.hold("chain-2-0xab").is_ok());
        drop(held);
        assert!(two.hold("chain-1-0xab").is_ok());
    }

    #[test]
    fn a_disk_that_does_not_sync_ends_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut journal = FileJournal::new(folder.path());
        journal.begin("a", Effect::Once, 0, &json!({})).expect("begun");
        journal.sync = |_| Err(io::Error::from_raw_os_error(5));
        assert_eq!(journal.begin("b", Effect::Once, 0, &json!({})).expect_err("EIO").kind, Kind::Failed);
        // Even if the disk came back: what of it was written is not known to this process.
        journal.sync = File::sync_all;
        assert!(journal.begin("b", Effect::Once, 0, &json!({})).is_err() && journal.open().is_err());
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().expect("a folder");
        let journal = FileJournal::new(&folder.path().join("ira"));
        journal.begin("a", Effect::Once, 0, &json!({})).expect("begun");
        let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&journal.path()), mode(&folder.path().join("ira"))), (0o600, 0o700));
    }
}
