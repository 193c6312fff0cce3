//! The ports there are: those that read, and those that write.

use std::sync::Arc;

use super::Journal;
use crate::node::{NodeRead, NodeWrite};
use crate::ports::aws::{AwsRead, AwsWrite};
use crate::ports::cluster::{ClusterRead, ClusterWrite};
use crate::ports::data::{PoolerRead, PoolerWrite, PostgresRead, PostgresWrite, RedisRead, RedisWrite};
use crate::ports::host::{ScriptRead, ScriptWrite, UnitRead, UnitWrite};
use crate::ports::kept::{KeptRead, KeptWrite};
use crate::ports::people::{Channels, ChatWrite, IncidentRead, IncidentWrite, PagerWrite, TicketRead, TicketWrite};
use crate::ports::systems::{AlertRead, Metrics, SenderRead, WebRead, WebWrite};
use crate::ports::{ChainRead, ChainWrite, Clock, FeedDirectory, Progress, Signer};

/// Every port that reads.
#[derive(Clone)]
pub struct Reads {
    /// The chain; `None` where no endpoint is configured.
    pub chain: Option<Arc<dyn ChainRead>>,
    /// The scripts of this host.
    pub scripts: Option<Arc<dyn ScriptRead>>,
    /// The units of a service manager.
    pub units: Option<Arc<dyn UnitRead>>,
    /// A Kubernetes cluster.
    pub cluster: Option<Arc<dyn ClusterRead>>,
    /// AWS; `None` where this build has none.
    pub aws: Option<Arc<dyn AwsRead>>,
    /// What was kept before it was deleted.
    pub kept: Option<Arc<dyn KeptRead>>,
    /// Web servers.
    pub web: Option<Arc<dyn WebRead>>,
    /// Metrics.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// Which alerts fire.
    pub alerts: Option<Arc<dyn AlertRead>>,
    /// Other senders of alerts, asked about their own.
    pub senders: Option<Arc<dyn SenderRead>>,
    /// Who would be told.
    pub channels: Option<Arc<dyn Channels>>,
    /// Ticket desks.
    pub tickets: Option<Arc<dyn TicketRead>>,
    /// Incidents and their notes.
    pub incidents: Option<Arc<dyn IncidentRead>>,
    /// PostgreSQL servers; `None` where none is configured.
    pub postgres: Option<Arc<dyn PostgresRead>>,
    /// Connection poolers.
    pub poolers: Option<Arc<dyn PoolerRead>>,
    /// Caches.
    pub redis: Option<Arc<dyn RedisRead>>,
    /// The published feeds.
    pub directory: Arc<dyn FeedDirectory>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where progress is said.
    pub progress: Arc<dyn Progress>,
    /// The Chainlink nodes that may be asked.
    pub nodes: Vec<Arc<dyn NodeRead>>,
}

/// Every port that writes, with the journal without which none of them may be used.
#[derive(Clone)]
pub struct Writes {
    /// The chain.
    pub chain: Option<Arc<dyn ChainWrite>>,
    /// Starting scripts on this host.
    pub scripts: Option<Arc<dyn ScriptWrite>>,
    /// The units of a service manager.
    pub units: Option<Arc<dyn UnitWrite>>,
    /// A Kubernetes cluster.
    pub cluster: Option<Arc<dyn ClusterWrite>>,
    /// AWS.
    pub aws: Option<Arc<dyn AwsWrite>>,
    /// Where something is kept before it is deleted.
    pub kept: Option<Arc<dyn KeptWrite>>,
    /// Web servers.
    pub web: Option<Arc<dyn WebWrite>>,
    /// Who is on call.
    pub pager: Option<Arc<dyn PagerWrite>>,
    /// A channel of messages.
    pub chat: Option<Arc<dyn ChatWrite>>,
    /// Ticket desks.
    pub tickets: Option<Arc<dyn TicketWrite>>,
    /// Incidents and their notes.
    pub incidents: Option<Arc<dyn IncidentWrite>>,
    /// PostgreSQL servers.
    pub postgres: Option<Arc<dyn PostgresWrite>>,
    /// Connection poolers.
    pub poolers: Option<Arc<dyn PoolerWrite>>,
    /// Caches.
    pub redis: Option<Arc<dyn RedisWrite>>,
    /// Who signs; `None` where only what was signed before is to be settled.
    pub signer: Option<Arc<dyn Signer>>,
    /// Where it is written down.
    pub journal: Arc<dyn Journal>,
    /// The Chainlink nodes that may be told something.
    pub nodes: Vec<Arc<dyn NodeWrite>>,
}

impl Reads {
    /// Without any system to ask.
    pub fn new(directory: Arc<dyn FeedDirectory>, clock: Arc<dyn Clock>, progress: Arc<dyn Progress>) -> Self {
        Self {
            chain: None,
            scripts: None,
            units: None,
            cluster: None,
            aws: None,
            kept: None,
            web: None,
            metrics: None,
            alerts: None,
            senders: None,
            channels: None,
            tickets: None,
            incidents: None,
            postgres: None,
            poolers: None,
            redis: None,
            directory,
            clock,
            progress,
            nodes: Vec::new(),
        }
    }
}

impl Writes {
    /// Without any system to write to.
    pub fn new(journal: Arc<dyn Journal>) -> Self {
        Self {
            chain: None,
            scripts: None,
            units: None,
            cluster: None,
            aws: None,
            kept: None,
            web: None,
            pager: None,
            chat: None,
            tickets: None,
            incidents: None,
            postgres: None,
            poolers: None,
            redis: None,
            signer: None,
            journal,
            nodes: Vec::new(),
        }
    }
}
