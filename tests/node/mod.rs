//! What only a Chainlink node can tell: the real coordinators of the bed, and nodes that answer as theirs would.

mod acting;
mod causes;
mod trouble;

use std::process::Command;

use serde_json::{Value, json};

use crate::support::bed::{Bed, Chain};
use ira_commands::date::stamp as moment;

use crate::support::node::{FakeNode, PASSWORD, Script};
use crate::support::run::{Ran, ira};

/// The compressed public key of the bed's job; which one does not matter here, for its hash is what the node says.
const PUBLIC: &str = "0x79be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f8179801";

/// Somebody on call with the bed's chain and some nodes in the configuration.
struct Person {
    home: tempfile::TempDir,
}

impl Person {
    fn with(url: &str, nodes: &[(&str, &FakeNode)]) -> Self {
        use std::os::unix::fs::PermissionsExt as _;
        let home = tempfile::tempdir().expect("a home");
        let bed = format!(
            "network = \"bed\"\n[networks.bed]\nchain_id = 31337\nrpc = \"{url}\"\nrequests_per_second = 10000\n"
        );
        let of = |(name, node): &(&str, &FakeNode)| {
            format!(
                "[nodes.{name}]\nurl = \"{}\"\nemail = \"oncall@example.org\"\npassword = \"env:NODE_PASSWORD\"\nnetwork = \"bed\"\n",
                node.url
            )
        };
        let text = bed + &nodes.iter().map(of).collect::<String>();
        let path = home.path().join(".config/ira/config.toml");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        Self { home }
    }

    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.home.path());
        command.env("NODE_PASSWORD", PASSWORD).args(words);
        command
    }

    fn runs(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        assert!(!ran.out.contains("CANARY") && !ran.err.contains("CANARY"), "a secret is shown: {ran:?}");
        ran
    }

    /// The runbook for one situation: what ran, and its request.
    fn walks(&self, situation: &Value, more: &[&str]) -> (Ran, Value) {
        let (coordinator, id) = (text(situation, "coordinator"), text(situation, "request_id"));
        let mut words = vec!["vrf-runbook", "--json", "--coordinator", coordinator, "--request", id];
        words.extend(more);
        let ran = self.runs(&words);
        let request = ran.json()["data"]["requests"][0].clone();
        (ran, request)
    }
}

fn text<'a>(situation: &'a Value, field: &str) -> &'a str {
    situation[field].as_str().unwrap_or_else(|| panic!("no {field} in {situation}"))
}

fn situation<'a>(bed: &'a Bed, name: &str) -> &'a Value {
    let situation = &bed.about["situations"][name];
    assert!(situation.is_object(), "{name}");
    situation
}

/// Height and time of the newest block.
fn head(bed: &Bed) -> (u64, u64) {
    let block = bed.rpc("eth_getBlockByNumber", &json!(["latest", false]));
    let number = |field: &str| {
        u64::from_str_radix(block[field].as_str().expect("hex").trim_start_matches("0x"), 16).expect("hex")
    };
    (number("number"), number("timestamp"))
}

/// An account of a node of the bed.
fn account<'a>(bed: &'a Bed, name: &str) -> &'a str {
    bed.about["accounts"]["nodes"][name]["address"].as_str().expect("an address")
}

/// A node that does everything right for a situation, sending from `from`.
fn sound(bed: &Bed, situation: &Value, from: &str) -> Script {
    let (height, now) = head(bed);
    let coordinator = text(situation, "coordinator");
    let key = |address: &str| json!({ "evmChainID": "31337", "address": address, "disabled": false, "ethBalance": "100.000000000000000000" });
    Script {
        keys: vec![key(from)],
        vrf_keys: vec![json!({ "compressed": PUBLIC, "uncompressed": "0x", "hash": text(situation, "key_hash") })],
        jobs: vec![
            (
                "5".to_owned(),
                json!({ "name": "main", "type": "vrf", "errors": [], "vrfSpec": {
                    "coordinatorAddress": coordinator, "fromAddresses": [from], "publicKey": PUBLIC, "evmChainID": "31337",
                    "requestTimeout": "24h0m0s", "backoffInitialDelay": "1m0s", "backoffMaxDelay": "1h0m0s", "minIncomingConfirmations": 3 } }),
            ),
            (
                "6".to_owned(),
                json!({ "name": "bhs", "type": "blockhashstore", "errors": [], "blockhashStoreSpec": {
                    "coordinatorV2PlusAddress": coordinator, "waitBlocks": 100, "lookbackBlocks": 200, "pollPeriod": 30_000_000_000_u64,
                    "blockhashStoreAddress": bed.about["blockhash_store"], "evmChainID": "31337", "fromAddresses": [from] } }),
            ),
        ],
        runs: vec![
            json!({ "createdAt": moment(now), "errors": [null], "inputs": { "jobRun": { "logTxHash": text(situation, "tx"), "logBlockNumber": situation["block"] } } }),
        ],
        metrics: format!(
            "head_tracker_current_head{{evmChainID=\"31337\"}} {height}\nvrf_request_time_between_sims_count{{job_name=\"main\"}} 1\n"
        ),
        ..Script::default()
    }
}

/// A step of the runbook.
fn step<'a>(request: &'a Value, cause: &str) -> &'a Value {
    let steps = request["steps"].as_array().unwrap_or_else(|| panic!("no steps in {request}"));
    steps.iter().find(|step| step["step"] == cause).unwrap_or_else(|| panic!("no {cause}"))
}

/// Whether a step holds, and whether it blocks.
fn holds(request: &Value, cause: &str) -> (String, bool) {
    let status = step(request, cause)["status"].as_str().expect("a word").to_owned();
    let causes = request["causes"].as_array().expect("causes");
    (status, causes.iter().any(|one| one["cause"] == cause && one["blocking"] == true))
}
