//! The API of a Chainlink node. Shapes differ between versions: everything is read as it comes, and what could not be read
//! is said.

mod decode;
mod duration;
mod mask;
mod metrics;
mod pages;
mod read;
mod session;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::node::{Check, Meters, NodeJob, NodeKey, NodeRead, NodeTx, NodeWrite, Runs, VrfKey};
use ira_commands::units;
use ira_commands::value::H160;
use ira_commands::{Fault, Kind, date};
use reqwest::{Method, StatusCode};
use serde_json::Value as Json;

use crate::config::{Config, NodeConfig};
use read::{Doubts, Item};
use session::{Auth, Session};

/// How many times as long as one request one question may take, however many pages it has.
const PATIENCE: u32 = 3;

/// A node, asked about one chain.
pub struct Node {
    session: Session,
    chain_id: u64,
    doubts: Doubts,
}

impl Node {
    /// A node as configured. Nothing is asked of it, and no secret fetched, before the first question.
    pub fn new(config: Arc<Config>, node: NodeConfig, chain_id: u64, timeout: Duration) -> Self {
        Self { session: Session::new(config, node, timeout), chain_id, doubts: Doubts::default() }
    }

    fn item<'a>(&'a self, what: &'a str, value: &'a Json) -> Item<'a> {
        Item::new(what, value, &self.doubts, &self.session.mask)
    }

    /// A question as a whole within its time.
    async fn within<T>(&self, question: impl Future<Output = Result<T, Fault>>) -> Result<T, Fault> {
        let late = || self.session.said(Fault::new(Kind::Timeout, "does not answer in time"));
        tokio::time::timeout(self.session.timeout() * PATIENCE, question).await.unwrap_or_else(|_| Err(late()))
    }

    async fn tell(&self, path: &str, query: &[(&str, String)]) -> Result<(), Fault> {
        self.within(self.session.ask(Method::POST, path, query, Auth::User, |_| false)).await.map(drop)
    }
}

#[async_trait]
impl NodeRead for Node {
    fn name(&self) -> &str {
        self.session.name()
    }

    fn chain_id(&self) -> u64 {
        self.chain_id
    }

    async fn version(&self) -> Result<Option<String>, Fault> {
        match self.within(self.session.json("/v2/build_info", Auth::User, |_| false)).await {
            Ok(answer) => Ok(self.item("build_info", &answer).text(&["version"], 40)),
            Err(fault) if fault.kind == Kind::Missing => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    async fn keys(&self) -> Result<Vec<NodeKey>, Fault> {
        let listed = self.within(self.session.list_either("/v2/keys/evm", "/v2/keys/eth")).await?;
        Ok(listed.items.iter().filter_map(|one| decode::key(&self.item("keys", one), self.chain_id)).collect())
    }

    async fn vrf_keys(&self) -> Result<Vec<VrfKey>, Fault> {
        let listed = self.within(self.session.list("/v2/keys/vrf", |_| false)).await?;
        Ok(listed.items.iter().filter_map(|one| decode::vrf_key(&self.item("vrf keys", one))).collect())
    }

    async fn jobs(&self) -> Result<Vec<NodeJob>, Fault> {
        let listed = self.within(self.session.list("/v2/jobs", |_| false)).await?;
        if !listed.complete {
            self.doubts.add("jobs: there are more than were read".to_owned());
        }
        Ok(listed.items.iter().filter_map(|one| decode::job(&self.item("jobs", one), self.chain_id)).collect())
    }

    async fn runs(&self, job: &str, since: u64) -> Result<Runs, Fault> {
        if job.is_empty() || !job.bytes().all(|c| c.is_ascii_alphanumeric() || c == b'-') {
            return Err(Fault::new(
                Kind::BadAnswer,
                format!("the node {} has a job without a number", self.session.name()),
            ));
        }
        let began = |run: &Json| {
            let at = run.pointer("/attributes/createdAt").or(run.get("createdAt"));
            at.and_then(Json::as_str).and_then(date::moment)
        };
        let path = format!("/v2/jobs/{job}/runs");
        let listed = self.within(self.session.list(&path, |run| began(run).is_some_and(|at| at < since))).await?;
        let runs = listed.items.iter().map(|one| decode::run(&self.item("runs", one))).collect();
        Ok(Runs { runs, complete: listed.complete })
    }

    async fn transactions(&self) -> Result<Vec<NodeTx>, Fault> {
        let listed = self.within(self.session.list_either("/v2/transactions/evm", "/v2/transactions")).await?;
        let of = |one| decode::transaction(&self.item("transactions", one), self.chain_id);
        Ok(listed.items.iter().filter_map(of).collect())
    }

    async fn health(&self) -> Result<Vec<Check>, Fault> {
        // A node that is not well says so by its status, and why in the body.
        let unwell = |status| matches!(status, StatusCode::SERVICE_UNAVAILABLE | StatusCode::MULTI_STATUS);
        let answer = self.within(self.session.json("/health", Auth::Nobody, unwell)).await?;
        let checks = self.item("health", &answer).list("data").iter();
        Ok(checks.filter_map(|one| decode::check(&self.item("health", one))).collect())
    }

    async fn meters(&self) -> Result<Meters, Fault> {
        let answer = self.within(self.session.ask(Method::GET, "/metrics", &[], Auth::Nobody, |_| false)).await?;
        let clean = |text: &str| self.session.mask.text(text, 80);
        Ok(metrics::read(&String::from_utf8_lossy(&answer.body), self.chain_id, clean))
    }

    fn not_understood(&self) -> Vec<String> {
        self.doubts.all()
    }
}

#[async_trait]
impl NodeWrite for Node {
    fn name(&self) -> &str {
        self.session.name()
    }

    async fn replay_from(&self, chain_id: u64, block: u64) -> Result<(), Fault> {
        // Older builds and newer ones name the chain differently, and each passes over what it does not know.
        let query = [
            ("force", "true".to_owned()),
            ("evmChainID", chain_id.to_string()),
            ("family", "evm".to_owned()),
            ("ChainID", chain_id.to_string()),
        ];
        self.tell(&format!("/v2/replay_from_block/{block}"), &query).await
    }

    async fn enable_key(&self, chain_id: u64, address: H160) -> Result<(), Fault> {
        let query = [
            ("address", units::address(address)),
            ("evmChainID", chain_id.to_string()),
            ("enabled", "true".to_owned()),
        ];
        self.tell("/v2/keys/evm/chain", &query).await
    }
}
