//! The same facts from older and newer builds.

use ira_commands::node::NodeRead as _;
use ira_commands::value::{H160, H256, U256};

use super::*;

const COORDINATOR: &str = "0xD7f86b4b8Cae7D942340FF628F82735b7a20893a";
const ACCOUNT: &str = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
const PUBLIC: &str = "0x79BE667EF9DCBBAC55A06295CE870B07029BFCDB2DCE28D959F2815B16F8179801";

fn address(text: &str) -> H160 {
    text.parse().expect("an address")
}

/// A job of a newer build: the chain is a text, spans are words, the feeder has several accounts.
fn newer(seen: &Seen) -> Reply {
    match seen.line().split('?').next().unwrap_or_default() {
        "GET /v2/keys/evm" => listed(
            "keys",
            &[
                (
                    ACCOUNT,
                    json!({ "evmChainID": "31337", "address": ACCOUNT, "disabled": true, "ethBalance": "0.100000000000000000", "linkBalance": "0", "maxGasPriceWei": "500000000000" }),
                ),
                (ACCOUNT, json!({ "evmChainID": "1", "address": ACCOUNT, "disabled": false, "ethBalance": null })),
            ],
        ),
        "GET /v2/keys/vrf" => listed(
            "encryptedVRFKeys",
            &[(
                PUBLIC,
                json!({ "compressed": PUBLIC, "uncompressed": "0x04", "hash": format!("0x{}", "7".repeat(64)) }),
            )],
        ),
        "GET /v2/jobs" => listed(
            "jobs",
            &[
                (
                    "5",
                    json!({ "name": "lane main", "type": "vrf", "errors": [{ "id": 1, "description": "no \u{1b}[31mgas", "occurrences": 12, "updatedAt": "2026-09-22T10:20:30Z" }],
                "vrfSpec": { "coordinatorAddress": COORDINATOR, "fromAddresses": [ACCOUNT], "publicKey": PUBLIC, "evmChainID": "31337", "requestTimeout": "24h0m0s",
                    "backoffInitialDelay": "1m0s", "backoffMaxDelay": "1h0m0s", "minIncomingConfirmations": 3, "vrfOwnerAddress": null, "pollPeriod": "5s" } }),
                ),
                (
                    "6",
                    json!({ "name": null, "type": "blockhashstore", "errors": null,
                "blockhashStoreSpec": { "coordinatorV1Address": null, "coordinatorV2Address": null, "coordinatorV2PlusAddress": COORDINATOR, "waitBlocks": 100, "lookbackBlocks": 200,
                    "blockhashStoreAddress": COORDINATOR, "trustedBlockhashStoreAddress": null, "pollPeriod": 30_000_000_000_u64, "evmChainID": "31337", "fromAddresses": [ACCOUNT] } }),
                ),
                ("7", json!({ "type": "vrf", "vrfSpec": { "coordinatorAddress": COORDINATOR, "evmChainID": "1" } })),
                ("8", json!({ "type": "fluxmonitor", "fluxMonitorSpec": {} })),
            ],
        ),
        "GET /v2/transactions/evm" => listed(
            "evm_transactions",
            &[
                (
                    "0x11",
                    json!({ "state": "unconfirmed", "data": "0xAbCd", "from": ACCOUNT, "gasLimit": "250000", "gasPrice": "3000000000", "hash": format!("0x{}", "1".repeat(64)),
                "nonce": "7", "sentAt": "590", "to": COORDINATOR, "value": "0", "evmChainID": "31337" }),
                ),
                (
                    "0x12",
                    json!({ "state": "unstarted", "data": "0x", "from": ACCOUNT, "gasLimit": "1", "gasPrice": "", "hash": format!("0x{}", "2".repeat(64)),
                "nonce": "", "sentAt": "", "to": null, "evmChainID": "31337" }),
                ),
            ],
        ),
        "GET /v2/build_info" => Reply::json(&json!({ "version": "2.19.0", "commitSHA": "abc" })),
        "GET /health" => Reply {
            status: 503,
            ..listed(
                "checks",
                &[
                    (
                        "EVM.31337.HeadTracker",
                        json!({ "name": "EVM.31337.HeadTracker", "status": "failing", "output": "no new heads" }),
                    ),
                    ("Mailbox", json!({ "name": "Mailbox", "status": "passing", "output": "" })),
                ],
            )
        },
        "GET /metrics" => Reply::status(200, "head_tracker_current_head{evmChainID=\"31337\"} 600\n"),
        _ => missing(),
    }
}

#[tokio::test]
async fn a_newer_build_is_read_whole() {
    let (_server, node) = serving(newer).await;
    let keys = node.keys().await.expect("keys");
    assert_eq!(keys.len(), 1, "that of another chain is not asked about");
    assert_eq!((keys[0].address, keys[0].disabled), (address(ACCOUNT), Some(true)));
    assert_eq!(keys[0].balance, Some(U256::exp10(17)));
    let vrf = node.vrf_keys().await.expect("keys");
    let jobs = node.jobs().await.expect("jobs");
    assert_eq!(jobs.iter().map(|job| job.id.as_str()).collect::<Vec<_>>(), ["5", "6"]);
    let (job, feeder) = (&jobs[0], &jobs[1]);
    assert_eq!(job.public_key.as_ref(), Some(&vrf[0].public), "one spelling");
    assert_eq!((job.coordinators.clone(), job.from.clone()), (vec![address(COORDINATOR)], vec![address(ACCOUNT)]));
    assert_eq!(
        (job.request_timeout, job.backoff_initial, job.backoff_max),
        (Some(86_400), Some(60_000), Some(3_600_000))
    );
    assert_eq!(
        (job.errors[0].description.as_str(), job.errors[0].occurrences, job.errors[0].at),
        ("no [31mgas", Some(12), Some(1_790_072_430))
    );
    assert_eq!(
        (feeder.coordinators.clone(), feeder.wait_blocks, feeder.lookback_blocks),
        (vec![address(COORDINATOR)], Some(100), Some(200))
    );
    let transactions = node.transactions().await.expect("transactions");
    assert_eq!(
        (transactions[0].sent_at_block, transactions[0].nonce, transactions[0].data.as_slice()),
        (Some(590), Some(7), &[0xab, 0xcd][..])
    );
    assert_eq!((transactions[1].sent_at_block, transactions[1].nonce), (None, None));
    assert_eq!(node.version().await, Ok(Some("2.19.0".to_owned())));
    let health = node.health().await.expect("it says why it is not well");
    assert_eq!((health[0].passing, health[0].output.as_str(), health[1].passing), (false, "no new heads", true));
    assert_eq!(node.meters().await.expect("metrics").head, Some(600));
    assert_eq!(node.not_understood(), [""; 0]);
}

#[tokio::test]
async fn an_older_build_is_read_under_its_own_paths_and_names() {
    let (server, node) = serving(|seen| match seen.line().split('?').next().unwrap_or_default() {
        "GET /v2/keys/eth" => listed("eTHKeys", &[
            (ACCOUNT, json!({ "evmChainID": 31337, "address": ACCOUNT, "isFunding": false, "ethBalance": "0" })),
            (COORDINATOR, json!({ "evmChainID": 31337, "address": COORDINATOR, "isFunding": true })),
        ]),
        "GET /v2/jobs" => listed("jobs", &[
            ("1", json!({ "type": "vrf", "vrfSpec": { "coordinatorAddress": COORDINATOR, "publicKey": PUBLIC, "confirmations": 6, "evmChainID": 31337, "requestTimeout": 7_200_000_000_000_u64 } })),
            ("2", json!({ "type": "blockhashstore", "blockhashStoreSpec": { "coordinatorV2Address": COORDINATOR, "fromAddress": ACCOUNT } })),
        ]),
        "GET /v2/transactions" => listed("transactions", &[(&format!("0x{}", "3".repeat(64)), json!({ "state": "confirmed", "gasLimit": 250_000, "hex": "0x" }))]),
        _ => missing(),
    })
    .await;
    let keys = node.keys().await.expect("keys");
    assert_eq!((keys.len(), keys[0].disabled, keys[0].balance), (1, None, Some(U256::zero())), "it does not say");
    let jobs = node.jobs().await.expect("jobs");
    assert_eq!(
        (jobs[0].min_confirmations, jobs[0].request_timeout, jobs[0].backoff_initial),
        (Some(6), Some(7_200), None)
    );
    assert_eq!(jobs[1].from, [address(ACCOUNT)]);
    let transactions = node.transactions().await.expect("transactions");
    assert_eq!((transactions[0].hash, transactions[0].gas_limit), (H256::repeat_byte(0x33), Some(250_000)));
    assert_eq!(node.version().await, Ok(None));
    assert!(node.health().await.is_err() && node.meters().await.is_err());
    let lines: Vec<String> = server.seen.lock().expect("no panic").iter().map(|seen| seen.line().to_owned()).collect();
    assert!(lines.iter().any(|line| line.starts_with("GET /v2/keys/evm?size=")), "{lines:?}");
}

#[tokio::test]
async fn a_run_names_its_request_wherever_it_stands_in_the_inputs() {
    let tx = format!("0x{}", "a".repeat(64));
    let id = format!("0x{:0>64}", "1f");
    let data = format!("0x{:0>64}{:0>64}", "1f", "2a");
    let inputs = [
        json!({ "jobRun": { "logTxHash": tx, "logBlockNumber": 580 } }),
        json!({ "jobRun": { "logBlockNumber": "580", "logData": data, "logTopics": [tx] } }),
        Json::String(json!({ "requestID": "31", "block": "0x244" }).to_string()),
        json!({ "jobSpec": { "publicKey": "0x00" }, "jobRun": { "requestTx": tx, "requestId": id, "requestBlock": 580 } }),
        json!({}),
        Json::String("no JSON".to_owned()),
        Json::Null,
    ];
    let (_server, node) = serving(move |seen| {
        if !seen.line().starts_with("GET /v2/jobs/5/runs?size=100&page=1") {
            return missing();
        }
        let runs: Vec<(String, Json)> = inputs
            .iter()
            .enumerate()
            .map(|(at, inputs)| (at.to_string(), json!({ "createdAt": "2026-09-22T10:20:30Z", "inputs": inputs, "errors": [null, "boom", "boom"], "fatalErrors": ["worse"] })))
            .collect();
        let runs: Vec<(&str, Json)> = runs.iter().map(|(id, run)| (id.as_str(), run.clone())).collect();
        listed("pipelineRun", &runs)
    })
    .await;
    let found = node.runs("5", 0).await.expect("runs");
    assert!(found.complete);
    let told: Vec<_> = found.runs.iter().map(|run| (run.tx, run.block, run.request.map(|id| id.as_u64()))).collect();
    let tx = Some(H256::repeat_byte(0xaa));
    let nothing = (None, None, None);
    let wanted = [
        (tx, Some(580), None),
        (None, Some(580), Some(31)),
        (None, Some(580), Some(31)),
        (tx, Some(580), Some(31)),
        nothing,
        nothing,
        nothing,
    ];
    assert_eq!(told, wanted);
    assert_eq!(
        (found.runs[0].errors.clone(), found.runs[0].at),
        (vec!["boom".to_owned(), "worse".to_owned()], Some(1_790_072_430))
    );
    assert!(node.not_understood().iter().any(|doubt| doubt.contains("inputs")), "{:?}", node.not_understood());
}

#[tokio::test]
async fn pages_are_followed_as_far_as_is_wanted_and_never_for_ever() {
    let run = |page: u64| json!({ "createdAt": format!("2026-09-{:02}T00:00:00Z", 30 - page), "inputs": {} });
    let (server, node) = serving(move |seen| {
        let page: u64 = seen.line().rsplit_once("page=").and_then(|(_, page)| page.parse().ok()).expect("a page");
        let mut reply = json!({ "data": [{ "id": page.to_string(), "attributes": run(page) }] });
        reply["links"] = json!({ "next": "http://127.0.0.1:1/steal?page=2", "prev": null });
        Reply::json(&reply)
    })
    .await;
    // The day of the third page.
    let some = node.runs("5", 1_790_640_000 - 86_400).await.expect("runs");
    assert_eq!((some.runs.len(), some.complete), (3, true));
    let all = node.runs("5", 0).await.expect("runs");
    assert_eq!((all.runs.len(), all.complete), (10, false), "a node that always has a next page");
    assert_eq!(server.requests(), 1 + 3 + 10);
    for id in ["", "../keys", "5?x=1", "5/runs"] {
        assert!(node.runs(id, 0).await.is_err(), "{id}");
    }
}
