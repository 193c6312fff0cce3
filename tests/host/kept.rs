//! What attempts leave on the disk, and when that is let go.

use std::collections::BTreeSet;
use std::ffi::OsString;
use std::time::Duration;

use super::*;
use crate::support::run::wait_until;
use ira::retention::{USUAL, sweep};
use ira::store::ask::Retention;
use ira::store::clock::Manual;
use ira::store::{Options, Sqlite};

/// The names of the files of all attempts.
fn attempts(person: &Person) -> BTreeSet<OsString> {
    let files = std::fs::read_dir(person.path(".local/state/ira/attempts"));
    files.into_iter().flatten().flatten().map(|file| file.file_name()).collect()
}

#[test]
fn the_files_of_a_script_go_with_its_run_and_not_before() {
    let person = Person::new();
    person.script("a.sh", "echo said");
    person.script("slow.sh", "echo $$ > @/pid; while [ ! -e @/go ]; do sleep 0.05; done");
    assert_eq!(person.agreed(&["script.run", "--program", "a.sh"]).code, 0);
    let one = attempts(&person);
    assert!(one.len() >= 3, "its lock, its result and what it wrote");
    let slow = person.left(&["script.run", "--program", "slow.sh"]);
    wait_until("it runs", || !person.read("pid").is_empty());
    let state = person.path(".local/state/ira");
    std::fs::create_dir_all(state.join("outputs")).expect("made");
    std::fs::write(state.join("outputs/1.json"), "{}").expect("written");
    std::fs::write(state.join("outputs/999-look.json"), "{}").expect("written");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let later = |length: Duration, keep: Retention| {
        let now = std::fs::metadata(state.join("ira.db")).and_then(|file| file.modified()).expect("the clock");
        let now = now.duration_since(std::time::UNIX_EPOCH).expect("since 1970") + length;
        let ticks = Arc::new(Manual::at(u64::try_from(now.as_millis()).expect("soon")));
        let options = Options { ticks, ..Options::default() };
        let store = Sqlite::open(&state.join("ira.db"), options).expect("it opens");
        runtime.block_on(sweep(&store, keep, &state)).expect("swept")
    };
    let day = Duration::from_secs(86_400);
    let swept = later(day, USUAL);
    assert_eq!((swept.dropped.runs, swept.scripts), (0, 0), "they are young");
    assert!(attempts(&person).is_superset(&one));
    // Long after: what nothing speaks of goes, what lives stays, and so does what its run speaks of.
    let swept = later(USUAL.runs + day, Retention { runs: USUAL.runs * 2, ..USUAL });
    assert_eq!((swept.dropped.runs, swept.scripts), (0, 0));
    let swept = later(USUAL.runs + day, USUAL);
    assert_eq!((swept.dropped.runs, swept.scripts, swept.outputs), (1, 1, 2));
    let left = attempts(&person);
    assert!(left.is_disjoint(&one) && left.len() >= 2, "the script that runs is not touched: {left:?}");
    person.write("go", "", 0o600);
    assert_eq!(slow.code(), Some(0));
    assert_eq!(person.ended(), "done");
}

#[test]
fn what_broke_off_is_kept_however_old_it_is() {
    let person = Person::new();
    person.script("slow.sh", "echo $$ > @/pid; sleep 0.3");
    let left = person.left(&["script.run", "--program", "slow.sh"]);
    wait_until("it runs", || !person.read("pid").is_empty());
    left.kill();
    wait_until("it is over", || shim(&person).is_none());
    let state = person.path(".local/state/ira");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let ticks = Arc::new(Manual::at(4_000_000_000_000));
    let store = Sqlite::open(&state.join("ira.db"), Options { ticks, ..Options::default() }).expect("it opens");
    let swept = runtime.block_on(sweep(&store, USUAL, &state)).expect("swept");
    assert_eq!((swept.dropped.runs, swept.scripts), (0, 0), "nobody has said how it ended");
    drop(store);
    let settled = person.resumed(&["script.run", "--program", "slow.sh"]);
    assert_eq!(settled.code, 0, "its result is still there: {settled:?}");
}
