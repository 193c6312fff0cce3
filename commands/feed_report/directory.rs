//! The public reference-data directory: which feeds there are, and what is promised of each.

use crate::value::H160;

/// One feed of the directory. Every field may be missing: a missing one is unknown, not well.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Entry {
    /// Its name (`ETH / USD`), trimmed and cleaned.
    pub name: String,
    /// Its path (`eth-usd`).
    pub path: Option<String>,
    /// The proxy consumers read.
    pub proxy: Option<H160>,
    /// The proxy of the SVR feed beside it.
    pub secondary_proxy: Option<H160>,
    /// The aggregator the directory believes to be behind the proxy.
    pub aggregator: Option<H160>,
    /// Decimals of the answer.
    pub decimals: Option<u64>,
    /// Seconds within which a new round is promised.
    pub heartbeat: Option<u64>,
    /// Deviation that triggers a round, percent.
    pub threshold: Option<f64>,
    /// When the feed is shut down, as published; it is then stale on purpose.
    pub shutdown: Option<String>,
}
