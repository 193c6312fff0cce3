//! Questions to systems that speak HTTP: a web server, a Prometheus, an Alertmanager.

use std::collections::BTreeMap;

use async_trait::async_trait;

use crate::actions::Broken;
use crate::fault::Fault;

/// A request to any web server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAsk {
    /// `GET`, `POST` …
    pub method: &'static str,
    /// The URL as it stands, or a reference to it (`env:NAME`).
    pub url: String,
    /// Names and values as they stand.
    pub headers: Vec<(String, String)>,
    /// Headers whose values are secrets: name, what stands before the secret (`Bearer `), reference.
    pub secret_headers: Vec<(String, String, String)>,
    /// What is sent.
    pub body: Option<String>,
    /// For the request as a whole, seconds.
    pub seconds: u64,
    /// Whether a part of the URL comes from an alert: then only a public address is asked, or one that is allowed.
    pub untrusted: bool,
}

/// What a web server answers. A redirect is an answer, and is not followed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WebAnswer {
    /// The status.
    pub status: u16,
    /// The headers; names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body as far as it is read, without any known secret.
    pub body: Vec<u8>,
    /// Whether there was more of it.
    pub cut: bool,
    /// From the first byte of the request to the last of the body, milliseconds.
    pub ms: u64,
}

/// Asking a web server.
#[async_trait]
pub trait WebRead: Send + Sync {
    /// Names who would be asked, without any secret, or says why they must not be. Sends nothing.
    async fn place(&self, ask: &WebAsk) -> Result<String, Fault>;

    /// Asks; for methods that change nothing.
    async fn fetch(&self, ask: &WebAsk) -> Result<WebAnswer, Fault>;
}

/// Telling a web server to do something.
#[async_trait]
pub trait WebWrite: Send + Sync {
    /// Sends. What is broken says whether the request may have arrived.
    async fn send(&self, ask: &WebAsk) -> Result<WebAnswer, Broken>;
}

/// One value with what it is of.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    /// The labels.
    pub labels: BTreeMap<String, String>,
    /// The value; may be no number.
    pub value: f64,
}

/// What a query gives.
#[derive(Clone, Debug, PartialEq)]
pub struct Measured {
    /// The samples; one without labels for a scalar.
    pub samples: Vec<Sample>,
    /// What the server says beside it: an answer that it calls partial is not to be trusted.
    pub warnings: Vec<String>,
    /// Who answered.
    pub by: String,
}

/// Reading metrics.
#[async_trait]
pub trait Metrics: Send + Sync {
    /// Evaluates an expression now, for at most `seconds`.
    async fn query(&self, expr: &str, seconds: u64) -> Result<Measured, Fault>;
}

/// An alert as Alertmanager knows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Firing {
    /// Alertmanager's own name of it: 16 hex digits over the labels.
    pub fingerprint: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// Whether it is silenced or inhibited: it fires all the same.
    pub muted: bool,
}

/// What one Alertmanager says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Witness {
    /// Who says it.
    pub by: String,
    /// What fires of what was asked about; a fault where it cannot be believed.
    pub says: Result<Vec<Firing>, Fault>,
}

/// Reading which alerts fire.
#[async_trait]
pub trait AlertRead: Send + Sync {
    /// Asks every Alertmanager of the pair for the alerts that have all these labels, each apart.
    async fn firing(&self, labels: &BTreeMap<String, String>) -> Vec<Witness>;
}

/// What the sender of an alert says of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SaidOf {
    /// Who says it.
    pub by: String,
    /// Whether it still fires.
    pub fires: bool,
    /// How that is known, in words: `monitor 1234 is Alert`.
    pub words: String,
}

/// Asking a sender of alerts, other than Alertmanager, whether one of its own still fires.
#[async_trait]
pub trait SenderRead: Send + Sync {
    /// What `source` says of its alert with these labels; a fault where that cannot be told, `None` where that source
    /// is not configured or cannot be asked.
    async fn fires(&self, source: &str, labels: &BTreeMap<String, String>) -> Option<Result<SaidOf, Fault>>;
}
