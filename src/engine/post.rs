//! The outbox goes out: at least once, in order for each key, with pauses that grow, and by another way when the first
//! does not take it.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use futures::future::join_all;
use ira_commands::context::{Ended, Journal, Open};
use ira_commands::{Effect, Fault, Invocation};
use serde_json::{Value as Json, json};

use super::hands::Hands;
use crate::drill;
use crate::store::ask::{Mails, Sent, Take, Tell};
use crate::store::model::{OutboxRow, RunId};
use crate::store::{Mail, MailState, Store};

/// The channel of what a playbook tells somebody by a step: no adapter has it, the step itself is done.
pub(super) const STEP: &str = "step";
/// For how long a sender has a row.
const TTL: Duration = Duration::from_secs(60);
/// The pause after the first try that failed; twice as long after each further one …
const PAUSE: Duration = Duration::from_secs(5);
/// … up to this.
const LONGEST: Duration = Duration::from_secs(600);
/// How long a page's own channel has before another one wakes somebody.
const PATIENCE: Duration = Duration::from_secs(120);
/// How often a step that tells is tried.
const TRIES: u32 = 12;

/// Why a row was not taken.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// It may be taken later; after this time where the provider says so.
    Later(Fault, Option<Duration>),
    /// A note, and the incident that it is about does not exist.
    Moot(String),
}

/// Who brings a row of the outbox to its channel. A row may come again: its `dedup_key` and `key` never change.
#[async_trait]
pub trait Post: Send + Sync {
    /// Sends it; well only when the provider took it.
    async fn send(&self, row: &OutboxRow) -> Result<(), SendFault>;

    /// Whether a person has acknowledged a page, or it is over. Where that cannot be asked, nobody has.
    async fn acknowledged(&self, _row: &OutboxRow) -> Result<bool, Fault> {
        Ok(false)
    }
}

/// What empties the outbox.
pub struct Sender {
    /// Where the rows are.
    pub store: Arc<dyn Store>,
    /// Who brings them.
    pub post: Arc<dyn Post>,
    /// Who does what a playbook tells somebody by a step.
    pub hands: Arc<dyn Hands>,
    /// The channel that wakes somebody where a page's own did not take it in time.
    pub fallback: Option<String>,
    /// How long a person has to acknowledge a page before the same; none where that is not watched.
    pub acknowledged_within: Option<Duration>,
}

impl Sender {
    /// Sends what is due, once; of this run, or of all. Gives how many rows were taken by their channels.
    pub async fn pass(&self, run: Option<RunId>) -> Result<usize, Fault> {
        let mut taken = 0;
        loop {
            let rows = self.store.take(Take { channel: None, run, ttl: TTL, max: 16 }).await?;
            if rows.is_empty() {
                return Ok(taken);
            }
            for sent in join_all(rows.iter().map(|row| self.send(row))).await {
                taken += usize::from(sent?);
            }
        }
    }

    /// Sends a row and writes down what became of it; whether it was taken.
    async fn send(&self, row: &OutboxRow) -> Result<bool, Fault> {
        let sent = match self.bring(row).await {
            Ok(()) => Sent::Accepted,
            Err(SendFault::Moot(why)) if row.mail == Mail::Note => Sent::Moot(why),
            Err(SendFault::Moot(why)) => Sent::Failed { again_in: pause(row.attempts), why },
            Err(SendFault::Later(fault, again)) => {
                let again_in = again.unwrap_or_else(|| pause(row.attempts));
                Sent::Failed { again_in, why: fault.one_line() }
            }
        };
        let accepted = sent == Sent::Accepted;
        if row.wakes() && original(row).is_none() {
            match (&sent, self.acknowledged_within) {
                // Written down before the row is: whoever dies here does it again, under the same key.
                (Sent::Failed { .. }, _) => self.otherwise(row, "untaken", PATIENCE).await?,
                (Sent::Accepted, Some(within)) if row.mail == Mail::Trigger => {
                    self.otherwise(row, "unacknowledged", within).await?;
                }
                _ => {}
            }
        }
        if let Err(denial) = self.store.sent(row.id, sent).await? {
            tracing::warn!("row {} of the outbox: {denial}", row.id);
        }
        Ok(accepted)
    }

    async fn bring(&self, row: &OutboxRow) -> Result<(), SendFault> {
        if drill::is_key(&row.dedup_key) {
            tracing::debug!("row {} of the outbox is of a drill: nobody is told", row.id);
            return Ok(());
        }
        let later = |fault| SendFault::Later(fault, None);
        if let Some((why, id)) = original(row) {
            let mails = self.store.mails(Mails::One(crate::store::model::MailId(id))).await.map_err(later)?;
            let Some(mail) = mails.first() else { return Ok(()) };
            let heard = match why {
                // Nobody has to be woken any more.
                _ if !mail.wakes() => true,
                "unacknowledged" => mail.state == MailState::Closed || self.acknowledged(mail).await,
                _ => matches!(mail.state, MailState::Accepted | MailState::Closed),
            };
            if heard {
                return Ok(());
            }
        }
        if row.channel == STEP { self.perform(row).await } else { self.post.send(row).await }
    }

    /// Whether a person has acknowledged this page; who took it is asked where it is not known yet.
    async fn acknowledged(&self, mail: &OutboxRow) -> bool {
        if mail.human_ack_at.is_some() {
            return true;
        }
        match self.post.acknowledged(mail).await {
            Ok(false) => false,
            Ok(true) => {
                if let Err(fault) = self.store.acknowledged(&mail.dedup_key).await {
                    tracing::warn!("row {} of the outbox: {fault}", mail.id);
                }
                true
            }
            // Rather one page too many.
            Err(fault) => {
                tracing::warn!("row {} of the outbox: {fault}", mail.id);
                false
            }
        }
    }

    /// Does a step that tells. What it is told by keeps a repeated one from being told twice.
    async fn perform(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let done = async {
            let name = row.payload["do"].as_str().unwrap_or_default();
            let invocation = Invocation::from_data(name, row.payload["with"].clone())?;
            let context = self.hands.context(&invocation, Some(told_journal())).await?;
            invocation.run(&context).await
        };
        match done.await {
            Ok(_) => Ok(()),
            Err(fault) if row.attempts >= TRIES => Err(SendFault::Moot(fault.one_line())),
            Err(fault) => Err(SendFault::Later(fault, None)),
        }
    }

    /// Has another channel wake somebody after a while, unless the page's own did meanwhile.
    async fn otherwise(&self, row: &OutboxRow, why: &str, wait: Duration) -> Result<(), Fault> {
        let Some(channel) = self.fallback.clone().filter(|channel| *channel != row.channel) else { return Ok(()) };
        let mut payload = row.payload.clone();
        if let Some(map) = payload.as_object_mut() {
            map.remove("wakes");
            map.insert("instead_of".to_owned(), json!(row.channel));
            if !row.reason.is_empty() {
                map.insert("why".to_owned(), json!(row.reason));
            }
        }
        let (mail, dedup_key) = (Mail::Trigger, row.dedup_key.clone());
        let tell = Tell { key: format!("{why}:{}", row.id), run: row.run, mail, dedup_key, channel, payload, wait };
        self.store.tell(tell).await.map(|_| ())
    }
}

/// Why a row stands in for another one, and for which.
fn original(row: &OutboxRow) -> Option<(&str, u64)> {
    let (why, id) = row.key.split_once(':')?;
    matches!(why, "untaken" | "unacknowledged").then_some((why, id.parse().ok()?))
}

/// The pause after so many tries.
fn pause(tries: u32) -> Duration {
    PAUSE.saturating_mul(1 << tries.saturating_sub(1).min(10)).min(LONGEST)
}

/// What a step that tells is in the outbox.
pub(super) fn told(invocation: &Invocation) -> Json {
    json!({ "do": invocation.name(), "with": invocation.with() })
}

/// A journal for what is told out of the outbox.
pub fn told_journal() -> Arc<dyn Journal> {
    Arc::new(Told::default())
}

/// The journal of a step that tells: its row of the outbox is the record of it.
#[derive(Default)]
struct Told(Mutex<u64>);

impl Journal for Told {
    fn hold(&self, _name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        Ok(Box::new(()))
    }

    fn open(&self) -> Result<Vec<Open>, Fault> {
        Ok(Vec::new())
    }

    fn begin(&self, _key: &str, _effect: Effect, _at: u64, _begun: &Json) -> Result<u64, Fault> {
        let mut number = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        *number += 1;
        Ok(*number)
    }

    fn add(&self, _id: u64, _more: &Json) -> Result<(), Fault> {
        Ok(())
    }

    fn end(&self, _id: u64, _ended: &Ended) -> Result<(), Fault> {
        Ok(())
    }
}
