//! Telling a node to do something: planned, asked, done, read back; and named by the report that finds it needed.

use super::*;

#[test]
fn a_disabled_key_is_enabled_and_read_back() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let from = account(&bed, "node");
    let mut script = sound(&bed, situation, from);
    script.keys[0]["disabled"] = json!(true);
    let node = FakeNode::start(script);
    let person = Person::with(&bed.url, &[("a", &node)]);
    let shown = person.runs(&[
        "vrf-runbook",
        "--coordinator",
        text(situation, "coordinator"),
        "--request",
        text(situation, "request_id"),
    ]);
    let next =
        shown.out.lines().find_map(|line| line.strip_prefix("next: ")).unwrap_or_else(|| panic!("{}", shown.out));
    assert_eq!(next, format!("ira act node.enable_key --node a --address {from} --dry-run --network bed"));
    let typed: Vec<&str> = next.split(' ').skip(1).collect();
    let plan = person.runs(&typed);
    assert!(plan.code == 0 && plan.out.contains("disabled") && plan.out.contains("--yes"), "{plan:?}");
    let words: Vec<&str> = typed.iter().copied().filter(|word| *word != "--dry-run").collect();
    assert_eq!(person.runs(&words).code, 3, "nobody is there to be asked");
    assert!(!node.asked().iter().any(|line| line.starts_with("POST /v2")), "nothing was done yet");
    let done = person.runs(&[&words[..], &["--yes", "--json"]].concat());
    assert_eq!((done.code, &done.json()["data"]["actions"][0]["status"]), (0, &json!("done")), "{done:?}");
    let told: Vec<String> = node.asked().into_iter().filter(|line| line.starts_with("POST /v2")).collect();
    assert_eq!(told, [format!("POST /v2/keys/evm/chain?address={from}&evmChainID=31337&enabled=true")]);
    let again = person.runs(&[&words[..], &["--yes"]].concat());
    assert!(again.code == 0 && again.out.contains("Nothing to do"), "{again:?}");
    let (_, request) = person.walks(situation, &[]);
    assert_eq!(holds(&request, "key-disabled").0, "pass");
}

#[test]
fn a_missed_request_is_replayed_and_the_report_says_so() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let script = Script { runs: Vec::new(), ..sound(&bed, situation, account(&bed, "node")) };
    let node = FakeNode::start(script);
    let person = Person::with(&bed.url, &[("a", &node)]);
    let shown = person.runs(&[
        "vrf-runbook",
        "--coordinator",
        text(situation, "coordinator"),
        "--request",
        text(situation, "request_id"),
    ]);
    let next =
        shown.out.lines().find_map(|line| line.strip_prefix("next: ")).unwrap_or_else(|| panic!("{}", shown.out));
    assert_eq!(next, format!("ira act node.replay --node a --block {} --dry-run --network bed", situation["block"]));
    let words: Vec<&str> = next.split(' ').skip(1).collect();
    assert_eq!(person.runs(&words).code, 0);
    let words: Vec<&str> = words.into_iter().filter(|word| *word != "--dry-run").collect();
    for _ in 0..2 {
        let done = person.runs(&[&words[..], &["--yes"]].concat());
        assert_eq!(done.code, 0, "{done:?}");
    }
    let told: Vec<String> = node.asked().into_iter().filter(|line| line.starts_with("POST /v2")).collect();
    let line = "POST /v2/replay_from_block/580?force=true&evmChainID=31337&family=evm&ChainID=31337";
    assert_eq!(told, [line, line], "it is safe to repeat");
}

#[test]
fn what_a_node_does_not_allow_or_know_is_refused_before_anything_is_written_or_after() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let node = FakeNode::start(Script { admin: false, ..sound(&bed, situation, account(&bed, "node")) });
    let person = Person::with(&bed.url, &[("a", &node)]);
    let replay = ["act", "node.replay", "--node", "a", "--yes", "--block"];
    let denied = person.runs(&[&replay[..], &["580"]].concat());
    assert!(denied.code == 69 && denied.err.contains("the role of this user does not allow"), "{denied:?}");
    assert!(denied.err.contains("`run`"), "{}", denied.err);
    // It was refused: the same may be asked for again.
    node.change(|script| script.admin = true);
    assert_eq!(person.runs(&[&replay[..], &["580"]].concat()).code, 0);
    let early = person.runs(&[&replay[..], &["700"]].concat());
    assert!(early.code == 2 && early.err.contains("block 700 is not there yet"), "{early:?}");
    let lost = person.runs(&["act", "node.replay", "--node", "bb", "--block", "1", "--dry-run"]);
    assert!(lost.code == 2 && lost.err.contains("no node `bb`"), "{lost:?}");
    let key = person.runs(&["act", "node.enable_key", "--node", "a", "--address", account(&bed, "gap"), "--dry-run"]);
    assert!(key.code == 69 && key.err.contains("has no key") && key.err.contains(account(&bed, "node")), "{key:?}");
    node.change(|script| script.opens = false);
    assert_eq!(person.runs(&[&replay[..], &["580"]].concat()).code, 69);
}

#[test]
fn the_runbook_tells_a_node_what_mends_without_a_key_of_its_own() {
    let bed = Bed::start(Chain::Vrf);
    let situation = situation(&bed, "healthy-pending");
    let from = account(&bed, "node");
    let mut script = Script { runs: Vec::new(), ..sound(&bed, situation, from) };
    script.keys[0]["disabled"] = json!(true);
    let node = FakeNode::start(script);
    let person = Person::with(&bed.url, &[("a", &node)]);
    let (coordinator, request) = (text(situation, "coordinator"), text(situation, "request_id"));
    let words =
        ["vrf-runbook", "--coordinator", coordinator, "--request", request, "--apply", "--json", "--wait", "1s"];
    let dry = person.runs(&[&words[..], &["--dry-run"]].concat());
    assert_eq!(dry.code, 0, "{dry:?}");
    assert!(!node.asked().iter().any(|line| line.starts_with("POST /v2")), "nothing was done yet");
    let done = person.runs(&[&words[..], &["--yes"]].concat());
    assert_eq!(done.code, 4, "told, and not fulfilled yet: {done:?}");
    let actions = done.json()["data"]["actions"].clone();
    let shown: Vec<(&str, &str)> = actions
        .as_array()
        .expect("actions")
        .iter()
        .filter_map(|action| Some((action["action"].as_str()?, action["status"].as_str()?)))
        .collect();
    assert_eq!(shown, [("node.enable_key", "done"), ("node.replay", "done")], "{actions:#}");
    assert_eq!(node.asked().iter().filter(|line| line.starts_with("POST /v2")).count(), 2);
}
