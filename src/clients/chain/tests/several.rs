//! Several endpoints: which is asked, which is believed, what is said about the others.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use ira_commands::Kind;
use ira_commands::ports::{ChainRead as _, NoticeKind, Read};
use ira_commands::value::{U256, Value};

use super::fake::{FEED, FakeChain, PERSON, read};
use super::server::{Reply, Server, serve};
use super::{Chain, ChainConfig, chain, config, known};

async fn good(fake: FakeChain) -> Server {
    serve(move |_, seen| fake.reply(seen)).await
}

fn quorum(urls: &[String], quorum: usize) -> Chain {
    Chain::new(ChainConfig { quorum, ..config(urls) }).expect("a chain")
}

fn noticed(chain: &Chain) -> Vec<NoticeKind> {
    chain.notices().into_iter().map(|notice| notice.kind).collect()
}

#[tokio::test]
async fn another_network_is_named_with_the_way_out() {
    let server = good(FakeChain { chain_id: 137, ..FakeChain::default() }).await;
    let config = ChainConfig { expect: Some(known("ethereum-mainnet", 1)), ..config(&[server.url()]) };
    let fault = Chain::new(config).expect("a chain").head().await.expect_err("polygon");
    assert_eq!(fault.kind, Kind::WrongNetwork);
    let label = format!("127.0.0.1:{}", server.port);
    assert_eq!(
        fault.message,
        format!("the network is ethereum-mainnet (chain 1), but {label} answers as polygon-mainnet (chain 137)")
    );
    assert_eq!(fault.hint.as_deref(), Some("--network polygon-mainnet, or fix `networks.ethereum-mainnet.rpc`"));
}

#[tokio::test]
async fn an_endpoint_of_another_network_is_put_aside_and_never_asked() {
    let (wrong, right) =
        (good(FakeChain { chain_id: 137, ..FakeChain::default() }).await, good(FakeChain::default()).await);
    let config = ChainConfig { expect: Some(known("ethereum-mainnet", 1)), ..config(&[wrong.url(), right.url()]) };
    let chain = Chain::new(config).expect("a chain");
    let head = chain.head().await.expect("the right one");
    assert!(chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await[0].is_ok());
    assert_eq!((wrong.requests(), noticed(&chain)), (1, vec![NoticeKind::Failed]));
}

#[tokio::test]
async fn endpoints_of_two_networks_are_refused_when_none_was_named() {
    let (one, other) =
        (good(FakeChain::default()).await, good(FakeChain { chain_id: 5, ..FakeChain::default() }).await);
    let fault = chain(&[one.url(), other.url()]).head().await.expect_err("two networks");
    assert!(fault.kind == Kind::WrongNetwork && fault.message.contains("chain 5"), "{fault}");
}

#[tokio::test]
async fn the_pin_is_a_block_that_all_have_and_a_laggard_is_said() {
    let at = |head| FakeChain { head, ..FakeChain::default() };
    let servers = [good(at(1_000)).await, good(at(998)).await, good(at(900)).await];
    let chain = chain(&servers.each_ref().map(Server::url));
    assert_eq!(chain.head().await.expect("a head").block.number, 998);
    let notices = chain.notices();
    assert_eq!(notices.len(), 1);
    assert!(notices[0].kind == NoticeKind::Lags && notices[0].message.contains("100 blocks (1200 s)"), "{notices:?}");
}

#[tokio::test]
async fn a_failing_endpoint_is_taken_over_from_and_asked_last() {
    let fake = FakeChain::default();
    let failing = serve(move |before, seen| if before == 0 { fake.reply(seen) } else { Reply::status(401, "") }).await;
    let other = good(FakeChain::default()).await;
    let chain = chain(&[failing.url(), other.url()]);
    let head = chain.head().await.expect("a head");
    for _ in 0..2 {
        let values = chain.snapshot(&head.block, vec![read(FEED, "decimals"), Read::Balance(PERSON)]).await;
        assert!(values.iter().all(Result::is_ok));
    }
    assert_eq!((failing.requests(), noticed(&chain)), (2, vec![NoticeKind::Failed]));
}

#[tokio::test]
async fn when_all_fail_each_says_why() {
    let alive = Arc::new(AtomicBool::new(true));
    let switch = |reply: fn() -> Reply| {
        let (alive, fake) = (alive.clone(), FakeChain::default());
        serve(move |_, seen| if alive.load(Ordering::Relaxed) { fake.reply(seen) } else { reply() })
    };
    let servers = [switch(|| Reply::status(401, "")).await, switch(|| Reply::status(200, "<html>")).await];
    let chain = chain(&servers.each_ref().map(Server::url));
    let head = chain.head().await.expect("a head");
    alive.store(false, Ordering::Relaxed);
    let fault = chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await.remove(0).expect_err("both fail");
    assert_eq!(fault.kind, Kind::Denied);
    assert!(fault.one_line().contains("HTTP 401") && fault.one_line().contains("HTML"), "{fault}");
    let fault = chain.head().await.expect_err("both fail");
    assert!(fault.message.contains("none of the 2 endpoints"), "{fault}");
}

#[tokio::test]
async fn a_dead_endpoint_costs_a_moment_and_not_its_timeout() {
    let dead = serve(|_, _| Reply::status(200, "").after(Duration::from_secs(60))).await;
    let other = good(FakeChain::default()).await;
    let urls = [dead.url(), other.url()];
    let chain = Chain::new(ChainConfig { timeout: Duration::from_secs(20), ..config(&urls) }).expect("a chain");
    let started = Instant::now();
    let head = chain.head().await.expect("the other");
    assert!(chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await[0].is_ok());
    assert!(started.elapsed() < Duration::from_secs(5), "{:?}", started.elapsed());
    assert_eq!(noticed(&chain), [NoticeKind::Failed]);
}

#[tokio::test]
async fn a_block_that_is_gone_is_reorged_and_never_a_value() {
    let forked = Arc::new(AtomicBool::new(false));
    let (switch, fake) = (forked.clone(), FakeChain::default());
    let server = serve(move |_, seen| {
        let salt = u8::from(switch.load(Ordering::Relaxed));
        FakeChain { salt, ..fake.clone() }.reply(seen)
    })
    .await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    forked.store(true, Ordering::Relaxed);
    let values = chain.snapshot(&head.block, vec![read(FEED, "decimals"), Read::PendingNonce(PERSON)]).await;
    assert!(values.iter().all(|value| value.as_ref().is_err_and(|fault| fault.kind == Kind::Reorged)));
    assert_eq!(noticed(&chain), [NoticeKind::Fork]);
    chain.head().await.expect("the chain as it is now");
    assert!(noticed(&chain).is_empty(), "what is read anew disagrees with nobody");
}

#[tokio::test]
async fn endpoints_are_not_said_to_agree_before_their_blocks_were_compared() {
    let servers =
        [good(FakeChain::default()).await, good(FakeChain { head: 1_001, salt: 1, ..FakeChain::default() }).await];
    let chain = chain(&servers.each_ref().map(Server::url));
    let head = chain.head().await.expect("a head");
    assert_eq!((head.block.number, noticed(&chain)), (1_000, vec![NoticeKind::Fork]));
}

#[tokio::test]
async fn one_on_another_fork_or_behind_is_said_and_the_others_answer() {
    for (strange, kind) in [
        (FakeChain { salt: 1, head: 1_001, ..FakeChain::default() }, NoticeKind::Fork),
        (FakeChain { head: 1_000, ..FakeChain::default() }, NoticeKind::Lags),
    ] {
        let first = FakeChain { head: 1_000, ..strange };
        let later = if kind == NoticeKind::Fork { first.clone() } else { FakeChain { head: 999, ..first.clone() } };
        let early = FakeChain { salt: 0, ..first };
        // Good when it introduces itself; then its load balancer sends us to another.
        let strange = serve(move |before, seen| if before == 0 { early.reply(seen) } else { later.reply(seen) }).await;
        let other = good(FakeChain::default()).await;
        let chain = chain(&[strange.url(), other.url()]);
        let head = chain.head().await.expect("a head");
        let values = chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await;
        assert_eq!(values, [Ok(Value::Uint(U256::from(8)))]);
        assert_eq!(noticed(&chain), [kind]);
    }
}

#[tokio::test]
async fn a_machine_behind_the_same_url_that_lacks_the_block_is_waited_for() {
    let (fake, behind) = (FakeChain::default(), FakeChain { head: 999, ..FakeChain::default() });
    let server = serve(move |before, seen| if before == 1 { behind.reply(seen) } else { fake.reply(seen) }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    assert!(chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await[0].is_ok());
    assert_eq!((server.requests(), noticed(&chain)), (3, vec![NoticeKind::Lags]));
}

#[tokio::test]
async fn a_block_that_never_comes_is_given_up() {
    let (fake, behind) = (FakeChain::default(), FakeChain { head: 999, ..FakeChain::default() });
    let server = serve(move |before, seen| if before > 0 { behind.reply(seen) } else { fake.reply(seen) }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let fault = chain.snapshot(&head.block, vec![read(FEED, "decimals")]).await.remove(0).expect_err("behind");
    assert!(fault.kind == Kind::Unreachable && fault.message.contains("does not have block 1000"), "{fault}");
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_quorum_that_agrees_answers_and_one_that_does_not_is_a_finding() {
    let servers = [good(FakeChain::default()).await, good(FakeChain { decimals: 18, ..FakeChain::default() }).await];
    let chain = quorum(&servers.each_ref().map(Server::url), 2);
    let head = chain.head().await.expect("a head");
    let values = chain
        .snapshot(&head.block, vec![read(FEED, "decimals"), read(FEED, "latestAnswer"), read(FEED, "latestRound")])
        .await;
    let fault = values[0].clone().expect_err("8 against 18");
    assert_eq!(fault.kind, Kind::Disagree);
    let told = fault.one_line();
    assert!(told.contains("says 8") && told.contains("says 18") && told.contains("decimals of 0xfefe…"), "{told}");
    assert!(values[1].is_ok());
    assert_eq!(values[2].clone().expect_err("both revert").kind, Kind::Reverted);
    assert_eq!(noticed(&chain), [NoticeKind::Disagrees]);
    assert_eq!((chain.round_trips(), chain.endpoints()), (4, 2), "head, hashes, reads, reads again as a person");
}

#[tokio::test]
async fn a_quorum_takes_the_next_where_one_fails_and_says_when_there_is_none() {
    let fake = FakeChain::default();
    let failing =
        move |before, seen: &super::server::Seen| if before < 2 { fake.reply(seen) } else { Reply::status(401, "") };
    let servers = [good(FakeChain::default()).await, serve(failing).await, good(FakeChain::default()).await];
    let urls = servers.each_ref().map(Server::url);
    let three = quorum(&urls, 2);
    let head = three.head().await.expect("a head");
    assert!(three.snapshot(&head.block, vec![read(FEED, "decimals")]).await[0].is_ok());
    assert!(servers[2].requests() > 2);
    let two = quorum(&urls[..2], 2);
    let fault = two.head().await.expect_err("one of two");
    assert!(fault.kind == Kind::Unreachable && fault.one_line().contains("1 of the 2"), "{fault}");
    assert_eq!(Chain::new(ChainConfig { quorum: 3, ..config(&urls[..2]) }).err().expect("too many").kind, Kind::Usage);
}

#[tokio::test]
async fn a_quorum_of_two_forks_is_none() {
    let servers =
        [good(FakeChain::default()).await, good(FakeChain { salt: 1, head: 1_001, ..FakeChain::default() }).await];
    let chain = quorum(&servers.each_ref().map(Server::url), 2);
    let fault = chain.head().await.expect_err("two forks");
    assert!(fault.kind == Kind::Unreachable && fault.one_line().contains("has block 1000 as"), "{fault}");
    assert_eq!(noticed(&chain), [NoticeKind::Fork]);
}

#[test]
fn two_endpoints_of_a_host_are_told_apart() {
    let urls =
        ["https://rpc.example/a".to_owned(), "https://rpc.example/b".to_owned(), "https://other.example".to_owned()];
    let labels = super::super::labels(&config(&urls).endpoints);
    assert_eq!(labels, ["rpc.example", "rpc.example#2", "other.example"]);
}
