//! What a drill says of a playbook, and drills that the daemon does by itself.

use super::*;
use crate::people::api::with;
use crate::support::run::wait_until;

fn load(url: &str) -> String {
    format!("inject = {{ fault = \"load\", target = \"{url}\", most = 5, rate = 50 }}\n")
}

#[test]
fn a_failed_drill_takes_a_playbook_off_auto_and_wakes_nobody() {
    let site = Api::start(|asked| {
        // Well for the drill, and not for the playbook.
        with(if asked.place().contains("sick") { 503 } else { 200 }, &[], b"")
    });
    let range = Range::mending(&format!("{}/sick", site.url()), "echo no use\n", &load(&site.url()));
    let _daemon = range.daemon();
    let ran = range.run(&["drill", "one", "--yes"]);
    assert!(ran.code == 4 && ran.out.contains("Drill one failed: run"), "{ran:?} {}", range.log());
    range.assert_quiet();
    let listed = range.run(&["playbook", "list", "--wide"]);
    assert!(listed.out.contains("drill failed") && listed.out.contains("demoted"), "{listed:?}");
    let shown = range.run(&["playbook", "promote", "mend", "--to", "auto"]);
    assert!(shown.code == 4 && shown.out.contains("the last drill"), "{shown:?}");
}

#[test]
fn what_is_no_drill_is_not_hushed_by_its_label() {
    let site = Api::start(|_| with(503, &[], b""));
    let range = Range::mending(&site.url(), "echo no use\n", &load(&site.url()));
    let daemon = range.daemon();
    let sent = json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "ira",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": [{
            "status": "firing", "startsAt": "2026-11-21T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
            "labels": { "alertname": "Unknown", "ira_drill": "0123456789abcdef", "severity": "critical" }, "annotations": {},
        }],
    });
    let (code, _) = crate::daemon::post(daemon.port, "/alertmanager", Some(TOKEN), sent.to_string().as_bytes());
    assert_eq!(code, 200);
    wait_until("somebody is woken", || !range.pager.asked().is_empty());
}

#[test]
fn each_week_it_is_done_once_also_where_the_daemon_is_started_anew() {
    let site = Api::start(|_| with(200, &[], b"ok"));
    let now = Command::new("date").args(["-u", "+%a %H:%M"]).output().expect("date");
    let now = String::from_utf8(now.stdout).expect("text").trim().to_ascii_lowercase();
    let (day, at) = now.split_once(' ').expect("two words");
    let when = format!("schedule = {{ day = \"{day}\", at = \"{at}\", window = \"1h\" }}\n");
    let range = Range::mending(&site.url(), "echo done\n", &(load(&site.url()) + &when));
    let drills = || range.runs().into_iter().filter(|run| run.title.starts_with("drill/")).collect::<Vec<_>>();
    let daemon = range.daemon();
    wait_until("it is done", || drills().first().is_some_and(|run| run.state.terminal()));
    assert_eq!(drills()[0].state.word(), "succeeded", "{}", range.log());
    assert_eq!(daemon.end(), Some(0));
    let again = range.daemon();
    // Nobody can wait for what is not to come.
    std::thread::sleep(std::time::Duration::from_secs(3));
    assert_eq!((again.end(), drills().len()), (Some(0), 1));
    range.assert_quiet();
}

#[test]
fn it_waits_for_the_alert_of_the_real_monitoring() {
    let site = Api::start(|_| with(200, &[], b"ok"));
    let range = Range::mending(&site.url(), "echo done\n", &load(&site.url()));
    let daemon = range.daemon();
    let waits = ["drill", "one", "--yes", "--wait-for-alert", "--json"];
    let waiting = range.command(&waits).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until("it is broken", || site.asked().len() > 2);
    let sent = json!({
        "version": "4", "groupKey": "{}:{}", "truncatedAlerts": 0, "status": "firing", "receiver": "ira",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": [{
            "status": "firing", "startsAt": "2026-11-21T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "",
            "labels": { "alertname": "Broken", "service": "web", "severity": "critical" }, "annotations": {},
        }],
    });
    let (code, _) = crate::daemon::post(daemon.port, "/alertmanager", Some(TOKEN), sent.to_string().as_bytes());
    assert_eq!(code, 200);
    let ended = waiting.wait_with_output().expect("it ends");
    let said: serde_json::Value = serde_json::from_slice(&ended.stdout).expect("JSON");
    assert_eq!((ended.status.code(), &said["data"]["alert"]), (Some(0), &json!("real")), "{said} {}", range.log());
    assert!(said["data"]["seconds"]["detect"].is_number() && said["data"]["seconds"]["recover"].is_number(), "{said}");
    // While that alert is not over, it is no time for a drill.
    let refused = range.run(&["drill", "one", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("the real alert Broken"), "{refused:?}");
}
