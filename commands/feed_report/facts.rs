//! What was read about a feed, decoded: plain values that the checks judge.

use crate::fault::Fault;
use crate::ports::{BlockRef, Network, Notice};
use crate::value::{H160, H256, I256, U256};

use super::directory::Entry;

/// Something that was asked: its value, or why it could not be read.
pub type Known<T> = Result<T, Fault>;

/// What all feeds of one report share.
#[derive(Clone, Debug)]
pub struct Scene {
    /// The network.
    pub network: Network,
    /// The pinned block.
    pub block: BlockRef,
    /// Wei for a unit of gas.
    pub gas_price: Known<U256>,
    /// The wall clock, unix seconds.
    pub now: u64,
    /// First block of the window.
    pub window_from: u64,
    /// The L2 sequencer uptime feed's last round, where the network has one.
    pub sequencer: Option<Known<Round>>,
    /// What `--reference` is worth.
    pub reference: Option<Known<Reference>>,
    /// How many endpoints could be compared.
    pub endpoints: usize,
    /// What was noticed about them.
    pub notices: Vec<Notice>,
}

/// A price to compare with.
#[derive(Clone, Debug, PartialEq)]
pub struct Reference {
    /// How it was given.
    pub label: String,
    /// Its value, unscaled.
    pub value: f64,
    /// Seconds since it was updated, where it is a feed.
    pub age: Option<u64>,
}

/// One round of a feed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Round id; on a proxy `phase << 64 | aggregator round`.
    pub id: U256,
    /// The answer, scaled by the feed's decimals.
    pub answer: I256,
    /// When it was observed or begun, unix seconds.
    pub started_at: u64,
    /// When it was written, unix seconds; 0 where there is none.
    pub updated_at: u64,
}

impl Round {
    /// The aggregator's own number of this round.
    pub fn number(&self) -> u64 {
        self.id.low_u64()
    }
}

/// What kind of aggregator answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FeedKind {
    /// OCR1: `OffchainAggregator`.
    Ocr1,
    /// OCR2: `OCR2Aggregator`.
    Ocr2,
    /// The older `FluxAggregator`.
    Flux,
    /// It answers as a feed, but as none of those.
    Other,
    /// It could not be asked what it is: every check that hangs on it is unknown.
    Unread,
}

impl FeedKind {
    /// The word shown and serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ocr1 => "ocr1",
            Self::Ocr2 => "ocr2",
            Self::Flux => "flux",
            Self::Other => "other",
            Self::Unread => "unknown",
        }
    }

    /// Whether oracles sign reports off chain, as far as can be told.
    pub fn is_ocr(self) -> bool {
        matches!(self, Self::Ocr1 | Self::Ocr2 | Self::Unread)
    }
}

/// The OCR configuration in force.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Config {
    /// How many there have been.
    pub count: u64,
    /// The block it was set in, as the aggregator says; on some L2s this counts the L1's blocks.
    pub block: u64,
    /// Time of that block, unix seconds.
    pub set_at: Known<u64>,
    /// Its digest: 16 bytes on OCR1, 32 on OCR2.
    pub digest: Vec<u8>,
    /// What its `ConfigSet` event says.
    pub event: Known<ConfigEvent>,
    /// Block of the newest `ConfigSet` of the window; `None` where there is none in it.
    pub newest_in_window: Known<Option<u64>>,
}

/// The `ConfigSet` event of a configuration.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConfigEvent {
    /// The block it is in.
    pub block: u64,
    /// The transaction that set it.
    pub tx: H256,
    /// How many faulty oracles are borne.
    pub f: u64,
    /// The signing keys, by oracle index.
    pub signers: Vec<H160>,
    /// The transmitters, by oracle index.
    pub transmitters: Vec<H160>,
}

/// One oracle: its account, and what its last transactions show.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Oracle {
    /// The account that transmits (OCR) or submits (Flux).
    pub account: H160,
    /// Its native balance, wei.
    pub balance: Known<U256>,
    /// Transactions mined from it.
    pub nonce: Known<u64>,
    /// The same with those waiting.
    pub pending_nonce: Known<u64>,
    /// OCR1's own count of observations due for payment; read where logs cannot be.
    pub unpaid_observations: Option<Known<u64>>,
}

/// One `NewTransmission` of the window.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Transmission {
    /// The aggregator's round number.
    pub round: u64,
    /// The median.
    pub answer: I256,
    /// Who sent it.
    pub transmitter: H160,
    /// When it was observed, unix seconds (OCR2 only).
    pub observed_at: Option<u64>,
    /// When it was written, unix seconds, from `AnswerUpdated` of the same transaction.
    pub updated_at: Option<u64>,
    /// The observations, ascending.
    pub observations: Vec<I256>,
    /// The oracle index behind each observation.
    pub observers: Vec<u8>,
    /// OCR epoch.
    pub epoch: u64,
    /// Digest of the configuration it was made under.
    pub digest: Vec<u8>,
    /// Juels per unit of gas price that it reported (OCR2 only).
    pub juels_per_fee_coin: Option<I256>,
    /// The block it is in.
    pub block: u64,
    /// The transaction.
    pub tx: H256,
}

/// What oracles are paid (OCR).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Billing {
    /// Highest gas price that is reimbursed, gwei.
    pub max_gas_gwei: u64,
    /// Gas price below which oracles share the saving, gwei.
    pub reasonable_gas_gwei: u64,
    /// OCR1: micro-LINK per unit of the native coin.
    pub micro_link_per_native: Option<u64>,
    /// Giga-juels for each observation.
    pub observation_gjuels: u64,
    /// Giga-juels for each transmission.
    pub transmission_gjuels: u64,
}

/// What a Flux feed pays and holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FluxFunds {
    /// Juels for each submission.
    pub payment: U256,
}

/// Whether the proxy may read its aggregator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Access {
    /// Whether the aggregator checks at all.
    pub checked: bool,
    /// Whether it allows the proxy.
    pub allowed: Known<bool>,
}

/// An aggregator that is proposed on the proxy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proposed {
    /// Its address.
    pub aggregator: H160,
    /// Its last round, through the proxy.
    pub round: Known<Round>,
}

/// The aggregator that a phase change left behind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OldPhase {
    /// Its address.
    pub aggregator: H160,
    /// Its last round.
    pub round: Known<Round>,
    /// First round of the aggregator in force.
    pub first_round: Known<Round>,
}

/// Everything read about one feed.
#[derive(Clone, Debug)]
pub struct Facts {
    /// How it was asked for.
    pub input: String,
    /// Its entry in the directory, where it has one.
    pub entry: Option<Entry>,
    /// The proxy, where the address asked is one.
    pub proxy: Option<H160>,
    /// The aggregator.
    pub aggregator: H160,
    /// `description()`, cleaned.
    pub description: Known<String>,
    /// `decimals()`.
    pub decimals: Known<u64>,
    /// The proxy's phase.
    pub phase: Option<Known<u64>>,
    /// The last round, as the proxy (or the aggregator, where that is asked) answers it.
    pub round: Known<Round>,
    /// The last round as the aggregator itself answers it, where the proxy would not.
    pub aggregator_round: Option<Known<Round>>,
    /// The rounds before the last, newest first.
    pub previous: Vec<Known<Round>>,
    /// What the aggregator is.
    pub kind: FeedKind,
    /// `typeAndVersion()`, cleaned.
    pub type_and_version: Known<String>,
    /// The proposed aggregator, where there is one.
    pub proposed: Option<Known<Proposed>>,
    /// The proxy's own access controller, where one is set.
    pub proxy_controller: Option<Known<H160>>,
    /// Whether the proxy may read the aggregator; `None` where nothing is checked or there is no proxy.
    pub access: Option<Known<Access>>,
    /// The phase before this one.
    pub old_phase: Option<Known<OldPhase>>,
    /// The OCR configuration.
    pub config: Option<Known<Config>>,
    /// The oracles, by index.
    pub oracles: Known<Vec<Oracle>>,
    /// The transmissions of the window, oldest first, whatever their configuration.
    pub transmissions: Known<Vec<Transmission>>,
    /// `minAnswer()` and `maxAnswer()`.
    pub bounds: Option<Known<(I256, I256)>>,
    /// Billing (OCR).
    pub billing: Option<Known<Billing>>,
    /// Payments of a Flux feed.
    pub flux: Option<Known<FluxFunds>>,
    /// LINK that is left for payments, juels; negative when more is owed than held.
    pub link_available: Option<Known<I256>>,
    /// Gas that the newest transmission used, and its transaction.
    pub gas_used: Option<Known<(U256, H256)>>,
    /// Seconds within which a round is promised.
    pub heartbeat: Option<u64>,
    /// Deviation that triggers a round, percent.
    pub threshold: Option<f64>,
}

impl Facts {
    /// The best round there is: the proxy's, else the aggregator's own.
    pub fn best_round(&self) -> &Known<Round> {
        match (&self.round, &self.aggregator_round) {
            (Err(_), Some(own @ Ok(_))) => own,
            (round, _) => round,
        }
    }

    /// Whether the directory's shutdown date has passed at `now` (unix seconds). Dates are announced ahead, and a feed
    /// that is not shut down yet owes its rounds; so does one whose date cannot be read.
    pub fn is_shut_down(&self, now: u64) -> bool {
        let date = self.entry.as_ref().and_then(|entry| entry.shutdown.as_ref());
        date.and_then(|date| crate::date::day(date)).is_some_and(|day| now >= day)
    }

    /// Name to show: the directory's, else the description, else what was asked.
    pub fn name(&self) -> String {
        match (&self.entry, &self.description) {
            (Some(entry), _) if !entry.name.is_empty() => entry.name.clone(),
            (_, Ok(description)) if !description.is_empty() => description.clone(),
            _ => crate::text::clean(&self.input),
        }
    }

    /// The transmissions made under the configuration in force: only there do oracle indices mean today's oracles.
    pub fn current(&self) -> Known<Vec<&Transmission>> {
        let all = self.transmissions.as_ref().map_err(Clone::clone)?;
        match &self.config {
            Some(Ok(config)) => Ok(all.iter().filter(|one| one.digest == config.digest).collect()),
            Some(Err(fault)) => Err(fault.clone()),
            None => Ok(all.iter().collect()),
        }
    }

    /// How many faulty oracles the feed bears: from `ConfigSet`, else the most that the number of oracles allows.
    pub fn f(&self) -> Option<u64> {
        let config = self.config.as_ref()?.as_ref().ok()?;
        if let Ok(event) = &config.event {
            return Some(event.f);
        }
        let oracles = self.oracles.as_ref().ok()?.len() as u64;
        Some(oracles.saturating_sub(1) / 3)
    }

    /// Median seconds from observation to the written answer, over the window (OCR2).
    pub fn median_latency(&self) -> Option<u64> {
        let mut latencies: Vec<u64> = self
            .transmissions
            .as_ref()
            .ok()?
            .iter()
            .filter_map(|one| Some(one.updated_at?.saturating_sub(one.observed_at?)))
            .collect();
        latencies.sort_unstable();
        latencies.get(latencies.len() / 2).copied()
    }
}
