//! The two that are measured, as processes of their own.

use std::io::{BufRead as _, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::json;

/// What the sender of alerts shows to ira.
pub const TOKEN: &str = "b3nch+T0k3n";

/// What a playbook does that runs a script for each alert.
const PLAYBOOK: &str = r#"ira: 1
playbook: start
owner: bench
mode: auto
on:
  - source: any
    match: { alertname: Start }
    key: [alert.labels.unit]
targets: { program: [start], unit: ["u*"] }
queries:
  site: { do: http.check, with: { url: "@SITE", within: 1 }, take: ok }
guards: { budget: all }
steps:
  - id: start
    do: script.run
    with: { program: start, arg: [$key] }
    timeout: 10s
    accept: irreversible
    caps: { max_targets: 1 }
verify: { until: q.site == true, every: 1s, within: 5s }
escalate: { to: pagerduty, deadline: 60s, note: "it is not well" }
"#;

/// A server that runs; killed with this.
pub struct Server {
    child: Child,
    /// Where it takes requests.
    pub at: SocketAddr,
    _home: tempfile::TempDir,
    /// Its store, where it has one.
    pub store: PathBuf,
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn free() -> SocketAddr {
    TcpListener::bind(("127.0.0.1", 0)).expect("a port").local_addr().expect("bound")
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
    std::fs::write(path, text).expect("written");
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).expect("chmod");
}

/// What answers anything with 200 and an empty list: a site that is well, a pager, and an Alertmanager.
pub fn anything() -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port");
    let at = listener.local_addr().expect("bound");
    std::thread::spawn(move || {
        for stream in listener.incoming().flatten() {
            std::thread::spawn(move || answer(stream));
        }
    });
    format!("http://{at}")
}

fn answer(stream: TcpStream) -> Option<()> {
    let mut reader = BufReader::new(stream);
    loop {
        let mut length = 0;
        loop {
            let mut line = String::new();
            if reader.read_line(&mut line).ok()? == 0 {
                return None;
            }
            if line == "\r\n" {
                break;
            }
            let lower = line.to_ascii_lowercase();
            if let Some(value) = lower.strip_prefix("content-length:") {
                length = value.trim().parse().ok()?;
            }
        }
        std::io::copy(&mut std::io::Read::take(&mut reader, length), &mut std::io::sink()).ok()?;
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n[]";
        std::io::Write::write_all(reader.get_mut(), answer).ok()?;
    }
}

impl Server {
    /// `ira daemon`, with a playbook that runs `script` for each alert called `Start`; it asks and tells `around`, and as many
    /// alerts may wait as come.
    pub fn ira(script: &str, around: &str) -> Self {
        Self::ira_with(script, around, "queue = 10000000\nruns_per_minute = 100000\n")
    }

    /// The same, with these lines of `[daemon]`.
    pub fn ira_with(script: &str, around: &str, daemon: &str) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let path = |name: &str| home.path().join(name);
        let store = path("ira.db");
        let config = format!(
            "store = \"sqlite:{}\"\n[sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"file:{}\"\n\
             [page]\nrouting_key = \"file:{}\"\nurl = \"{around}\"\ndeclared = \"a bench\"\n[alertmanager]\nurls = \"{around}\"\nsettle = \"0s\"\n\
             [scripts]\nfolder = \"{}\"\nrunner = \"same-user\"\n[budgets.all]\nmax = 1000000\nwindow = \"1h\"\n\
             [daemon]\n{daemon}",
            store.display(),
            path("token").display(),
            path("token").display(),
            path("scripts").display(),
        );
        write(&path(".config/ira/config.toml"), &config, 0o600);
        write(&path("token"), TOKEN, 0o600);
        write(&path("scripts/start"), script, 0o755);
        write(&path(".config/ira/playbooks/start.yaml"), &PLAYBOOK.replace("@SITE", around), 0o600);
        let log = std::fs::File::create(path("daemon.log")).expect("a log");
        let mut child = Command::new(env!("CARGO_BIN_EXE_ira"))
            .args(["daemon", "--listen", "127.0.0.1:0"])
            .env_clear()
            .env("HOME", home.path())
            .env("IRA_LOG", "warn")
            .current_dir(home.path())
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        let said = || std::fs::read_to_string(path("daemon.log")).unwrap_or_default();
        let at = line.trim().strip_prefix("ready: http://").unwrap_or_else(|| panic!("it says {line:?}: {}", said()));
        Self { at: at.parse().expect("an address"), child, store, _home: home }
    }

    /// Debian's `webhook`, which parses each body, and runs `script` for those that are called `Start`.
    pub fn webhook(script: &str) -> Self {
        let home = tempfile::tempdir().expect("a home");
        write(&home.path().join("start"), script, 0o755);
        let starts = json!({ "match": { "type": "value", "value": "Start",
            "parameter": { "source": "payload", "name": "groupLabels.alertname" } } });
        let hooks = json!([{
            "id": "alertmanager",
            "execute-command": home.path().join("start"),
            "command-working-directory": home.path(),
            "incoming-payload-content-type": "application/json",
            "trigger-rule": starts,
            "trigger-rule-mismatch-http-response-code": 200,
        }]);
        write(&home.path().join("hooks.json"), &hooks.to_string(), 0o600);
        let at = free();
        let child = Command::new("webhook")
            .args(["-ip", "127.0.0.1", "-port", &at.port().to_string(), "-hooks"])
            .arg(home.path().join("hooks.json"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("it starts");
        while TcpStream::connect(at).is_err() {
            std::thread::sleep(Duration::from_millis(20));
        }
        Self { child, at, store: home.path().join("none"), _home: home }
    }

    /// Processor time so far, microseconds.
    pub fn cpu(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.child.id())).expect("it runs");
        let after = stat.rsplit_once(')').expect("its name").1;
        let ticks: Vec<u64> =
            after.split_whitespace().skip(11).take(2).map(|word| word.parse().expect("a count")).collect();
        // A tick is a hundredth of a second on every Linux that Debian builds for.
        (ticks[0] + ticks[1]) as f64 * 10_000.0
    }

    /// What it holds, or held at most (`VmRSS`, `VmHWM`), MiB.
    pub fn memory(&self, what: &str) -> f64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find_map(|line| line.strip_prefix(what)?.strip_prefix(':')).expect("there");
        line.split_whitespace().next().and_then(|kib| kib.parse::<f64>().ok()).expect("a size") / 1024.0
    }

    /// A number out of its store.
    pub fn count(&self, sql: &str) -> u64 {
        let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
        let store = rusqlite::Connection::open_with_flags(&self.store, flags).expect("a store");
        let count: i64 = store.query_row(sql, [], |row| row.get(0)).expect("counted");
        u64::try_from(count).expect("a count")
    }

    /// Waits until a number out of its store is this one.
    pub fn until(&self, sql: &str, wanted: u64, most: Duration) -> bool {
        let begun = std::time::Instant::now();
        while self.count(sql) != wanted {
            if begun.elapsed() > most {
                return false;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        true
    }
}
