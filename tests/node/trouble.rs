//! Nodes that cannot be asked, and which ones are.

use std::time::Duration;

use super::*;

#[test]
fn a_node_that_cannot_be_asked_is_a_gap_and_not_the_end_of_the_report() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let healthy = || sound(&bed, situation, account(&bed, "node"));
    let cases: [(Script, &str); 5] = [
        (Script { opens: false, ..healthy() }, "refuses the login"),
        (Script { instead: Some((401, "{}")), ..healthy() }, "the role of this user does not allow"),
        (Script { instead: Some((500, "oh")), ..healthy() }, "is out of order"),
        (Script { instead: Some((200, "<html>pages</html>")), ..healthy() }, "answers with a web page"),
        (Script { delay: Duration::from_secs(5), ..healthy() }, "does not answer in time"),
    ];
    for (script, said) in cases {
        let node = FakeNode::start(script);
        let (ran, request) = Person::with(&bed.url, &[("a", &node)]).walks(situation, &["--timeout", "1"]);
        assert_eq!((ran.code, &request["status"]), (4, &json!("pending")), "{said}: {}", ran.err);
        for cause in ["key-disabled", "job-broken", "log-missed", "fulfil-gas-too-low", "backing-off"] {
            let found = step(&request, cause);
            assert_eq!(found["status"], "unknown", "{said}: {found}");
            assert!(found["message"].as_str().is_some_and(|message| message.contains(said)), "{said}: {found}");
        }
        let told = &ran.json()["data"]["nodes"][0];
        assert!(told["faults"]["jobs"].as_str().is_some_and(|fault| fault.contains(said)), "{told:#}");
    }
}

#[test]
fn one_sound_node_is_enough_and_the_other_is_named() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let good = FakeNode::start(sound(&bed, situation, account(&bed, "node")));
    let shut = FakeNode::start(Script { opens: false, ..sound(&bed, situation, account(&bed, "node")) });
    let person = Person::with(&bed.url, &[("a", &good), ("b", &shut)]);
    let (ran, request) = person.walks(situation, &[]);
    let found = step(&request, "job-broken");
    assert_eq!(found["status"], "pass", "{found}");
    assert!(found["message"].as_str().is_some_and(|message| message.contains("not known: the node b")), "{found}");
    let nodes = ran.json()["data"]["nodes"].clone();
    assert_eq!((&nodes[0]["name"], &nodes[1]["name"]), (&json!("a"), &json!("b")));
    assert_eq!(shut.asked().iter().filter(|line| *line == "POST /sessions").count(), 1);
    // The table names both, and stays a table.
    let shown = person.runs(&[
        "vrf-runbook",
        "--coordinator",
        text(situation, "coordinator"),
        "--request",
        text(situation, "request_id"),
    ]);
    assert!(shown.out.contains("version 2.19.0") && shown.out.contains("refuses the login"), "{}", shown.out);
}

#[test]
fn only_the_nodes_that_are_named_are_asked_and_a_typo_names_the_nearest() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let (one, two) = (sound(&bed, situation, account(&bed, "node")), sound(&bed, situation, account(&bed, "node")));
    let (one, two) = (FakeNode::start(one), FakeNode::start(two));
    let person = Person::with(&bed.url, &[("vrf-1", &one), ("vrf-2", &two)]);
    let (ran, _) = person.walks(situation, &["--node", "VRF_2"]);
    assert_eq!(ran.json()["data"]["nodes"].as_array().map(Vec::len), Some(1));
    assert!(one.asked().is_empty() && !two.asked().is_empty());
    let wrong = person.runs(&["vrf-runbook", "--coordinator", text(situation, "coordinator"), "--node", "vrf1"]);
    assert_eq!(wrong.code, 2, "{}", wrong.err);
    assert!(
        wrong.err.contains("no node `vrf1` is configured") && wrong.err.contains("did you mean `vrf-1`?"),
        "{}",
        wrong.err
    );
    let feed = person.runs(&["feed-report", "eth-usd", "--node", "vrf-1"]);
    assert_eq!(feed.code, 2, "a feed is asked of no node: {}", feed.err);
    let replayed = person.runs(&["vrf-runbook", "--coordinator", "0x0", "--node", "vrf-1", "--replay", "x.json"]);
    assert_eq!(replayed.code, 2, "{}", replayed.err);
}

#[test]
fn without_a_node_the_report_says_what_to_give() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let (ran, request) = Person::with(&bed.url, &[]).walks(situation, &[]);
    let remedy = step(&request, "job-broken").clone();
    assert_eq!(remedy["status"], "unknown");
    assert_eq!(ran.json()["data"]["nodes"], json!([]));
    let table = Person::with(&bed.url, &[]).runs(&[
        "vrf-runbook",
        "-v",
        "--wide",
        "--coordinator",
        text(situation, "coordinator"),
        "--request",
        text(situation, "request_id"),
    ]);
    assert!(table.out.contains("only the node can say"), "{}", table.out);
}

#[test]
fn neither_password_nor_cookie_is_in_logs_or_recordings() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    for script in [sound(&bed, situation, account(&bed, "node")), Script { opens: false, ..Script::default() }] {
        let node = FakeNode::start(script);
        let person = Person::with(&bed.url, &[("a", &node)]);
        let words = [
            "vrf-runbook",
            "--coordinator",
            text(situation, "coordinator"),
            "--request",
            text(situation, "request_id"),
            "--record",
            "case.json",
        ];
        let ran = Ran::of(person.command(&words).env("IRA_LOG", "trace"));
        assert_eq!(ran.code, 4, "{}", ran.err);
        let recording = std::fs::read_to_string(person.home.path().join("case.json")).expect("a recording");
        for shown in [&ran.out, &ran.err, &recording] {
            assert!(!shown.contains("CANARY"), "a secret is shown");
        }
        assert!(ran.err.contains("what the nodes say is not in the recording"), "{}", ran.err);
    }
}
