//! Who sends alerts: from a request to authenticated alerts in the normal form, one file a sender.
//!
//! A request is read in three steps, so that a stranger costs little and a known sender is known even where its body
//! is refused: [`Source::open`] judges what stands before the body, [`Reading::push`] takes the body as it comes,
//! [`Reading::finish`] judges the signature and reads the alerts.

mod alertmanager;
mod datadog;
mod generic;
mod grafana;
mod identity;
mod json;
mod limits;
mod missed;
mod pagerduty;
mod proof;
mod sns;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use hyper::body::Bytes;
use ira_commands::playbook::Incoming;
use ira_commands::units::digits;
use ira_commands::{Fault, pd_annotate};
use reqwest::header::HeaderMap;
use sha2::{Digest as _, Sha256};

use crate::config::env::Env;
use crate::config::intake::{ProofConfig, Sender, SourceConfig};

pub use identity::identity;
pub(in crate::daemon) use identity::print;
pub use limits::Limits;
pub use missed::{Missed, missed};
use proof::{Proof, Proving};
use sns::Certificates;
pub use sns::Topics;

/// The payload to paste where Datadog asks for one.
pub const DATADOG: &str = datadog::PAYLOAD;

/// What stands before a body.
#[derive(Clone, Copy)]
pub struct Head<'a> {
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The names (subject and DNS) of the certificate that the peer has proved to own, where the listener asked for one.
    pub peer: &'a [String],
    /// Whether the listener is bound to this machine alone.
    pub loopback: bool,
}

/// One alert of a body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// By which it is known again, together with `incoming.source`: the sender's own id of the message with the index
    /// inside the batch, else the hash of fingerprint, start and status. A retry and a reminder have the same; a flap
    /// has another.
    pub id: String,
    /// What is alerting: the same while it fires and when it is over.
    pub fingerprint: String,
    /// The sender's group; may be empty. PagerDuty's key of Alertmanager's incident is the hex SHA-256 of it.
    pub group_key: String,
    /// The alert. Its `source` is the kind of sender (`alertmanager`, `cloudwatch`), whatever the table is called.
    pub incoming: Incoming,
    /// The incident that it comes from, where the sender is one that pages: a known key starts nothing.
    pub incident: Option<Incident>,
}

impl Delivery {
    /// The key of the incident that Alertmanager's own receiver for PagerDuty triggers for the same group; `None` where
    /// the alert is of no group of Alertmanager's.
    pub fn group_incident(&self) -> Option<String> {
        let known = self.incoming.source == "alertmanager" && !self.group_key.is_empty();
        known.then(|| pd_annotate::group_key(&self.group_key))
    }
}

/// An incident at whoever pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id there.
    pub id: String,
    /// The key that it was triggered with, where it is told.
    pub key: Option<String>,
}

/// What came of a body that was taken.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    /// Its alerts, in their order. None where the message is about something else.
    pub deliveries: Vec<Delivery>,
    /// How many alerts the sender left out of the body: they are in no other, and somebody is to be told.
    pub truncated: u64,
    /// What happened to an incident, where that is all that the message says.
    pub news: Option<News>,
    /// Why there is no alert in it, for the log.
    pub note: Option<&'static str>,
}

/// What happened to an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct News {
    /// The message's own id.
    pub id: String,
    /// What happened, as the sender calls it (`incident.acknowledged`).
    pub what: String,
    /// To which incident.
    pub incident: Incident,
    /// Who did it, where that is told.
    pub by: Option<String>,
}

/// Why a request is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status: 400, 401, 413, or 503 where the same request may be taken later.
    pub status: u16,
    /// What is answered: the same whatever was wrong with a proof.
    pub text: &'static str,
    /// Whether the sender had proved who it is. If so (and it is not asked to come again) somebody is to be paged: it
    /// will not come again for this body.
    pub authenticated: bool,
    /// Why, for the log and the page; nothing of the body that is not clean, and no secret.
    pub why: String,
}

impl Refusal {
    fn malformed(why: impl Into<String>) -> Self {
        Self { status: 400, text: "this body cannot be read\n", authenticated: true, why: why.into() }
    }

    fn too_much(why: impl Into<String>) -> Self {
        Self { status: 413, text: "this body is too long\n", authenticated: true, why: why.into() }
    }

    fn stranger(why: impl Into<String>) -> Self {
        Self { status: 401, text: "not authorized\n", authenticated: false, why: why.into() }
    }

    /// The sender is known and is to come again.
    fn later(why: impl Into<String>) -> Self {
        Self { status: 503, text: "try again\n", authenticated: true, why: why.into() }
    }
}

/// A sender that is configured. Its secrets are resolved when it is made.
#[derive(Clone)]
pub struct Source(Arc<Inner>);

struct Inner {
    name: String,
    sender: Sender,
    proof: Proof,
    limits: Limits,
    /// Whether nothing proves who sends.
    open: bool,
    topics: Arc<dyn Topics>,
    certificates: Certificates,
}

impl Source {
    /// The source of `[sources.NAME]`; a fault where a secret of it cannot be had.
    /// `topics` is asked only for what comes from SNS.
    pub fn new(name: &str, config: &SourceConfig, env: &dyn Env, topics: Arc<dyn Topics>) -> Result<Self, Fault> {
        let proof =
            Proof::new(config, env).map_err(|fault| fault.wrap(format!("the source `{name}` cannot be used")))?;
        let (sender, limits) = (config.sender.clone(), config.limits);
        let open = matches!(config.proof, ProofConfig::Unauthenticated);
        let certificates = Certificates::default();
        Ok(Self(Arc::new(Inner { name: name.to_owned(), sender, proof, limits, open, topics, certificates })))
    }

    /// What it is called.
    pub fn name(&self) -> &str {
        &self.0.name
    }

    /// Whether nothing proves who sends: then the listener may only be on loopback.
    pub fn is_open(&self) -> bool {
        self.0.open
    }

    /// How much is taken from it.
    pub fn limits(&self) -> Limits {
        self.0.limits
    }

    /// Judges what stands before a body.
    pub fn open(&self, head: Head<'_>) -> Result<Reading, Refusal> {
        let proving = self.0.proof.open(head)?;
        Ok(Reading { source: self.clone(), proving, first: Bytes::new(), body: Vec::new(), length: 0 })
    }
}

/// A body that is being read.
pub struct Reading {
    source: Source,
    proving: Proving,
    /// The first part, as it came: of most bodies it is all.
    first: Bytes,
    /// All parts, where there are several.
    body: Vec<u8>,
    /// How much has come, more than is kept where it is too long.
    length: usize,
}

impl Reading {
    /// Takes the next part of the body. A body that is too long is still read where only its end proves who sends it,
    /// up to four times what is allowed.
    pub fn push(&mut self, part: Bytes) -> Result<(), Refusal> {
        let most = self.source.0.limits.body;
        self.length = self.length.saturating_add(part.len());
        self.proving.push(&part);
        if self.length <= most {
            if self.length == part.len() {
                self.first = part;
                return Ok(());
            }
            self.body.extend_from_slice(&std::mem::take(&mut self.first));
            self.body.extend_from_slice(&part);
            return Ok(());
        }
        (self.first, self.body) = (Bytes::new(), Vec::new());
        match self.proving.is_done() {
            Some(true) => Err(too_long(&self.source)),
            Some(false) if self.length <= most.saturating_mul(4) => Ok(()),
            _ => Err(Refusal { authenticated: false, ..too_long(&self.source) }),
        }
    }

    /// Judges the whole body, at `now` (unix seconds), and reads its alerts.
    pub async fn finish(self, now: u64) -> Result<Batch, Refusal> {
        let Self { source, proving, first, body, length } = self;
        let body = if first.is_empty() { Bytes::from(body) } else { first };
        let message = proving.finish(now)?;
        if length > source.0.limits.body {
            return Err(too_long(&source));
        }
        let inner = &source.0;
        if let Sender::Sns(topics) = &inner.sender {
            return sns::read(&body, topics, &*inner.topics, &inner.certificates, &inner.limits, now).await;
        }
        let read = move || source.0.read(&body, message.as_deref(), now);
        // So much takes long enough for others to notice.
        if length < 1 << 17 {
            return read();
        }
        let failed = |_| Refusal::later("the body could not be read: its reader ended");
        tokio::task::spawn_blocking(read).await.map_err(failed)?
    }
}

fn too_long(source: &Source) -> Refusal {
    Refusal::too_much(format!("a body of more than {} bytes", source.0.limits.body))
}

impl Inner {
    /// The alerts of a body whose sender is known.
    fn read(&self, body: &[u8], message: Option<&str>, now: u64) -> Result<Batch, Refusal> {
        let limits = &self.limits;
        match &self.sender {
            Sender::Alertmanager => alertmanager::read(body, limits),
            Sender::Grafana => grafana::read(body, limits),
            Sender::PagerDuty => pagerduty::read(body, limits, now),
            Sender::Datadog => datadog::read(body, limits),
            Sender::Generic(mapping) => generic::read(mapping, body, message, limits),
            // Its signature stands in the body: see `finish`.
            Sender::Sns(_) => Err(Refusal::malformed("a message of SNS within another")),
        }
    }
}

/// The hex SHA-256 of `parts`, each told apart from the next.
fn digest(parts: &[&str]) -> String {
    let mut hash = Sha256::new();
    for part in parts {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    digits(&hash.finalize())
}
