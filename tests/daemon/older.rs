//! The store is an older copy, cannot be written, or is of another ira; the clock of the machine jumps. I17, I21, I24;
//! faults 13, 20, 21, 28.

use super::*;
use crate::support::debian;

/// The files of a store that nobody has open.
fn copy(host: &Host, from: &str, to: &str) {
    for end in ["", "-wal", "-shm"] {
        let (from, to) = (host.path(&format!("{from}{end}")), host.path(&format!("{to}{end}")));
        if from.exists() {
            std::fs::copy(&from, &to).expect("copied");
        } else if to.exists() {
            std::fs::remove_file(&to).expect("removed");
        }
    }
}

fn one_run(host: &Host, daemon: &Daemon, unit: &str, count: usize) {
    assert_eq!(daemon.post(&message(&[unit], "firing", 1)), 200, "{}", host.log());
    wait_until("the run ends", || host.runs_beside().len() == count);
}

#[test]
fn I17_a_store_that_is_an_older_copy_begins_nothing_and_wakes_somebody() {
    let host = Host::new();
    let daemon = host.start();
    one_run(&host, &daemon, "web", 1);
    assert_eq!(daemon.end(), Some(0));
    copy(&host, "state/ira.db", "old.db");
    let daemon = host.start();
    one_run(&host, &daemon, "db", 2);
    assert_eq!((daemon.end(), host.effects(), host.woken().len()), (Some(0), 2, 0));
    copy(&host, "old.db", "state/ira.db");
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["app"], "firing", 2)), 200);
    wait_until("somebody is woken", || !host.woken().is_empty());
    wait_until("it is decided", || host.all_decided());
    assert_eq!(host.effects(), 2, "nothing that is done once is begun: {}", host.log());
    let said = host.pager.asked().iter().map(|asked| asked.body.clone()).collect::<String>();
    assert!(said.contains("older copy"), "{said}");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn I21_while_the_store_cannot_be_written_nothing_begins_and_nothing_is_said_to_be_taken() {
    let host = Host::with("[daemon]\npage_after = \"1s\"");
    let daemon = host.start();
    one_run(&host, &daemon, "web", 1);
    let file = rusqlite::Connection::open(host.store_path()).expect("opened");
    file.execute_batch("BEGIN IMMEDIATE").expect("held");
    let code = daemon.post(&message(&["db"], "firing", 1));
    assert!([0, 503].contains(&code), "never 200: {code}");
    wait_until("somebody is woken by what is in memory", || host.woken().iter().any(|key| key.ends_with(":store")));
    assert_eq!(host.effects(), 1, "I21");
    file.execute_batch("ROLLBACK").expect("let go");
    let code = || daemon.post(&message(&["db"], "firing", 1));
    wait_until("it is taken when its sender comes again", || code() == 200);
    wait_until("and answered", || host.effects() == 2);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn I24_a_clock_that_jumps_ends_no_wait_and_no_lease_and_a_restart_with_it_behind_goes_on() {
    if !debian(&["faketime"]) {
        return;
    }
    let host = Host::new();
    host.script("echo begun >> @/begun; while [ ! -e @/go ]; do sleep 0.2; done; echo done >> @/effects");
    host.playbook("mend", &host.mend("120s", "300s"));
    host.write("offset", "+0", 0o600);
    let library = "/usr/lib/x86_64-linux-gnu/faketime/libfaketimeMT.so.1";
    let start = || {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(host.path("daemon.log")).expect("a log");
        let mut command = host.command(&["daemon", "--listen", "127.0.0.1:0"]);
        command.env("LD_PRELOAD", library).env("FAKETIME_TIMESTAMP_FILE", host.path("offset"));
        command.env("FAKETIME_NO_CACHE", "1").env("FAKETIME_DONT_FAKE_MONOTONIC", "1").stderr(log);
        Daemon::spawned(&mut command, false).unwrap_or_else(|said| panic!("{said}{}", host.log()))
    };
    if !std::path::Path::new(library).exists() {
        crate::support::skipped("libfaketime is elsewhere on this machine");
        return;
    }
    let daemon = start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200, "{}", host.log());
    wait_until("it is at work", || host.path("begun").exists());
    // An hour on, an hour back: of a run with five minutes to its page.
    for offset in ["+1h", "-1h", "+0"] {
        host.write("offset", offset, 0o600);
        std::thread::sleep(Duration::from_secs(2));
        assert!(host.woken().is_empty(), "{offset}: {:?}\n{}", host.woken(), host.log());
        assert!(host.runs()[0].state.word().starts_with("running"), "{offset}");
    }
    // Killed, and started again with the clock an hour behind: the script is waited for, and no lease is for an hour.
    daemon.kill();
    host.write("offset", "-1h", 0o600);
    let daemon = start();
    host.write("go", "", 0o600);
    wait_until("the run goes on, and ends", || host.runs()[0].state.terminal());
    assert_eq!((host.runs()[0].state.word(), host.effects()), ("succeeded", 1), "{}", host.log());
    assert!(host.woken().is_empty(), "{:?}", host.woken());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn fault_28_an_upgrade_takes_runs_up_where_they_were_and_a_store_of_a_newer_ira_is_refused() {
    let host = Host::new();
    host.script("echo begun >> @/begun; sleep 3; echo done >> @/effects");
    host.playbook("mend", &host.mend("30s", "120s"));
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it has begun", || host.path("begun").exists());
    // The new version is started over the old one, and then the old one over the store of the new one.
    daemon.kill();
    let file = rusqlite::Connection::open(host.store_path()).expect("opened");
    let version: i64 = file.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("a version");
    let set = |to: i64| file.execute_batch(&format!("PRAGMA user_version = {to}")).expect("set");
    set(version + 1);
    let said = host.try_start(&[]).err().expect("it is refused");
    assert!(said.contains("newer"), "{said}");
    assert!(host.woken().iter().any(|key| key.ends_with(":store")), "a daemon that does not start is noticed");
    set(version);
    drop(file);
    let daemon = host.start();
    wait_until("the run ends", || host.runs()[0].state.terminal());
    let begun = std::fs::read_to_string(host.path("begun")).expect("begun");
    assert_eq!((host.runs()[0].state.word(), begun.lines().count(), host.effects()), ("succeeded", 1, 1));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn fault_20_with_pager_and_store_down_the_switch_is_not_told_and_the_page_is_sent_on_their_return() {
    let (switch, up) = (Api::start(|_| with(200, &[], b"OK")), Arc::new(AtomicBool::new(false)));
    let seen = Arc::clone(&up);
    let pager = Api::start(move |asked| {
        let key = asked.json()["dedup_key"].clone();
        let taken = seen.load(Ordering::SeqCst);
        answer(if taken { 202 } else { 503 }, &json!({ "status": "success", "dedup_key": key, "message": "" }))
    });
    let host =
        Host::with(&format!("[daemon]\npage_after = \"1s\"\n[heartbeat]\nurl = \"{}/\"\nevery = \"1s\"", switch.url()));
    let config = std::fs::read_to_string(host.path(".config/ira/config.toml")).expect("a configuration");
    host.write(".config/ira/config.toml", &config.replace(&host.pager.url(), &pager.url()), 0o600);
    let daemon = host.start();
    wait_until("all is well", || switch.asked().len() > 1);
    assert_eq!(daemon.post(&named("Other", &["a"], "firing", 1)), 200);
    wait_until("the pager does not take it", || !pager.asked().is_empty());
    let file = rusqlite::Connection::open(host.store_path()).expect("opened");
    file.execute_batch("BEGIN IMMEDIATE").expect("held");
    let direct = |asked: &Asked| asked.json()["dedup_key"].as_str().is_some_and(|key| key.ends_with(":store"));
    wait_until("it is tried to say so by what is in memory", || pager.asked().iter().any(direct));
    let told = switch.asked().len();
    std::thread::sleep(Duration::from_secs(3));
    assert_eq!(switch.asked().len(), told, "the switch is not told: whoever has it pages");
    file.execute_batch("ROLLBACK").expect("let go");
    up.store(true, Ordering::SeqCst);
    let kept = || host.mails().iter().all(|mail| mail.state == ira::store::MailState::Accepted);
    // The pauses between tries have grown meanwhile.
    crate::people::alerting::until("the page was kept, and is taken", || !host.mails().is_empty() && kept());
    let keys: Vec<String> = host.mails().iter().map(|mail| mail.dedup_key.clone()).collect();
    assert_eq!(keys.len(), 1, "one page: {keys:?}");
    let last = pager.asked().into_iter().rfind(|asked| asked.json()["dedup_key"] == keys[0].as_str());
    assert!(last.is_some(), "under its key");
    wait_until("all is well again", || switch.asked().len() > told);
    assert_eq!(daemon.end(), Some(0));
}
