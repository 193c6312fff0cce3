//! An attempt that is written down, and the write ports behind it.

use serde_json::Value as Json;

use super::{Ended, Writes, unset};
use crate::fault::{Fault, Kind};
use crate::node::NodeWrite;
use crate::ports::ChainWrite;
use crate::ports::aws::AwsWrite;
use crate::ports::cluster::ClusterWrite;
use crate::ports::data::{PoolerWrite, PostgresWrite, RedisWrite};
use crate::ports::host::{ScriptWrite, UnitWrite};
use crate::ports::kept::KeptWrite;
use crate::ports::people::{ChatWrite, IncidentWrite, PagerWrite, TicketWrite};
use crate::ports::systems::WebWrite;
use crate::text;

/// An attempt that is written down: the only way to a write port.
pub struct Step<'a> {
    pub(super) writes: &'a Writes,
    pub(super) id: u64,
}

impl Step<'_> {
    /// The chain, to be written to.
    pub fn chain(&self) -> Result<&dyn ChainWrite, Fault> {
        let chain = self.writes.chain.as_deref();
        chain.ok_or_else(|| Fault::new(Kind::Failed, "no chain is at hand to write to"))
    }

    /// A Chainlink node, to be told something.
    pub fn node(&self, name: &str) -> Result<&dyn NodeWrite, Fault> {
        let found = self.writes.nodes.iter().find(|node| node.name() == text::name(name)).map(AsRef::as_ref);
        found.ok_or_else(|| Fault::new(Kind::Failed, format!("the node {} is not at hand", text::excerpt(name, 64))))
    }

    /// Starting scripts on this host.
    pub fn scripts(&self) -> Result<&dyn ScriptWrite, Fault> {
        let scripts = self.writes.scripts.as_deref();
        scripts.ok_or_else(|| Fault::new(Kind::Failed, "no script can be started here"))
    }

    /// The units of a service manager, to be changed.
    pub fn units(&self) -> Result<&dyn UnitWrite, Fault> {
        let units = self.writes.units.as_deref();
        units.ok_or_else(|| Fault::new(Kind::Failed, "no service manager is at hand to be told"))
    }

    /// A Kubernetes cluster, to be changed.
    pub fn cluster(&self) -> Result<&dyn ClusterWrite, Fault> {
        self.writes.cluster.as_deref().ok_or_else(unset::cluster)
    }

    /// AWS, to be changed.
    pub fn aws(&self) -> Result<&dyn AwsWrite, Fault> {
        self.writes.aws.as_deref().ok_or_else(unset::aws)
    }

    /// Where something is kept before it is deleted.
    pub fn kept(&self) -> Result<&dyn KeptWrite, Fault> {
        self.writes.kept.as_deref().ok_or_else(unset::kept)
    }

    /// Web servers, to be told to do something.
    pub fn web(&self) -> Result<&dyn WebWrite, Fault> {
        self.writes
            .web
            .as_deref()
            .ok_or_else(|| unset::of("nothing can be sent by HTTP here", "run it with the `ira` that has a network"))
    }

    /// Who is on call.
    pub fn pager(&self) -> Result<&dyn PagerWrite, Fault> {
        self.writes.pager.as_deref().ok_or_else(unset::pager)
    }

    /// A channel of messages.
    pub fn chat(&self) -> Result<&dyn ChatWrite, Fault> {
        self.writes.chat.as_deref().ok_or_else(|| {
            unset::of("no channel is configured", "set `slack.webhook` in the user's configuration (`ira help people`)")
        })
    }

    /// Ticket desks.
    pub fn tickets(&self) -> Result<&dyn TicketWrite, Fault> {
        self.writes.tickets.as_deref().ok_or_else(unset::tickets)
    }

    /// Incidents, to be written to.
    pub fn incidents(&self) -> Result<&dyn IncidentWrite, Fault> {
        self.writes.incidents.as_deref().ok_or_else(unset::incidents)
    }

    /// PostgreSQL servers, to be changed.
    pub fn postgres(&self) -> Result<&dyn PostgresWrite, Fault> {
        self.writes.postgres.as_deref().ok_or_else(|| unset::data("postgres"))
    }

    /// Connection poolers, to be changed.
    pub fn poolers(&self) -> Result<&dyn PoolerWrite, Fault> {
        self.writes.poolers.as_deref().ok_or_else(|| unset::data("pgbouncer"))
    }

    /// Caches, to be changed.
    pub fn redis(&self) -> Result<&dyn RedisWrite, Fault> {
        self.writes.redis.as_deref().ok_or_else(|| unset::data("redis"))
    }

    /// Writes down something more that is about to be done under this attempt.
    pub fn add(&self, more: &Json) -> Result<(), Fault> {
        self.writes.journal.add(self.id, more)
    }

    /// Writes down how it ended. An attempt that is dropped without it stays open: it may have happened.
    pub fn end(self, ended: &Ended) -> Result<(), Fault> {
        self.writes.journal.end(self.id, ended)
    }
}
