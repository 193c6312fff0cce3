//! A real service of a real systemd, seen from outside of it.

use super::*;
use crate::host::bed::Bed;
use crate::support::bed::free_port;

/// A web server in a few lines: 500 where `/srv/sick` is.
pub const SERVER: &str = r#"use IO::Socket::INET;
my $l = IO::Socket::INET->new(LocalAddr => "127.0.0.1", LocalPort => $ARGV[0], Listen => 5, ReuseAddr => 1) or die;
while (my $c = $l->accept) {
    while (my $line = <$c>) { last if $line =~ /^\r?$/ }
    my $status = -e "/srv/sick" ? "500 Internal Server Error" : "200 OK";
    print $c "HTTP/1.1 $status\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n";
    close $c;
}
"#;

const STEPS: &str = "  - id: look
    do: systemd.status
    with: { unit: $alert.labels.service }
  - id: restart
    do: systemd.restart
    with: { unit: $alert.labels.service }
    timeout: 20s
";

/// A desk for a bed with a web server as the unit `webapp`.
fn desk(test: &str) -> Option<(Bed, Desk)> {
    let port = free_port();
    let unit = format!("[Service]\nNetworkNamespacePath=/run/outside\nExecStart=/usr/bin/perl /srv/web.pl {port}\n");
    let bed = Bed::with(test, &[("webapp", unit)])?;
    std::fs::write(bed.inside("/srv/web.pl"), SERVER).expect("written");
    let mut desk = Desk::new("", MEND);
    desk.port = port;
    desk.person.configure(&format!("[budgets.web]\nmax = 100\nwindow = \"1h\"\n[systemd]\nbus = \"{}\"\n", bed.bus));
    let text = playbook("mend", port, "", STEPS).replace("queries:", "targets: { service: [web*] }\nqueries:");
    desk.write_playbook(&text);
    desk.write_alert(&[("webapp", "firing")]);
    Some((bed, desk))
}

#[test]
fn a_stopped_service_is_restarted_and_what_its_users_see_says_that_it_is_fixed() {
    let Some((bed, desk)) = desk("a_stopped_service_is_restarted_and_what_its_users_see_says_that_it_is_fixed") else {
        return;
    };
    let plan = desk.remediate(&["--dry-run"]);
    assert!(
        plan.code == 0 && plan.out.starts_with("SiteDown (webapp): mend would restart webapp.service."),
        "{plan:?}"
    );
    assert!(plan.out.contains("inactive (dead)") && plan.out.contains("cannot be asked now"), "{}", plan.out);
    assert_eq!(bed.property("webapp", "ActiveState"), "inactive");

    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.property("webapp", "ActiveState").as_str()), (0, "active"), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded: it helped, and was seen to hold."), "{}", ran.out);
    assert!(ran.out.contains("did") && ran.out.contains("nothing to take back"), "{}", ran.out);
}

#[test]
fn lesson_1_a_service_that_runs_and_does_not_answer_is_handed_to_a_person() {
    let Some((bed, desk)) = desk("lesson_1_a_service_that_runs_and_does_not_answer_is_handed_to_a_person") else {
        return;
    };
    std::fs::write(bed.inside("/srv/sick"), "").expect("written");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.property("webapp", "ActiveState").as_str()), (4, "active"), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 was handed to a person: it did not help within 2 s"), "{}", ran.out);
    assert!(
        ran.out.contains("restart: restart webapp.service") && ran.out.contains("nothing to take back"),
        "{}",
        ran.out
    );
    assert!(!ran.out.contains("next: ira run undo"), "there is nothing to undo: {}", ran.out);
}

#[test]
fn fault_1_killed_after_the_restart_it_is_verified_and_not_restarted_again() {
    let Some((bed, desk)) = desk("fault_1_killed_after_the_restart_it_is_verified_and_not_restarted_again") else {
        return;
    };
    let running = desk.left();
    wait_until("it is up", || bed.property("webapp", "ActiveState") == "active");
    let invocation = bed.property("webapp", "InvocationID");
    running.kill();
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!(resumed.code, 0, "{resumed:?}");
    assert_eq!(bed.property("webapp", "InvocationID"), invocation, "restarted once");
    let settled = desk.shown(1)["steps"].to_string();
    assert!(!settled.contains("unknown"), "{settled}");
}

#[test]
fn service_down_mends_a_unit_that_the_configuration_names_and_no_other() {
    let test = "service_down_mends_a_unit_that_the_configuration_names_and_no_other";
    let Some((bed, desk)) = desk(test) else { return };
    desk.person.write(".config/ira/playbooks/mend.yaml", &super::hosts::shipped(), 0o600);
    let config = format!(
        "[budgets.services]\nmax = 9\nwindow = \"1h\"\n[systemd]\nbus = \"{}\"\n[playbooks.service-down]\n",
        bed.bus
    );
    let named = format!(
        "targets = {{ name = [\"webapp.service\"] }}\nparams = {{ url = \"http://127.0.0.1:{}/healthz\", host = \"web-01\" }}\n",
        desk.port
    );
    let body = |unit: &str, instance: &str| {
        let mut body = alert(&[("webapp", "firing")]);
        body["alerts"][0]["labels"] = json!({
            "alertname": "SystemdUnitFailed", "name": unit, "state": "failed", "instance": instance, "severity": "critical",
        });
        desk.person.write("alert.json", &body.to_string(), 0o600);
    };
    body("webapp.service", "web-01:9100");
    // Nobody said where its users look: it says so before anything is done.
    desk.person.configure(&config);
    let without = desk.remediate(&["--yes"]);
    assert!(without.code == 2 && without.err.contains("url"), "{without:?}");
    desk.person.configure(&format!("{config}{named}"));
    body("bad.service", "web-01:9100");
    let other = desk.remediate(&[]);
    assert!(other.code == 69 && other.out.contains("none of `targets.name`"), "{other:?}");
    body("webapp.service", "web-02:9100");
    let elsewhere = desk.remediate(&["--yes"]);
    assert!(elsewhere.code == 69 && elsewhere.err.contains("no playbook is for this alert"), "{elsewhere:?}");
    assert_eq!(bed.property("webapp", "ActiveState"), "inactive");

    body("webapp.service", "web-01:9100");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.property("webapp", "ActiveState").as_str()), (0, "active"), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded"), "{}", ran.out);
}

#[test]
fn the_end_of_a_units_log_is_with_how_it_stands() {
    let test = "the_end_of_a_units_log_is_with_how_it_stands";
    let unit = "[Service]\nExecStart=/bin/sh -c 'echo the disk is full; echo key c4n4ry >&2; exit 3'\n".to_owned();
    let Some(bed) = Bed::with(test, &[("broken", unit)]) else { return };
    let desk = Desk::new("", MEND);
    desk.person.configure(&format!(
        "[budgets.web]\nmax = 100\nwindow = \"1h\"\n[slack]\nwebhook = \"env:HOOK\"\n[systemd]\nbus = \"{}\"\n",
        bed.bus
    ));
    bed.systemctl(&["start", "broken"]);
    let mut status = desk.command(&["act", "systemd.status", "--unit", "broken", "--json"]);
    // What it wrote reaches the journal a moment later.
    wait_until("its log is there", || {
        Ran::of(status.env("HOOK", "http://127.0.0.1:9/c4n4ry")).json()["data"]["log"]
            .to_string()
            .contains("the disk is full")
    });
    let ran = desk.run(&["act", "systemd.status", "--unit", "broken"]);
    assert!(ran.code == 4 && ran.out.contains("the end of its log") && ran.out.contains("the disk is full"), "{ran:?}");
    // One that is well has nothing to explain.
    bed.systemctl(&["start", "web"]);
    let well = desk.run(&["act", "systemd.status", "--unit", "web", "--json"]);
    assert_eq!((well.code, &well.json()["data"]["log"]), (0, &json!([])), "{well:?}");
}
