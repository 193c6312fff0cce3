//! Whether the alert still fires, asked in the middle of a run; and steps that tell somebody.

use ira::engine::{Came, Ending, Post, SendFault, Sender};
use ira::store::{Guard, RunState};
use ira_commands::Kind;

use super::books::{LAST, LOOK, RESTART, SAY, SCRIPT, STILL, STOP, of};
use super::world::Mishap;
use super::*;

#[test]
fn lesson_26_lesson_27_an_alert_that_is_over_by_its_senders_word_ends_the_run_with_nothing_done() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[LOOK, STILL, RESTART].concat())).await;
        rig.world.fires("no");
        assert_eq!(ended(&rig.drive(run).await), Ending::Resolved);
        assert_eq!((rig.world.done().len(), rig.woken(run).await), (0, 0));
        assert_eq!(rig.story(run).await.run.state, RunState::Cancelled);
        // What cannot be told denies, and is no guess.
        rig.world.fires("who knows");
        let run = rig.admit_as(&of(&[STILL, RESTART].concat()), "two", Mode::Auto, Vec::new()).await.expect("admitted");
        let Came::Denied(denial, _) = rig.drive(run).await else { panic!("denied") };
        assert_eq!((denial.guard, rig.world.done().len()), (Guard::Firing, 0));
        // Unless a person says that it does not count.
        let word = Override { guard: Guard::Firing, reason: "seen".to_owned(), actor: "ann".to_owned() };
        let text = of(&[STILL, RESTART].concat());
        let run = rig.admit_as(&text, "three", Mode::Auto, vec![word]).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        rig.sound(run).await;
    });
}

#[test]
fn lesson_26_after_the_first_write_the_answer_is_only_a_value() {
    on_each(async |rig, _| {
        let late = LAST.replace("    do:", "    if: steps.still.out.firing == \"yes\"\n    do:");
        let run = rig.admit(&of(&[RESTART, STILL, &late].concat())).await;
        let world = Arc::clone(&rig.world);
        rig.world.after(move |_| world.fires("no"));
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified, "it goes on to verify");
        assert_eq!(rig.world.done(), ["restart web.service"], "and what asked for it was left out");
    });
}

#[test]
fn lesson_28_only_what_still_fires_after_half_an_hour_wakes_somebody() {
    on_each(async |rig, _| {
        let patient = format!("{STILL}    until: steps.still.out.firing == \"no\"\n    every: 1m\n    within: 30m\n");
        let text = of(&[&patient, RESTART].concat()).replace("deadline: 20m", "deadline: 60m");
        let run = rig.admit(&text).await;
        // It is over after ten minutes.
        for _ in 0..10 {
            let Came::Sleeps(length) = heard(rig.engine.drive(run, &Unwatched).await) else { panic!("it waits") };
            rig.ticks.pass(length);
        }
        rig.world.fires("no");
        assert_eq!(ended(&rig.drive(run).await), Ending::Resolved);
        assert_eq!((rig.world.done().len(), rig.woken(run).await), (0, 0));
        // It is not.
        rig.world.fires("yes");
        let run = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        let begun = rig.store.now().await.expect("read");
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert!(rig.store.now().await.expect("read") >= begun + 29 * 60_000);
        assert_eq!((rig.world.done().len(), rig.woken(run).await), (0, 1));
        rig.sound(run).await;
    });
}

/// A provider that takes everything.
struct Taking;

#[async_trait::async_trait]
impl Post for Taking {
    async fn send(&self, _row: &OutboxRow) -> Result<(), SendFault> {
        Ok(())
    }
}

fn sender(rig: &Rig) -> Sender {
    Sender {
        store: Arc::clone(&rig.store),
        post: Arc::new(Taking),
        hands: Arc::clone(&rig.engine.hands),
        fallback: None,
        acknowledged_within: None,
    }
}

#[test]
fn a_step_that_tells_goes_through_the_outbox_is_told_once_and_never_fails_the_run() {
    on_each(async |rig, _| {
        rig.world.amid(|what| what.starts_with("post").then_some(Mishap::Refused));
        let run = rig.admit(&of(&[SAY, RESTART].concat())).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified, "whoever is told does not hold up what helps");
        assert_eq!(rig.world.done(), ["restart web.service"]);
        let sender = sender(rig);
        sender.pass(None).await.expect("the store works");
        let row = || async {
            let all = rig.store.mails(Mails::All).await.expect("read");
            all.into_iter().find(|row| row.channel == "step").expect("it is in the outbox")
        };
        assert_eq!(row().await.state, MailState::Pending, "it is tried again");
        rig.world.calm();
        for _ in 0..5 {
            rig.ticks.pass(Duration::from_secs(600));
            sender.pass(None).await.expect("the store works");
        }
        assert_eq!(row().await.state, MailState::Accepted);
        assert_eq!(rig.world.done(), ["restart web.service", "post about web"], "once");
        assert_eq!(rig.woken(run).await, 0, "it wakes nobody");
        rig.sound(run).await;
    });
}

#[test]
fn a_tell_is_no_write_so_a_freeze_does_not_silence_it() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(&[SAY, STOP].concat())).await;
        let freeze = ira::store::ask::Suspend {
            guard: Guard::Freeze,
            scope: "*".to_owned(),
            lasts: None,
            actor: "ann".to_owned(),
            reason: "deploy".to_owned(),
        };
        rig.store.suspend(freeze).await.expect("frozen");
        let Came::Denied(denial, _) = rig.drive(run).await else { panic!("denied") };
        assert_eq!(denial.guard, Guard::Freeze);
        assert_eq!(sender(rig).pass(None).await.map_err(|fault| fault.kind == Kind::Failed), Ok(1));
        assert_eq!(rig.world.done(), ["post about web"]);
    });
}

#[test]
fn lesson_38_lesson_39_what_an_alert_says_is_one_argument_and_never_a_command_or_a_template() {
    on_each(async |rig, _| {
        let hostile = "$(touch x); `id` {{ alert.labels.unit }} ${{ 1 }} $key -rf";
        let text =
            of(&SCRIPT.replace("with: { program: blind }", "with: { program: blind, arg: [$alert.labels.what] }"))
                .replace("steps:\n", "labels: { what: '.*' }\nsteps:\n")
                .replace("targets: { unit: [web*, app*] }", "targets: { unit: [web*, app*], what: ['*'] }");
        let playbook = parse(&text).unwrap_or_else(|problems| panic!("{problems:?}"));
        let mut alert = firing();
        alert.alert.labels.insert("what".to_owned(), hostile.to_owned());
        let wanted = wanted("one", &playbook, &text, &alert);
        let run = rig.engine.admit(wanted).await.expect("admitted").run().id;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done(), [format!("script /scripts/blind {hostile}")]);
        rig.sound(run).await;
    });
}

#[test]
fn lesson_43_a_denial_names_its_guard_and_what_a_person_can_do() {
    on_each(async |rig, _| {
        let text = super::books::guarded("  cooldown: 30m\n", RESTART);
        let run = rig.admit(&text).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let run = rig.admit_as(&text, "two", Mode::Auto, Vec::new()).await.expect("admitted");
        let Came::Denied(denial, denied) = rig.drive(run).await else { panic!("denied") };
        let fault = ira::engine::refused(&denial);
        assert_eq!(fault.kind, Kind::Busy);
        let whole = format!("{fault:?}");
        for part in ["a short while ago", "cooldown", "--override cooldown --reason TEXT"] {
            assert!(whole.contains(part), "{part}: {whole}");
        }
        assert!(denial.until.is_some() && denied.note.contains("nothing was done"), "{}", denied.note);
    });
}
