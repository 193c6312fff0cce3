//! The canary: a key in every part of the URL is in nothing that comes out, however the endpoint misbehaves.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use ira_commands::ports::{ChainRead as _, Interface, LogFilter, Read};
use serde_json::json;

use super::super::{About, Recorder};
use super::fake::{FEED, FakeChain, PERSON, read};
use super::server::{Reply, Seen, serve};
use super::{Chain, ChainConfig, config};

const KEYS: [&str; 5] =
    ["canaryuser", "canarypass", "canarypath0123456789", "canaryquery0123456789", "Y2FuYXJ5dXNlcjpjYW5hcnlwYXNz"];

/// Everything a server knows of us, to be thrown back.
fn echo(seen: &Seen) -> String {
    let host = seen.head.lines().find_map(|line| line.strip_prefix("host: ")).unwrap_or_default();
    format!(
        "{} http://canaryuser:canarypass@{host}/v2/canarypath0123456789?apikey=canaryquery0123456789 \
         canary\u{7}path0123456789 Basic Y2FuYXJ5dXNlcjpjYW5hcnlwYXNz",
        seen.head
    )
}

type Misbehave = fn(&Seen, &str, &FakeChain) -> Reply;

fn modes() -> Vec<(&'static str, Misbehave)> {
    vec![
        ("html", |_, echo, _| Reply::status(200, format!("<html>{echo}</html>"))),
        ("text", |_, echo, _| Reply::status(200, echo.to_owned())),
        ("half", |_, echo, _| Reply::status(200, format!("[{{\"id\":1,\"result\":\"{}", echo.len()))),
        ("broken off", |_, echo, _| Reply { cut: Some(9), ..Reply::status(200, echo.to_owned()) }),
        ("401", |_, echo, _| Reply::status(401, echo.to_owned())),
        ("403", |_, echo, _| Reply::status(403, echo.to_owned())),
        ("404", |_, echo, _| Reply::status(404, echo.to_owned())),
        ("413", |_, echo, _| Reply::status(413, echo.to_owned())),
        ("429", |_, echo, _| Reply::status(429, echo.to_owned()).header("retry-after", "9999")),
        ("500", |_, echo, _| Reply::status(500, echo.to_owned())),
        ("redirect", |_, _, _| {
            let to = "https://elsewhere.example/v2/canarypath0123456789?apikey=canaryquery0123456789";
            Reply::status(302, "").header("location", to)
        }),
        ("redirect to a host", |_, _, _| {
            Reply::status(302, "").header("location", "https://canarypath0123456789.example/")
        }),
        ("slow", |_, echo, _| Reply::status(200, echo.to_owned()).after(Duration::from_secs(30))),
        ("whole error", |_, echo, _| Reply::json(&json!({"id": null, "error": {"code": -32000, "message": echo}}))),
        ("item errors", |seen, echo, _| each(seen, |id| json!({"id": id, "error": {"code": -32000, "message": echo}}))),
        ("reverts", |seen, echo, _| {
            each(seen, |id| json!({"id": id, "error": {"code": 3, "message": echo, "data": "0x"}}))
        }),
        ("revert data", |seen, echo, _| {
            let token = ethers_core::abi::Token::String(echo.to_owned());
            let data = ethers_core::utils::hex::encode(ethers_core::abi::encode(&[token]));
            let error = json!({"code": 3, "message": "execution reverted", "data": format!("0x08c379a0{data}")});
            each(seen, |id| json!({"id": id, "error": error}))
        }),
        ("results", |seen, echo, _| each(seen, |id| json!({"id": id, "result": echo}))),
        ("blocks", |seen, echo, _| {
            each(seen, |id| json!({"id": id, "result": {"number": echo, "hash": echo, "timestamp": echo}}))
        }),
        ("wrong ids", |seen, echo, _| each(seen, |_| json!({"id": echo, "result": echo}))),
        ("extra fields", |seen, echo, fake| {
            let mut answers = fake.answer(&seen.body);
            for answer in answers.as_array_mut().into_iter().flatten() {
                if answer["result"]["hash"].is_string() {
                    answer["result"]["extraData"] = echo.into();
                }
            }
            Reply::json(&answers)
        }),
    ]
}

fn each(seen: &Seen, answer: impl Fn(&serde_json::Value) -> serde_json::Value) -> Reply {
    let answers: Vec<_> = seen.body.as_array().into_iter().flatten().map(|item| answer(&item["id"])).collect();
    Reply::json(&json!(answers))
}

/// All that a run says, in one text.
async fn said(port: u16) -> String {
    let url = format!(
        "http://canaryuser:canarypass@127.0.0.1:{port}/v2/canarypath0123456789?apikey=canaryquery0123456789&flag"
    );
    let recorder = Arc::new(Recorder::new());
    let config = ChainConfig {
        timeout: Duration::from_millis(300),
        recorder: Some(recorder.clone()),
        ..config(&[url.clone(), url])
    };
    let endpoints = format!("{:?}", config.endpoints);
    let chain = Chain::new(config).expect("a chain");
    let head = chain.head().await;
    let at = FakeChain::default().block(1_000);
    let reads = vec![read(FEED, "decimals"), Read::Balance(PERSON), Read::Code(FEED), Read::BlockTime(5)];
    let values = chain.snapshot(&at, reads).await;
    let events = vec![(Interface::Ocr2, "AnswerUpdated")];
    let logs =
        chain.logs(&at, vec![LogFilter { addresses: vec![FEED], events, indexed: Vec::new(), from: 1, to: 9 }]).await;
    let recording = recorder
        .finish(&About { recorded_at: 1, endpoints: 2, quorum: 1, ..About::default() }, &BTreeMap::new())
        .expect("JSON");
    assert!(!recording.contains("127.0.0.1:"), "{}", around(&recording, "127.0.0.1:"));
    format!("{head:?} {values:?} {logs:?} {:?} {endpoints} {recording}", chain.notices())
}

#[tokio::test]
async fn the_key_is_nowhere_in_what_is_said_or_recorded() {
    // At once; and only once the endpoint has been believed.
    let cases = modes().into_iter().flat_map(|(mode, misbehave)| [0, 2].map(|good_for| (mode, misbehave, good_for)));
    let runs = cases.map(|(mode, misbehave, good_for)| async move {
        let fake = FakeChain::default();
        let server = serve(move |before, seen| {
            assert!(seen.head.contains("canarypath") && seen.head.contains("Y2FuYXJ5"), "the key is sent");
            let echo = echo(seen);
            if before < good_for { fake.reply(seen) } else { misbehave(seen, &echo, &fake) }
        })
        .await;
        let said = said(server.port).await;
        for key in KEYS {
            assert!(!said.contains(key), "{mode} after {good_for}: {key} in {}", around(&said, key));
        }
    });
    futures::future::join_all(runs).await;
}

fn around<'a>(text: &'a str, key: &str) -> &'a str {
    let at = text.find(key).unwrap_or(0);
    text.get(at.saturating_sub(200)..(at + 200).min(text.len())).unwrap_or(text)
}

#[tokio::test]
async fn nor_when_nobody_is_there() {
    let port = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("bound").port();
    let said = said(port).await;
    for key in KEYS {
        assert!(!said.contains(key), "{key}");
    }
}
