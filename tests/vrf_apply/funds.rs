//! Subscriptions that hold too little.

use super::*;

/// What the runbook says of a subscription's request.
fn evidence(ran: &Ran) -> Value {
    let steps = ran.json()["data"]["requests"][0]["steps"].clone();
    steps.as_array().expect("steps").iter().find(|step| step["step"] == "underfunded").expect("a step")["evidence"]
        .clone()
}

fn digits(value: &Value) -> u128 {
    value.as_str().expect("digits").parse().expect("digits")
}

#[test]
fn an_underfunded_subscription_is_funded_and_the_coordinator_fulfils_what_it_refused() {
    for name in ["underfunded", "v2-underfunded", "underfunded-native"] {
        let case = Case::ours(name);
        let request = case.text("request_id");
        assert_eq!(case.simulated(request)["name"], "InsufficientBalance", "{name}");
        let (link, native) = case.held();
        let before = evidence(&case.run(&["--json"]));
        let needed = digits(&before["documented_maximum"]);

        let dry = case.run(&["--apply", "--dry-run", "--json"]);
        assert_eq!((dry.code, nonce(&case.bed), case.held()), (0, 0, (link, native)), "{name}: {dry:?}");
        let planned = &dry.json()["data"]["actions"][0];
        assert_eq!((&planned["action"], &planned["status"]), (&json!("chain.fund_subscription"), &json!("planned")));

        let ran = case.agreed(&["--wait", "1s"]);
        assert_eq!(ran.code, 4, "mended, and nobody fulfils it: {name}: {ran:?}");
        let action = &ran.json()["data"]["actions"][0];
        assert_eq!(action["status"], "done", "{name}: {ran:?}");
        assert!(action["tx"].is_string() && action["before"] != action["after"], "{action}");
        let (link_now, native_now) = case.held();
        let held = if name.ends_with("native") { native_now } else { link_now };
        assert_eq!(held, needed, "{name}: the documented maximum");
        assert_eq!(nonce(&case.bed), 1, "one transfer");

        let done = case.fulfilled(request);
        assert!(done["ok"] == true && done["success"] == true, "{name}: {done}");
        let after = case.run(&["--json"]);
        assert_eq!((after.code, &after.json()["data"]["requests"][0]["status"]), (0, &json!("fulfilled")), "{name}");
    }
}

#[test]
fn what_a_fulfilment_comes_of_in_time_ends_well() {
    let case = Case::ours("underfunded");
    let mut command = case.command(&[&AGREED[..], &["--wait", "2m", "--json"]].concat());
    let waiting = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("ira starts");
    crate::act::wait_until("it is funded", || nonce(&case.bed) == 1);
    let done = case.fulfilled(case.text("request_id"));
    assert_eq!(done["success"], true, "{done}");
    let ran = Ran::from(waiting.wait_with_output().expect("it ends"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let data = ran.json()["data"].clone();
    assert_eq!((&data["actions"][0]["status"], &data["requests"][0]["status"]), (&json!("done"), &json!("fulfilled")));
}

#[test]
fn a_request_is_funded_with_those_before_it_and_a_subscription_with_all_that_is_pending() {
    let link = |units: u64| u128::from(units) * 10_u128.pow(18);
    // The middle one of three: 36 and 60 LINK are needed until it, 84 more behind it.
    let case = Case::ours("head-of-line");
    let ran = case.agreed(&["--wait", "1s"]);
    assert_eq!((ran.code, case.held().0), (4, link(96)), "{ran:?}");
    let done = case.fulfilled(case.text("request_id"));
    assert_eq!(done["success"], true, "{done}");

    let case = Case::ours("head-of-line");
    let id = case.text("subscription").to_owned();
    let ran = case.agreed(&["--subscription", &id, "--wait", "1s"]);
    assert_eq!((ran.code, case.held().0), (4, link(180)), "{ran:?}");
    let data = ran.json()["data"].clone();
    assert_eq!(data["actions"].as_array().map(Vec::len), Some(1), "one transfer for all of them: {data:#}");
    assert_eq!(nonce(&case.bed), 1);
    for request in case.situation["requests"].as_array().expect("three") {
        let done = case.fulfilled(request["request_id"].as_str().expect("an id"));
        assert_eq!(done["success"], true, "{done}");
    }
}

#[test]
fn the_transaction_of_a_request_counts_the_others_of_its_subscription_too() {
    let case = Case::ours("head-of-line");
    let words = ["vrf-runbook", "--tx", case.text("tx"), "--apply", "--dry-run", "--json"];
    // Whatever contract a transaction led to: who named only that did not vouch for it.
    let found = Ran::of(&mut case.person.ira(&words)).json()["data"].clone();
    assert_eq!((&found["actions"][0]["status"], &found["plan"]), (&json!("not-known"), &Value::Null), "{found:#}");
    let named = [&words[..], &["--coordinator", case.text("coordinator")]].concat();
    let ran = Ran::of(&mut case.person.ira(&named));
    let data = ran.json()["data"].clone();
    assert_eq!((ran.code, data["requests"].as_array().map(Vec::len)), (0, Some(1)), "{ran:?}");
    assert_eq!(data["actions"][0]["after"], "96 LINK", "{data:#}");
}

#[test]
fn what_is_below_the_documented_maximum_is_topped_up_only_where_that_is_asked_for() {
    let case = Case::ours("underfunded-band");
    let ran = case.run(&["--apply", "--dry-run", "--json"]);
    assert_eq!((ran.code, &ran.json()["data"]["actions"]), (4, &json!([])), "{ran:?}");
    let ran = case.agreed(&["--only", "underfunded", "--wait", "1s"]);
    assert_eq!((ran.code, case.held().0), (4, 48 * 10_u128.pow(18)), "{ran:?}");
}

#[test]
fn nothing_is_spent_on_a_request_that_can_never_be_fulfilled() {
    for name in ["unknown-key-hash", "consumer-not-contract", "subscription-gone", "reorged"] {
        let case = Case::ours(name);
        let ran = case.agreed(&[]);
        let data = ran.json()["data"].clone();
        assert_eq!((ran.code, &data["plan"], nonce(&case.bed)), (4, &Value::Null, 0), "{name}: {ran:?}");
    }
}

#[test]
fn the_nodes_key_is_funded_where_it_is_named_and_not_where_it_was_only_seen() {
    let case = Case::ours("node-key-dry");
    let key = case.text("node").to_owned();
    let ran = case.agreed(&["--sender", &key, "--wait", "1s"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((&action["action"], &action["status"]), (&json!("chain.fund_key"), &json!("done")), "{action}");
    // Ten times 400,000 gas at 500 gwei.
    assert_eq!(crate::act::balance(&case.bed, &key), 2 * 10_u128.pow(18));
    let ran = case.agreed(&["--sender", &key]);
    assert_eq!((ran.code, nonce(&case.bed)), (4, 1), "nothing is left to mend: {ran:?}");

    // Who fulfilled of late may be anybody.
    let case = Case::ours("healthy-pending");
    let tx = case.bed.about["situations"]["fulfilled"]["fulfil_tx"].clone();
    let receipt = case.bed.rpc("eth_getTransactionReceipt", &json!([tx]));
    case.bed.rpc("anvil_setBalance", &json!([receipt["from"], "0x0"]));
    let ran = case.agreed(&[]);
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((ran.code, &action["status"], nonce(&case.bed)), (4, &json!("not-named"), 0), "{ran:?}");
}
