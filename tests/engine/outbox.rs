//! Who is told: at least once, in order, and by another way where the first does not take it.

use std::sync::Mutex;

use async_trait::async_trait;
use ira::engine::{Ending, Post, SendFault, Sender, TakeUp};
use ira::store::ask::Tell;
use ira_commands::Kind;

use super::books::{RESTART, of};
use super::*;

/// A provider that takes what it is told to take.
#[derive(Default)]
struct Provider {
    down: Mutex<Vec<&'static str>>,
    heard: Mutex<Vec<(String, String, Mail)>>,
}

impl Provider {
    fn down(&self, channels: &[&'static str]) {
        *self.down.lock().expect("whole") = channels.to_vec();
    }

    fn heard(&self) -> Vec<(String, String, Mail)> {
        self.heard.lock().expect("whole").clone()
    }
}

#[async_trait]
impl Post for Provider {
    async fn send(&self, row: &OutboxRow) -> Result<(), SendFault> {
        if self.down.lock().expect("whole").contains(&row.channel.as_str()) {
            return Err(SendFault::Later(Fault::new(Kind::Unreachable, "no answer"), None));
        }
        if row.dedup_key == "nowhere" {
            return Err(SendFault::Moot("there is no such incident".to_owned()));
        }
        self.heard.lock().expect("whole").push((row.channel.clone(), row.dedup_key.clone(), row.mail));
        Ok(())
    }
}

fn sender(rig: &Rig, provider: &Arc<Provider>) -> Sender {
    Sender {
        store: Arc::clone(&rig.store),
        post: Arc::<Provider>::clone(provider) as Arc<dyn Post>,
        hands: Arc::clone(&rig.engine.hands),
        fallback: Some("slack".to_owned()),
        acknowledged_within: Some(Duration::from_secs(900)),
    }
}

async fn escalated(rig: &Rig, key: &str) -> RunId {
    rig.world.unit("site.service", false, 1);
    let run = rig.admit_as(&of(RESTART), key, Mode::Auto, Vec::new()).await.expect("admitted");
    assert_eq!(ended(&rig.drive(run).await), Ending::Unverified);
    run
}

#[test]
fn I18_fault_19_a_page_is_kept_until_it_is_taken_and_another_channel_wakes_somebody_meanwhile() {
    on_each(async |rig, _| {
        let (provider, run) = (Arc::new(Provider::default()), escalated(rig, "one").await);
        let sender = sender(rig, &provider);
        provider.down(&["pagerduty"]);
        let mut tries = 0;
        for _ in 0..40 {
            sender.pass(None).await.expect("the store works");
            let row = rig.mails(run).await.into_iter().find(|row| row.channel == "pagerduty").expect("kept");
            assert_eq!((row.state, row.dedup_key.as_str()), (MailState::Pending, "the page"));
            tries = row.attempts;
            rig.ticks.pass(Duration::from_secs(5));
        }
        assert!((5..10).contains(&tries), "the pauses grow: {tries}");
        let other = vec![("slack".to_owned(), "the page".to_owned(), Mail::Trigger)];
        assert_eq!(provider.heard(), other, "once");
        provider.down(&[]);
        rig.ticks.pass(Duration::from_secs(600));
        sender.pass(None).await.expect("the store works");
        assert!(provider.heard().contains(&("pagerduty".to_owned(), "the page".to_owned(), Mail::Trigger)));
    });
}

#[test]
fn fault_20_a_sender_that_dies_sends_again_under_the_same_key_and_order_is_kept() {
    on_each(async |rig, _| {
        let (provider, run) = (Arc::new(Provider::default()), escalated(rig, "one").await);
        let sender = sender(rig, &provider);
        let note = Tell {
            key: "a note".to_owned(),
            run: Some(run),
            mail: Mail::Note,
            dedup_key: "the page".to_owned(),
            channel: "pagerduty".to_owned(),
            payload: json!({}),
            wait: Duration::ZERO,
        };
        rig.store.tell(note.clone()).await.expect("told");
        assert_eq!(rig.store.tell(note).await.expect("told"), rig.mails(run).await.last().expect("kept").id, "one row");
        // It took the page, sent it, and died.
        let take = ira::store::ask::Take { channel: None, run: None, ttl: Duration::from_secs(60), max: 9 };
        let taken = rig.store.take(take).await.expect("taken");
        assert_eq!(
            taken.iter().map(|row| row.mail).collect::<Vec<_>>(),
            [Mail::Trigger],
            "none before the one before it"
        );
        assert!(provider.send(&taken[0]).await.is_ok());
        assert_eq!(sender.pass(None).await.expect("works"), 0, "somebody has it");
        rig.ticks.pass(Duration::from_secs(61));
        sender.pass(None).await.expect("works");
        let heard: Vec<Mail> = provider
            .heard()
            .into_iter()
            .map(|(_, key, mail)| {
                assert_eq!(key, "the page");
                mail
            })
            .collect();
        assert_eq!(heard, [Mail::Trigger, Mail::Trigger, Mail::Note]);
    });
}

#[test]
fn a_page_that_nobody_acknowledges_goes_another_way_too() {
    on_each(async |rig, _| {
        let (provider, _) = (Arc::new(Provider::default()), escalated(rig, "one").await);
        let sender = sender(rig, &provider);
        sender.pass(None).await.expect("works");
        rig.ticks.pass(Duration::from_secs(901));
        sender.pass(None).await.expect("works");
        let channels: Vec<String> = provider.heard().into_iter().map(|(channel, ..)| channel).collect();
        assert_eq!(channels, ["pagerduty", "slack"]);
        // One that was acknowledged does not.
        let provider = Arc::new(Provider::default());
        let sender = Sender { post: Arc::<Provider>::clone(&provider) as Arc<dyn Post>, ..sender };
        let tell = Tell {
            key: "another".to_owned(),
            run: None,
            mail: Mail::Trigger,
            dedup_key: "another page".to_owned(),
            channel: "pagerduty".to_owned(),
            payload: json!({}),
            wait: Duration::ZERO,
        };
        rig.store.tell(tell).await.expect("told");
        sender.pass(None).await.expect("works");
        assert_eq!(rig.store.acknowledged("another page").await.expect("works"), 1);
        rig.ticks.pass(Duration::from_secs(901));
        sender.pass(None).await.expect("works");
        assert_eq!(provider.heard().len(), 1);
    });
}

#[test]
fn a_note_about_an_incident_that_does_not_exist_is_moot_and_kept_as_such() {
    on_each(async |rig, _| {
        let provider = Arc::new(Provider::default());
        let tell = Tell {
            key: "a note".to_owned(),
            run: None,
            mail: Mail::Note,
            dedup_key: "nowhere".to_owned(),
            channel: "pagerduty".to_owned(),
            payload: json!({}),
            wait: Duration::ZERO,
        };
        let id = rig.store.tell(tell).await.expect("told");
        sender(rig, &provider).pass(None).await.expect("works");
        let row = rig.store.mails(Mails::One(id)).await.expect("read").remove(0);
        assert_eq!((row.state, row.error.as_deref()), (MailState::Moot, Some("there is no such incident")));
    });
}

#[test]
fn fault_33_one_of_two_that_is_well_again_leaves_the_page_of_both_open() {
    on_each(async |rig, _| {
        let provider = Arc::new(Provider::default());
        let sender = sender(rig, &provider);
        let one = escalated(rig, "one").await;
        let two = escalated(rig, "two").await;
        sender.pass(None).await.expect("works");
        let triggers =
            |rows: Vec<(String, String, Mail)>| rows.into_iter().filter(|(.., mail)| *mail == Mail::Trigger).count();
        assert_eq!(triggers(provider.heard()), 1, "one page for both");
        heard(rig.engine.take_up(two, "somebody", TakeUp::GoOn).await);
        rig.engine.resolved(&ira::engine::fingerprint(&firing())).await.expect("told");
        rig.world.unit("site.service", true, 1);
        // Its verify looks again.
        rig.drive(two).await;
        sender.pass(None).await.expect("works");
        assert!(provider.heard().iter().all(|(.., mail)| *mail != Mail::Resolve), "run {one} is a person's still");
    });
}

#[test]
fn what_another_channel_has_in_place_of_a_page_is_not_the_page() {
    on_each(async |rig, _| {
        let (provider, run) = (Arc::new(Provider::default()), escalated(rig, "one").await);
        let sender = sender(rig, &provider);
        sender.pass(None).await.expect("works");
        // What would go to the other channel waits; the run is taken up, and is well.
        heard(rig.engine.take_up(run, "somebody", TakeUp::GoOn).await);
        rig.engine.resolved(&ira::engine::fingerprint(&firing())).await.expect("told");
        rig.world.unit("site.service", true, 1);
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        sender.pass(None).await.expect("works");
        rig.ticks.pass(Duration::from_secs(901));
        sender.pass(None).await.expect("works");
        let woken: Vec<_> = provider.heard().into_iter().filter(|(.., mail)| *mail != Mail::Note).collect();
        let told = |mail| ("pagerduty".to_owned(), "the page".to_owned(), mail);
        assert_eq!(woken, [told(Mail::Trigger), told(Mail::Resolve)]);
    });
}

#[test]
fn a_note_that_nobody_takes_holds_no_page_up() {
    on_each(async |rig, _| {
        let provider = Arc::new(Provider::default());
        let sender = sender(rig, &provider);
        let tell = |key: &str, mail| Tell {
            key: key.to_owned(),
            run: None,
            mail,
            dedup_key: "k".to_owned(),
            channel: "pagerduty".to_owned(),
            payload: json!({}),
            wait: Duration::ZERO,
        };
        provider.down(&["pagerduty"]);
        rig.store.tell(tell("a note", Mail::Note)).await.expect("told");
        sender.pass(None).await.expect("works");
        provider.down(&[]);
        rig.store.tell(tell("a page", Mail::Trigger)).await.expect("told");
        sender.pass(None).await.expect("works");
        assert_eq!(provider.heard(), [("pagerduty".to_owned(), "k".to_owned(), Mail::Trigger)]);
    });
}
