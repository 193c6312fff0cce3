//! Keys that are not there are looked up, so that fewer lookups find theirs.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::Fault;
use tokio::task::JoinHandle;

use super::{Breaks, unmarked};
use crate::clients::redis::Redis;
use crate::config::Config;

/// How often some are looked up.
const TICK: Duration = Duration::from_millis(100);

pub(super) struct Cache {
    pub config: Arc<Config>,
    pub server: String,
    pub most: u64,
    pub rate: u64,
    pub task: Option<JoinHandle<()>>,
}

#[async_trait]
impl Breaks for Cache {
    async fn look(&self) -> Result<String, Fault> {
        if !Redis::new(Arc::clone(&self.config)).is_drilled(&self.server).await? {
            return Err(unmarked(&format!("[redis.{}]", self.server), "SET ira:drill safe"));
        }
        Ok(format!(
            "at most {} keys that are not there are looked up, {} a second; nothing is left of that",
            self.most, self.rate
        ))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let mut lookups = Redis::new(Arc::clone(&self.config)).lookups(&self.server).await?;
        let (mut left, each) = (self.most, self.rate.div_ceil(10));
        left -= lookups.miss(each.min(left)).await?;
        self.task = Some(tokio::spawn(async move {
            let mut tick = tokio::time::interval(TICK);
            while left > 0 {
                tick.tick().await;
                match lookups.miss(each.min(left)).await {
                    Ok(count) => left -= count,
                    Err(_) => return,
                }
            }
        }));
        Ok(format!("keys that are not there are looked up, {} a second", self.rate))
    }

    async fn end(&mut self) -> Result<String, Fault> {
        let Some(task) = self.task.take() else { return Ok(String::new()) };
        task.abort();
        Ok("nothing is looked up any more".to_owned())
    }
}
