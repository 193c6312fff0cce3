//! Who brings pages to their channels.

use async_trait::async_trait;
use ira_commands::{Fault, Kind};

use crate::engine::{Post, SendFault};
use crate::store::model::OutboxRow;

/// Nobody is configured to be paged.
pub(super) struct Nobody;

#[async_trait]
impl Post for Nobody {
    async fn send(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let fault = Fault::new(Kind::Config, format!("nobody takes the {} of {}", row.mail, row.dedup_key));
        Err(SendFault::Later(fault, None))
    }
}
