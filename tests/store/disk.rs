//! What reaches the disk, and when; and what happens when it does not.

#![expect(non_snake_case, reason = "named for the invariants")]

use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};

use futures::future::join_all;
use ira::store::ask::{Filter, Which};
use ira::store::{Options, Sqlite, Store, fail};

use super::{SECOND, admit, block};
use crate::support::{debian, skipped};

fn at(folder: &Path, options: Options) -> Sqlite {
    Sqlite::open(&folder.join("ira.db"), options).expect("it opens")
}

fn runs(folder: &Path) -> Vec<String> {
    block(at(folder, Options::default()).runs(Filter::All)).expect("listed").into_iter().map(|run| run.key).collect()
}

#[test]
fn many_requests_share_a_commit_and_one_that_fails_takes_nobody_along() {
    let folder = tempfile::tempdir().expect("a folder");
    let (go, wait) = mpsc::channel::<()>();
    let (passed, wait) = (AtomicUsize::new(0), Mutex::new(wait));
    let gate = move || {
        // The first commit waits until everybody has asked.
        if passed.fetch_add(1, Ordering::SeqCst) == 0 {
            wait.lock().expect("not poisoned").recv().expect("told to go on");
        }
        Ok(())
    };
    let store = at(folder.path(), Options { before_commit: Some(Arc::new(gate)), ..Options::default() });
    block(async {
        let first = store.admit(admit("first", "first", "p"));
        let others = join_all((0..300).map(|index| {
            let name = format!("run {index}");
            let store = &store;
            async move { store.admit(admit(&name, &name, "p")).await }
        }));
        let refused = store.claim("w", SECOND, Which::This(ira::store::model::RunId(999)));
        let told = async { go.send(()).expect("it waits") };
        let (first, others, refused, ()) = futures::join!(first, others, refused, told);
        assert!(first.is_ok() && others.iter().all(Result::is_ok));
        assert!(refused.is_err(), "there is no such run");
    });
    assert!(store.commits() <= 2, "301 runs in {}", store.commits());
    drop(store);
    assert_eq!(runs(folder.path()).len(), 301);
}

#[test]
fn I23_a_disk_that_does_not_sync_is_final_and_nobody_is_told_otherwise() {
    let folder = tempfile::tempdir().expect("a folder");
    let failing = Arc::new(AtomicBool::new(false));
    let fatal = Arc::new(Mutex::new(Vec::new()));
    let (disk, told) = (Arc::clone(&failing), Arc::clone(&fatal));
    let options = Options {
        before_commit: Some(Arc::new(move || {
            if disk.swap(false, Ordering::SeqCst) { Err(io::Error::from_raw_os_error(5)) } else { Ok(()) }
        })),
        fatal: Arc::new(move |fault| told.lock().expect("not poisoned").push(fault.one_line())),
        ..Options::default()
    };
    let store = at(folder.path(), options);
    block(async {
        store.admit(admit("a", "a", "p")).await.expect("kept");
        failing.store(true, Ordering::SeqCst);
        let answers = join_all(["b", "c"].map(|name| store.admit(admit(name, name, "p")))).await;
        assert!(answers.iter().all(Result::is_err));
        // The disk is well again, and that says nothing about what is on it.
        assert!(store.admit(admit("d", "d", "p")).await.is_err(), "I21: nothing new is begun");
    });
    drop(store);
    assert_eq!(fatal.lock().expect("not poisoned").len(), 1);
    assert_eq!(runs(folder.path()), ["a"]);
}

/// What the tests below start in a process of its own: admits runs, and says which it was told are kept.
#[test]
#[expect(clippy::disallowed_methods, reason = "the parent names the folder")]
fn child() {
    let Some(folder) = std::env::var_os("IRA_STORE_CHILD") else { return };
    let store = at(Path::new(&folder), Options::default());
    let mut out = io::stdout();
    out.write_all(b"\nopened\n").expect("said");
    for index in 0..12 {
        let name = format!("{index}");
        match block(store.admit(admit(&name, &name, "p"))) {
            Ok(_) => out.write_all(format!("ack {index}\n").as_bytes()).expect("said"),
            Err(fault) => out.write_all(format!("fault {fault}\n").as_bytes()).expect("said"),
        }
        out.flush().expect("said");
    }
}

fn own() -> Vec<String> {
    let exe = std::env::current_exe().expect("this program");
    [exe.to_str().expect("text"), "--exact", "store::disk::child", "--nocapture"].map(str::to_owned).to_vec()
}

fn acked(output: &Output) -> Vec<String> {
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    text.lines().filter_map(|line| line.strip_prefix("ack ").map(str::to_owned)).collect()
}

/// The points around a commit; the engine has others.
const COMMIT: [&str; 3] = ["before-commit", "after-commit", "before-answer"];

#[test]
fn I1_whatever_the_process_dies_at_what_was_acknowledged_is_there() {
    let mut died = 0;
    for point in COMMIT {
        assert!(fail::POINTS.contains(&point));
        for hit in [1, 2, 5, 12] {
            let folder = tempfile::tempdir().expect("a folder");
            let own = own();
            let output = Command::new(&own[0])
                .args(&own[1..])
                .env("IRA_STORE_CHILD", folder.path())
                .env("IRA_FAILPOINT", format!("{point}:{hit}"))
                .output()
                .expect("it starts");
            died += usize::from(!output.status.success());
            let (told, kept) = (acked(&output), runs(folder.path()));
            assert_eq!(told.len(), hit - 1, "{point}:{hit}");
            assert!(told.iter().all(|run| kept.contains(run)), "{point}:{hit}: {told:?} of {kept:?}");
            assert!(kept.len() <= told.len() + 1, "at most the one that nobody was told of");
            assert_eq!(kept.len() == hit, point != "before-commit", "{point}:{hit}");
        }
    }
    assert_eq!(died, COMMIT.len() * 4);
}

/// `strace`, where it is there and allowed.
fn strace(folder: &Path, log: &Path, more: &[&str]) -> Option<Output> {
    if !debian(&["strace"]) {
        return None;
    }
    let own = own();
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-o"]).arg(log).args(["-e", "trace=fsync,fdatasync,write,pwrite64"]).args(more);
    let output = command.args(&own).env("IRA_STORE_CHILD", folder).output().ok()?;
    let seen = std::fs::read_to_string(log).unwrap_or_default();
    seen.contains("fsync").then_some(output)
}

#[test]
fn I1_between_the_last_write_and_the_word_that_it_is_kept_stands_a_sync() {
    let folder = tempfile::tempdir().expect("a folder");
    let log: PathBuf = folder.path().join("strace");
    let Some(output) = strace(folder.path(), &log, &[]) else {
        skipped("strace may not trace");
        return;
    };
    assert_eq!(acked(&output).len(), 12);
    let text = std::fs::read_to_string(&log).expect("traced");
    let (mut acks, mut syncs, mut dirty) = (0, 0, false);
    for line in text.lines() {
        if line.contains("pwrite64(") {
            dirty = true;
        } else if line.contains("sync") && line.ends_with("= 0") {
            dirty = false;
            syncs += 1;
        } else if line.contains("write(1, \"ack") {
            assert!(!dirty, "it was said before it was synced:\n{text}");
            acks += 1;
        }
    }
    assert!(acks == 12 && syncs >= 12, "{acks} acks, {syncs} syncs");
}

#[test]
fn fault_14_and_15_a_sync_that_fails_and_a_disk_that_is_full_at_commit_end_the_process() {
    for inject in ["inject=fsync,fdatasync:error=EIO:when=4+", "inject=pwrite64:error=ENOSPC:when=30+"] {
        let folder = tempfile::tempdir().expect("a folder");
        let log = folder.path().join("strace");
        // Made before, so that opening it is not what fails.
        assert!(runs(folder.path()).is_empty());
        let Some(output) = strace(folder.path(), &log, &["-e", inject]) else {
            skipped("strace may not trace");
            return;
        };
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(said.contains("opened") && !output.status.success(), "{inject}: it went on:\n{said}");
        assert!(said.contains("fault "), "whoever asked was told:\n{said}");
        let acked = acked(&output);
        assert!(acked.len() < 12);
        let kept = runs(folder.path());
        assert!(acked.iter().all(|run| kept.contains(run)), "{inject}: {acked:?} of {kept:?}");
    }
}
