//! `ira demo`: an alert is answered and another one pages; it leaves nothing behind. `ira demo feed`: the recording that
//! ships is what the bed's chain answers today, and shows its three faults.

#[cfg(target_os = "linux")]
mod alert;

use serde_json::{Value, json};

use crate::generated;
use crate::support::bed::{self, Chain};
use crate::support::in_repository;
use crate::support::run::{Ran, ira};

/// Seconds from the last block to the moment that the demo stands at.
const AFTER_HEAD: u64 = 8;

/// The recording made afresh, at the demo's moment.
fn fresh() -> Value {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let listed: Value =
        serde_json::from_slice(&std::fs::read(Chain::Situations.directory()).expect("a directory")).expect("JSON");
    let one: Vec<&Value> =
        listed.as_array().expect("entries").iter().filter(|entry| entry["path"] == "eth-usd").collect();
    std::fs::write(home.path().join("feeds.json"), json!(one).to_string()).expect("written");
    let link = bed.about["link"].as_str().expect("an address");
    let config = format!(
        "[networks.demo]\nchain_id = 31337\nnative = \"ETH\"\nblock_time_seconds = 12\nlink = \"{link}\"\ndirectory = \"feeds.json\"\nrpc = \"{}\"\n",
        bed.url
    );
    std::fs::write(home.path().join("config.toml"), config).expect("written");
    let file = home.path().join("recording.json");
    let ran = Ran::of(
        ira(home.path())
            .args([
                "feed-report",
                "eth-usd",
                "--window",
                "700",
                "--network",
                "demo",
                "--config",
                "config.toml",
                "--record",
            ])
            .arg(&file),
    );
    assert_eq!(ran.code, 4, "{}", ran.err);
    let mut recording: Value = serde_json::from_slice(&std::fs::read(file).expect("recorded")).expect("JSON");
    recording["recorded_at"] = json!(bed.about["head"]["timestamp"].as_u64().expect("a time") + AFTER_HEAD);
    // What says how it came about is not shown by the demo, and a new version would make it stale.
    for key in ["ira", "asked", "quorum"] {
        recording.as_object_mut().expect("an object").remove(key);
    }
    recording
}

#[test]
fn the_recording_that_ships_is_what_the_chain_answers() {
    let path = in_repository("src/demo/feed.json");
    let mut fresh = fresh();
    // Which of two requests sent side by side ends first is chance.
    let rpc = fresh["rpc"].as_array_mut().expect("answers");
    rpc.sort_by_key(Value::to_string);
    if generated::updating() {
        let lines: Vec<String> = rpc.iter().map(Value::to_string).collect();
        let mut head = fresh.clone();
        head["rpc"] = json!([]);
        let head = head.to_string();
        let head = head.strip_suffix("[]}").expect("the answers stand last");
        std::fs::write(&path, format!("{head}[\n{}\n]}}\n", lines.join(",\n"))).expect("written");
    }
    let kept: Value = serde_json::from_slice(&std::fs::read(&path).expect("checked in")).expect("JSON");
    assert!(kept == fresh, "src/demo/feed.json is stale: UPDATE_GENERATED=1 cargo test demo");
}

#[test]
fn the_feed_of_the_demo_shows_three_faults_and_succeeds() {
    let home = tempfile::tempdir().expect("a folder");
    let ran = Ran::of(ira(home.path()).args(["demo", "feed", "--json"]));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""));
    let json = ran.json();
    let findings = json["data"]["feeds"][0]["findings"].as_array().expect("findings");
    let bad: Vec<&Value> = findings
        .iter()
        .filter(|one| one["status"] == "warn" || one["status"] == "critical")
        .map(|one| &one["check"])
        .collect();
    assert_eq!(bad, ["link-funds", "silent-oracle", "transmitter-gas"]);
}
