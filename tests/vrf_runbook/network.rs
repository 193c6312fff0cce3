//! What the network's settings add: coordinators to look at, a sequencer, the key that signs.

use serde_json::json;

use super::place::{Place, step};
use super::{blocking, text};
use crate::support::bed::{Bed, Chain};

fn coordinators(bed: &Bed, names: &[&str]) -> String {
    let address = |name: &&str| bed.about["coordinators"][*name]["address"].to_string();
    format!("vrf.coordinators = [{}]\n", names.iter().map(address).collect::<Vec<_>>().join(", "))
}

#[test]
fn without_a_coordinator_the_networks_are_looked_at_and_two_that_know_an_id_are_both_named() {
    let bed = Bed::start(Chain::Vrf);
    let place = Place::with(&bed, &coordinators(&bed, &["next", "v2", "free", "main"]));
    let situations = &bed.about["situations"];
    for name in ["underfunded", "v2-underfunded", "fulfilled", "link-price-zero"] {
        let (id, coordinator) = (text(&situations[name], "request_id"), &situations[name]["coordinator"]);
        let ran = place.runbook(&["--request", id]);
        assert_eq!(&ran.json()["data"]["coordinator"]["address"], coordinator, "{name}: {}", ran.err);
        assert_eq!(ran.json()["data"]["requests"][0]["id"], id, "{name}");
        let ran = place.runbook(&["--subscription", text(&situations[name], "subscription")]);
        assert_eq!(&ran.json()["data"]["coordinator"]["address"], coordinator, "{name}: {}", ran.err);
    }
    let moved = &situations["coordinator-migrated"];
    let (old, new) = (text(moved, "coordinator"), text(moved, "new_coordinator"));
    let ran = place.runbook(&["--request", text(moved, "request_id")]);
    assert!(ran.code == 2 && ran.err.contains(old) && ran.err.contains(new), "{}", ran.err);
    assert!(ran.err.contains("hint: say which is meant: --coordinator 0x"), "{}", ran.err);
    let unknown = place.runbook(&["--request", "7"]);
    assert!(unknown.code == 69 && unknown.err.contains("none of the 4 known coordinators"), "{}", unknown.err);
    // What an alert says wins.
    let alert = json!({ "alerts": [{ "status": "firing", "labels": { "alertname": "VRF", "network_name": "bed",
        "contract_address": old, "request_id": text(moved, "request_id") } }] });
    let file = place.write("alert.json", &alert.to_string());
    let ran = place.runbook(&["--alert", &file]);
    assert_eq!(ran.json()["data"]["coordinator"]["address"], old, "{}", ran.err);
}

#[test]
fn a_sequencer_that_is_down_holds_a_request_up_and_one_that_is_up_does_not() {
    let bed = Bed::start(Chain::Vrf);
    let feed = text(&bed.about["coordinators"]["free"], "link_native_feed");
    let place = Place::with(&bed, &format!("sequencer = \"{feed}\"\n"));
    let situation = &bed.about["situations"]["healthy-pending"];
    let args = ["--coordinator", text(situation, "coordinator"), "--request", text(situation, "request_id")];
    let up = place.runbook(&args).json();
    assert_eq!(step(&up, "sequencer-down")["status"], "pass", "{up:#}");
    let funds = &step(&up, "underfunded")["evidence"];
    assert!(funds["l1_fee"].is_null() && text(funds, "l1_fee_note").contains("L1"), "{funds:#}");
    // updateAnswer(1): down.
    write(&bed, feed, &format!("0xa87a20ce{:064x}", 1));
    let ran = place.runbook(&args);
    let down = ran.json();
    assert_eq!(blocking(&down["data"]["requests"][0]), ["sequencer-down"]);
    assert!(ran.code == 4 && text(step(&down, "sequencer-down"), "message").contains("sequencer is down"));
}

/// Sends `data` to a contract as the bed's owner, and mines it.
pub fn write(bed: &Bed, to: &str, data: &str) {
    let owner = text(&bed.about["accounts"]["owner"], "address");
    bed.rpc("anvil_impersonateAccount", &json!([owner]));
    let gas = bed.rpc("eth_gasPrice", &json!([]));
    let sent = bed.rpc("eth_sendTransaction", &json!([{ "from": owner, "to": to, "data": data, "gasPrice": gas }]));
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(bed.rpc("eth_getTransactionReceipt", &json!([sent]))["status"], "0x1");
}

#[test]
fn a_gap_in_the_nonces_of_the_own_key_comes_with_the_command_that_fills_it() {
    let bed = Bed::start(Chain::Vrf);
    let situation = &bed.about["situations"]["nonce-gap"];
    let node = text(situation, "node");
    let args =
        ["--coordinator", text(situation, "coordinator"), "--request", text(situation, "request_id"), "--sender"];
    let strange = Place::with(&bed, "");
    let ran = strange.runbook(&[&args[..], &[node]].concat());
    let json = ran.json();
    let stuck = step(&json, "tx-stuck");
    assert_eq!(stuck["status"], "fail", "{stuck:#}");
    assert_eq!(stuck["evidence"]["waiting"][0]["missing"], 0, "{stuck:#}");
    assert!(text(stuck, "message").contains("behind nonce 0"), "{stuck:#}");
    // Its twin: the same request and a key without anything in the pool.
    let well =
        strange.runbook(&[&args[..], &[text(&bed.about["accounts"]["nodes"]["node"], "address")]].concat()).json();
    assert_eq!(step(&well, "tx-stuck")["status"], "pass");
    assert_eq!(step(&well, "tx-stuck")["evidence"]["pool_seen"], true);
    // The key is not ours: no command of ours mends it.
    let table = |place: &Place| {
        let mut command = place.ira();
        command.args(["vrf-runbook", "--network", "bed"]).args(args).arg(node);
        crate::support::run::Ran::of(&mut command).out
    };
    assert!(!table(&strange).contains("next: "));
    let mut keystore: serde_json::Value =
        serde_json::from_str(include_str!("../support/keystore.json")).expect("a keystore");
    keystore["address"] = json!(node.trim_start_matches("0x").to_lowercase());
    let own = Place::with(&bed, "signer = { keystore = \"key.json\", password = \"env:P\" }\n");
    own.write("key.json", &keystore.to_string());
    let shown = table(&own);
    let next = shown.lines().find_map(|line| line.strip_prefix("next: ")).expect("what comes next");
    assert!(next.contains("--apply --dry-run") && next.contains(&format!("--sender {node}")), "{next}");
}
