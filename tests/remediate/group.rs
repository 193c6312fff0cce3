//! Several alerts in one body: one plan, one yes, one after the other.

use super::*;

#[test]
fn several_alerts_have_one_plan_and_one_yes_and_the_worst_exit() {
    let desk = Desk::new("", MEND);
    desk.person.script("mend.sh", "echo mended >> @/ledger; [ \"$(wc -l < @/ledger)\" = 1 ] && touch @/well; exit 0");
    desk.write_alert(&[("one", "firing"), ("two", "firing"), ("gone", "resolved"), ("one", "firing")]);
    let plan = desk.remediate(&[]);
    assert_eq!((plan.code, desk.ledger().len()), (3, 0), "{plan:?}");
    let first = plan.out.lines().next().expect("a line");
    assert_eq!(first, "3 alerts fire: 2 to be acted on, 1 about the same thing as another.");
    assert!(plan.out.contains("1 · SiteDown (one): mend would") && plan.out.contains("2 · SiteDown (two)"));
    assert!(plan.out.contains("3 · SiteDown (one): the run of 1 (SiteDown (one)) covers it"), "{}", plan.out);

    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, 2), "{ran:?}");
    assert!(ran.out.starts_with("All 3 alerts are answered well."), "{}", ran.out);
    let (one, two) = (ran.err.find("1 · SiteDown (one): mend\n"), ran.err.rfind("2 · SiteDown (two): mend\n"));
    assert!(one.is_some() && one < two, "one after the other: {}", ran.err);
}

#[test]
fn one_that_is_handed_to_a_person_keeps_no_other_from_its_run() {
    let desk = Desk::new("cooldown: 30m", MEND);
    // The second service is one of which nothing is known; the third is cooling down.
    desk.write_alert(&[("three", "firing")]);
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    std::fs::remove_file(desk.person.path("well")).expect("it is down again");
    desk.person.script("mend.sh", "echo mended >> @/ledger");
    desk.write_alert(&[("one", "firing"), ("three", "firing"), ("four", "firing")]);
    let mut body = alert(&[("one", "firing"), ("three", "firing"), ("four", "firing")]);
    body["alerts"][2]["labels"]["alertname"] = json!("SomethingElse");
    desk.person.write("alert.json", &body.to_string(), 0o600);
    let ran = desk.remediate(&["--yes", "--json"]);
    assert_eq!((ran.code, desk.ledger().len()), (4, 2), "{ran:?}");
    let alerts = ran.json()["data"]["alerts"].clone();
    let exits: Vec<_> = alerts.as_array().into_iter().flatten().map(|one| one["exit"].as_u64()).collect();
    assert_eq!(exits, [Some(4), Some(75), Some(69)], "{alerts}");
    assert_eq!(alerts[0]["run"]["run"]["state"], "escalated");
    assert_eq!(alerts[1]["run"]["run"]["state"], "cancelled");
}

/// Alerts of several instances of one service: the playbook's key is the service.
fn instances(desk: &Desk, names: &[&str]) {
    let mut body = alert(&names.iter().map(|_| ("web", "firing")).collect::<Vec<_>>());
    for (at, name) in names.iter().enumerate() {
        body["alerts"][at]["labels"]["instance"] = json!(name);
    }
    desk.person.write("alert.json", &body.to_string(), 0o600);
}

#[test]
fn I12_several_alerts_about_one_target_are_acted_on_once_and_each_has_a_record_of_its_own() {
    let desk = Desk::new("", MEND);
    instances(&desk, &["web-01:9100", "web-02:9100", "web-03:9100"]);
    let ran = desk.remediate(&["--yes", "--json"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, 1), "{ran:?}");
    let alerts = ran.json()["data"]["alerts"].clone();
    for (at, state) in ["succeeded", "cancelled", "cancelled"].into_iter().enumerate() {
        let run = &alerts[at]["run"]["run"];
        assert_eq!((&run["state"], &alerts[at]["exit"]), (&json!(state), &json!(0)), "{run}");
    }
    for run in [2, 3] {
        let shown = desk.shown(run);
        let (note, events) = (shown["run"]["note"].to_string(), shown["events"].to_string());
        assert!(note.contains("covered by run 1, which is about the same thing: succeeded"), "{note}");
        assert!(events.contains("covered") && shown["steps"].as_array().is_some_and(Vec::is_empty), "{events}");
    }
}

#[test]
fn what_is_covered_by_a_run_that_does_not_help_is_answered_no_better() {
    let desk = Desk::new("", MEND);
    desk.person.script("mend.sh", "echo mended >> @/ledger");
    instances(&desk, &["web-01:9100", "web-02:9100"]);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (4, 1), "{ran:?}");
    assert!(ran.out.starts_with("0 of 2 alerts are answered well"), "{}", ran.out);
    assert_eq!((desk.state(1).as_str(), desk.state(2).as_str()), ("escalated", "cancelled"));
    assert!(desk.shown(2)["run"]["note"].to_string().contains("escalated"), "it says whose it is");
}
