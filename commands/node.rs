//! What a Chainlink node can be asked and told, in plain values.
//!
//! What a build of a node does not say is `None`: shapes differ between versions, and nothing is guessed.

use async_trait::async_trait;

use crate::fault::Fault;
use crate::value::{H160, H256, U256};

/// An account that a node sends from, on one chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeKey {
    /// The account.
    pub address: H160,
    /// Whether it is disabled for the chain.
    pub disabled: Option<bool>,
    /// Its balance as the node knows it, wei.
    pub balance: Option<U256>,
    /// The most that it pays for a unit of gas, wei.
    pub max_gas_price: Option<U256>,
}

/// A key that a node makes proofs with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VrfKey {
    /// As a job names it: the compressed public key, `0x` and 66 small hex digits.
    pub public: String,
    /// The lane's key hash.
    pub hash: H256,
}

/// A job of a node, as far as randomness needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeJob {
    /// Its number.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its type (`vrf`, `blockhashstore`).
    pub kind: String,
    /// The chain it is for.
    pub chain_id: Option<u64>,
    /// The coordinators that it serves.
    pub coordinators: Vec<H160>,
    /// The accounts that it sends from.
    pub from: Vec<H160>,
    /// The public key that it proves with, as [`VrfKey::public`].
    pub public_key: Option<String>,
    /// It drops requests older than this, seconds; 0 is never.
    pub request_timeout: Option<u64>,
    /// How long it waits before it tries a second time, milliseconds; 0 where it does not back off.
    pub backoff_initial: Option<u64>,
    /// The longest that it waits between two tries, milliseconds.
    pub backoff_max: Option<u64>,
    /// Confirmations that it waits for.
    pub min_confirmations: Option<u64>,
    /// The contract by which it can fulfil by force (V2).
    pub owner_contract: Option<H160>,
    /// Feeder: blocks that it waits before it stores a hash.
    pub wait_blocks: Option<u64>,
    /// Feeder: how many blocks it looks back.
    pub lookback_blocks: Option<u64>,
    /// Feeder: the store, and the trusted one.
    pub stores: Vec<H160>,
    /// What went wrong in it and was not dismissed.
    pub errors: Vec<JobError>,
}

/// Something that went wrong in a job.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct JobError {
    /// What.
    pub description: String,
    /// How often.
    pub occurrences: Option<u64>,
    /// When last, unix seconds.
    pub at: Option<u64>,
}

/// A run of a job. A node writes one down when it has worked on a request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NodeRun {
    /// Its number.
    pub id: String,
    /// When it began, unix seconds.
    pub at: Option<u64>,
    /// The transaction whose event it is about.
    pub tx: Option<H256>,
    /// The block of that event.
    pub block: Option<u64>,
    /// The request's id.
    pub request: Option<U256>,
    /// What went wrong in it; empty where nothing did.
    pub errors: Vec<String>,
}

/// The newest runs of a job.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Runs {
    /// Newest first.
    pub runs: Vec<NodeRun>,
    /// Whether they go back as far as was asked for.
    pub complete: bool,
}

/// A transaction of a node, by its newest attempt.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeTx {
    /// Hash of the attempt.
    pub hash: H256,
    /// `unstarted`, `in_progress`, `unconfirmed`, `confirmed`, `confirmed_missing_receipt`, `fatal_error`.
    pub state: String,
    /// Who sends it.
    pub from: Option<H160>,
    /// To whom.
    pub to: Option<H160>,
    /// Its place among the sender's transactions.
    pub nonce: Option<u64>,
    /// The most gas that it may use.
    pub gas_limit: Option<u64>,
    /// Height of the chain when the attempt was sent.
    pub sent_at_block: Option<u64>,
    /// What it calls with.
    pub data: Vec<u8>,
}

/// A check of a node by itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Check {
    /// Which part it is of.
    pub name: String,
    /// Whether it passes.
    pub passing: bool,
    /// What it says.
    pub output: String,
}

/// What a node counts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Meters {
    /// The newest block that it knows of the chain.
    pub head: Option<u64>,
    /// Requests that its jobs dropped since it started: job's name, reason (`age`, `mailbox_size`), how many.
    pub dropped: Vec<(String, String, u64)>,
    /// Time between two tries of the same request, over all: job's name, how many such times, milliseconds in all.
    pub between_tries: Vec<(String, u64, u64)>,
}

/// Asking a node. Each question is about the one chain that the configuration says the node serves.
#[async_trait]
pub trait NodeRead: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// EIP-155 id of the chain that it is asked about.
    fn chain_id(&self) -> u64;

    /// Which build it is; `None` where it does not say.
    async fn version(&self) -> Result<Option<String>, Fault>;

    /// The accounts that it sends from.
    async fn keys(&self) -> Result<Vec<NodeKey>, Fault>;

    /// The keys that it makes proofs with.
    async fn vrf_keys(&self) -> Result<Vec<VrfKey>, Fault>;

    /// Its jobs of this chain that have to do with randomness.
    async fn jobs(&self) -> Result<Vec<NodeJob>, Fault>;

    /// The newest runs of a job, back to `since` (unix seconds) where that is within reach.
    async fn runs(&self, job: &str, since: u64) -> Result<Runs, Fault>;

    /// Its newest transactions on this chain.
    async fn transactions(&self) -> Result<Vec<NodeTx>, Fault>;

    /// What it says of its own health.
    async fn health(&self) -> Result<Vec<Check>, Fault>;

    /// What it counts.
    async fn meters(&self) -> Result<Meters, Fault>;

    /// What it answered so far that could not be read, in words.
    fn not_understood(&self) -> Vec<String>;
}

/// Telling a node to do something.
#[async_trait]
pub trait NodeWrite: Send + Sync {
    /// Its name in the configuration.
    fn name(&self) -> &str;

    /// Has it read the chain's logs again from `block` on. What it saw before it ignores: safe to repeat.
    async fn replay_from(&self, chain_id: u64, block: u64) -> Result<(), Fault>;

    /// Lets it send from `address` on the chain again. Safe to repeat.
    async fn enable_key(&self, chain_id: u64, address: H160) -> Result<(), Fault>;
}
