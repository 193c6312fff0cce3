//! `ira daemon`: alerts by HTTP, runs, pages; killed and started again.
#![cfg(target_os = "linux")]
#![expect(non_snake_case, reason = "tests are named by the invariants, faults and lessons that they show")]

mod api;
mod bodies;
mod decisions;
mod files;
mod hostile;
mod incident;
mod killed;
mod life;
mod minute;
mod older;
mod refused;
mod runner;
mod storm;
mod tls;
mod traces;
mod units;

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use ira::store::ask::{Filter, Mails};
use ira::store::model::{InboxRow, OutboxRow, Run};
use ira::store::{Options, Sqlite, Store};
use serde_json::{Value, json};

use crate::paged::PLAYBOOK as MEND;
use crate::people::api::{Api, Asked, json as answer, with};
use crate::support::run::{Ran, ira, wait_until};

/// The token of the sender.
pub(crate) const TOKEN: &str = "t0k3n+0f/Alertmanager";
/// What signs the webhooks of PagerDuty.
const SECRET: &str = "s3cr3t+0f/PagerDuty";
/// A secret that must never be seen.
const CANARY: &str = "c4n4ryK3yAbCdEf0123456789";

/// A machine on which the daemon runs: a home, a site that is down or not, a pager, an Alertmanager that is asked.
pub(crate) struct Host {
    home: tempfile::TempDir,
    site: Arc<AtomicBool>,
    asked: Api,
    pager: Api,
    firing: Api,
}

impl Host {
    fn new() -> Self {
        Self::with("")
    }

    /// `more` is added to the configuration.
    pub(crate) fn with(more: &str) -> Self {
        let up = Arc::new(AtomicBool::new(true));
        let seen = Arc::clone(&up);
        let site = Api::start(move |_| with(if seen.load(Ordering::SeqCst) { 200 } else { 503 }, &[], b""));
        let pager = Api::start(|asked| {
            let key = asked.json()["dedup_key"].clone();
            answer(202, &json!({ "status": "success", "dedup_key": key, "message": "" }))
        });
        let firing = Api::start(|_| answer(200, &json!([])));
        let host = Self { home: tempfile::tempdir().expect("a home"), site: up, asked: site, pager, firing };
        host.configure(more);
        host.script("echo done >> @/effects");
        host.playbook("mend", &host.mend("2s", "60s"));
        host
    }

    pub(crate) fn configure(&self, more: &str) {
        let config = format!(
            "store = \"sqlite:{}\"\n[sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"env:TOKEN\"\n\
             [page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\ndeclared = \"by these tests\"\n[alertmanager]\nurls = \"{}\"\nsettle = \"0s\"\n\
             [scripts]\nfolder = \"{}\"\nrunner = \"same-user\"\n[budgets.all]\nmax = 100000\nwindow = \"1h\"\n{more}\n",
            self.store_path().display(),
            self.pager.url(),
            self.firing.url(),
            self.path("scripts").display()
        );
        self.write(".config/ira/config.toml", &config, 0o600);
    }

    fn store_path(&self) -> PathBuf {
        self.path("state/ira.db")
    }

    fn mend(&self, timeout: &str, deadline: &str) -> String {
        MEND.replace("@SITE", &self.asked.url()).replace("@TIMEOUT", timeout).replace("@DEADLINE", deadline)
    }

    pub(crate) fn playbook(&self, name: &str, text: &str) {
        self.write(&format!(".config/ira/playbooks/{name}.yaml"), text, 0o600);
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    pub(crate) fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// What the playbook runs; `@/` in it is the home.
    fn script(&self, body: &str) {
        let body = body.replace("@/", &format!("{}/", self.home.path().display()));
        self.write("scripts/mend", &format!("#!/bin/sh\n{body}\n"), 0o755);
    }

    fn effects(&self) -> usize {
        std::fs::read_to_string(self.path("effects")).unwrap_or_default().lines().count()
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.home.path());
        command.env("KEY", CANARY).env("TOKEN", TOKEN).env("SECRET", SECRET).args(words);
        command
    }

    pub(crate) fn ira(&self, words: &[&str]) -> Ran {
        Ran::of(&mut self.command(words))
    }

    pub(crate) fn start(&self) -> Daemon {
        self.start_with(&[])
    }

    fn start_with(&self, more: &[&str]) -> Daemon {
        self.try_start(more).unwrap_or_else(|said| panic!("the daemon did not start: {said}"))
    }

    /// The daemon, or what it said where it ended.
    fn try_start(&self, more: &[&str]) -> Result<Daemon, String> {
        self.started("127.0.0.1:0", more)
    }

    /// The same at an address that a sender knows.
    fn try_start_at(&self, listen: &str) -> Result<Daemon, String> {
        self.started(listen, &[])
    }

    fn started(&self, listen: &str, more: &[&str]) -> Result<Daemon, String> {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.path("daemon.log")).expect("a log");
        let words = [&["daemon", "--listen", listen][..], more].concat();
        let mut command = self.command(&words);
        Daemon::spawned(command.stderr(log), more.contains(&"--admin")).map_err(|said| said + &self.log())
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("daemon.log")).unwrap_or_default()
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(&self.store_path(), Options::default()).expect("the store")
    }

    fn inbox(&self) -> Vec<InboxRow> {
        block(self.store().inbox(1_000_000)).expect("read")
    }

    fn decided(&self) -> Vec<String> {
        let mut all: Vec<InboxRow> = self.inbox();
        all.reverse();
        all.into_iter().map(|row| row.state).collect()
    }

    pub(crate) fn runs(&self) -> Vec<Run> {
        block(self.store().runs(Filter::All)).expect("read")
    }

    /// Those that ended.
    fn runs_beside(&self) -> Vec<Run> {
        self.runs().into_iter().filter(|run| run.state.terminal()).collect()
    }

    /// Whether nothing goes on by itself any more; what nobody can tell is asked of a person (I10).
    pub(crate) fn all_settled(&self) -> bool {
        let runs = self.runs();
        let asks = runs.iter().any(|run| run.state.word() == "needs_human");
        runs.iter().all(|run| run.state.terminal() || run.state.word() == "needs_human")
            && (!asks || !self.woken().is_empty())
    }

    fn mails(&self) -> Vec<OutboxRow> {
        block(self.store().mails(Mails::All)).expect("read")
    }

    /// I2: whatever was taken is decided.
    fn all_decided(&self) -> bool {
        self.inbox().iter().all(|row| !row.state.is_empty())
    }

    /// What the pager was told to wake somebody for: the keys.
    pub(crate) fn woken(&self) -> Vec<String> {
        let asked = self.pager.asked();
        let triggers = asked.iter().map(Asked::json).filter(|one| one["event_action"] == "trigger");
        triggers.map(|one| one["dedup_key"].as_str().unwrap_or_default().to_owned()).collect()
    }
}

/// The unit that an alert is about.
fn unit_of(row: &InboxRow) -> String {
    let alert: Value = serde_json::from_str(&row.payload).expect("JSON");
    alert["alert"]["labels"]["unit"].as_str().unwrap_or_default().to_owned()
}

fn port_of(line: &str) -> u16 {
    line.trim().rsplit_once(':').and_then(|(_, port)| port.parse().ok()).unwrap_or(0)
}

pub(crate) fn block<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// A daemon that runs; killed where the test does not end it.
pub(crate) struct Daemon {
    pub(crate) child: Child,
    pub(crate) port: u16,
    pub(crate) admin: u16,
}

impl Drop for Daemon {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Daemon {
    /// Starts it; an error is its exit code with what it said. `admin`: it says where that is, too.
    pub(crate) fn spawned(command: &mut Command, admin: bool) -> Result<Self, String> {
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped"));
        let (mut first, mut second) = (String::new(), String::new());
        lines.read_line(&mut first).expect("it says something");
        let port = port_of(&first);
        if port == 0 {
            let code = child.wait().expect("it ends").code();
            return Err(format!("{code:?} {first}"));
        }
        if admin {
            lines.read_line(&mut second).expect("it says where");
        }
        Ok(Self { child, port, admin: port_of(&second) })
    }

    pub(crate) fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args([&format!("-{name}"), &pid]).status().expect("kill").success());
    }

    /// Told to end; its exit code.
    pub(crate) fn end(mut self) -> Option<i32> {
        self.signal("TERM");
        self.child.wait().expect("it ends").code()
    }

    /// As `kill -9` does.
    pub(crate) fn kill(mut self) {
        self.child.kill().expect("killed");
        self.child.wait().expect("reaped");
    }

    /// Sends a body as Alertmanager does; the status, 0 where no answer came.
    fn post(&self, body: &Value) -> u16 {
        post(self.port, "/alertmanager", Some(TOKEN), body.to_string().as_bytes()).0
    }

    /// Sends a webhook of PagerDuty, signed: what happened to the incident of this key, now.
    fn event(&self, id: &str, kind: &str, key: &str) -> (u16, String) {
        let mut body: Value =
            serde_json::from_str(include_str!("../payloads/pagerduty/triggered.json")).expect("a payload");
        body["event"]["id"] = json!(id);
        body["event"]["event_type"] = json!(kind);
        body["event"]["occurred_at"] = json!(now());
        body["event"]["data"]["incident_key"] = json!(key);
        let body = body.to_string();
        let signed =
            ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes()), body.as_bytes());
        let hex = ira_commands::units::digits(signed.as_ref());
        let head = format!(
            "POST /pagerduty HTTP/1.1\r\nhost: l\r\nx-pagerduty-signature: v1={hex}\r\ncontent-length: {}\r\n\
             connection: close\r\n\r\n",
            body.len()
        );
        request(self.port, &head, body.as_bytes())
    }

    pub(crate) fn get(&self, path: &str) -> (u16, String) {
        request(
            self.admin,
            &format!("GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{}\r\nconnection: close\r\n\r\n", self.admin),
            b"",
        )
    }
}

/// RFC 3339, now.
fn now() -> String {
    let said = Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%SZ"]).output().expect("date");
    String::from_utf8(said.stdout).expect("text").trim().to_owned()
}

/// Sends a body; status (0 where no answer came) and what was said.
pub(crate) fn post(port: u16, path: &str, token: Option<&str>, body: &[u8]) -> (u16, String) {
    let proof = token.map_or_else(String::new, |token| format!("authorization: Bearer {token}\r\n"));
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: l\r\n{proof}content-type: application/json\r\ncontent-length: {}\r\n\
         connection: close\r\n\r\n",
        body.len()
    );
    request(port, &head, body)
}

pub(crate) fn request(port: u16, head: &str, body: &[u8]) -> (u16, String) {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return (0, String::new()) };
    stream.set_read_timeout(Some(Duration::from_secs(30))).expect("set");
    // It may answer, and close, before everything is sent.
    let _sent = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(body));
    let mut said = Vec::new();
    let _read = stream.read_to_end(&mut said);
    let said = String::from_utf8_lossy(&said).into_owned();
    (said.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or(0), said)
}

/// A message of Alertmanager: alerts by unit, firing or resolved, that began at this minute.
fn message(units: &[&str], status: &str, minute: u32) -> Value {
    named("Down", units, status, minute)
}

fn named(name: &str, units: &[&str], status: &str, minute: u32) -> Value {
    let one = |unit: &&str| {
        json!({
            "status": status,
            "labels": { "alertname": name, "unit": unit, "severity": "critical" },
            "annotations": { "summary": format!("{unit} is down") },
            "startsAt": format!("2026-11-21T{:02}:{:02}:00.000Z", minute / 60, minute % 60),
            "endsAt": "0001-01-01T00:00:00Z",
            "generatorURL": "",
        })
    };
    json!({
        "version": "4",
        "groupKey": format!("{{}}:{{alertname=\"{name}\", unit=\"{}\"}}", units.join("|")),
        "truncatedAlerts": 0,
        "status": status,
        "receiver": "ira",
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "",
        "alerts": units.iter().map(one).collect::<Vec<_>>(),
    })
}
