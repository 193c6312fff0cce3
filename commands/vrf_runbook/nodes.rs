//! What the Chainlink nodes say. A node that cannot be asked is a gap in the report, never its failure.

use std::collections::{BTreeMap, HashMap};

use futures_util::StreamExt as _;
use futures_util::future::{join, join3, join4};
use futures_util::stream;

use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::node::{Check, Meters, NodeJob, NodeKey, NodeRead, NodeRun, NodeTx, Runs, VrfKey};
use crate::ports::{BlockRef, ChainRead, Read};
use crate::value::{H160, H256, Value};

use super::facts::{Known, Request};

/// Nodes that are asked at a time.
const AT_A_TIME: usize = 8;
/// Jobs of one node whose runs are read.
const JOBS: usize = 8;
/// Receipts of the nodes' transactions that are read.
const RECEIPTS: usize = 32;

/// What one node said.
#[derive(Clone, Debug)]
pub struct NodeFacts {
    /// Its name in the configuration.
    pub name: String,
    /// Which build it is.
    pub version: Known<Option<String>>,
    /// The accounts that it sends from.
    pub keys: Known<Vec<NodeKey>>,
    /// The keys that it proves with.
    pub vrf_keys: Known<Vec<VrfKey>>,
    /// Its jobs that have to do with randomness.
    pub jobs: Known<Vec<NodeJob>>,
    /// Its newest transactions.
    pub transactions: Known<Vec<NodeTx>>,
    /// What it says of its health.
    pub checks: Known<Vec<Check>>,
    /// What it counts.
    pub meters: Known<Meters>,
    /// The runs of the jobs that serve the coordinator, by the job's number.
    pub runs: BTreeMap<String, Known<Runs>>,
    /// What it answered that could not be read.
    pub not_understood: Vec<String>,
}

/// A transaction of a node that fulfils a request, or tries to.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// The node.
    pub node: String,
    /// The transaction.
    pub tx: NodeTx,
    /// The request's place among those of the report.
    pub request: usize,
    /// Whether it succeeded and what gas it used; `None` where it is in no block.
    pub receipt: Known<Option<(bool, u64)>>,
}

impl NodeFacts {
    async fn of(node: &dyn NodeRead) -> Self {
        let ((keys, vrf_keys, jobs, transactions), (checks, meters, version)) = join(
            join4(node.keys(), node.vrf_keys(), node.jobs(), node.transactions()),
            join3(node.health(), node.meters(), node.version()),
        )
        .await;
        let runs = BTreeMap::new();
        let name = node.name().to_owned();
        Self { name, version, keys, vrf_keys, jobs, transactions, checks, meters, runs, not_understood: Vec::new() }
    }

    /// Why nothing that needs a login could be read of it, where that is so.
    pub fn silent(&self) -> Option<&Fault> {
        match (&self.jobs, &self.keys) {
            (Err(fault), Err(_)) => Some(fault),
            _ => None,
        }
    }

    /// Whether it answered anything at all.
    pub fn is_reachable(&self) -> bool {
        self.silent().is_none_or(|fault| fault.kind == Kind::Denied) || self.checks.is_ok() || self.meters.is_ok()
    }

    /// Its jobs of a type that serve `coordinator`.
    pub fn jobs_of(&self, kind: &str, coordinator: H160) -> impl Iterator<Item = &NodeJob> {
        let jobs = self.jobs.as_ref().map(Vec::as_slice).unwrap_or_default();
        jobs.iter().filter(move |job| job.kind == kind && job.coordinators.contains(&coordinator))
    }

    /// The key hash that a job proves for; `None` where the node does not say.
    pub fn hash_of(&self, job: &NodeJob) -> Option<H256> {
        let public = job.public_key.as_ref()?;
        self.vrf_keys.as_ref().ok()?.iter().find(|key| key.public == *public).map(|key| key.hash)
    }

    /// The runs that were read of a job.
    pub fn runs_of(&self, job: &NodeJob) -> Option<&Known<Runs>> {
        self.runs.get(&job.id)
    }
}

/// Whether a run is about a request.
pub fn is_about(run: &NodeRun, request: &Request) -> bool {
    match (run.request, run.tx, run.block) {
        (Some(id), ..) => id == request.id,
        (None, Some(tx), _) => tx == request.tx,
        (None, None, Some(block)) => block == request.block,
        (None, None, None) => false,
    }
}

/// The nodes that are asked about a chain.
fn asked(context: &Context, chain_id: u64) -> impl Iterator<Item = &dyn NodeRead> {
    context.nodes().iter().map(AsRef::as_ref).filter(move |node| node.chain_id() == chain_id)
}

/// Asks every node of the chain, several at a time.
pub async fn survey(context: &Context, chain_id: u64) -> Vec<NodeFacts> {
    let nodes: Vec<_> = asked(context, chain_id).map(NodeFacts::of).collect();
    stream::iter(nodes).buffered(AT_A_TIME).collect().await
}

/// Reads the runs of the jobs that serve `coordinator`, back to `since`, and what could not be understood of everything.
pub async fn add_runs(context: &Context, chain_id: u64, nodes: &mut [NodeFacts], coordinator: H160, since: u64) {
    let questions: Vec<_> = asked(context, chain_id)
        .zip(nodes)
        .map(|(node, facts)| async move {
            let jobs: Vec<String> = facts.jobs_of("vrf", coordinator).take(JOBS).map(|job| job.id.clone()).collect();
            let asked: Vec<_> =
                jobs.into_iter().map(|job| async move { (job.clone(), node.runs(&job, since).await) }).collect();
            facts.runs = stream::iter(asked).buffered(JOBS).collect::<Vec<_>>().await.into_iter().collect();
            facts.not_understood = node.not_understood();
        })
        .collect();
    stream::iter(questions).buffered(AT_A_TIME).collect::<Vec<()>>().await;
}

/// The transactions of the nodes that are about the requests, newest first, each with what became of it on the chain.
///
/// A fulfilment's calldata holds the request's seed as a word, alone or in a batch.
pub async fn attempts(
    chain: &dyn ChainRead,
    block: &BlockRef,
    nodes: &[NodeFacts],
    requests: &[Request],
) -> Vec<Attempt> {
    let seeds: HashMap<[u8; 32], usize> = requests
        .iter()
        .enumerate()
        .map(|(at, request)| {
            let mut word = [0; 32];
            request.seed.to_big_endian(&mut word);
            (word, at)
        })
        .collect();
    let mut found = Vec::new();
    for node in nodes {
        for tx in node.transactions.as_ref().map(Vec::as_slice).unwrap_or_default() {
            let words = tx.data.get(4..).unwrap_or_default().chunks_exact(32);
            let about =
                words.filter_map(|word| seeds.get(word).copied()).collect::<std::collections::BTreeSet<usize>>();
            found.extend(about.into_iter().map(|request| Attempt {
                node: node.name.clone(),
                tx: tx.clone(),
                request,
                receipt: Err(Fault::new(Kind::Failed, "its receipt was not read")),
            }));
        }
    }
    let reads: Vec<Read> = found.iter().take(RECEIPTS).map(|attempt| Read::Receipt(attempt.tx.hash)).collect();
    if !reads.is_empty() {
        for (attempt, receipt) in found.iter_mut().zip(chain.snapshot(block, reads).await) {
            attempt.receipt = receipt.and_then(|receipt| became(&receipt));
        }
    }
    found
}

fn became(receipt: &Value) -> Known<Option<(bool, u64)>> {
    if receipt.list()?.is_empty() {
        return Ok(None);
    }
    Ok(Some((receipt.at(0)?.bool()?, receipt.at(3)?.u64()?)))
}
