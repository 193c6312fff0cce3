//! A reorganisation while it is waited: what was seen is believed no longer.

use super::*;
use crate::act::wait_until;

/// Somebody who believes a transaction once three blocks hold it.
fn patient() -> Case {
    let case = Case::strange("underfunded");
    case.person.configure(3, case.bed.about["link"].as_str());
    case.list(&[&format!("sub:{}", case.text("subscription"))]);
    case
}

fn mine(case: &Case, blocks: u64) {
    case.bed.rpc("anvil_mine", &json!([format!("{blocks:#x}")]));
}

/// Leaves `ira` the time to look at the chain a few times: every half a second.
fn looked_at() {
    std::thread::sleep(std::time::Duration::from_secs(2));
}

#[test]
fn a_fulfilment_that_a_reorganisation_takes_back_is_waited_for_again() {
    let case = patient();
    let mut command = case.command(&[&AGREED[..], &["--wait", "1m", "--json"]].concat());
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(move || Ran::of(&mut command));
        wait_until("it is funded", || nonce(&case.bed) == 1);
        mine(&case, 3);
        case.person.wait_for_records(2);
        let before = case.bed.rpc("evm_snapshot", &json!([]));
        let first = case.fulfilled(case.text("request_id"));
        assert_eq!(first["success"], true, "{first}");
        looked_at();
        assert!(!running.is_finished(), "one block is too few to believe it");
        // Unlike a block that is dropped, this leaves nothing waiting that could be mined again.
        case.bed.rpc("evm_revert", &json!([before]));
        mine(&case, 4);
        looked_at();
        assert!(!running.is_finished(), "what was taken back is not believed");
        let second = case.fulfilled(case.text("request_id"));
        assert_eq!(second["success"], true, "it is pending again: {second}");
        mine(&case, 3);
        running.join().expect("it ends")
    });
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!((ran.json()["data"]["requests"][0]["status"].as_str(), nonce(&case.bed)), (Some("fulfilled"), 1));
}

#[test]
fn a_transfer_that_a_reorganisation_takes_back_is_sent_again_with_the_same_bytes() {
    let case = patient();
    let mut command = case.command(&[&AGREED[..], &["--wait", "1m", "--json"]].concat());
    let before = case.bed.rpc("evm_snapshot", &json!([]));
    let ran = std::thread::scope(|scope| {
        let running = scope.spawn(move || Ran::of(&mut command));
        wait_until("it is funded", || nonce(&case.bed) == 1);
        looked_at();
        case.bed.rpc("evm_revert", &json!([before]));
        assert_eq!(case.held().0, 10_u128.pow(16), "it is as if it had never been");
        wait_until("it is there again", || nonce(&case.bed) == 1);
        assert_eq!(case.held().0, 48 * 10_u128.pow(18));
        mine(&case, 3);
        case.person.wait_for_records(2);
        case.fulfilled(case.text("request_id"));
        mine(&case, 3);
        running.join().expect("it ends")
    });
    assert_eq!((ran.code, &ran.json()["data"]["actions"][0]["status"]), (0, &json!("done")), "{ran:?}");
    assert_eq!((nonce(&case.bed), case.person.journal().len()), (1, 2));
}
