//! `[sources.NAME]`: who may send alerts, and how each proves who it is.

use super::secret::SecretRef;

/// One sender of alerts.
#[derive(Clone, Debug)]
pub struct SourceConfig {
    /// What it speaks.
    pub sender: Sender,
    /// How it proves who it is.
    pub proof: ProofConfig,
    /// How much is taken from it.
    pub limits: Limits,
}

/// What a sender speaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// Alertmanager's webhook, version 4.
    Alertmanager,
}

/// How a sender proves who it is. Of several secrets each counts, so that they can be changed one after the other.
#[derive(Clone, Debug)]
pub enum ProofConfig {
    /// A bearer token.
    Bearer(Vec<SecretRef>),
    /// A user's name and passwords.
    Basic(String, Vec<SecretRef>),
    /// A client certificate with one of these names.
    Certificate(Vec<String>),
    /// Not at all, by the explicit word: it is on this machine, and so is the listener.
    Unauthenticated,
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
