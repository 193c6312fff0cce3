//! `cargo bench --bench script`: a `script.run` step (plan, journal, shim, script, result) against a reference that does the
//! same durable work: two synced commits, a shim, the script, one synced result file; and against the bare process.
//! Prints medians and ratios.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

use ira::clients::script::Scripts;
use ira::store::{Options, Sqlite, StoreJournal};
use ira_commands::context::{Reads, Writes};
use ira_commands::fakes::{FixedDirectory, Silent, StoppedClock};
use ira_commands::{Context, Invocation};
use rusqlite::Connection;
use serde_json::json;

#[expect(dead_code, reason = "the other benchmarks use the rest of it")]
mod measure;

use measure::{median, ms};

/// Counted rounds of each side, in turn.
const ROUNDS: usize = 60;

fn main() {
    let args: Vec<String> = std::env::args().collect();
    if let [_, word, script, result] = args.as_slice()
        && word == "shim"
    {
        return shim(Path::new(script), Path::new(result));
    }
    let folder = tempfile::tempdir().expect("a folder");
    let script = folder.path().join("script.sh");
    fs::write(&script, "#!/bin/sh\nexit 0\n").expect("written");
    fs::set_permissions(&script, fs::Permissions::from_mode(0o755)).expect("chmod");
    let step = step(folder.path(), &script);
    let reference = reference(folder.path());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let (mut ours, mut theirs, mut bare) = (Vec::new(), Vec::new(), Vec::new());
    for round in 0..=ROUNDS {
        let begun = Instant::now();
        runtime.block_on(step.0.run(&step.1)).expect("it ran");
        let first = begun.elapsed();
        let second = durably(&reference, folder.path(), &script, round);
        let begun = Instant::now();
        assert!(Command::new(&script).status().expect("it runs").success());
        let third = begun.elapsed();
        // The first fills the caches.
        if round > 0 {
            ours.push(first);
            theirs.push(second);
            bare.push(third);
        }
    }
    let (ours, theirs, bare) = (median(&mut ours), median(&mut theirs), median(&mut bare));
    let times = |one: Duration, other: Duration| one.as_secs_f64() / other.as_secs_f64();
    println!(
        "a script.run step / the same durable work alone: {:.1} ms / {:.1} ms: ira takes {:.2}×",
        ms(ours),
        ms(theirs),
        times(ours, theirs)
    );
    println!(
        "the bare process: {:.1} ms: a step takes {:.1}×, the durable work alone {:.1}×",
        ms(bare),
        times(ours, bare),
        times(theirs, bare)
    );
}

/// The step, and what it is run in.
fn step(folder: &Path, script: &Path) -> (Invocation, Context) {
    let store = Arc::new(Sqlite::open(&folder.join("ira.db"), Options::default()).expect("it opens"));
    let journal = Arc::new(StoreJournal::over(store, folder));
    let scripts = || {
        Arc::new(Scripts {
            folder: None,
            attempts: folder.join("attempts"),
            shim: env!("CARGO_BIN_EXE_ira").into(),
            end_of_options: false,
            memory: 1 << 34,
            mask: Box::new(str::to_owned),
        })
    };
    let reads = Reads {
        scripts: Some(scripts()),
        ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(1)), Arc::new(Silent))
    };
    let writes = Writes { scripts: Some(scripts()), ..Writes::new(journal) };
    let with = json!({ "program": script });
    (Invocation::from_data("script.run", with).expect("an action"), Context::acting(reads, writes))
}

/// A table whose every row is synced.
fn reference(folder: &Path) -> Connection {
    let connection = Connection::open(folder.join("reference.db")).expect("it opens");
    connection
        .execute_batch(
            "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; CREATE TABLE steps (id INTEGER, state TEXT)",
        )
        .expect("made");
    connection
}

/// What any way of running a script durably has to do.
fn durably(store: &Connection, folder: &Path, script: &Path, round: usize) -> Duration {
    let begun = Instant::now();
    let row = |state: &str| {
        store
            .execute("INSERT INTO steps VALUES (?1, ?2)", (i64::try_from(round).expect("few"), state))
            .expect("synced");
    };
    row("started");
    let result = folder.join(format!("{round}.result"));
    let own = std::env::current_exe().expect("a path");
    let status = Command::new(own).arg("shim").arg(script).arg(&result).env_clear().status().expect("it runs");
    assert!(status.success() && fs::read_to_string(&result).expect("there") == "0");
    row("done");
    begun.elapsed()
}

/// Runs the script and writes down how it ended, so that a machine that loses power has it.
fn shim(script: &Path, result: &Path) {
    let code = Command::new(script).status().expect("it runs").code().expect("it ended by itself");
    let draft = result.with_extension("new");
    let mut file = File::create(&draft).expect("made");
    file.write_all(code.to_string().as_bytes()).and_then(|()| file.sync_all()).expect("synced");
    fs::rename(&draft, result).expect("renamed");
    File::open(result.parent().expect("a folder")).and_then(|folder| folder.sync_all()).expect("synced");
}
