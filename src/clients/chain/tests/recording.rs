//! What was recorded is replayed alike, with no network.

use std::collections::BTreeMap;
use std::sync::Arc;

use ira_commands::Kind;
use ira_commands::ports::{ChainRead, Interface, LogFilter, Read};
use ira_commands::value::{H256, Value};

use super::super::{About, Recorder, Recording};
use super::fake::{FEED, FakeChain, PERSON, log, read};
use super::server::{Reply, serve};
use super::{Chain, ChainConfig, config};

/// A run as a command would make it; everything it came to, in one text.
async fn run(chain: &dyn ChainRead) -> String {
    let head = chain.head().await.expect("a head");
    let reads = vec![
        read(FEED, "decimals"),
        read(FEED, "latestAnswer"),
        read(FEED, "latestRound"),
        read(PERSON, "decimals"),
        Read::Balance(PERSON),
        Read::PendingNonce(PERSON),
        Read::GasUsed(H256::zero()),
    ];
    let values = chain.snapshot(&head.block, reads).await;
    let events = vec![(Interface::Ocr2, "AnswerUpdated")];
    let logs = chain
        .logs(&head.block, vec![LogFilter { addresses: vec![FEED], events, indexed: Vec::new(), from: 1, to: 900 }])
        .await;
    format!("{head:?}\n{values:?}\n{logs:?}")
}

#[tokio::test]
async fn a_replay_comes_to_the_same_with_the_server_gone() {
    let fake = FakeChain { logs: vec![log(9, 1, 7, false)], range: 100, ..FakeChain::default() };
    let one = {
        let fake = fake.clone();
        serve(move |before, seen| if before == 1 { Reply::status(401, "") } else { fake.reply(seen) }).await
    };
    let other = serve(move |_, seen| fake.reply(seen)).await;
    let recorder = Arc::new(Recorder::new());
    let listening = ChainConfig { recorder: Some(recorder.clone()), ..config(&[one.url(), other.url()]) };
    let live_chain = Chain::new(listening).expect("a chain");
    let live = run(&live_chain).await;
    let text = recorder
        .finish(&About { recorded_at: 1_700_000_000, endpoints: 2, quorum: 1, ..About::default() }, &BTreeMap::new())
        .expect("JSON");
    let requests = one.requests() + other.requests();

    let recording = Recording::parse(&text).expect("reads its own");
    let replay = Chain::replay(&recording, config(&[])).expect("a chain");
    assert_eq!(run(&replay).await, live);
    assert_eq!(one.requests() + other.requests(), requests, "no request was sent");
    let kinds = |chain: &Chain| chain.notices().iter().map(|notice| notice.kind).collect::<Vec<_>>();
    assert_eq!(kinds(&replay), kinds(&live_chain));
    assert!(live.contains("Reverted") && live.contains("Missing"));
}

#[tokio::test]
async fn what_was_not_recorded_is_said_and_is_no_lag() {
    let fake = FakeChain::default();
    let server = serve(move |_, seen| fake.reply(seen)).await;
    let recorder = Arc::new(Recorder::new());
    let listening = ChainConfig { recorder: Some(recorder.clone()), ..config(&[server.url()]) };
    Chain::new(listening).expect("a chain").head().await.expect("a head");
    let text = recorder
        .finish(&About { recorded_at: 1, endpoints: 1, quorum: 1, ..About::default() }, &BTreeMap::new())
        .expect("JSON");
    let replay = Chain::replay(&Recording::parse(&text).expect("a recording"), config(&[])).expect("a chain");
    let head = replay.head().await.expect("a head");
    let fault = replay.snapshot(&head.block, vec![Read::Nonce(FEED)]).await.remove(0).expect_err("not recorded");
    assert!(fault.kind == Kind::Unreachable && fault.message.contains("eth_getTransactionCount"), "{fault}");
    assert!(replay.notices().is_empty());
    assert_eq!(replay.snapshot(&head.block, vec![]).await, Vec::<Result<Value, _>>::new());
}
