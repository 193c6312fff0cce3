//! A store that fails, a storm, a queue that is full: nothing is said to be taken that is not. Faults 14, 15, 17.

use super::*;
use crate::support::{debian, skipped};
use ira::config::env::{Env as _, SystemEnv};

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

#[test]
fn fault_14_a_sync_that_fails_ends_the_daemon_after_one_page_and_nothing_is_acknowledged_that_is_not_there() {
    let host = Host::new();
    // Made before, so that opening it is not what fails.
    drop(host.store());
    if !debian(&["strace"]) {
        return;
    }
    let mut traced = Command::new("strace");
    traced.args(["-f", "-qq", "-o"]).arg(host.path("strace")).args([
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO:when=12+",
        env!("CARGO_BIN_EXE_ira"),
        "daemon",
        "--listen",
        "127.0.0.1:0",
    ]);
    let log = std::fs::File::create(host.path("daemon.log")).expect("a log");
    traced.env_clear().env("HOME", host.home.path()).env("PATH", "/usr/bin:/bin");
    traced.env("KEY", CANARY).env("TOKEN", TOKEN).current_dir(host.home.path());
    let mut child = traced.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("strace");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("it says something");
    let port = port_of(&first);
    assert!(port > 0, "{first}{}", host.log());
    let mut acknowledged = Vec::new();
    for unit in 0..40 {
        let name = format!("unit-{unit}");
        match post(port, "/alertmanager", Some(TOKEN), named("Other", &[&name], "firing", 1).to_string().as_bytes()).0 {
            200 => acknowledged.push(name),
            code => assert!([0, 503].contains(&code), "{code}"),
        }
    }
    assert!(!child.wait().expect("it ends").success(), "I23: a failed sync is never tried again");
    let known = host.inbox();
    for name in &acknowledged {
        let there = known.iter().any(|row| unit_of(row) == *name);
        assert!(there, "I1: {name} was acknowledged");
    }
    assert!(acknowledged.len() < 40, "{acknowledged:?}");
    assert!(
        host.woken().iter().any(|key| key.ends_with(":store")),
        "one page is tried: {:?}\n{}",
        host.woken(),
        host.log()
    );
}

#[test]
fn fault_15_a_disk_that_is_full_is_503_and_wakes_somebody() {
    // A file system of its own, as small as it can be, in a name space of its own.
    let host = Host::with("[daemon]\npage_after = \"1s\"");
    std::fs::create_dir_all(host.path("state")).expect("made");
    let script = format!(
        "mount -t tmpfs -o size=1m tmpfs '{0}/state' && exec '{1}' daemon --listen 127.0.0.1:0",
        host.home.path().display(),
        env!("CARGO_BIN_EXE_ira")
    );
    let log = std::fs::File::create(host.path("daemon.log")).expect("a log");
    let mut command = Command::new("unshare");
    command
        .args(["-m", "sh", "-c", &script])
        .env_clear()
        .env("HOME", host.home.path())
        .env("PATH", "/usr/bin:/bin:/usr/sbin:/sbin");
    command.env("KEY", CANARY).env("TOKEN", TOKEN).current_dir(host.home.path());
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(log).spawn().expect("unshare");
    let mut first = String::new();
    BufReader::new(child.stdout.take().expect("piped")).read_line(&mut first).expect("it says something");
    let port = port_of(&first);
    let daemon = Daemon { child, port, admin: 0 };
    if port == 0 {
        assert!(SystemEnv.get("CI").expect("readable").is_none(), "CI may mount: {}", host.log());
        skipped("a small disk may not be mounted here");
        return;
    }
    let mut full = false;
    for batch in 0..60 {
        let units: Vec<String> = (0..100).map(|unit| format!("unit-{batch}-{unit}")).collect();
        let units: Vec<&str> = units.iter().map(String::as_str).collect();
        let code = daemon.post(&named("Other", &units, "firing", 1));
        assert!([0, 200, 503].contains(&code), "{code}");
        // Full in the middle it is 503; full at the commit it is not known what is there, and the process ends.
        full = code != 200;
        if full {
            break;
        }
    }
    assert!(full, "{}", host.log());
    wait_until("somebody is woken by what is in memory", || host.woken().iter().any(|key| key.ends_with(":store")));
}
