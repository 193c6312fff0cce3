//! `ira remediate` and `ira run`, as a person on call uses them: a playbook, an alert, a web site that is down.

#![cfg(target_os = "linux")]
#![expect(non_snake_case, reason = "named for what must hold: an invariant, a fault, a lesson")]

mod broken;
mod data;
mod group;
mod guards;
mod hosts;
mod metrics;
mod people;
mod said;
pub mod systemd;

use std::process::Command;

use serde_json::{Value, json};

use crate::host::Person;
use crate::people::api::{Api, json as answer};
use crate::support::run::{Ran, Running, ira, wait_until};

/// Somebody on call, with a site that is well while the file `well` is in their home.
struct Desk {
    person: Person,
    site: Api,
    /// Where the site answers.
    port: u16,
}

/// A step that mends the site.
const MEND: &str = "  - id: mend
    do: script.run
    with: { program: mend.sh }
    timeout: 20s
    accept: irreversible
    caps: { max_targets: 1 }
";

impl Desk {
    /// With a playbook of these steps and guards, and a script that mends the site.
    fn new(guards: &str, steps: &str) -> Self {
        let person = Person::new();
        let well = person.path("well");
        let site = Api::start(move |_| answer(if well.exists() { 200 } else { 503 }, &json!({})));
        let port = site.port;
        let desk = Self { person, site, port };
        desk.person.configure("[budgets.web]\nmax = 100\nwindow = \"1h\"\n");
        desk.person.script("mend.sh", "echo mended >> @/ledger; touch @/well");
        desk.playbook(guards, steps);
        desk.write_alert(&[("site", "firing")]);
        desk
    }

    fn playbook(&self, guards: &str, steps: &str) {
        self.write_playbook(&playbook("mend", self.port, guards, steps));
    }

    fn write_playbook(&self, text: &str) {
        self.person.write(".config/ira/playbooks/mend.yaml", text, 0o600);
        let checked = self.run(&["playbook", "check"]);
        assert_eq!(checked.code, 0, "{}", checked.out);
    }

    /// A webhook body with one alert for each service.
    fn write_alert(&self, services: &[(&str, &str)]) {
        self.person.write("alert.json", &alert(services).to_string(), 0o600);
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.person.home.path());
        command.args(words);
        command
    }

    fn run(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        ran
    }

    fn remediate(&self, words: &[&str]) -> Ran {
        self.run(&[&["remediate", "--alert", "alert.json"], words].concat())
    }

    /// The same, left to itself.
    fn left(&self) -> Running {
        Running::of(&mut self.command(&["remediate", "--alert", "alert.json", "--yes"]))
    }

    /// What the scripts did, in order.
    fn ledger(&self) -> Vec<String> {
        self.person.read("ledger").lines().map(str::to_owned).collect()
    }

    /// The record of a run.
    fn shown(&self, run: u64) -> Value {
        self.run(&["run", "show", &run.to_string(), "--json"]).json()["data"].clone()
    }

    fn state(&self, run: u64) -> String {
        self.shown(run)["run"]["state"].as_str().unwrap_or_default().to_owned()
    }
}

/// A playbook whose users see the site at `port`.
fn playbook(name: &str, port: u16, guards: &str, steps: &str) -> String {
    format!(
        "ira: 1
playbook: {name}
owner: me
mode: suggest
on:
  - source: alertmanager
    match: {{ alertname: SiteDown }}
    key: [alert.labels.service]
queries:
  site: {{ do: http.check, with: {{ url: \"http://127.0.0.1:{port}/healthz\" }}, take: status }}
guards: {{ budget: web, {guards} }}
steps:
{steps}verify: {{ until: q.site == 200, every: 1s, within: 2s, hold: 2s }}
escalate: {{ to: pagerduty, deadline: 5m, note: \"the site says {{{{ verify.before.site }}}} -> {{{{ verify.after.site }}}}\" }}
"
    )
}

/// What Alertmanager sends: a group of these services.
fn alert(services: &[(&str, &str)]) -> Value {
    let one = |(service, status): &(&str, &str)| {
        json!({
            "status": status,
            "labels": {
                "alertname": "SiteDown", "cluster": "prod-eu-1", "instance": "web-01:9100", "job": "node",
                "service": service, "severity": "critical",
            },
            "annotations": {
                "summary": format!("{service} does not answer"),
                "runbook_url": "https://runbooks.example.com/runbooks/web/sitedown",
            },
            "startsAt": "2026-11-21T03:59:51.953Z",
            "endsAt": if *status == "firing" { "0001-01-01T00:00:00Z" } else { "2026-11-21T04:09:51.953Z" },
            "generatorURL": "http://prometheus.example.com:9090/graph?g0.expr=probe_success+%3D%3D+0&g0.tab=1",
            "fingerprint": "dfa6cc323feecd04",
        })
    };
    let firing = services.iter().any(|(_, status)| *status == "firing");
    json!({
        "receiver": "ira",
        "status": if firing { "firing" } else { "resolved" },
        "alerts": services.iter().map(one).collect::<Vec<_>>(),
        "groupLabels": { "alertname": "SiteDown" },
        "commonLabels": { "alertname": "SiteDown", "severity": "critical" },
        "commonAnnotations": {},
        "externalURL": "http://vm:19093",
        "version": "4",
        "groupKey": "{}/{rcv=\"ira\"}:{alertname=\"SiteDown\"}",
        "truncatedAlerts": 0,
    })
}
