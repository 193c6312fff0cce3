//! Everybody is killed, for a minute: the daemon every second, one Alertmanager of two every few. I1, I3, I7, I8.

use std::collections::BTreeMap;
use std::time::Instant;

use super::*;
use crate::people::alerting;
use crate::support::bed::free_port;

#[test]
fn nothing_acknowledged_is_lost_and_nothing_is_done_twice_while_daemon_and_alertmanagers_are_killed_for_a_minute() {
    if !alerting::is_there() {
        return;
    }
    let host = Host::with("[daemon]\nruns_per_minute = 10000\npages_per_minute = 10000\nworkers = 32");
    let listen = format!("127.0.0.1:{}", free_port());
    host.write("token", TOKEN, 0o600);
    let config = format!(
        "route: {{ receiver: ira, group_by: [alertname, unit], group_wait: 0s, group_interval: 2s, repeat_interval: 4s }}\n\
         receivers:\n- name: ira\n  webhook_configs:\n  - url: 'http://{listen}/alertmanager'\n    \
         http_config: {{ authorization: {{ credentials_file: '{}' }} }}\n",
        host.path("token").display()
    );
    let ports = [free_port(), free_port()];
    let start = |at: usize| alerting::alertmanager_at(ports[at], host.home.path(), ["am-1", "am-2"][at], &config);
    // Two that know nothing of each other: each sends everything.
    let mut managers = [Some(start(0)), Some(start(1))];
    let mut units: Vec<String> = Vec::new();
    let mut acknowledged = Vec::new();
    // As Prometheus does: what fires is told to both again and again, with the time at which it began.
    let tell = |units: &[String]| {
        let alert = |unit: &String| {
            let labels = json!({ "alertname": "Down", "unit": unit, "severity": "critical" });
            json!({ "labels": labels, "startsAt": "2026-11-21T10:00:00.000Z", "endsAt": "2036-11-21T10:00:00.000Z" })
        };
        let all = Value::from(units.iter().map(alert).collect::<Vec<_>>()).to_string();
        // One that is down is not told.
        ports.map(|port| post(port, "/api/v2/alerts", None, all.as_bytes()).0)
    };
    wait_until("both are there", || tell(&[]).iter().all(|code| *code == 200));
    let begun = Instant::now();
    let mut round = 0;
    while begun.elapsed() < Duration::from_secs(60) {
        let mut daemon = host.try_start_at(&listen).unwrap_or_else(|said| panic!("{said}"));
        units.push(format!("unit-{round}"));
        tell(&units);
        // One that the test sends itself hears what is acknowledged.
        let own = format!("own-{round}");
        if daemon.post(&message(&[&own], "firing", 1)) == 200 {
            acknowledged.push(own);
        }
        if round % 5 == 4 {
            let at = (round / 5) % 2;
            // What it knew is gone with it.
            drop(managers[at].take());
            managers[at] = Some(start(at));
        }
        std::thread::sleep(Duration::from_secs(1));
        assert!(daemon.child.try_wait().expect("asked").is_none(), "it ran until it was killed: {}", host.log());
        daemon.kill();
        round += 1;
    }
    assert!(round >= 20, "{round} rounds");
    let daemon = host.try_start_at(&listen).unwrap_or_else(|said| panic!("{said}"));
    let known = || -> BTreeMap<String, usize> {
        host.inbox().into_iter().fold(BTreeMap::new(), |mut all, row| {
            *all.entry(unit_of(&row)).or_default() += 1;
            all
        })
    };
    wait_until("every alert came", || {
        tell(&units);
        units.iter().all(|unit| known().contains_key(unit))
    });
    for own in &acknowledged {
        assert!(known().contains_key(own), "I1: {own} was acknowledged");
    }
    wait_until("all is decided", || host.all_decided());
    wait_until("all runs end, or ask somebody", || host.all_settled());
    assert!(known().values().all(|rows| *rows == 1), "I3: {:?}", known());
    let runs = host.runs();
    assert!(host.effects() <= runs.len(), "I8: {} effects for {} runs", host.effects(), runs.len());
    let store = host.store();
    for run in &runs {
        let story = block(store.run(run.id)).expect("read").expect("kept");
        assert!(story.steps.iter().filter(|step| step.path == "mend").count() <= 1, "I8: run {}", run.id);
    }
    let done = runs.iter().filter(|run| run.state.word() == "succeeded").count();
    assert!(host.effects() >= done, "I7: nothing is said to be done that was not");
    crate::support::said(&format!(
        "{round} rounds: {} alerts, {} of them acknowledged to the test, {} runs, {done} succeeded",
        known().len(),
        acknowledged.len(),
        runs.len()
    ));
    assert_eq!(daemon.end(), Some(0));
}
