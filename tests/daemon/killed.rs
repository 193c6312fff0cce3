//! Killed and started again: I1, I2, I3, I8; faults 2, 5, 24; the real Alertmanager as the sender.

use std::collections::BTreeMap;

use super::*;
use crate::people::alerting;

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
        let of = rows.iter().filter(|row| row.payload["alert"]["labels"]["unit"] == name.as_str()).count();
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

/// The real Alertmanager sends; the daemon is killed every second, and started again.
#[test]
fn nothing_acknowledged_is_lost_while_the_daemon_is_killed_every_second() {
    if !alerting::is_there() {
        return;
    }
    let host = Host::new();
    let port = crate::support::bed::free_port();
    let listen = format!("127.0.0.1:{port}");
    host.write("token", TOKEN, 0o600);
    let config = format!(
        "route: {{ receiver: ira, group_by: [alertname, unit], group_wait: 0s, group_interval: 2s, repeat_interval: 4s }}\n\
         receivers:\n- name: ira\n  webhook_configs:\n  - url: 'http://{listen}/alertmanager'\n    \
         http_config: {{ authorization: {{ credentials_file: '{}' }} }}\n",
        host.path("token").display()
    );
    let (manager, at) = alerting::alertmanager_with(host.home.path(), "am", &config);
    wait_until("Alertmanager is there", || {
        request(at, "GET /-/ready HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n", b"").0 == 200
    });
    let mut units = Vec::new();
    for round in 0..15 {
        let mut daemon = host.try_start_at(&listen).unwrap_or_else(|said| panic!("{said}"));
        let name = format!("unit-{round}");
        let alert = json!([{ "labels": { "alertname": "Down", "unit": name, "severity": "critical" } }]);
        let (code, said) = post(at, "/api/v2/alerts", None, alert.to_string().as_bytes());
        assert_eq!(code, 200, "{said}");
        units.push(name);
        std::thread::sleep(Duration::from_secs(1));
        assert!(daemon.child.try_wait().expect("asked").is_none(), "it ran until it was killed: {}", host.log());
        daemon.kill();
    }
    let daemon = host.try_start_at(&listen).unwrap_or_else(|said| panic!("{said}"));
    let known = || -> BTreeMap<String, usize> {
        host.inbox().into_iter().fold(BTreeMap::new(), |mut all, row| {
            *all.entry(row.payload["alert"]["labels"]["unit"].as_str().unwrap_or_default().to_owned()).or_default() +=
                1;
            all
        })
    };
    wait_until("every alert came", || units.iter().all(|unit| known().contains_key(unit)));
    wait_until("all is decided", || host.all_decided());
    wait_until("all runs end, or ask somebody", || host.all_settled());
    assert!(known().values().all(|rows| *rows == 1), "I3: {:?}", known());
    assert!(host.effects() <= units.len(), "I8: {} effects for {} alerts", host.effects(), units.len());
    let store = host.store();
    for run in host.runs() {
        let story = block(store.run(run.id)).expect("read").expect("kept");
        assert!(story.steps.iter().filter(|step| step.path == "mend").count() <= 1, "I8: run {}", run.id);
    }
    assert_eq!(daemon.end(), Some(0));
    drop(manager);
}
