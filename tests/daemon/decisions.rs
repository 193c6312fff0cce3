//! What becomes of an alert: none is declined into silence. ENGINE's 5.5, lessons 14, 19, 20, 26, 30.

use super::*;

fn ended(host: &Host, count: usize) {
    wait_until("the runs end", || {
        let runs = host.runs();
        runs.len() == count && runs.iter().all(|run| run.state.terminal()) && host.all_decided()
    });
}

#[test]
fn lesson_19_the_same_message_again_is_no_recurrence_also_after_the_run_ended() {
    let host = Host::new();
    let daemon = host.start();
    let body = message(&["web"], "firing", 1);
    for _ in 0..3 {
        assert_eq!(daemon.post(&body), 200);
    }
    ended(&host, 1);
    assert_eq!(daemon.post(&body), 200, "fault 2: a retry that comes after the run ended");
    wait_until("it is decided anew", || host.inbox()[0].look_at.is_some_and(|at| at > host.inbox()[0].last_seen));
    let row = host.inbox().remove(0);
    assert_eq!((row.seen, row.state.as_str()), (4, "suppressed: run 1 has just ended"));
    assert!(row.look_at.is_some(), "I2: a suppression is looked at again");
    assert_eq!((host.runs().len(), host.effects()), (1, 1));
}

#[test]
fn lesson_14_two_messages_of_one_alert_at_once_start_one_run() {
    let host = Host::new();
    let daemon = host.start();
    std::thread::scope(|scope| {
        for minute in 1..9 {
            let daemon = &daemon;
            scope.spawn(move || assert_eq!(daemon.post(&message(&["web"], "firing", minute)), 200));
        }
    });
    wait_until("each is decided", || host.inbox().len() == 8 && host.all_decided());
    ended(&host, 1);
    assert_eq!(host.effects(), 1, "I4: {:?}", host.decided());
    assert!(host.decided().iter().all(|state| state == "run 1"), "{:?}", host.decided());
}

#[test]
fn lesson_20_what_is_over_before_it_comes_starts_nothing() {
    let host = Host::new();
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "resolved", 5)), 200);
    wait_until("it is decided", || host.inbox().len() == 1 && host.all_decided());
    for minute in [4, 5] {
        assert_eq!(daemon.post(&message(&["web"], "firing", minute)), 200);
    }
    wait_until("they are decided", || host.inbox().len() == 3 && host.all_decided());
    assert_eq!(host.decided()[1..], ["ignored: it was over before it came", "ignored: it was over before it came"]);
    assert!(host.runs().is_empty());
    assert_eq!(daemon.post(&message(&["web"], "firing", 6)), 200, "a flap is another episode");
    ended(&host, 1);
}

#[test]
fn fault_23_an_alert_that_is_over_before_the_first_write_cancels_its_run() {
    let host = Host::new();
    let asking = host.mend("2s", "60s").replace("mode: auto", "mode: approve");
    host.playbook("mend", &asking);
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it asks", || host.runs().first().is_some_and(|run| run.state.word() == "waiting:approval"));
    wait_until("an approval that is asked for wakes somebody", || !host.woken().is_empty());
    assert_eq!(daemon.post(&message(&["web"], "resolved", 1)), 200);
    ended(&host, 1);
    assert_eq!((host.runs()[0].state.word(), host.effects()), ("cancelled", 0), "lesson 26");
    wait_until("the page is taken back", || {
        host.pager.asked().iter().any(|asked| asked.json()["event_action"] == "resolve")
    });
}

#[test]
fn what_nobody_answers_wakes_somebody_and_is_taken_back_when_all_of_its_group_is_over() {
    let host = Host::new();
    let daemon = host.start();
    let both = |status: [&str; 2]| {
        let mut body = named("Other", &["a", "b"], "firing", 1);
        for (at, status) in status.iter().enumerate() {
            body["alerts"][at]["status"] = json!(status);
        }
        body
    };
    assert_eq!(daemon.post(&both(["firing", "firing"])), 200);
    wait_until("somebody is woken", || host.woken().len() == 1);
    let taken_back = || host.pager.asked().iter().filter(|asked| asked.json()["event_action"] == "resolve").count();
    assert_eq!(daemon.post(&both(["resolved", "firing"])), 200);
    wait_until("it is decided", || host.inbox().len() == 3 && host.all_decided());
    assert_eq!(taken_back(), 0, "fault 33: the other one fires");
    assert_eq!(daemon.post(&both(["resolved", "resolved"])), 200);
    wait_until("it is taken back", || taken_back() == 1);
    assert_eq!(host.woken().len(), 1);
}

#[test]
fn what_wakes_nobody_by_its_severity_is_written_down() {
    let host = Host::new();
    let daemon = host.start();
    let mut body = named("Other", &["a"], "firing", 1);
    body["alerts"][0]["labels"]["severity"] = json!("info");
    assert_eq!(daemon.post(&body), 200);
    wait_until("it is decided", || host.inbox().len() == 1 && host.all_decided());
    assert_eq!(host.decided(), ["ignored: no playbook is for it, and its severity is `info`"]);
    // An alert for which a playbook would be, if only it said what it is about.
    let mut keyless = message(&["x"], "firing", 1);
    keyless["alerts"][0]["labels"] = json!({ "alertname": "Down", "severity": "info" });
    assert_eq!(daemon.post(&keyless), 200);
    wait_until("it is decided", || host.inbox().len() == 2 && host.all_decided());
    assert!(host.decided()[1].starts_with("paged: "), "{:?}", host.decided());
}

#[test]
fn a_maintenance_window_puts_off_and_looks_again() {
    let host =
        Host::with("[maintenance.night]\nfrom = 2020-01-01T00:00:00Z\nuntil = 2099-01-01T00:00:00Z\nscope = \"mend\"");
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    assert_eq!(daemon.post(&named("Other", &["web"], "firing", 1)), 200);
    wait_until("both are decided", || host.inbox().len() == 2 && host.all_decided());
    let mut rows = host.inbox();
    rows.sort_by_key(|row| row.id);
    assert_eq!(rows[0].state, "suppressed: maintenance window night");
    assert!(rows[0].look_at.is_some() && host.runs().is_empty());
    assert!(rows[1].state.starts_with("paged: "), "what the window does not cover is not quiet");
}

#[test]
fn two_playbooks_that_would_write_wake_somebody_in_place_of_either() {
    let host = Host::new();
    host.playbook("other", &host.mend("2s", "60s").replace("playbook: mend", "playbook: other"));
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it is decided", || host.inbox().len() == 1 && host.all_decided());
    assert!(host.decided()[0].starts_with("paged: several playbooks would write"), "{:?}", host.decided());
    assert_eq!(host.effects(), 0);
}

#[test]
fn a_playbook_that_writes_is_not_loaded_where_nobody_would_be_paged() {
    let host = Host::new();
    let unarmed = format!(
        "store = \"sqlite:{}\"\n[sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"env:TOKEN\"\n[scripts]\nrunner = \"same-user\"\nfolder = \"{}\"\n\
         [budgets.all]\nmax = 9\nwindow = \"1h\"\n",
        host.store_path().display(),
        host.path("scripts").display()
    );
    host.write(".config/ira/config.toml", &unarmed, 0o600);
    let checked = host.ira(&["daemon", "--check"]);
    assert_eq!(checked.code, 78, "{checked:?}");
    assert!(checked.err.contains("[page] routing_key") && checked.err.contains("[alertmanager] urls"), "{checked:?}");
    // A sender that pages by itself is one arm; a switch elsewhere is both.
    let paged = format!("{unarmed}[page]\nrouting_key = \"env:KEY\"\n");
    let declared = format!("{paged}declared = \"a PagerDuty subscription on the topic\"\n");
    host.write(".config/ira/config.toml", &declared, 0o600);
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 78 && checked.err.contains("or [heartbeat] url"), "{checked:?}");
    host.write(".config/ira/config.toml", &format!("{paged}[heartbeat]\nurl = \"http://127.0.0.1:1/\"\n"), 0o600);
    let checked = host.ira(&["daemon", "--check"]);
    assert_eq!(checked.code, 0, "{checked:?}");
    host.write(".config/ira/config.toml", &unarmed, 0o600);
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it is decided", || host.inbox().len() == 1 && host.all_decided());
    assert!(host.decided()[0].starts_with("paged: the playbook mend is not loaded"), "{:?}", host.decided());
    assert_eq!((host.runs().len(), host.effects()), (0, 0));
    assert_eq!(host.mails()[0].channel, "people", "`ira` says that a page is overdue");
}

#[test]
fn what_ira_pages_comes_back_from_pagerduty_and_starts_nothing() {
    let host = Host::with("[sources.pagerduty]\nkind = \"pagerduty\"\nsecret = \"env:SECRET\"");
    let daemon = host.start();
    assert_eq!(daemon.post(&named("Other", &["a"], "firing", 1)), 200);
    wait_until("somebody is woken", || host.woken().len() == 1);
    let own = host.woken().remove(0);
    let (code, said) = daemon.event("E1", "incident.triggered", &own);
    assert_eq!(code, 200, "{said}\n{}", host.log());
    assert_eq!(daemon.event("E1", "incident.triggered", &own).0, 200, "lesson 21: again is the same");
    wait_until("it is decided", || host.inbox().len() == 2 && host.all_decided());
    assert_eq!(host.decided()[1], "ignored: it is of an incident that ira pages");
    assert_eq!(daemon.event("E2", "incident.acknowledged", &own).0, 200);
    wait_until("the acknowledgement is known", || host.mails().iter().any(|mail| mail.human_ack_at.is_some()));
    assert_eq!(host.woken().len(), 1);
}
