//! A scripted implementation of every port, for tests.

use std::collections::{HashMap, VecDeque};
use std::sync::{Mutex, PoisonError};

use async_trait::async_trait;

use crate::fault::{Fault, Kind};
use crate::ports::{
    BlockRef, ChainRead, Clock, DirectoryText, FeedDirectory, Head, Log, LogFilter, Network, Notice, Progress, Read,
};
use crate::value::{H160, H256, U256, Value};

mod samples;
mod tripwire;
mod writes;

pub use samples::sample;
pub use tripwire::Tripwire;
pub use writes::{MemoryJournal, ScriptedSigner, ScriptedWrite};

/// A clock that stands still.
pub struct StoppedClock(pub u64);

impl Clock for StoppedClock {
    fn now(&self) -> u64 {
        self.0
    }
}

/// Progress that nobody watches.
pub struct Silent;

impl Progress for Silent {}

/// A directory with this text, or none.
pub struct FixedDirectory(pub Option<&'static str>);

#[async_trait]
impl FeedDirectory for FixedDirectory {
    async fn directory(&self, _network: &Network) -> Result<Option<DirectoryText>, Fault> {
        Ok(self.0.map(|text| DirectoryText {
            text: text.to_owned(),
            source: "a test".to_owned(),
            age_seconds: None,
            warning: None,
        }))
    }
}

/// A chain that answers from a table. A function that is not in it reverts, an account has one coin and has sent ten
/// transactions, a contract of the table has code, and there are no logs but those given.
#[derive(Default)]
pub struct ScriptedChain {
    /// What each contract answers to each function, whatever its arguments.
    pub calls: HashMap<(H160, &'static str), Result<Value, Fault>>,
    /// What became of the logs.
    pub logs: Option<Result<Vec<Log>, Fault>>,
    /// Heights, each the newest block of one report; the last one stays.
    pub heads: Mutex<VecDeque<u64>>,
    /// Heights that are reorganised away as soon as they are read at.
    pub gone: Vec<u64>,
}

impl ScriptedChain {
    /// Time of every block, unix seconds.
    pub const TIME: u64 = 1_790_000_000;

    fn gone(&self, at: &BlockRef) -> Option<Fault> {
        let gone = self.gone.contains(&at.number);
        gone.then(|| Fault::new(Kind::Reorged, format!("has another block {}", at.number)))
    }

    fn answer(&self, read: &Read) -> Result<Value, Fault> {
        match read {
            Read::Call { to, call } => self.calls.get(&(*to, call.function)).cloned().unwrap_or_else(|| {
                Err(Fault::new(Kind::Reverted, format!("{} reverted without a reason", call.function)))
            }),
            Read::Balance(_) => Ok(Value::Uint(U256::exp10(18))),
            Read::Nonce(_) | Read::PendingNonce(_) => Ok(Value::Uint(U256::from(10))),
            Read::Code(account) => {
                let has_code = self.calls.keys().any(|(contract, _)| contract == account);
                Ok(Value::Bytes(if has_code { vec![0x60] } else { Vec::new() }))
            }
            Read::BlockTime(_) => Ok(Value::Uint(U256::from(Self::TIME - 86_400))),
            Read::GasUsed(_) | Read::Gas(..) => Ok(Value::Uint(U256::from(200_000))),
            Read::Receipt(_) | Read::Transaction(_) => Ok(Value::List(Vec::new())),
            Read::Mined(_) | Read::Header(_) | Read::Pooled(_) => {
                Err(Fault::new(Kind::Missing, "there is no such thing"))
            }
            Read::Fees => Ok(Value::List(vec![Value::Uint(U256::exp10(9)), Value::Uint(U256::exp10(8))])),
            Read::Trial { .. } => Err(Fault::new(Kind::Reverted, "reverted without a reason")),
        }
    }
}

#[async_trait]
impl ChainRead for ScriptedChain {
    async fn head(&self) -> Result<Head, Fault> {
        let mut heads = self.heads.lock().unwrap_or_else(PoisonError::into_inner);
        let number = if heads.len() > 1 { heads.pop_front() } else { heads.front().copied() }.unwrap_or(10_000);
        Ok(Head {
            network: Network { name: "test".to_owned(), chain_id: 1, native: "ETH".to_owned(), ..Network::default() },
            block: BlockRef { number, hash: H256::from_low_u64_be(number), timestamp: Self::TIME },
            gas_price: Ok(U256::from(1_000_000_000)),
        })
    }

    async fn snapshot(&self, at: &BlockRef, reads: Vec<Read>) -> Vec<Result<Value, Fault>> {
        match self.gone(at) {
            Some(fault) => reads.iter().map(|_| Err(fault.clone())).collect(),
            None => reads.iter().map(|read| self.answer(read)).collect(),
        }
    }

    async fn logs(&self, at: &BlockRef, filters: Vec<LogFilter>) -> Vec<Result<Vec<Log>, Fault>> {
        let all = self.gone(at).map_or_else(|| self.logs.clone().unwrap_or_else(|| Ok(Vec::new())), Err);
        let within = |filter: &LogFilter| {
            let asked = |log: &&Log| {
                filter.addresses.contains(&log.address)
                    && filter.events.contains(&(log.interface, log.event))
                    && (filter.from..=filter.to).contains(&log.block)
            };
            all.as_ref().map(|logs| logs.iter().filter(asked).cloned().collect()).map_err(Clone::clone)
        };
        filters.iter().map(within).collect()
    }

    fn notices(&self) -> Vec<Notice> {
        Vec::new()
    }

    fn endpoints(&self) -> usize {
        1
    }
}
