//! Reads and logs of one good endpoint.

use std::sync::Mutex;

use ira_commands::Kind;
use ira_commands::ports::{ChainRead as _, Interface, LogFilter, Read};
use ira_commands::value::{H160, H256, U256, Value};

use super::chain;
use super::fake::{FEED, FakeChain, PERSON, answer, log, read};
use super::server::{Seen, Server, serve};

async fn good(fake: FakeChain) -> Server {
    serve(move |_, seen| fake.reply(seen)).await
}

/// The methods of a request.
fn methods(seen: &Seen) -> Vec<String> {
    let items = seen.body.as_array().cloned().unwrap_or_else(|| vec![seen.body.clone()]);
    items.iter().map(|item| item["method"].as_str().expect("a method").to_owned()).collect()
}

#[tokio::test]
async fn a_report_takes_one_round_trip_a_stage() {
    let fake = FakeChain::default();
    let server = good(fake.clone()).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    assert_eq!((head.block, head.network.name.as_str()), (fake.block(1_000), "ethereum-mainnet"));
    assert_eq!(head.gas_price, Ok(U256::from(1_000_000_000)));
    let reads = vec![
        read(FEED, "decimals"),
        Read::Balance(PERSON),
        Read::Nonce(PERSON),
        Read::PendingNonce(PERSON),
        Read::Code(FEED),
        Read::BlockTime(990),
        Read::GasUsed(H256::zero()),
        read(FEED, "version"),
        read(PERSON, "decimals"),
    ];
    let values = chain.snapshot(&head.block, reads).await;
    let number = |at: usize| values[at].clone().and_then(|value| value.u64()).expect("a number");
    assert_eq!([number(0), number(1), number(2), number(3), number(6)], [8, 100, 7, 9, 21_000]);
    assert_eq!(values[4], Ok(Value::Bytes(vec![0x60, 0x01])));
    assert_eq!(number(5), fake.block(990).timestamp);
    let not_there = values[7].clone().expect_err("it has no such function");
    assert!(not_there.kind == Kind::Reverted && not_there.message.starts_with("version of 0x"), "{not_there}");
    assert_eq!(values[8].clone().expect_err("a person").kind, Kind::Missing);
    assert_eq!((chain.round_trips(), chain.requests()), (2, 2));
    let seen = server.seen.lock().expect("no panic");
    assert_eq!(methods(&seen[1]).iter().filter(|method| *method == "eth_call").count(), 1);
    assert_eq!(methods(&seen[1]).last().expect("the pin"), "eth_getBlockByNumber");
}

#[tokio::test]
async fn what_refuses_contracts_is_asked_again_as_a_person_all_in_one_batch() {
    let server = good(FakeChain::default()).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let reads = vec![
        read(FEED, "latestAnswer"),
        read(FEED, "latestRound"),
        read(FEED, "decimals"),
        read(FEED, "latestAnswer"),
        read(FEED, "version"),
    ];
    let values = chain.snapshot(&head.block, reads).await;
    assert_eq!(values[0].clone().expect("an answer").int().expect("signed").to_string(), "341277");
    let never = values[1].clone().expect_err("it always reverts");
    assert_eq!(never.kind, Kind::Reverted);
    assert!(never.message.ends_with("reverted: Never"), "{never}");
    assert_eq!(values[3], values[0]);
    assert_eq!(chain.round_trips(), 3);
    let seen = server.seen.lock().expect("no panic");
    assert_eq!(
        methods(&seen[2]).len(),
        2,
        "one call and the pin: one asked twice is sent once; what is not there, and what says no to all, not again"
    );
}

#[tokio::test]
async fn without_multicall_the_reads_go_by_themselves_in_one_batch() {
    let server = good(FakeChain { multicall: false, ..FakeChain::default() }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, vec![read(FEED, "decimals"), Read::Balance(PERSON)]).await;
    assert_eq!(values, [Ok(Value::Uint(U256::from(8))), Ok(Value::Uint(U256::from(100)))]);
    assert_eq!(chain.round_trips(), 2);
}

#[tokio::test]
async fn calls_that_are_too_much_gas_are_halved_and_that_is_remembered() {
    let server = good(FakeChain { gas: 130, ..FakeChain::default() }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let reads = || (0..1_200).map(|_| read(FEED, "decimals")).collect::<Vec<_>>();
    let values = chain.snapshot(&head.block, reads()).await;
    assert!(values.iter().all(|value| *value == Ok(Value::Uint(U256::from(8)))));
    let before = chain.round_trips();
    assert!(before <= 4, "{before}");
    chain.snapshot(&head.block, reads()).await;
    assert_eq!(chain.round_trips(), before + 1);
}

#[tokio::test]
async fn four_thousand_reads_take_one_round_trip() {
    let server = good(FakeChain::default()).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, (0..4_000).map(|_| read(FEED, "decimals")).collect()).await;
    assert!(values.len() == 4_000 && values.iter().all(Result::is_ok));
    assert_eq!(chain.round_trips(), 2);
}

#[tokio::test]
async fn an_unknown_function_is_a_fault_of_its_item_alone() {
    let server = good(FakeChain::default()).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, vec![read(FEED, "nope"), read(FEED, "decimals")]).await;
    assert!(values[0].clone().expect_err("unknown").message.contains("`nope`") && values[1].is_ok());
}

#[tokio::test]
async fn nothing_is_read_before_the_chain_is_proven() {
    let server = good(FakeChain::default()).await;
    let chain = chain(&[server.url()]);
    let values = chain.snapshot(&FakeChain::default().block(1_000), vec![read(FEED, "decimals")]).await;
    assert_eq!(values[0].clone().expect_err("unproven").kind, Kind::Failed);
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn an_unknown_chain_is_named_by_its_id() {
    let server = good(FakeChain { chain_id: 31_337, ..FakeChain::default() }).await;
    let head = chain(&[server.url()]).head().await.expect("a head");
    assert_eq!((head.network.name.as_str(), head.network.chain_id), ("chain-31337", 31_337));
}

fn filter(addresses: usize) -> LogFilter {
    let others = (1..addresses).map(|n| H160::from_low_u64_be(n as u64));
    LogFilter {
        addresses: std::iter::once(FEED).chain(others).collect(),
        events: vec![(Interface::Ocr2, "NewTransmission"), (Interface::Ocr2, "AnswerUpdated")],
        indexed: Vec::new(),
        from: 1,
        to: 5_000,
    }
}

#[tokio::test]
async fn logs_come_sorted_decoded_and_without_those_taken_back() {
    let mut foreign = log(7, 0, 3, false);
    foreign["address"] = "0x00000000000000000000000000000000000000aa".into();
    let logs = vec![log(900, 2, 12, false), log(900, 1, 11, false), log(5, 0, 10, false), log(6, 0, 99, true), foreign];
    let server = good(FakeChain { logs, ..FakeChain::default() }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let found = chain.logs(&head.block, vec![filter(1), LogFilter { to: 100, ..filter(1) }]).await;
    let all = found[0].as_ref().expect("logs");
    assert_eq!(all.iter().map(|log| answer(&log.fields)).collect::<Vec<_>>(), ["10", "11", "12"]);
    assert_eq!((all[0].block, all[0].event, all[0].interface), (5, "AnswerUpdated", Interface::Ocr2));
    assert_eq!(found[1].as_ref().expect("logs").len(), 1);
    assert_eq!(chain.round_trips(), 2);
}

#[tokio::test]
async fn ranges_that_are_refused_are_split_and_that_is_remembered() {
    let logs = (1..=1_000).map(|block| log(block, 0, block, false)).collect();
    let server = good(FakeChain { logs, range: 130, ..FakeChain::default() }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let found = chain.logs(&head.block, vec![filter(1)]).await.remove(0).expect("logs");
    let blocks: Vec<u64> = found.iter().map(|log| log.block).collect();
    assert_eq!(blocks, (1..=1_000).collect::<Vec<_>>());
    let before = chain.round_trips();
    assert!(before <= 5, "{before}");
    chain.logs(&head.block, vec![filter(1)]).await.remove(0).expect("logs");
    assert_eq!(chain.round_trips(), before + 1);
}

#[tokio::test]
async fn many_contracts_are_asked_a_hundred_at_a_time_and_none_is_no_question() {
    let most = std::sync::Arc::new(Mutex::new(0));
    let (fake, widest) = (FakeChain::default(), most.clone());
    let server = serve(move |_, seen| {
        for item in seen.body.as_array().into_iter().flatten().filter(|item| item["method"] == "eth_getLogs") {
            let count = item["params"][0]["address"].as_array().expect("a list").len();
            let mut most = widest.lock().expect("no panic");
            *most = (*most).max(count);
        }
        fake.reply(seen)
    })
    .await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let none = LogFilter { addresses: vec![], ..filter(1) };
    let found = chain.logs(&head.block, vec![filter(250), none.clone()]).await;
    assert!(found.iter().all(|found| found.as_ref().is_ok_and(Vec::is_empty)));
    assert_eq!(*most.lock().expect("no panic"), 100);
    let requests = server.requests();
    chain.logs(&head.block, vec![none]).await;
    assert_eq!(server.requests(), requests);
}
