//! Alerts are received, looked at when due, and decided: the same in memory and in a file.
#![expect(non_snake_case, reason = "tests are named by the invariants that they show")]
use ira::store::ask::{Admission, Incoming, Judge, Judged, Mails, Tell};
use ira::store::model::InboxRow;
use ira::store::{Mail, MailState, Store};
use serde_json::json;

use super::{SECOND, admit, on_each};

fn incoming(delivery: &str, group: &str) -> Incoming {
    Incoming {
        source: "alertmanager".to_owned(),
        delivery_id: delivery.to_owned(),
        fingerprint: format!("of {delivery}"),
        group_key: group.to_owned(),
        payload: json!({ "alert": delivery }).to_string(),
        over: false,
    }
}

fn tell(key: &str, mail: Mail) -> Tell {
    Tell {
        key: key.to_owned(),
        run: None,
        mail,
        dedup_key: "page".to_owned(),
        channel: "pagerduty".to_owned(),
        payload: json!({}),
        wait: std::time::Duration::ZERO,
    }
}

/// What waits to be decided.
async fn waiting(store: &dyn Store, max: usize) -> Vec<InboxRow> {
    let all = store.undecided(max).await.expect("read").into_iter();
    all.map(|one| {
        assert!(one.alone, "each is of another fingerprint");
        one.row
    })
    .collect()
}

async fn judged(store: &dyn Store, row: &InboxRow, verdict: Judged, tell: Option<Tell>) {
    store.judge(Judge { inbox: row.id, seen: row.seen, verdict, tell }).await.expect("decided");
}

#[test]
fn I3_I2_what_comes_is_one_row_and_waits_until_it_is_decided() {
    on_each(async |store, ticks| {
        let received = store.receive(vec![incoming("a", "g"), incoming("b", "g"), incoming("a", "g")]).await;
        let received = received.expect("kept");
        assert_eq!(received.iter().map(|one| one.again).collect::<Vec<_>>(), [false, false, true]);
        assert_eq!(received[0].inbox, received[2].inbox);
        ticks.pass(90 * SECOND);
        let backlog = store.backlog(100).await.expect("counted");
        assert_eq!((backlog.due, backlog.oldest.map(|at| backlog.now - at)), (2, Some(90_000)), "lesson 8");
        assert_eq!(store.backlog(1).await.expect("counted").due, 1, "counted no further than asked");
        let due = waiting(store, 1).await;
        judged(store, &due[0], Judged::Suppressed("later".to_owned(), 60 * SECOND), None).await;
        let due = waiting(store, 9).await;
        assert_eq!(due.len(), 1);
        judged(store, &due[0], Judged::Ignored("nothing".to_owned()), None).await;
        assert!(waiting(store, 9).await.is_empty());
        ticks.pass(61 * SECOND);
        let again = waiting(store, 9).await;
        assert_eq!(again[0].state, "suppressed: later", "a suppression is looked at again");
        judged(store, &again[0], Judged::Ignored("over".to_owned()), None).await;
        let history = store.decisions(again[0].id).await.expect("read");
        assert_eq!(
            history.iter().map(|one| one.what.as_str()).collect::<Vec<_>>(),
            ["suppressed: later", "ignored: over"]
        );
        assert_eq!(store.alerts_of("of b", 9).await.expect("read").len(), 1);
    });
}

#[test]
fn a_reminder_wakes_what_was_put_off_or_answered_and_nothing_else() {
    on_each(async |store, ticks| {
        for (delivery, verdict) in [
            ("run", Judged::Run(ira::store::model::RunId(7))),
            ("put off", Judged::Suppressed("s".to_owned(), 3_600 * SECOND)),
            ("paged", Judged::Paged("p".to_owned())),
            ("ignored", Judged::Ignored("i".to_owned())),
        ] {
            store.receive(vec![incoming(delivery, "")]).await.expect("kept");
            let row = waiting(store, 9).await.remove(0);
            judged(store, &row, verdict, None).await;
        }
        ticks.pass(SECOND);
        let all = ["run", "put off", "paged", "ignored"].map(|delivery| incoming(delivery, ""));
        store.receive(all.to_vec()).await.expect("kept");
        let mut due: Vec<String> = waiting(store, 9).await.into_iter().map(|row| row.delivery_id).collect();
        due.sort();
        assert_eq!(due, ["put off", "run"]);
    });
}

#[test]
fn what_came_again_while_it_was_decided_is_looked_at_again() {
    on_each(async |store, _| {
        store.receive(vec![incoming("a", "")]).await.expect("kept");
        let row = waiting(store, 9).await.remove(0);
        store.receive(vec![incoming("a", "")]).await.expect("kept");
        judged(store, &row, Judged::Run(ira::store::model::RunId(1)), None).await;
        assert_eq!(waiting(store, 9).await.len(), 1);
    });
}

#[test]
fn one_trigger_lives_for_each_key_and_is_resolved_with_the_last_of_its_group() {
    on_each(async |store, _| {
        store.receive(vec![incoming("a", "g"), incoming("b", "g"), incoming("over", "g")]).await.expect("kept");
        let rows = waiting(store, 9).await;
        for row in &rows[..2] {
            let page = tell(&format!("page {}", row.id), Mail::Trigger);
            judged(store, row, Judged::Paged("nobody".to_owned()), Some(page)).await;
        }
        let mails = store.mails(Mails::Key("page".to_owned())).await.expect("read");
        assert_eq!((mails.len(), mails[0].state), (1, MailState::Pending));
        let resolve = || Some(tell("over", Mail::Resolve));
        judged(store, &rows[0], Judged::Ignored("over".to_owned()), None).await;
        judged(store, &rows[2], Judged::Ignored("over".to_owned()), resolve()).await;
        let live = |mail: &ira::store::model::OutboxRow| mail.mail == Mail::Trigger;
        assert!(store.mails(Mails::All).await.expect("read").iter().all(live), "the other one fires");
        judged(store, &rows[1], Judged::Ignored("over".to_owned()), None).await;
        judged(store, &rows[2], Judged::Ignored("over!".to_owned()), resolve()).await;
        let mails = store.mails(Mails::All).await.expect("read");
        assert_eq!((mails.len(), mails[0].mail), (1, Mail::Note), "never sent: nobody has to be woken any more");
    });
}

#[test]
fn a_run_for_what_was_received_counts_it_once_and_leaves_the_decision_to_who_looks() {
    on_each(async |store, _| {
        store.receive(vec![incoming("a", "g")]).await.expect("kept");
        let row = waiting(store, 9).await.remove(0);
        let ask = || {
            let mut ask = admit("key", "a", "restart");
            ask.received = Some(row.id);
            ask
        };
        assert!(matches!(store.admit(ask()).await.expect("admitted"), Admission::New(_)));
        assert!(matches!(store.admit(ask()).await.expect("admitted"), Admission::Again(_)));
        let kept = store.inbox(9).await.expect("read");
        assert_eq!((kept.len(), kept[0].seen, kept[0].state.as_str()), (1, 1, ""), "a crash here decides it again");
        assert_eq!(waiting(store, 9).await.len(), 1);
    });
}
