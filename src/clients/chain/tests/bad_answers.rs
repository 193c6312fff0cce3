//! Endpoints that answer badly: what is said, and how often they are asked.

use std::time::Duration;

use ira_commands::ports::ChainRead as _;
use ira_commands::{Fault, Kind};
use serde_json::json;

use super::chain;
use super::fake::{FEED, FakeChain, read};
use super::server::{Reply, Server, serve};

/// The fault of `head` where every request is answered so, and how many there were.
async fn head_fault(reply: impl Fn(usize) -> Reply + Send + Sync + 'static) -> (Fault, usize) {
    let server = serve(move |before, _| reply(before)).await;
    let fault = chain(&[server.url()]).head().await.expect_err("it answers badly");
    assert!(fault.message.starts_with("127.0.0.1:"), "{fault}");
    (fault, server.requests())
}

#[tokio::test]
async fn each_bad_answer_has_its_kind_and_only_some_are_asked_again() {
    type Case = (Kind, &'static str, usize, fn() -> Reply);
    let cases: [Case; 12] = [
        (Kind::BadAnswer, "HTML", 1, || Reply::status(200, "<html><h1>Welcome</h1></html>")),
        (Kind::BadAnswer, "half a JSON", 1, || Reply::status(200, "[{\"jsonrpc\":\"2.0\",\"id\":1,\"res")),
        (Kind::BadAnswer, "broke off in the middle", 1, || Reply {
            cut: Some(5),
            ..Reply::status(200, "[          ]")
        }),
        (Kind::BadAnswer, "nothing", 1, || Reply::status(200, "")),
        (Kind::BadAnswer, "leaves the question out", 1, || Reply::json(&json!([{"id": 777_777, "result": "0x1"}]))),
        (Kind::BadAnswer, "something else than a number", 1, || {
            Reply::json(&json!([{"id": 1, "result": {}}, {"id": 2}, {"id": 3}, {"id": 4}]))
        }),
        (Kind::Denied, "refuses the credential (HTTP 401)", 1, || Reply::status(401, "{\"error\":\"no\"}")),
        (Kind::Denied, "refuses the credential (HTTP 403)", 1, || Reply::status(403, "")),
        (Kind::RateLimited, "asks to slow down (HTTP 429)", 3, || Reply::status(429, "")),
        (Kind::RateLimited, "asks to slow down (HTTP 429)", 1, || Reply::status(429, "").header("retry-after", "3600")),
        (Kind::Unreachable, "out of order (HTTP 502)", 3, || Reply::status(502, "<html>Bad gateway</html>")),
        (Kind::BadAnswer, "redirects to elsewhere.example, which is not followed", 1, || {
            Reply::status(301, "").header("location", "https://elsewhere.example/x")
        }),
    ];
    for (kind, words, requests, reply) in cases {
        let (fault, asked) = head_fault(move |_| reply()).await;
        assert!(fault.kind == kind && fault.message.contains(words), "{words}: {fault:?}");
        assert_eq!(asked, requests, "{words}");
    }
}

#[tokio::test]
async fn a_refusal_to_wait_for_says_how_long_it_asks_for() {
    let (fault, _) = head_fault(|_| Reply::status(429, "").header("retry-after", "3600")).await;
    assert!(fault.one_line().contains("it asks to wait 3600 s"), "{fault}");
}

#[tokio::test]
async fn a_silent_endpoint_is_a_timeout_and_a_closed_port_is_unreachable() {
    let server = serve(|_, _| Reply::status(200, "").after(Duration::from_secs(60))).await;
    let config = super::ChainConfig { timeout: Duration::from_millis(200), ..super::config(&[server.url()]) };
    let fault = super::Chain::new(config).expect("a chain").head().await.expect_err("silent");
    assert!(fault.kind == Kind::Timeout && fault.message.contains("within 0.2 s"), "{fault}");
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    let fault = chain(&[format!("http://127.0.0.1:{port}")]).head().await.expect_err("closed");
    assert!(fault.kind == Kind::Unreachable && fault.message.contains("refused"), "{fault}");
}

#[tokio::test]
async fn what_passes_is_survived() {
    let fake = FakeChain::default();
    let server = serve(move |before, seen| match before {
        0 => Reply::status(429, "").header("retry-after", "0"),
        1 => Reply::status(503, "busy"),
        _ => fake.reply(seen),
    })
    .await;
    assert!(chain(&[server.url()]).head().await.is_ok());
    assert_eq!(server.requests(), 3);
}

#[tokio::test]
async fn only_the_questions_that_were_put_off_are_asked_again() {
    let fake = FakeChain { multicall: false, ..FakeChain::default() };
    let server = serve(move |before, seen| {
        let mut answers = fake.answer(&seen.body);
        if before == 1 {
            let id = answers[0]["id"].clone();
            answers[0] = json!({"id": id, "error": {"code": 429, "message": "compute units per second"}});
        }
        Reply::json(&answers)
    })
    .await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, vec![read(FEED, "decimals"), read(FEED, "latestAnswer")]).await;
    assert!(values.iter().all(Result::is_ok));
    assert_eq!(server.seen.lock().expect("no panic")[2].count(), 2, "one question and the pin");
}

/// An endpoint that takes at most `most` questions at once and says so in its own way.
async fn limited(most: usize, refusal: fn() -> Reply) -> Server {
    let fake = FakeChain { multicall: false, ..FakeChain::default() };
    serve(move |_, seen| if seen.count() > most { refusal() } else { fake.reply(seen) }).await
}

#[tokio::test]
async fn batches_that_are_refused_are_halved_whatever_the_words_and_that_is_remembered() {
    let refusals: [fn() -> Reply; 4] = [
        || Reply::status(413, "<html>too large</html>"),
        || Reply::json(&json!({"id": null, "error": {"code": -32600, "message": "batch too large"}})),
        || Reply::status(400, "{\"error\":{\"code\":-32600,\"message\":\"invalid request\"}}"),
        || Reply::json(&json!([{"id": null, "error": {"code": -32005, "message": "limit exceeded"}}])),
    ];
    for refusal in refusals {
        let server = limited(20, refusal).await;
        let chain = chain(&[server.url()]);
        let head = chain.head().await.expect("a head");
        let reads = || (0..300).map(|_| read(FEED, "decimals")).collect::<Vec<_>>();
        let values = chain.snapshot(&head.block, reads()).await;
        assert!(values.iter().all(Result::is_ok), "{:?}", values.iter().find(|value| value.is_err()));
        let before = server.requests();
        chain.snapshot(&head.block, reads()).await;
        let again = server.requests() - before;
        assert!(again <= 20, "{again} requests of up to 18 questions and the pin");
    }
}

#[tokio::test]
async fn an_endpoint_without_batches_is_asked_one_by_one() {
    let refusal = || Reply::json(&json!({"error": {"code": -32600, "message": "invalid request"}}));
    let fake = FakeChain { multicall: false, ..FakeChain::default() };
    let server = serve(move |_, seen| if seen.body.is_array() { refusal() } else { fake.reply(seen) }).await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, vec![read(FEED, "decimals"), read(FEED, "latestAnswer")]).await;
    assert!(values.iter().all(Result::is_ok), "{values:?}");
    let elsewhere = FakeChain { salt: 9, ..FakeChain::default() }.block(1_000);
    let values = chain.snapshot(&elsewhere, vec![read(FEED, "decimals")]).await;
    assert_eq!(values[0].clone().expect_err("the pin is checked all the same").kind, Kind::Reorged);
}

#[tokio::test]
async fn a_hopeless_endpoint_is_not_asked_a_thousand_times() {
    let fake = FakeChain { multicall: false, ..FakeChain::default() };
    let server = serve(move |before, seen| match before {
        0 => fake.reply(seen),
        _ => Reply::json(&json!({"id": null, "error": {"code": -32000, "message": "something odd"}})),
    })
    .await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let values = chain.snapshot(&head.block, (0..900).map(|_| read(FEED, "decimals")).collect()).await;
    assert!(values.iter().all(Result::is_err) && server.requests() < 20, "{}", server.requests());
}

#[tokio::test]
async fn one_answer_that_is_too_large_harms_no_other() {
    let fake = FakeChain { multicall: false, ..FakeChain::default() };
    let server = serve(move |_, seen| {
        let large = seen.body.to_string().contains("eeeeeeee");
        if large { Reply::status(413, "") } else { fake.reply(seen) }
    })
    .await;
    let chain = chain(&[server.url()]);
    let head = chain.head().await.expect("a head");
    let mut reads: Vec<_> = (0..20).map(|_| read(FEED, "decimals")).collect();
    reads[7] = read(super::fake::PERSON, "decimals");
    let values = chain.snapshot(&head.block, reads).await;
    assert_eq!(values[7].clone().expect_err("too large").kind, Kind::TooLarge);
    assert_eq!(values.iter().filter(|value| value.is_ok()).count(), 19);
}

#[tokio::test]
async fn an_answer_without_end_is_cut() {
    let server = serve(|_, _| Reply::status(200, vec![b' '; (32 << 20) + 1])).await;
    let config = super::ChainConfig { timeout: Duration::from_secs(20), ..super::config(&[server.url()]) };
    let fault = super::Chain::new(config).expect("a chain").head().await.expect_err("too large");
    assert!(fault.kind == Kind::TooLarge && fault.message.contains("32 MiB"), "{fault}");
}

#[tokio::test]
async fn packed_answers_are_unpacked() {
    use std::io::Write as _;
    let fake = FakeChain::default();
    let server = serve(move |_, seen| {
        assert!(seen.head.to_lowercase().contains("accept-encoding: gzip"));
        let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packer.write_all(fake.answer(&seen.body).to_string().as_bytes()).expect("to memory");
        Reply::status(200, packer.finish().expect("to memory")).header("content-encoding", "gzip")
    })
    .await;
    assert!(chain(&[server.url()]).head().await.is_ok());
}

#[tokio::test]
async fn the_rate_is_kept() {
    let fake = FakeChain::default();
    let server = serve(move |_, seen| fake.reply(seen)).await;
    let config = super::ChainConfig { rate_per_second: Some(10.0), ..super::config(&[server.url()]) };
    let chain = super::Chain::new(config).expect("a chain");
    let started = std::time::Instant::now();
    // A second's worth goes at once, the rest at the rate.
    for _ in 0..14 {
        chain.head().await.expect("a head");
    }
    assert!(started.elapsed() >= Duration::from_millis(400), "{:?}", started.elapsed());
}
