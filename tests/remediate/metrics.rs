//! The playbook for many errors, with the numbers of a real Prometheus.

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use ira::clock::SystemClock;
use ira_commands::ports::Clock as _;

use super::*;
use crate::people::alerting::{Running as Server, is_there, start, until};
use crate::support::bed::free_port;

/// The playbook that ships, in a hurry.
fn shipped() -> String {
    let text = include_str!("../../commands/playbooks/high-error-rate.yaml");
    let hurry = [
        ("[2m]", "[5s]"),
        ("hold: 5m", "hold: 2s"),
        ("within: 10m", "within: 30s"),
        ("after: 30s", "after: 1s"),
        ("every: 15s", "every: 1s"),
    ];
    hurry.iter().fold(text.to_owned(), |text, (slow, fast)| text.replace(slow, fast))
}

/// A service that fails half of its requests with `code` until `well` is there. It was started `age` seconds ago, and holds
/// a million bytes.
fn service(well: PathBuf, code: &'static str, age: u64) -> Api {
    let counted = Mutex::new((0_u64, 0_u64));
    let started = SystemClock.now() - age;
    Api::start(move |_| {
        let mut counted = counted.lock().expect("whole");
        counted.0 += 10;
        counted.1 += if well.exists() { 0 } else { 10 };
        let text = format!(
            "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {}\nhttp_requests_total{{code=\"{code}\"}} {}\n\
             # TYPE process_start_time_seconds gauge\nprocess_start_time_seconds {started}\n\
             # TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 1000000\n",
            counted.0, counted.1
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        Some(format!("{head}{text}").into_bytes())
    })
}

/// A Prometheus that looks at these jobs each second, and where it answers.
fn prometheus(folder: &Path, jobs: &[(&str, u16)]) -> (Server, u16) {
    let port = free_port();
    let job = |(name, port): &(&str, u16)| {
        format!("{{ job_name: {name}, static_configs: [{{ targets: ['127.0.0.1:{port}'] }}] }}")
    };
    let jobs: Vec<String> = jobs.iter().map(job).collect();
    let config = format!("global: {{ scrape_interval: 1s }}\nscrape_configs: [{}]\n", jobs.join(", "));
    std::fs::write(folder.join("prometheus.yml"), config).expect("written");
    let args = [
        "--config.file=prometheus.yml".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--storage.tsdb.path=tsdb".to_owned(),
    ];
    (start("prometheus", folder, &args), port)
}

/// A desk whose configuration knows that Prometheus, with these parameters of the playbook.
fn configured(desk: &Desk, port: u16, more: &str, params: &str) {
    desk.person.write(".config/ira/playbooks/mend.yaml", &shipped(), 0o600);
    desk.person.configure(&format!(
        "[budgets.services]\nmax = 99\nwindow = \"1h\"\n[prometheus]\nurl = \"http://127.0.0.1:{port}\"\n{more}\n\
         [playbooks.high-error-rate]\nparams = {{ {params} }}\n"
    ));
}

/// An alert about a job whose rate is known by now.
fn alerted(desk: &Desk, job: &str) {
    let mut body = alert(&[("web", "firing")]);
    body["alerts"][0]["labels"]["alertname"] = json!("HighErrorRate");
    body["alerts"][0]["labels"]["job"] = json!(job);
    desk.person.write("alert.json", &body.to_string(), 0o600);
    let rate = format!("sum(rate(http_requests_total{{job=\"{job}\",code=~\"5..\"}}[5s])) > 0");
    until("its rate is known", || desk.run(&["act", "prometheus.query", "--query", &rate]).code == 0);
}

/// The steps of a run that were done.
fn done(desk: &Desk, run: u64) -> Vec<String> {
    let steps = desk.shown(run)["steps"].as_array().cloned().unwrap_or_default();
    let mut done: Vec<String> = Vec::new();
    for step in &steps {
        let id = step["path"].as_str().unwrap_or_default().split('/').next().unwrap_or_default().to_owned();
        if !done.contains(&id) {
            done.push(id);
        }
    }
    done
}

#[test]
fn high_error_rate_does_what_the_kind_of_error_asks_for_and_a_real_prometheus_says_that_it_helped() {
    if !is_there() {
        return;
    }
    let desk = Desk::new("", MEND);
    let well = |name: &str| desk.person.path(name);
    for kind in ["connection", "timeout"] {
        desk.person.script(&format!("{kind}.sh"), &format!("echo {kind} >> @/ledger; touch @/well-{kind}"));
    }
    let back = well("well-rollback");
    let hook = Api::start(move |_| {
        std::fs::write(&back, "").expect("written");
        answer(202, &json!({}))
    });
    let services = [
        ("slow", service(well("well-timeout"), "504", 86_400)),
        ("lost", service(well("well-connection"), "502", 86_400)),
        ("new", service(well("well-rollback"), "500", 60)),
        ("odd", service(well("never"), "500", 86_400)),
    ];
    let folder = tempfile::tempdir().expect("a folder");
    let jobs: Vec<(&str, u16)> = services.iter().map(|(name, api)| (*name, api.port)).collect();
    let (_prometheus, port) = prometheus(folder.path(), &jobs);
    let params = format!(
        "on_timeout = \"timeout.sh\", on_connection = \"connection.sh\", rollback = \"{}/rollback\"",
        hook.url()
    );
    configured(&desk, port, "", &params);

    alerted(&desk, "slow");
    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("now 0.5") && plan.out.contains("timeout.sh"), "{plan:?}");
    assert!(!plan.out.contains("connection.sh"), "only what this kind asks for: {}", plan.out);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger()), (0, vec!["timeout".to_owned()]), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded"), "{}", ran.out);
    assert_eq!(done(&desk, 1), ["assess", "kind", "timeout"]);
    // Once more, while few requests fail: there is nothing to do, and nobody is asked.
    let again = desk.remediate(&["--override", "cooldown", "--reason", "to see"]);
    assert!(again.code == 4 && again.out.contains("no step that changes anything is to be done"), "{again:?}");

    alerted(&desk, "lost");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger()), (0, vec!["timeout".to_owned(), "connection".to_owned()]), "{ran:?}");
    alerted(&desk, "new");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, hook.asked().len()), (0, 1), "{ran:?}");
    assert_eq!(hook.asked()[0].verb(), "POST /rollback");
    // Neither of these kinds, and no unit to restart: what was found goes to a person, and nothing is tried.
    alerted(&desk, "odd");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len(), hook.asked().len()), (4, 2, 1), "{ran:?}");
    assert!(ran.out.contains("no step that changes anything"), "{}", ran.out);
}

#[test]
fn high_error_rate_restarts_the_unit_of_a_process_that_holds_too_much() {
    let test = "high_error_rate_restarts_the_unit_of_a_process_that_holds_too_much";
    let unit = "[Service]\nExecStartPre=/bin/touch /srv/well\nExecStart=/bin/sleep 100000\n".to_owned();
    if !is_there() {
        return;
    }
    let Some(bed) = crate::host::bed::Bed::with(test, &[("webapp", unit)]) else { return };
    let desk = Desk::new("", MEND);
    let web = service(bed.inside("/srv/well"), "503", 86_400);
    let folder = tempfile::tempdir().expect("a folder");
    let (_prometheus, port) = prometheus(folder.path(), &[("web", web.port)]);
    // Its errors would be those of a connection: what it holds comes before that.
    configured(
        &desk,
        port,
        &format!("[systemd]\nbus = \"{}\"", bed.bus),
        "unit = \"webapp\", memory = \"1.0e5\", on_connection = \"mend.sh\"",
    );
    alerted(&desk, "web");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.property("webapp", "ActiveState").as_str()), (0, "active"), "{ran:?}");
    assert_eq!((done(&desk, 1), desk.ledger().len()), (vec!["assess".into(), "kind".into(), "restart".into()], 0));
}
