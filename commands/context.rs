//! What a command may reach.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value as Json;

use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::node::{NodeRead, NodeWrite};
use crate::ports::host::{ScriptRead, ScriptWrite, UnitRead, UnitWrite};
use crate::ports::people::{Channels, ChatWrite, IncidentRead, IncidentWrite, PagerWrite, TicketRead, TicketWrite};
use crate::ports::systems::{AlertRead, Metrics, WebRead, WebWrite};
use crate::ports::{ChainRead, ChainWrite, Clock, FeedDirectory, Progress, Signer};
use crate::text;
use crate::value::{H160, U256};

/// Every port that reads.
#[derive(Clone)]
pub struct Reads {
    /// The chain; `None` where no endpoint is configured.
    pub chain: Option<Arc<dyn ChainRead>>,
    /// The scripts of this host.
    pub scripts: Option<Arc<dyn ScriptRead>>,
    /// The units of a service manager.
    pub units: Option<Arc<dyn UnitRead>>,
    /// Web servers.
    pub web: Option<Arc<dyn WebRead>>,
    /// Metrics.
    pub metrics: Option<Arc<dyn Metrics>>,
    /// Which alerts fire.
    pub alerts: Option<Arc<dyn AlertRead>>,
    /// Who would be told.
    pub channels: Option<Arc<dyn Channels>>,
    /// Ticket desks.
    pub tickets: Option<Arc<dyn TicketRead>>,
    /// Incidents and their notes.
    pub incidents: Option<Arc<dyn IncidentRead>>,
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
            web: None,
            metrics: None,
            alerts: None,
            channels: None,
            tickets: None,
            incidents: None,
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
            web: None,
            pager: None,
            chat: None,
            tickets: None,
            incidents: None,
            signer: None,
            journal,
            nodes: Vec::new(),
        }
    }
}

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

/// How an attempt ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Ended {
    /// It happened; with the proof.
    Done(Json),
    /// It provably did not happen, and never will under this attempt; with the reason.
    NotDone(Json),
    /// It acted and failed; with what is known of it.
    Failed(Json),
    /// Whether it happened is not known. It stays open: a probe or a person settles it.
    Unknown(Json),
}

/// An attempt that was begun, and of which it is not written how it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Open {
    /// The journal's number of it.
    pub id: u64,
    /// What is acted on.
    pub key: String,
    /// How it may be repeated.
    pub effect: Effect,
    /// When it was begun, unix seconds.
    pub at: u64,
    /// What was written before it was done.
    pub begun: Json,
    /// What was added to it later, in order.
    pub added: Vec<Json>,
}

/// What was begun, and what came of it. Each verb has reached the disk when it returns; one that fails is final: the
/// journal takes nothing more, and whoever asked must not go on.
pub trait Journal: Send + Sync {
    /// Takes the lock of this name, for as long as what is returned lives. Kind `Busy` where somebody else has it.
    fn hold(&self, name: &str) -> Result<Box<dyn Send + Sync>, Fault>;

    /// Every attempt without an end, oldest first.
    fn open(&self) -> Result<Vec<Open>, Fault>;

    /// Writes down that an attempt begins; gives its number.
    fn begin(&self, key: &str, effect: Effect, at: u64, begun: &Json) -> Result<u64, Fault>;

    /// Adds to an open attempt.
    fn add(&self, id: u64, more: &Json) -> Result<(), Fault>;

    /// Writes down how an attempt ended.
    fn end(&self, id: u64, ended: &Ended) -> Result<(), Fault>;
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

    /// Web servers.
    pub fn web(&self) -> Result<&dyn WebRead, Fault> {
        self.reads
            .web
            .as_deref()
            .ok_or_else(|| unset("nothing can be asked by HTTP here", "run it with the `ira` that has a network"))
    }

    /// Metrics, or the fault that says how to configure them.
    pub fn metrics(&self) -> Result<&dyn Metrics, Fault> {
        self.reads.metrics.as_deref().ok_or_else(|| {
            unset("no Prometheus is configured", "set `prometheus.url` in the user's configuration (`ira help config`)")
        })
    }

    /// Which alerts fire, or the fault that says how to configure it.
    pub fn alerts(&self) -> Result<&dyn AlertRead, Fault> {
        self.reads.alerts.as_deref().ok_or_else(|| {
            unset(
                "no Alertmanager is configured",
                "set `alertmanager.urls` in the user's configuration (`ira help config`)",
            )
        })
    }

    /// Who would be told.
    pub fn channels(&self) -> Result<&dyn Channels, Fault> {
        self.reads.channels.as_deref().ok_or_else(|| {
            unset(
                "nobody is configured to be paged",
                "set `page.provider` and `page.routing_key` in the user's configuration (`ira help people`)",
            )
        })
    }

    /// Ticket desks, or the fault that says how to configure one.
    pub fn tickets(&self) -> Result<&dyn TicketRead, Fault> {
        self.reads.tickets.as_deref().ok_or_else(|| {
            unset(
                "no ticket desk is configured",
                "set `[tickets.NAME]` in the user's configuration (`ira help people`)",
            )
        })
    }

    /// Incidents, or the fault that says how to configure them.
    pub fn incidents(&self) -> Result<&dyn IncidentRead, Fault> {
        self.reads.incidents.as_deref().ok_or_else(|| {
            unset(
                "PagerDuty is not configured",
                "set `pagerduty.token` and `pagerduty.from` in the user's configuration (`ira help people`)",
            )
        })
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

/// An attempt that is written down: the only way to a write port.
pub struct Step<'a> {
    writes: &'a Writes,
    id: u64,
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

    /// Web servers, to be told to do something.
    pub fn web(&self) -> Result<&dyn WebWrite, Fault> {
        self.writes
            .web
            .as_deref()
            .ok_or_else(|| unset("nothing can be sent by HTTP here", "run it with the `ira` that has a network"))
    }

    /// Who is on call.
    pub fn pager(&self) -> Result<&dyn PagerWrite, Fault> {
        self.writes.pager.as_deref().ok_or_else(|| {
            unset(
                "nobody is configured to be paged",
                "set `page.provider` and `page.routing_key` in the user's configuration (`ira help people`)",
            )
        })
    }

    /// A channel of messages.
    pub fn chat(&self) -> Result<&dyn ChatWrite, Fault> {
        self.writes.chat.as_deref().ok_or_else(|| {
            unset("no channel is configured", "set `slack.webhook` in the user's configuration (`ira help people`)")
        })
    }

    /// Ticket desks.
    pub fn tickets(&self) -> Result<&dyn TicketWrite, Fault> {
        self.writes.tickets.as_deref().ok_or_else(|| {
            unset(
                "no ticket desk is configured",
                "set `[tickets.NAME]` in the user's configuration (`ira help people`)",
            )
        })
    }

    /// Incidents, to be written to.
    pub fn incidents(&self) -> Result<&dyn IncidentWrite, Fault> {
        self.writes.incidents.as_deref().ok_or_else(|| {
            unset(
                "PagerDuty is not configured",
                "set `pagerduty.token` and `pagerduty.from` in the user's configuration (`ira help people`)",
            )
        })
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

fn unset(what: &str, mend: &str) -> Fault {
    Fault::new(Kind::Config, what).hint(mend)
}
