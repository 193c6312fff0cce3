//! A run through its phases, and how it ends when something does not work.

use ira::engine::{Came, Ending};
use ira::store::{MailState, Phase, RunState, StepState, Trace};

use super::books::{LAST, LOOK, REPEAT, RESTART, SCRIPT, STOP, of};
use super::world::Mishap;
use super::*;

#[test]
fn a_run_reads_plans_acts_verifies_and_holds() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[LOOK, RESTART].concat())).await;
        let came = rig.drive(run).await;
        assert_eq!(ended(&came), Ending::Verified);
        assert_eq!(rig.world.done(), ["restart web.service"]);
        let states = rig.states(run).await;
        let phases: Vec<&str> = states.iter().map(String::as_str).filter(|state| *state != "waiting:timer").collect();
        assert_eq!(phases, ["running:act", "running:verify", "running:hold", "succeeded"], "{states:?}");
        assert_eq!(rig.mails(run).await[0].state, MailState::Disarmed, "nobody is woken");
        rig.sound(run).await;
        let story = rig.story(run).await;
        let paths: Vec<&str> = story.steps.iter().map(|step| step.path.as_str()).collect();
        assert_eq!(paths, ["look", "restart/systemd here web.service"], "a command's attempt is the run's");
        assert!(story.run.plan_hash.is_some() && story.run.first_write_at.is_some());
    });
}

#[test]
fn I7_lesson_17_nothing_is_done_before_it_is_written_down() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[RESTART, SCRIPT].concat())).await;
        let store = Arc::clone(&rig.store);
        rig.world.amid(move |what| {
            let now = block_here(store.run(run)).expect("read").expect("there");
            let begun = now.steps.last().expect("begun");
            assert_eq!(begun.state, StepState::Started, "{what}");
            None
        });
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 2);
    });
}

/// Waits without a runtime: what is asked is answered by the store's own threads.
pub fn block_here<T: Send>(future: impl Future<Output = T> + Send) -> T {
    std::thread::scope(|scope| scope.spawn(|| block(future)).join().expect("it ends"))
}

#[test]
fn lesson_42_lesson_7_a_step_is_left_out_by_its_condition_and_tried_again_where_it_was_refused() {
    on_each(async |rig, _| {
        let conditional = RESTART.replace("    do:", "    if: steps.look.out.active == \"active\"\n    do:");
        let never = LAST.replace("    do:", "    if: steps.look.out.active == \"failed\"\n    do:");
        let again = format!("{conditional}    retry: {{ attempts: 3, backoff: 20s, on: [refused] }}\n");
        let run = rig.admit(&of(&[LOOK, &again, &never].concat())).await;
        let times = Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let counted = Arc::clone(&times);
        rig.world
            .amid(move |_| (counted.fetch_add(1, std::sync::atomic::Ordering::SeqCst) < 2).then_some(Mishap::Refused));
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let story = rig.story(run).await;
        let tries: Vec<StepState> =
            story.steps.iter().filter(|step| step.path.starts_with("restart/")).map(|step| step.state).collect();
        let none = StepState::Failed(Trace::Nothing);
        assert_eq!(tries, [none, none, StepState::Done], "I8: only after nothing was done");
        assert_eq!(rig.world.done(), ["restart web.service"]);
        // lesson 7: the pause before the next try is in the store.
        assert!(rig.states(run).await.contains(&"waiting:timer".to_owned()));
    });
}

#[test]
fn a_step_that_is_refused_too_often_ends_the_run_with_nothing_done() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(RESTART)).await;
        rig.world.amid(|_| Some(Mishap::Refused));
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert!(rig.world.done().is_empty());
        assert_eq!(rig.woken(run).await, 1);
        assert!(rig.story(run).await.run.note.contains("Nothing was changed."));
        rig.sound(run).await;
    });
}

#[test]
fn a_step_that_fails_has_what_was_done_before_it_taken_back_newest_first() {
    on_each(async |rig, _| {
        let stop_web = STOP.replace("id: stop", "id: first").replace("unit: app", "unit: web");
        let run = rig.admit(&of(&[&stop_web, STOP, SCRIPT, LAST].concat())).await;
        rig.world.amid(|what| what.contains("app-last").then_some(Mishap::Fails));
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert_eq!(
            rig.world.done(),
            [
                "stop web.service",
                "stop app.service",
                "script /scripts/blind",
                "restart app-last.service",
                "start app.service",
                "start web.service"
            ]
        );
        let note = rig.story(run).await.run.note;
        assert!(
            note.contains("Taken back: stop, first.") && note.contains("script (there is nothing that takes it back)"),
            "{note}"
        );
        assert_eq!(rig.woken(run).await, 1);
        rig.sound(run).await;
    });
}

#[test]
fn what_did_not_help_escalates_with_the_record_of_what_was_tried() {
    on_each(async |rig, _| {
        rig.world.unit("site.service", false, 1);
        let run = rig.admit(&of(&[LOOK, RESTART].concat())).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
        let story = rig.story(run).await;
        assert_eq!(story.run.state, RunState::Escalated);
        for part in
            ["did not help", "site inactive -> inactive", "Done: restart/", "ira run undo 1", "ira run resume 1"]
        {
            assert!(story.run.note.contains(part), "{part}: {}", story.run.note);
        }
        assert_eq!(rig.woken(run).await, 1);
    });
}

#[test]
fn what_did_not_help_is_taken_back_where_the_playbook_says_so() {
    on_each(async |rig, _| {
        rig.world.unit("site.service", false, 1);
        let run = rig.admit(&of(STOP).replace("  hold: 10s\n", "  hold: 10s\n  else: undo\n")).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
        assert_eq!(rig.world.done(), ["stop app.service", "start app.service"]);
        assert_eq!(rig.woken(run).await, 1);
    });
}

#[test]
fn what_helped_for_a_while_escalates_and_takes_nothing_back() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(STOP).replace("  hold: 10s\n", "  hold: 10m\n  else: undo\n")).await;
        loop {
            match heard(rig.engine.drive(run, &Unwatched).await) {
                Came::Sleeps(length) => rig.ticks.pass(length),
                came => {
                    assert_eq!(ended(&came), Ending::NotHeld);
                    break;
                }
            }
            if rig.story(run).await.run.phase == Phase::Hold {
                rig.world.unit("site.service", false, 1);
            }
        }
        assert_eq!(rig.world.done(), ["stop app.service"]);
        assert_eq!(rig.woken(run).await, 1);
    });
}

#[test]
fn nothing_applied_while_the_alert_fires_reaches_a_person() {
    on_each(async |rig, _| {
        let never = RESTART.replace("    do:", "    if: steps.look.out.active == \"failed\"\n    do:");
        let run = rig.admit(&of(&[LOOK, &never].concat())).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::NothingApplied);
        assert_eq!((rig.world.done().len(), rig.woken(run).await), (0, 1));
    });
}

#[test]
fn a_condition_or_a_verify_that_cannot_be_told_is_not_so() {
    on_each(async |rig, _| {
        let odd = RESTART.replace("    do:", "    if: q.odd == \"active\"\n    do:");
        let run = rig.admit(&of(&odd)).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert!(rig.world.done().is_empty());
        let text = of(RESTART).replace("until: q.site ==", "until: q.odd == \"active\" && q.site ==");
        let run = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
    });
}

#[test]
fn lesson_31_a_once_step_whose_time_is_over_is_unknown_and_not_failed() {
    on_each(async |rig, _| {
        rig.world.amid(|what| what.contains("script").then_some(Mishap::Hangs));
        let run = rig.admit(&of(&SCRIPT.replace("30s", "1s"))).await;
        let Came::Waits(waits) = rig.drive(run).await else { panic!("a person has to say") };
        assert_eq!((waits.state, rig.stands(run, "script/").await), (RunState::NeedsHuman, Some(StepState::Unknown)));
        assert_eq!((rig.world.done().len(), rig.woken(run).await), (1, 1), "I10: with a page");
        rig.sound(run).await;
        // The same with a result that its probe finds.
        heard(rig.store.close(run, RunState::Failed, "somebody", "for the next").await);
        let kept = of(&SCRIPT.replace("30s", "1s").replace("blind", "kept"));
        let run = rig.admit_as(&kept, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 2);
    });
}

#[test]
fn a_step_that_repeats_is_the_same_to_whom_it_acts_on() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(REPEAT)).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let story = rig.story(run).await;
        let attempt = story.steps.iter().find(|step| step.path.starts_with("repeat/")).expect("begun");
        assert_eq!(attempt.effect, ira_commands::Effect::Idempotent, "the playbook's own word");
        assert_eq!(attempt.effect_key.as_deref(), Some(format!("ira:{run}:{}", attempt.path).as_str()), "I11");
    });
}

#[test]
fn a_note_is_kept_current_and_never_wakes_anybody() {
    on_each(async |rig, _| {
        let text = of(&[LOOK, RESTART].concat()).replace("steps:\n", "annotate: pagerduty\nsteps:\n");
        let run = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let notes: Vec<OutboxRow> = rig.mails(run).await.into_iter().filter(|row| row.mail == Mail::Note).collect();
        let said: Vec<&str> = notes.iter().filter_map(|row| row.payload["text"].as_str()).collect();
        assert!(said.len() == 3 && said[0].contains("restart: systemd.restart"), "{said:?}");
        assert_eq!(notes[2].payload["state"], "succeeded");
        assert_eq!((rig.woken(run).await, &notes[2].payload["facts"]["before"]["site"]), (0, &json!("active")));
        // On the rung `observe` nobody is told anything.
        let run = rig.admit_as(&text, "two", Mode::Observe, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Observed);
        assert!(rig.mails(run).await.iter().all(|row| row.mail != Mail::Note || row.run != Some(run)));
    });
}

#[test]
fn I20_a_wait_is_a_timer_of_the_store_of_which_whoever_goes_on_waits_the_rest() {
    on_each(async |rig, folder| {
        let wait = "  - id: settle\n    do: wait\n    with: { for: 1m }\n";
        let run = rig.admit(&of(&[RESTART, wait, LAST].concat())).await;
        let slept = |came: Came| match came {
            Came::Sleeps(length) => length.as_secs(),
            other => panic!("it does not wait: {other:?}"),
        };
        let drive = async |engine: &Engine| heard(engine.drive(run, &Unwatched).await);
        assert_eq!((slept(drive(&rig.engine).await), rig.world.done().len()), (60, 1));
        rig.ticks.pass(Duration::from_secs(45));
        // The process that began it is gone.
        assert_eq!((slept(drive(&rig.other(folder)).await), rig.world.done().len()), (15, 1));
        rig.ticks.pass(Duration::from_secs(15));
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 2);
    });
}

#[test]
fn a_wait_before_the_plan_is_waited_once_however_often_the_plan_is_looked_at() {
    on_each(async |rig, _| {
        let wait = "  - id: settle\n    do: wait\n    with: { for: 1m }\n";
        let text = of(&[LOOK, wait, RESTART].concat());
        let run = rig.admit_as(&text, "one", Mode::Approve, Vec::new()).await.expect("admitted");
        let began = rig.store.now().await.expect("a time");
        let Came::Asks(plan, _) = rig.drive(run).await else { panic!("it asks") };
        assert_eq!(rig.store.now().await.expect("a time") - began, 60_000);
        heard(rig.engine.answer(run, &plan.hash, true, "somebody").await);
        let came = heard(rig.engine.drive(run, &Unwatched).await);
        assert!(matches!(came, Came::Sleeps(length) if length.as_secs() == 10), "verify's first look: {came:?}");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
    });
}

#[test]
fn a_preview_writes_nothing_anywhere() {
    on_each(async |rig, _| {
        let text = of(&[LOOK, RESTART].concat());
        let (playbook, alert) = (parse(&text).expect("sound"), firing());
        let wanted = Wanted { rung: Mode::Suggest, ..wanted("p", &playbook, &text, &alert) };
        let preview = rig.engine.preview(&wanted).await.expect("planned");
        assert_eq!((preview.reads.len(), preview.plan.writes.len(), preview.stopped), (1, 1, None));
        assert_eq!(preview.plan.writes[0].target, "systemd here web.service");
        assert!(rig.store.runs(ira::store::ask::Filter::All).await.expect("read").is_empty());
        // On its rung, the run itself goes no further either.
        let run = rig.engine.admit(wanted).await.expect("admitted").run().id;
        assert_eq!(ended(&rig.drive(run).await), Ending::Suggested);
        assert_eq!(rig.story(run).await.run.plan_hash.as_deref(), Some(preview.plan.hash.as_str()));
        assert!(rig.world.done().is_empty());
    });
}
