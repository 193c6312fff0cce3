//! A server's connections are taken, and left idle.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::Fault;

use super::{Breaks, unmarked};
use crate::clients::postgres::{Held, Postgres};
use crate::config::Config;

pub(super) struct Pool {
    pub config: Arc<Config>,
    pub server: String,
    pub most: u64,
    pub held: Option<Held>,
}

#[async_trait]
impl Breaks for Pool {
    async fn look(&self) -> Result<String, Fault> {
        if !Postgres::new(Arc::clone(&self.config)).is_drilled(&self.server).await? {
            return Err(unmarked(
                &format!("the database of [postgres.{}]", self.server),
                "ALTER DATABASE name SET ira.drill = 'safe'",
            ));
        }
        Ok(format!("at most {} idle sessions are opened; they are closed again", self.most))
    }

    async fn begin(&mut self) -> Result<String, Fault> {
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let held = Postgres::new(Arc::clone(&self.config)).hold(&self.server, most).await?;
        let said = format!("{} idle sessions are open", held.len());
        self.held = Some(held);
        Ok(said)
    }

    async fn end(&mut self) -> Result<String, Fault> {
        // Those of a process that died are closed by that.
        Ok(self.held.take().map_or_else(String::new, |held| format!("{} sessions are closed", held.len())))
    }
}
