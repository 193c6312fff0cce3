//! The questions `ira` asks of the world. Adapters outside this crate answer them.
//!
//! A port that reads and a port that writes are two traits, so that a dry run can be given no write port at all.

pub mod aws;
pub mod cluster;
pub mod data;
pub mod host;
pub mod kept;
pub mod people;
pub mod systems;

use std::time::Duration;

use async_trait::async_trait;

use crate::fault::Fault;
use crate::value::{H160, H256, U256, Value};

mod vrf;

pub use vrf::{Fundable, VrfSettings};

/// A network as the configuration and the endpoint describe it.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Network {
    /// Its name (`ethereum-mainnet`), or `chain-<id>` where no configuration names it.
    pub name: String,
    /// EIP-155 chain id, as the endpoint itself answered it.
    pub chain_id: u64,
    /// Symbol of the native coin (`ETH`).
    pub native: String,
    /// Nominal seconds between blocks, where configured.
    pub block_time: Option<f64>,
    /// The LINK token, where configured.
    pub link: Option<H160>,
    /// The L2 sequencer uptime feed's proxy; `None` on an L1.
    pub sequencer: Option<H160>,
    /// Base URL of a block explorer (`https://etherscan.io`).
    pub explorer: Option<String>,
    /// The account whose key is configured to sign here, where its keystore says whose it is.
    pub signer: Option<H160>,
    /// Its VRF coordinators, and whose requests may be paid for.
    pub vrf: VrfSettings,
}

/// The most blocks of a day that are looked back over without being asked to: 24 hours of two seconds each, in few enough
/// queries where logs are served in short ranges.
const MOST_BLOCKS: u64 = 50_000;
/// A day where the block time is not known: that of Ethereum.
const UNKNOWN_BLOCKS: u64 = 7_200;

impl Network {
    /// How many blocks a day has, within bounds.
    pub fn day_of_blocks(&self) -> u64 {
        match self.block_time {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "positive and bounded")]
            Some(seconds) if seconds > 0.0 => ((86_400.0 / seconds).ceil() as u64).min(MOST_BLOCKS),
            _ => UNKNOWN_BLOCKS,
        }
    }
}

/// One block: what every read of a report is pinned to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct BlockRef {
    /// Its height.
    pub number: u64,
    /// Its hash; an answer from a chain where this height has another hash is not believed.
    pub hash: H256,
    /// Its time, unix seconds.
    pub timestamp: u64,
}

/// Where a report begins: the network, the pinned block and the price of gas.
#[derive(Clone, Debug, PartialEq)]
pub struct Head {
    /// The network the endpoint proved to be.
    pub network: Network,
    /// The block all reads are pinned to.
    pub block: BlockRef,
    /// Present price of a unit of gas, wei; a fault where the endpoint would not say.
    pub gas_price: Result<U256, Fault>,
}

/// The contract interfaces whose functions and events commands name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Interface {
    /// `EACAggregatorProxy` 0.6; its round functions are also those of every aggregator.
    Proxy,
    /// `OffchainAggregator` (OCR1).
    Ocr1,
    /// `OCR2Aggregator`.
    Ocr2,
    /// `FluxAggregator`.
    Flux,
    /// The LINK token (ERC-677).
    Link,
    /// `VRFCoordinatorV2`.
    VrfV2,
    /// `VRFCoordinatorV2_5`.
    VrfV25,
    /// `BlockhashStore`.
    BlockhashStore,
    /// `BatchBlockhashStore`.
    BatchBlockhashStore,
}

/// A call of a view function.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Call {
    /// Whose ABI it is.
    pub interface: Interface,
    /// The function's name in that ABI.
    pub function: &'static str,
    /// Its arguments, in order.
    pub args: Vec<Value>,
}

/// One thing to read at the pinned block.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Read {
    /// A contract's answer. One return value comes as itself, several as a [`Value::List`].
    Call {
        /// The contract.
        to: H160,
        /// What is asked of it.
        call: Call,
    },
    /// Native balance, wei ([`Value::Uint`]).
    Balance(H160),
    /// Count of transactions mined from an account at the pinned block ([`Value::Uint`]).
    Nonce(H160),
    /// The same with those waiting in the pool: not of the pinned block, by nature ([`Value::Uint`]).
    PendingNonce(H160),
    /// An account's transactions in the endpoint's pool, those that cannot be mined yet among them, by ascending nonce: a
    /// list of `[nonce, hash, most wei for each unit of gas]`, an empty list in the place of what the endpoint does not
    /// tell. Not of the pinned block, by nature; a fault of kind
    /// [`Kind::Missing`](crate::Kind::Missing) where the endpoint does not show its pool, as most do not.
    Pooled(H160),
    /// Code of an account ([`Value::Bytes`], empty for a plain account).
    Code(H160),
    /// Time of another block by height, unix seconds ([`Value::Uint`]).
    BlockTime(u64),
    /// Gas that a mined transaction used ([`Value::Uint`], from its receipt).
    GasUsed(H256),
    /// A mined transaction: a list of whether it succeeded ([`Value::Bool`]), its block ([`Value::Uint`]), its sender
    /// ([`Value::Address`]) and the contracts that emitted events in it (a list of [`Value::Address`]).
    Mined(H256),
    /// A transaction's call made anew at the pinned block; nothing is changed by it ([`Value::Bytes`], or the revert).
    Trial {
        /// Who calls.
        from: H160,
        /// What is called.
        to: H160,
        /// Wei that go with it.
        value: U256,
        /// The calldata.
        data: Vec<u8>,
    },
    /// What gas costs in the next block, wei for each unit: `[base fee, priority fee]`, from the fee history.
    Fees,
    /// Gas that a transaction from an account would use ([`Value::Uint`]); a fault of kind
    /// [`Kind::Reverted`](crate::Kind::Reverted) where it would revert.
    Gas(H160, Box<TxRequest>),
    /// What became of a transaction: an empty list where it is in no block, else
    /// `[success, block number, block hash, gas used, wei paid for each unit]`. Not of the pinned block, by nature.
    Receipt(H256),
    /// A transaction as the endpoint knows it, mined or waiting: an empty list where it knows none, else
    /// `[from, nonce, to or [], value, input, gas, max fee, max priority fee, whether it is mined, chain id]`.
    Transaction(H256),
    /// The RLP of a block's header ([`Value::Bytes`]), rebuilt from its fields and checked against the block's hash.
    Header(u64),
}

/// What a transaction calls with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Input {
    /// A function of a contract.
    Call(Call),
    /// These bytes; none for a plain transfer.
    Raw(Vec<u8>),
}

/// What a transaction is to do.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct TxRequest {
    /// Who it goes to; `None` creates a contract.
    pub to: Option<H160>,
    /// What it calls with.
    pub input: Input,
    /// Native coins that go with it, wei.
    pub value: U256,
}

/// Everything that is signed: an EIP-1559 transaction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TxOrder {
    /// The chain that it is good on.
    pub chain_id: u64,
    /// Its place among the sender's transactions.
    pub nonce: u64,
    /// What it is to do.
    pub request: TxRequest,
    /// The most gas that it may use.
    pub gas: U256,
    /// The most that is paid for a unit of gas, wei.
    pub max_fee_per_gas: U256,
    /// The most of it that goes to who builds the block, wei.
    pub max_priority_fee_per_gas: U256,
}

/// A signed transaction, whole: sent again it is the same one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedTx {
    /// The chain that it is good on.
    pub chain_id: u64,
    /// Who signed it.
    pub from: H160,
    /// Its place among the sender's transactions.
    pub nonce: u64,
    /// Its hash.
    pub hash: H256,
    /// As it goes over the wire.
    pub raw: Vec<u8>,
}

/// Signing with the configured key. It changes nothing by itself.
#[async_trait]
pub trait Signer: Send + Sync {
    /// The account that signs.
    fn address(&self) -> H160;

    /// Signs.
    async fn sign(&self, order: &TxOrder) -> Result<SignedTx, Fault>;
}

/// What an endpoint makes of a transaction that it is given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// It has it, perhaps from before.
    Accepted,
    /// No endpoint takes it: why. It may still be known elsewhere from an earlier try.
    Refused(String),
}

/// Writing to a chain.
#[async_trait]
pub trait ChainWrite: Send + Sync {
    /// Gives a signed transaction to the endpoints. A fault says nothing about whether one of them took it.
    async fn send(&self, transaction: &SignedTx) -> Result<Sent, Fault>;

    /// Lets about half the time between two blocks pass.
    async fn pause(&self);
}

/// Which events to fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogFilter {
    /// Emitted by any of these.
    pub addresses: Vec<H160>,
    /// Being any of these, by interface and name in its ABI.
    pub events: Vec<(Interface, &'static str)>,
    /// With these values of the indexed parameters, in order; `None` takes any.
    pub indexed: Vec<Option<H256>>,
    /// First block, inclusive.
    pub from: u64,
    /// Last block, inclusive.
    pub to: u64,
}

/// One decoded event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Log {
    /// Who emitted it.
    pub address: H160,
    /// Whose ABI it was decoded by.
    pub interface: Interface,
    /// The event's name.
    pub event: &'static str,
    /// Every parameter in the order of declaration, indexed ones among the others.
    pub fields: Vec<Value>,
    /// The block it is in.
    pub block: u64,
    /// The transaction it is in.
    pub tx: H256,
    /// Its place in the block.
    pub index: u64,
}

/// Something the adapter noticed about the endpoints while it answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// What it is.
    pub kind: NoticeKind,
    /// The endpoint, named without any credential (`rpc.example#2`).
    pub endpoint: String,
    /// What was seen, with its numbers.
    pub message: String,
}

/// The kinds of [`Notice`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// It is behind another endpoint.
    Lags,
    /// It has another block at the pinned height.
    Fork,
    /// It answered a read differently from the others.
    Disagrees,
    /// It failed and another one took over.
    Failed,
}

/// Reading a chain.
#[async_trait]
pub trait ChainRead: Send + Sync {
    /// Finds an endpoint that is the chain asked for, and pins its newest block.
    async fn head(&self) -> Result<Head, Fault>;

    /// Answers every read at `at`, in order. An item of kind [`Kind::Reorged`](crate::Kind::Reorged) means that `at` is gone.
    async fn snapshot(&self, at: &BlockRef, reads: Vec<Read>) -> Vec<Result<Value, Fault>>;

    /// The events of each filter, oldest first; all filters in as few round trips as the endpoint allows. Ranges end
    /// at or before the pinned block.
    async fn logs(&self, at: &BlockRef, filters: Vec<LogFilter>) -> Vec<Result<Vec<Log>, Fault>>;

    /// What was noticed about the endpoints so far.
    fn notices(&self) -> Vec<Notice>;

    /// How many endpoints there are to compare.
    fn endpoints(&self) -> usize;
}

/// The text of a feed directory and how old it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DirectoryText {
    /// The JSON as published.
    pub text: String,
    /// Where it came from, without a credential, for error messages.
    pub source: String,
    /// Seconds since it was fetched, where it comes from the cache.
    pub age_seconds: Option<u64>,
    /// Why it is not fresh, where that is so.
    pub warning: Option<String>,
}

/// Which feeds are published for a network.
#[async_trait]
pub trait FeedDirectory: Send + Sync {
    /// The directory's text; `Ok(None)` when none is configured for this network.
    async fn directory(&self, network: &Network) -> Result<Option<DirectoryText>, Fault>;
}

/// The wall clock.
#[async_trait]
pub trait Clock: Send + Sync {
    /// Unix seconds.
    fn now(&self) -> u64;

    /// Lets time pass; a clock that stands still has nothing to wait for.
    async fn pause(&self, _length: Duration) {}
}

/// Where a command says how far it is. Says nothing by default.
pub trait Progress: Send + Sync {
    /// What is being done now.
    fn stage(&self, _text: &str) {}
    /// How much of it is done.
    fn advance(&self, _done: usize, _total: usize) {}
}
