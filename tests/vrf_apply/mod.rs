//! `ira vrf-runbook --apply` on the real coordinators: what is mended, and what is not.

#[expect(non_snake_case, reason = "named for what must hold")]
mod agreement;
mod blockhash;
mod crash;
mod funds;
pub(crate) mod playbook;
mod reorg;
mod stuck;
mod terminal;

use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::act::funding::{PLUS, V2, held, vrf};
use crate::act::{Person, Running, nonce};
use crate::support::bed::Bed;
use crate::support::run::Ran;

/// A situation of the bed, with somebody who may mend it.
pub(crate) struct Case {
    pub(crate) bed: Bed,
    pub(crate) person: Person,
    situation: Value,
}

impl Case {
    /// Whose subscription is listed as one that may be funded.
    fn ours(name: &str) -> Self {
        let case = Self::strange(name);
        case.list(&[&format!("sub:{}", case.text("subscription"))]);
        case
    }

    /// With nothing listed.
    fn strange(name: &str) -> Self {
        let (bed, person) = vrf();
        let situation = bed.about["situations"][name].clone();
        assert!(situation.is_object(), "{name}");
        Self { bed, person, situation }
    }

    /// Lists what may be funded.
    fn list(&self, all: &[&str]) {
        let path = self.person.home.path().join(".config/ira/config.toml");
        let text = std::fs::read_to_string(path).expect("a configuration");
        let text = text.split("[networks.anvil.vrf]").next().unwrap_or_default();
        self.person.write(".config/ira/config.toml", &format!("{text}[networks.anvil.vrf]\nfund = {}\n", json!(all)));
    }

    pub(crate) fn text(&self, field: &str) -> &str {
        self.situation[field].as_str().unwrap_or_else(|| panic!("no {field}"))
    }

    fn words(&self, more: &[&str]) -> Vec<String> {
        let mut words = vec!["vrf-runbook", "--coordinator", self.text("coordinator")];
        if !more.contains(&"--request") && !more.contains(&"--subscription") {
            words.extend(["--request", self.text("request_id")]);
        }
        words.extend(more);
        words.into_iter().map(str::to_owned).collect()
    }

    fn command(&self, more: &[&str]) -> Command {
        let words = self.words(more);
        self.person.ira(&words.iter().map(String::as_str).collect::<Vec<_>>())
    }

    fn run(&self, more: &[&str]) -> Ran {
        Ran::of(&mut self.command(more))
    }

    /// `--apply`, agreed to, with caps that are never in the way.
    fn agreed(&self, more: &[&str]) -> Ran {
        self.run(&[&AGREED[..], &["--json"], more].concat())
    }

    /// The same, left to itself.
    fn left(&self, more: &[&str]) -> Running {
        let mut command = self.command(&[&AGREED[..], more].concat());
        Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ira starts"))
    }

    /// What the coordinator makes of a real proof for the request, without and with sending it.
    fn simulated(&self, request: &str) -> Value {
        fulfil(&self.bed, self.text("coordinator"), request, true)
    }

    pub(crate) fn fulfilled(&self, request: &str) -> Value {
        fulfil(&self.bed, self.text("coordinator"), request, false)
    }

    /// LINK and native coins of its subscription.
    pub(crate) fn held(&self) -> (u128, u128) {
        let selector = if self.text("version") == "2" { V2 } else { PLUS };
        held(&self.bed, self.text("coordinator"), self.text("subscription"), selector)
    }
}

const AGREED: [&str; 6] = ["--apply", "--max-spend", "400 LINK", "--max-spend-native", "50 ETH", "--yes"];

fn fulfil(bed: &Bed, coordinator: &str, request: &str, simulate: bool) -> Value {
    let script = crate::support::in_repository("tests/beds/chain/fulfil.mjs");
    let mut node = Command::new("node");
    node.arg(script).args(["--rpc", &bed.url, "--coordinator", coordinator, "--request", request]);
    if simulate {
        node.arg("--simulate");
    }
    let out = node.stdin(Stdio::null()).output().expect("node runs");
    serde_json::from_slice(&out.stdout).expect("JSON")
}
