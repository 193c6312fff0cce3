//! Pages, people and time, on the model and on a file.

#![expect(non_snake_case, reason = "named for the invariants")]

use ira::store::ask::{Advance, Ask, Mails, Outcome, Sent, Suspend, Take, Which};
use ira::store::{Guard, Mail, MailState, Phase, RunState};

use super::{SECOND, admit, claim, denial, ended, finish, on_each, taken, unguarded, write};

#[test]
fn I15_a_yes_is_for_one_plan_and_expires() {
    on_each(async |store, ticks| {
        let run = taken(store, "disk").await;
        store.plan(run.id, run.fence, "plan 1", serde_json::Value::Null).await.expect("asked").expect("kept");
        let ask = Ask {
            run: run.id,
            fence: run.fence,
            path: String::new(),
            plan_hash: "plan 1".to_owned(),
            within: 20 * SECOND,
        };
        let asked = store.ask(ask.clone()).await.expect("asked").expect("kept");
        assert_eq!(store.ask(ask).await.expect("asked").expect("kept").id, asked.id, "asked once");
        let mut first = unguarded(write(&run, "stop"));
        first.approved = true;
        first.begin.plan_hash = Some("plan 1".to_owned());
        assert_eq!(denial(store.begin_first_write(first.clone()).await.expect("asked")), Some(Guard::Approval));
        assert_eq!(denial(store.decide(asked.id, "plan 2", true, "ann").await.expect("asked")), Some(Guard::Plan));
        store.decide(asked.id, "plan 1", true, "ann").await.expect("asked").expect("yes");
        assert_eq!(denial(store.decide(asked.id, "plan 1", false, "bob").await.expect("asked")), Some(Guard::Approval));
        let mut other = first.clone();
        other.begin.plan_hash = Some("plan 2".to_owned());
        assert_eq!(denial(store.begin_first_write(other).await.expect("asked")), Some(Guard::Plan));
        ticks.pass(20 * SECOND);
        assert_eq!(denial(store.begin_first_write(first).await.expect("asked")), Some(Guard::Approval), "expired");
    });
}

#[test]
fn I16_and_I20_a_run_that_is_late_is_handed_over_once_in_one_commit() {
    on_each(async |store, ticks| {
        let first = taken(store, "disk").await;
        store.begin_first_write(unguarded(write(&first, "stop"))).await.expect("asked").expect("begun");
        let rearm = Advance {
            run: first.id,
            fence: first.fence,
            state: RunState::Running(Phase::Verify),
            why: String::new(),
            cursor: None,
            escalate_in: Some(60 * SECOND),
            wake_in: None,
        };
        ticks.pass(20 * SECOND);
        store.advance(rearm.clone()).await.expect("asked").expect("the next phase");
        ticks.pass(59 * SECOND);
        assert!(store.due().await.expect("looked").escalated.is_empty(), "re-armed");
        ticks.pass(SECOND);
        assert_eq!(
            denial(store.advance(rearm).await.expect("asked")),
            Some(Guard::Escalated),
            "time is not given back"
        );
        let due = store.due().await.expect("looked");
        assert_eq!((due.escalated, due.overdue.len()), (vec![first.id], 1));
        assert!(store.due().await.expect("looked").escalated.is_empty(), "once");
        let mails = store.mails(Mails::Of(first.id)).await.expect("read");
        assert_eq!((mails.len(), mails[0].mail, mails[0].state), (1, Mail::Trigger, MailState::Pending));
        let new = claim(store, "other", Which::Next).await.expect("free").expect("to be ended");
        assert!(new.no_more_writes);
        assert_eq!(denial(store.begin(write(&new, "start")).await.expect("asked")), Some(Guard::Escalated));
        store.finish(finish(&new, RunState::Escalated)).await.expect("asked").expect("a person owns it");
        store.reopen(new.id, "ann", Some(60 * SECOND)).await.expect("asked").expect("taken up again");
        let third = claim(store, "other", Which::Next).await.expect("free").expect("due");
        store.begin(write(&third, "start")).await.expect("asked").expect("it goes on");
    });
}

#[test]
fn I18_one_page_for_a_key_in_order_and_only_the_provider_takes_it() {
    on_each(async |store, ticks| {
        let one = taken(store, "disk").await;
        let mut attached = admit("b", "disk", "other");
        attached.escalate_in = Some(60 * SECOND);
        let two = store.admit(attached).await.expect("admitted").run().clone();
        let two = claim(store, "w", Which::This(two.id)).await.expect("free").expect("there");
        store.finish(finish(&one, RunState::Escalated)).await.expect("asked").expect("handed over");
        store.finish(finish(&two, RunState::Escalated)).await.expect("asked").expect("handed over");
        let take = Take { channel: None, run: None, ttl: 10 * SECOND, max: 9 };
        let first = store.take(take.clone()).await.expect("taken");
        assert_eq!(first.iter().map(|row| row.mail).collect::<Vec<_>>(), [Mail::Trigger], "the note waits for it");
        assert!(store.take(take.clone()).await.expect("taken").is_empty(), "somebody has it");
        let moot = store.sent(first[0].id, Sent::Moot("gone".to_owned())).await.expect("asked");
        assert_eq!(denial(moot), Some(Guard::State), "a trigger is never moot");
        let failed = Sent::Failed { again_in: 20 * SECOND, why: "429".to_owned() };
        store.sent(first[0].id, failed).await.expect("asked").expect("kept");
        ticks.pass(20 * SECOND);
        let again = store.take(take.clone()).await.expect("taken");
        assert_eq!((again[0].id, again[0].attempts, &again[0].dedup_key), (first[0].id, 2, &first[0].dedup_key));
        store.sent(again[0].id, Sent::Accepted).await.expect("asked").expect("kept");
        store.sent(again[0].id, Sent::Accepted).await.expect("asked").expect("said again");
        let note = store.take(take.clone()).await.expect("taken");
        assert_eq!(note.iter().map(|row| row.mail).collect::<Vec<_>>(), [Mail::Note]);
        store.sent(note[0].id, Sent::Accepted).await.expect("asked").expect("kept");
        // A third run that ends well resolves nothing that others were handed over under.
        let three = store.admit(admit("c", "disk", "third")).await.expect("admitted").run().clone();
        let three = claim(store, "w", Which::This(three.id)).await.expect("free").expect("there");
        store.finish(finish(&three, RunState::Succeeded)).await.expect("asked").expect("ended");
        let said = store.take(take.clone()).await.expect("taken");
        assert_eq!(said.iter().map(|row| row.mail).collect::<Vec<_>>(), [Mail::Note]);
        assert_eq!(store.acknowledged("page of disk").await.expect("asked"), 2);
    });
}

#[test]
fn I18_a_page_that_was_armed_or_not_tried_wakes_nobody_when_the_run_ends_well() {
    on_each(async |store, _| {
        let well = taken(store, "a").await;
        store.finish(finish(&well, RunState::Succeeded)).await.expect("asked").expect("ended");
        let mails = store.mails(Mails::Of(well.id)).await.expect("read");
        assert_eq!((mails.len(), mails[0].state), (1, MailState::Disarmed));
        let doubted = taken(store, "b").await;
        let human = Advance {
            run: doubted.id,
            fence: doubted.fence,
            state: RunState::NeedsHuman,
            why: "in doubt".to_owned(),
            cursor: None,
            escalate_in: None,
            wake_in: None,
        };
        store.advance(human).await.expect("asked").expect("asked for a person");
        let row = |mails: Vec<ira::store::model::OutboxRow>| (mails.len(), mails[0].mail, mails[0].state);
        assert_eq!(
            row(store.mails(Mails::Of(doubted.id)).await.expect("read")),
            (1, Mail::Trigger, MailState::Pending)
        );
        store.finish(finish(&doubted, RunState::Succeeded)).await.expect("asked").expect("ended");
        assert_eq!(row(store.mails(Mails::Of(doubted.id)).await.expect("read")), (1, Mail::Note, MailState::Pending));
    });
}

#[test]
fn a_freeze_stops_writes_between_two_and_never_a_tell() {
    on_each(async |store, _| {
        let run = taken(store, "disk").await;
        store.begin_first_write(unguarded(write(&run, "stop"))).await.expect("asked").expect("begun");
        let freeze = |scope: &str| Suspend {
            guard: Guard::Freeze,
            scope: scope.to_owned(),
            lasts: None,
            actor: "ann".to_owned(),
            reason: "incident 7".to_owned(),
        };
        store.suspend(freeze("db")).await.expect("frozen");
        let mut second = write(&run, "start");
        second.scopes = vec!["web".to_owned()];
        store.suspend(freeze("*")).await.expect("frozen");
        let denied = store.begin(second.clone()).await.expect("asked").expect_err("frozen");
        assert_eq!(denied.guard, Guard::Freeze);
        assert!(denied.message.contains("incident 7"), "{denied:?}");
        let mut note = write(&run, "note");
        note.reach = ira_commands::effect::Reach::Tell;
        store.begin(note).await.expect("asked").expect("a note is no write");
        assert!(store.lift(Guard::Freeze, "*", "ann").await.expect("thawed"));
        store.begin(second).await.expect("asked").expect("only db is frozen");
    });
}

#[test]
fn lesson_5_a_cancel_always_comes_to_an_end_and_may_be_said_again() {
    on_each(async |store, _| {
        let queued = store.admit(admit("a", "a", "restart")).await.expect("admitted").run().clone();
        for _ in 0..2 {
            let run = store.cancel(queued.id, "ann").await.expect("asked").expect("heard");
            assert_eq!(run.state, RunState::Cancelled);
        }
        let writing = taken(store, "b").await;
        let step = store.begin_first_write(unguarded(write(&writing, "stop"))).await.expect("asked").expect("begun");
        let run = store.cancel(writing.id, "ann").await.expect("asked").expect("heard");
        assert_eq!((run.state.terminal(), run.cancelled_by.as_deref()), (false, Some("ann")));
        store.end(ended(&step, Outcome::Done)).await.expect("asked").expect("done");
        assert_eq!(denial(store.begin(write(&writing, "start")).await.expect("asked")), Some(Guard::Cancelled));
        let mut undo = write(&writing, "undo/stop");
        undo.undo = true;
        store.begin(undo).await.expect("asked").expect("what was done is taken back");
    });
}
