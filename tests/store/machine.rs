//! The invariants, each by its number, on the model and on a file.

#![expect(non_snake_case, reason = "named for the invariants")]

use std::time::Duration;

use ira::store::ask::{Admission, Advance, Decision, Filter, Mails, Outcome, Verified, Which};
use ira::store::event::{By, What};
use ira::store::{Guard, MailState, RunState, StepState, Trace, Wait};
use ira_commands::Effect;
use serde_json::json;

use super::{SECOND, admit, bucket, claim, denial, ended, finish, on_each, run, taken, unguarded, write};

#[test]
fn I3_the_same_delivery_is_one_row_and_one_run() {
    on_each(async |store, _| {
        let first = store.admit(admit("a", "disk", "restart")).await.expect("admitted");
        let again = store.admit(admit("a", "disk", "restart")).await.expect("admitted");
        assert!(matches!(again, Admission::Again(_)) && again.run().id == first.run().id);
        let inbox = store.inbox(10).await.expect("read");
        assert_eq!((inbox.len(), inbox[0].seen, inbox[0].state.as_str()), (1, 2, "run 1"));
    });
}

#[test]
fn I4_a_playbook_runs_once_for_an_incident_at_a_time() {
    on_each(async |store, _| {
        let first = taken(store, "disk").await;
        let second = store.admit(admit("b", "disk", "restart")).await.expect("admitted");
        assert!(matches!(second, Admission::Active(_)) && second.run().id == first.id);
        let other = store.admit(admit("c", "disk", "other")).await.expect("admitted");
        assert!(matches!(other, Admission::New(_)));
        store.finish(finish(&first, RunState::Succeeded)).await.expect("kept").expect("allowed");
        assert!(matches!(store.admit(admit("d", "disk", "restart")).await.expect("admitted"), Admission::New(_)));
        // Two at once is an escalated one that is taken up again.
        let held = store.reopen(first.id, "ann", None).await.expect("asked");
        assert_eq!(denial(held), Some(Guard::State));
    });
}

#[test]
fn I5_and_I6_each_claim_raises_the_fence_and_a_lower_one_changes_nothing_but_its_attempt() {
    on_each(async |store, ticks| {
        let old = taken(store, "disk").await;
        let step = store.begin_first_write(unguarded(write(&old, "stop"))).await.expect("asked").expect("begun");
        assert_eq!(denial(claim(store, "other", Which::This(old.id)).await), Some(Guard::Lease));
        ticks.pass(31 * SECOND);
        let new = claim(store, "other", Which::Next).await.expect("free").expect("due");
        assert_eq!((new.id, new.fence), (old.id, old.fence + 1));
        assert_eq!(denial(store.renew(old.id, old.fence, SECOND).await.expect("asked")), Some(Guard::Fence));
        assert_eq!(denial(store.finish(finish(&old, RunState::Succeeded)).await.expect("asked")), Some(Guard::Fence));
        assert_eq!(denial(store.begin(write(&old, "start")).await.expect("asked")), Some(Guard::Fence));
        let unknown = ended(&step, Outcome::AskPerson("?".to_owned()));
        assert_eq!(denial(store.end(unknown).await.expect("asked")), Some(Guard::Fence));
        // What came of its own attempt is evidence.
        let done = store.end(ended(&step, Outcome::Done)).await.expect("asked").expect("taken");
        assert_eq!(done.state, StepState::Done);
        let events = store.events(old.id).await.expect("read");
        assert!(matches!(events.last().map(|event| &event.what), Some(What::Ended { by: By::Late, .. })));
        assert_eq!(run(store, old.id).await.state, new.state);
        // Its word is taken once.
        let twice = ended(&step, Outcome::Failed(Trace::Nothing));
        assert_eq!(denial(store.end(twice).await.expect("asked")), Some(Guard::Attempt));
    });
}

#[test]
fn I7_a_lease_that_has_run_out_begins_nothing() {
    on_each(async |store, ticks| {
        let run = taken(store, "disk").await;
        ticks.pass(30 * SECOND);
        let late = store.begin_first_write(unguarded(write(&run, "stop"))).await.expect("asked");
        assert_eq!(denial(late), Some(Guard::Lease));
        assert!(store.run(run.id).await.expect("read").expect("kept").steps.is_empty());
        store.renew(run.id, run.fence, 30 * SECOND).await.expect("asked").expect("nobody took it");
        let first = store.begin_first_write(unguarded(write(&run, "stop"))).await.expect("asked").expect("begun");
        // The answer was lost, and it is asked again.
        let again = store.begin_first_write(unguarded(write(&run, "stop"))).await.expect("asked").expect("begun");
        assert_eq!(first, again);
        let unguarded_first = store.admit(admit("x", "x", "x")).await.expect("admitted").run().clone();
        let other = claim(store, "w", Which::This(unguarded_first.id)).await.expect("free").expect("there");
        assert!(store.begin(write(&other, "stop")).await.is_err(), "a first write without its guards is a fault");
    });
}

#[test]
fn I8_a_once_step_is_tried_again_only_after_a_failure_without_effect_or_a_persons_word() {
    on_each(async |store, _| {
        let run = taken(store, "disk").await;
        let mut attempt = write(&run, "stop");
        let first = store.begin_first_write(unguarded(attempt.clone())).await.expect("asked").expect("begun");
        attempt.attempt = 2;
        assert_eq!(denial(store.begin(attempt.clone()).await.expect("asked")), Some(Guard::Attempt), "no result yet");
        let probed = ended(&first, Outcome::ProbeIn(5 * SECOND));
        store.end(probed).await.expect("asked").expect("unknown");
        assert_eq!(denial(store.begin(attempt.clone()).await.expect("asked")), Some(Guard::Attempt), "unknown");
        store.decide_unknown(first.id, "probe", Decision::ItDidNot).await.expect("asked").expect("decided");
        let second = store.begin(attempt.clone()).await.expect("asked").expect("a conclusive probe said so");
        store.end(ended(&second, Outcome::Failed(Trace::Something))).await.expect("asked").expect("failed");
        attempt.attempt = 3;
        assert_eq!(denial(store.begin(attempt.clone()).await.expect("asked")), Some(Guard::Attempt), "some effect");
        store.decide_unknown(second.id, "ann", Decision::ItDidNot).await.expect("asked").expect("decided");
        let third = store.begin(attempt.clone()).await.expect("asked").expect("a person said so");
        store.end(ended(&third, Outcome::Failed(Trace::Nothing))).await.expect("asked").expect("failed");
        attempt.attempt = 4;
        let fourth = store.begin(attempt.clone()).await.expect("asked").expect("refused before anything was done");
        store.end(ended(&fourth, Outcome::Done)).await.expect("asked").expect("done");
        attempt.attempt = 5;
        assert_eq!(denial(store.begin(attempt).await.expect("asked")), Some(Guard::Attempt), "it is done");
    });
}

#[test]
fn I8_an_idempotent_step_gives_way_to_the_next_worker_under_the_same_key() {
    on_each(async |store, ticks| {
        let old = taken(store, "disk").await;
        let idempotent = |run: &ira::store::model::Run, attempt| {
            let mut begin = write(run, "scale");
            begin.effect = Effect::Idempotent;
            begin.effect_key = Some("scale to 3".to_owned());
            begin.attempt = attempt;
            begin
        };
        let first = store.begin_first_write(unguarded(idempotent(&old, 1))).await.expect("asked").expect("begun");
        assert_eq!(denial(store.begin(idempotent(&old, 2)).await.expect("asked")), Some(Guard::Attempt), "its own");
        ticks.pass(31 * SECOND);
        let new = claim(store, "other", Which::Next).await.expect("free").expect("due");
        let mut another = idempotent(&new, 2);
        another.effect_key = Some("scale to 4".to_owned());
        assert_eq!(denial(store.begin(another).await.expect("asked")), Some(Guard::Attempt), "I11");
        store.begin(idempotent(&new, 2)).await.expect("asked").expect("begun again");
        let steps = store.run(old.id).await.expect("read").expect("kept").steps;
        assert_eq!(steps[0].state, StepState::Failed(Trace::Something), "I9: it has an end");
        assert_eq!((steps[0].id, steps[1].effect_key.as_deref()), (first.id, Some("scale to 3")));
    });
}

#[test]
fn I10_an_unknown_attempt_has_its_probe_or_its_page_in_the_same_commit() {
    on_each(async |store, ticks| {
        let taken_run = taken(store, "disk").await;
        let step = store.begin_first_write(unguarded(write(&taken_run, "stop"))).await.expect("asked").expect("begun");
        store.end(ended(&step, Outcome::ProbeIn(5 * SECOND))).await.expect("asked").expect("unknown");
        let probed = run(store, taken_run.id).await;
        assert_eq!(probed.state, RunState::Waiting(Wait::Timer));
        assert_eq!(probed.wake_at, Some(store.now().await.expect("a time") + 5000));
        let mut asked = ended(&step, Outcome::AskPerson("did stop run?".to_owned()));
        asked.exit = json!("the probe does not know");
        store.end(asked).await.expect("asked").expect("unknown still");
        assert_eq!(run(store, taken_run.id).await.state, RunState::NeedsHuman);
        let mails = store.mails(Mails::Of(taken_run.id)).await.expect("read");
        assert_eq!((mails.len(), mails[0].state, mails[0].reason.as_str()), (1, MailState::Pending, "did stop run?"));
        // Said again it is the same page, and another word about it is a note.
        let again = |why: &str| Advance {
            run: taken_run.id,
            fence: taken_run.fence,
            state: RunState::NeedsHuman,
            why: why.to_owned(),
            cursor: None,
            escalate_in: None,
            wake_in: None,
        };
        for (why, rows) in [("did stop run?", 1), ("and start?", 2), ("and start?", 2), ("and check?", 3)] {
            store.advance(again(why)).await.expect("asked").expect("a person is asked already");
            assert_eq!(store.mails(Mails::Of(taken_run.id)).await.expect("read").len(), rows, "{why}");
        }
        // It is nobody's before the person has spoken.
        ticks.pass(40 * SECOND);
        assert_eq!(claim(store, "other", Which::Next).await.expect("asked"), None);
        let done = store.decide_unknown(step.id, "ann", Decision::ItRan).await.expect("asked").expect("decided");
        assert_eq!(done.state, StepState::Done);
        assert_eq!(claim(store, "other", Which::Next).await.expect("asked").map(|run| run.id), Some(taken_run.id));
    });
}

#[test]
fn I12_locks_are_taken_together_and_held_while_it_is_not_known_what_came_of_it() {
    on_each(async |store, ticks| {
        let with = |run: &ira::store::model::Run, keys: &[&str]| {
            let mut begin = write(run, "stop");
            begin.locks = keys.iter().map(|&key| key.to_owned()).collect();
            unguarded(begin)
        };
        let one = taken(store, "one").await;
        let two = taken(store, "two").await;
        let step = store.begin_first_write(with(&one, &["web", "db"])).await.expect("asked").expect("begun");
        let denied = store.begin_first_write(with(&two, &["app", "web"])).await.expect("asked").expect_err("held");
        assert_eq!((denied.guard, denied.holder, denied.key.as_str()), (Guard::Lock, Some(one.id), "web"));
        let keys = async || {
            let locks = store.guards().await.expect("read").into_iter().filter(|row| row.kind == Guard::Lock);
            locks.map(|row| row.key).collect::<Vec<_>>()
        };
        assert_eq!(keys().await, ["lock:db", "lock:web"], "all or none");
        // Neither the end of its lease nor that of its run releases them.
        ticks.pass(31 * SECOND);
        let new = claim(store, "other", Which::This(one.id)).await.expect("free").expect("there");
        let early = store.finish(finish(&new, RunState::Failed)).await.expect("asked");
        assert_eq!(denial(early), Some(Guard::Attempt), "an attempt is open");
        store.finish(finish(&new, RunState::Escalated)).await.expect("asked").expect("handed over");
        assert_eq!(keys().await.len(), 2);
        assert_eq!(store.runs(Filter::Orphans).await.expect("listed")[0].id, one.id);
        store.decide_unknown(step.id, "ann", Decision::ItDidNot).await.expect("asked").expect("decided");
        assert!(keys().await.is_empty());
        let two = claim(store, "other", Which::This(two.id)).await.expect("free").expect("there");
        store.begin_first_write(with(&two, &["app", "web"])).await.expect("asked").expect("free now");
        let mut foreign = write(&two, "start");
        foreign.locks = vec!["db".to_owned()];
        assert_eq!(denial(store.begin(foreign).await.expect("asked")), Some(Guard::Lock), "a lock it does not hold");
        // A person closes it: whatever is open is theirs.
        ticks.pass(31 * SECOND);
        store.close(two.id, RunState::Failed, "ann", "seen").await.expect("asked").expect("closed");
        assert!(keys().await.is_empty());
    });
}

#[test]
fn I13_in_no_window_begin_more_runs_than_the_bucket_holds() {
    on_each(async |store, ticks| {
        let mut begun = Vec::new();
        for index in 0..30 {
            let run = taken(store, &format!("alert {index}")).await;
            let mut first = unguarded(write(&run, "stop"));
            first.charges = vec![bucket("restarts", 3, 60 * SECOND)];
            let now = store.now().await.expect("a time");
            match store.begin_first_write(first).await.expect("asked") {
                Ok(_) => begun.push(now),
                Err(denied) => {
                    assert_eq!(denied.guard, Guard::Bucket);
                    assert!(denied.until.is_some_and(|until| until > now && until <= now + 60_000), "{denied:?}");
                }
            }
            ticks.pass(Duration::from_secs(index % 7 * 3));
        }
        for from in &begun {
            let within = begun.iter().filter(|at| *at >= from && **at < from + 60_000).count();
            assert!(within <= 3, "{within} from {from} on");
        }
        assert!(begun.len() > 6, "and it fills again: {}", begun.len());
    });
}

#[test]
fn I14_nothing_begins_inside_a_cooldown_or_behind_an_open_breaker() {
    on_each(async |store, ticks| {
        let guarded = |run: &ira::store::model::Run| {
            let mut first = unguarded(write(run, "stop"));
            first.cooldowns = vec![("web".to_owned(), 10 * SECOND)];
            first.breaker = Some("restart".to_owned());
            first
        };
        for (index, name) in ["a", "b"].into_iter().enumerate() {
            let run = taken(store, name).await;
            if index > 0 {
                let denied = store.begin_first_write(guarded(&run)).await.expect("asked").expect_err("too early");
                assert_eq!(
                    (denied.guard, denied.until),
                    (Guard::Cooldown, Some(store.now().await.expect("a time") + 10_000))
                );
                ticks.pass(10 * SECOND);
            }
            let step = store.begin_first_write(guarded(&run)).await.expect("asked").expect("begun");
            store.end(ended(&step, Outcome::Done)).await.expect("asked").expect("done");
            let mut end = finish(&run, RunState::Failed);
            let breaker = "restart".to_owned();
            end.verified = Some(Verified { breaker, good: Some(false), after: 2, opens_for: 60 * SECOND });
            store.finish(end).await.expect("asked").expect("ended");
        }
        ticks.pass(20 * SECOND);
        let (third, fourth) = (taken(store, "c").await, taken(store, "d").await);
        let denied = store.begin_first_write(guarded(&third)).await.expect("asked").expect_err("open");
        assert_eq!(denied.guard, Guard::Breaker);
        ticks.pass(40 * SECOND);
        let third = claim(store, "w", Which::This(third.id)).await.expect("free").expect("there");
        let fourth = claim(store, "w", Which::This(fourth.id)).await.expect("free").expect("there");
        store.begin_first_write(guarded(&third)).await.expect("asked").expect("one is let through to try");
        let mut only_breaker = guarded(&fourth);
        only_breaker.cooldowns.clear();
        let denied = store.begin_first_write(only_breaker).await.expect("asked").expect_err("one is enough");
        assert_eq!((denied.guard, denied.holder), (Guard::Breaker, Some(third.id)));
    });
}
