//! Answers that are none.

use ira_commands::Kind;
use ira_commands::node::NodeRead as _;

use super::*;

#[tokio::test]
async fn what_is_no_answer_is_a_fault_that_says_what_came() {
    type Case = (&'static str, fn() -> Reply, Kind, &'static str);
    let cases: [Case; 10] = [
        (
            "a web page",
            || Reply::status(200, "<!doctype html><html>the operator's pages</html>"),
            Kind::BadAnswer,
            "web page",
        ),
        ("no JSON", || Reply::status(200, "hello"), Kind::BadAnswer, "no JSON"),
        ("no list", || Reply::json(&json!({ "data": { "id": "1" } })), Kind::BadAnswer, "without a list"),
        ("no data", || Reply::json(&json!({ "jobs": [] })), Kind::BadAnswer, "without a list"),
        ("half", || Reply { cut: Some(5), ..listed("jobs", &[]) }, Kind::BadAnswer, "broke off"),
        ("huge", || Reply::status(200, vec![b' '; 17 << 20]), Kind::TooLarge, "more than 16 MiB"),
        ("down", || Reply::status(500, "oh \u{1b}[31mno"), Kind::Unreachable, "out of order (HTTP 500)"),
        ("busy", || Reply::status(429, ""), Kind::RateLimited, "slow down"),
        (
            "away",
            || Reply::status(301, "").header("location", "https://evil.example/steal"),
            Kind::BadAnswer,
            "redirects",
        ),
        ("gone", missing, Kind::Missing, "has no /v2/jobs"),
    ];
    for (name, reply, kind, said) in cases {
        let (_server, node) = serving(move |_| reply()).await;
        let fault = node.jobs().await.expect_err(name);
        assert_eq!(fault.kind, kind, "{name}: {fault}");
        assert!(fault.one_line().contains(said) && fault.message.starts_with("the node vrf-1 "), "{name}: {fault}");
        assert!(!fault.one_line().contains('\u{1b}') && !leaks(&format!("{fault:?}")), "{name}: {fault:?}");
    }
}

#[tokio::test]
async fn a_node_that_is_not_there_or_slow_is_said_so() {
    let node = node_at("http://127.0.0.1:1/");
    let fault = node.keys().await.expect_err("nobody listens");
    assert!(fault.kind == Kind::Unreachable && fault.message.contains("cannot be reached"), "{fault}");
    let (_server, node) = serving(|_| listed("jobs", &[]).after(Duration::from_secs(30))).await;
    let fault = node.jobs().await.expect_err("too slow");
    assert_eq!(fault.kind, Kind::Timeout, "{fault}");
}

#[tokio::test]
async fn hostile_items_are_left_out_and_named_once() {
    let deep = |levels: usize| (0..levels).fold(json!(1), |inside, _| json!([inside]));
    let (_server, node) = serving(move |seen| match seen.line().split('?').next().unwrap_or_default() {
        "GET /v2/keys/evm" => Reply::json(&json!({ "data": [
            null, 7, "x", [], {}, { "attributes": null }, { "attributes": { "address": "0x12" } }, { "attributes": { "address": 7, "disabled": "maybe" } },
            { "attributes": { "address": format!("0x{}", "1".repeat(40)), "ethBalance": "1e30", "maxGasPriceWei": -1, "disabled": "true" } },
        ] })),
        "GET /v2/jobs" => Reply::json(&json!({ "data": [
            { "id": deep(5), "attributes": { "type": "vrf", "name": "\u{202e}EVIL\u{1b}[2J", "vrfSpec": { "coordinatorAddress": ["x", 7, null], "fromAddresses": "0x1", "publicKey": "0xZZ", "requestTimeout": "soon", "evmChainID": {} } } },
            { "id": "2", "attributes": { "type": "vrf", "vrfSpec": "none", "errors": "none" } },
            { "id": "3", "attributes": { "type": 7 } },
        ] })),
        "GET /v2/transactions/evm" => Reply::json(&json!({ "data": [{ "attributes": { "hash": "0x1" } }, { "attributes": { "hash": format!("0x{}", "1".repeat(64)), "data": "0xabc", "sentAt": "yesterday", "gasLimit": 1e30 } }] })),
        _ => Reply::json(&deep(100)),
    })
    .await;
    let keys = node.keys().await.expect("keys");
    assert_eq!((keys.len(), keys[0].disabled, keys[0].balance, keys[0].max_gas_price), (1, Some(true), None, None));
    let jobs = node.jobs().await.expect("jobs");
    assert_eq!(jobs.len(), 2, "a spec that is none is a job that cannot be judged");
    assert_eq!((jobs[0].name.as_str(), jobs[0].coordinators.len(), jobs[0].request_timeout), ("EVIL[2J", 0, None));
    let transactions = node.transactions().await.expect("transactions");
    assert_eq!((transactions.len(), transactions[0].sent_at_block, transactions[0].gas_limit), (1, None, None));
    assert_eq!(node.health().await, Ok(Vec::new()));
    let doubts = node.not_understood();
    assert!((5..=20).contains(&doubts.len()), "{doubts:?}");
    for part in ["requestTimeout", "publicKey", "sentAt", "ethBalance", "errors"] {
        assert!(doubts.iter().any(|doubt| doubt.contains(part)), "{part}: {doubts:?}");
    }
    assert!(
        doubts.iter().all(|doubt| doubt.chars().count() < 160 && !doubt.chars().any(char::is_control)),
        "{doubts:?}"
    );
}
