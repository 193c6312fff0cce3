//! A price feed alerts: the report of the feed is written where the responders look.

use super::*;
use crate::act::Person;
use crate::support::bed::shared;

#[test]
fn a_feed_alert_has_its_report_in_the_note_of_its_incident() {
    if !alerting::is_there() {
        return;
    }
    let bed = shared();
    let person = Person::at(&bed.url, None);
    let mut place = Place::at(person.home.path(), &bed.url, "");
    // One receiver with both: the pager at once, and ira writes on the same incident.
    place.manage(&[]);
    let daemon = place.daemon();
    let proxy = bed.of("ocr2-stale", "proxy");
    place.fire(&json!({ "alertname": "FeedStale", "network_name": "anvil", "severity": "critical",
        "contract_address": proxy.to_lowercase() }));
    wait_until("Alertmanager pages", || !place.kept.lock().expect("whole").incidents.is_empty());
    let existed = Instant::now();
    wait_until("the incident has a note", || !place.kept.lock().expect("whole").notes.is_empty());
    crate::support::said(&format!("the note came {:?} after its incident", existed.elapsed()));
    wait_until("the run has ended", || place.ended());
    wait_until("the note is whole", || place.kept.lock().expect("whole").notes[0].1.contains("succeeded"));
    let all = place.kept.lock().expect("whole");
    assert_eq!((all.incidents.len(), all.notes.len()), (1, 1), "one incident, one note: {:?}", all.notes);
    let text = &all.notes[0].1;
    for part in ["feed-alert", "`report`", "| ", "---", &proxy[2..10], &format!("{PUBLIC}/runs/1")] {
        assert!(text.to_lowercase().contains(&part.to_lowercase()), "{part}: {text}");
    }
    drop(all);
    assert_eq!(place.triggered_by("ira"), 0, "a note wakes nobody");
    assert_eq!(place.kept.lock().expect("whole").incidents[0].0, place.key(), "the key that Alertmanager gave it");
    place.assert_clean();
    assert_eq!(daemon.end(), Some(0));
}
