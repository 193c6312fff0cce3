//! What was read about randomness requests: plain values that the causes judge.

use crate::fault::Fault;
use crate::ports::{BlockRef, Network};
use crate::value::{H160, H256, I256, U256};

use super::nodes::{Attempt, NodeFacts};

/// Something that was asked: its value, or why it could not be read.
pub type Known<T> = Result<T, Fault>;

/// Which coordinator it is; told apart by the contract, for only V2 answers `typeAndVersion`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// `VRFCoordinatorV2`.
    V2,
    /// `VRFCoordinatorV2_5`.
    V25,
}

impl Version {
    /// `2` or `2.5`.
    pub fn word(self) -> &'static str {
        match self {
            Self::V2 => "2",
            Self::V25 => "2.5",
        }
    }
}

/// What all requests of a report share.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The network.
    pub network: Network,
    /// The pinned block.
    pub block: BlockRef,
    /// Wei for a unit of gas.
    pub gas_price: Known<U256>,
    /// First block that was looked at.
    pub from: u64,
    /// The L2 sequencer uptime feed: whether it is down and since when, where the network has one.
    pub sequencer: Option<Known<(bool, u64)>>,
    /// The coordinator.
    pub coordinator: Coordinator,
    /// Accounts that send fulfilments: the nodes' keys where the nodes say them, else those seen within the lookback.
    pub senders: Vec<Sender>,
    /// What the Chainlink nodes say.
    pub nodes: Vec<NodeFacts>,
    /// Their transactions that fulfil requests of the report, or try to.
    pub attempts: Vec<Attempt>,
}

/// A coordinator's settings.
#[derive(Clone, Debug)]
pub struct Coordinator {
    /// Its address.
    pub address: H160,
    /// Which it is.
    pub version: Version,
    /// Its configuration.
    pub config: Known<Config>,
    /// Wei per LINK where the price feed is stale.
    pub fallback_wei_per_link: Known<I256>,
    /// The LINK/native feed's address.
    pub feed: Known<H160>,
    /// The feed's last answer and when it was written, unix seconds.
    pub price: Known<(I256, u64)>,
    /// The blockhash store.
    pub blockhash_store: Known<H160>,
    /// V2: the key hashes that are registered.
    pub lanes: Option<Known<Vec<H256>>>,
}

/// A coordinator's configuration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Config {
    /// Least confirmations of a request.
    pub min_confirmations: u64,
    /// Most gas that a callback may ask for.
    pub max_gas_limit: u64,
    /// The price feed's answer is not used when older than this, seconds.
    pub staleness_seconds: u64,
    /// Gas that is charged for what happens after the gas was counted.
    pub gas_after_payment: u64,
    /// Percent on top, when paid natively (V2.5).
    pub native_premium: u64,
    /// Percent on top, when paid in LINK (V2.5).
    pub link_premium: u64,
    /// On top of each fulfilment that is paid natively, wei (V2.5).
    pub native_flat_fee: U256,
    /// On top of each that is paid in LINK, wei at the price of LINK (V2.5).
    pub link_flat_fee: U256,
    /// On top of each, juels: the dearest of the tiers (V2).
    pub flat_juels: U256,
}

/// A subscription; `None` where the coordinator does not know it any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// Its id.
    pub id: U256,
    /// What it holds and who may use it.
    pub state: Known<Option<SubscriptionState>>,
    /// Where it was migrated to, within the lookback.
    pub migrated_to: Option<H160>,
}

/// A subscription's state.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SubscriptionState {
    /// LINK held, juels.
    pub link: U256,
    /// Native coin held, wei (V2.5).
    pub native: U256,
    /// Its owner.
    pub owner: H160,
    /// Contracts that may request.
    pub consumers: Vec<H160>,
}

/// A fulfilment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fulfilled {
    /// The transaction.
    pub tx: H256,
    /// Its block.
    pub block: u64,
    /// Whether the consumer's callback went through.
    pub success: bool,
    /// What was charged, juels or wei.
    pub payment: U256,
}

/// The lane of a key hash.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Lane {
    /// Whether the coordinator knows the key.
    pub registered: bool,
    /// Highest gas price, wei; on chain in V2.5 only.
    pub max_gas: Option<U256>,
}

/// A request, by its event.
#[derive(Clone, Debug)]
pub struct Request {
    /// Its place among those of the report.
    pub place: usize,
    /// Its id.
    pub id: U256,
    /// What the proof is made of, and what its fulfilment carries.
    pub seed: U256,
    /// The transaction that made it.
    pub tx: H256,
    /// The block it is in.
    pub block: u64,
    /// Time of that block, unix seconds.
    pub at: Known<u64>,
    /// Its subscription.
    pub subscription: U256,
    /// The lane's key hash.
    pub key_hash: H256,
    /// Confirmations it asks for.
    pub confirmations: u64,
    /// Gas its callback may use.
    pub callback_gas_limit: u64,
    /// Words it asks for.
    pub words: u64,
    /// The consumer.
    pub sender: H160,
    /// V2.5: how it is paid, ABI-encoded.
    pub extra_args: Vec<u8>,
    /// What the coordinator keeps of it; zero when fulfilled or forgotten.
    pub commitment: Known<H256>,
    /// Its fulfilment.
    pub fulfilled: Known<Option<Fulfilled>>,
    /// Its lane.
    pub lane: Known<Lane>,
    /// Whether the consumer is a contract.
    pub sender_is_contract: Known<bool>,
    /// Gas that the consumer's callback would use with words made up, as the coordinator would call it.
    pub callback_gas: Known<u64>,
    /// Whether the blockhash store has the request's block.
    pub stored: Known<bool>,
}

impl Request {
    /// Whether it is paid in the native coin: the last word of the extra arguments (V2.5).
    pub fn native(&self) -> bool {
        self.extra_args.len() >= 36 && self.extra_args.last() == Some(&1)
    }

    /// Whether the coordinator still waits for it; a fault where that could not be read.
    pub fn pending(&self) -> Known<bool> {
        self.commitment.as_ref().map(|commitment| !commitment.is_zero()).map_err(Clone::clone)
    }
}

/// An account that sent fulfilments.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sender {
    /// The account.
    pub account: H160,
    /// Its balance, wei.
    pub balance: Known<U256>,
    /// Transactions mined from it.
    pub nonce: Known<u64>,
    /// The same with those waiting.
    pub pending_nonce: Known<u64>,
    /// What waits in the endpoint's pool, by ascending nonce; mostly not to be seen.
    pub pooled: Known<Vec<Pooled>>,
}

/// A transaction that waits in an endpoint's pool.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pooled {
    /// Its nonce.
    pub nonce: u64,
    /// Its hash, where the endpoint tells it.
    pub hash: Option<H256>,
    /// The most that it offers for a unit of gas, wei, where the endpoint tells it.
    pub max_fee: Option<U256>,
}

impl Sender {
    /// The nonce that nobody uses and everything behind it waits for; `None` where there is none, or it cannot be seen.
    pub fn gap(&self) -> Option<u64> {
        let pooled = self.pooled.as_ref().ok()?;
        let (mined, last) = (*self.nonce.as_ref().ok()?, pooled.last()?.nonce);
        (mined..last).find(|nonce| self.waiting(*nonce).is_none())
    }

    /// Whether transactions of it wait, in their turn or behind a gap, as far as it can be seen.
    pub fn waits(&self) -> bool {
        let in_turn = matches!((&self.nonce, &self.pending_nonce), (Ok(mined), Ok(pending)) if pending > mined);
        in_turn || self.gap().is_some()
    }

    /// What waits under a nonce, as far as it can be seen.
    pub fn waiting(&self, nonce: u64) -> Option<&Pooled> {
        self.pooled.as_ref().ok()?.iter().find(|one| one.nonce == nonce)
    }
}
