//! Killed between signing, sending and receipt: no second transfer, ever.

use serde_json::json;

use super::*;

/// Kills `ira` once the chain's endpoint was given the transaction, and settles it afterwards.
fn killed_at_sending(pass: fn() -> Pass, mined_already: bool) {
    let bed = fresh();
    let (broken, given) = at_sending(&bed, pass);
    let mut person = Person::at(&broken, None);
    let running = person.left(FUND);
    wait_until("it is sent", || *given.0.lock().expect("not poisoned") > 0);
    if mined_already {
        wait_until("it is mined", || nonce(&bed) == 1);
    }
    running.kill();
    assert_eq!(person.journal().len(), 1, "it was written down before it was sent, and has no end");
    person.url.clone_from(&bed.url);

    // Nothing new is begun while it is open.
    let again = person.agreed(FUND);
    assert_eq!(again.code, 75, "{again:?}");
    assert!(again.err.contains("--resume"), "{again:?}");
    let other =
        person.agreed(&["chain.fund_key", "--key", "0x00000000000000000000000000000000000d00d2", "--amount", "1 ETH"]);
    assert_eq!(other.code, 75, "whatever it is about: the nonce is not settled: {other:?}");

    let settled = person.act(&[FUND, &["--resume", "--json"]].concat());
    assert_eq!(settled.code, 0, "{settled:?}");
    assert_eq!(settled.json()["data"]["actions"][0]["status"], "done");
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 1), "once, and no more");
    let settled = person.act(&[FUND, &["--resume", "--json"]].concat());
    assert_eq!((settled.code, &settled.json()["data"]["actions"]), (0, &json!([])));
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 1), "settled is settled");
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
fn killed_while_it_waits_to_be_mined() {
    let bed = fresh();
    bed.rpc("evm_setAutomine", &json!([false]));
    let person = Person::at(&bed.url, None);
    let running = person.left(FUND);
    wait_until("it waits", || number(&bed.rpc("eth_getTransactionCount", &json!([SIGNER, "pending"]))) == 1);
    running.kill();
    // The pool loses it, as pools do.
    bed.rpc("anvil_dropAllTransactions", &json!([]));
    let resumed = person.command(&[FUND, &["--resume"]].concat()).stdout(Stdio::null()).spawn().expect("it starts");
    wait_until("the same bytes are there again", || {
        number(&bed.rpc("eth_getTransactionCount", &json!([SIGNER, "pending"]))) == 1
    });
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(Running(resumed).code(), Some(0));
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 1));
}

#[test]
fn a_nonce_that_another_transaction_used_means_that_it_did_not_happen() {
    let bed = fresh();
    let broken = proxy(&bed, |body| if body.contains("eth_sendRawTransaction") { Pass::Swallow } else { Pass::On });
    let mut person = Person::at(&broken, None);
    let running = person.left(FUND);
    person.wait_for_records(1);
    running.kill();
    person.url.clone_from(&bed.url);
    bed.rpc("eth_sendTransaction", &json!([{ "from": SIGNER, "to": SIGNER, "value": "0x0" }]));
    let settled = person.act(&[FUND, &["--resume", "--json"]].concat());
    assert_eq!(settled.code, 4, "{settled:?}");
    assert_eq!(settled.json()["data"]["actions"][0]["status"], "not-done");
    assert_eq!(balance(&bed, DRY), 0);
    // It is settled: planned anew it may happen, once.
    assert_eq!(person.agreed(FUND).code, 0);
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 2));
}

#[test]
fn a_reorganisation_that_drops_it_is_noticed_and_the_same_bytes_are_sent_again() {
    let bed = fresh();
    bed.rpc("anvil_mine", &json!(["0x5"]));
    bed.rpc("evm_setAutomine", &json!([false]));
    let person = Person::at(&bed.url, None);
    person.configure(3, None);
    let running = person.left(FUND);
    let waits = || number(&bed.rpc("eth_getTransactionCount", &json!([SIGNER, "pending"]))) == 1;
    wait_until("it waits", waits);
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(balance(&bed, DRY), AMOUNT);
    std::thread::sleep(Duration::from_secs(1));
    bed.rpc("anvil_reorg", &json!([1, []]));
    bed.rpc("anvil_dropAllTransactions", &json!([]));
    assert_eq!(balance(&bed, DRY), 0, "the block is gone");
    wait_until("it is sent again", waits);
    bed.rpc("anvil_mine", &json!(["0x4"]));
    assert_eq!(running.code(), Some(0));
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 1));
    assert_eq!(person.journal().len(), 2, "one attempt, begun and done");
}

#[test]
fn an_endpoint_that_dies_between_plan_and_apply_sends_nothing() {
    let bed = fresh();
    let heads = Count::default();
    let dying = proxy(&bed, move |body| {
        // The key is found and the plan made by the first two.
        if body.contains("eth_chainId") && heads.next() > 2 { Pass::Break } else { Pass::On }
    });
    let person = Person::at(&dying, None);
    let ran = person.agreed(FUND);
    assert_eq!(ran.code, 69, "{ran:?}");
    assert_eq!((person.journal().len(), nonce(&bed)), (0, 0));
}

#[test]
fn what_changed_since_the_plan_is_shown_and_not_acted_on() {
    let bed = fresh();
    let heads = Count::default();
    let port = bed.port;
    let racing = proxy(&bed, move |body| {
        if body.contains("eth_chainId") && heads.next() == 3 {
            let call = json!({ "jsonrpc": "2.0", "id": 1, "method": "anvil_setBalance", "params": [DRY, "0xde0b6b3a7640000"] });
            post(port, &call.to_string());
        }
        Pass::On
    });
    let person = Person::at(&racing, None);
    let ran = person.agreed(FUND);
    assert_eq!(ran.code, 3, "{ran:?}");
    let envelope = ran.json();
    assert_eq!(envelope["data"]["plan"]["changes"][0]["before"], "1 ETH", "the new plan");
    assert!(envelope["errors"][0]["message"].as_str().is_some_and(|text| text.contains("changed")));
    assert_eq!((person.journal().len(), nonce(&bed)), (0, 0));
}

#[test]
fn two_at_once_take_turns() {
    let bed = fresh();
    bed.rpc("evm_setAutomine", &json!([false]));
    let person = Person::at(&bed.url, None);
    let first = person.left(FUND);
    person.wait_for_records(1);
    let second = person.agreed(FUND);
    assert_eq!(second.code, 75, "{second:?}");
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(first.code(), Some(0));
    assert_eq!(balance(&bed, DRY), AMOUNT);
}
