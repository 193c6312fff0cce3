//! Transactions that do not move: outbid or let through where the key is ours, only named where it is not.

use ethers_core::types::transaction::eip2718::TypedTransaction;
use ethers_core::types::{H160, Signature};
use ethers_core::utils::rlp::Rlp;

use super::*;
use crate::act::nonces::fees;
use crate::act::{DRY, Pass, SIGNER, at_sending, number, wait_until};

/// What a unit of gas costs on the bed, wei.
const BASE: &str = "0x77359400";

/// The fulfilment that the node of the bed left in the pool, as the key's own: with a real proof.
fn fulfilment(case: &Case) -> Value {
    let node: H160 = case.text("node").parse().expect("an address");
    let sent = case.bed.about["after_load"].as_array().expect("calls").iter();
    let raws = sent.filter(|call| call["method"] == "eth_sendRawTransaction");
    let mut signed = raws.map(|call| {
        let raw = call["params"][0].as_str().expect("raw").trim_start_matches("0x");
        let raw = ethers_core::utils::hex::decode(raw).expect("hex");
        TypedTransaction::decode_signed(&Rlp::new(&raw)).expect("it decodes")
    });
    let its = |(tx, signature): &(TypedTransaction, Signature)| {
        signature.recover(tx.sighash()).is_ok_and(|signer| signer == node)
    };
    let (transaction, _) = signed.find(its).expect("the fulfilment of the request");
    let data = transaction.data().expect("calldata").to_string();
    json!({ "from": SIGNER, "to": case.text("coordinator"), "data": data, "gas": "0x937dd" })
}

/// Blocks are made by hand from here on, and a unit of gas costs so much in the next one.
fn paused(case: &Case, base_fee: &str) {
    case.bed.rpc("evm_setAutomine", &json!([false]));
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([base_fee]));
}

/// Sends one of the key's transactions, as another program with the same key would; gives its hash.
fn sent(case: &Case, mut call: Value, nonce: u64, fee: u64) -> String {
    call["nonce"] = json!(format!("{nonce:#x}"));
    call["maxFeePerGas"] = json!(format!("{fee:#x}"));
    call["maxPriorityFeePerGas"] = json!("0x3b9aca0");
    case.bed.rpc("eth_sendTransaction", &json!([call])).as_str().expect("a hash").to_owned()
}

/// Half of what a unit of gas costs, and well above it.
const LOW: u64 = 1_000_000_000;
const ENOUGH: u64 = 8_000_000_000;

fn pool(case: &Case) -> Value {
    let all = case.bed.rpc("txpool_content", &json!([]));
    let of = |part: &str| {
        let accounts = all[part].as_object().expect("accounts");
        let own = accounts.iter().find(|(account, _)| account.eq_ignore_ascii_case(SIGNER));
        own.and_then(|(_, waiting)| waiting.as_object().cloned()).unwrap_or_default()
    };
    let (mut all, queued) = (of("pending"), of("queued"));
    all.extend(queued);
    json!(all)
}

/// Mines once this is in the pool, then lets every transaction be mined at once.
fn mined_once_there(case: &Case, nonce: u64, is_it: impl Fn(&str) -> bool) {
    wait_until("it is in the pool", || pool(case)[nonce.to_string()]["hash"].as_str().is_some_and(&is_it));
    case.bed.rpc("evm_mine", &json!([]));
    case.bed.rpc("evm_setAutomine", &json!([true]));
}

#[test]
fn a_stuck_fulfilment_of_our_own_key_is_outbid_and_the_request_is_fulfilled() {
    let case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    paused(&case, "0x1");
    let hash = sent(&case, call, 0, LOW);
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
    let dry = case.run(&["--sender", SIGNER, "--apply", "--dry-run", "--json"]);
    let planned = dry.json()["data"]["actions"][0].clone();
    assert_eq!((dry.code, &planned["action"]), (0, &json!("chain.replace_transaction")), "{dry:?}");
    assert_eq!((&planned["with"]["tx"], &planned["cause"]), (&json!(hash), &json!("tx-stuck")));
    assert!(planned["before"].as_str().is_some_and(|offer| offer.starts_with("1 gwei")), "{planned}");
    assert!(planned["after"].as_str().is_some_and(|offer| offer.starts_with("at least 1.1 gwei")), "{planned}");

    let running = case.left(&["--sender", SIGNER, "--wait", "1m"]);
    case.person.wait_for_records(1);
    let forms = case.person.journal()[0]["begun"]["forms"].clone();
    assert_eq!(forms[0]["hash"], json!(hash), "the one that it outbids is written down with it");
    let (fee, priority, nonce_of_it) = fees(forms[1]["raw"].as_str().expect("raw"));
    assert_eq!(nonce_of_it, 0);
    assert!(fee * 10 >= u128::from(LOW) * 11 && priority * 10 >= 0x3b9_aca0 * 11, "{fee} {priority}");
    mined_once_there(&case, 0, |there| there != hash);
    assert_eq!(running.code(), Some(0), "replaced, and so fulfilled");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (1, 2), "one of the two");
}

#[test]
fn a_gap_under_our_own_key_is_filled_and_the_fulfilment_behind_it_goes_through() {
    let case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    sent(&case, call, 1, ENOUGH);
    let ran = case.agreed(&["--sender", SIGNER, "--wait", "1m"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let actions = ran.json()["data"]["actions"].clone();
    assert_eq!((&actions[0]["action"], &actions[0]["status"]), (&json!("chain.fill_nonce_gap"), &json!("done")));
    assert_eq!((actions.as_array().map(Vec::len), nonce(&case.bed)), (Some(1), 2), "{actions}");
}

#[test]
fn what_is_stuck_and_missing_is_mended_in_the_order_of_the_nonces() {
    let plain = json!({ "from": SIGNER, "to": DRY, "value": "0x5", "gas": "0x5208" });
    // anvil loses what waits behind a transaction that is replaced: one that offers enough is planned around alone.
    for with_one_between in [true, false] {
        let case = Case::strange("tx-stuck");
        let call = fulfilment(&case);
        paused(&case, "0x1");
        let low = sent(&case, plain.clone(), 0, LOW);
        let missing = if with_one_between { 2 } else { 1 };
        if with_one_between {
            sent(&case, plain.clone(), 1, ENOUGH);
        }
        sent(&case, call, missing + 1, ENOUGH);
        case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
        let dry = case.run(&["--sender", SIGNER, "--apply", "--dry-run", "--json"]).json()["data"]["actions"].clone();
        let named = |at: usize| (dry[at]["action"].as_str().unwrap_or_default(), dry[at]["with"].clone());
        assert_eq!((named(0).0, &named(0).1["tx"]), ("chain.replace_transaction", &json!(low)), "{dry}");
        assert_eq!((named(1).0, &named(1).1["nonce"]), ("chain.fill_nonce_gap", &json!(missing)), "{dry}");
        assert_eq!(dry.as_array().map(Vec::len), Some(2), "the one that offers enough is left alone: {dry}");
        if !with_one_between {
            let running = case.left(&["--sender", SIGNER, "--wait", "1m"]);
            mined_once_there(&case, 0, |there| there != low);
            assert_eq!(running.code(), Some(0));
            let paid = number(&case.bed.rpc("eth_getBalance", &json!([DRY, "latest"])));
            assert_eq!((nonce(&case.bed), paid), (3, 5));
        }
    }
}

#[test]
fn what_waits_under_the_key_that_funds_is_outbid_before_it_funds() {
    let case = Case::ours("underfunded");
    paused(&case, "0x1");
    let low = sent(&case, json!({ "from": SIGNER, "to": DRY, "value": "0x5", "gas": "0x5208" }), 0, LOW);
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
    let running = case.left(&["--wait", "1s"]);
    mined_once_there(&case, 0, |there| there != low);
    assert_eq!(running.code(), Some(4), "nobody fulfils it here");
    assert_eq!((nonce(&case.bed), case.held().0), (2, 48 * 10_u128.pow(18)));
}

#[test]
fn one_that_offers_enough_is_left_to_itself_and_named() {
    let case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    paused(&case, BASE);
    let hash = sent(&case, call, 0, ENOUGH);
    let ran = case.agreed(&["--sender", SIGNER]);
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((ran.code, &action["status"], &action["action"]), (4, &json!("by-hand"), &Value::Null), "{ran:?}");
    assert!(ran.out.contains("may yet be mined by itself") && case.person.journal().is_empty(), "{ran:?}");
    // Said to be stuck by a person, it is outbid.
    let named = case.run(&["--sender", SIGNER, "--only", "tx-stuck", "--apply", "--dry-run", "--json"]);
    assert_eq!(named.json()["data"]["actions"][0]["with"]["tx"], json!(hash), "{named:?}");
}

#[test]
fn the_transactions_of_another_key_are_only_named() {
    let case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    paused(&case, "0x1");
    let mut theirs = call;
    theirs["from"] = json!(DRY);
    case.bed.rpc("anvil_impersonateAccount", &json!([DRY]));
    case.bed.rpc("anvil_setBalance", &json!([DRY, "0x56bc75e2d63100000"]));
    let hash = sent(&case, theirs, 0, LOW);
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
    let ran = case.agreed(&["--sender", DRY, "--wait", "1s"]);
    let data = ran.json()["data"].clone();
    assert_eq!((ran.code, &data["actions"], &data["plan"]), (4, &json!([]), &Value::Null), "{ran:?}");
    let steps = data["requests"][0]["steps"].as_array().expect("steps").clone();
    let step = steps.iter().find(|step| step["step"] == "tx-stuck").expect("the step");
    assert_eq!((&step["status"], &step["evidence"]["waiting"][0]["tx"]), (&json!("fail"), &json!(hash)), "{step}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
}

/// Kills `ira` once the endpoint was given the replacement; afterwards settles it and looks that there was one.
fn killed_at_replacing(pass: fn() -> Pass, is_there: bool) {
    let mut case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    paused(&case, "0x1");
    let hash = sent(&case, call, 0, LOW);
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
    let (url, given) = at_sending(&case.bed, pass);
    case.person.url = url;
    let running = case.left(&["--sender", SIGNER]);
    wait_until("it is sent", || *given.0.lock().expect("not poisoned") > 0);
    let is_replaced = |there: &str| there != hash;
    if is_there {
        wait_until("it is there", || pool(&case)["0"]["hash"].as_str().is_some_and(is_replaced));
    }
    running.kill();
    assert_eq!(case.person.journal().len(), 1, "written down before it was sent, and without an end");
    let written = case.person.journal()[0]["begun"]["forms"][1]["hash"].as_str().expect("a hash").to_owned();
    case.person.url.clone_from(&case.bed.url);
    let again = case.run(&["--sender", SIGNER, "--apply"]);
    assert!(again.code == 75 && again.err.contains("--resume"), "{again:?}");

    let mut command = case.command(&["--sender", SIGNER, "--apply", "--resume", "--wait", "1m"]);
    let resumed = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ira starts"));
    mined_once_there(&case, 0, |there| there == written);
    assert_eq!(resumed.code(), Some(0), "settled, and fulfilled");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (1, 2), "the same bytes, and no others");
}

#[test]
fn killed_after_the_replacement_was_signed_and_before_the_chain_has_it() {
    killed_at_replacing(|| Pass::Swallow, false);
}

#[test]
fn killed_after_the_chain_has_the_replacement_and_before_it_is_known() {
    killed_at_replacing(|| Pass::OnOnly, true);
}

#[test]
fn the_cap_holds_for_what_is_outbid() {
    let case = Case::strange("tx-stuck");
    let call = fulfilment(&case);
    paused(&case, "0x1");
    sent(&case, call, 0, LOW);
    case.bed.rpc("anvil_setNextBlockBaseFeePerGas", &json!([BASE]));
    let capped = ["--sender", SIGNER, "--apply", "--yes", "--max-spend-native", "0.0000001 ETH"];
    let ran = case.run(&capped);
    assert!(ran.code == 2 && ran.err.contains("--max-spend-native allows"), "{ran:?}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (0, 0));
}
