//! What a drill does to a cache: lookups of keys that are not there, on a cache that is marked for it.

use ira_commands::Fault;
use redis::cmd;

use super::{Redis, Session};

/// The key that a cache is marked by, and what it says.
const MARK: &str = "ira:drill";
/// So many lookups at a time.
const BATCH: u64 = 100;

/// A cache whose keys are looked up.
pub struct Lookups(Session);

impl Redis {
    /// Whether [redis.NAME] is marked as one that may be drilled: `SET ira:drill safe`.
    pub async fn is_drilled(&self, name: &str) -> Result<bool, Fault> {
        let mut session = self.session(name).await?;
        let said: Option<String> = session.ask(cmd("GET").arg(MARK)).await?;
        Ok(said.as_deref() == Some("safe"))
    }

    /// Connects to look up what is not there.
    pub async fn lookups(&self, name: &str) -> Result<Lookups, Fault> {
        Ok(Lookups(self.session(name).await?))
    }
}

impl Lookups {
    /// Looks up so many keys that are not there, at most a hundred; gives how many.
    pub async fn miss(&mut self, count: u64) -> Result<u64, Fault> {
        let count = count.min(BATCH);
        let mut pipeline = redis::pipe();
        for _ in 0..count {
            pipeline.cmd("GET").arg(format!("{MARK}:{:032x}", rand::random::<u128>())).ignore();
        }
        self.0.all(&pipeline).await?;
        Ok(count)
    }
}
