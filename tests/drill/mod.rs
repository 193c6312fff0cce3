//! `ira drill`: something real is broken, a real daemon is told, and a playbook mends it, or not.
#![cfg(target_os = "linux")]

mod pool;

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
    listen: u16,
}

impl Range {
    /// `tables` is added to the configuration; `@/` in it is the home.
    fn with(tables: &str) -> Self {
        let pager = Api::start(|asked| {
            let key = asked.json()["dedup_key"].clone();
            answer(202, &json!({ "status": "success", "dedup_key": key, "message": "" }))
        });
        let range = Self { person: Person::new(), pager, listen: free_port() };
        range.person.write("secret", CANARY, 0o600);
        range.configure(tables);
        range
    }

    fn configure(&self, tables: &str) {
        let text = format!(
            "store = \"sqlite:@/state/ira.db\"\n[daemon]\nlisten = \"127.0.0.1:{}\"\n\
             [sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"env:TOKEN\"\n\
             [page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\ndeclared = \"by these tests\"\n{tables}",
            self.listen,
            self.pager.url()
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
        let mails = block(self.store().mails(Mails::All)).expect("read");
        assert!(mails.iter().all(|mail| mail.dedup_key.starts_with("ira-drill:")), "{mails:?}");
    }
}
