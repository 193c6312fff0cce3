//! What people say to a run: yes and no, cancel, take back, go on.

use ira::engine::{Came, Ending, TakeUp};
use ira::store::{Guard, RunState, StepState, Wait};

use super::books::{LAST, LOOK, RESTART, SCRIPT, STOP, of};
use super::world::Mishap;
use super::*;

async fn asks(rig: &Rig, run: RunId) -> String {
    match rig.drive(run).await {
        Came::Asks(plan, asking) => {
            assert_eq!(asking.state, RunState::Waiting(Wait::Approval));
            assert_eq!(asking.plan_hash.as_ref(), Some(&plan.hash));
            plan.hash
        }
        other => panic!("it does not ask: {other:?}"),
    }
}

#[test]
fn I15_a_yes_is_to_one_plan_and_nothing_is_done_before_it() {
    on_each(async |rig, _| {
        let text = of(&[LOOK, RESTART].concat());
        let run = rig.admit_as(&text, "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let hash = asks(rig, run).await;
        assert!(rig.world.done().is_empty());
        assert_eq!(asks(rig, run).await, hash, "asked again it is the same question");
        assert!(rig.engine.answer(run, "another", true, "somebody").await.is_err());
        heard(rig.engine.answer(run, &hash, true, "somebody").await);
        let other = rig.engine.answer(run, &hash, false, "another").await.expect("works");
        assert_eq!(other.expect_err("the first word counts").guard, Guard::Approval);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        rig.sound(run).await;
    });
}

#[test]
fn fault_22_a_plan_that_changed_since_asks_again_and_a_yes_that_expired_is_none() {
    on_each(async |rig, _| {
        // What it acts on depends on what it reads.
        let which = "  - id: which
    do: systemd.status
    with: { unit: site }
    outputs: { unit: { take: unit, type: string, pattern: \"[a-z.]+\" } }
";
        let act = RESTART
            .replace("unit: $key", "unit: $steps.which.out.unit")
            .replace("    timeout", "    if: steps.which.out.active == \"active\"\n    timeout");
        let text = of(&[which, &act, LAST].concat()).replace("within: 10m }", "within: 1m }");
        let run = rig.admit_as(&text, "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let hash = asks(rig, run).await;
        heard(rig.engine.answer(run, &hash, true, "somebody").await);
        // By now a write is missing from it.
        rig.world.unit("site.service", false, 1);
        let changed = asks(rig, run).await;
        assert_ne!(changed, hash);
        assert!(rig.world.done().is_empty());
        heard(rig.engine.answer(run, &changed, true, "somebody").await);
        rig.ticks.pass(Duration::from_secs(61));
        let Came::Denied(denial, _) = rig.drive(run).await else { panic!("expired") };
        assert_eq!(denial.guard, Guard::Approval);
        assert!(rig.world.done().is_empty());
    });
}

#[test]
fn a_no_ends_it_with_nothing_done() {
    on_each(async |rig, _| {
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let hash = asks(rig, run).await;
        heard(rig.engine.answer(run, &hash, false, "somebody").await);
        assert_eq!(ended(&rig.drive(run).await), Ending::NotAgreed);
        assert!(rig.world.done().is_empty());
    });
}

#[test]
fn fault_23_lesson_5_a_cancel_before_the_first_write_does_nothing_and_again_is_no_fault() {
    on_each(async |rig, _| {
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        asks(rig, run).await;
        let cancelled = heard(rig.store.cancel(run, "somebody").await);
        assert_eq!(cancelled.state, RunState::Cancelled);
        assert!(rig.world.done().is_empty());
        assert_eq!(heard(rig.store.cancel(run, "somebody").await).state, RunState::Cancelled);
    });
}

#[test]
fn lesson_29_fault_23_a_cancel_between_two_writes_takes_back_and_keeps_the_page_until_it_is_well() {
    on_each(async |rig, _| {
        rig.world.unit("site.service", false, 1);
        let run = rig.admit(&of(&[SCRIPT, STOP, LAST].concat())).await;
        let store = Arc::clone(&rig.store);
        // In the middle of the second write: that one ends.
        rig.world.amid(move |what| {
            if what.starts_with("stop") {
                heard(super::phases::block_here(store.cancel(run, "somebody")));
            }
            None
        });
        loop {
            match heard(rig.engine.drive(run, &Unwatched).await) {
                Came::Sleeps(length) => {
                    assert!(
                        rig.mails(run).await.iter().any(|row| row.state == MailState::Armed),
                        "the page stays armed"
                    );
                    rig.ticks.pass(length);
                    // It is well in the end.
                    if rig.world.done().len() == 3 {
                        rig.world.unit("site.service", true, 1);
                    }
                }
                came => {
                    assert_eq!(ended(&came), Ending::Cancelled);
                    break;
                }
            }
        }
        assert_eq!(rig.world.done(), ["script /scripts/blind", "stop app.service", "start app.service"]);
        let note = rig.story(run).await.run.note;
        assert!(note.contains("somebody cancelled it") && note.contains("Not taken back: script"), "{note}");
        assert_eq!(rig.woken(run).await, 0);
        rig.sound(run).await;
    });
}

#[test]
fn what_was_cancelled_and_is_not_well_wakes_somebody() {
    on_each(async |rig, _| {
        rig.world.unit("site.service", false, 1);
        let run = rig.admit(&of(&[STOP, LAST].concat())).await;
        let store = Arc::clone(&rig.store);
        rig.world.amid(move |_| {
            heard(super::phases::block_here(store.cancel(run, "somebody")));
            None
        });
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
        assert_eq!((rig.woken(run).await, rig.world.done().len()), (1, 2));
    });
}

#[test]
fn fault_23_an_alert_that_resolves_before_the_first_write_cancels_and_after_it_goes_on_to_verify() {
    on_each(async |rig, _| {
        let fingerprint = ira::engine::fingerprint(&firing());
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let hash = asks(rig, run).await;
        heard(rig.engine.answer(run, &hash, true, "somebody").await);
        assert_eq!(rig.engine.resolved(&fingerprint).await.expect("told"), [run]);
        assert_eq!(ended(&rig.drive(run).await), Ending::Resolved);
        assert!(rig.world.done().is_empty());
        let run = rig.admit_as(&of(&[STOP, LAST].concat()), "two", Mode::Auto, Vec::new()).await.expect("admitted");
        let (store, told) = (Arc::clone(&rig.store), Arc::clone(&rig.engine.hands));
        rig.world.amid(move |what| {
            if what.starts_with("stop") {
                let engine = Engine::new(Arc::clone(&store), Arc::clone(&told), "three".to_owned(), "/".into());
                super::phases::block_here(async move { engine.resolved(&ira::engine::fingerprint(&firing())).await })
                    .expect("told");
            }
            None
        });
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 2);
    });
}

#[test]
fn I16_a_run_past_its_time_pages_begins_nothing_more_and_can_be_taken_up() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[STOP, SCRIPT, LAST].concat())).await;
        let (store, ticks) = (Arc::clone(&rig.store), Arc::clone(&rig.ticks));
        rig.world.amid(move |what| {
            if what.starts_with("script") {
                ticks.pass(Duration::from_secs(1_201));
                // Whoever is alive does this.
                let due = super::phases::block_here(store.due()).expect("ticks");
                assert_eq!(due.escalated, [run]);
                assert!(super::phases::block_here(store.due()).expect("ticks").escalated.is_empty(), "I20: once");
                // The worker kept its lease meanwhile.
                let fence = super::phases::block_here(store.run(run)).expect("read").expect("there").run.fence;
                heard(super::phases::block_here(store.renew(run, fence, Duration::from_secs(30))));
            }
            None
        });
        assert_eq!(ended(&rig.drive(run).await), Ending::OutOfTime);
        assert_eq!(rig.world.done().len(), 2, "what was under way ended, and nothing more was begun");
        assert_eq!(rig.woken(run).await, 1);
        rig.world.calm();
        // lesson 13: a person goes on, from where it was.
        heard(rig.engine.take_up(run, "somebody", TakeUp::GoOn).await);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 3);
        rig.sound(run).await;
    });
}

#[test]
fn lesson_13_a_person_takes_back_what_was_escalated_or_goes_on_behind_what_failed() {
    on_each(async |rig, _| {
        let text = of(&[STOP, LAST, RESTART].concat());
        let run = rig.admit(&text).await;
        rig.world.unit("site.service", false, 1);
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
        heard(rig.engine.take_up(run, "somebody", TakeUp::Undo).await);
        assert_eq!(ended(&rig.drive(run).await), Ending::Undone);
        assert_eq!(rig.world.done().last().map(String::as_str), Some("start app.service"));
        // Behind what failed.
        rig.world.unit("site.service", true, 1);
        let text = of(&[LAST, RESTART].concat());
        let run = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        rig.world.amid(|what| what.contains("app-last").then_some(Mishap::Fails));
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert!(rig.engine.take_up(run, "somebody", TakeUp::From("nope".to_owned())).await.is_err());
        heard(rig.engine.take_up(run, "somebody", TakeUp::From("restart".to_owned())).await);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.stands(run, "restart/").await, Some(StepState::Done));
    });
}
