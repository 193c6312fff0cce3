//! Ctrl-C, cancel, undo, decide, close: a person's word in the middle of a run.

use super::*;

/// What is done first, and can be taken back.
const SHUT: &str = "  - id: shut
    do: script.run
    with: { program: shut.sh }
    timeout: 20s
    accept: irreversible
    caps: { max_targets: 1 }
    undo: { do: script.run, with: { program: open.sh }, timeout: 20s }
";

/// A desk whose second step takes until the file `go` is there.
fn slow() -> Desk {
    let desk = Desk::new("", &[SHUT, MEND].concat());
    desk.person.script("shut.sh", "echo shut >> @/ledger");
    desk.person.script("open.sh", "echo opened >> @/ledger; touch @/well");
    desk.person
        .script("mend.sh", "touch @/begun; while [ ! -e @/go ]; do sleep 0.1; done; echo mended >> @/ledger; exit 3");
    desk
}

/// As Ctrl-C does.
fn interrupt(running: &Running) {
    let pid = rustix::process::Pid::from_child(&running.0);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("it is there");
}

fn begun(desk: &Desk) {
    wait_until("the script began", || desk.person.path("begun").exists());
}

#[test]
fn fault_23_a_ctrl_c_lets_the_step_end_and_takes_back_what_can_be() {
    let desk = slow();
    desk.person.script("mend.sh", "touch @/begun; while [ ! -e @/go ]; do sleep 0.1; done; echo mended >> @/ledger");
    let running = desk.left();
    begun(&desk);
    interrupt(&running);
    let cancelled = || desk.shown(1)["events"].to_string().contains("cancel");
    wait_until("it is told to stop", cancelled);
    desk.person.write("go", "", 0o600);
    assert_eq!(running.code(), Some(130), "{}", desk.shown(1)["run"]);
    assert_eq!(desk.ledger(), ["shut", "mended", "opened"], "the step under way ended first");
    let shown = desk.run(&["run", "show", "1"]);
    assert!(shown.out.contains("was cancelled") && shown.out.contains("Taken back: shut"), "{}", shown.out);
    assert!(shown.out.contains("taken back"), "{}", shown.out);
}

#[test]
fn fault_23_a_second_ctrl_c_leaves_it_and_resume_goes_on_at_once() {
    let desk = slow();
    desk.person.script(
        "mend.sh",
        "touch @/begun; while [ ! -e @/go ]; do sleep 0.1; done; echo mended >> @/ledger; touch @/well",
    );
    let mut command = desk.command(&["remediate", "--alert", "alert.json", "--yes"]);
    let running =
        command.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::piped()).spawn().expect("it starts");
    let running = Running(running);
    begun(&desk);
    interrupt(&running);
    wait_until("it is told to stop", || desk.shown(1)["events"].to_string().contains("cancel"));
    interrupt(&running);
    let output = running.0.wait_with_output().expect("it ends");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(130), "{said}");
    assert!(said.contains("run 1 is left as it is") && said.contains("hint: ira run resume 1"), "{said}");
    desk.person.write("go", "", 0o600);
    // Its process is dead: nobody waits for its lease.
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!(desk.ledger(), ["shut", "mended", "opened"], "{resumed:?}");
    assert!(desk.state(1) == "cancelled", "{resumed:?}");
}

#[test]
fn lesson_13_a_step_that_fails_has_what_was_before_it_taken_back_and_is_handed_over() {
    let desk = slow();
    desk.person.write("go", "", 0o600);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger()), (4, vec!["shut".into(), "mended".into(), "opened".into()]), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 was handed to a person: `mend` failed"), "{}", ran.out);
    assert!(ran.err.contains("✘ mend") && ran.err.contains("↶ shut"), "{}", ran.err);
    assert!(ran.out.contains("next: ira run resume 1") && ran.out.contains("ira run close 1"), "{}", ran.out);
    let closed = desk.run(&["run", "close", "1", "--as", "failed", "--reason", "done by hand"]);
    assert_eq!((closed.code, desk.state(1).as_str()), (0, "failed"), "{closed:?}");
}

#[test]
fn what_did_not_help_names_what_was_done_and_undo_takes_it_back() {
    let desk = Desk::new("", SHUT);
    desk.person.script("shut.sh", "echo shut >> @/ledger");
    desk.person.script("open.sh", "echo opened >> @/ledger");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (4, 1), "{ran:?}");
    assert!(ran.out.contains("the site says 503 -> 503"), "the playbook's own words: {}", ran.out);
    assert!(
        ran.out.contains("`ira run undo 1` takes it back") && ran.out.contains("next: ira run undo 1"),
        "{}",
        ran.out
    );
    let undone = desk.run(&["run", "undo", "1"]);
    assert_eq!((undone.code, desk.ledger()), (0, vec!["shut".into(), "opened".into()]), "{undone:?}");
    assert!(undone.out.contains("Taken back: shut") && !undone.out.contains("next: ira run undo"), "{}", undone.out);
    let again = desk.run(&["run", "undo", "1"]);
    assert!(again.code == 2 && desk.ledger().len() == 2, "{again:?}");
}

#[test]
fn fault_23_a_cancel_from_another_terminal_before_the_first_write_does_nothing() {
    let look = "  - id: settle\n    do: wait\n    with: { for: 30s }\n";
    let desk = Desk::new("", &[look, MEND].concat());
    let running = desk.left();
    wait_until("it waits", || desk.person.path(".local/state/ira/ira.db").exists() && desk.state(1) == "waiting:timer");
    assert_eq!(desk.run(&["run", "cancel", "1"]).code, 0);
    assert_eq!(running.code(), Some(4));
    assert!(desk.ledger().is_empty() && desk.state(1) == "cancelled");
}

#[test]
fn a_run_that_has_succeeded_is_not_closed_as_anything_else() {
    let desk = Desk::new("", MEND);
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    for ended in ["failed", "cancelled", "succeeded"] {
        let closed = desk.run(&["run", "close", "1", "--as", ended, "--reason", "I was not there"]);
        assert!(closed.code == 2 && closed.err.contains("it has succeeded"), "{closed:?}");
        assert!(closed.err.contains("ira run show 1"), "{closed:?}");
    }
    assert_eq!(desk.state(1), "succeeded");
}

#[test]
fn the_record_of_a_playbook_stands_beside_its_rung() {
    let desk = Desk::new("", MEND);
    let listed = |words: &[&str]| desk.run(&[&["playbook", "list"], words].concat());
    let one = || {
        let all = listed(&["--json"]).json()["data"]["playbooks"].as_array().cloned().unwrap_or_default();
        all.into_iter().find(|one| one["name"] == "mend").expect("listed")
    };
    assert_eq!((&one()["rung"], &one()["record"]["runs"]), (&json!("suggest"), &json!(0)));
    assert!(!desk.person.path(".local/state/ira/ira.db").exists(), "looking makes no store");
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    std::fs::remove_file(desk.person.path("well")).expect("it is down again");
    desk.person.script("mend.sh", "echo mended >> @/ledger");
    assert_eq!(desk.remediate(&["--yes"]).code, 4);
    assert_eq!(one()["record"], json!({ "runs": 2, "verified": 1, "unhelpful": 1, "drilled": null }));
    let shown = listed(&["--wide"]);
    assert!(shown.out.contains("2 runs, 1 of 2 fixed") && shown.out.contains("10 pass"), "{}", shown.out);
}
