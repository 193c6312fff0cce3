//! Telling a node to do something.

use ira_commands::Kind;
use ira_commands::node::NodeWrite as _;

use super::*;

#[tokio::test]
async fn a_replay_names_the_chain_for_older_and_newer_builds_at_once() {
    let (server, node) =
        serving(|_| Reply::json(&json!({ "data": { "attributes": { "message": "Replay started" } } }))).await;
    node.replay_from(CHAIN, 580).await.expect("started");
    let account = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266";
    node.enable_key(CHAIN, account.parse().expect("an address")).await.expect("enabled");
    let seen = server.seen.lock().expect("no panic");
    let lines: Vec<&str> = seen.iter().map(Seen::line).collect();
    assert_eq!(lines[1], "POST /v2/replay_from_block/580?force=true&evmChainID=31337&family=evm&ChainID=31337");
    assert_eq!(lines[2], format!("POST /v2/keys/evm/chain?address={account}&evmChainID=31337&enabled=true"));
}

#[tokio::test]
async fn a_role_that_may_only_look_is_told_which_it_takes() {
    let (_server, node) = serving(|_| Reply::status(401, errors("Unauthorized"))).await;
    let fault = node.replay_from(CHAIN, 580).await.expect_err("not allowed");
    assert!(fault.kind == Kind::Denied && fault.hint.as_ref().is_some_and(|hint| hint.contains("`run`")), "{fault:?}");
}
