//! What denies: which guard it is, until when, and how a person goes on.

use super::*;

/// It is shown before it is tried, denied when it is tried, and done with a person's word.
fn denied(desk: &Desk, guard: &str, said: &str) {
    let before = desk.ledger().len();
    let plan = desk.remediate(&[]);
    assert_eq!(plan.code, 75, "{plan:?}");
    assert!(plan.out.contains(&format!("denied by the guard `{guard}`")) && plan.out.contains(said), "{}", plan.out);
    let tried = desk.remediate(&["--yes", "--json"]);
    assert_eq!((tried.code, desk.ledger().len()), (75, before), "{tried:?}");
    let json = tried.json();
    let fault = &json["errors"][0];
    assert!(json["success"] == false && fault["message"].as_str().is_some_and(|text| text.contains(said)), "{json}");
    let way = format!("--override {guard} --reason TEXT");
    assert!(fault["hint"].as_str().is_some_and(|hint| hint.contains(&way)), "{json}");
    assert!(plan.out.ends_with(&format!("next: ira remediate --alert alert.json {way}\n")), "{}", plan.out);
    let ran = desk.remediate(&["--yes", "--override", guard, "--reason", "I have looked"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, before + 1), "{ran:?}");
    // It is in the record, with the reason.
    let run = desk.run(&["run", "list", "--json"]).json()["data"]["runs"][0]["run"].as_u64().expect("a number");
    let events = desk.shown(run)["events"].to_string();
    assert!(events.contains("overridden") && events.contains("I have looked"), "{events}");
}

#[test]
fn I14_a_cooldown_says_until_when_and_a_person_goes_on_with_a_reason() {
    let desk = Desk::new("cooldown: 30m", MEND);
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    denied(&desk, "cooldown", "was acted on by run 1 a short while ago");
    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.out.contains(" UTC (in 29 min"), "{}", plan.out);
}

#[test]
fn what_comes_back_too_often_is_a_persons() {
    let desk = Desk::new("recurrence: { max: 1, within: 6h }", MEND);
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    denied(&desk, "recurrence", "1 of 1 used within 6 h");
}

#[test]
fn I13_a_budget_that_is_used_up_says_so() {
    let desk = Desk::new("", MEND);
    desk.person.configure("[budgets.web]\nmax = 1\nwindow = \"1h\"\n");
    assert!(desk.remediate(&["--dry-run"]).out.contains("budget web 1 of 1 in 1h"));
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    denied(&desk, "budget", "1 of 1 used within 1 h");
}

#[test]
fn in_a_maintenance_window_nothing_is_done_without_a_word() {
    let desk = Desk::new("", MEND);
    desk.person.configure(
        "[budgets.web]\nmax = 9\nwindow = \"1h\"\n[maintenance.move]\nfrom = \"2020-01-01T00:00:00Z\"\nuntil = \"2099-01-01T00:00:00Z\"\n",
    );
    denied(&desk, "maintenance", "maintenance window move");
}

#[test]
fn a_freeze_stops_it_until_the_thaw_and_no_word_does() {
    let desk = Desk::new("", MEND);
    let frozen = desk.run(&["freeze", "--reason", "the audit"]);
    assert!(frozen.code == 0 && frozen.out.ends_with("next: ira thaw\n"), "{frozen:?}");
    let plan = desk.remediate(&[]);
    assert!(plan.code == 75 && plan.out.contains("freeze of everything: the audit"), "{plan:?}");
    assert!(plan.out.contains("`ira thaw` ends it") && !plan.out.contains("--override"), "{}", plan.out);
    assert_eq!(desk.remediate(&["--yes"]).code, 75);
    assert!(desk.ledger().is_empty());
    assert_eq!(desk.run(&["thaw"]).code, 0);
    assert_eq!((desk.remediate(&["--yes"]).code, desk.ledger().len()), (0, 1));
}

#[test]
fn I12_what_another_run_is_at_work_on_is_left_alone() {
    let desk = Desk::new("", MEND);
    desk.person.script("mend.sh", "touch @/begun; while [ ! -e @/go ]; do sleep 0.1; done; touch @/well");
    let first = desk.left();
    wait_until("the script began", || desk.person.path("begun").exists());
    // Another alert about the same service: the incident is another, the lock is the same.
    let other = alert(&[("site", "firing")]).to_string().replace("web-01", "web-02");
    desk.person.write("alert.json", &other, 0o600);
    let plan = desk.remediate(&[]);
    assert!(plan.code == 75 && plan.out.contains("run 1 is at work on"), "{plan:?}");
    assert!(plan.out.contains("ira run cancel 1") && !plan.out.contains("--override"), "{}", plan.out);
    // The same alert once more: its run is there already.
    desk.write_alert(&[("site", "firing")]);
    let again = desk.remediate(&["--yes"]);
    assert!(again.code == 75 && again.err.contains("ira run show 1"), "{again:?}");
    desk.person.write("go", "", 0o600);
    assert_eq!(first.code(), Some(0));
}
