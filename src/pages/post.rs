//! A row of the outbox, brought to its channel.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::people::{IncidentName, IncidentRead as _};
use ira_commands::{Fault, Kind};

use super::{channel, words};
use crate::clients::pager::Pager;
use crate::clients::pagerduty::Rest;
use crate::config::Config;
use crate::config::systems::Channel;
use crate::engine::{Hands, Post, SendFault};
use crate::store::model::OutboxRow;
use crate::store::{Mail, Store};

/// So long one try may take: shorter than a sender has the row, so that no other sends it meanwhile.
const WITHIN: Duration = Duration::from_secs(45);

/// The configured channels.
pub struct Posts {
    pub(super) config: Arc<Config>,
    pub(super) store: Arc<dyn Store>,
    pub(super) hands: Arc<dyn Hands>,
}

impl Posts {
    /// As it is configured; `store` says what became of a row's run, `hands` reach the notes of an incident.
    pub fn new(config: Arc<Config>, store: Arc<dyn Store>, hands: Arc<dyn Hands>) -> Self {
        Self { config, store, hands }
    }

    /// The channel of a row; whoever was named before anybody was configured is the first who is.
    pub(super) fn channel(&self, row: &OutboxRow) -> Result<Channel, Fault> {
        let first = || self.config.systems.page.as_ref().map(|page| page.provider);
        channel(&row.channel).or_else(first).ok_or_else(|| {
            Fault::new(Kind::Config, "nobody is configured to be paged").hint("set `page` in the configuration")
        })
    }

    /// Whether what a later run says has to wake somebody: where its page is open it is a note of that. Under the same key
    /// it is the same page where it is open after all, and a new one where a person has ended that.
    async fn wakes(&self, row: &OutboxRow) -> bool {
        let systems = &self.config.systems;
        if !row.wakes() || systems.page.is_none() {
            return false;
        }
        match (self.channel(row), systems.pagerduty.clone()) {
            (Ok(Channel::PagerDuty), Some(own)) => {
                let rest = Rest::new(Arc::clone(&self.config), own);
                let found = rest.find(&IncidentName::Key(row.dedup_key.clone()), 0).await;
                !found.is_ok_and(|found| found.is_some_and(|incident| incident.status != "resolved"))
            }
            // Whether it is open cannot be asked.
            _ => true,
        }
    }

    async fn page(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let later = |fault| SendFault::Later(fault, None);
        let channel = self.channel(row).map_err(later)?;
        let paging = self.config.systems.page.as_ref().ok_or_else(|| {
            later(Fault::new(Kind::Config, "nobody is configured to be paged").hint("set `page` in the configuration"))
        })?;
        let pager = Pager::new(Arc::clone(&self.config), paging);
        // Whatever it was that did not work: said again under the same key it is the same page.
        pager
            .by(channel, &words::page(row, self.config.public_url.as_deref()))
            .await
            .map(|_| ())
            .map_err(|broken| later(broken.fault))
    }
}

#[async_trait]
impl Post for Posts {
    async fn send(&self, row: &OutboxRow) -> Result<(), SendFault> {
        let sending = async {
            match row.mail {
                Mail::Trigger | Mail::Resolve => self.page(row).await,
                Mail::Note if self.wakes(row).await => {
                    self.page(&OutboxRow { mail: Mail::Trigger, ..row.clone() }).await
                }
                Mail::Note => self.note(row).await,
            }
        };
        tokio::time::timeout(WITHIN, sending).await.unwrap_or_else(|_| {
            let fault = Fault::new(Kind::Unreachable, format!("no answer within {} s", WITHIN.as_secs()));
            Err(SendFault::Later(fault, None))
        })
    }

    async fn acknowledged(&self, row: &OutboxRow) -> Result<bool, Fault> {
        let Some(own) = self.config.systems.pagerduty.clone() else { return Ok(false) };
        if self.channel(row)? != Channel::PagerDuty {
            return Ok(false);
        }
        let rest = Rest::new(Arc::clone(&self.config), own);
        let found = rest.find(&IncidentName::Key(row.dedup_key.clone()), 0).await?;
        Ok(found.is_some_and(|incident| incident.status != "triggered"))
    }
}
