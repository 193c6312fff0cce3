//! `kill -9` in the middle of a run: in the end it is known what was done, and it was done at most once.

use super::*;
use crate::host::{is_alive, kill, shim};

/// A desk with a script that says that it began and takes until `go` is there.
fn held(more: &str) -> Desk {
    let desk = Desk::new("", &format!("{MEND}{more}"));
    desk.person.script("mend.sh", "echo $$ > @/pid; touch @/begun; while [ ! -e @/go ]; do sleep 0.1; done; echo mended >> @/ledger; touch @/well");
    desk
}

/// Kills `ira` while the script is at work.
fn killed(desk: &Desk) {
    let running = desk.left();
    wait_until("the script began", || desk.person.path("begun").exists() && !desk.person.read("pid").is_empty());
    running.kill();
}

/// Kills the script with its shim: nothing says any more what became of it.
fn kill_script(desk: &Desk) {
    kill(shim(&desk.person).expect("its shim"));
    let pid = desk.person.read("pid");
    if is_alive(&pid) {
        kill(pid.trim().parse().expect("a number"));
    }
    wait_until("it is dead", || !is_alive(&pid));
}

#[test]
fn fault_5_killed_while_a_step_is_at_work_it_is_waited_for_and_done_once() {
    let desk = held("");
    killed(&desk);
    desk.person.write("go", "", 0o600);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (0, 1), "{resumed:?}");
    assert!(resumed.out.starts_with("Run 1 succeeded"), "{}", resumed.out);
}

#[test]
fn fault_4_what_nobody_can_tell_is_asked_of_a_person_and_never_done_again_by_itself() {
    let desk = held("");
    killed(&desk);
    kill_script(&desk);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (4, 0), "{resumed:?}");
    assert!(resumed.out.starts_with("Run 1 needs a person"), "{}", resumed.out);
    let next = resumed.out.lines().find_map(|line| line.strip_prefix("next: ira run decide ")).expect("how");
    let attempt = next.split(' ').next().expect("its number").to_owned();
    assert!(next.contains("it-ran|it-did-not|abort"), "{next}");
    assert_eq!(desk.run(&["run", "resume", "1"]).code, 4, "it does not go on without the word");
    assert!(desk.run(&["run", "list", "--orphans"]).out.contains("needs_human"));
    // It did not: so it is done, once.
    desk.person.write("go", "", 0o600);
    let said = desk.run(&["run", "decide", &attempt, "--say", "it-did-not"]);
    assert!(said.code == 0 && said.out.contains("next: ira run resume 1"), "{said:?}");
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (0, 1), "{resumed:?}");
}

#[test]
fn I8_a_person_who_says_that_it_ran_is_believed() {
    let desk = held("");
    killed(&desk);
    kill_script(&desk);
    assert_eq!(desk.run(&["run", "resume", "1"]).code, 4);
    let attempt = desk.shown(1)["steps"][0]["attempt"].to_string();
    desk.person.write("well", "", 0o600);
    assert_eq!(desk.run(&["run", "decide", &attempt, "--say", "it-ran"]).code, 0);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (0, 0), "verified, and not done again: {resumed:?}");
}

#[test]
fn I11_what_may_be_repeated_is_repeated() {
    let desk = held("    effect: idempotent\n");
    killed(&desk);
    kill_script(&desk);
    desk.person.write("go", "", 0o600);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (0, 1), "{resumed:?}");
}

#[test]
fn killed_before_anybody_agreed_it_asks_again_and_nothing_is_done_before() {
    let wait = "  - id: settle\n    do: wait\n    with: { for: 2s }\n";
    let desk = Desk::new("", &[wait, MEND].concat());
    let running = desk.left();
    wait_until("it waits", || desk.person.path(".local/state/ira/ira.db").exists() && desk.state(1) == "waiting:timer");
    running.kill();
    // Nobody is at a terminal to be asked: the plan is shown by its hash, and a yes names it.
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (3, 0), "{resumed:?}");
    let line = resumed.out.lines().find_map(|line| line.strip_prefix("next: ira ")).expect("a line").to_owned();
    assert!(line.starts_with("run approve 1 --plan "), "{line}");
    assert_eq!(desk.run(&line.split(' ').collect::<Vec<_>>()).code, 0);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, desk.ledger().len()), (0, 1), "{resumed:?}");
}

#[test]
fn killed_while_it_verifies_or_holds_it_goes_on_with_that() {
    for state in ["running:verify", "running:hold"] {
        let desk = Desk::new("", MEND);
        let running = desk.left();
        let reached = || {
            let events =
                desk.person.path(".local/state/ira/ira.db").exists().then(|| desk.shown(1)["events"].to_string());
            events.is_some_and(|events| events.contains(state))
        };
        wait_until(state, reached);
        running.kill();
        let resumed = desk.run(&["run", "resume", "1"]);
        assert_eq!((resumed.code, desk.ledger().len()), (0, 1), "{state}: {resumed:?}");
    }
}

#[test]
fn lesson_31_the_deadline_of_a_step_ends_every_process_of_it_and_a_person_says_what_it_did() {
    let desk = Desk::new("", &MEND.replace("20s", "2s"));
    desk.person
        .script("mend.sh", "echo $$ > @/pid; setsid sh -c 'echo $$ > @/child; trap \"\" TERM; sleep 300' & sleep 300");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.starts_with("Run 1 needs a person") && ran.out.contains("ira run decide"), "{}", ran.out);
    for pid in ["pid", "child"] {
        assert!(!is_alive(&desk.person.read(pid)), "{pid} is ended");
    }
    let attempt = desk.shown(1)["steps"][0]["attempt"].to_string();
    let said = desk.run(&["run", "decide", &attempt, "--say", "abort"]);
    assert_eq!(said.code, 0, "{said:?}");
}
