//! Endpoints that misbehave: each gives a clear error with a hint, none of them makes the key appear anywhere.

use std::net::TcpListener;
use std::time::Duration;

use serde_json::{Value, json};

use crate::support::bed;
use crate::support::faults::{Server, http};
use crate::support::run::{Ran, ira};

/// Stands in every part of the URL that can hold a credential.
const KEY: &str = "c4n4ryK3yAbCdEf0123456789";
const FEED: &str = "0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419";

/// Answers each item of a batch (or a single call) by its method.
fn rpc(body: &str, answer: impl Fn(&Value) -> Value) -> Vec<u8> {
    let asked: Value = serde_json::from_str(body).unwrap_or(Value::Null);
    let answered = match &asked {
        Value::Array(items) => Value::Array(items.iter().map(&answer).collect()),
        one => answer(one),
    };
    http(200, "application/json", answered.to_string().as_bytes())
}

/// A server that misbehaves as named, and the words its error must hold.
fn misbehaving(how: &str) -> (u16, &'static [&'static str]) {
    let server = |answer: fn(&str) -> Option<Vec<u8>>| Server::start(answer).port;
    match how {
        "refuses" => {
            (TcpListener::bind("127.0.0.1:0").and_then(|l| l.local_addr()).expect("loopback").port(), &["127.0.0.1"])
        }
        "breaks off" => (server(|_| None), &["127.0.0.1"]),
        "is slow" => (
            server(|_| {
                std::thread::sleep(Duration::from_secs(4));
                None
            }),
            &["does not answer within"],
        ),
        "401" => (server(|_| Some(http(401, "text/plain", format!("bad key {KEY}").as_bytes()))), &["401"]),
        "429" => (server(|_| Some(http(429, "text/plain", b"slow down"))), &["429"]),
        "500" => (server(|_| Some(http(500, "text/plain", format!("{KEY} crashed").as_bytes()))), &["500"]),
        "redirects" => (
            server(|_| {
                Some(
                    format!("HTTP/1.1 302 X\r\nlocation: http://127.0.0.1:9/{KEY}\r\ncontent-length: 0\r\n\r\n")
                        .into_bytes(),
                )
            }),
            &["redirect"],
        ),
        "HTML" => (
            server(|_| Some(http(200, "text/html", format!("<html><title>Sign in {KEY}</title></html>").as_bytes()))),
            &["HTML"],
        ),
        "half an answer" => (
            server(|_| {
                Some(
                    b"HTTP/1.1 200 X\r\ncontent-type: application/json\r\ncontent-length: 500\r\n\r\n[{\"jsonrpc\""
                        .to_vec(),
                )
            }),
            &["127.0.0.1"],
        ),
        "half a JSON" => {
            (server(|_| Some(http(200, "application/json", b"[{\"jsonrpc\":\"2.0\",\"id\":0,\"res"))), &["127.0.0.1"])
        }
        "wrong id" => (
            server(|body| Some(rpc(body, |item| json!({ "jsonrpc": "2.0", "id": 987_654, "result": item["method"] })))),
            &["leaves the question out"],
        ),
        "error with the key" => (
            server(|body| {
                Some(rpc(body, |item| {
                    let error = json!({ "code": -32_000, "message": format!("project {KEY} is over its quota") });
                    json!({ "jsonrpc": "2.0", "id": item["id"], "error": error })
                }))
            }),
            &["over its quota"],
        ),
        "10 MB" => {
            (server(|_| Some(http(200, "application/json", "[1,".repeat(3_500_000).as_bytes()))), &["127.0.0.1"])
        }
        "another chain" => (
            server(|body| {
                Some(rpc(body, |item| {
                    let result = match item["method"].as_str() {
                        Some("eth_chainId") => json!("0x89"),
                        Some("eth_getBlockByNumber") => {
                            json!({ "number": "0x1", "hash": format!("0x{}", "11".repeat(32)), "timestamp": "0x1" })
                        }
                        _ => json!("0x"),
                    };
                    json!({ "jsonrpc": "2.0", "id": item["id"], "result": result })
                }))
            }),
            &["polygon", "ethereum-mainnet"],
        ),
        other => panic!("no such misbehaviour: {other}"),
    }
}

#[test]
fn each_misbehaviour_has_a_clear_error_and_keeps_the_key() {
    let ways = [
        "refuses",
        "breaks off",
        "is slow",
        "401",
        "429",
        "500",
        "redirects",
        "HTML",
        "half an answer",
        "half a JSON",
        "wrong id",
        "error with the key",
        "10 MB",
        "another chain",
    ];
    std::thread::scope(|scope| {
        for how in ways {
            scope.spawn(move || misbehaves(how));
        }
    });
}

fn misbehaves(how: &str) {
    let home = tempfile::tempdir().expect("a folder");
    let (port, said) = misbehaving(how);
    let url = format!("http://user:{KEY}@127.0.0.1:{port}/v2/{KEY}?apikey={KEY}");
    let recording = home.path().join("recording.json");
    for format in ["table", "json", "markdown"] {
        let ran = Ran::of(
            ira(home.path())
                .env("IRA_LOG", "trace")
                .env("RPC", &url)
                .args(["feed-report", FEED, "--network", "ethereum-mainnet", "--rpc-url", "env:RPC", "--timeout", "1"])
                .args(["--directory", "/dev/null", "--format", format, "--record"])
                .arg(&recording),
        );
        assert_eq!(ran.code, 69, "{how}: {ran:?}");
        let error = &ran.err;
        assert!(error.contains("Error: "), "{how}: {error}");
        assert!(error.contains("hint: "), "{how}: {error}");
        for word in said {
            assert!(error.contains(word), "{how} does not say `{word}`: {error}");
        }
        assert!(!error.contains(KEY) && !ran.out.contains(KEY), "{how}: the key is out: {ran:?}");
        let kept = std::fs::read_to_string(&recording).unwrap_or_default();
        assert!(
            !kept.contains(KEY) && !kept.contains(&port.to_string()),
            "{how}: the recording holds the endpoint: {kept}"
        );
    }
}

#[test]
fn a_literal_keyed_url_works_with_a_warning_that_names_env() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let url = format!("http://127.0.0.1:{}/v2/{KEY}", Server::delaying(bed.port, Duration::ZERO).port);
    let ran = Ran::of(ira(home.path()).args(["feed-report", &bed.of("ocr2-healthy", "proxy"), "--rpc-url", &url]));
    assert!(ran.err.contains("warning: ") && ran.err.contains("env:"), "{}", ran.err);
    assert!(!ran.err.contains(KEY) && !ran.out.contains(KEY), "{ran:?}");
}

#[test]
fn a_second_endpoint_takes_over_from_one_that_is_down() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let (down, _) = misbehaving("refuses");
    let ran = Ran::of(ira(home.path()).args([
        "feed-report",
        &bed.of("ocr2-healthy", "proxy"),
        "--json",
        "--rpc-url",
        &format!("http://127.0.0.1:{down}"),
        "--rpc-url",
        &bed.url,
    ]));
    let json = ran.json();
    assert_eq!(json["data"]["feeds"].as_array().map(Vec::len), Some(1), "{}", ran.err);
    let findings = json["data"]["feeds"][0]["findings"].as_array().expect("findings").clone();
    let found = findings.iter().find(|one| one["check"] == "endpoints-disagree").expect("applies");
    assert_eq!(found["status"], "info", "{found:#}");
}

#[test]
fn a_recording_of_keyed_endpoints_holds_no_credential() {
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let recording = home.path().join("recording.json");
    // The chain itself takes no path and no credential; what passes the requests on takes any.
    let door = Server::delaying(bed.port, Duration::ZERO);
    let url = format!("http://user:{KEY}@127.0.0.1:{}/v2/{KEY}?apikey={KEY}", door.port);
    let ran = Ran::of(
        ira(home.path())
            .env("RPC", url)
            .args(["feed-report", &bed.of("ocr2-stale", "proxy"), "--rpc-url", "env:RPC", "--record"])
            .arg(&recording),
    );
    assert!(ran.out.contains("stale"), "{ran:?}");
    let kept = std::fs::read_to_string(&recording).expect("recorded");
    for secret in [KEY, "user:", "127.0.0.1", &door.port.to_string(), "authorization", "http://"] {
        assert!(!kept.contains(secret), "the recording holds `{secret}`");
    }
}

#[test]
fn a_block_reorganised_under_the_report_is_read_anew_and_said() {
    // The first answers name one block, all later ones another at the same height.
    let bed = bed::shared();
    let home = tempfile::tempdir().expect("a folder");
    let port = bed.port;
    let seen = std::sync::atomic::AtomicUsize::new(0);
    let server = Server::start(move |body| {
        let turn = seen.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
        let mut upstream = std::net::TcpStream::connect(("127.0.0.1", port)).ok()?;
        std::io::Write::write_all(&mut upstream, format!("POST / HTTP/1.1\r\nhost: l\r\ncontent-type: application/json\r\ncontent-length: {}\r\nconnection: close\r\n\r\n{body}", body.len()).as_bytes()).ok()?;
        let mut answer = String::new();
        std::io::Read::read_to_string(&mut upstream, &mut answer).ok()?;
        let mut answer: Value = serde_json::from_str(answer.split_once("\r\n\r\n")?.1).ok()?;
        if turn == 0 {
            for item in answer.as_array_mut().into_iter().flatten() {
                if item["result"]["hash"].is_string() {
                    item["result"]["hash"] = json!(format!("0x{}", "22".repeat(32)));
                }
            }
        }
        Some(http(200, "application/json", answer.to_string().as_bytes()))
    });
    let ran = Ran::of(ira(home.path()).args([
        "feed-report",
        &bed.of("ocr2-stale", "proxy"),
        "--rpc-url",
        &format!("http://127.0.0.1:{}", server.port),
    ]));
    assert!(ran.err.contains("read anew"), "{ran:?}");
    assert!(ran.out.contains("stale"), "{ran:?}");
}
