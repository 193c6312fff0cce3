//! Killed and started again: I1, I2, I3, I8; faults 2, 5, 24.

use super::*;

#[test]
fn fault_5_a_script_outlives_the_daemon_and_is_not_run_twice() {
    let host = Host::new();
    host.script("echo begun >> @/begun; sleep 3; echo done >> @/effects");
    host.playbook("mend", &host.mend("30s", "120s"));
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it has begun", || host.path("begun").exists());
    daemon.kill();
    // Fault 24: the file changes under the run.
    host.playbook("mend", &host.mend("30s", "120s").replace("program: mend", "program: other"));
    let daemon = host.start();
    wait_until("the run ends", || host.runs()[0].state.terminal());
    assert_eq!(host.runs()[0].state.word(), "succeeded", "{}", host.log());
    let begun = std::fs::read_to_string(host.path("begun")).expect("begun");
    assert_eq!((begun.lines().count(), host.effects()), (1, 1), "I8: once is once");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn I1_what_was_acknowledged_is_there_after_kill_9_and_no_once_is_done_twice() {
    let host = Host::new();
    host.script("echo \"$1\" >> @/effects");
    let mut acknowledged = Vec::new();
    let mut unit = 0_u32;
    for round in 0..8 {
        let daemon = host.start();
        for _ in 0..12 {
            let name = format!("unit-{unit}");
            // Every message is sent again by the next daemon's sender, as Alertmanager would.
            if daemon.post(&message(&[&name], "firing", 1)) == 200 {
                acknowledged.push(name);
            }
            unit += 1;
        }
        if round % 2 == 0 {
            std::thread::sleep(Duration::from_millis(200));
        }
        daemon.kill();
    }
    let daemon = host.start();
    for name in &acknowledged {
        assert_eq!(daemon.post(&message(&[name], "firing", 1)), 200);
    }
    wait_until("all is decided", || host.all_decided());
    wait_until("all runs end, or ask somebody", || host.all_settled());
    let rows = host.inbox();
    for name in &acknowledged {
        let of = rows.iter().filter(|row| unit_of(row) == *name).count();
        assert_eq!(of, 1, "I1, I3: {name}");
    }
    let runs = host.runs();
    assert_eq!(runs.len(), rows.len(), "one run for each alert");
    let store = host.store();
    for run in &runs {
        let story = block(store.run(run.id)).expect("read").expect("kept");
        let begun = story.steps.iter().filter(|step| step.path == "mend").count();
        assert!(begun <= 1, "I8: run {} began {begun} times", run.id);
    }
    assert!(host.effects() <= rows.len(), "never twice");
    let done = runs.iter().filter(|run| run.state.word() == "succeeded").count();
    assert!(host.effects() >= done, "I7: nothing is said to be done that was not");
    assert_eq!(daemon.end(), Some(0));
}
