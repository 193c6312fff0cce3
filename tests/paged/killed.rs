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
