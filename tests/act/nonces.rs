//! Transactions that do not move.

use ethers_core::types::transaction::eip2718::TypedTransaction;
use ethers_core::utils::rlp::Rlp;
use serde_json::json;

use super::*;

/// Both fees of a signed transaction, and its nonce.
pub(crate) fn fees(raw: &str) -> (u128, u128, u64) {
    let raw = ethers_core::utils::hex::decode(raw.trim_start_matches("0x")).expect("hex");
    let (transaction, _) = TypedTransaction::decode_signed(&Rlp::new(&raw)).expect("it decodes");
    let TypedTransaction::Eip1559(tx) = transaction else { panic!("EIP-1559") };
    let number = |value: Option<ethers_core::types::U256>| value.expect("set").as_u128();
    (number(tx.max_fee_per_gas), number(tx.max_priority_fee_per_gas), tx.nonce.expect("set").as_u64())
}

#[test]
fn a_stuck_transaction_is_outbid_by_a_tenth_on_both_fees_under_its_nonce() {
    let bed = fresh();
    bed.rpc("evm_setAutomine", &json!([false]));
    let person = Person::at(&bed.url, None);
    let stuck = person.left(FUND);
    person.wait_for_records(1);
    let pending = || number(&bed.rpc("eth_getTransactionCount", &json!([SIGNER, "pending"])));
    wait_until("it waits", || pending() == 1);
    stuck.kill();
    let first = person.journal()[0]["begun"]["forms"][0].clone();
    let hash = first["hash"].as_str().expect("a hash").to_owned();
    let replacing = person.left(&["chain.replace_transaction", "--tx", &hash]);
    person.wait_for_records(2);
    let second = person.journal()[1]["more"].clone();
    let (fee, priority, nonce_of_first) = fees(first["raw"].as_str().expect("raw"));
    let (raised_fee, raised_priority, nonce_of_second) = fees(second["raw"].as_str().expect("raw"));
    assert_eq!(nonce_of_first, nonce_of_second);
    assert!(
        raised_fee * 10 >= fee * 11 && raised_priority * 10 >= priority * 11,
        "{fee} {priority} {raised_fee} {raised_priority}"
    );
    let new = second["hash"].as_str().expect("a hash").to_owned();
    wait_until("the replacement is there", || !bed.rpc("eth_getTransactionByHash", &json!([new])).is_null());
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(replacing.code(), Some(0));
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (AMOUNT, 1), "one of the two, not both");
    let settled = person.act(&[FUND, &["--resume", "--json"]].concat());
    assert_eq!(
        (settled.code, &settled.json()["data"]["actions"]),
        (0, &json!([])),
        "the attempt of before is settled by it"
    );
}

#[test]
fn one_that_another_program_sent_can_be_cancelled() {
    let bed = fresh();
    bed.rpc("evm_setAutomine", &json!([false]));
    let person = Person::at(&bed.url, None);
    let sent = json!([{ "from": SIGNER, "to": DRY, "value": "0x1", "maxFeePerGas": "0x77359400", "maxPriorityFeePerGas": "0x1" }]);
    let hash = bed.rpc("eth_sendTransaction", &sent);
    let hash = hash.as_str().expect("a hash");
    let blocked = person.agreed(FUND);
    assert!(blocked.code == 75 && blocked.err.contains("wait to be mined"), "{blocked:?}");
    let cancelling = person.left(&["chain.replace_transaction", "--tx", hash, "--cancel"]);
    person.wait_for_records(1);
    let new = person.journal()[0]["begun"]["forms"][1]["hash"].as_str().expect("a hash").to_owned();
    wait_until("the replacement is there", || !bed.rpc("eth_getTransactionByHash", &json!([new])).is_null());
    bed.rpc("evm_mine", &json!([]));
    assert_eq!(cancelling.code(), Some(0));
    assert_eq!((balance(&bed, DRY), nonce(&bed)), (0, 1));
    let strange = "0x0000000000000000000000000000000000000000000000000000000000000001";
    assert_eq!(person.agreed(&["chain.replace_transaction", "--tx", strange]).code, 69);
}

#[test]
fn a_gap_is_filled_and_what_waited_behind_it_is_mined() {
    let bed = fresh();
    let person = Person::at(&bed.url, None);
    bed.rpc("eth_sendTransaction", &json!([{ "from": SIGNER, "to": DRY, "value": "0x5", "nonce": "0x1" }]));
    assert_eq!(balance(&bed, DRY), 0, "it is queued");
    let wrong = person.agreed(&["chain.fill_nonce_gap", "--nonce", "3"]);
    assert!(wrong.code == 1 && wrong.err.contains("--nonce 0"), "{wrong:?}");
    let ran = person.agreed(&["chain.fill_nonce_gap", "--nonce", "0"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    wait_until("both are mined", || nonce(&bed) == 2);
    assert_eq!(balance(&bed, DRY), 5);
    let again = person.agreed(&["chain.fill_nonce_gap", "--nonce", "0"]);
    assert!(again.code == 0 && again.json()["data"]["actions"] == json!([]), "{again:?}");
}
