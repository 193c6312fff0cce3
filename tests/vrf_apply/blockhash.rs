//! Requests whose block the chain forgets: stored, and fulfilled by the real coordinator.

use super::*;
use crate::act::number;

/// The same request made anew, since what a loaded chain says of its old blocks is not true; `blocks` ago.
fn requested(case: &Case, blocks: u64) -> String {
    let again = &case.situation["request_again"];
    let from = again["from"].clone();
    case.bed.rpc("anvil_impersonateAccount", &json!([from]));
    case.bed.rpc("anvil_setBalance", &json!([from, "0x56bc75e2d63100000"]));
    let call = json!([{ "from": from, "to": again["to"], "data": again["data"], "gas": "0x7a120" }]);
    let hash = case.bed.rpc("eth_sendTransaction", &call);
    crate::act::wait_until("it is mined", || !case.bed.rpc("eth_getTransactionReceipt", &json!([hash])).is_null());
    case.bed.rpc("anvil_mine", &json!([format!("{blocks:#x}")]));
    let hash = hash.as_str().expect("a hash").to_owned();
    let ran = Ran::of(&mut case.person.ira(&["vrf-runbook", "--tx", &hash, "--json"]));
    ran.json()["data"]["requests"][0]["id"].as_str().unwrap_or_else(|| panic!("{ran:?}")).to_owned()
}

#[test]
fn a_block_that_is_about_to_be_forgotten_is_stored_in_time() {
    for name in ["healthy-pending", "v2-healthy-pending"] {
        let case = Case::ours(name);
        let request = requested(&case, 230);
        let ran = case.agreed(&["--request", &request, "--wait", "1s"]);
        assert_eq!(ran.code, 4, "{name}: {ran:?}");
        let actions = ran.json()["data"]["actions"].clone();
        assert_eq!((&actions[0]["action"], &actions[0]["status"]), (&json!("chain.store_blockhash"), &json!("done")));
        assert_eq!((actions.as_array().map(Vec::len), nonce(&case.bed)), (Some(1), 1), "{actions}");
        case.bed.rpc("anvil_mine", &json!(["0x64"]));
        let done = case.fulfilled(&request);
        assert!(done["ok"] == true && done["success"] == true, "{name}: {done}");
    }
}

#[test]
fn a_block_that_is_forgotten_is_walked_back_to() {
    let case = Case::ours("healthy-pending");
    let request = requested(&case, 330);
    assert_eq!(case.simulated(&request)["ok"], false);
    let batch = case.bed.about["batch_blockhash_store"].as_str().expect("a batch").to_owned();
    let ran = case.agreed(&["--request", &request, "--batch", &batch, "--wait", "1s"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((&action["status"], &action["cause"]), (&json!("done"), &json!("blockhash-expired")), "{action}");
    assert_eq!(action["transactions"].as_array().map(Vec::len), Some(3), "the earliest, and some 75 headers: {action}");
    let done = case.fulfilled(&request);
    assert!(done["ok"] == true && done["success"] == true, "{done}");
}

#[test]
fn what_is_forgotten_and_underfunded_is_stored_first_and_then_funded() {
    let case = Case::ours("underfunded");
    let request = requested(&case, 300);
    let batch = case.bed.about["batch_blockhash_store"].as_str().expect("a batch").to_owned();
    let ran = case.agreed(&["--request", &request, "--batch", &batch, "--wait", "1s"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    let actions = ran.json()["data"]["actions"].clone();
    let names: Vec<&str> =
        actions.as_array().expect("actions").iter().filter_map(|action| action["action"].as_str()).collect();
    assert_eq!(names, ["chain.store_blockhash", "chain.fund_subscription"]);
    let done = case.fulfilled(&request);
    assert!(done["ok"] == true && done["success"] == true, "{done}");
    let head = number(&case.bed.rpc("eth_blockNumber", &json!([])));
    assert!(head > 900, "{head}");
}
