//! A row of the outbox, brought to its channel.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::people::{IncidentName, IncidentRead as _};
use ira_commands::{Fault, Kind};

use super::{channel, words};
use crate::clients::opsgenie::{Opsgenie, Standing};
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
        // Where it cannot be asked whether it is open: rather woken twice.
        !matches!(self.standing(row).await, Ok(Some(Standing::Open | Standing::Acknowledged)))
    }

    /// How the page of a row stands where it was sent; `None` where there is none, or nobody who could be asked.
    async fn standing(&self, row: &OutboxRow) -> Result<Option<Standing>, Fault> {
        let (systems, config) = (&self.config.systems, Arc::clone(&self.config));
        match self.channel(row)? {
            Channel::PagerDuty => {
                let Some(own) = systems.pagerduty.clone() else { return Ok(None) };
                let found = Rest::new(config, own).find(&IncidentName::Key(row.dedup_key.clone()), 0).await?;
                Ok(found.map(|incident| match incident.status.as_str() {
                    "triggered" => Standing::Open,
                    "resolved" => Standing::Closed,
                    _ => Standing::Acknowledged,
                }))
            }
            Channel::Opsgenie => {
                let Some(own) = systems.opsgenie.clone() else { return Ok(None) };
                Opsgenie::new(config, own).standing(&row.dedup_key).await
            }
            // A message in a channel has no state.
            Channel::Slack => Ok(None),
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
        Ok(self.standing(row).await?.is_some_and(|standing| standing != Standing::Open))
    }
}
