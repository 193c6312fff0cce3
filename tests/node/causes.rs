//! Each cause that a node tells, provoked; and its healthy twin.

use super::*;

/// The causes that need a node.
const OF_A_NODE: [&str; 9] = [
    "bhs-feeder-broken",
    "node-key-dry",
    "tx-stuck",
    "key-disabled",
    "job-broken",
    "log-missed",
    "expired-in-node",
    "fulfil-gas-too-low",
    "backing-off",
];

#[test]
fn a_sound_node_rules_out_every_cause_that_only_it_can_tell() {
    let bed = Bed::start(Chain::Vrf);
    for name in ["healthy-pending", "v2-healthy-pending"] {
        let situation = situation(&bed, name);
        let node = FakeNode::start(sound(&bed, situation, account(&bed, "node")));
        let (ran, request) = Person::with(&bed.url, &[("a", &node)]).walks(situation, &[]);
        for cause in OF_A_NODE {
            // Its only try went well and was long enough ago: nothing says how often it tries again.
            let wanted = if cause == "backing-off" { "unknown" } else { "pass" };
            assert_eq!(holds(&request, cause), (wanted.to_owned(), false), "{name} {}", step(&request, cause));
        }
        let told = &ran.json()["data"]["nodes"][0];
        assert_eq!(
            (&told["name"], &told["reachable"], &told["version"]),
            (&json!("a"), &json!(true), &json!("2.19.0"))
        );
        assert_eq!((told["head"].as_u64(), &told["not_understood"]), (Some(head(&bed).0), &json!([])), "{told:#}");
        assert_eq!(told["jobs"][0]["key_hash"], situation["key_hash"]);
        let logins = node.asked().iter().filter(|line| *line == "POST /sessions").count();
        assert_eq!(logins, 1);
    }
}

#[test]
fn each_cause_is_provoked_and_named_and_the_others_are_not() {
    type Change = fn(&mut Script, &Bed);
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let person_at = |script: Script| {
        let node = FakeNode::start(script);
        Person::with(&bed.url, &[("a", &node)]).walks(situation, &[]).1
    };
    let cases: [(&str, &str, bool, &str, Change); 15] = [
        ("disabled", "key-disabled", true, "1 of 1 sending keys are disabled", |script, _| {
            script.keys[0]["disabled"] = json!(true);
        }),
        ("one of two disabled", "key-disabled", false, "1 of 2 sending keys", |script, bed| {
            let second = bed.about["accounts"]["funder"]["address"].as_str().expect("an address");
            script.keys.push(json!({ "evmChainID": "31337", "address": second, "disabled": true }));
            script.jobs[0].1["vrfSpec"]["fromAddresses"] = json!([account(bed, "node"), second]);
        }),
        ("dry", "node-key-dry", true, "every sending key holds less", |script, bed| {
            let dry = account(bed, "dry");
            script.keys[0]["address"] = json!(dry);
            script.jobs[0].1["vrfSpec"]["fromAddresses"] = json!([dry]);
        }),
        ("missing", "job-broken", true, "none has a VRF job for this coordinator", |script, _| {
            drop(script.jobs.remove(0));
        }),
        ("coordinator", "job-broken", true, "has the key but another coordinator", |script, bed| {
            script.jobs[0].1["vrfSpec"]["coordinatorAddress"] = json!(account(bed, "gap"));
        }),
        ("key", "job-broken", true, "is for another key, key hash 0x7777", |script, _| {
            script.vrf_keys[0]["hash"] = json!(format!("0x{}", "7".repeat(64)));
        }),
        ("accounts", "job-broken", true, "which the node has no key of", |script, bed| {
            script.keys[0]["address"] = json!(account(bed, "gap"));
        }),
        ("errors", "job-broken", false, "has errors: no gas left (12 times)", |script, _| {
            script.jobs[0].1["errors"] = json!([{ "description": "no gas left", "occurrences": 12 }]);
        }),
        ("unwell", "job-broken", false, "EVM.31337.HeadTracker (no new heads)", |script, _| {
            script.checks =
                vec![("EVM.31337.HeadTracker", false, "no new heads"), ("EVM.10.HeadTracker", false, "elsewhere")];
        }),
        ("missed", "log-missed", true, "did not see it", |script, _| script.runs.clear()),
        ("dropped", "log-missed", true, "4 requests were dropped since it started", |script, _| {
            script.runs.clear();
            script.metrics += "vrf_dropped_request_count{job_name=\"main\",drop_reason=\"mailbox_size\"} 4\n";
        }),
        ("behind", "log-missed", true, "is at block 550 of 600", |script, _| {
            script.runs.clear();
            script.metrics = "head_tracker_current_head{evmChainID=\"31337\"} 550\n".to_owned();
        }),
        ("expired", "expired-in-node", false, "drops requests after 1 min", |script, _| {
            script.jobs[0].1["vrfSpec"]["requestTimeout"] = json!("1m0s");
        }),
        ("backing off", "backing-off", false, "tried 3 times in vain", |script, bed| {
            let (_, now) = head(bed);
            let mut run = script.runs[0].clone();
            run["errors"] = json!(["simulation reverted"]);
            script.runs = [5, 65, 185]
                .map(|ago| {
                    run["createdAt"] = json!(moment(now - ago));
                    run.clone()
                })
                .to_vec();
        }),
        ("stuck", "tx-stuck", false, "has waited 15 blocks for nonce 7 (unconfirmed)", |script, bed| {
            script.transactions = vec![
                json!({ "state": "unconfirmed", "from": account(bed, "node"), "hash": format!("0x{}", "5".repeat(64)),
                "nonce": "7", "gasLimit": "500000", "sentAt": "585", "data": "0x", "evmChainID": "31337" }),
            ];
        }),
    ];
    for (name, cause, blocks, said, change) in cases {
        let mut script = sound(&bed, situation, account(&bed, "node"));
        change(&mut script, &bed);
        let request = person_at(script);
        assert_eq!(holds(&request, cause), ("fail".to_owned(), blocks), "{name}: {}", step(&request, cause));
        let message = step(&request, cause)["message"].as_str().expect("a message");
        assert!(message.contains(said), "{name}: {message}");
        let status = if cause == "expired-in-node" { "expired" } else { "pending" };
        assert_eq!(request["status"], status, "{name}");
        for other in OF_A_NODE.iter().filter(|other| **other != cause) {
            assert_ne!(holds(&request, other).0, "fail", "{name}: {}", step(&request, other));
        }
    }
}

#[test]
fn a_feeder_that_is_missing_or_broken_is_named_where_a_block_is_owed() {
    let bed = Bed::start(Chain::Vrf);
    let asks = |name: &str, change: fn(&mut Script)| {
        let situation = situation(&bed, name);
        let mut script = sound(&bed, situation, account(&bed, "node"));
        change(&mut script);
        let node = FakeNode::start(script);
        Person::with(&bed.url, &[("a", &node)]).walks(situation, &[]).1
    };
    let missing: fn(&mut Script) = |script| script.jobs.truncate(1);
    let errors: fn(&mut Script) = |script| script.jobs[1].1["errors"] = json!([{ "description": "out of gas" }]);
    let late: fn(&mut Script) = |script| script.jobs[1].1["blockhashStoreSpec"]["waitBlocks"] = json!(300);
    let dry: fn(&mut Script) = |script| script.keys[0]["ethBalance"] = json!("0.000000000000000000");
    for (change, said) in [
        (missing, "no blockhashstore job of a is for this coordinator"),
        (errors, "job 6 of node a, has errors: out of gas"),
        (late, "waits 300 blocks and looks back 200"),
        (dry, "which holds nothing"),
    ] {
        let owed = asks("blockhash-window", change);
        let found = step(&owed, "bhs-feeder-broken");
        assert_eq!(found["status"], "fail", "{found}");
        assert!(found["message"].as_str().is_some_and(|message| message.contains(said)), "{found}");
        let stored = asks("blockhash-stored", change);
        assert_eq!(holds(&stored, "bhs-feeder-broken").0, "pass", "the twin is stored");
        let young = asks("healthy-pending", change);
        let found = step(&young, "bhs-feeder-broken");
        assert!(
            found["status"] == "pass"
                && found["message"].as_str().is_some_and(|message| message.contains("not due yet, but")),
            "{found}"
        );
    }
}

#[test]
fn a_fulfilment_that_reverted_for_want_of_gas_is_found_by_the_nodes_transactions_and_the_chain() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "fulfil-gas-too-low");
    let sent = bed.rpc("eth_getTransactionByHash", &json!([situation["fulfil_tx"]]));
    let number = |field: &str| {
        u64::from_str_radix(sent[field].as_str().expect("hex").trim_start_matches("0x"), 16).expect("hex").to_string()
    };
    let mut script = sound(&bed, situation, account(&bed, "node"));
    script.transactions = vec![
        json!({ "state": "confirmed", "hash": sent["hash"], "from": sent["from"], "to": sent["to"],
        "data": sent["input"], "gasLimit": number("gas"), "nonce": number("nonce"), "sentAt": "561", "evmChainID": "31337" }),
    ];
    let node = FakeNode::start(script);
    let person = Person::with(&bed.url, &[("a", &node)]);
    let (_, request) = person.walks(situation, &[]);
    assert_eq!(
        holds(&request, "fulfil-gas-too-low"),
        ("fail".to_owned(), true),
        "{}",
        step(&request, "fulfil-gas-too-low")
    );
    let evidence = &step(&request, "fulfil-gas-too-low")["evidence"]["attempts"][0];
    assert_eq!((&evidence["gas_limit"], &evidence["success"]), (&json!(250_000), &json!(false)));
    // The same with gas enough is another trouble, and one of another request none of this one's.
    node.change(|script| script.transactions[0]["gasLimit"] = json!("900000"));
    let (_, request) = person.walks(situation, &[]);
    assert_eq!(holds(&request, "fulfil-gas-too-low").0, "pass");
    node.change(|script| {
        script.transactions[0]["gasLimit"] = json!("250000");
        script.transactions[0]["data"] = json!("0xaf198b97");
    });
    let (_, request) = person.walks(situation, &[]);
    assert_eq!(holds(&request, "fulfil-gas-too-low").0, "pass");
}

#[test]
fn what_a_node_does_not_work_on_for_another_cause_it_did_not_miss() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "underfunded");
    let script = Script { runs: Vec::new(), ..sound(&bed, situation, account(&bed, "node")) };
    let node = FakeNode::start(script);
    let (_, request) = Person::with(&bed.url, &[("a", &node)]).walks(situation, &[]);
    let found = step(&request, "log-missed");
    assert!(
        found["status"] == "unknown"
            && found["message"].as_str().is_some_and(|message| message.contains("underfunded")),
        "{found}"
    );
}
