//! Units of a real systemd: what is done to them, and what is left after a crash.

use super::bed::Bed;
use super::*;
use crate::support::run::wait_until;

/// Somebody on call for a bed.
fn on(bed: &Bed) -> Person {
    let person = Person::new();
    person.configure(&format!("[systemd]\nbus = \"{}\"\n", bed.bus));
    person
}

#[test]
fn a_unit_is_started_restarted_and_stopped_and_each_is_read_back() {
    let Some(bed) = Bed::start("a_unit_is_started_restarted_and_stopped_and_each_is_read_back") else { return };
    let person = on(&bed);
    let status = person.act(&["systemd.status", "--unit", "web", "--json"]);
    assert_eq!((status.code, &status.json()["data"]["active"]), (4, &"inactive".into()), "{status:?}");
    let dry = person.act(&["systemd.restart", "--unit", "web", "--dry-run"]);
    assert_eq!((dry.code, bed.property("web", "ActiveState").as_str()), (0, "inactive"), "{dry:?}");
    let unasked = person.act(&["systemd.restart", "--unit", "web"]);
    assert!(unasked.code == 3 && person.journal().is_empty(), "{unasked:?}");

    // A unit that is down is restarted, too.
    let ran = person.agreed(&["systemd.restart", "--unit", "web"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let pid = bed.property("web", "MainPID");
    assert!(ran.out.contains(&format!("pid {pid} and stays so")), "{ran:?}");
    let ran = person.agreed(&["systemd.restart", "--unit", "web.service"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let action = &ran.json()["data"]["actions"][0];
    assert_eq!(action["pid_before"].to_string(), pid);
    assert_ne!(bed.property("web", "MainPID"), pid);

    let again = person.agreed(&["systemd.start", "--unit", "web"]);
    assert!(again.code == 0 && again.out.contains("is active"), "{again:?}");
    assert_eq!(person.journal().len(), 4, "what is so already is not done");
    let ran = person.agreed(&["systemd.stop", "--unit", "web"]);
    assert_eq!((ran.code, bed.property("web", "ActiveState").as_str()), (0, "inactive"), "{ran:?}");
    let back = ran.json()["data"]["plan"]["notes"].to_string();
    assert!(back.contains("ira act systemd.start --unit web.service"), "{back}");
}

#[test]
fn the_doctor_asks_the_service_manager() {
    let Some(bed) = Bed::start("the_doctor_asks_the_service_manager") else { return };
    let person = on(&bed);
    let ran = Ran::of(ira(person.home.path()).args(["doctor", "--json"]));
    let findings = ran.json()["data"]["findings"].clone();
    let systemd = findings.as_array().expect("a list").iter().find(|one| one["check"] == "systemd").expect("asked");
    assert!(systemd["message"].as_str().is_some_and(|text| text.starts_with("version 2")), "{findings}");
}

#[test]
fn what_fails_is_told_apart_from_what_was_never_begun() {
    let Some(bed) = Bed::start("what_fails_is_told_apart_from_what_was_never_begun") else { return };
    let person = on(&bed);
    for unit in ["nope", "web@.service", "../web", "web;reboot"] {
        let ran = person.agreed(&["systemd.restart", "--unit", unit]);
        assert!(ran.code == if unit == "nope" { 69 } else { 2 }, "{unit}: {ran:?}");
    }
    assert!(person.journal().is_empty(), "nothing was begun");
    let masked = person.agreed(&["systemd.restart", "--unit", "getty.target"]);
    assert!(masked.code == 1 && masked.out.contains("masked") && person.journal().is_empty(), "{masked:?}");

    // Its job fails: it never says that it is ready.
    let ran = person.agreed(&["systemd.restart", "--unit", "notify"]);
    assert!(ran.code == 1 && ran.out.contains("failed"), "{ran:?}");
    assert_eq!(person.ended(), "failed:some");
    // Its job is done, and it dies at once.
    for unit in ["bad", "flappy"] {
        let ran = person.agreed(&["systemd.restart", "--unit", unit]);
        assert_eq!(ran.code, 4, "{unit}: {ran:?}");
        assert_eq!(ran.json()["data"]["actions"][0]["status"], "unverified", "{ran:?}");
    }
}

#[test]
fn killed_between_begun_and_done_it_is_known_whether_it_was_restarted() {
    let Some(bed) = Bed::start("killed_between_begun_and_done_it_is_known_whether_it_was_restarted") else { return };
    let person = on(&bed);
    let words = ["systemd.restart", "--unit", "slow"];
    // Its start takes four seconds: killed while systemd is at it.
    let running = person.left(&words);
    wait_until("systemd is at it", || bed.property("slow", "ActiveState") == "activating");
    running.kill();
    assert_eq!(person.journal().len(), 1);
    assert_eq!(person.agreed(&words).code, 75, "at work, and not settled");
    let early = person.resumed(&words);
    assert_eq!((early.code, &early.json()["data"]["actions"][0]["status"]), (4, &"unknown".into()), "{early:?}");
    wait_until("it is up", || bed.property("slow", "ActiveState") == "active");
    let runs = bed.property("slow", "InvocationID");
    let settled = person.resumed(&words);
    assert_eq!((settled.code, &settled.json()["data"]["actions"][0]["status"]), (0, &"done".into()), "{settled:?}");
    assert_eq!(bed.property("slow", "InvocationID"), runs, "looking restarts nothing");
}

#[test]
fn an_attempt_that_never_reached_systemd_is_settled_as_not_done() {
    let Some(bed) = Bed::start("an_attempt_that_never_reached_systemd_is_settled_as_not_done") else { return };
    let person = on(&bed);
    let words = ["systemd.restart", "--unit", "web"];
    assert_eq!(person.agreed(&["systemd.start", "--unit", "web"]).code, 0);
    // As after a kill between the record and the call: the record is there, with the unit's run in it, and no call was made.
    let pid = bed.property("web", "MainPID");
    let state = person.path(".local/state/ira");
    let journal = ira::store::StoreJournal::open(&state).expect("it opens");
    let status = person.act(&["systemd.status", "--unit", "web", "--json"]).json();
    let since = bed.property("web", "ActiveEnterTimestampMonotonic").parse::<u64>().expect("a number");
    let manager = bed.systemctl(&["show", "--timestamp=us", "--value", "-p", "UserspaceTimestampMonotonic"]);
    assert!(!manager.is_empty());
    let probe = |manager_since: u64, invocation: &str| {
        use ira_commands::context::Journal as _;
        let begun = serde_json::json!({
            "do": "systemd.restart", "with": { "unit": "web" }, "what": "restart web.service",
            "more": {
                "invocation": invocation, "active": true, "active_since": since, "manager_since": manager_since,
            },
        });
        journal.begin("systemd x web.service", ira_commands::Effect::Once, 1, &begun).expect("begun");
        let settled = person.resumed(&words);
        settled.json()["data"]["actions"][0]["status"].as_str().expect("a status").to_owned()
    };
    let run = status["data"]["invocation"].as_str().expect("an id").to_owned();
    let started = status["data"]["manager_since"].as_u64().expect("a time");
    assert_eq!(probe(started, &run), "not-done");
    assert_eq!(bed.property("web", "MainPID"), pid, "and it is not done then either");
    assert_eq!(probe(started, "00112233445566778899aabbccddeeff"), "done", "another run than before");
    assert_eq!(probe(started + 1, &run), "unknown", "the machine was started anew");
}

#[test]
fn a_bus_that_is_not_there_is_said_and_nothing_is_begun() {
    let person = Person::new();
    person.configure("[systemd]\nbus = \"unix:path=/nonexistent/bus\"\n");
    for words in [["systemd.status", "--unit", "web", "--json"], ["systemd.restart", "--unit", "web", "--yes"]] {
        let ran = person.act(&words);
        assert!(
            ran.code == 69 && ran.err.contains("cannot be reached") || ran.out.contains("cannot be reached"),
            "{ran:?}"
        );
    }
    assert!(person.journal().is_empty());
    person.configure("[systemd]\nbus = \"tcp:host=evil\"\n");
    assert_eq!(person.act(&["systemd.status", "--unit", "web"]).code, 78);
}
