//! A store that fails, a storm, a queue that is full: nothing is said to be taken that is not. Faults 14, 15, 17.

use super::*;

#[test]
fn fault_17_in_small_a_flood_is_taken_whole_or_refused_and_pages_are_bounded() {
    let host = Host::new();
    let daemon = host.start();
    let (threads, each) = (8_u32, 150_u32);
    let refused: usize = std::thread::scope(|scope| {
        let sent: Vec<_> = (0..threads)
            .map(|thread| {
                let daemon = &daemon;
                scope.spawn(move || {
                    let unit = |at: u32| format!("host-{}", (thread * each + at) / 4);
                    (0..each).filter(|at| daemon.post(&named("Other", &[&unit(*at)], "firing", 1)) != 200).count()
                })
            })
            .collect();
        sent.into_iter().map(|one| one.join().expect("sent")).sum()
    });
    assert_eq!(refused, 0, "{}", host.log());
    let rows = host.inbox();
    assert_eq!(rows.len(), (threads * each / 4) as usize, "one row an alert");
    assert_eq!(rows.iter().map(|row| row.seen).sum::<u64>(), u64::from(threads * each), "and each message counted");
    wait_until("each is decided", || host.all_decided());
    std::thread::sleep(Duration::from_secs(2));
    let woken = host.woken();
    assert!(woken.len() <= 21, "{} pages", woken.len());
    assert!(woken.iter().any(|key| key.ends_with(":storm")), "what is not told apart is told as one: {woken:?}");
}

#[test]
fn lesson_22_more_runs_than_one_cause_explains_wait_and_are_looked_at_again() {
    let host = Host::with("[daemon]\nruns_per_minute = 3");
    let daemon = host.start();
    for unit in 0..12 {
        assert_eq!(daemon.post(&message(&[&format!("unit-{unit}")], "firing", 1)), 200);
    }
    wait_until("each is decided", || host.inbox().len() == 12 && host.all_decided());
    let put_off: Vec<InboxRow> =
        host.inbox().into_iter().filter(|row| row.state.starts_with("suppressed: storm")).collect();
    assert_eq!(put_off.len(), 9, "{:?}", host.decided());
    assert!(put_off.iter().all(|row| row.look_at.is_some()));
    wait_until("one page says so", || host.woken().iter().filter(|key| key.ends_with(":storm")).count() == 1);
}

#[test]
fn a_full_queue_is_503_and_never_429() {
    let host = Host::with("[daemon]\nqueue = 1");
    let daemon = host.start();
    let mut codes = Vec::new();
    for unit in 0..200 {
        codes.push(daemon.post(&named("Other", &[&format!("{unit}")], "firing", 1)));
    }
    assert!(codes.iter().all(|code| [200, 503].contains(code)), "{codes:?}");
    let taken = codes.iter().filter(|code| **code == 200).count();
    assert_eq!(host.inbox().len(), taken, "I1: what was answered with 200 is there, and nothing else");
}

#[test]
fn fault_16_a_store_that_is_damaged_wakes_somebody_and_starts_nothing() {
    let host = Host::new();
    host.write("state/ira.db", &"not a database ".repeat(500), 0o600);
    let said = host.try_start(&[]).err().expect("it does not start");
    assert!(said.contains("damaged"), "{said}");
    assert_eq!(host.woken().len(), 1, "{said}");
}
