//! How far a playbook goes by itself: what lowers it, what the record shows, and what a person's word does.

use ira::engine::{Ending, Record, promote, standing};
use ira::store::Guard;
use ira_commands::playbook::Playbook;

use super::books::{RESTART, guarded, of};
use super::*;

async fn rung(rig: &Rig, playbook: &Playbook) -> Mode {
    standing(rig.store.as_ref(), playbook, Some(Mode::Auto)).await.expect("read").rung
}

async fn run(rig: &Rig, text: &str, key: &str) -> Came {
    let run = rig.admit_as(text, key, Mode::Auto, Vec::new()).await.expect("admitted");
    rig.drive(run).await
}

#[test]
fn what_did_not_help_lowers_auto_to_approve_until_a_person_says_otherwise() {
    on_each(async |rig, _| {
        let text = of(RESTART);
        let book = parse(&text).expect("sound");
        assert_eq!(ended(&run(rig, &text, "one").await), Ending::Verified);
        assert_eq!(rung(rig, &book).await, Mode::Auto);
        rig.world.unit("site.service", false, 1);
        assert_eq!(ended(&run(rig, &text, "two").await), Ending::Unverified);
        let stands = standing(rig.store.as_ref(), &book, None).await.expect("read");
        assert_eq!((stands.rung, stands.set), (Mode::Approve, Mode::Auto), "the file says auto");
        assert!(stands.demoted.expect("why").contains("run 2"), "it says which run");
        assert_eq!(standing(rig.store.as_ref(), &book, Some(Mode::Suggest)).await.expect("read").rung, Mode::Suggest);
        // It outlives what is let go with time.
        rig.ticks.pass(Duration::from_secs(400 * 86_400));
        rig.store.retain(ira::retention::USUAL).await.expect("let go");
        assert_eq!(rung(rig, &book).await, Mode::Approve);
        // A run that helps is no word of a person.
        rig.world.unit("site.service", true, 1);
        assert_eq!(ended(&run(rig, &text, "three").await), Ending::Verified);
        assert_eq!(rung(rig, &book).await, Mode::Approve);
        assert!(
            promote(rig.store.as_ref(), &book, "ann", json!({ "reason": "disk replaced" })).await.expect("written")
        );
        assert_eq!(rung(rig, &book).await, Mode::Auto);
        let record = Record::of(rig.store.as_ref(), &book).await.expect("read");
        let promoted = record.promoted.expect("written down");
        assert_eq!((&promoted["by"], &promoted["reason"]), (&json!("ann"), &json!("disk replaced")));
    });
}

#[test]
fn a_worker_that_nobody_watches_asks_for_a_yes_to_what_did_not_help_last() {
    let folder = tempfile::tempdir().expect("a folder");
    let ticks = Arc::new(Manual::at(START));
    let mut rig = Rig::new(folder.path(), sqlite(folder.path(), &ticks), ticks);
    rig.engine.unattended = true;
    block(async {
        let text = of(RESTART);
        rig.world.unit("site.service", false, 1);
        assert_eq!(ended(&run(&rig, &text, "one").await), Ending::Unverified);
        rig.world.unit("site.service", true, 1);
        let Came::Asks(plan, waits) = run(&rig, &text, "two").await else { panic!("it asks") };
        assert_eq!(rig.world.done().len(), 1, "nothing before a yes");
        heard(rig.engine.answer(waits.id, &plan.hash, true, "ann").await);
        assert_eq!(ended(&rig.drive(waits.id).await), Ending::Verified);
    });
}

#[test]
fn a_key_that_comes_back_too_often_lowers_and_a_denial_by_cooldown_lock_or_freeze_does_not() {
    on_each(async |rig, _| {
        let text = guarded("  cooldown: 30m\n  recurrence: { max: 2, within: 6h }\n", RESTART);
        let book = parse(&text).expect("sound");
        assert_eq!(ended(&run(rig, &text, "one").await), Ending::Verified);
        let Came::Denied(denial, _) = run(rig, &text, "two").await else { panic!("denied") };
        assert_eq!((denial.guard, rung(rig, &book).await), (Guard::Cooldown, Mode::Auto));
        rig.ticks.pass(Duration::from_secs(1_801));
        assert_eq!(ended(&run(rig, &text, "three").await), Ending::Verified);
        rig.ticks.pass(Duration::from_secs(1_801));
        let Came::Denied(denial, _) = run(rig, &text, "four").await else { panic!("denied") };
        assert_eq!((denial.guard, rung(rig, &book).await), (Guard::Recurrence, Mode::Approve));
    });
}

#[test]
fn the_record_is_of_this_text_alone_and_of_runs_in_a_row() {
    on_each(async |rig, _| {
        let text = of(RESTART);
        let book = parse(&text).expect("sound");
        for key in ["one", "two"] {
            assert_eq!(ended(&run(rig, &text, key).await), Ending::Verified);
        }
        rig.world.unit("site.service", false, 1);
        assert_eq!(ended(&run(rig, &text, "three").await), Ending::Unverified);
        rig.world.unit("site.service", true, 1);
        assert_eq!(ended(&run(rig, &text, "four").await), Ending::Verified);
        let run = rig.admit_as(&text, "five", Mode::Suggest, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Suggested);
        let run = rig.admit_as(&text, "six", Mode::Approve, Vec::new()).await.expect("admitted");
        let Came::Asks(plan, _) = rig.drive(run).await else { panic!("it asks") };
        heard(rig.engine.answer(run, &plan.hash, false, "ann").await);
        assert_eq!(ended(&rig.drive(run).await), Ending::NotAgreed);
        let record = Record::of(rig.store.as_ref(), &book).await.expect("read");
        assert_eq!((record.tally.verified, record.tally.in_a_row, record.tally.unhelpful), (3, 1, 1));
        assert_eq!((record.rehearsed, record.agreed, record.refused, record.again), (1, 0, 1, 3));
        let other = parse(&text.replace("owner: team", "owner: others")).expect("sound");
        let record = Record::of(rig.store.as_ref(), &other).await.expect("read");
        assert_eq!((record.tally.runs, record.tally.verified), (0, 0), "another text is another playbook");
    });
}
