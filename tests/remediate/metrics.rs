//! The playbook for many errors, with the numbers of a real Prometheus.

use std::sync::Mutex;

use super::*;
use crate::people::alerting::{is_there, start, until};
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

#[test]
fn high_error_rate_mends_what_a_real_prometheus_then_says_is_mended() {
    if !is_there() {
        return;
    }
    let desk = Desk::new("", MEND);
    // A service that fails half of its requests until it is mended.
    let (well, counted) = (desk.person.path("well"), Mutex::new((0_u64, 0_u64)));
    let service = Api::start(move |_| {
        let mut counted = counted.lock().expect("whole");
        counted.0 += 10;
        counted.1 += if well.exists() { 0 } else { 10 };
        let text = format!(
            "# TYPE http_requests_total counter\nhttp_requests_total{{code=\"200\"}} {}\nhttp_requests_total{{code=\"500\"}} {}\n",
            counted.0, counted.1
        );
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            text.len()
        );
        Some(format!("{head}{text}").into_bytes())
    });
    let folder = tempfile::tempdir().expect("a folder");
    let port = free_port();
    let config = format!(
        "global: {{ scrape_interval: 1s }}\nscrape_configs: [{{ job_name: web, static_configs: [{{ targets: ['127.0.0.1:{}'] }}] }}]\n",
        service.port
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).expect("written");
    let args = [
        "--config.file=prometheus.yml".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--storage.tsdb.path=tsdb".to_owned(),
    ];
    let _prometheus = start("prometheus", folder.path(), &args);

    desk.person.write(".config/ira/playbooks/mend.yaml", &shipped(), 0o600);
    desk.person.configure(&format!(
        "[budgets.services]\nmax = 9\nwindow = \"1h\"\n[prometheus]\nurl = \"http://127.0.0.1:{port}\"\n\
         [playbooks.high-error-rate]\nparams = {{ remedy = \"script\", script = \"mend.sh\" }}\n"
    ));
    let mut body = alert(&[("web", "firing")]);
    body["alerts"][0]["labels"]["alertname"] = json!("HighErrorRate");
    body["alerts"][0]["labels"]["job"] = json!("web");
    desk.person.write("alert.json", &body.to_string(), 0o600);
    let rate = "sum(rate(http_requests_total{job=\"web\",code=~\"5..\"}[5s]))";
    until("its rate is known", || desk.run(&["act", "prometheus.query", "--query", rate]).code == 0);

    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("now 0.5"), "{plan:?}");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, 1), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded"), "{}", ran.out);
    // Once more, while few requests fail: there is nothing to do, and nobody is asked.
    let again = desk.remediate(&["--override", "cooldown", "--reason", "to see"]);
    assert!(again.code == 4 && again.out.contains("no step that changes anything is to be done"), "{again:?}");
}
