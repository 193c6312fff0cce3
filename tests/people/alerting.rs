//! `alert.still_firing` and `prometheus.query` against a real Prometheus and a real pair of Alertmanagers.

use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::Person;
use super::api::{Api, json as answer, with};
use crate::support::bed::free_port;
use crate::support::debian;

/// A process that ends with the value.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

pub fn start(program: &str, folder: &Path, args: &[String]) -> Running {
    let mut command = Command::new(program);
    command.args(args).current_dir(folder).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    Running(command.spawn().expect(program))
}

fn alertmanager(folder: &Path, name: &str) -> (Running, u16) {
    alertmanager_with(folder, name, "route: { receiver: none }\nreceivers: [{ name: none }]\n")
}

/// An Alertmanager with this configuration, and its port.
pub fn alertmanager_with(folder: &Path, name: &str, config: &str) -> (Running, u16) {
    let port = free_port();
    (alertmanager_at(port, folder, name, config), port)
}

/// The same at a port that others know already.
pub fn alertmanager_at(port: u16, folder: &Path, name: &str, config: &str) -> Running {
    let file = format!("{name}.yml");
    std::fs::write(folder.join(&file), config).expect("written");
    let args = [
        format!("--config.file={file}"),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--cluster.listen-address=".to_owned(),
        format!("--storage.path={name}"),
    ];
    start("prometheus-alertmanager", folder, &args)
}

/// Whether both are there, or could be installed.
pub fn is_there() -> bool {
    debian(&["prometheus", "prometheus-alertmanager"])
}

pub fn until(what: &str, mut done: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !done() {
        assert!(begun.elapsed() < Duration::from_secs(90), "not in time: {what}");
        std::thread::sleep(Duration::from_millis(250));
    }
}

#[test]
fn lesson_27_a_real_alert_fires_and_is_over_by_the_word_of_its_sender() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let (first, one) = alertmanager(folder.path(), "one");
    let (second, two) = alertmanager(folder.path(), "two");
    let (port, dead) = (free_port(), free_port());
    let rule = |severity: &str| {
        format!(
            "groups:\n- name: g\n  interval: 1s\n  rules:\n  - alert: Down\n    expr: up{{job=\"web\"}} == {severity}\n    \
             labels: {{ quoted: 'a \"b\" \\ c' }}\n"
        )
    };
    std::fs::write(folder.path().join("rules.yml"), rule("0")).expect("written");
    let config = format!(
        "global: {{ scrape_interval: 1s, evaluation_interval: 1s }}\nrule_files: [rules.yml]\n\
         alerting: {{ alertmanagers: [{{ static_configs: [{{ targets: ['127.0.0.1:{one}', '127.0.0.1:{two}'] }}] }}] }}\n\
         scrape_configs: [{{ job_name: web, static_configs: [{{ targets: ['127.0.0.1:{dead}'] }}] }}]\n"
    );
    std::fs::write(folder.path().join("prometheus.yml"), config).expect("written");
    let args = [
        "--config.file=prometheus.yml".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--storage.tsdb.path=tsdb".to_owned(),
        "--rules.alert.resend-delay=2s".to_owned(),
        "--web.enable-lifecycle".to_owned(),
    ];
    let _prometheus = start("prometheus", folder.path(), &args);
    let person = |settle: &str| {
        Person::with(&format!(
            "[prometheus]\nurl = \"http://127.0.0.1:{port}\"\n[alertmanager]\nsettle = \"{settle}\"\n\
             urls = [\"http://127.0.0.1:{one}\", \"http://127.0.0.1:{two}\"]\n"
        ))
    };
    let (now, patient) = (person("0s"), person("1h"));
    let instance = format!("instance=127.0.0.1:{dead}");
    let asked = |person: &Person| {
        let labels = ["--label", "alertname=Down", "--label", &instance, "--label", "quoted=a \"b\" \\ c"];
        let ran = person.act(&[&["alert.still_firing"][..], &labels].concat());
        (ran.code, ran.json()["data"].clone())
    };
    until("the alert fires", || asked(&now).0 == 4);
    let (_, said) = asked(&now);
    assert_eq!(said["firing"], "yes", "{said}");
    let query = |expr: &str| person("0s").act(&["prometheus.query", "--query", expr]);
    assert_eq!(query("up{job=\"web\"}").json()["data"]["value"], json!(0.0));
    assert_eq!(query("up{job=\"other\"}").code, 69, "no data");
    assert_eq!(query("0 / 0").code, 69, "no number");
    assert_eq!(query("vector(1)[5m:1m]").code, 2, "no value");

    // One of the pair alone: what fires is known, what does not is not.
    drop(second);
    assert_eq!(asked(&now).0, 4);
    std::fs::write(folder.path().join("rules.yml"), rule("5")).expect("written");
    let reload = std::net::TcpStream::connect(("127.0.0.1", port)).and_then(|mut stream| {
        use std::io::{Read as _, Write as _};
        stream.write_all(b"POST /-/reload HTTP/1.1\r\nhost: l\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")?;
        stream.read_to_end(&mut Vec::new())
    });
    reload.expect("reloaded");
    until("the one that is there says no", || asked(&now).1["firing"] == "unknown");
    let alone = Person::with(&format!("[alertmanager]\nsettle = \"0s\"\nurls = \"http://127.0.0.1:{one}\"\n"));
    assert_eq!(asked(&alone), (0, asked(&alone).1), "resolved");
    assert_eq!(asked(&alone).1["firing"], "no");
    // One that has just begun may not have been told yet.
    let (code, said) = asked(&patient);
    assert_eq!((code, &said["firing"]), (69, &json!("unknown")), "{said}");
    drop(first);
    assert_eq!(asked(&now).1["firing"], "unknown");
}

fn pair(answers: Vec<Value>) -> (Person, Vec<Api>) {
    let apis: Vec<Api> = answers.into_iter().map(|said| Api::start(move |_| answer(200, &said))).collect();
    let urls: Vec<String> = apis.iter().map(|api| format!("{:?}", api.url())).collect();
    let config = format!("[alertmanager]\nsettle = \"0s\"\nurls = [{}]\n", urls.join(", "));
    (Person::with(&config), apis)
}

fn alert(labels: &Value) -> Value {
    json!({ "fingerprint": "93eac37c6c5e8d2a", "labels": labels, "status": { "state": "suppressed" } })
}

#[test]
fn a_silenced_alert_fires_and_what_was_not_asked_about_does_not_count() {
    let labels = ["alert.still_firing", "--label", "alertname=Down", "--label", "instance=a"];
    let (person, apis) = pair(vec![json!([alert(&json!({ "alertname": "Down", "instance": "a" }))])]);
    let ran = person.act(&labels);
    assert!(ran.code == 4 && ran.out.contains("silenced"), "{ran:?}");
    assert!(apis[0].asked()[0].path.contains("filter=alertname%3D%22Down%22"), "{:?}", apis[0].asked());
    // A proxy that drops the query, and gives everything.
    let (person, _apis) = pair(vec![json!([alert(&json!({ "alertname": "Down", "instance": "b" }))])]);
    assert_eq!(person.act(&labels).json()["data"]["firing"], "no");
    let (person, _apis) = pair(vec![json!([alert(&json!({ "alertname": "Down" }))])]);
    let by = |hex: &str| person.act(&["alert.still_firing", "--fingerprint", hex]).code;
    assert_eq!((by("93eac37c6c5e8d2a"), by("0000000000000000")), (4, 0));
}

#[test]
fn what_cannot_be_believed_is_unknown_and_never_no() {
    let labels = ["alert.still_firing", "--label", "alertname=Down"];
    for strange in [json!({}), json!([{ "labels": 5 }]), json!("x"), json!([{ "fingerprint": 1, "labels": {} }])] {
        let (person, _apis) = pair(vec![json!([]), strange.clone()]);
        let ran = person.act(&labels);
        assert_eq!((ran.code, &ran.json()["data"]["firing"]), (69, &json!("unknown")), "{strange}: {ran:?}");
    }
    let page = Api::start(|_| with(200, &[("content-type", "text/html")], b"<html>log in</html>"));
    let person = Person::with(&format!("[alertmanager]\nurls = {:?}\n", page.url()));
    assert_eq!(person.act(&labels).json()["data"]["firing"], "unknown");
    let other = person.act(&[&labels[..], &["--source", "cloudwatch"]].concat());
    assert_eq!(other.json()["data"]["firing"], "unknown", "{other:?}");
    let unset = Person::with("").act(&labels);
    assert!(unset.code == 78 && unset.out.contains("alertmanager.urls"), "{unset:?}");
    assert_eq!(person.act(&["alert.still_firing"]).code, 2, "nothing is meant, never every alert");
}
