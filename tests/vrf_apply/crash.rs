//! Killed between signing, sending and receipt, and interfered with: no second transfer, ever.

use super::*;
use crate::act::{Count, Pass, at_sending, proxy, wait_until};

/// Kills `ira` once the chain's endpoint was given the transfer; afterwards settles it and looks that there was one.
fn killed_at_sending(pass: fn() -> Pass, mined_already: bool) {
    let mut case = Case::ours("underfunded");
    let needed = 48 * 10_u128.pow(18);
    let (url, given) = at_sending(&case.bed, pass);
    case.person.url = url;
    let running = case.left(&[]);
    wait_until("it is sent", || *given.0.lock().expect("not poisoned") > 0);
    if mined_already {
        wait_until("it is mined", || nonce(&case.bed) == 1);
    }
    running.kill();
    assert_eq!(case.person.journal().len(), 1, "written down before it was sent, and without an end");
    case.person.url.clone_from(&case.bed.url);

    // Nothing is planned anew while it is open, where nobody said that it is to be settled.
    let again = case.run(&["--apply"]);
    assert!(again.code == 75 && again.err.contains("--resume"), "{again:?}");

    let resumed = case.run(&["--apply", "--resume", "--wait", "1s", "--json"]);
    assert_eq!(resumed.code, 4, "settled, and not fulfilled yet: {resumed:?}");
    assert_eq!(resumed.json()["data"]["actions"][0]["status"], "done", "{resumed:?}");
    assert_eq!((case.held().0, nonce(&case.bed)), (needed, 1), "once, and no more");
    let again = case.agreed(&["--wait", "1s"]);
    assert_eq!((again.code, case.held().0, nonce(&case.bed)), (4, needed, 1), "nothing is left to mend: {again:?}");

    let done = case.fulfilled(case.text("request_id"));
    assert_eq!(done["success"], true, "{done}");
    let resumed = case.run(&["--apply", "--resume", "--json"]);
    assert_eq!((resumed.code, &resumed.json()["data"]["actions"]), (0, &json!([])), "{resumed:?}");
}

#[test]
fn killed_after_it_was_signed_and_before_the_chain_has_it() {
    killed_at_sending(|| Pass::Swallow, false);
}

#[test]
fn killed_after_the_chain_has_it_and_before_it_is_known() {
    killed_at_sending(|| Pass::OnOnly, true);
}

#[test]
fn killed_while_the_fulfilment_is_waited_for() {
    let case = Case::ours("underfunded");
    let running = case.left(&[]);
    case.person.wait_for_records(2);
    running.kill();
    let done = case.fulfilled(case.text("request_id"));
    assert_eq!(done["success"], true, "{done}");
    let again = case.agreed(&[]);
    assert_eq!((again.code, nonce(&case.bed)), (0, 1), "{again:?}");
}

#[test]
fn resume_alone_settles_and_diagnoses_and_does_nothing_else() {
    let mut case = Case::ours("underfunded");
    case.person.url =
        proxy(&case.bed, |body| if body.contains("eth_sendRawTransaction") { Pass::Swallow } else { Pass::On });
    let running = case.left(&[]);
    case.person.wait_for_records(1);
    running.kill();
    case.person.url.clone_from(&case.bed.url);
    case.bed
        .rpc("eth_sendTransaction", &json!([{ "from": crate::act::SIGNER, "to": crate::act::SIGNER, "value": "0x0" }]));
    let settled = case.run(&["--resume", "--json"]);
    assert_eq!(settled.code, 4, "{settled:?}");
    let data = settled.json()["data"].clone();
    assert_eq!(
        (&data["actions"][0]["status"], &data["requests"][0]["status"]),
        (&json!("not-done"), &json!("pending"))
    );
    assert_eq!((case.held().0, nonce(&case.bed)), (10_u128.pow(16), 1), "its nonce was used by another");
    // Planned anew it happens, once.
    assert_eq!(case.agreed(&["--wait", "1s"]).code, 4);
    assert_eq!((case.held().0, nonce(&case.bed)), (48 * 10_u128.pow(18), 2));
}

#[test]
fn an_endpoint_that_dies_between_plan_and_apply_sends_nothing() {
    let mut case = Case::ours("underfunded");
    let planned = Count::default();
    case.person.url = proxy(&case.bed, move |body| {
        // The second time the balance of LINK is asked for, the plan was agreed to.
        let asks = body.contains("70a08231") && planned.next() > 1;
        if asks { Pass::Break } else { Pass::On }
    });
    let before = case.held();
    let ran = case.agreed(&[]);
    assert_eq!(ran.code, 69, "{ran:?}");
    assert_eq!((case.person.journal().len(), nonce(&case.bed), case.held()), (0, 0, before));
}

#[test]
fn a_balance_that_changed_since_the_plan_shows_the_new_plan_and_sends_nothing() {
    let mut case = Case::ours("underfunded-native");
    let planned = Count::default();
    let (port, signer) = (case.bed.port, crate::act::DRY);
    // fundSubscriptionWithNative(uint256), by somebody else, once the plan is made.
    let id: ira_commands::words::Id = case.text("subscription").parse().expect("an id");
    let call = json!([{ "from": signer, "to": case.text("coordinator"), "value": "0x16345785d8a0000", "gas": "0x30d40",
        "data": format!("0x95b55cfc{:064x}", id.0) }]);
    case.bed.rpc("anvil_impersonateAccount", &json!([signer]));
    case.bed.rpc("anvil_setBalance", &json!([signer, "0x56bc75e2d63100000"]));
    case.person.url = proxy(&case.bed, move |body| {
        if body.contains("eth_estimateGas") && body.contains("95b55cfc") && planned.next() == 1 {
            let answer = Pass::On;
            let body = json!({ "jsonrpc": "2.0", "id": 1, "method": "eth_sendTransaction", "params": call });
            crate::support::bed::post(port, &body.to_string());
            return answer;
        }
        Pass::On
    });
    let ran = case.agreed(&[]);
    assert_eq!(ran.code, 3, "{ran:?}");
    let envelope = ran.json();
    assert_eq!(envelope["data"]["actions"][0]["before"], "0.1 ETH", "the new plan: {ran:?}");
    assert!(envelope["errors"][0]["message"].as_str().is_some_and(|text| text.contains("changed")), "{ran:?}");
    assert_eq!((case.person.journal().len(), nonce(&case.bed)), (0, 0));
}
