//! `ira drill`: something real is broken, a real daemon is told, and a playbook mends it, or not.
#![cfg(target_os = "linux")]

mod cache;
mod disk;
mod ladder;
#[cfg(feature = "kubernetes")]
mod pods;
mod pool;
mod proxy;
mod units;

use std::process::{Child, Command, Stdio};

use ira::store::ask::{Filter, Mails};
use ira::store::model::Run;
use ira::store::{Options, Sqlite, Store};
use serde_json::json;

use crate::daemon::{Daemon, block};
use crate::data::CANARY;
use crate::host::Person;
use crate::people::api::{Api, json as answer};
use crate::support::bed::free_port;
use crate::support::run::{Ran, ira};

/// What the alerts prove themselves with.
const TOKEN: &str = "t0k3n+0f/Alertmanager";

/// A machine with a daemon, and a pager that must not hear of any drill.
struct Range {
    person: Person,
    pager: Api,
    alertmanager: Api,
    listen: u16,
}

impl Range {
    /// `tables` is added to the configuration; `@/` in it is the home.
    fn with(tables: &str) -> Self {
        let pager = Api::start(|asked| {
            let key = asked.json()["dedup_key"].clone();
            answer(202, &json!({ "status": "success", "dedup_key": key, "message": "" }))
        });
        // It knows of what really fires, and never of a drill.
        let firing = json!([{
            "fingerprint": "5d0f3a1c9b7e2246", "status": { "state": "active" },
            "labels": { "alertname": "Broken", "service": "web", "severity": "critical" },
        }]);
        let alertmanager = Api::start(move |_| answer(200, &firing));
        let range = Self { person: Person::new(), pager, alertmanager, listen: free_port() };
        range.person.write("secret", CANARY, 0o600);
        range.configure(tables);
        range
    }

    fn configure(&self, tables: &str) {
        let text = format!(
            "store = \"sqlite:@/state/ira.db\"\n[daemon]\nlisten = \"127.0.0.1:{}\"\n\
             [sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"env:TOKEN\"\n\
             [page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\ndeclared = \"by these tests\"\n\
             [alertmanager]\nurls = \"{}\"\nsettle = \"0s\"\n{tables}",
            self.listen,
            self.pager.url(),
            self.alertmanager.url()
        );
        let text = text.replace("@/", &format!("{}/", self.person.home.path().display()));
        self.person.write(".config/ira/config.toml", &text, 0o600);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.person.home.path());
        command.env("TOKEN", TOKEN).env("KEY", CANARY).args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        assert!(!ran.out.contains(CANARY) && !ran.err.contains(CANARY), "I22: {ran:?}");
        ran
    }

    /// A drill that goes on.
    fn left(&self, words: &[&str]) -> Child {
        self.command(words).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts")
    }

    fn daemon(&self) -> Daemon {
        let path = self.person.path("daemon.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("a log");
        let mut command = self.command(&["daemon"]);
        Daemon::spawned(command.stderr(log), false).unwrap_or_else(|said| panic!("{said} {}", self.log()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.person.path("daemon.log")).unwrap_or_default()
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(&self.person.path("state/ira.db"), Options::default()).expect("the store")
    }

    fn runs(&self) -> Vec<Run> {
        block(self.store().runs(Filter::All)).expect("read")
    }

    /// Nobody was woken, although pages were written down.
    fn assert_quiet(&self) {
        assert!(self.pager.asked().is_empty(), "{:?}", self.pager.asked());
        assert!(self.alertmanager.asked().iter().all(|asked| asked.verb().starts_with("GET ")), "no run alert");
        let mails = block(self.store().mails(Mails::All)).expect("read");
        assert!(mails.iter().all(|mail| mail.dedup_key.starts_with("ira-drill:")), "{mails:?}");
    }
}

/// A playbook that runs `mend.sh`, and looks whether `@URL` answers 200.
const MEND: &str = "ira: 1
playbook: mend
about: something is broken, and a script mends it
owner: tests
mode: auto
on:
  - source: alertmanager
    match: { alertname: Broken }
    key: [alert.labels.service]
targets: { program: [mend.sh] }
queries:
  answer: { do: http.check, with: { url: \"@URL\", within: 1 }, take: status }
guards:
  cooldown: 1s
  budget: all
steps:
  - id: still
    do: alert.still_firing
  - id: mend
    do: script.run
    with: { program: mend.sh }
    timeout: 10s
    accept: irreversible
    caps: { max_targets: 1 }
verify:
  after: 1s
  until: q.answer == 200
  every: 3s
  within: 12s
  hold: 3s
  else: escalate
annotate: pagerduty
escalate:
  to: pagerduty
  deadline: 60s
  note: it is not mended
";

/// What a drill of it is, but for what it injects.
const DRILL: &str = "playbook = \"mend\"\nsafe = true\nwithin = \"40s\"\n\
     labels = { alertname = \"Broken\", service = \"web\", severity = \"critical\" }\n";

impl Range {
    /// With that playbook and this script, which looks at `url`; `@/` is the home.
    fn mending(url: &str, script: &str, drill: &str) -> Self {
        let range = Self::with(&format!(
            "[budgets.all]\nmax = 100\nwindow = \"1h\"\n[scripts]\nfolder = \"@/scripts\"\nrunner = \"same-user\"\n\
             [drill.one]\n{DRILL}{drill}"
        ));
        range.person.write(".config/ira/playbooks/mend.yaml", &MEND.replace("@URL", url), 0o600);
        range.person.script("mend.sh", script);
        range
    }
}

/// The children of a process.
fn children(pid: u32) -> Vec<i32> {
    let all = std::fs::read_dir("/proc").expect("/proc").flatten();
    let numbers = all.filter_map(|entry| entry.file_name().to_str()?.parse::<i32>().ok());
    let parent = |of: &i32| {
        let status = std::fs::read_to_string(format!("/proc/{of}/status")).unwrap_or_default();
        status.lines().any(|line| line.strip_prefix("PPid:").is_some_and(|it| it.trim() == pid.to_string()))
    };
    numbers.filter(parent).collect()
}
