//! Many alerts at once: what is bounded stays so, and nothing is lost. Faults 17, 18, 32; I2.

use std::time::Instant;

use super::*;

/// The most memory that a process has had, KiB.
fn peak(daemon: &Daemon) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", daemon.child.id())).expect("it runs");
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a peak");
    line.trim().trim_end_matches(" kB").parse().expect("KiB")
}

/// Sends `bodies` of a hundred alerts each, of which one in twenty comes for the first time; what has to hold then.
fn flood(bodies: usize) {
    const EACH: usize = 100;
    let apart = bodies * EACH / 20;
    let host = Host::with("[daemon]\nqueue = 1000000");
    let daemon = host.start();
    let begun = Instant::now();
    let mut took: Vec<Duration> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let daemon = &daemon;
                scope.spawn(move || {
                    let mut took = Vec::new();
                    for body in (thread..bodies).step_by(4) {
                        let units: Vec<String> =
                            (0..EACH).map(|at| format!("host-{}", (body * EACH + at) % apart)).collect();
                        let units: Vec<&str> = units.iter().map(String::as_str).collect();
                        let body = named("Other", &units, "firing", 1);
                        let mut asked = Instant::now();
                        // What is refused because too much waits is sent again, as its sender would.
                        while daemon.post(&body) != 200 {
                            std::thread::sleep(Duration::from_millis(200));
                            asked = Instant::now();
                        }
                        took.push(asked.elapsed());
                    }
                    took
                })
            })
            .collect();
        threads.into_iter().flat_map(|one| one.join().expect("sent")).collect()
    });
    let sent = begun.elapsed();
    let rows = host.inbox();
    assert_eq!(rows.len(), apart, "one row an alert");
    let seen: u64 = rows.iter().map(|row| row.seen).sum();
    assert!(seen >= (bodies * EACH) as u64, "and each message counted: {seen}");
    let held = peak(&daemon);
    took.sort();
    crate::support::said(&format!(
        "{} alerts, {apart} apart, in {sent:?}: at most {held} KiB; of 100 bodies 99 were answered within {:?}",
        bodies * EACH,
        took[took.len() * 99 / 100]
    ));
    assert!(held < 512 << 10, "memory is bounded: {held} KiB");
    while !host.all_decided() {
        assert!(begun.elapsed() < Duration::from_secs(900), "each is decided");
        std::thread::sleep(Duration::from_millis(500));
    }
    let minutes = usize::try_from(begun.elapsed().as_secs() / 60).expect("few") + 2;
    let woken = host.woken();
    assert!(woken.len() <= 21 * minutes, "{} pages in {minutes} minutes", woken.len());
    assert!(woken.iter().any(|key| key.ends_with(":storm")), "what is not told apart is told as one: {woken:?}");
}

#[test]
fn fault_17_a_flood_of_repeated_alerts_loses_none_and_memory_and_pages_are_bounded() {
    flood(600);
}

#[test]
#[ignore = "600,000 alerts take minutes: cargo nextest run --run-ignored all -E 'test(fault_17_at_full_size)'"]
fn fault_17_at_full_size() {
    flood(6000);
}

#[test]
fn fault_18_a_thousand_hosts_with_one_cause_hold_the_guards_and_wake_somebody_once() {
    let host = Host::with("[daemon]\nruns_per_minute = 5\nqueue = 5000");
    // All of them are about one target.
    host.playbook("mend", &host.mend("2s", "120s").replace("key: [alert.labels.unit]", "key: [alert.labels.severity]"));
    host.site.store(false, Ordering::SeqCst);
    let daemon = host.start();
    for body in 0..10 {
        let units: Vec<String> = (0..100).map(|at| format!("host-{}", body * 100 + at)).collect();
        let units: Vec<&str> = units.iter().map(String::as_str).collect();
        assert_eq!(daemon.post(&message(&units, "firing", 1)), 200);
    }
    wait_until("each is decided", || host.inbox().len() == 1000 && host.all_decided());
    let runs = host.runs();
    assert!(runs.len() <= 5, "{} runs", runs.len());
    let put_off =
        host.inbox().iter().filter(|row| row.state.starts_with("suppressed: ") && row.look_at.is_some()).count();
    assert_eq!(put_off + runs.len(), 1000, "I2: the others are looked at again: {:?}", host.decided());
    wait_until("one page says so", || host.woken().iter().any(|key| key.ends_with(":storm")));
    wait_until("what began comes to its end", || {
        host.runs().iter().all(|run| run.state.terminal() || run.state.word().starts_with("waiting"))
    });
    assert!(host.effects() <= 5, "{} effects", host.effects());
    // I12, I13: at no time two of them in the same place.
    let store = host.store();
    let mut spans = Vec::new();
    for run in host.runs() {
        let story = block(store.run(run.id)).expect("read").expect("kept");
        spans
            .extend(story.steps.iter().filter(|step| step.path == "mend").map(|step| (step.started_at, step.ended_at)));
    }
    spans.sort();
    assert!(spans.windows(2).all(|pair| pair[0].1.is_some_and(|end| end <= pair[1].0)), "{spans:?}");
    let storm = host.woken().iter().filter(|key| key.ends_with(":storm")).count();
    assert!(storm == 1 && host.woken().len() <= 6, "{:?}", host.woken());
}

#[test]
fn pages_are_counted_over_a_restart() {
    let host = Host::with("[daemon]\npages_per_minute = 3");
    let unit = |at: u32| format!("unit-{at}");
    let send = |daemon: &Daemon, from: u32| {
        for at in from..from + 3 {
            assert_eq!(daemon.post(&named("Other", &[&unit(at)], "firing", 1)), 200);
        }
    };
    let daemon = host.start();
    send(&daemon, 0);
    wait_until("each of these wakes somebody", || host.woken().len() == 3);
    daemon.kill();
    let daemon = host.start();
    send(&daemon, 3);
    wait_until("each is decided", || host.inbox().len() == 6 && host.all_decided());
    wait_until("the others are one page", || host.woken().len() == 4);
    assert!(host.woken()[3].ends_with(":storm"), "{:?}", host.woken());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn I2_an_alert_that_was_taken_and_is_not_decided_wakes_somebody() {
    let host = Host::new();
    let daemon = host.start();
    assert_eq!(daemon.post(&named("Other", &["a"], "firing", 1)), 200);
    wait_until("it is decided", || host.inbox().len() == 1 && host.all_decided());
    wait_until("somebody is woken", || host.woken().len() == 1);
    assert_eq!(daemon.end(), Some(0));
    // What is decided cannot be written down any more, and one alert has waited for long.
    let file = rusqlite::Connection::open(host.store_path()).expect("opened");
    let refused = "CREATE TRIGGER refused BEFORE INSERT ON decision BEGIN SELECT RAISE(ABORT, 'refused'); END;";
    file.execute_batch(refused).expect("made");
    let waits = "UPDATE inbox SET state = '', look_at = received_at - 120000, received_at = received_at - 120000";
    assert_eq!(file.execute(waits, []).expect("changed"), 1);
    drop(file);
    let _daemon = host.start();
    wait_until("somebody is woken for it", || host.woken().iter().any(|key| key.ends_with(":undecided")));
}

#[test]
fn fault_32_the_switch_is_not_told_while_a_run_waits_and_no_worker_looks_for_one() {
    let switch = Api::start(|_| with(200, &[], b"OK"));
    let host = Host::with(&format!(
        "[daemon]\nworkers = 1\npage_after = \"2s\"\n[heartbeat]\nurl = \"{}/ping/1\"\nevery = \"1s\"",
        switch.url()
    ));
    host.script("echo begun >> @/begun; while [ ! -e @/go ]; do sleep 0.2; done; echo done >> @/effects");
    host.playbook("mend", &host.mend("120s", "300s"));
    let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
    wait_until("it is told that all is well", || switch.asked().len() >= 2);
    assert_eq!(switch.asked()[0].verb(), "GET /ping/1");
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("the only worker is at work", || host.path("begun").exists());
    assert_eq!(daemon.post(&message(&["db"], "firing", 1)), 200);
    let held = || daemon.get("/metrics").1.contains("ira_heartbeats_total{outcome=\"held\"}");
    wait_until("it is not told any more", held);
    let told = switch.asked().len();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(switch.asked().len(), told, "silence");
    host.write("go", "", 0o600);
    wait_until("all is well again", || switch.asked().len() > told + 1);
    wait_until("both are done", || host.effects() == 2);
    assert_eq!(daemon.end(), Some(0));
}
