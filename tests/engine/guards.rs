//! What keeps a run from writing, decided once, with its first write.

use ira::engine::{Alarm, Came, Ending, refused};
use ira::store::ask::{Denial, Suspend};
use ira::store::model::Run;
use ira::store::{Guard, RunState, StepState, Wait};

use super::books::{LAST, LOOK, RESTART, SCRIPT, STOP, guarded, of};
use super::world::Mishap;
use super::*;

fn denial(came: Came) -> Denial {
    match came {
        Came::Denied(denial, run) => {
            assert_eq!(run.state, RunState::Cancelled);
            *denial
        }
        other => panic!("it is not denied: {other:?}"),
    }
}

fn over(guard: Guard) -> Vec<Override> {
    vec![Override { guard, reason: "I have looked".to_owned(), actor: "somebody".to_owned() }]
}

fn guards(forecast: &Forecast) -> Vec<Guard> {
    forecast.denials.iter().map(|denial| denial.guard).collect()
}

#[test]
fn a_forecast_is_what_the_store_says_then_and_changes_nothing_in_it() {
    on_each(async |rig, _| {
        let text = guarded("  cooldown: 30m\n  recurrence: { max: 1, within: 6h }\n", RESTART)
            .replace("budget: all", "budget: few");
        let free = rig.forecast(&text, Vec::new()).await;
        assert!(free.denials.is_empty(), "{free:?}");
        let counted: Vec<_> = free.used.iter().map(|used| (used.guard, used.used, used.limit)).collect();
        assert_eq!(counted, [(Guard::Recurrence, 1, 1), (Guard::Budget, 1, 1)]);
        assert!(rig.store.guards().await.expect("read").is_empty());
        let first = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(first).await), Ending::Verified);
        // All of them, so that one word is enough for all of them.
        let all = [Guard::Recurrence, Guard::Budget, Guard::Cooldown];
        assert_eq!(guards(&rig.forecast(&text, Vec::new()).await), all);
        rig.store.suspend(freeze("web")).await.expect("frozen");
        assert_eq!(guards(&rig.forecast(&text, Vec::new()).await), [Guard::Freeze], "nobody overrides it");
    });
}

fn freeze(scope: &str) -> Suspend {
    let (scope, actor, reason) = (scope.to_owned(), "somebody".to_owned(), "a drill".to_owned());
    Suspend { guard: Guard::Freeze, scope, lasts: None, actor, reason }
}

#[test]
fn I14_a_cooldown_denies_the_next_run_and_a_person_may_override_it() {
    on_each(async |rig, _| {
        let text = guarded("  cooldown: 30m\n", RESTART);
        let first = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(first).await), Ending::Verified);
        let seen = rig.forecast(&text, Vec::new()).await;
        assert_eq!(guards(&seen), [Guard::Cooldown], "before it is tried");
        assert_eq!(guards(&rig.forecast(&text, over(Guard::Cooldown)).await), [], "and with a person's word");
        let second = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        let denied = denial(rig.drive(second).await);
        assert_eq!((denied.guard, denied.holder), (Guard::Cooldown, Some(first)));
        assert!(denied.until.is_some());
        let fault = refused(&denied);
        assert_eq!(fault.kind.exit_code(), 75);
        assert!(fault.hint.expect("how").contains("--override cooldown --reason"));
        assert_eq!(rig.world.done().len(), 1, "nothing was done");
        let third = rig.admit_as(&text, "three", Mode::Auto, over(Guard::Cooldown)).await.expect("admitted");
        assert_eq!(ended(&rig.drive(third).await), Ending::Verified);
        let events = rig.store.events(third).await.expect("read");
        assert!(events.iter().any(|event| matches!(&event.what, What::Overridden { guard: Guard::Cooldown, .. })));
    });
}

#[test]
fn I12_what_another_run_holds_is_left_alone_and_no_word_overrides_it() {
    on_each(async |rig, folder| {
        let text = of(SCRIPT);
        let first = rig.admit(&text).await;
        rig.world.amid(|_| Some(Mishap::Unheard));
        let Came::Waits(_) = rig.drive(first).await else { panic!("unknown") };
        rig.world.calm();
        // Another incident with the same key.
        rig.store.resolved(&ira::engine::fingerprint(&firing())).await.expect("resolved");
        let second = rig.admit_as(&text, "two", Mode::Auto, over(Guard::Lock)).await.expect("admitted");
        let denied = denial(rig.drive_by(&rig.other(folder), second).await);
        assert_eq!((denied.guard, denied.holder), (Guard::Lock, Some(first)), "an unknown attempt keeps it");
        assert_eq!(rig.world.done().len(), 1);
        // A person says what became of it, and the run goes to its end: then it is free.
        let attempt = rig.story(first).await.steps.last().expect("begun").id;
        heard(rig.store.decide_unknown(attempt, "somebody", ira::store::ask::Decision::ItRan).await);
        assert_eq!(ended(&rig.drive(first).await), Ending::Verified);
        let third = rig.admit_as(&text, "three", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(third).await), Ending::Verified);
    });
}

#[test]
fn I13_a_budget_counts_the_runs_that_began_to_write_whoever_ran_them() {
    on_each(async |rig, folder| {
        let text = of(RESTART).replace("budget: all", "budget: few");
        let first = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(first).await), Ending::Verified);
        let second = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(denial(rig.drive_by(&rig.other(folder), second).await).guard, Guard::Budget);
        rig.ticks.pass(Duration::from_secs(3_601));
        let third = rig.admit_as(&text, "three", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(third).await), Ending::Verified);
        // lesson 34: a budget that is nowhere is none.
        let nowhere = of(RESTART).replace("budget: all", "budget: nowhere");
        let fourth = rig.admit_as(&nowhere, "four", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(denial(rig.drive(fourth).await).guard, Guard::Budget);
    });
}

#[test]
fn I14_a_playbook_that_does_not_help_is_left_alone_after_a_while() {
    on_each(async |rig, _| {
        rig.world.unit("site.service", false, 1);
        for key in ["one", "two", "three"] {
            let run = rig.admit_as(&of(RESTART), key, Mode::Auto, Vec::new()).await.expect("admitted");
            assert_eq!(ended(&rig.drive(run).await), Ending::Unverified, "{key}");
        }
        let fourth = rig.admit_as(&of(RESTART), "four", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(denial(rig.drive(fourth).await).guard, Guard::Breaker);
        assert_eq!(rig.world.done().len(), 3);
        // After its time one run is let through, and closes it.
        rig.ticks.pass(Duration::from_secs(3_601));
        rig.world.unit("site.service", true, 2);
        for key in ["five", "six"] {
            let run = rig.admit_as(&of(RESTART), key, Mode::Auto, Vec::new()).await.expect("admitted");
            assert_eq!(ended(&rig.drive(run).await), Ending::Verified, "{key}");
        }
    });
}

#[test]
fn what_a_playbook_requires_denies_where_it_is_not_so_or_cannot_be_told() {
    on_each(async |rig, _| {
        for (key, require) in [("one", "q.site == \"failed\""), ("two", "q.odd == \"active\"")] {
            let text = guarded(&format!("  require: {require}\n"), RESTART);
            let run = rig.admit_as(&text, key, Mode::Auto, Vec::new()).await.expect("admitted");
            assert_eq!(denial(rig.drive(run).await).guard, Guard::Require);
        }
        let text = guarded("  require: q.odd == \"active\"\n", RESTART);
        let run = rig.admit_as(&text, "three", Mode::Auto, over(Guard::Require)).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
    });
}

#[test]
fn what_is_denied_where_nobody_is_there_reaches_a_person() {
    on_each(async |rig, folder| {
        let text = guarded("  require: q.site == \"failed\"\n", RESTART);
        let mut alone = rig.other(folder);
        alone.unattended = true;
        let playbook = parse(&text).expect("sound");
        let alert = firing();
        let wanted = Wanted {
            by: "alert".to_owned(),
            page: Some(page("the page")),
            escalate_in: Some(Duration::from_secs(60)),
            ..wanted("one", &playbook, &text, &alert)
        };
        let run = alone.admit(wanted).await.expect("admitted").run().id;
        let Some((worked, Came::Denied(..))) = alone.work(&Unwatched).await.expect("works") else { panic!("denied") };
        assert_eq!((worked, rig.story(run).await.run.state), (run, RunState::Escalated));
        assert_eq!(rig.woken(run).await, 1);
    });
}

#[test]
fn targets_that_are_not_named_are_nothing_and_never_everything() {
    on_each(async |rig, _| {
        let text = of(&[LOOK, RESTART].concat()).replace("unit: [web*, app*]", "unit: [db*]");
        let run = rig.admit(&text).await;
        let Came::Denied(denial, _) = rig.drive(run).await else { panic!("denied") };
        assert!(denial.message.contains("none of `targets.unit`"), "{}", denial.message);
        assert!(rig.world.done().is_empty());
    });
}

/// An alarm that can be set, or not.
struct Bell {
    works: bool,
    rang: std::sync::Mutex<Vec<&'static str>>,
}

#[async_trait::async_trait]
impl Alarm for Bell {
    async fn set(&self, run: &Run) -> Result<(), Fault> {
        assert!(!run.state.terminal());
        self.rang.lock().expect("whole").push("set");
        if self.works { Ok(()) } else { Err(Fault::new(ira_commands::Kind::Unreachable, "no Alertmanager")) }
    }

    async fn clear(&self, run: &Run) -> Result<(), Fault> {
        assert!(run.state.terminal());
        self.rang.lock().expect("whole").push("clear");
        Ok(())
    }
}

#[test]
fn nothing_is_written_before_somebody_would_be_paged_if_this_machine_died() {
    on_each(async |rig, folder| {
        for (key, works) in [("one", false), ("two", true)] {
            let bell = Arc::new(Bell { works, rang: std::sync::Mutex::default() });
            let mut engine = rig.other(folder);
            engine.alarm = Some(Arc::<Bell>::clone(&bell) as Arc<dyn Alarm>);
            let run = rig.admit_as(&of(RESTART), key, Mode::Auto, Vec::new()).await.expect("admitted");
            let ending = ended(&rig.drive_by(&engine, run).await);
            let rang = bell.rang.lock().expect("whole").clone();
            if works {
                assert_eq!((ending, rang), (Ending::Verified, vec!["set", "clear"]));
            } else {
                // It may have been taken, and the answer lost.
                assert_eq!((ending, rang), (Ending::Broken, vec!["set", "clear"]));
                assert_eq!((rig.world.done().len(), rig.woken(run).await), (0, 1));
            }
        }
    });
}

/// Fault 34: what runs out or is frozen between two writes.
#[test]
fn fault_34_a_guard_never_strands_a_run_between_two_writes_but_a_freeze_parks_it_and_pages() {
    on_each(async |rig, _| {
        let guards = "  cooldown: 30m\n  recurrence: { max: 1, within: 6h }\n";
        let text = guarded(guards, &[STOP, SCRIPT, LAST].concat()).replace("budget: all", "budget: few");
        let run = rig.admit(&text).await;
        let store = Arc::clone(&rig.store);
        // The first write used up its budget, began its cooldown and is the last that recurrence allows.
        rig.world.amid(move |what| {
            if what.starts_with("script") {
                super::phases::block_here(store.suspend(Suspend {
                    guard: Guard::Freeze,
                    scope: "*".to_owned(),
                    lasts: None,
                    actor: "somebody".to_owned(),
                    reason: "the database moves".to_owned(),
                }))
                .expect("frozen");
            }
            None
        });
        let Came::Waits(parked) = rig.drive(run).await else { panic!("parked") };
        assert_eq!(parked.state, RunState::Waiting(Wait::Freeze));
        assert_eq!(rig.world.done(), ["stop app.service", "script /scripts/blind"]);
        assert_eq!(rig.woken(run).await, 1, "at once");
        let told = rig.mails(run).await.into_iter().map(|row| row.payload.to_string()).collect::<String>();
        assert!(told.contains("the database moves") && told.contains("Done: stop/"), "{told}");
        assert_eq!(rig.stands(run, "last").await, None, "nothing was begun");
        // Driven again it waits again, and nobody is woken twice.
        assert!(matches!(rig.drive(run).await, Came::Waits(_)));
        rig.world.calm();
        assert!(rig.store.lift(Guard::Freeze, "*", "somebody").await.expect("thawed"));
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.stands(run, "last/").await, Some(StepState::Done));
        assert_eq!(rig.world.done().len(), 3);
        rig.sound(run).await;
    });
}
