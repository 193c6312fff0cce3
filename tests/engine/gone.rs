//! Processes that die, stop, or are late: what others make of what they left.

use ira::engine::{Came, Ending};
use ira::store::ask::{Admission, Decision, Filter};
use ira::store::{Guard, RunState, StepState, Trace};

use super::books::{LAST, LOOK, REPEAT, RESTART, SCRIPT, STOP, of};
use super::phases::block_here;
use super::world::Mishap;
use super::*;

/// Has the process that drives a run die in the middle of an effect: it is done, and nobody hears of it.
async fn die_at(rig: &Rig, run: RunId, what: &'static str) {
    rig.world.amid(move |done| done.starts_with(what).then_some(Mishap::Hangs));
    let dead = tokio::time::timeout(Duration::from_millis(300), rig.drive(run)).await;
    assert!(dead.is_err(), "it died");
    rig.world.calm();
    let started = rig.story(run).await.steps.into_iter().any(|step| step.state == StepState::Started);
    assert!(started, "and left an attempt");
}

#[test]
fn fault_3_a_probe_finds_what_was_done_and_the_run_goes_on() {
    on_each(async |rig, folder| {
        let run = rig.admit(&of(&[LOOK, RESTART, LAST].concat())).await;
        die_at(rig, run, "restart web").await;
        let other = rig.other(folder);
        let held = other.drive(run, &Unwatched).await.expect("works").expect_err("its lease has not run out");
        assert_eq!(held.guard, Guard::Lease);
        rig.ticks.pass(other.ttl);
        assert_eq!(ended(&rig.drive_by(&other, run).await), Ending::Verified);
        assert_eq!(rig.world.done(), ["restart web.service", "restart app-last.service"], "once each");
        rig.sound(run).await;
    });
}

#[test]
fn I8_I10_fault_4_what_nothing_can_tell_is_never_done_again_before_a_person_has_said() {
    on_each(async |rig, folder| {
        for (key, say, count, ending) in
            [("one", Decision::ItRan, 1, Ending::Verified), ("two", Decision::ItDidNot, 2, Ending::Verified)]
        {
            let before = rig.world.done().len();
            let run =
                rig.admit_as(&of(&[SCRIPT, RESTART].concat()), key, Mode::Auto, Vec::new()).await.expect("admitted");
            die_at(rig, run, "script").await;
            rig.ticks.pass(rig.engine.ttl);
            let other = rig.other(folder);
            for _ in 0..3 {
                let Came::Waits(waits) = rig.drive_by(&other, run).await else { panic!("a person has to say") };
                assert_eq!(waits.state, RunState::NeedsHuman);
            }
            assert_eq!(rig.woken(run).await, 1, "one page");
            assert_eq!(rig.world.done().len() - before, 1);
            let attempt = rig.story(run).await.steps.last().expect("begun").id;
            heard(rig.store.decide_unknown(attempt, "somebody", say).await);
            assert_eq!(ended(&rig.drive_by(&other, run).await), ending);
            let done = rig.world.done().split_off(before);
            assert_eq!(done.iter().filter(|what| what.starts_with("script")).count(), count);
            rig.sound(run).await;
        }
        let run = rig.admit_as(&of(SCRIPT), "three", Mode::Auto, Vec::new()).await.expect("admitted");
        die_at(rig, run, "script").await;
        rig.ticks.pass(rig.engine.ttl);
        assert!(matches!(rig.drive(run).await, Came::Waits(_)));
        let attempt = rig.story(run).await.steps.last().expect("begun").id;
        heard(rig.store.decide_unknown(attempt, "somebody", Decision::Abort).await);
        assert_eq!(rig.story(run).await.run.state, RunState::Escalated);
    });
}

#[test]
fn I11_what_is_safe_to_repeat_is_repeated_under_the_same_key() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[REPEAT, LAST].concat())).await;
        die_at(rig, run, "script").await;
        rig.ticks.pass(rig.engine.ttl);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let story = rig.story(run).await;
        let keys: Vec<_> = story.steps.iter().filter(|step| step.path.starts_with("repeat/")).collect();
        assert_eq!(keys.len(), 2);
        assert!(keys[0].effect_key.is_some() && keys[0].effect_key == keys[1].effect_key);
        assert_eq!((keys[0].state, keys[1].state), (StepState::Failed(Trace::Something), StepState::Done));
        rig.sound(run).await;
    });
}

#[test]
fn fault_5_what_lives_on_is_attached_to_again() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[&SCRIPT.replace("blind", "kept"), LAST].concat())).await;
        die_at(rig, run, "script").await;
        rig.ticks.pass(rig.engine.ttl);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done(), ["script /scripts/kept", "restart app-last.service"]);
    });
}

#[test]
fn I6_fault_6_a_worker_that_lost_its_run_begins_nothing_and_is_heard_only_as_evidence() {
    on_each(async |rig, folder| {
        // It is stopped right after its effect, for twice its lease; another one takes over, and asks a person.
        let run = rig.admit(&of(&[SCRIPT, LAST].concat())).await;
        let (ticks, other) = (Arc::clone(&rig.ticks), rig.other(folder));
        let (store, stopped) = (Arc::clone(&rig.store), other.ttl * 2);
        rig.world.after(move |_| {
            ticks.pass(stopped);
            let came = heard(block_here(other.drive(run, &Unwatched)));
            assert!(matches!(came, Came::Waits(_)), "{came:?}");
            let fence = block_here(store.run(run)).expect("read").expect("there").run.fence;
            assert_eq!(fence, 2, "I5");
        });
        assert_eq!(heard(rig.engine.drive(run, &Unwatched).await), Came::Lost(run));
        assert_eq!(rig.world.done().len(), 1, "no new effect by it");
        assert_eq!(rig.stands(run, "script/").await, Some(StepState::Done), "its late result is evidence");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 2);
        rig.sound(run).await;
    });
}

#[test]
fn I9_lesson_1_lesson_3_a_dead_process_leaves_a_named_state_and_an_orphan_that_can_be_closed() {
    on_each(async |rig, folder| {
        let run = rig.admit(&of(&[SCRIPT, LAST].concat())).await;
        die_at(rig, run, "script").await;
        let other = rig.other(folder);
        rig.ticks.pass(Duration::from_secs(31));
        // Within its deadline and a lease, whoever is alive sees to it.
        other.tick().await.expect("ticks");
        let story = rig.story(run).await;
        assert_eq!((story.run.state, story.steps[0].state), (RunState::NeedsHuman, StepState::Unknown));
        assert_eq!(rig.woken(run).await, 1);
        let orphans = rig.store.runs(Filter::Orphans).await.expect("listed");
        assert_eq!(orphans.iter().map(|run| run.id).collect::<Vec<_>>(), [run]);
        heard(rig.store.close(run, RunState::Failed, "somebody", "looked at it").await);
        assert!(rig.store.runs(Filter::Orphans).await.expect("listed").is_empty());
        rig.sound(run).await;
    });
}

#[test]
fn fault_31_a_process_that_dies_for_good_between_two_writes_is_noticed_though_the_alert_is_silent() {
    on_each(async |rig, folder| {
        let run = rig.admit(&of(&[STOP, SCRIPT].concat())).await;
        die_at(rig, run, "script").await;
        rig.engine.resolved(&ira::engine::fingerprint(&firing())).await.expect("told");
        let other = rig.other(folder);
        assert_eq!(rig.woken(run).await, 0);
        rig.ticks.pass(Duration::from_secs(1_201));
        other.tick().await.expect("ticks");
        assert!(rig.woken(run).await >= 1, "I16");
        let rows = rig.mails(run).await.into_iter().filter(|row| row.mail == Mail::Trigger).count();
        other.tick().await.expect("ticks");
        assert_eq!(rig.mails(run).await.into_iter().filter(|row| row.mail == Mail::Trigger).count(), rows, "I20: once");
    });
}

#[test]
fn I3_I4_fault_2_the_same_message_is_one_row_and_one_run_also_after_it_ended() {
    on_each(async |rig, _| {
        let text = of(RESTART);
        let run = rig.admit(&text).await;
        assert_eq!(rig.admit(&text).await, run);
        // Another message about the same, while it runs.
        assert_eq!(rig.admit_as(&text, "again", Mode::Auto, Vec::new()).await.expect("admitted"), run);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.admit(&text).await, run);
        assert_eq!(rig.store.inbox(9).await.expect("read").len(), 2);
        assert_eq!(rig.store.runs(Filter::All).await.expect("read").len(), 1);
        let again = rig.engine.drive(run, &Unwatched).await.expect("works");
        assert_eq!(again.expect_err("it has ended").guard, Guard::State);
        assert_eq!(rig.world.done().len(), 1);
    });
}

#[test]
fn fault_24_a_run_keeps_the_playbook_that_it_began_with() {
    on_each(async |rig, _| {
        let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let Came::Asks(plan, _) = rig.drive(run).await else { panic!("asks") };
        // The file is another one by now.
        let other = of(&[RESTART, LAST].concat());
        let same = rig.admit_as(&other, "two", Mode::Approve, Vec::new()).await.expect("admitted");
        assert_eq!(same, run, "one for each incident and playbook");
        heard(rig.engine.answer(run, &plan.hash, true, "somebody").await);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done(), ["restart web.service"]);
    });
}

#[test]
fn fault_21_a_wall_clock_that_jumps_moves_no_timer_and_no_lease() {
    on_each(async |rig, folder| {
        let run = rig.admit(&of(&[RESTART, SCRIPT].concat())).await;
        die_at(rig, run, "script").await;
        let other = rig.other(folder);
        for wall in [START + 3_600_000, START - 3_600_000] {
            rig.ticks.set_wall(wall);
            assert!(other.drive(run, &Unwatched).await.expect("works").is_err(), "the lease is as long as before");
            assert_eq!(rig.store.due().await.expect("ticks").escalated, []);
        }
        rig.ticks.pass(other.ttl);
        assert!(matches!(rig.drive_by(&other, run).await, Came::Waits(_)));
    });
}

#[test]
fn fault_7_two_workers_take_each_run_once() {
    on_each(async |rig, folder| {
        let mut engines = [rig.other(folder), rig.other(folder)];
        for (name, engine) in ["a", "b"].iter().zip(&mut engines) {
            engine.unattended = true;
            (*name).clone_into(&mut engine.worker);
        }
        let text = of(LOOK).replace(super::books::TAIL, "");
        let (playbook, mut alert) = (parse(&text).expect("reads"), firing());
        for number in 0..40 {
            alert.alert.labels.insert("unit".to_owned(), "web".to_owned());
            alert.alert.labels.insert("n".to_owned(), number.to_string());
            let wanted = Wanted { by: "alert".to_owned(), ..wanted(&number.to_string(), &playbook, &text, &alert) };
            assert!(matches!(engines[0].admit(wanted).await.expect("admitted"), Admission::New(_)));
        }
        let work = async |engine: &Engine| {
            let mut count = 0;
            while engine.work(&Unwatched).await.expect("works").is_some() {
                count += 1;
            }
            count
        };
        let (one, two) = Box::pin(futures::future::join(work(&engines[0]), work(&engines[1]))).await;
        assert_eq!(one + two, 40);
        for run in rig.store.runs(Filter::All).await.expect("read") {
            assert_eq!((run.state, run.fence), (RunState::Succeeded, 1));
        }
    });
}
