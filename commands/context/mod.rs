//! What a command may reach.

mod journal;
mod ports;
mod step;
mod unset;

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

pub use journal::{Ended, Journal, Open};
pub use ports::{Reads, Writes};
pub use step::Step;

use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::node::NodeRead;
use crate::ports::aws::AwsRead;
use crate::ports::cluster::ClusterRead;
use crate::ports::data::{PoolerRead, PostgresRead, RedisRead};
use crate::ports::host::{ScriptRead, UnitRead};
use crate::ports::kept::KeptRead;
use crate::ports::people::{Channels, IncidentRead, TicketRead};
use crate::ports::systems::{AlertRead, Metrics, SenderRead, WebRead};
use crate::ports::{ChainRead, FeedDirectory, Progress, Signer};
use crate::text;
use crate::value::{H160, U256};

/// Who pays for transactions, and how far they may go. Known to a dry run too: it is part of every plan.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payer {
    /// The account.
    pub address: H160,
    /// The most that may be offered for a unit of gas, wei.
    pub max_fee_per_gas: U256,
    /// How many blocks must hold a transaction, its own included, before it counts.
    pub confirmations: u64,
    /// How long one transaction is waited for, seconds.
    pub patience: u64,
}

/// What a command is run in: the ports it may use, and nothing else.
pub struct Context {
    reads: Reads,
    writes: Option<Writes>,
    payer: Option<Payer>,
}

impl Context {
    /// A context without any write port: what is run in it cannot change anything.
    pub fn dry(reads: Reads) -> Self {
        Self { reads, writes: None, payer: None }
    }

    /// A context in which what is written in the journal may be done.
    pub fn acting(reads: Reads, writes: Writes) -> Self {
        Self { reads, writes: Some(writes), payer: None }
    }

    /// The same with who pays.
    #[must_use]
    pub fn paid_by(mut self, payer: Option<Payer>) -> Self {
        self.payer = payer;
        self
    }

    /// The chain, or the fault that says how to give one.
    pub fn chain(&self) -> Result<&dyn ChainRead, Fault> {
        self.reads.chain.as_deref().ok_or_else(|| {
            Fault::new(Kind::Usage, "no RPC endpoint is known for this").hint(
                "give --rpc-url env:NAME, or set `networks.NAME.rpc` and name it with --network (`ira help networks`)",
            )
        })
    }

    /// The scripts of this host, or the fault that says why there are none.
    pub fn scripts(&self) -> Result<&dyn ScriptRead, Fault> {
        self.reads.scripts.as_deref().ok_or_else(|| {
            Fault::new(Kind::Config, "no script can be run here")
                .hint("set HOME, or XDG_STATE_HOME (`ira help actions`)")
        })
    }

    /// The units of a service manager, or the fault that says why there are none.
    pub fn units(&self) -> Result<&dyn UnitRead, Fault> {
        self.reads.units.as_deref().ok_or_else(|| {
            Fault::new(Kind::Config, "no service manager is known here")
                .hint("set `systemd.bus` in the user's configuration (`ira help config`)")
        })
    }

    /// A Kubernetes cluster, or the fault that says how to configure one.
    pub fn cluster(&self) -> Result<&dyn ClusterRead, Fault> {
        self.reads.cluster.as_deref().ok_or_else(unset::cluster)
    }

    /// AWS, or the fault that says that this build has none.
    pub fn aws(&self) -> Result<&dyn AwsRead, Fault> {
        self.reads.aws.as_deref().ok_or_else(unset::aws)
    }

    /// What was kept before it was deleted.
    pub fn kept(&self) -> Result<&dyn KeptRead, Fault> {
        self.reads.kept.as_deref().ok_or_else(unset::kept)
    }

    /// Web servers.
    pub fn web(&self) -> Result<&dyn WebRead, Fault> {
        self.reads
            .web
            .as_deref()
            .ok_or_else(|| unset::of("nothing can be asked by HTTP here", "run it with the `ira` that has a network"))
    }

    /// Metrics, or the fault that says how to configure them.
    pub fn metrics(&self) -> Result<&dyn Metrics, Fault> {
        self.reads.metrics.as_deref().ok_or_else(|| {
            unset::of(
                "no Prometheus is configured",
                "set `prometheus.url` in the user's configuration (`ira help config`)",
            )
        })
    }

    /// Which alerts fire, or the fault that says how to configure it.
    pub fn alerts(&self) -> Result<&dyn AlertRead, Fault> {
        self.reads.alerts.as_deref().ok_or_else(|| {
            unset::of(
                "no Alertmanager is configured",
                "set `alertmanager.urls` in the user's configuration (`ira help config`)",
            )
        })
    }

    /// Other senders of alerts; none where nobody could be asked.
    pub fn senders(&self) -> Option<&dyn SenderRead> {
        self.reads.senders.as_deref()
    }

    /// Who would be told.
    pub fn channels(&self) -> Result<&dyn Channels, Fault> {
        self.reads.channels.as_deref().ok_or_else(unset::pager)
    }

    /// Ticket desks, or the fault that says how to configure one.
    pub fn tickets(&self) -> Result<&dyn TicketRead, Fault> {
        self.reads.tickets.as_deref().ok_or_else(unset::tickets)
    }

    /// Incidents, or the fault that says how to configure them.
    pub fn incidents(&self) -> Result<&dyn IncidentRead, Fault> {
        self.reads.incidents.as_deref().ok_or_else(unset::incidents)
    }

    /// PostgreSQL servers, or the fault that says how to configure one.
    pub fn postgres(&self) -> Result<&dyn PostgresRead, Fault> {
        self.reads.postgres.as_deref().ok_or_else(|| unset::data("postgres"))
    }

    /// Connection poolers, or the fault that says how to configure one.
    pub fn poolers(&self) -> Result<&dyn PoolerRead, Fault> {
        self.reads.poolers.as_deref().ok_or_else(|| unset::data("pgbouncer"))
    }

    /// Caches, or the fault that says how to configure one.
    pub fn redis(&self) -> Result<&dyn RedisRead, Fault> {
        self.reads.redis.as_deref().ok_or_else(|| unset::data("redis"))
    }

    /// The published feeds.
    pub fn directory(&self) -> &dyn FeedDirectory {
        self.reads.directory.as_ref()
    }

    /// Lets time pass.
    pub async fn let_pass(&self, length: Duration) {
        self.reads.clock.pause(length).await;
    }

    /// Unix seconds, by the wall clock.
    pub fn now(&self) -> u64 {
        self.reads.clock.now()
    }

    /// Where progress is said.
    pub fn progress(&self) -> &dyn Progress {
        self.reads.progress.as_ref()
    }

    /// The Chainlink nodes that may be asked.
    pub fn nodes(&self) -> &[Arc<dyn NodeRead>] {
        &self.reads.nodes
    }

    /// A Chainlink node by its name.
    pub fn node(&self, name: &str) -> Result<&dyn NodeRead, Fault> {
        let found = self.nodes().iter().find(|node| node.name() == text::name(name)).map(AsRef::as_ref);
        found.ok_or_else(|| {
            Fault::new(
                Kind::Usage,
                format!("the node {} is not among those that may be asked", text::excerpt(name, 64)),
            )
            .hint("configure it: [nodes.NAME] with url, email, password and network (`ira help config`)")
        })
    }

    /// Who pays for transactions, or the fault that says how to name one.
    pub fn payer(&self) -> Result<Payer, Fault> {
        self.payer.ok_or_else(|| {
            Fault::new(Kind::Config, "no key is configured that could sign a transaction").hint(
                "set `networks.NAME.signer = { keystore = \"PATH\", password = \"credential:NAME\" }` in the user's \
                 configuration (`ira help config`)",
            )
        })
    }

    /// Whether anything may be written.
    pub fn is_acting(&self) -> bool {
        self.writes.is_some()
    }

    fn writes(&self) -> Result<&Writes, Fault> {
        self.writes.as_ref().ok_or_else(|| Fault::new(Kind::Failed, "this is a dry run: nothing can be written in it"))
    }

    /// Who signs.
    pub fn signer(&self) -> Result<&dyn Signer, Fault> {
        let signer = self.writes()?.signer.as_deref();
        signer.ok_or_else(|| Fault::new(Kind::Failed, "no key is at hand to sign with"))
    }

    /// The attempts that are open, oldest first.
    pub fn open_attempts(&self) -> Result<Vec<Open>, Fault> {
        self.writes()?.journal.open()
    }

    /// Lets about half the time between two blocks pass.
    pub async fn pause(&self) -> Result<(), Fault> {
        let chain = self.writes()?.chain.as_deref();
        let chain = chain.ok_or_else(|| Fault::new(Kind::Failed, "no chain is at hand to wait for"))?;
        chain.pause().await;
        Ok(())
    }

    /// Takes a lock that other processes on this machine respect.
    pub fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault> {
        self.writes()?.journal.hold(name)
    }

    /// Writes down that the attempt at `key` begins, with all that is needed to settle it after a crash; what may then
    /// be done is done through what is returned. `key` is made of what is acted on, never of a position or an amount.
    pub fn step(&self, key: &str, effect: Effect, begun: &Json) -> Result<Step<'_>, Fault> {
        let writes = self.writes()?;
        if let Some(open) = writes.journal.open()?.iter().find(|open| open.key == key) {
            return Err(Fault::new(
                Kind::Busy,
                format!("an earlier attempt at {key} is not settled (number {})", open.id),
            )
            .hint("settle it first with --resume"));
        }
        let id = writes.journal.begin(key, effect, self.now(), begun)?;
        Ok(Step { writes, id })
    }

    /// An attempt of before, to be settled.
    pub fn reopen(&self, open: &Open) -> Result<Step<'_>, Fault> {
        Ok(Step { writes: self.writes()?, id: open.id })
    }
}
