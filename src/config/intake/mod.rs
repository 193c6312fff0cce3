//! `[sources.NAME]`: who may send alerts, and how each proves who it is.

mod path;
mod read;

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::secret::SecretRef;

pub(crate) use path::scalar;
pub use path::{Pick, Root, Step};
pub(super) use read::sources;

/// One sender of alerts.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// What it speaks.
    pub sender: Sender,
    /// How it proves who it is.
    pub proof: ProofConfig,
    /// How much is taken from it.
    pub limits: Limits,
    /// The receiver of Alertmanager that sends here: what it sends is asked for when ira starts.
    pub receiver: Option<String>,
}

/// What a sender speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Alertmanager's webhook, version 4.
    Alertmanager,
    /// `PagerDuty`'s webhooks, version 3.
    PagerDuty,
    /// Amazon SNS, from these topics: alarms of `CloudWatch`, events of `EventBridge`, or the body of another sender.
    Sns(Vec<String>),
    /// `Datadog`, with the payload that `ira help sources` prints.
    Datadog,
    /// Grafana's alerting.
    Grafana,
    /// Any other, by this mapping.
    Generic(Box<Mapping>),
}

impl Sender {
    /// The word of the configuration.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Alertmanager => "alertmanager",
            Self::PagerDuty => "pagerduty",
            Self::Sns(_) => "sns",
            Self::Datadog => "datadog",
            Self::Grafana => "grafana",
            Self::Generic(_) => "generic",
        }
    }

    /// The longest body where nothing is set, MiB: one group of Alertmanager's can be large, what others send is not.
    fn longest(&self) -> usize {
        match self {
            Self::Alertmanager | Self::Grafana => 16,
            _ => 1,
        }
    }
}

/// How a sender proves who it is. Of several secrets each counts, so that they can be changed one after the other.
#[derive(Clone, Debug)]
pub enum ProofConfig {
    /// A bearer token.
    Bearer(Vec<SecretRef>),
    /// A user's name and passwords.
    Basic(String, Vec<SecretRef>),
    /// A header, by its name in small letters, with a secret in it.
    Header(String, Vec<SecretRef>),
    /// A client certificate with one of these names.
    Certificate(Vec<String>),
    /// A signature of the body.
    Signed(Scheme, Vec<SecretRef>),
    /// A signature within the body, by a certificate of the sender's: SNS.
    Inside,
    /// Not at all, by the explicit word: it is on this machine, and so is the listener.
    Unauthenticated,
}

/// What is signed, and where the signature stands. All are HMAC-SHA256.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scheme {
    /// `X-PagerDuty-Signature: v1=HEX,…` of the body.
    PagerDuty,
    /// `webhook-signature: v1,BASE64 …` of id, time and body (Standard Webhooks).
    Standard,
    /// `X-Grafana-Alerting-Signature: HEX` of the body, or of time and body where a header for the time is named.
    Grafana(Option<String>),
}

/// How much is taken from a sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The longest body, bytes.
    pub body: usize,
    /// The most alerts in a body.
    pub alerts: usize,
    /// How deep lists and objects may go.
    pub depth: usize,
    /// The most labels of an alert, and the most annotations.
    pub labels: usize,
    /// The longest label, bytes. An annotation that is longer is cut.
    pub label: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self { body: 16 << 20, alerts: 10_000, depth: 32, labels: 256, label: 64 << 10 }
    }
}

/// Where the parts of an alert stand in a body.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The list of alerts; the body is one alert where this is not given.
    pub alerts: Option<Pick>,
    /// The sender's own id of an alert's message.
    pub id: Option<Pick>,
    /// Whether it is over.
    pub status: Option<Pick>,
    /// The values of `status` that say so; every other one says that it fires.
    pub resolved: Vec<String>,
    /// When it began: a moment with its zone, or unix seconds or milliseconds.
    pub starts_at: Option<Pick>,
    /// What is alerting; the labels where this is not given.
    pub fingerprint: Option<Pick>,
    /// The sender's group.
    pub group: Option<Pick>,
    /// Its labels.
    pub labels: Pairs,
    /// What describes it.
    pub annotations: Pairs,
}

/// Where names and texts stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pairs {
    /// In an object.
    Of(Pick),
    /// Each by itself.
    Each(BTreeMap<String, Pick>),
}

impl Default for Pairs {
    fn default() -> Self {
        Self::Each(BTreeMap::new())
    }
}

impl SourceConfig {
    /// Every reference to a secret.
    pub fn secrets(&self) -> &[SecretRef] {
        match &self.proof {
            ProofConfig::Bearer(all)
            | ProofConfig::Basic(_, all)
            | ProofConfig::Header(_, all)
            | ProofConfig::Signed(_, all) => all,
            ProofConfig::Certificate(_) | ProofConfig::Inside | ProofConfig::Unauthenticated => &[],
        }
    }

    /// What is set of it, without any secret.
    pub(super) fn shown(&self) -> Json {
        let proof = match &self.proof {
            ProofConfig::Bearer(_) => "token",
            ProofConfig::Basic(..) => "password",
            ProofConfig::Header(..) => "header",
            ProofConfig::Certificate(_) => "certificate",
            ProofConfig::Signed(..) => "signature",
            ProofConfig::Inside => "signature of the topic",
            ProofConfig::Unauthenticated => "none",
        };
        let secrets: Vec<String> = self.secrets().iter().map(ToString::to_string).collect();
        json!({ "kind": self.sender.word(), "proof": proof, "secrets": secrets, "max_body_mib": self.limits.body >> 20 })
    }
}
