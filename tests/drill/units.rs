//! A unit of a real systemd is stopped.

use super::*;
use crate::host::bed::Bed;
use crate::remediate::systemd::SERVER;
use crate::support::run::wait_until;

const RESTART: &str =
    "  - id: restart\n    do: systemd.restart\n    with: { unit: $alert.labels.unit }\n    timeout: 20s\n";

/// A bed with a web server as the unit `webapp`, and a drill that stops it.
fn range(test: &str, more: &str) -> Option<(Bed, Range)> {
    let port = free_port();
    let unit = format!("[Service]\nNetworkNamespacePath=/run/outside\nExecStart=/usr/bin/perl /srv/web.pl {port}\n");
    let bed = Bed::with(test, &[("webapp", unit)])?;
    std::fs::write(bed.inside("/srv/web.pl"), SERVER).expect("written");
    bed.systemctl(&["start", "webapp"]);
    let url = format!("http://127.0.0.1:{port}/");
    let inject = format!(
        "inject = {{ fault = \"stop-unit\", target = \"webapp.service\" }}\n{more}[systemd]\nbus = \"{}\"\n",
        bed.bus
    );
    let range = Range::mending(&url, "echo never\n", &inject);
    let labels = range.person.read(".config/ira/config.toml").replace("service = \"web\"", "unit = \"webapp\"");
    range.person.write(".config/ira/config.toml", &labels, 0o600);
    let (before, rest) = MEND.split_once("  - id: mend\n").expect("a step");
    let (_, after) = rest.split_once("verify:\n").expect("a verify");
    let text = format!("{before}{RESTART}verify:\n{after}").replace("@URL", &url);
    let text = text.replace("{ program: [mend.sh] }", "{ unit: [webapp] }").replace("labels.service", "labels.unit");
    range.person.write(".config/ira/playbooks/mend.yaml", &text, 0o600);
    Some((bed, range))
}

#[test]
fn a_unit_is_stopped_and_the_playbook_restarts_it() {
    let Some((bed, range)) = range("a_unit_is_stopped_and_the_playbook_restarts_it", "") else { return };
    let _daemon = range.daemon();
    let ran = range.run(&["drill", "one", "--yes"]);
    assert_eq!((ran.code, bed.property("webapp", "ActiveState").as_str()), (0, "active"), "{ran:?} {}", range.log());
    assert!(ran.err.contains("webapp.service is stopped"), "{ran:?}");
    assert!(ran.out.contains("nothing was left to take back"), "the playbook did it: {ran:?}");
    range.assert_quiet();
}

#[test]
fn killed_with_its_injector_or_without_the_unit_is_up_again() {
    let Some((bed, range)) = range("killed_with_its_injector_or_without_the_unit_is_up_again", "after = \"30s\"\n")
    else {
        return;
    };
    let state = || bed.property("webapp", "ActiveState");
    let mut first = range.left(&["drill", "one", "--yes"]);
    wait_until("it is stopped", || state() == "inactive");
    first.kill().expect("killed");
    first.wait().expect("reaped");
    wait_until("the injector started it", || state() == "active");

    let undone = range.run(&["drill", "undo"]);
    assert_eq!(undone.code, 0, "{undone:?}");
    let mut second = range.left(&["drill", "one", "--yes"]);
    wait_until("it is stopped again", || state() == "inactive");
    for injector in children(second.id()) {
        crate::host::kill(injector);
    }
    second.kill().expect("killed");
    second.wait().expect("reaped");
    assert_eq!(state(), "inactive");
    let undone = range.run(&["drill", "undo"]);
    assert!(undone.code == 0 && undone.out.contains("is started again"), "{undone:?}");
    assert_eq!(state(), "active");
    assert!(range.runs().iter().all(|run| run.state.terminal()), "{:?}", range.runs());
}
