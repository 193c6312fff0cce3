//! Who is paged for a run by hand: `ira remediate`, its watcher and its run alert, with a pager that is a real server.
#![cfg(target_os = "linux")]
#![expect(clippy::format_push_string, reason = "a test builds its texts plainly")]
#![expect(non_snake_case, reason = "tests are named by the invariants and faults that they show")]

mod alarm;
mod killed;
mod notes;
mod pager;
pub(crate) mod provider;
mod together;
mod well;

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::{Value, json};

use crate::people::api::{Answer, Api, json as answer, with};
use crate::support::run::{Ran, Running, ira, wait_until};

/// A secret that must never be seen.
const CANARY: &str = "c4n4ryK3yAbCdEf0123456789";

/// A playbook that runs a script once and looks at a site.
pub const PLAYBOOK: &str = r#"ira: 1
playbook: mend
owner: team
mode: auto
approve: { from: approver, within: 10m }
on:
  - source: any
    match: { alertname: Down }
    key: [alert.labels.unit]
targets: { program: [mend] }
queries:
  site: { do: http.check, with: { url: "@SITE", within: 1 }, take: ok }
guards:
  budget: all
steps:
  - id: mend
    do: script.run
    with: { program: mend }
    timeout: @TIMEOUT
    accept: irreversible
    caps: { max_targets: 1 }
verify:
  after: 1s
  until: q.site == true
  every: 1s
  within: 1s
escalate:
  to: pagerduty
  deadline: @DEADLINE
  note: "the site is still down"
"#;

/// The group of the alert, and the hex SHA-256 of it: what Alertmanager gives PagerDuty.
const GROUP: &str = "{}:{alertname=\"Down\"}";

/// Somebody on call: a home, a site that is down or not, a pager.
struct OnCall {
    home: tempfile::TempDir,
    site: Arc<AtomicBool>,
    asked: Api,
    pager: Api,
}

impl OnCall {
    /// With a pager that answers so; `more` is added to the configuration.
    fn with(pager: impl Fn(&crate::people::api::Asked) -> Answer + Send + Sync + 'static, more: &str) -> Self {
        let up = Arc::new(AtomicBool::new(false));
        let seen = Arc::clone(&up);
        let site = Api::start(move |_| with(if seen.load(Ordering::SeqCst) { 200 } else { 503 }, &[], b""));
        let person =
            Self { home: tempfile::tempdir().expect("a home"), site: up, asked: site, pager: Api::start(pager) };
        let config = format!(
            "[page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\n{more}\n[scripts]\nfolder = \"{}\"\n\
             [budgets.all]\nmax = 100\nwindow = \"1h\"\n",
            person.pager.url(),
            person.path("scripts").display()
        );
        person.write(".config/ira/config.toml", &config, 0o600);
        person.write("alert.json", &alert(GROUP).to_string(), 0o600);
        person.script("echo done >> @/effects");
        person.playbook("1s", "6s");
        person
    }

    /// With a pager that takes everything.
    fn new() -> Self {
        Self::with(|_| accepted(), "")
    }

    fn playbook(&self, timeout: &str, deadline: &str) {
        self.playbook_of(&self.asked.url(), timeout, deadline);
    }

    /// The same about a site of the test's own.
    fn playbook_of(&self, site: &str, timeout: &str, deadline: &str) {
        let text = PLAYBOOK.replace("@SITE", site);
        let text = text.replace("@TIMEOUT", timeout).replace("@DEADLINE", deadline);
        self.write(".config/ira/playbooks/mend.yaml", &text, 0o600);
    }

    /// The playbook with something else in place of a part.
    fn playbook_has(&self, part: &str, other: &str) {
        let path = ".config/ira/playbooks/mend.yaml";
        let text = std::fs::read_to_string(self.path(path)).expect("written");
        assert!(text.contains(part), "{text}");
        self.write(path, &text.replace(part, other), 0o600);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
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

    fn up(&self, up: bool) {
        self.site.store(up, Ordering::SeqCst);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.home.path());
        command.env("KEY", CANARY).env("USER", "alice").args(words);
        command
    }

    fn ira(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        for said in [&ran.out, &ran.err] {
            assert!(!said.contains(CANARY) && !said.contains("panicked"), "I22: {ran:?}");
        }
        ran
    }

    /// `ira remediate`, agreed to.
    fn remediate(&self) -> Ran {
        self.ira(&["remediate", "mend", "--alert", "alert.json", "--yes", "--json"])
    }

    /// The same, left to itself.
    fn left(&self) -> Running {
        Running::of(&mut self.command(&["remediate", "mend", "--alert", "alert.json", "--yes"]))
    }

    /// What the pager was told: verb and key of each event.
    fn events(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let event = |body: Value| (text(&body["event_action"]), text(&body["dedup_key"]));
        self.pager.asked().iter().map(|asked| event(asked.json())).collect()
    }

    /// How often the script was run.
    fn effects(&self) -> usize {
        std::fs::read_to_string(self.path("effects")).unwrap_or_default().lines().count()
    }

    fn shown(&self, run: u64) -> Value {
        self.ira(&["run", "show", &run.to_string(), "--json"]).json()["data"].clone()
    }

    /// The watchers of this home.
    fn watchers(&self) -> Vec<i32> {
        let home = self.home.path().display().to_string();
        let own = |pid: &i32| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            let place = std::fs::read_link(format!("/proc/{pid}/cwd")).unwrap_or_default();
            line.starts_with(b"ira-watcher\0") && place.display().to_string().starts_with(&home)
        };
        let pids = std::fs::read_dir("/proc").expect("/proc").flatten();
        pids.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok()).filter(own).collect()
    }

    fn watched_to_its_end(&self) {
        wait_until("the watcher ends", || self.watchers().is_empty());
    }

    /// Everything that is kept, as it is on the disk.
    fn record(&self) -> String {
        let files = std::fs::read_dir(self.path(".local/state/ira")).into_iter().flatten().flatten();
        let text = |path| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        files.map(|file| text(file.path())).collect()
    }
}

impl Drop for OnCall {
    fn drop(&mut self) {
        for pid in self.watchers() {
            if let Some(pid) = rustix::process::Pid::from_raw(pid) {
                // It may have ended by itself.
                let _ = rustix::process::kill_process(pid, rustix::process::Signal::KILL);
            }
        }
    }
}

fn accepted() -> Answer {
    answer(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": "k" }))
}

/// An Alertmanager's webhook with one alert.
fn alert(group: &str) -> Value {
    json!({
        "version": "4", "groupKey": group, "status": "firing", "receiver": "ira",
        "alerts": [{
            "status": "firing",
            "labels": { "alertname": "Down", "unit": "web", "instance": "web-01", "severity": "critical" },
            "annotations": {}, "startsAt": "2026-11-21T10:00:00Z", "endsAt": "0001-01-01T00:00:00Z",
            "fingerprint": "93eac37c6c5e8d2a",
        }],
    })
}

/// The key of the group's page.
fn key(group: &str) -> String {
    use sha2::{Digest as _, Sha256};
    Sha256::digest(group.as_bytes()).iter().fold(String::new(), |mut hex, byte| {
        hex.push_str(&format!("{byte:02x}"));
        hex
    })
}
