//! The ports that write, scripted: nothing leaves the process.

use std::collections::{BTreeSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::context::{Ended, Journal, Open};
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::ports::{ChainWrite, Sent, SignedTx, Signer, TxOrder};
use crate::units::keccak256;
use crate::value::{H160, H256};

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Endpoints that take every transaction, unless told otherwise, and keep it.
#[derive(Default)]
pub struct ScriptedWrite {
    /// What is said to each transaction in turn; `Accepted` when there is no more.
    pub answers: Mutex<VecDeque<Result<Sent, Fault>>>,
    /// Every transaction that was given to them, refused ones too.
    pub sent: Mutex<Vec<SignedTx>>,
    /// How often they were waited for.
    pub pauses: Mutex<usize>,
}

#[async_trait]
impl ChainWrite for ScriptedWrite {
    async fn send(&self, transaction: &SignedTx) -> Result<Sent, Fault> {
        lock(&self.sent).push(transaction.clone());
        lock(&self.answers).pop_front().unwrap_or(Ok(Sent::Accepted))
    }

    async fn pause(&self) {
        *lock(&self.pauses) += 1;
    }
}

/// An account whose signature is no more than the order's own words: the same order gives the same transaction.
pub struct ScriptedSigner(pub H160);

#[async_trait]
impl Signer for ScriptedSigner {
    fn address(&self) -> H160 {
        self.0
    }

    async fn sign(&self, order: &TxOrder) -> Result<SignedTx, Fault> {
        let raw = format!("{:?} {order:?}", self.0).into_bytes();
        let hash = H256(keccak256(&raw));
        Ok(SignedTx { chain_id: order.chain_id, from: self.0, nonce: order.nonce, hash, raw })
    }
}

/// A journal in memory.
#[derive(Default)]
pub struct MemoryJournal {
    attempts: Mutex<Vec<(Open, Option<Ended>)>>,
    held: Arc<Mutex<BTreeSet<String>>>,
    /// How many more verbs it writes; the next one and all after it fail. `None` for no end.
    pub room: Mutex<Option<usize>>,
}

impl MemoryJournal {
    /// Every attempt, the oldest first, and how it ended.
    pub fn all(&self) -> Vec<(Open, Option<Ended>)> {
        lock(&self.attempts).clone()
    }

    fn write(&self) -> Result<(), Fault> {
        match &mut *lock(&self.room) {
            Some(0) => Err(Fault::new(Kind::Failed, "the journal cannot be written")),
            Some(room) => {
                *room -= 1;
                Ok(())
            }
            None => Ok(()),
        }
    }

    fn change(&self, id: u64, change: impl FnOnce(&mut (Open, Option<Ended>))) -> Result<(), Fault> {
        self.write()?;
        let mut attempts = lock(&self.attempts);
        let found = attempts.iter_mut().find(|(open, ended)| open.id == id && ended.is_none());
        found.map(change).ok_or_else(|| Fault::new(Kind::Failed, format!("no attempt {id} is open")))
    }
}

/// A lock that is held as long as this lives.
struct Held {
    name: String,
    held: Arc<Mutex<BTreeSet<String>>>,
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.held).remove(&self.name);
    }
}

impl Journal for MemoryJournal {
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        if !lock(&self.held).insert(name.to_owned()) {
            return Err(Fault::new(Kind::Busy, format!("{name} is held by somebody else")));
        }
        Ok(Box::new(Held { name: name.to_owned(), held: Arc::clone(&self.held) }))
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        Ok(lock(&self.attempts).iter().filter(|(_, ended)| ended.is_none()).map(|(open, _)| open.clone()).collect())
    }

    fn begin(&self, key: &str, effect: Effect, at: u64, begun: &Json) -> Result<u64, Fault> {
        self.write()?;
        let mut attempts = lock(&self.attempts);
        let id = attempts.len() as u64 + 1;
        let open = Open { id, key: key.to_owned(), effect, at, begun: begun.clone(), added: Vec::new() };
        attempts.push((open, None));
        Ok(id)
    }

    fn add(&self, id: u64, more: &Json) -> Result<(), Fault> {
        self.change(id, |(open, _)| open.added.push(more.clone()))
    }

    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault> {
        self.change(id, |(_, end)| *end = Some(ended.clone()))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::Context;
    use crate::context::{Reads, Writes};
    use crate::fakes::{FixedDirectory, ScriptedChain, Silent, StoppedClock};
    use crate::ports::{Input, TxRequest};
    use crate::value::U256;

    fn reads() -> Reads {
        let bare = Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(7)), Arc::new(Silent));
        Reads { chain: Some(Arc::new(ScriptedChain::default())), ..bare }
    }

    fn order() -> TxOrder {
        TxOrder {
            chain_id: 1,
            nonce: 4,
            request: TxRequest { to: None, input: Input::Raw(Vec::new()), value: U256::zero() },
            gas: U256::from(21_000),
            max_fee_per_gas: U256::one(),
            max_priority_fee_per_gas: U256::one(),
        }
    }

    #[tokio::test]
    async fn a_dry_context_reaches_no_port_that_writes_and_an_acting_one_all_of_them() {
        let (chain, journal) = (Arc::new(ScriptedWrite::default()), Arc::new(MemoryJournal::default()));
        let writes = Writes {
            chain: Some(Arc::<ScriptedWrite>::clone(&chain)),
            signer: Some(Arc::new(ScriptedSigner(H160::repeat_byte(1)))),
            ..Writes::new(Arc::<MemoryJournal>::clone(&journal) as Arc<dyn Journal>)
        };
        let dry = Context::dry(reads());
        assert!(!dry.is_acting() && dry.chain().is_ok());
        for said in [
            dry.signer().err(),
            dry.hold("a").err(),
            dry.open_attempts().err(),
            dry.step("a", Effect::Once, &json!({})).err(),
        ] {
            assert!(said.expect("refused").message.contains("dry run"));
        }

        let acting = Context::acting(reads(), writes);
        let step = acting.step("pay 1", Effect::Once, &json!({ "why": "a test" })).expect("begun");
        let signed = acting.signer().expect("a signer").sign(&order()).await.expect("signed");
        step.add(&json!({ "hash": "0x" })).expect("added");
        assert_eq!(step.chain().expect("a chain").send(&signed).await.expect("sent"), Sent::Accepted);
        let again = acting.step("pay 1", Effect::Once, &json!({})).err().expect("open already");
        assert_eq!(again.kind, Kind::Busy);
        step.end(&Ended::Done(json!({}))).expect("ended");
        assert!(acting.open_attempts().expect("read").is_empty());
        let all = journal.all();
        assert_eq!((all[0].0.at, all[0].0.added.len(), all[0].1.is_some()), (7, 1, true));
        assert_eq!(*lock(&chain.sent), [signed]);
    }

    #[test]
    fn a_lock_is_held_once_and_a_full_journal_takes_nothing_more() {
        let journal = MemoryJournal::default();
        let held = journal.hold("nonces").expect("free");
        assert_eq!(journal.hold("nonces").err().map(|fault| fault.kind), Some(Kind::Busy));
        drop(held);
        assert!(journal.hold("nonces").is_ok());
        let id = journal.begin("a", Effect::Once, 1, &json!({})).expect("begun");
        *lock(&journal.room) = Some(0);
        assert!(journal.add(id, &json!({})).is_err() && journal.end(id, &Ended::Done(json!({}))).is_err());
        assert_eq!(journal.open().expect("read").len(), 1, "it stays open: it may have happened");
    }

    #[tokio::test]
    async fn the_same_order_is_the_same_transaction_and_a_script_is_said_in_turn() {
        let signer = ScriptedSigner(H160::repeat_byte(2));
        let (one, two) = (signer.sign(&order()).await.expect("signed"), signer.sign(&order()).await.expect("signed"));
        assert_eq!(one, two);
        let chain = ScriptedWrite::default();
        lock(&chain.answers).push_back(Ok(Sent::Refused("nonce too low".to_owned())));
        assert_eq!(chain.send(&one).await.expect("said"), Sent::Refused("nonce too low".to_owned()));
        assert_eq!(chain.send(&one).await.expect("said"), Sent::Accepted);
        chain.pause().await;
        assert_eq!((lock(&chain.sent).len(), *lock(&chain.pauses)), (2, 1));
    }
}
