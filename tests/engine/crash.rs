//! A process dies at every point at which it can, is started again, and goes on until there is nothing left to do. Every
//! outcome is held against what was really done.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::{Command, Stdio};

use ira::config::env::{Env as _, SystemEnv};
use ira::engine::Came;
use ira::store::ask::Decision;
use ira::store::{RunState, StepState, fail};

use super::books::{LAST, LOOK, REPEAT, RESTART, SCRIPT, STOP, of};
use super::world::Mishap;
use super::*;

/// Where the process that dies finds its world.
const FOLDER: &str = "IRA_CRASH_FOLDER";

/// Reads; once with a probe; repeated; once with nothing to tell; taken back, for the last one fails.
fn book() -> String {
    of(&[LOOK, RESTART, REPEAT, SCRIPT, STOP, LAST].concat())
}

/// What became of the attempts that nobody knew of.
#[derive(Default)]
struct Count {
    unknown: usize,
    had_happened: usize,
}

/// Drives the run to its end, as a process does that is started anew. Where a person is asked, they look at the world.
async fn to_the_end(folder: &Path, count: &mut Count) -> (RunId, Rig) {
    let ticks = Arc::new(Manual::at(START));
    let store = sqlite(folder, &ticks);
    let world = World::at(&folder.join("world"));
    if world.done().is_empty() && rest(&store).await {
        for unit in ["web.service", "app.service", "app-last.service", "site.service"] {
            world.unit(unit, true, 1);
        }
    }
    world.amid(|what| what.contains("app-last").then_some(Mishap::Fails));
    let engine = engine(&world, &store, folder, "one");
    let rig = Rig { world, store, engine, ticks };
    let run = rig.admit(&book()).await;
    loop {
        match rig.engine.drive_orphan(run, &Unwatched).await.expect("the store works") {
            Err(_) | Ok(Came::Ended(..)) => return (run, rig),
            Ok(Came::Sleeps(length)) => rig.ticks.pass(length),
            Ok(Came::Waits(waits)) => {
                assert_eq!(waits.state, RunState::NeedsHuman);
                for step in rig.story(run).await.steps {
                    if step.state == StepState::Unknown {
                        let what = step.path.contains("script").then_some("script /scripts/blind");
                        let happened = rig.world.done().iter().any(|done| Some(done.as_str()) == what);
                        count.unknown += 1;
                        count.had_happened += usize::from(happened);
                        let say = if happened { Decision::ItRan } else { Decision::ItDidNot };
                        heard(rig.store.decide_unknown(step.id, "somebody", say).await);
                    }
                }
            }
            Ok(other) => panic!("{other:?}"),
        }
    }
}

async fn rest(store: &Arc<dyn Store>) -> bool {
    store.runs(ira::store::ask::Filter::All).await.expect("read").is_empty()
}

/// Not a test of its own: what the other process does. It dies where the failpoint says, or ends well.
#[test]
fn a_process_that_dies() {
    let Ok(Some(folder)) = SystemEnv.get(FOLDER) else { return };
    block(to_the_end(Path::new(&folder), &mut Count::default()));
}

/// Runs the other process; whether it died.
fn dies(folder: &Path, point: &str, hit: usize) -> bool {
    let status = Command::new(std::env::current_exe().expect("this"))
        .args(["engine::crash::a_process_that_dies", "--exact", "--test-threads=1"])
        .env(FOLDER, folder)
        .env("IRA_FAILPOINT", format!("{point}:{hit}"))
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .expect("started");
    !status.success()
}

/// I1 to I12 of a run that came to its end, against what was done.
async fn accounted(run: RunId, rig: &Rig, at: &str) {
    let story = rig.story(run).await;
    assert_eq!(story.run.state, RunState::Escalated, "{at}: its last step fails");
    rig.sound(run).await;
    let mut done: BTreeMap<String, usize> = BTreeMap::new();
    for what in rig.world.done() {
        *done.entry(what).or_default() += 1;
    }
    for once in [
        "restart web.service",
        "script /scripts/blind",
        "stop app.service",
        "restart app-last.service",
        "start app.service",
    ] {
        assert_eq!(done.get(once), Some(&1), "{at}: {once}: lost, or repeated: {done:?}");
    }
    let repeated = done.get("script /scripts/again").copied().unwrap_or_default();
    assert!((1..=2).contains(&repeated), "{at}: {repeated}");
    assert_eq!(done.len(), 6, "{at}: {done:?}");
    for step in &story.steps {
        assert!(!step.state.is_open(), "{at}: {} is {}", step.path, step.state);
    }
    assert!(story.run.locks.is_empty() || story.run.ended_at.is_some(), "{at}");
    assert_eq!(rig.woken(run).await, 1, "{at}: one page");
    assert_eq!(rig.store.inbox(9).await.expect("read").len(), 1, "{at}: one row");
}

#[test]
fn I1_to_I12_fault_1_dying_at_every_point_loses_nothing_and_repeats_nothing_silently() {
    let mut count = Count::default();
    let mut kills = BTreeMap::new();
    for point in fail::POINTS {
        for hit in 1.. {
            let folder = tempfile::tempdir().expect("a folder");
            if !dies(folder.path(), point, hit) {
                break;
            }
            *kills.entry(*point).or_insert(0) += 1;
            // Now and then the next one dies, too.
            if hit % 5 == 0 && dies(folder.path(), point, 3) {
                *kills.entry(*point).or_insert(0) += 1;
            }
            let at = format!("{point}:{hit}");
            let (run, rig) = block(to_the_end(folder.path(), &mut count));
            block(accounted(run, &rig, &at));
        }
    }
    let all: usize = kills.values().sum();
    // Shown by `--nocapture`, and by the tests of a release.
    #[expect(clippy::disallowed_macros, reason = "the counts are what this is for")]
    {
        println!(
            "{all} kills {kills:?}: 0 lost, 0 silent repeats; {} unknown, {} of which had happened",
            count.unknown, count.had_happened
        );
    }
    for point in fail::POINTS {
        assert!(kills.get(point).is_some_and(|kills| *kills >= 5), "{point}: {kills:?}");
    }
    assert!(count.unknown > 0 && count.had_happened > 0 && count.had_happened < count.unknown);
}
