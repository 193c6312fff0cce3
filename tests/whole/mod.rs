//! From the alert to its end, with the real counterparts: an Alertmanager that has the routes which `ira daemon
//! --alertmanager-routes` prints, the daemon, the chain with its real contracts, and a pager that keeps what it is told.
#![cfg(target_os = "linux")]

mod arms;
mod dead;
mod feed;
mod vrf;

use std::cell::Cell;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use ira::store::ask::Filter;
use ira::store::model::Run;
use ira::store::{Options, Sqlite, Store};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::daemon::{Daemon, block, post, request};
use crate::paged::provider;
use crate::people::alerting;
use crate::people::api::{Api, with};
use crate::support::bed::free_port;
use crate::support::run::{Ran, ira, wait_until};

/// What the alerts prove themselves with.
const TOKEN: &str = "t0k3n+0f/Alertmanager";
/// A secret that must never be seen.
const CANARY: &str = "c4n4ryK3yAbCdEf0123456789";
/// The token of whoever looks at the pages.
const VISITOR: &str = "vera-token";
/// Where people would reach the pages.
const PUBLIC: &str = "https://ira.example";

/// A machine with a daemon, and those around it.
struct Place {
    home: PathBuf,
    /// Where the daemon reaches the chain.
    rpc: String,
    pager: Api,
    kept: provider::Shared,
    chat: Api,
    listen: u16,
    admin: u16,
    manager: u16,
    managed: Option<alerting::Running>,
    fired: Cell<Instant>,
}

impl Place {
    /// In a home that has its configuration of networks already; `more` is added to it.
    fn at(home: &Path, rpc: &str, more: &str) -> Self {
        let (pager, kept) = provider::serve();
        let place = Self {
            home: home.to_owned(),
            rpc: rpc.to_owned(),
            pager,
            kept,
            chat: Api::start(|_| with(200, &[], b"ok")),
            listen: free_port(),
            admin: free_port(),
            manager: free_port(),
            managed: None,
            fired: Cell::new(Instant::now()),
        };
        let path = home.join(".config/ira/config.toml");
        let before = std::fs::read_to_string(&path).expect("a configuration");
        let url = place.pager.url();
        let config = format!(
            "store = \"sqlite:{}\"\npublic_url = \"{PUBLIC}\"\n{before}\n\
             [daemon]\nlisten = \"127.0.0.1:{}\"\nadmin = \"127.0.0.1:{}\"\n\
             [sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"env:TOKEN\"\nreceiver = \"ira\"\n\
             [page]\nrouting_key = \"env:KEY\"\nurl = \"{url}\"\n\
             [pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{url}\"\n\
             [users.vera]\ntoken = \"sha256:{}\"\nrole = \"viewer\"\n[slack]\nwebhook = \"env:CHAT\"\n\
             [alertmanager]\nurls = \"http://127.0.0.1:{}\"\nsettle = \"0s\"\n{more}\n",
            home.join("state/ira.db").display(),
            place.listen,
            place.admin,
            ira_commands::units::digits(&Sha256::digest(VISITOR)),
            place.manager
        );
        place.write(".config/ira/config.toml", &config);
        place.write("token", TOKEN);
        place.write("routing-key", CANARY);
        place
    }

    fn write(&self, name: &str, text: &str) {
        let path = self.home.join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(&self.home);
        command.env("RPC", &self.rpc).env("TOKEN", TOKEN).env("KEY", CANARY).env("CHAT", self.chat.url()).args(words);
        command
    }

    /// Alertmanager's configuration: what ira prints, with the files and the pager of this test, and with other times.
    fn routes(&self, times: &[(&str, &str)]) -> String {
        let printed = Ran::of(&mut self.command(&["daemon", "--alertmanager-routes"]));
        assert_eq!(printed.code, 0, "{printed:?}");
        let (routes, receivers) = printed.out.split_once("\nreceivers:\n").expect("both are printed");
        let within = format!("  {}\n", routes.lines().collect::<Vec<_>>().join("\n  "));
        let mut config = format!(
            "route:\n  receiver: none\n  group_by: [alertname]\n  group_wait: 1s\n{within}receivers:\n- name: none\n{receivers}"
        );
        let key = format!(
            "url: '{}/v2/enqueue'\n    routing_key_file: {}",
            self.pager.url(),
            self.home.join("routing-key").display()
        );
        let token = self.home.join("token").display().to_string();
        let own = [
            ("routing_key_file: /etc/alertmanager/pagerduty-key", key.as_str()),
            ("/etc/alertmanager/ira-token", &token),
        ];
        for (printed, here) in own.iter().chain(times) {
            assert!(config.contains(printed), "{printed}: {config}");
            config = config.replace(printed, here);
        }
        config
    }

    /// Starts Alertmanager with the printed routes.
    fn manage(&mut self, times: &[(&str, &str)]) {
        let config = self.routes(times);
        self.managed = Some(alerting::alertmanager_at(self.manager, &self.home, "am", &config));
        let ready =
            || request(self.manager, "GET /-/ready HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n", b"").0 == 200;
        wait_until("Alertmanager is there", ready);
    }

    fn daemon(&self) -> Daemon {
        let log =
            std::fs::OpenOptions::new().create(true).append(true).open(self.home.join("daemon.log")).expect("a log");
        let mut command = self.command(&["daemon"]);
        Daemon::spawned(command.stderr(log), true).unwrap_or_else(|said| panic!("{said}{}", self.log()))
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.home.join("daemon.log")).unwrap_or_default()
    }

    /// Has an alert fire in Alertmanager.
    fn fire(&self, labels: &Value) {
        self.fired.set(Instant::now());
        self.tell(labels, 86_400);
    }

    /// Has it be over.
    fn over(&self, labels: &Value) {
        self.tell(labels, 0);
    }

    fn tell(&self, labels: &Value, more: u64) {
        let now = ira::clock::SystemClock.now_millis() / 1000;
        let alert = json!([{ "labels": labels, "annotations": { "summary": "it fires" },
            "endsAt": ira_commands::date::stamp(now + more) }]);
        let (code, said) = post(self.manager, "/api/v2/alerts", None, alert.to_string().as_bytes());
        assert_eq!(code, 200, "{said}");
    }

    /// A page, as somebody who has signed in sees it.
    fn page(&self, path: &str) -> String {
        let form = format!("name=vera&token={VISITOR}&to={path}");
        let host = format!("host: 127.0.0.1:{}\r\nconnection: close\r\n", self.admin);
        let post = format!(
            "POST /sign-in HTTP/1.1\r\n{host}content-type: application/x-www-form-urlencoded\r\ncontent-length: {}\r\n\r\n",
            form.len()
        );
        let (_, said) = request(self.admin, &post, form.as_bytes());
        let cookie =
            said.lines().find_map(|line| line.strip_prefix("set-cookie: ")).unwrap_or_else(|| panic!("{said}"));
        let cookie = cookie.split(';').next().unwrap_or_default();
        let (code, page) = request(self.admin, &format!("GET {path} HTTP/1.1\r\n{host}cookie: {cookie}\r\n\r\n"), b"");
        assert_eq!(code, 200, "{page}");
        page
    }

    fn store(&self) -> Sqlite {
        Sqlite::open(&self.home.join("state/ira.db"), Options::default()).expect("the store")
    }

    fn runs(&self) -> Vec<Run> {
        block(self.store().runs(Filter::All)).expect("read")
    }

    fn ended(&self) -> bool {
        self.runs().first().is_some_and(|run| run.state.terminal())
    }

    fn shown(&self, run: u64) -> Value {
        Ran::of(&mut self.command(&["run", "show", &run.to_string(), "--json"])).json()["data"].clone()
    }

    /// The dedup key that Alertmanager gives PagerDuty for the group of the first alert.
    fn key(&self) -> String {
        let rows = block(self.store().inbox(100)).expect("read");
        ira_commands::pd_annotate::group_key(&rows.last().expect("an alert").group_key)
    }

    /// Who told the pager to wake somebody, and by which key: `Alertmanager` or `ira`.
    fn triggers(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let all = self.pager.asked().into_iter().map(|asked| asked.json());
        all.filter(|body| body["event_action"] == "trigger")
            .map(|body| (text(&body["client"]), text(&body["dedup_key"])))
            .collect()
    }

    fn triggered_by(&self, client: &str) -> usize {
        self.triggers().iter().filter(|(by, _)| by == client).count()
    }

    /// Waits until so long after the alert began to fire: nobody can wait for what is not to come.
    fn let_pass(&self, since_it_fired: Duration) {
        std::thread::sleep(since_it_fired.saturating_sub(self.fired.get().elapsed()));
    }

    /// Nothing that is kept or was said holds the secret.
    fn assert_clean(&self) {
        let kept = std::fs::read(self.home.join("state/ira.db")).expect("the store");
        assert!(!String::from_utf8_lossy(&kept).contains(CANARY) && !self.log().contains(CANARY), "I22");
    }
}
