//! `database-outage`: from a payload of Datadog to *verified*, and to a person; the daemon killed between.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use ira::store::ask::Filter;
use ira::store::model::Run;
use ira::store::{Options, Sqlite, Store as _};
use serde_json::json;

use super::*;
use crate::daemon::{Daemon, block, post};
use crate::people::api::{Api, Asked, json as answer, with};
use crate::support::in_repository;
use crate::support::run::wait_until;

/// What Datadog proves itself with.
const TOKEN: &str = "t0k3n+0f/Datadog";

/// A machine with the daemon, before a cloud, a site and a pager.
struct Desk {
    cloud: Cloud,
    way: Way,
    person: Person,
    pager: Api,
    /// Whether the site is well as soon as the service runs from `web:1`.
    mends: Arc<AtomicBool>,
    _site: Api,
    _firing: Api,
}

impl Desk {
    fn new(mends: bool) -> Option<Self> {
        let cloud = Cloud::start(Emulator::Ministack)?;
        cloud.service();
        cloud.items(30);
        let way = Way::to(cloud.port);
        let person = Person::new(way.port);
        let mends = Arc::new(AtomicBool::new(mends));
        let (port, heals) = (cloud.port, Arc::clone(&mends));
        let site = Api::start(move |_| {
            let web = bed::described(port);
            let runs =
                web["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("/web:1")) && web["runningCount"] == 2;
            with(if runs && heals.load(Ordering::SeqCst) { 200 } else { 503 }, &[], b"")
        });
        let pager = Api::start(|asked| {
            let key = asked.json()["dedup_key"].clone();
            answer(202, &json!({ "status": "success", "dedup_key": key, "message": "" }))
        });
        let firing = Api::start(|_| answer(200, &json!([])));
        let folder = person.home.path().join(".config/ira");
        let config = std::fs::read_to_string(folder.join("config.toml")).expect("written");
        let more = format!(
            "store = \"sqlite:{}\"\n[sources.datadog]\nkind = \"datadog\"\ntoken = \"env:TOKEN\"\n\
             [page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\ndeclared = \"by these tests\"\n\
             [alertmanager]\nurls = \"{}\"\nsettle = \"0s\"\n[budgets.services]\nmax = 9\nwindow = \"1h\"\n[playbooks.database-outage]\ntargets = {{ service = [\"web\"] }}\n\
             params = {{ url = \"{}\", cluster = \"shop\", stable = \"web:1\", table = \"locks\", partition = \"checkout\" }}\n",
            person.home.path().join("state/ira.db").display(),
            pager.url(),
            firing.url(),
            site.url(),
        );
        std::fs::write(folder.join("config.toml"), more + &config).expect("written");
        let text = std::fs::read_to_string(in_repository("commands/playbooks/database-outage.yaml")).expect("it ships");
        let quick = [
            ("mode: suggest", "mode: auto"),
            ("after: 30s", "after: 1s"),
            ("every: 15s", "every: 1s"),
            ("within: 4m\n", "within: 6s\n"),
            ("hold: 10m", "hold: 2s"),
        ];
        let text = quick.iter().fold(text, |text, (slow, here)| {
            assert!(text.contains(slow), "{slow}");
            text.replacen(slow, here, 1)
        });
        std::fs::create_dir_all(folder.join("playbooks")).expect("made");
        std::fs::write(folder.join("playbooks/database-outage.yaml"), text).expect("written");
        Some(Self { cloud, way, person, pager, mends, _site: site, _firing: firing })
    }

    fn ira(&self, words: &[&str]) -> std::process::Command {
        let mut command = ira(self.person.home.path());
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", CANARY);
        command.env("TOKEN", TOKEN).env("KEY", CANARY).args(words);
        command
    }

    fn daemon(&self) -> Daemon {
        let log = self.person.home.path().join("daemon.log");
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).expect("a log");
        let mut command = self.ira(&["daemon", "--listen", "127.0.0.1:0"]);
        Daemon::spawned(command.stderr(log), false).unwrap_or_else(|said| panic!("{said} {}", self.log()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.person.home.path().join("daemon.log")).unwrap_or_default()
    }

    /// The payload that Datadog sends, of a monitor of this service.
    fn alert(&self, daemon: &Daemon) {
        let text = include_str!("../payloads/datadog/triggered.json")
            .replace("Queue of orders is long", "Database outage: DynamoDB refuses writes")
            .replace("env:prod,queue:orders", "env:prod,service:web");
        assert_eq!(post(daemon.port, "/datadog", Some(TOKEN), text.as_bytes()).0, 200, "{}", self.log());
    }

    fn runs(&self) -> Vec<Run> {
        let path = self.person.home.path().join("state/ira.db");
        let store = Sqlite::open(&path, Options::default()).expect("the store");
        block(store.runs(Filter::All)).expect("read")
    }

    /// How the only run ended.
    fn ended(&self) -> String {
        let over = || self.runs().first().is_some_and(|run| run.state.terminal() || run.state.word() == "needs_human");
        wait_until("the run ends", over);
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "{}", self.log());
        assert!(!self.log().contains(CANARY) && !self.log().contains("panicked"), "{}", self.log());
        runs[0].state.word().to_owned()
    }

    fn woken(&self) -> usize {
        self.pager.asked().iter().map(Asked::json).filter(|one| one["event_action"] == "trigger").count()
    }

    fn definition(&self) -> String {
        self.cloud.web()["taskDefinition"].as_str().unwrap_or_default().to_owned()
    }
}

#[test]
fn an_outage_is_mended_from_datadog_s_own_payload_to_verified() {
    let Some(desk) = Desk::new(true) else { return };
    let daemon = desk.daemon();
    desk.alert(&daemon);
    assert_eq!(desk.ended(), "succeeded", "{}", desk.log());
    let web = desk.cloud.web();
    assert!(desk.definition().ends_with("/web:1") && web["runningCount"] == 2, "{web}");
    assert_eq!((desk.cloud.count("checkout"), desk.cloud.count("other")), (0, 1));
    assert_eq!(desk.way.count("UpdateService"), 3, "stopped, taken back, started: {:?}", desk.way.writes());
    assert_eq!(desk.woken(), 0);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn an_outage_that_nothing_here_mends_is_a_person_s() {
    let Some(desk) = Desk::new(false) else { return };
    let daemon = desk.daemon();
    desk.alert(&daemon);
    assert_ne!(desk.ended(), "succeeded");
    wait_until("somebody is woken", || desk.woken() == 1);
    assert!(!desk.mends.load(Ordering::SeqCst));
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn what_iam_forbids_takes_back_what_was_done_and_is_a_person_s() {
    let Some(desk) = Desk::new(true) else { return };
    desk.way.on("BatchWriteItem", Then::Refuse(400, "AccessDeniedException", "not authorized"));
    let daemon = desk.daemon();
    desk.alert(&daemon);
    assert_ne!(desk.ended(), "succeeded");
    wait_until("somebody is woken", || desk.woken() == 1);
    let web = desk.cloud.web();
    assert!(desk.definition().ends_with("/web:2") && web["runningCount"] == 2, "as it was: {web}");
    assert_eq!(desk.cloud.count("checkout"), 30);
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn fault_5_killed_while_the_service_is_started_the_run_goes_on_and_nothing_is_done_twice() {
    let Some(desk) = Desk::new(true) else { return };
    let mut starts = 0;
    // The third change of the service, its start, is carried out and never answered.
    desk.way.judge(move |call| {
        starts += usize::from(call == "UpdateService");
        if call == "UpdateService" && starts == 3 { Then::Silence } else { Then::On }
    });
    let daemon = desk.daemon();
    desk.alert(&daemon);
    wait_until("it is started", || desk.way.count("UpdateService") == 3 && desk.cloud.web()["desiredCount"] == 2);
    daemon.kill();
    desk.way.judge(|_| Then::On);
    let daemon = desk.daemon();
    assert_eq!(desk.ended(), "succeeded", "{}", desk.log());
    assert_eq!(desk.way.count("UpdateService"), 3, "once each: {:?}", desk.way.writes());
    assert_eq!((desk.cloud.count("checkout"), desk.woken()), (0, 0));
    assert_eq!(daemon.end(), Some(0));
}
