//! A store that is gone, slow, or an older copy of itself; a disk that does not sync; replies that are lost.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use ira::engine::Ending;
use ira::store::ask::{Admission, End, Filter, Finish, Outcome, Tell, Which};
use ira::store::event::By;
use ira::store::{Guard, RunState};
use ira_commands::Kind;
use rusqlite::Connection;

use super::books::{LAST, LOOK, REPEAT, RESTART, SCRIPT, of};
use super::*;

/// A rig on a file that waits for nobody.
fn impatient(folder: &Path) -> Rig {
    let ticks = Arc::new(Manual::at(START));
    let options =
        Options { ticks: Arc::<Manual>::clone(&ticks), busy: Duration::from_millis(20), ..Options::default() };
    let store = Arc::new(Sqlite::open(&folder.join("ira.db"), options).expect("it opens"));
    Rig::new(folder, store, ticks)
}

/// The same after its process is gone: the world is as it was left.
fn again(folder: &Path, ticks: &Arc<Manual>) -> Rig {
    let (world, store) = (World::at(&folder.join("world")), sqlite(folder, ticks));
    let engine = engine(&world, &store, folder, "one");
    Rig { world, store, engine, ticks: Arc::clone(ticks) }
}

/// Another process that has the store, and does not give it back.
fn held(folder: &Path) -> Connection {
    let other = Connection::open(folder.join("ira.db")).expect("it opens");
    other.execute_batch("BEGIN IMMEDIATE").expect("taken");
    other
}

#[test]
fn I2_an_alert_that_was_taken_is_found_with_what_was_decided_also_when_it_comes_again() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(RESTART)).await;
        assert_eq!(rig.admit(&of(RESTART)).await, run, "the same");
        let inbox = rig.store.inbox(10).await.expect("read");
        let [row] = inbox.as_slice() else { panic!("one row: {inbox:?}") };
        let decided = format!("run {run}");
        assert_eq!((row.seen, &row.state, rig.story(run).await.run.inbox), (2, &decided, Some(row.id)));
        rig.drive(run).await;
        let inbox = rig.store.inbox(10).await.expect("read");
        assert_eq!((inbox.len(), &inbox[0].state), (1, &decided), "and stays so when it ended");
    });
}

#[test]
fn I21_while_the_store_cannot_be_written_nothing_is_begun() {
    let folder = tempfile::tempdir().expect("a folder");
    let rig = impatient(folder.path());
    block(async {
        let run = rig.admit(&of(&[LOOK, RESTART, LAST].concat())).await;
        let other = held(folder.path());
        for _ in 0..3 {
            let fault = rig.engine.drive(run, &Unwatched).await.expect_err("it is gone");
            assert_eq!(fault.kind, Kind::Busy, "{fault}");
        }
        assert_eq!(rig.world.done(), Vec::<String>::new());
        drop(other);
        // It goes away right after the first effect: what comes after it is not begun.
        let (path, gone) = (folder.path().to_owned(), Arc::new(Mutex::new(None)));
        let hold = Arc::clone(&gone);
        rig.world.after(move |_| *hold.lock().expect("whole") = Some(held(&path)));
        let mut fault = None;
        for _ in 0..20 {
            match rig.engine.drive(run, &Unwatched).await {
                Ok(Ok(Came::Sleeps(length))) => rig.ticks.pass(length),
                Ok(other) => panic!("{other:?}"),
                Err(broken) => {
                    fault = Some(broken);
                    break;
                }
            }
        }
        assert!(fault.is_some(), "it is gone");
        for _ in 0..3 {
            rig.ticks.pass(rig.engine.ttl);
            assert!(rig.engine.drive(run, &Unwatched).await.is_err());
        }
        assert_eq!(rig.world.done(), ["restart web.service"]);
        // It is back: the first is found out, the second is done, each once.
        *gone.lock().expect("whole") = None;
        rig.ticks.pass(rig.engine.ttl);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done(), ["restart web.service", "restart app-last.service"]);
        rig.sound(run).await;
    });
}

#[test]
fn I23_fault_14_a_disk_that_does_not_sync_ends_the_worker_at_any_commit_and_the_next_one_repeats_nothing() {
    // As many commits as there are in a run.
    for dies_at in 1..40 {
        let folder = tempfile::tempdir().expect("a folder");
        let ticks = Arc::new(Manual::at(START));
        let (count, fatal) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicBool::new(false)));
        let (counted, told) = (Arc::clone(&count), Arc::clone(&fatal));
        let options = Options {
            ticks: Arc::<Manual>::clone(&ticks),
            before_commit: Some(Arc::new(move || match counted.fetch_add(1, Ordering::SeqCst) {
                now if now == dies_at => Err(io::Error::from_raw_os_error(5)),
                _ => Ok(()),
            })),
            fatal: Arc::new(move |_| told.store(true, Ordering::SeqCst)),
            ..Options::default()
        };
        let store = Arc::new(Sqlite::open(&folder.path().join("ira.db"), options).expect("it opens"));
        let rig = Rig::new(folder.path(), store, Arc::clone(&ticks));
        let text = of(&[LOOK, RESTART, REPEAT].concat());
        let (run, over) = block(async {
            let run = rig.admit(&text).await;
            for _ in 0..50 {
                match rig.engine.drive(run, &Unwatched).await {
                    Ok(Ok(Came::Sleeps(length))) => rig.ticks.pass(length),
                    Ok(Ok(came)) => return (run, Some(ended(&came))),
                    Ok(Err(denial)) => panic!("{denial}"),
                    Err(_) => break,
                }
            }
            let before = rig.world.done().len();
            assert!(rig.engine.drive(run, &Unwatched).await.is_err(), "never retried: the process would have ended");
            assert_eq!(rig.world.done().len(), before, "I21");
            (run, None)
        });
        if over.is_some() {
            assert_eq!(over, Some(Ending::Verified));
            assert!(dies_at > 15, "the loop came to its end after {dies_at} commits");
            return;
        }
        assert!(fatal.load(Ordering::SeqCst), "commit {dies_at}");
        drop(rig);
        let rig = again(folder.path(), &ticks);
        block(async {
            rig.ticks.pass(rig.engine.ttl);
            assert_eq!(ended(&rig.drive(run).await), Ending::Verified, "commit {dies_at}");
            let done = rig.world.done();
            let restarts = done.iter().filter(|what| what.starts_with("restart")).count();
            assert_eq!(restarts, 1, "commit {dies_at}: {done:?}");
            rig.sound(run).await;
        });
    }
    panic!("a run has fewer commits");
}

#[test]
fn I17_fault_13_a_store_that_is_an_older_copy_starts_nothing_that_is_done_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    let copy = |from: &str, to: &str| {
        for end in ["", "-wal", "-shm"] {
            let (from, to) = (folder.path().join(format!("{from}{end}")), folder.path().join(format!("{to}{end}")));
            drop(std::fs::remove_file(&to));
            if from.exists() {
                std::fs::copy(from, to).expect("copied");
            }
        }
    };
    let mut rig = Rig::new(folder.path(), sqlite(folder.path(), &ticks), Arc::clone(&ticks));
    rig.engine.unattended = true;
    let before = block(async { rig.admit(&of(&[LOOK, RESTART].concat())).await });
    drop(rig);
    copy("ira.db", "backup.db");
    let rig = Rig::new(folder.path(), sqlite(folder.path(), &ticks), Arc::clone(&ticks));
    assert_eq!(ended(&block(rig.drive(before))), Ending::Verified);
    drop(rig);
    copy("backup.db", "ira.db");
    ticks.pass(Duration::from_secs(60));
    let mut rig = again(folder.path(), &ticks);
    rig.engine.unattended = true;
    block(async {
        // The run that was done is not known to be: it is not done again, and somebody is woken.
        let came = rig.drive(before).await;
        let Came::Denied(denial, _) = came else { panic!("denied: {came:?}") };
        assert_eq!(denial.guard, Guard::State);
        assert!(denial.message.contains("older copy"), "{denial}");
        assert_eq!((rig.world.done().len(), rig.woken(before).await), (1, 1));
        // What is safe to repeat is.
        let run = rig.admit_as(&of(REPEAT), "two", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        // A person has looked.
        for entry in std::fs::read_dir(folder.path()).expect("read").flatten() {
            if entry.file_name().to_str().is_some_and(|name| name.starts_with("remembered-")) {
                std::fs::remove_file(entry.path()).expect("removed");
            }
        }
        let run = rig.admit_as(&of(SCRIPT), "three", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
    });
}

#[test]
fn fault_10_a_verb_whose_reply_was_lost_is_asked_again_and_nothing_is_double() {
    on_each(async |rig, _| {
        let store = rig.store.as_ref();
        let run = rig.admit(&of(&[RESTART].concat())).await;
        assert_eq!(rig.admit(&of(&[RESTART].concat())).await, run);
        // The engine's own requests, each twice: under the same key the second one says what the first one did.
        let taken = heard(store.claim("w", Duration::from_secs(60), Which::This(run)).await).expect("there");
        let begin = ira::store::ask::Begin {
            run,
            fence: taken.fence,
            path: "look".to_owned(),
            attempt: 1,
            effect: ira_commands::Effect::Read,
            reach: ira_commands::effect::Reach::Target,
            undo: false,
            effect_key: None,
            within: Duration::from_secs(5),
            begun: json!({}),
            plan_hash: None,
            locks: Vec::new(),
            scopes: Vec::new(),
        };
        let first = heard(store.begin(begin.clone()).await);
        assert_eq!(heard(store.begin(begin).await).id, first.id);
        let end = End {
            attempt: first.id,
            fence: taken.fence,
            outcome: Outcome::Done,
            by: By::Worker,
            exit: json!({}),
            output_ref: None,
        };
        for _ in 0..2 {
            heard(store.end(end.clone()).await);
        }
        let tell = Tell {
            key: "note".to_owned(),
            run: Some(run),
            mail: Mail::Note,
            dedup_key: "the page".to_owned(),
            channel: "pagerduty".to_owned(),
            payload: json!({}),
            wait: Duration::ZERO,
        };
        let mail = store.tell(tell.clone()).await.expect("told");
        assert_eq!(store.tell(tell).await.expect("told"), mail);
        let finish = Finish {
            run,
            fence: taken.fence,
            state: RunState::Succeeded,
            note: "done".to_owned(),
            resolve: false,
            verified: None,
        };
        for _ in 0..2 {
            heard(store.finish(finish.clone()).await);
        }
        let story = rig.story(run).await;
        assert_eq!((story.steps.len(), store.runs(Filter::All).await.expect("read").len()), (1, 1));
        assert_eq!(store.events(run).await.expect("read").len(), 5, "admitted, claimed, began, ended, finished");
        rig.sound(run).await;
        let again = rig.store.admit(ira::store::ask::Admit {
            received: None,
            key: "one".to_owned(),
            alert: None,
            playbook: None,
            title: String::new(),
            params: json!({}),
            by: String::new(),
            claimable: false,
            escalate_in: None,
            page: None,
        });
        assert!(matches!(again.await.expect("asked"), Admission::Again(_)), "also when it has ended");
    });
}
