//! Runs that end by themselves.

use super::*;

#[test]
fn I16_an_escalated_run_pages_once_by_the_key_of_its_group_and_a_verified_one_nobody() {
    let person = OnCall::new();
    let mut command = person.command(&["remediate", "mend", "--alert", "alert.json", "--yes"]);
    let ran = Ran::of(command.env("IRA_LOG", "trace"));
    assert!(ran.code == 4 && !ran.err.contains(CANARY) && !ran.out.contains(CANARY), "I22: {ran:?}");
    person.watched_to_its_end();
    assert_eq!(person.events(), [("trigger".to_owned(), key(GROUP))], "{:?}", person.shown(1));
    let event = person.pager.asked()[0].json();
    let summary = event["payload"]["summary"].as_str().unwrap_or_default();
    assert!(summary.starts_with("Down on web-01: "), "{event}");
    let details = event["payload"]["custom_details"]["details"].as_str().unwrap_or_default();
    assert!(details.contains("the site is still down") && details.contains("ira run show 1"), "{event}");
    assert!(!person.record().contains(CANARY), "I22");

    let person = OnCall::new();
    person.up(true);
    let ran = person.remediate();
    assert_eq!(ran.code, 0, "{ran:?}");
    person.watched_to_its_end();
    assert_eq!(person.events(), []);
    assert_eq!(person.shown(1)["outbox"][0]["state"], "disarmed");
}
