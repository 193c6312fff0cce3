//! Sending what is in the outbox: at least once, under a key that never changes, until the provider has it.

use std::time::Duration;

use async_trait::async_trait;
use ira_commands::Fault;

use crate::store::Store;
use crate::store::ask::{Sent, Take};
use crate::store::model::{OutboxRow, RunId};

/// For how long a sender has a row.
const TTL: Duration = Duration::from_secs(60);
/// Rows that are taken at once.
const MOST: usize = 32;
/// The longest pause between two tries, seconds.
const LONGEST: u64 = 60;

/// Why a row was not sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SendFault {
    /// It may work later.
    Later(Fault),
    /// A note whose incident does not exist: it never will.
    Moot(String),
}

/// Who sends.
#[async_trait]
pub trait Post: Send + Sync {
    /// Gives a row to its channel. Returns when the provider has it; sent twice it is the same.
    async fn send(&self, row: &OutboxRow) -> Result<(), SendFault>;
}

/// Sends what is due, of one run or of all. Gives how many rows were taken, and how many of them the providers have.
pub async fn deliver(store: &dyn Store, post: &dyn Post, run: Option<RunId>) -> Result<(usize, usize), Fault> {
    let (mut taken, mut accepted) = (0, 0);
    for row in store.take(Take { channel: None, run, ttl: TTL, max: MOST }).await? {
        taken += 1;
        let sent = match post.send(&row).await {
            Ok(()) => {
                accepted += 1;
                Sent::Accepted
            }
            Err(SendFault::Moot(why)) => Sent::Moot(why),
            Err(SendFault::Later(fault)) => {
                Sent::Failed { again_in: Duration::from_secs(pause(row.attempts)), why: fault.one_line() }
            }
        };
        if let Err(denial) = store.sent(row.id, sent).await? {
            tracing::warn!("row {} of the outbox: {}", row.id, denial.message);
        }
    }
    Ok((taken, accepted))
}

/// Seconds before the next try, doubled with each.
fn pause(attempts: u32) -> u64 {
    1_u64.checked_shl(attempts.min(16)).unwrap_or(LONGEST).min(LONGEST)
}
