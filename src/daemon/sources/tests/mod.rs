//! What the sources must hold.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use ira_commands::Kind;
use reqwest::Url;
use reqwest::header::{HeaderName, HeaderValue};
use secrecy::{ExposeSecret as _, SecretString};

use super::*;
use crate::config::env::FixedEnv;
use crate::config::intake::{Mapping, Pairs, Pick, Scheme};
use crate::config::secret::SecretRef;

mod aws;
mod faults;
mod proofs;
mod senders;

/// 2026-11-22T10:00:30Z.
const NOW: u64 = 1_795_341_630;
const SECRET: &str = "CANARY-of-a-secret";
const OLD: &str = "CANARY-of-an-old-one";

/// A payload that was captured, or written by its documentation.
fn payload(name: &str) -> Vec<u8> {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/payloads").join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// SNS as it is asked: a certificate, and a record of what was confirmed.
#[derive(Default)]
struct Sns {
    certificate: Option<&'static str>,
    asked: AtomicUsize,
    confirmed: Mutex<Vec<(String, String)>>,
    refuses: bool,
}

#[async_trait::async_trait]
impl Topics for Sns {
    async fn certificate(&self, _url: &Url) -> Result<Vec<u8>, Fault> {
        self.asked.fetch_add(1, Ordering::SeqCst);
        self.certificate.map(payload).ok_or_else(|| Fault::new(Kind::Unreachable, "cannot be reached"))
    }

    async fn confirm(&self, topic: &str, token: &SecretString) -> Result<(), Fault> {
        if self.refuses {
            return Err(Fault::new(Kind::Timeout, "does not answer in time"));
        }
        self.confirmed.lock().unwrap().push((topic.to_owned(), token.expose_secret().to_owned()));
        Ok(())
    }
}

fn config(sender: Sender, proof: ProofConfig) -> SourceConfig {
    SourceConfig { sender, proof, limits: Limits::default(), receiver: None }
}

fn secrets() -> Vec<SecretRef> {
    vec![SecretRef::Env("NEW".to_owned()), SecretRef::Env("OLD".to_owned())]
}

fn source_of(config: &SourceConfig, sns: &Arc<Sns>) -> Source {
    let env = FixedEnv::of([("NEW", SECRET), ("OLD", OLD)]);
    Source::new("test", config, &env, Arc::clone(sns) as Arc<dyn Topics>).unwrap()
}

fn source(sender: Sender, proof: ProofConfig) -> Source {
    source_of(&config(sender, proof), &Arc::default())
}

/// A source whose sender has proved itself before the body.
fn trusted(sender: Sender) -> Source {
    source(sender, ProofConfig::Unauthenticated)
}

/// A mapping as `[sources.NAME]` of the kind `generic` has one.
fn mapping() -> Mapping {
    let pick = |text: &str| Some(text.parse::<Pick>().unwrap());
    Mapping {
        alerts: pick("body.alerts"),
        status: pick("item.state"),
        resolved: vec!["ok".to_owned()],
        starts_at: pick("item.since"),
        group: pick("body.group"),
        labels: Pairs::Each(
            [("alertname", "item.name"), ("host", "item.host"), ("team", "'core'")]
                .map(|(name, path)| (name.to_owned(), path.parse().unwrap()))
                .into(),
        ),
        annotations: Pairs::Of("item.details".parse().unwrap()),
        ..Mapping::default()
    }
}

/// Hands a request over as a listener does, in parts of uneven length.
fn hand(source: &Source, headers: &[(&str, String)], body: &[u8], now: u64) -> Result<Batch, Refusal> {
    let headers: HeaderMap = headers
        .iter()
        .map(|(name, value)| (name.parse::<HeaderName>().unwrap(), HeaderValue::from_str(value).unwrap()))
        .collect();
    let mut reading = source.open(Head { headers: &headers, peer: &[], loopback: true })?;
    let mut rest = body;
    for length in [1, 3, 4096, 100_000].into_iter().cycle() {
        let (part, more) = rest.split_at(length.min(rest.len()));
        reading.push(hyper::body::Bytes::copy_from_slice(part))?;
        rest = more;
        if rest.is_empty() {
            break;
        }
    }
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(reading.finish(now))
}

/// The same from a sender that is trusted.
fn take(source: &Source, body: &[u8]) -> Result<Batch, Refusal> {
    hand(source, &[], body, NOW)
}
