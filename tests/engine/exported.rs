//! What is made of a run when it has ended: a test of its playbook; and the run shown as it goes.

use std::fmt::Write as _;

use ira::engine::export;
use ira::store::RunState;
use ira_commands::playbook::{test, written};

use super::books::{LAST, LOOK, REPEAT, RESTART, SAY, STILL, STOP, guarded, of};
use super::world::Mishap;
use super::*;
use crate::support::run::{Ran, ira};

/// The run as a test, in its playbook: it passes, and says that the run went so.
async fn made(rig: &Rig, run: RunId, text: &str) -> ira_commands::playbook::Case {
    let made = export(rig.store.as_ref(), run).await.expect("made");
    assert_eq!(made.remarks, Vec::<String>::new(), "{:?}", made.case);
    let whole = format!("{text}tests:\n{}", written(&made.case, &made.remarks));
    let playbook = parse(&whole).unwrap_or_else(|problems| panic!("{problems:?}\n{whole}"));
    let results = test(&playbook, &|_| Err("none".to_owned()));
    assert!(results.len() == 1 && results[0].wrong.is_empty(), "{results:?}\n{whole}");
    made.case
}

#[test]
fn lesson_41_a_run_becomes_a_test_that_passes_however_it_ended() {
    on_each(async |rig, _| {
        let steps = [
            LOOK,
            "  - id: settle\n    do: wait\n    with: { for: 1m }\n",
            STILL,
            SAY,
            &RESTART.replace("    do:", "    if: steps.look.out.active == \"active\" && q.site != \"gone\"\n    do:"),
            REPEAT,
        ];
        let text = guarded("  require: q.site == \"active\"\n", &steps.concat());
        let run = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let case = made(rig, run, &text).await;
        assert_eq!(case.expect.reason.as_deref(), Some("verified"));
        assert_eq!(case.expect.path.expect("told"), ["look", "settle", "still", "say", "restart", "repeat"]);
        assert_eq!(case.mock["q.site"].len(), 1, "the same answer is written once");

        // Its own guard denies.
        rig.world.unit("site.service", false, 1);
        let run = rig.admit_as(&text, "denied", Mode::Auto, Vec::new()).await.expect("admitted");
        assert!(matches!(rig.drive(run).await, Came::Denied(..)));
        let case = export(rig.store.as_ref(), run).await.expect("made").case;
        assert_eq!(case.expect.decision.map(|word| word.text).as_deref(), Some("denied"));

        // It did not help, and was taken back.
        let text = of(STOP).replace("  hold: 10s\n", "  hold: 10s\n  else: undo\n");
        let run = rig.admit_as(&text, "undone", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
        let case = made(rig, run, &text).await;
        assert_eq!((case.expect.verified, case.expect.escalated), (Some(false), Some(true)));
        assert_eq!(case.expect.undone.expect("told"), ["stop"]);

        // A step was refused, and then failed.
        rig.world.unit("site.service", true, 1);
        let again = format!("{LAST}    retry: {{ attempts: 2, backoff: 1s, on: [refused] }}\n");
        let text = of(&[STOP, &again].concat());
        let times = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        rig.world.amid(move |what| {
            let last = what.contains("app-last");
            let first = last && times.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 0;
            last.then_some(if first { Mishap::Refused } else { Mishap::Fails })
        });
        let run = rig.admit_as(&text, "failed", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        let case = made(rig, run, &text).await;
        assert_eq!((case.mock["last"].len(), case.expect.undone.expect("told").len()), (2, 1));
        rig.world.calm();

        // It was over before anything was done.
        rig.world.fires("no");
        let text = of(&[STILL, RESTART].concat());
        let run = rig.admit_as(&text, "over", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Resolved);
        assert_eq!(made(rig, run, &text).await.expect.reason.as_deref(), Some("resolved"));
    });
}

#[test]
fn a_hold_that_fails_is_exported_with_the_look_at_which_it_failed() {
    on_each(async |rig, _| {
        let text = of(STOP).replace("  hold: 10s\n", "  hold: 60s\n");
        let run = rig.admit(&text).await;
        loop {
            match heard(rig.engine.drive(run, &Unwatched).await) {
                Came::Sleeps(length) => rig.ticks.pass(length),
                came => {
                    assert_eq!(ended(&came), Ending::NotHeld);
                    break;
                }
            }
            if rig.story(run).await.run.phase == ira::store::Phase::Hold {
                rig.world.unit("site.service", false, 1);
            }
        }
        assert_eq!(made(rig, run, &text).await.expect.reason.as_deref(), Some("did not hold"));
    });
}

#[test]
fn what_a_test_cannot_say_is_said_beside_it_and_what_has_not_ended_is_none() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(RESTART)).await;
        let fault = export(rig.store.as_ref(), run).await.err().expect("it goes on");
        assert!(fault.message.contains("has not ended"), "{fault}");
        heard(rig.store.cancel(run, "ann").await);
        let cancelled = export(rig.store.as_ref(), run).await.expect("made");
        assert!(
            cancelled.remarks[0].contains("the run went so, and the test alone does not"),
            "{:?}",
            cancelled.remarks
        );
        assert!(export(rig.store.as_ref(), RunId(99)).await.is_err());
    });
}

#[test]
fn a_run_is_shown_while_it_goes_on_and_the_command_ends_with_it() {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".local/state/ira");
    std::fs::create_dir_all(&folder).expect("made");
    let ticks = Arc::new(Manual::at(START));
    let rig = Rig::new(&folder, sqlite(&folder, &ticks), ticks);
    let text = of(&[LOOK, RESTART].concat());
    let run = block(rig.admit(&text));
    let shown = std::thread::scope(|scope| {
        let tail = scope.spawn(|| Ran::of(ira(home.path()).args(["run", "tail", "1"])));
        assert_eq!(ended(&block(rig.drive(run))), Ending::Verified);
        tail.join().expect("it ends")
    });
    assert_eq!(shown.code, 0, "{shown:?}");
    for part in ["mend for Down", "restart/systemd here web.service is begun", "running:verify", "succeeded: it helped"]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
    assert!(shown.out.trim_end().lines().count() > 10, "{}", shown.out);
    // A program is given the whole at the end; what ended without success ends so here.
    let json = Ran::of(ira(home.path()).args(["run", "tail", "1", "--json"])).json();
    assert_eq!(json["data"]["run"]["state"], RunState::Succeeded.word());
    assert_eq!(json["data"]["events"][0]["seq"], 1);
    assert_eq!(Ran::of(ira(home.path()).args(["run", "tail", "7"])).code, 2);
    // The test of it is a text that stands in the file.
    let made = Ran::of(ira(home.path()).args(["run", "export-test", "1"]));
    assert_eq!(made.code, 0, "{made:?}");
    let mut whole = text.clone();
    write!(whole, "{}", made.out).expect("a text");
    std::fs::write(home.path().join("mend.yaml"), whole).expect("written");
    let tested = Ran::of(ira(home.path()).args(["playbook", "test", "mend.yaml"]));
    assert!(tested.code == 0 && tested.out.contains("1 test passed"), "{tested:?}");
}
