//! The file itself: whose it is, whether it is whole, who may read it, who shares it.

#![expect(non_snake_case, reason = "named for the invariants")]

use std::path::Path;
use std::sync::Arc;

use ira::store::ask::{Dropped, Filter, Outcome, Retention, Which};
use ira::store::clock::Manual;
use ira::store::event::check;
use ira::store::{Options, RunState, Sqlite, Store, Trace, open};
use ira_commands::{Fault, Kind};
use rusqlite::Connection;

use super::{SECOND, START, admit, block, ended, finish, on_each, sqlite, taken, unguarded, write};

fn refusal(path: &Path) -> Fault {
    Sqlite::open(path, Options::default()).err().expect("it is refused")
}

#[test]
fn fault_28_a_store_of_a_newer_ira_is_refused_and_not_touched() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ira.db");
    drop(Sqlite::open(&path, Options::default()).expect("made"));
    let raw = Connection::open(&path).expect("open");
    raw.pragma_update(None, "user_version", 99).expect("written");
    drop(raw);
    let fault = refusal(&path);
    assert!(fault.message.contains("newer ira") && fault.causes[0].contains("99"), "{fault}");
    let version: i64 = Connection::open(&path)
        .and_then(|raw| raw.query_row("PRAGMA user_version", [], |row| row.get(0)))
        .expect("read");
    assert_eq!(version, 99);
}

#[test]
fn somebody_elses_database_is_refused() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("theirs.db");
    Connection::open(&path).and_then(|raw| raw.execute_batch("CREATE TABLE t (a)")).expect("made");
    assert!(refusal(&path).message.contains("not one of ira's"));
    assert_eq!(open("postgres://x").err().map(|fault| fault.kind), Some(Kind::Config));
    assert!(open("memory:").is_ok());
}

#[test]
fn fault_16_a_damaged_file_is_refused_with_its_repair() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("ira.db");
    let store = Sqlite::open(&path, Options::default()).expect("made");
    for index in 0..50 {
        let name = format!("{index}");
        block(store.admit(admit(&name, &name, "p"))).expect("kept");
    }
    drop(store);
    Connection::open(&path)
        .and_then(|raw| raw.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(())))
        .expect("all in one file");
    let whole = std::fs::read(&path).expect("read");
    assert!(whole.len() > 40_000);
    let mut torn = whole.clone();
    torn[8192..32768].fill(0x5a);
    let mut head = whole.clone();
    head[..100].fill(0);
    for bad in [torn, head, whole[..whole.len() / 2].to_vec()] {
        std::fs::write(&path, bad).expect("damaged");
        let fault = refusal(&path);
        assert!(fault.message.contains("damaged"), "{fault}");
        assert!(fault.hint.as_deref().is_some_and(|hint| hint.contains(".recover")), "{fault:?}");
    }
    std::fs::write(&path, whole).expect("mended");
    assert!(Sqlite::open(&path, Options::default()).is_ok());
}

#[cfg(unix)]
#[test]
fn only_its_owner_reads_it() {
    use std::os::unix::fs::PermissionsExt as _;
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("state/ira.db");
    let store = Sqlite::open(&path, Options::default()).expect("made");
    block(store.admit(admit("a", "a", "p"))).expect("kept");
    let mode = |path: &Path| std::fs::metadata(path).expect("there").permissions().mode() & 0o777;
    assert_eq!(mode(&folder.path().join("state")), 0o700);
    for name in ["ira.db", "ira.db-wal", "ira.db-shm"] {
        assert_eq!(mode(&folder.path().join("state").join(name)), 0o600, "{name}");
    }
}

#[test]
fn several_processes_share_it_and_each_run_is_taken_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = Arc::new(folder.path().join("ira.db"));
    // All at once, also the first opening.
    let threads: Vec<_> = (0..4)
        .map(|worker| {
            let path = Arc::clone(&path);
            std::thread::spawn(move || {
                let store = Sqlite::open(&path, Options::default()).expect("it opens");
                let mut taken = Vec::new();
                block(async {
                    for index in 0..25 {
                        let name = format!("{worker}/{index}");
                        store.admit(admit(&name, &name, "p")).await.expect("kept");
                    }
                    let name = format!("worker {worker}");
                    while let Some(run) =
                        store.claim(&name, 600 * SECOND, Which::Next).await.expect("asked").expect("not denied")
                    {
                        taken.push(run.id);
                    }
                });
                taken
            })
        })
        .collect();
    let mut all: Vec<_> = threads.into_iter().flat_map(|thread| thread.join().expect("it ends")).collect();
    let count = all.len();
    all.sort_unstable();
    all.dedup();
    assert_eq!((count, all.len()), (100, 100));
}

#[test]
fn I24_a_store_that_is_opened_with_the_clock_behind_goes_on_where_it_was() {
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    let store = sqlite(folder.path(), &ticks);
    ticks.pass(100 * SECOND);
    block(store.admit(admit("a", "a", "p"))).expect("kept");
    drop(store);
    let behind = Arc::new(Manual::at(START - 3_600_000));
    let store = sqlite(folder.path(), &behind);
    assert_eq!(block(store.now()).expect("a time"), START + 100_000);
    assert_eq!(block(store.identity()).expect("read").high_water, START + 100_000);
}

#[test]
fn I19_a_changed_event_is_noticed() {
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    let store = sqlite(folder.path(), &ticks);
    block(async {
        let run = taken(&store, "disk").await;
        let step = store.begin_first_write(unguarded(write(&run, "stop"))).await.expect("asked").expect("begun");
        store.end(ended(&step, Outcome::Failed(Trace::Something))).await.expect("asked").expect("failed");
        store.finish(finish(&run, RunState::Failed)).await.expect("asked").expect("ended");
        let events = store.events(run.id).await.expect("read");
        check(&events).expect("whole");
        let raw = Connection::open(folder.path().join("ira.db")).expect("open");
        let changed = raw
            .execute("UPDATE event SET what = replace(what, 'failed:some', 'done') WHERE what LIKE '%failed:some%'", [])
            .expect("changed");
        assert_eq!(changed, 1);
        let events = store.events(run.id).await.expect("read");
        assert!(check(&events).is_err_and(|why| why.contains("not linked")));
        raw.execute("DELETE FROM event WHERE seq = 2", []).expect("deleted");
        assert!(check(&store.events(run.id).await.expect("read")).is_err());
    });
}

#[test]
fn what_ended_is_let_go_after_its_time_and_what_is_open_never() {
    on_each(async |store, ticks| {
        let over = taken(store, "a").await;
        store.finish(finish(&over, RunState::Succeeded)).await.expect("asked").expect("ended");
        let unknown = taken(store, "b").await;
        store.begin_first_write(unguarded(write(&unknown, "stop"))).await.expect("asked").expect("begun");
        store.finish(finish(&unknown, RunState::Escalated)).await.expect("asked").expect("handed over");
        let keep = Retention { runs: 100 * SECOND, dedup: 300 * SECOND, bytes: None };
        assert_eq!(store.retain(keep).await.expect("kept"), Dropped::default());
        ticks.pass(100 * SECOND);
        assert_eq!(store.retain(keep).await.expect("kept"), Dropped { runs: 1, alerts: 0 });
        assert!(store.events(over.id).await.expect("read").is_empty());
        assert_eq!(store.inbox(9).await.expect("read").len(), 2, "a sender may still send it again");
        ticks.pass(200 * SECOND);
        assert_eq!(store.retain(keep).await.expect("kept"), Dropped { runs: 0, alerts: 1 });
        assert_eq!(store.runs(Filter::All).await.expect("listed").len(), 1);
    });
}

#[test]
fn a_store_that_is_too_large_lets_the_oldest_go_first() {
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    let store = sqlite(folder.path(), &ticks);
    block(async {
        for index in 0..40 {
            let run = taken(&store, &format!("alert {index}")).await;
            store.note(run.id, "ira", vec![("output".to_owned(), "x".repeat(8000).into())]).await.expect("kept");
            store.finish(finish(&run, RunState::Succeeded)).await.expect("asked").expect("ended");
            ticks.pass(SECOND);
        }
        let keep = Retention { runs: 9999 * SECOND, dedup: 9999 * SECOND, bytes: Some(300_000) };
        let dropped = store.retain(keep).await.expect("kept").runs;
        let left = store.runs(Filter::All).await.expect("listed");
        assert!(dropped > 0 && left.len() as u64 + dropped == 40, "{dropped}");
        assert!(left.iter().all(|run| run.id.0 > dropped), "the oldest went");
    });
}
