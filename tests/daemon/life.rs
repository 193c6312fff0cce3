//! Start, work, stop.

use super::*;

#[test]
fn an_alert_is_taken_answered_by_a_run_and_verified() {
    let host = Host::new();
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200, "{}", host.log());
    wait_until("the run ends", || host.runs().first().is_some_and(|run| run.state.terminal()));
    let run = host.runs().remove(0);
    assert_eq!((run.state.word(), host.effects()), ("succeeded", 1), "{run:?}\n{}", host.log());
    assert_eq!(host.decided(), ["run 1"]);
    assert!(host.woken().is_empty(), "nobody is woken for what was mended");
    assert_eq!(daemon.end(), Some(0), "{}", host.log());
    let log = host.log();
    assert!(!log.contains(TOKEN) && !log.contains(CANARY), "I22: {log}");
}

#[test]
fn what_does_not_help_reaches_a_person_under_alertmanagers_own_key() {
    let host = Host::new();
    host.site.store(false, Ordering::SeqCst);
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("somebody is woken", || !host.woken().is_empty());
    let key = sha256("{}:{alertname=\"Down\", unit=\"web\"}");
    assert_eq!(host.woken(), [key], "{:?}", host.mails());
    assert_eq!(daemon.end(), Some(0));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    ira_commands::units::digits(&sha2::Sha256::digest(text.as_bytes()))
}

#[test]
fn probes_and_metrics_say_how_it_goes() {
    let host = Host::new();
    let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    assert_eq!(post(daemon.port, "/alertmanager", None, b"{}").0, 401);
    wait_until("the run ends", || host.runs().first().is_some_and(|run| run.state.terminal()));
    assert_eq!(daemon.get("/healthz").0, 200);
    let (code, ready) = daemon.get("/readyz");
    assert!(code == 200 && ready.contains("ok store") && ready.contains("ok pager"), "{ready}");
    wait_until("it is counted", || daemon.get("/metrics").1.contains("ira_runs_total"));
    let (_, metrics) = daemon.get("/metrics");
    for line in [
        "ira_requests_total{source=\"alertmanager\",status=\"200\"} 1",
        "ira_requests_total{source=\"alertmanager\",status=\"401\"} 1",
        "ira_alerts_received_total{source=\"alertmanager\",again=\"no\"} 1",
        "ira_decisions_total{decision=\"run\",source=\"alertmanager\"} 1",
        "ira_runs_total{playbook=\"mend\",outcome=\"verified\"} 1",
        "ira_ack_seconds_count 2",
        "ira_undecided 0",
        "\nira_mail_pending ",
        "ira_playbooks{loaded=\"yes\"} ",
        "ira_store_up 1",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    let (code, page) = daemon.get("/runs/1");
    assert!(code == 200 && page.contains("mend") && page.contains("content-security-policy"), "{page}");
    assert!(daemon.get("/playbooks").1.contains("mend"));
    assert_eq!(daemon.get("/other").0, 404);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn lesson_11_drain_stops_it_and_another_daemon_is_refused_meanwhile() {
    let host = Host::new();
    let mut daemon = host.start();
    let second = host.try_start(&[]).err().expect("one daemon for a store");
    assert!(second.contains("another `ira daemon` has this store") && second.contains("Some(75)"), "{second}");
    let drained = host.ira(&["daemon", "--drain"]);
    assert!(drained.code == 0 && drained.out.contains("has stopped"), "{drained:?}");
    assert_eq!(daemon.child.wait().expect("ended").code(), Some(0));
    assert!(host.ira(&["daemon", "--drain"]).out.contains("No daemon"), "again is well too");
}

#[test]
fn a_reload_takes_what_is_sound_and_a_broken_one_keeps_the_old() {
    let host = Host::new();
    let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
    host.playbook("mend", "ira: 1\nplaybook: mend\nnonsense: true\n");
    daemon.signal("HUP");
    wait_until("it says so", || daemon.get("/readyz").1.contains("not reloaded"));
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("the old one answers", || host.runs().first().is_some_and(|run| run.state.terminal()));
    assert_eq!(host.effects(), 1);
    // A configuration that cannot be read breaks nothing that is loaded.
    host.write(".config/ira/config.toml", "[[[", 0o600);
    assert_eq!(daemon.post(&message(&["db"], "firing", 1)), 200);
    wait_until("a second run ends", || host.runs_beside().len() == 2);
    host.configure("");
    host.playbook("mend", &host.mend("2s", "60s").replace("mode: auto", "mode: observe"));
    daemon.signal("HUP");
    wait_until("it is mended", || !daemon.get("/readyz").1.contains("not reloaded"));
    assert_eq!(daemon.post(&message(&["app"], "firing", 1)), 200);
    wait_until("the third run ends", || host.runs().len() == 3 && host.runs().iter().all(|run| run.state.terminal()));
    assert_eq!(host.effects(), 2, "observed alone");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn once_does_what_is_due_and_ends() {
    let host = Host::new();
    let daemon = host.start();
    host.script("sleep 1; echo done >> @/effects");
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    daemon.kill();
    wait_until("it is decided and ended", || {
        let ran = host.ira(&["daemon", "--once"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        host.runs().first().is_some_and(|run| run.state.terminal())
    });
    assert_eq!((host.effects(), host.decided()), (1, vec!["run 1".to_owned()]));
}

#[test]
fn a_configuration_that_is_wrong_starts_nothing() {
    let host = Host::new();
    host.write(".config/ira/config.toml", "store = \"sqlite:/tmp/none.db\"\n", 0o600);
    let said = host.try_start(&[]).err().expect("no sender");
    assert!(said.contains("no sender of alerts is configured") && said.contains("Some(78)"), "{said}");
    host.configure("[daemon]\nadmin = \"0.0.0.0:1\"");
    assert!(host.try_start(&[]).err().expect("not loopback").contains("this machine alone"));
    host.configure("");
    host.playbook("mend", "ira: 1\n");
    assert!(host.try_start(&[]).err().expect("a broken playbook").contains("cannot be loaded"));
    assert_eq!(host.ira(&["daemon", "--check"]).code, 78);
    host.playbook("mend", &host.mend("2s", "60s"));
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 0 && checked.out.contains("Sound: "), "{checked:?}");
}

#[test]
fn a_parameter_that_nothing_gives_a_value_is_said_before_an_alert_comes() {
    let host = Host::new();
    // What ships only suggests: said, and no reason not to start.
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 0 && checked.err.contains("service-down answers no alert"), "{checked:?}");
    assert!(checked.err.contains("`url`"), "{checked:?}");
    let check = host.ira(&["playbook", "check"]);
    assert!(check.code == 0 && check.out.contains("service-down has no value for url"), "{check:?}");
    // What is to act by itself is not loaded without it.
    host.configure("[playbooks.service-down]\nmode = \"approve\"");
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 78 && checked.err.contains("no value is given for `url`"), "{checked:?}");
    host.configure("[playbooks.service-down]\nmode = \"approve\"\nparams = { url = \"http://127.0.0.1:9/\" }\n[budgets.services]\nmax = 3\nwindow = \"1h\"");
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 0 && !checked.err.contains("service-down answers no alert"), "{checked:?}");
    assert!(!host.ira(&["playbook", "check"]).out.contains("service-down has no value"), "the configuration gives it");
}

#[test]
fn units_and_routes_come_from_what_is_loaded() {
    let host = Host::new();
    let unit = host.ira(&["daemon", "--unit"]);
    for line in
        ["Type=notify", "NoNewPrivileges=yes", "ExecStopPost=", "OnFailure=ira-failed.service", "KillMode=process"]
    {
        assert!(unit.out.contains(line), "{line} in {unit:?}");
    }
    let routes = host.ira(&["daemon", "--alertmanager-routes"]).out;
    for line in ["alertname=\"Down\"", "continue: true", "group_by: [alertname, unit]", "group_wait: 60s", "IraRunOpen"]
    {
        assert!(routes.contains(line), "{line} in {routes}");
    }
    if crate::people::alerting::is_there() {
        host.write("am.yml", &format!("route:\n  receiver: ira\n{}", indented(&routes)), 0o600);
        let checked = Command::new("amtool").args(["check-config", "am.yml"]).current_dir(host.home.path()).output();
        let checked = checked.expect("amtool");
        assert!(checked.status.success(), "{}\n{routes}", String::from_utf8_lossy(&checked.stderr));
    }
}

/// The routes below `route:`, the receivers beside it.
fn indented(routes: &str) -> String {
    let (routes, receivers) = routes.split_once("\nreceivers:").expect("both");
    let routes = format!("  {}\n", routes.lines().collect::<Vec<_>>().join("\n  "));
    format!("{routes}receivers:{receivers}")
}

#[test]
fn fault_20_a_crash_loop_that_is_slower_than_the_start_limit_wakes_somebody() {
    let host = Host::new();
    let ended = |result: &str| {
        let mut command = host.command(&["daemon", "--ended"]);
        Ran::of(command.env("SERVICE_RESULT", result))
    };
    for result in ["success", "signal", "watchdog", "success"] {
        let ran = ended(result);
        assert!(ran.code == 0 && host.woken().is_empty(), "{ran:?}");
    }
    assert_eq!(ended("core-dump").code, 0);
    assert_eq!(host.woken().len(), 1, "the third in ten minutes");
    assert_eq!(host.ira(&["daemon", "--ended"]).code, 0);
    assert_eq!(host.woken().len(), 2, "OnFailure=: it is not started any more");
}
