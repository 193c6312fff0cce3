//! `ira feed-report` against real contracts: each finding provoked on chain, and its healthy twin seen well.

use std::path::Path;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::support::bed::{self, Bed, Chain};
use crate::support::run::{Ran, ira};

/// The window that holds the rounds of the bed's last two hours, and not its set-up.
const WINDOW: &str = "700";

/// A configuration that names the bed's network; `more` adds lines to it.
fn configured(home: &Path, bed: &Bed, more: &str) -> std::path::PathBuf {
    let path = home.join("ira.toml");
    let text = format!(
        "network = \"bed\"\n[networks.bed]\nchain_id = 31337\nnative = \"ETH\"\nlink = \"{}\"\ndirectory = \"{}\"\n{more}\n",
        bed.about["link"].as_str().expect("a LINK token"),
        Chain::Situations.directory().display(),
    );
    std::fs::write(&path, text).expect("written");
    path
}

fn report(bed: &Bed, more: &str, args: &[&str]) -> Ran {
    let home = tempfile::tempdir().expect("a folder");
    let config = configured(home.path(), bed, more);
    Ran::of(
        ira(home.path())
            .args(["feed-report", "--json", "--window", WINDOW, "--config"])
            .arg(config)
            .args(["--rpc-url", &bed.url])
            .args(args),
    )
}

/// The whole bed in one report.
fn all() -> &'static Value {
    static ALL: OnceLock<Value> = OnceLock::new();
    ALL.get_or_init(|| {
        let ran = report(bed::shared(), "", &["--all"]);
        assert_eq!(ran.code, 4, "{}", ran.err);
        ran.json()
    })
}

/// The feed of a situation, out of the report on all.
fn feed(situation: &str) -> &'static Value {
    let proxy = bed::shared().of(situation, "proxy");
    all()["data"]["feeds"]
        .as_array()
        .expect("feeds")
        .iter()
        .find(|feed| feed["proxy"].as_str().is_some_and(|address| address.eq_ignore_ascii_case(&proxy)))
        .unwrap_or_else(|| panic!("{situation} is not in the report"))
}

fn finding<'a>(feed: &'a Value, check: &str) -> &'a Value {
    feed["findings"].as_array().expect("findings").iter().find(|one| one["check"] == check).unwrap_or(&Value::Null)
}

#[track_caller]
fn expect(situation: &str, check: &str, status: &str) -> &'static Value {
    let found = finding(feed(situation), check);
    assert_eq!(found["status"], status, "{situation}: {found:#}");
    found
}

#[test]
fn every_finding_is_provoked_on_chain_and_seen() {
    for (situation, check, status) in [
        ("ocr2-stale", "stale", "critical"),
        ("ocr2-late", "stale", "warn"),
        ("ocr2-out-of-range", "stale", "critical"),
        ("ocr2-out-of-range", "answer-bounds", "critical"),
        ("ocr2-bounds", "answer-bounds", "critical"),
        ("ocr2-silent", "silent-oracle", "critical"),
        ("ocr1-silent", "silent-oracle", "critical"),
        ("ocr2-outlier", "outlier-oracle", "warn"),
        ("ocr2-dry", "transmitter-gas", "critical"),
        ("ocr2-low-gas", "transmitter-gas", "warn"),
        ("ocr2-stuck", "transmitter-stuck", "warn"),
        ("ocr2-never", "transmitter-never", "warn"),
        ("ocr2-link-low", "link-funds", "critical"),
        ("ocr2-link-negative", "link-funds", "critical"),
        ("ocr2-config-changed", "config-changed", "warn"),
        ("ocr2-mismatch", "aggregator-mismatch", "warn"),
        ("ocr2-migration", "migration-pending", "warn"),
        ("ocr2-phases", "phase-changed", "warn"),
        ("ocr2-no-access", "access", "critical"),
        ("ocr2-proxy-acl", "access", "info"),
        ("ocr2-gas-billing", "gas-above-billing", "warn"),
        ("ocr2-epoch-racing", "epoch-racing", "warn"),
        ("ocr2-deprecated", "deprecated", "info"),
        ("ocr2-deprecated", "stale", "info"),
        ("ocr2-decimals", "decimals-mismatch", "critical"),
        ("ocr2-jump", "deviation", "warn"),
    ] {
        expect(situation, check, status);
    }
}

#[test]
fn the_healthy_twin_of_every_finding_is_ok() {
    for situation in ["ocr2-healthy", "ocr1-healthy", "flux-healthy", "ocr2-access"] {
        for found in feed(situation)["findings"].as_array().expect("findings") {
            assert_eq!(found["status"], "ok", "{situation}: {found:#}");
        }
        assert_eq!(feed(situation)["status"], "ok", "{situation}");
    }
    // All checks but the two that this network has no ground for.
    assert_eq!(feed("ocr2-healthy")["not_applicable"], json!(["block-age", "sequencer", "endpoints-disagree"]));
}

#[test]
fn a_silent_oracle_is_named_with_its_transmitter_and_since_when() {
    let found = expect("ocr2-silent", "silent-oracle", "critical");
    let silent = found["evidence"]["silent"].as_array().expect("silent oracles");
    assert_eq!(silent.len(), 1);
    assert_eq!(silent[0]["oracle"], 3);
    assert_eq!(silent[0]["missed_in_a_row"], 12);
    let transmitter = bed::shared().about["feeds"]["ocr2-silent"]["transmitters"][3].as_str().expect("an address");
    assert!(silent[0]["transmitter"].as_str().is_some_and(|address| address.eq_ignore_ascii_case(transmitter)));
    let oracle = &feed("ocr2-silent")["oracles"][3];
    assert_eq!(oracle["status"], "critical");
    assert_eq!(oracle["rounds_total"], 24);
}

#[test]
fn after_a_configuration_change_indices_mean_todays_oracles() {
    // The new oracle #3 took part in every round since: it is not taken for its predecessor.
    expect("ocr2-config-changed", "silent-oracle", "ok");
    let found = expect("ocr2-config-changed", "config-changed", "warn");
    assert_eq!(found["evidence"]["count"], 2);
    assert_eq!(found["evidence"]["tx"].as_str().map(str::len), Some(66));
}

#[test]
fn the_json_has_the_shape_that_is_promised() {
    let data = &all()["data"];
    assert_eq!(all()["schema_version"], 1);
    assert_eq!(all()["success"], true);
    assert_eq!(data["network"]["name"], "bed");
    assert_eq!(data["network"]["chain_id"], 31337);
    assert_eq!(data["network"]["block"]["number"], bed::shared().about["head"]["number"]);
    assert_eq!(data["network"]["block"]["hash"], bed::shared().about["head"]["hash"]);
    let feed = feed("ocr2-healthy");
    for field in [
        "input",
        "proxy",
        "name",
        "description",
        "decimals",
        "aggregator",
        "phase_id",
        "kind",
        "answer",
        "answer_raw",
        "round_id",
        "updated_at",
        "age_seconds",
        "heartbeat_seconds",
        "deviation_threshold_percent",
        "status",
        "findings",
        "not_applicable",
        "oracles",
        "link",
        "config",
    ] {
        assert!(!feed[field].is_null(), "{field} is missing: {feed:#}");
    }
    assert_eq!(feed["kind"], "ocr2");
    assert_eq!(feed["phase_id"], 1);
    for text in ["answer", "answer_raw", "round_id"] {
        assert!(feed[text].is_string(), "{text} may pass 2^53");
    }
    assert_eq!(feed["round_id"], ((1_u128 << 64) + 24).to_string());
    let oracle = &feed["oracles"][0];
    assert_eq!(oracle["balance_wei"], "1000000000000000000");
    for field in ["transmitter", "nonce", "rounds_observed", "rounds_total", "last_observed_round", "status"] {
        assert!(!oracle[field].is_null(), "{field} is missing: {oracle:#}");
    }
    assert!(feed["link"]["available_juels"].is_string());
    assert_eq!(feed["config"]["f"], 1);
    assert_eq!(feed["config"]["signers"].as_array().map(Vec::len), Some(4));
    let summary = data["summary"].as_object().expect("a summary");
    let sum: u64 = summary.values().filter_map(Value::as_u64).sum();
    assert_eq!(sum, data["feeds"].as_array().map_or(0, |feeds| feeds.len() as u64));
}

#[test]
fn ocr1_and_flux_are_told_apart_by_themselves() {
    assert_eq!(feed("ocr1-healthy")["kind"], "ocr1");
    assert_eq!(feed("ocr1-healthy")["config"]["digest"].as_str().map(str::len), Some(34), "16 bytes");
    assert_eq!(feed("flux-healthy")["kind"], "flux");
    assert_eq!(feed("mock-healthy")["kind"], "other");
    for check in ["silent-oracle", "epoch-racing", "config-changed", "gas-above-billing"] {
        assert!(finding(feed("flux-healthy"), check).is_null(), "{check} does not apply to Flux");
    }
}

#[test]
fn the_sequencer_is_read_from_its_uptime_feed() {
    let bed = bed::shared();
    for (state, status) in [("up", "ok"), ("down", "critical"), ("grace", "warn")] {
        let more = format!("sequencer = \"{}\"", bed.about["sequencers"][state].as_str().expect("an address"));
        let ran = report(bed, &more, &[&bed.of("ocr2-healthy", "proxy")]);
        let json = ran.json();
        assert_eq!(finding(&json["data"]["feeds"][0], "sequencer")["status"], status, "{state}: {}", ran.err);
        assert_eq!(ran.code, if status == "ok" { 0 } else { 4 });
    }
}

#[test]
fn an_old_block_is_critical_where_the_block_time_is_known() {
    let bed = bed::shared();
    let ran = report(bed, "block_time_seconds = 12", &[&bed.of("ocr2-healthy", "proxy")]);
    let json = ran.json();
    assert_eq!(finding(&json["data"]["feeds"][0], "block-age")["status"], "critical");
    assert_eq!(finding(&json["data"]["feeds"][0], "stale")["status"], "unknown");
    assert_eq!(ran.code, 4);
}

#[test]
fn exit_codes_follow_the_worst_finding() {
    let bed = bed::shared();
    assert_eq!(report(bed, "", &[&bed.of("ocr2-healthy", "proxy")]).code, 0);
    assert_eq!(report(bed, "", &[&bed.of("ocr2-stale", "proxy")]).code, 4);
    // No directory lists the aggregator alone: what is unknown for want of one is no problem, but for --strict.
    let alone = bed.of("no-proxy", "aggregator");
    assert_eq!(report(bed, "", &[&alone]).code, 0);
    assert_eq!(report(bed, "", &[&alone, "--strict"]).code, 4);
    let healthy = bed.of("ocr2-healthy", "proxy");
    let some = report(bed, "", &[&healthy, bed.about["eoa"].as_str().expect("an address")]);
    assert_eq!(some.code, 69);
    assert_eq!(some.json()["data"]["feeds"].as_array().map(Vec::len), Some(1), "the others are still printed");
    assert_eq!(some.json()["success"], false);
}

#[test]
fn a_reference_is_compared_with() {
    let bed = bed::shared();
    let demo = bed.of("demo", "proxy");
    let price = feed("demo")["answer"].as_str().expect("an answer").to_owned();
    let same = report(bed, "", &[&demo, "--reference", &price]).json();
    assert_eq!(finding(&same["data"]["feeds"][0], "deviation")["status"], "ok");
    let other = report(bed, "", &[&demo, "--reference", "1000"]).json();
    assert_eq!(finding(&other["data"]["feeds"][0], "deviation")["status"], "critical");
    let itself = report(bed, "", &[&demo, "--reference", "eth-usd"]).json();
    assert_eq!(finding(&itself["data"]["feeds"][0], "deviation")["evidence"]["reference_percent"], 0.0);
}

#[test]
fn without_multicall_the_same_is_read_by_batch() {
    let bed = Bed::start(Chain::Situations);
    bed.replay("multicall3_absent");
    let ran = report(&bed, "", &["--all"]);
    let strip = |json: &Value| json["data"]["feeds"].clone();
    assert_eq!(strip(&ran.json()), strip(all()));
}

#[test]
fn two_endpoints_that_agree_and_two_that_do_not() {
    let (one, other) = (bed::shared(), Bed::start(Chain::Situations));
    let healthy = one.of("ocr2-healthy", "proxy");
    let agree = report(one, "", &[&healthy, "--rpc-url", &other.url, "--quorum", "2"]);
    assert_eq!(finding(&agree.json()["data"]["feeds"][0], "endpoints-disagree")["status"], "ok", "{}", agree.err);
    assert_eq!(agree.code, 0);
    // The same height with another state: a transmitter that is rich here and poor there.
    let transmitter = &one.about["feeds"]["ocr2-healthy"]["transmitters"][0];
    other.rpc("anvil_setBalance", &json!([transmitter, "0x1"]));
    let differ = report(one, "", &[&healthy, "--rpc-url", &other.url, "--quorum", "2"]);
    assert_eq!(differ.code, 4);
    let json = differ.json();
    assert_eq!(finding(&json["data"]["feeds"][0], "endpoints-disagree")["status"], "critical", "{json:#}");
    assert_eq!(
        finding(&json["data"]["feeds"][0], "transmitter-gas")["status"],
        "unknown",
        "reads that disagree are no average"
    );
}

#[test]
fn a_recording_replays_without_a_network() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("recording.json");
    let file = file.to_str().expect("UTF-8");
    let proxy = bed.of("ocr2-silent", "proxy");
    let live = report(bed, "", &[&proxy, "--record", file]);
    assert_eq!(live.code, 4, "{}", live.err);
    let again = Ran::of(ira(home.path()).args(["feed-report", "--json", "--window", WINDOW, &proxy, "--replay", file]));
    assert_eq!(again.code, 4, "{}", again.err);
    let status = |ran: &Ran| ran.json()["data"]["feeds"][0]["findings"].clone();
    assert_eq!(status(&again), status(&live));
}

#[test]
fn an_alert_names_network_and_feed() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let config = configured(home.path(), bed, &format!("rpc = \"{}\"", bed.url));
    let proxy = bed.of("ocr2-stale", "proxy");
    let plain = format!(
        "Labels:\n - alertname = FeedStale\n - contract_address = {}\n - job = ocr_telemetry_prometheus_exporter_bed\n",
        proxy.to_lowercase()
    );
    let json = json!({
        "version": "4", "status": "firing", "receiver": "ira", "groupKey": "{}", "truncatedAlerts": 0,
        "groupLabels": {}, "commonLabels": {}, "commonAnnotations": {}, "externalURL": "http://am.example",
        "alerts": [{ "status": "firing", "labels": { "alertname": "FeedStale", "contract": proxy, "network_name": "bed" },
            "annotations": {}, "startsAt": "2026-11-21T03:59:51.953Z", "endsAt": "0001-01-01T00:00:00Z", "generatorURL": "", "fingerprint": "dfa6cc323feecd04" }],
    })
    .to_string();
    for alert in [plain, json] {
        let ran = Ran::with_input(
            ira(home.path())
                .args(["feed-report", "--json", "--window", WINDOW, "--alert", "-", "--config"])
                .arg(&config),
            &alert,
        );
        assert_eq!(ran.code, 4, "{}", ran.err);
        let feed = &ran.json()["data"]["feeds"][0];
        assert_eq!(finding(feed, "stale")["status"], "critical");
    }
}

#[test]
fn text_from_the_chain_cannot_move_the_cursor() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    for format in ["table", "markdown", "json"] {
        let proxy = bed.of("ocr2-escape", "proxy");
        let ran = Ran::of(ira(home.path()).args(["feed-report", &proxy, "--rpc-url", &bed.url, "--format", format]));
        assert!(ran.out.contains("EVIL"), "{ran:?}");
        assert!(!ran.out.chars().any(|c| (c.is_control() && c != '\n') || c == '\u{202e}'), "{}", ran.out);
    }
}

#[test]
fn errors_name_the_place_and_the_mend() {
    let bed = bed::shared();
    let text = |key: &str| bed.about[key].as_str().expect("an address").to_owned();
    let healthy = bed.of("ocr2-healthy", "proxy");
    let wrong_checksum: String =
        healthy.char_indices().map(|(at, c)| if at > 1 && at < 30 { swap_case(c) } else { c }).collect();
    for (asked, code, said) in [
        (text("eoa"), 69, "no code"),
        (text("not_a_feed"), 69, "is no feed"),
        (wrong_checksum, 2, "checksum"),
        ("ocr2-silnet-usd".to_owned(), 2, "ocr2-silent-usd"),
        ("0x1234".to_owned(), 2, "40"),
    ] {
        let ran = report(bed, "", &[&asked]);
        assert_eq!(ran.code, code, "{asked}: {ran:?}");
        assert!(ran.err.contains(said) && ran.err.contains("hint:"), "{asked}: {}", ran.err);
        assert_eq!(ran.json()["success"], false, "errors come in the envelope too");
    }
}

fn swap_case(c: char) -> char {
    if c.is_ascii_lowercase() { c.to_ascii_uppercase() } else { c.to_ascii_lowercase() }
}

#[test]
fn the_endpoints_own_chain_names_the_network() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let ask = |network: &[&str]| {
        Ran::of(
            ira(home.path())
                .args(["feed-report", "--json", &bed.of("ocr2-healthy", "proxy"), "--rpc-url", &bed.url])
                .args(network),
        )
    };
    assert_eq!(ask(&[]).json()["data"]["network"]["name"], "chain-31337");
    let wrong = ask(&["--network", "ethereum-mainnet"]);
    assert_eq!(wrong.code, 69);
    assert!(wrong.err.contains("31337") && wrong.err.contains("ethereum-mainnet"), "{}", wrong.err);
}

#[test]
fn a_hundred_feeds_take_at_most_six_round_trips_and_every_silent_oracle_is_found() {
    let bed = Bed::start(Chain::Fleet);
    let home = tempfile::tempdir().expect("a folder");
    let ran = Ran::of(
        ira(home.path())
            .env("IRA_LOG", "info")
            .args(["feed-report", "--json", "--all", "--window", WINDOW, "--rpc-url", &bed.url, "--directory"])
            .arg(Chain::Fleet.directory()),
    );
    assert_eq!(ran.code, 4, "{}", ran.err);
    let json = ran.json();
    let feeds = json["data"]["feeds"].as_array().expect("feeds");
    assert_eq!(feeds.len(), 100);
    let silent = feeds.iter().filter(|feed| finding(feed, "silent-oracle")["status"] == "critical").count();
    assert_eq!(silent, 10);
    let trips =
        ran.err.split(" round trips").next().and_then(|text| text.rsplit(' ').next()).and_then(|n| n.parse().ok());
    assert!(trips.is_some_and(|trips: u32| trips <= 6), "{}", ran.err);
}
