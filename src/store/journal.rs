//! The journal of commands by hand, in the store.

use std::fs::TryLockError;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

use ira_commands::context::{Ended, Journal, Open};
use ira_commands::{Effect, Fault, Kind};
use serde_json::Value as Json;

use super::api::Store;
use super::ask::HandBegin;
use super::model::{AttemptId, RunId};
use super::sqlite::{Options, Sqlite};
use super::{frames, old};

/// The file of a state folder in which the store is.
pub const FILE: &str = "ira.db";

/// The journal of one command by hand: whatever it begins belongs to one run. The locks are files beside the store.
/// Several processes may have it open.
pub struct StoreJournal {
    store: Arc<dyn Store>,
    folder: PathBuf,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The run, once something was begun.
    run: Option<RunId>,
    /// A write failed: what is on the disk is then not known, and nothing more is begun.
    broken: bool,
}

impl StoreJournal {
    /// The journal of a state folder, with its store, made where it is missing; what an older one left open in
    /// `journal.log` is in it.
    pub fn open(folder: &Path) -> Result<Self, Fault> {
        Self::open_with(folder, Options::default())
    }

    /// The same, with a store that is opened in another way.
    pub fn open_with(folder: &Path, options: Options) -> Result<Self, Fault> {
        let store = Sqlite::open(&folder.join(FILE), options)?;
        wait(old::take_over(&store, folder))?;
        Ok(Self::over(Arc::new(store), folder))
    }

    /// Over a store that is open; `folder` is where the locks are.
    pub fn over(store: Arc<dyn Store>, folder: &Path) -> Self {
        Self { store, folder: folder.to_owned(), state: Mutex::default() }
    }

    /// The store under it.
    pub fn store(&self) -> &dyn Store {
        self.store.as_ref()
    }

    fn with<T>(&self, work: impl FnOnce(&mut State) -> Result<T, Fault>) -> Result<T, Fault> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        if state.broken {
            return Err(Fault::new(Kind::Failed, "nothing more can be written down: an earlier write failed")
                .hint("`--resume` settles what was begun before"));
        }
        let done = work(&mut state);
        state.broken = done.as_ref().is_err_and(|fault| fault.kind == Kind::Failed);
        done
    }
}

impl Journal for StoreJournal {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        hold(&self.folder, name)
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        self.with(|_| wait(self.store.hand_open()))
    }

    fn begin(&self, key: &str, effect: Effect, _at: u64, begun: &Json) -> Result<u64, Fault> {
        self.with(|state| {
            let ask = HandBegin {
                run: state.run,
                key: format!("hand:{:016x}{:016x}", rand::random::<u64>(), rand::random::<u64>()),
                path: key.to_owned(),
                effect,
                worker: format!("hand:{}", std::process::id()),
                at: None,
                begun: begun.clone(),
                added: Vec::new(),
            };
            let step = wait(self.store.hand_begin(ask))??;
            state.run = Some(step.run);
            Ok(step.id.0)
        })
    }

    fn add(&self, id: u64, more: &Json) -> Result<(), Fault> {
        self.with(|_| Ok(wait(self.store.add(AttemptId(id), more.clone()))??))
    }

    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault> {
        self.with(|_| {
            wait(self.store.hand_end(AttemptId(id), ended.clone()))??;
            Ok(())
        })
    }
}

/// Takes a lock of a state folder: a file that one process at a time has.
pub fn hold(folder: &Path, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
    let path = folder.join("locks").join(format!("{name}.lock"));
    let failed = |error: &std::io::Error| {
        Fault::new(Kind::Failed, format!("the lock {} cannot be taken", path.display())).because(error.to_string())
    };
    let file = frames::open(&path).map_err(|error| failed(&error))?;
    match file.try_lock() {
        Ok(()) => Ok(Box::new(file)),
        Err(TryLockError::WouldBlock) => Err(Fault::new(Kind::Busy, "another ira is at work on the same thing")
            .because(format!("it holds {}", path.display()))
            .hint("wait for it to end, and run this again")),
        Err(TryLockError::Error(error)) => Err(failed(&error)),
    }
}

struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Waits for an answer of the store's threads, also from within a task: it is a blink, as a write to a file is.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    let mut future = pin!(future);
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(done) => return done,
            Poll::Pending => std::thread::park(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::sync::atomic::{AtomicBool, Ordering};

    use serde_json::json;

    use super::super::frames::tests::framed;
    use super::*;

    fn journal(folder: &Path) -> StoreJournal {
        StoreJournal::open(folder).expect("it opens")
    }

    #[test]
    fn what_was_begun_is_open_until_it_ended_also_for_the_next_process() {
        let folder = tempfile::tempdir().expect("a folder");
        let first = journal(folder.path());
        assert_eq!(Journal::open(&first).expect("empty"), []);
        let a = first.begin("a", Effect::Once, 7, &json!({ "raw": "0x01" })).expect("begun");
        let b = first.begin("b", Effect::Idempotent, 8, &json!({})).expect("begun");
        first.add(a, &json!({ "raw": "0x02" })).expect("added");
        first.end(b, &Ended::Done(json!({}))).expect("ended");
        let next = journal(folder.path());
        let open = Journal::open(&next).expect("read");
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].key.as_str(), open[0].id, open[0].added.len()), ("a", a, 1));
        assert!(next.begin("c", Effect::Once, 9, &json!({})).expect("begun") > b);
        next.end(a, &Ended::NotDone(json!({}))).expect("ended");
        next.end(a, &Ended::NotDone(json!({}))).expect("said again");
        assert!(next.end(a, &Ended::Done(json!({}))).is_err(), "an end is an end");
        assert_eq!(Journal::open(&first).expect("read").len(), 1);
    }

    #[test]
    fn a_command_by_hand_is_one_run_and_each_attempt_costs_two_commits() {
        let folder = tempfile::tempdir().expect("a folder");
        let store = Arc::new(Sqlite::open(&folder.path().join(FILE), Options::default()).expect("it opens"));
        let journal = StoreJournal::over(Arc::<Sqlite>::clone(&store), folder.path());
        for key in ["a", "b", "a"] {
            let before = store.commits();
            let id = journal.begin(key, Effect::Once, 0, &json!({})).expect("begun");
            journal.end(id, &Ended::Done(json!({}))).expect("ended");
            assert_eq!(store.commits() - before, 2);
        }
        let runs = wait(store.runs(crate::store::ask::Filter::All)).expect("listed");
        // The second `a` is about what happened in the first run already.
        assert_eq!(runs.iter().map(|run| run.state.word()).collect::<Vec<_>>(), ["succeeded", "succeeded"]);
    }

    #[test]
    fn what_an_older_journal_left_open_is_found_and_settled() {
        let folder = tempfile::tempdir().expect("a folder");
        let records = [
            r#"{"do":"begin","id":1,"key":"chain/1/0xab/fund","effect":"once","at":7,"begun":{"raw":"0x01"}}"#,
            r#"{"do":"begin","id":2,"key":"other","effect":"once","at":8,"begun":{}}"#,
            r#"{"do":"add","id":1,"more":{"raw":"0x02"}}"#,
            r#"{"do":"done","id":2,"proof":{}}"#,
        ];
        let file: String = records.iter().map(|record| framed(record)).collect();
        let path = folder.path().join("journal.log");
        std::fs::write(&path, &file).expect("written");
        let open = Journal::open(&journal(folder.path())).expect("read");
        assert_eq!(open.len(), 1);
        assert_eq!((open[0].key.as_str(), open[0].at), ("chain/1/0xab/fund", 7));
        assert_eq!((&open[0].begun, &open[0].added[..]), (&json!({ "raw": "0x01" }), &[json!({ "raw": "0x02" })][..]));
        assert!(!path.exists());
        // It broke off before the file had its other name.
        std::fs::write(&path, &file).expect("written");
        let again = journal(folder.path());
        assert_eq!(Journal::open(&again).expect("read"), open, "taken over once");
        again.end(open[0].id, &Ended::Done(json!({}))).expect("settled");
        std::fs::write(&path, file.replace("begin", "begun")).expect("written");
        assert!(StoreJournal::open(folder.path()).is_err(), "damage is not passed over");
    }

    #[test]
    fn a_lock_is_held_by_one_at_a_time() {
        let folder = tempfile::tempdir().expect("a folder");
        let (one, two) = (journal(folder.path()), journal(folder.path()));
        let held = one.hold("chain-1-0xab").expect("free");
        assert_eq!(two.hold("chain-1-0xab").err().map(|fault| fault.kind), Some(Kind::Busy));
        assert!(two.hold("chain-2-0xab").is_ok());
        drop(held);
        assert!(two.hold("chain-1-0xab").is_ok());
    }

    #[test]
    fn a_disk_that_does_not_sync_ends_everything() {
        let folder = tempfile::tempdir().expect("a folder");
        let failing = Arc::new(AtomicBool::new(false));
        let (disk, fatal) = (Arc::clone(&failing), Arc::new(AtomicBool::new(false)));
        let told = Arc::clone(&fatal);
        let options = Options {
            before_commit: Some(Arc::new(move || {
                if disk.load(Ordering::SeqCst) { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
            })),
            fatal: Arc::new(move |_| told.store(true, Ordering::SeqCst)),
            ..Options::default()
        };
        let journal = StoreJournal::open_with(folder.path(), options).expect("it opens");
        journal.begin("a", Effect::Once, 0, &json!({})).expect("begun");
        failing.store(true, Ordering::SeqCst);
        assert_eq!(journal.begin("b", Effect::Once, 0, &json!({})).expect_err("EIO").kind, Kind::Failed);
        // Even if the disk came back: what of it was written is not known to this process.
        failing.store(false, Ordering::SeqCst);
        assert!(journal.begin("b", Effect::Once, 0, &json!({})).is_err() && Journal::open(&journal).is_err());
        drop(journal);
        assert!(fatal.load(Ordering::SeqCst), "and the process would have ended");
    }
}
