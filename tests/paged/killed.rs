//! Processes that die in the middle of a run.

use super::*;

#[test]
fn I10_fault_31_the_death_of_the_process_pages_once_by_the_watcher() {
    let person = OnCall::new();
    person.playbook("3s", "8s");
    person.script("echo done >> @/effects; sleep 2");
    let run = person.left();
    wait_until("the first write", || person.effects() == 1);
    let watchers = person.watchers();
    assert_eq!(watchers.len(), 1, "armed before the first write");
    // Neither Ctrl-C nor the end of the terminal reaches it.
    let watcher = rustix::process::Pid::from_raw(watchers[0]);
    assert_eq!(rustix::process::getsid(watcher).ok(), watcher, "a session of its own");
    run.kill();
    wait_until("somebody is paged", || !person.events().is_empty());
    person.watched_to_its_end();
    assert_eq!(person.events(), [("trigger".to_owned(), key(GROUP))]);
    assert_eq!(person.effects(), 1);
    assert!(!person.record().contains(CANARY), "I22");
}

#[test]
fn the_death_of_the_process_between_two_steps_pages_long_before_the_time_of_the_run_is_over() {
    let (person, kept) = super::provider::on_call("");
    person.playbook("3s", "10m");
    person.playbook_has("after: 1s", "after: 5m");
    let run = person.left();
    wait_until("it waits for verify", || person.effects() == 1 && person.shown(1)["run"]["state"] == "waiting:timer");
    run.kill();
    wait_until("somebody is paged", || !kept.lock().expect("whole").incidents.is_empty());
    let event = person
        .pager
        .asked()
        .iter()
        .map(crate::people::api::Asked::json)
        .find(|event| event["event_action"] == "trigger");
    let said = event.expect("a page").to_string();
    assert!(said.contains("the process that had run 1 died") && said.contains("ira run resume 1"), "{said}");
    assert_eq!(person.shown(1)["run"]["state"], "waiting:timer", "whoever comes takes it up as it is");
    let ran = person.ira(&["run", "close", "1", "--as", "succeeded", "--reason", "I looked", "--json"]);
    assert_eq!((ran.code, person.effects()), (0, 1), "{ran:?}");
    person.watched_to_its_end();
    assert_eq!(kept.lock().expect("whole").incidents.len(), 1, "one page");
}

#[test]
fn a_run_that_is_taken_up_after_the_death_of_its_process_and_is_well_pages_nobody() {
    let person = OnCall::new();
    person.playbook("3s", "30s");
    person.script("echo done >> @/effects; sleep 2");
    person.up(true);
    let run = person.left();
    wait_until("the first write", || person.effects() == 1);
    run.kill();
    let ran = person.ira(&["run", "resume", "1", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    person.watched_to_its_end();
    assert_eq!((person.effects(), person.events()), (1, Vec::new()));
    assert_eq!(person.shown(1)["outbox"][0]["state"], "disarmed");
}

#[test]
fn fault_23_a_second_ctrl_c_leaves_the_run_and_its_page_armed() {
    let person = OnCall::new();
    person.playbook("8s", "13s");
    person.script("echo done >> @/effects; sleep 7");
    let mut command = person.command(&["remediate", "mend", "--alert", "alert.json", "--yes"]);
    let run = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().expect("ira");
    wait_until("the first write", || person.effects() == 1);
    let pid = rustix::process::Pid::from_raw(i32::try_from(run.id()).expect("small")).expect("a process");
    let cancelled = || person.shown(1)["events"].to_string().contains("cancel");
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
    wait_until("it is cancelled", cancelled);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).expect("told");
    let ran = Ran::from(run.wait_with_output().expect("it ends"));
    assert!(ran.code == 130 && ran.err.contains("ira run resume 1"), "{ran:?}");
    assert_eq!(person.watchers().len(), 1);
    wait_until("somebody is paged", || !person.events().is_empty());
    assert_eq!(person.events(), [("trigger".to_owned(), key(GROUP))]);
}

#[test]
fn fault_20_a_record_that_cannot_be_written_keeps_no_page_back() {
    let (person, kept) = super::provider::on_call("");
    person.playbook("3s", "8s");
    person.script("echo done >> @/effects; sleep 2");
    let run = person.left();
    wait_until("the first write", || person.effects() == 1);
    run.kill();
    // Somebody holds the store, and does not let go.
    let store = rusqlite::Connection::open(person.path(".local/state/ira/ira.db")).expect("opened");
    store.execute_batch("BEGIN IMMEDIATE").expect("held");
    let opened = || !kept.lock().expect("whole").incidents.is_empty();
    wait_until("somebody is paged", opened);
    let event = person.pager.asked()[0].json();
    assert_eq!(event["dedup_key"], key(GROUP));
    assert!(event["payload"]["summary"].as_str().is_some_and(|said| said.contains("cannot be")), "{event}");
    store.execute_batch("ROLLBACK").expect("let go");
    person.watched_to_its_end();
    assert_eq!(kept.lock().expect("whole").incidents.len(), 1, "said again under the same key it is the same page");
    assert_eq!(person.shown(1)["outbox"][0]["state"], "accepted");
}

/// The shims of this home.
fn shims(person: &OnCall) -> Vec<rustix::process::Pid> {
    let home = person.path("").display().to_string();
    let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
    let pids = pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let own = |pid: &i32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.starts_with(b"ira-attempt\0") && String::from_utf8_lossy(&line).contains(&home)
    };
    pids.filter(own).filter_map(rustix::process::Pid::from_raw).collect()
}

#[test]
fn I10_fault_4_what_is_not_known_pages_once_and_a_persons_word_about_it_is_noted() {
    let (person, kept) = super::provider::on_call("");
    // The page does not wait for the deadline of the run.
    person.playbook("3s", "10m");
    person.script("echo done >> @/effects; exec sleep 2");
    let run = person.left();
    wait_until("the first write", || person.effects() == 1);
    run.kill();
    for shim in shims(&person) {
        rustix::process::kill_process(shim, rustix::process::Signal::KILL).expect("killed");
    }
    let triggers = || person.events().iter().filter(|(verb, _)| verb == "trigger").count();
    wait_until("somebody is paged", || triggers() > 0);
    assert_eq!(person.shown(1)["run"]["state"], "needs_human");
    let attempt = person.shown(1)["steps"][0]["attempt"].to_string();
    let ran = person.ira(&["run", "decide", &attempt, "--say", "abort", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    person.watched_to_its_end();
    let all = kept.lock().expect("whole");
    assert_eq!((triggers(), person.effects()), (1, 1));
    assert_eq!(all.incidents, [(key(GROUP), "triggered".to_owned())], "a person's word resolves nothing");
    assert!(all.notes.iter().any(|(_, text)| text.contains("aborted by alice")), "{:?}", all.notes);
}
