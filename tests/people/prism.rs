//! The requests of `pd-annotate` and `page`, held against what PagerDuty's published descriptions take.

use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use super::Person;
use crate::support::bed::free_port;
use crate::support::in_repository;
use crate::support::run::Ran;

/// A server that refuses what its description does not take.
struct Prism {
    port: u16,
    child: Child,
}

impl Drop for Prism {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Puts it where it is kept between runs; a no-op where it is there.
fn install() -> PathBuf {
    let folder = in_repository("target/beds/pagerduty");
    let own = |name: &str| in_repository("tests/beds/pagerduty").join(name);
    let lock = std::fs::read(own("package-lock.json")).expect("the packages");
    let stamp = folder.join("installed.lock");
    if std::fs::read(&stamp).is_ok_and(|there| there == lock) {
        return folder;
    }
    std::fs::create_dir_all(&folder).expect("a folder");
    for name in ["package.json", "package-lock.json", ".npmrc"] {
        std::fs::copy(own(name), folder.join(name)).expect("copied");
    }
    let npm = Command::new("npm").args(["ci", "--ignore-scripts"]).current_dir(&folder).output();
    let npm = npm.expect("the bed needs Node.js 20 or newer, with npm");
    assert!(npm.status.success(), "npm ci: {}", String::from_utf8_lossy(&npm.stderr));
    std::fs::write(stamp, lock).expect("written");
    folder
}

impl Prism {
    fn start(description: &str) -> Self {
        let folder = install();
        let port = free_port();
        let mut command = Command::new("node");
        command
            .arg(folder.join("node_modules/@stoplight/prism-cli/dist/index.js"))
            .args(["mock", "-h", "127.0.0.1", "-p", &port.to_string(), "--errors"])
            .arg(in_repository("tests/beds/pagerduty").join(description))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null());
        let prism = Self { port, child: command.spawn().expect("node") };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not start");
            std::thread::sleep(Duration::from_millis(50));
        }
        prism
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// The status of a request with these headers.
    fn status(&self, head: &str, body: &str) -> String {
        use std::io::{Read as _, Write as _};
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        let length = body.len();
        write!(stream, "{head}\r\nhost: l\r\nconnection: close\r\ncontent-length: {length}\r\n\r\n{body}")
            .expect("sent");
        let mut answer = String::new();
        stream.read_to_string(&mut answer).expect("answered");
        answer.split(' ').nth(1).unwrap_or_default().to_owned()
    }
}

// One test: the packages are installed once.
#[test]
fn every_request_is_one_that_pagerduty_describes() {
    let (rest, events) = (Prism::start("rest.json"), Prism::start("events.json"));
    let sound = "POST /incidents/Q1/notes HTTP/1.1\r\ncontent-type: application/json\r\naccept: application/json\r\n\
                 authorization: Token token=x\r\nfrom: a@b.example";
    let body = "{\"note\":{\"content\":\"x\"}}";
    assert_eq!(rest.status(sound, body), "200");
    assert_ne!(rest.status(sound, "{\"note\":{}}"), "200", "it looks at bodies");
    assert_ne!(rest.status(&sound.replace("\r\nfrom: a@b.example", ""), body), "200", "and at headers");
    assert_ne!(rest.status(&sound.replace("\r\nauthorization: Token token=x", ""), body), "200");

    let person = Person::with(&format!(
        "[pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{}\"\n\
         [page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\n",
        rest.url(),
        events.url()
    ));
    let doctor = person.ira(&["doctor", "--json"]);
    let findings = doctor.json()["data"]["findings"].clone();
    let of = |check: &str| findings.as_array().and_then(|all| all.iter().find(|one| one["check"] == check)).cloned();
    assert_eq!(of("pagerduty").expect("asked")["message"], "takes the key; notes are from On Call", "{findings}");
    assert_eq!(of("page").expect("asked")["status"], "info", "{findings}");
    let note = |words: &[&str]| {
        let ran =
            Ran::with_input(&mut person.command(&[&["pd-annotate", "--json", "--wait", "0"], words].concat()), "found");
        super::assert_kept(&ran);
        assert_eq!(ran.code, 0, "{words:?}: {ran:?}");
        ran.json()["data"].clone()
    };
    assert_eq!(note(&["Q1ABC2", "-", "--run", "r2"])["notes"][0]["is"], "added");
    assert_eq!(note(&["Q1ABC2", "-", "--run", "r1"])["notes"][0]["is"], "updated");
    assert_eq!(note(&["ira-prism", "-", "--run", "r1"])["incident"]["id"], "Q1ABC2");
    assert_eq!(note(&["joined", "-", "--run", "r1"])["incident"]["id"], "Q1ABC2");
    note(&["Q1ABC2", "--status", "acknowledged", "--priority", "P1", "--field", "environment=production"]);
    note(&["Q1ABC2", "--status", "resolved"]);

    let full = [
        "--summary",
        "web-01 is down",
        "--severity",
        "warning",
        "--details",
        "tried",
        "--link",
        "https://w.example/x a page",
    ];
    for (verb, more) in [("trigger", &full[..]), ("acknowledge", &[]), ("resolve", &[])] {
        let ran = person.agreed(&[&["page", "--key", "k", "--verb", verb], more].concat());
        assert_eq!(ran.code, 0, "{verb}: {ran:?}");
    }
}
