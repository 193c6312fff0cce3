//! The run alert, in a real Alertmanager.

use std::path::Path;

use super::*;
use crate::people::alerting;
use crate::support::bed::free_port;

/// An Alertmanager that pages by the run alert a few seconds after it was posted.
fn alertmanager(folder: &Path, hook: &Api) -> (alerting::Running, u16) {
    let port = free_port();
    let config = format!(
        "route:\n  receiver: none\n  routes:\n  - {{ matchers: ['alertname=\"IraRunOpen\"'], group_by: [run], \
         group_wait: 5s, receiver: pager }}\nreceivers:\n- name: none\n- name: pager\n  webhook_configs: [{{ url: '{}/' }}]\n",
        hook.url()
    );
    std::fs::write(folder.join("am.yml"), config).expect("written");
    let args = [
        "--config.file=am.yml".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
        "--storage.path=am".to_owned(),
    ];
    let running = alerting::start("prometheus-alertmanager", folder, &args);
    wait_until("Alertmanager is up", || std::net::TcpStream::connect(("127.0.0.1", port)).is_ok());
    (running, port)
}

/// The run alerts that are active there.
fn active(port: u16) -> Vec<Value> {
    use std::io::{Read as _, Write as _};
    let mut stream = std::net::TcpStream::connect(("127.0.0.1", port)).expect("it is up");
    stream.write_all(b"GET /api/v2/alerts HTTP/1.0\r\nhost: l\r\n\r\n").expect("asked");
    let mut text = String::new();
    stream.read_to_string(&mut text).expect("answered");
    let body = text.split("\r\n\r\n").nth(1).unwrap_or_default();
    let all: Vec<Value> = serde_json::from_str(body).unwrap_or_default();
    all.into_iter().filter(|one| one["labels"]["alertname"] == "IraRunOpen").collect()
}

#[test]
fn fault_31_the_run_alert_stands_from_before_the_first_write_to_the_end_and_pages_for_a_dead_machine() {
    if !alerting::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let hook = Api::start(|_| with(200, &[], b""));
    let (_running, port) = alertmanager(folder.path(), &hook);
    // One of the pair is down: the other one takes it.
    let dead = free_port();
    let config =
        format!("[alertmanager]\nurls = [\"http://127.0.0.1:{dead}\", \"http://127.0.0.1:{port}\"]\nsettle = \"0s\"\n");
    let person = OnCall::with(|_| accepted(), &config);
    person.script("echo done >> @/effects; sleep 2");
    person.playbook("3s", "8s");
    person.up(true);
    let plan = person.ira(&["remediate", "mend", "--alert", "alert.json", "--dry-run"]);
    assert!(plan.out.contains("Alertmanager, where a route takes IraRunOpen to a pager"), "{plan:?}");
    assert!(active(port).is_empty(), "a plan posts nothing");
    let run = person.left();
    wait_until("the first write", || person.effects() == 1);
    let open = active(port);
    assert!(open.len() == 1 && open[0]["labels"]["playbook"] == "mend", "{open:?}");
    assert_eq!(run.code(), Some(0));
    person.watched_to_its_end();
    wait_until("it is ended", || active(port).is_empty());
    assert_eq!((hook.asked().len(), person.events().len()), (0, 0), "nobody is woken");

    // The machine dies: its process and its watcher at once.
    let run = person.left();
    wait_until("the first write", || person.effects() == 2);
    for pid in person.watchers() {
        let pid = rustix::process::Pid::from_raw(pid).expect("a process");
        rustix::process::kill_process(pid, rustix::process::Signal::KILL).expect("killed");
    }
    run.kill();
    wait_until("Alertmanager pages", || !hook.asked().is_empty());
    let paged = hook.asked()[0].json();
    assert_eq!(paged["alerts"][0]["labels"]["alertname"], "IraRunOpen", "{paged}");
    assert!(paged["alerts"][0]["labels"]["run"].as_str().is_some_and(|run| run.ends_with("/2")), "{paged}");
    assert_eq!(person.events(), []);
    // Whoever closes it ends its alert.
    let closed = || person.ira(&["run", "close", "2", "--as", "failed", "--reason", "seen"]).code == 0;
    wait_until("nobody has it any more", closed);
    wait_until("it is ended", || active(port).is_empty());
}

#[test]
fn nothing_is_written_before_an_alertmanager_has_the_alert_of_the_run() {
    let dead = free_port();
    let person = OnCall::with(|_| accepted(), &format!("[alertmanager]\nurls = [\"http://127.0.0.1:{dead}\"]\n"));
    let ran = person.remediate();
    assert_eq!((ran.code, person.effects()), (4, 0), "{ran:?}");
    assert!(ran.out.contains("no Alertmanager takes the alert of this run"), "{ran:?}");
    person.watched_to_its_end();
    assert_eq!(person.events(), [("trigger".to_owned(), key(GROUP))]);
}
