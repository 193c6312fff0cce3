//! `ira vrf-runbook` against the real coordinators: each cause provoked on chain and named, and its healthy twin not.

mod many;
mod network;
mod place;
mod warnings;

use serde_json::{Value, json};

use crate::support::bed::{Bed, Chain};
use crate::support::run::{Ran, ira};

/// Situations whose cause only the node itself can tell.
const ASKS_THE_NODE: [&str; 1] = ["fulfil-gas-too-low"];

fn runbook(bed: &Bed, args: &[&str]) -> Ran {
    let home = tempfile::tempdir().expect("a folder");
    Ran::of(ira(home.path()).args(["vrf-runbook", "--json", "--rpc-url", &bed.url]).args(args))
}

fn text<'a>(situation: &'a Value, field: &str) -> &'a str {
    situation[field].as_str().unwrap_or_default()
}

/// The runbook for one situation of the bed.
fn walked(bed: &Bed, situation: &Value) -> (Ran, Value) {
    let mut args = vec!["--coordinator", text(situation, "coordinator")];
    match situation["request_id"].as_str() {
        Some(id) => args.extend(["--request", id]),
        None => args.extend(["--tx", text(situation, "tx")]),
    }
    if let Some(node) = situation["node"].as_str() {
        args.extend(["--sender", node]);
    }
    let ran = runbook(bed, &args);
    let request = ran.json()["data"]["requests"][0].clone();
    (ran, request)
}

fn blocking(request: &Value) -> Vec<&str> {
    let causes = request["causes"].as_array().map(Vec::as_slice).unwrap_or_default();
    causes.iter().filter(|cause| cause["blocking"] == true).filter_map(|cause| cause["cause"].as_str()).collect()
}

#[test]
fn every_cause_is_provoked_on_chain_and_named_and_its_healthy_twin_is_not() {
    let bed = Bed::start(Chain::Vrf);
    let situations = bed.about["situations"].as_object().expect("situations");
    assert!(situations.len() >= 40, "{}", situations.len());
    for (name, situation) in situations.iter().filter(|(name, _)| !ASKS_THE_NODE.contains(&name.as_str())) {
        let (ran, request) = walked(&bed, situation);
        let causes: Vec<&str> =
            request["causes"].as_array().expect("causes").iter().filter_map(|cause| cause["cause"].as_str()).collect();
        let status = text(situation, "status");
        assert_eq!(request["status"], status, "{name}: {request:#}");
        match situation["cause"].as_str() {
            // The request itself was fulfilled before its subscription moved away.
            Some("coordinator-migrated") => assert_eq!(causes, ["already-fulfilled"], "{name}"),
            Some(cause) => assert!(causes.contains(&cause), "{name}: {causes:?}"),
            None => assert!(blocking(&request).is_empty(), "{name}: {causes:?}"),
        }
        let young = causes.first() == Some(&"unconfirmed");
        let code = if status == "fulfilled" || young { 0 } else { 4 };
        assert_eq!(ran.code, code, "{name}: {}", ran.err);
    }
}

#[test]
fn the_verdict_agrees_with_the_coordinators_own() {
    let bed = Bed::start(Chain::Vrf);
    let mut agreed = 0;
    for (name, situation) in bed.about["situations"].as_object().expect("situations") {
        let Some(ok) = situation["verdict"]["ok"].as_bool() else { continue };
        let (_, request) = walked(&bed, situation);
        let ours = request["status"] == "pending" && blocking(&request).is_empty();
        // What keeps a request from being sent is none of the coordinator's business: confirmations, the node's key.
        let node_side = blocking(&request).iter().all(|cause| ["unconfirmed", "node-key-dry"].contains(cause));
        assert!(
            ours == ok || (ok && node_side),
            "{name}: the coordinator says {}, ira {request:#}",
            situation["verdict"]
        );
        agreed += 1;
    }
    assert!(agreed >= 14, "{agreed} situations compared");
}

#[test]
fn what_a_request_costs_is_what_the_coordinator_would_charge() {
    let bed = Bed::start(Chain::Vrf);
    let mut compared = 0;
    for (name, situation) in bed.about["situations"].as_object().expect("situations") {
        // V2 keeps the lane's price in the node, so what it would charge there cannot be known from the chain.
        let Some(charged) = situation["verdict"]["payment"].as_str().filter(|_| situation["version"] == "2.5") else {
            continue;
        };
        let (_, request) = walked(&bed, situation);
        let step = request["steps"]
            .as_array()
            .expect("steps")
            .iter()
            .find(|step| step["step"] == "underfunded")
            .expect("a step");
        let number = |text: &str| text.parse::<f64>().expect("digits");
        let ratio = number(text(&step["evidence"], "simulated")) / number(charged);
        assert!((0.99..1.2).contains(&ratio), "{name}: {ratio}");
        compared += 1;
    }
    assert!(compared >= 8, "{compared} situations compared");
}

#[test]
fn a_reverted_transaction_is_explained_by_the_error_it_meets() {
    let bed = Bed::start(Chain::Vrf);
    for (name, situation) in bed.about["situations"].as_object().expect("situations") {
        let Some(error) = situation["reverts"].as_str() else { continue };
        let (_, request) = walked(&bed, situation);
        assert_eq!(request["status"], "not-requested", "{name}");
        assert_eq!(request["causes"][0]["evidence"]["error"], error, "{name}: {request:#}");
    }
}

#[test]
fn an_alertmanager_alert_names_lane_and_coordinator() {
    let bed = Bed::start(Chain::Vrf);
    let situation = &bed.about["situations"]["unknown-key-hash"];
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join("ira.toml");
    std::fs::write(&config, format!("[networks.bed]\nchain_id = 31337\nrpc = \"{}\"\n", bed.url)).expect("written");
    let alert = json!({
        "version": "4", "status": "firing", "receiver": "ira", "groupKey": "{}", "truncatedAlerts": 0,
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example",
        "alerts": [{ "status": "firing", "labels": { "alertname": "VRFRequestsPending", "network_name": "bed",
            "contract_address": text(situation, "coordinator").to_lowercase(), "key_hash": text(situation, "key_hash") },
            "annotations": {}, "startsAt": "2026-11-21T03:59:51.953Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "dfa6cc323feecd04" }],
    });
    let ran = Ran::with_input(
        ira(home.path()).args(["vrf-runbook", "--json", "--alert", "-", "--config"]).arg(&config),
        &alert.to_string(),
    );
    assert_eq!(ran.code, 4, "{}", ran.err);
    let json = ran.json();
    let requests = json["data"]["requests"].as_array().expect("requests");
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(request["key_hash"], situation["key_hash"]);
        assert_eq!(blocking(request), ["unknown-key-hash"]);
    }
}

#[test]
fn the_transaction_alone_finds_its_coordinator() {
    let bed = Bed::start(Chain::Vrf);
    let situation = &bed.about["situations"]["underfunded"];
    let ran = runbook(&bed, &["--tx", text(situation, "tx")]);
    let data = ran.json()["data"].clone();
    assert_eq!(data["coordinator"]["address"], situation["coordinator"]);
    assert_eq!(data["coordinator"]["version"], "2.5");
    assert_eq!(data["requests"][0]["id"], situation["request_id"]);
    assert_eq!(data["subscriptions"][0]["link_juels"], situation["balance_juels"]);
}

#[test]
fn bad_input_names_the_place_and_the_mend() {
    let bed = Bed::start(Chain::Vrf);
    let coordinator = text(&bed.about["situations"]["underfunded"], "coordinator").to_owned();
    let link = bed.about["link"].as_str().expect("an address").to_owned();
    let nobody = "0x00000000000000000000000000000000000000aa".to_owned();
    for (args, code, said) in [
        (vec!["--request", "7"], 2, "no VRF coordinator is named"),
        (vec!["--coordinator", &link], 69, "no VRF coordinator of version 2 or 2.5"),
        (vec!["--coordinator", &nobody], 69, "no VRF coordinator of version 2 or 2.5"),
        (vec!["--coordinator", &coordinator, "--request", "12x"], 2, "is no id"),
        (vec!["--coordinator", "eth-usd"], 2, "is no address"),
        (vec!["--tx", "0x12"], 2, "is no hash"),
    ] {
        let ran = runbook(&bed, &args);
        assert_eq!(ran.code, code, "{args:?}: {}", ran.err);
        assert!(ran.err.contains(said) && ran.err.contains("hint: "), "{args:?}: {}", ran.err);
    }
    let unknown = runbook(&bed, &["--coordinator", &coordinator, "--request", "7"]);
    assert_eq!(unknown.code, 4);
    assert_eq!(unknown.json()["data"]["requests"], json!([]));
}
