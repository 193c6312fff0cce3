//! Reading an EVM chain: many questions at one pinned block, over several endpoints, in few round trips.
//!
//! The way of a question, outermost first: `node` asks endpoints in turn and compares; `snapshot` and `logs` pack reads
//! into JSON-RPC items (Multicall3 where it is deployed); `record` and `replay` listen or stand in at the seam `wire`;
//! `transport` cuts batches, sends and retries; `answer` makes sense of what comes back. No ethers type leaves this room.

mod abi;
mod answer;
mod head;
mod header;
mod logs;
mod multicall;
mod node;
mod pool;
mod record;
mod replay;
mod send;
mod snapshot;
mod transactions;
mod transport;
mod wire;
mod words;

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::ports::{BlockRef, ChainRead, Head, Log, LogFilter, Network, Notice, Progress, Read};
use ira_commands::value::{H160, Value};
use ira_commands::{Fault, Kind};

pub use self::record::{About, Recorder};
pub use self::replay::Recording;
pub use self::send::{Broadcast, Keystore, SigningKey};

use self::logs::Logs;
use self::node::{Inquiry, Node, Notices};
use self::record::Recorded;
use self::snapshot::Snapshot;
use self::transport::HttpWire;
use self::wire::{Meter, Wire};
use super::endpoint::Endpoint;
use crate::progress::Silent;

/// A network that the configuration names.
#[derive(Clone, Debug)]
pub struct KnownNetwork {
    /// Its facts.
    pub network: Network,
    /// Where Multicall3 is, when not at its usual address.
    pub multicall3: Option<H160>,
}

/// What to read a chain by.
pub struct ChainConfig {
    /// Where to ask, the preferred first.
    pub endpoints: Vec<Endpoint>,
    /// The network they must prove to be; `None` takes the one that they are.
    pub expect: Option<KnownNetwork>,
    /// The networks that have a name.
    pub known: Vec<KnownNetwork>,
    /// How many endpoints must answer every question alike; 1 compares nothing.
    pub quorum: usize,
    /// For one request; one with its retries takes at most twice that.
    pub timeout: Duration,
    /// Requests per second to one endpoint; `None` for no limit.
    pub rate_per_second: Option<f64>,
    /// Who writes the answers down.
    pub recorder: Option<Arc<Recorder>>,
    /// Where it is said how far a long scan of events is.
    pub progress: Arc<dyn Progress>,
}

impl Default for ChainConfig {
    fn default() -> Self {
        Self {
            endpoints: Vec::new(),
            expect: None,
            known: Vec::new(),
            quorum: 1,
            timeout: Duration::from_secs(10),
            rate_per_second: None,
            recorder: None,
            progress: Arc::new(Silent),
        }
    }
}

/// A chain that can be read.
pub struct Chain {
    nodes: Vec<Node>,
    expect: Option<KnownNetwork>,
    known: Vec<KnownNetwork>,
    quorum: usize,
    recorder: Option<Arc<Recorder>>,
    progress: Arc<dyn Progress>,
    meter: Arc<Meter>,
    notices: Notices,
    found: Mutex<Option<KnownNetwork>>,
}

impl Chain {
    /// A chain behind endpoints. Nothing is sent before [`ChainRead::head`].
    pub fn new(config: ChainConfig) -> Result<Self, Fault> {
        let meter = Arc::new(Meter::default());
        let labels = labels(&config.endpoints);
        let mut nodes = Vec::with_capacity(config.endpoints.len());
        for (e, (endpoint, label)) in config.endpoints.iter().zip(labels).enumerate() {
            let http = HttpWire::new(endpoint.clone(), config.timeout, config.rate_per_second, meter.clone());
            let mut wire: Arc<dyn Wire> =
                Arc::new(http.map_err(|fault| fault.wrap(format!("{label} cannot be asked")))?);
            if let Some(recorder) = config.recorder.clone() {
                wire = Arc::new(Recorded { inner: wire, recorder, e });
            }
            nodes.push(Node::new(label, wire, Some(endpoint.clone())));
        }
        Self::of(nodes, meter, config)
    }

    /// The chain of a recorded run. Of `config`, `expect`, `known` and `quorum` count, and must be as they were then.
    pub fn replay(recording: &Recording, config: ChainConfig) -> Result<Self, Fault> {
        let meter = Arc::new(Meter::default());
        let node = |e| Node::new(format!("recorded#{}", e + 1), Arc::new(recording.wire(e, meter.clone())), None);
        let nodes = (0..recording.about().endpoints).map(node).collect();
        Self::of(nodes, meter, ChainConfig { recorder: None, ..config })
    }

    fn of(nodes: Vec<Node>, meter: Arc<Meter>, config: ChainConfig) -> Result<Self, Fault> {
        let ChainConfig { expect, known, quorum, recorder, progress, .. } = config;
        if quorum > nodes.len().max(1) || quorum == 0 {
            let what = format!("--quorum {quorum} cannot be had of {} endpoint(s)", nodes.len());
            return Err(Fault::new(Kind::Usage, what).hint("give as many --rpc-url as --quorum asks for"));
        }
        Ok(Self {
            nodes,
            expect,
            known,
            quorum,
            recorder,
            progress,
            meter,
            notices: Notices::default(),
            found: Mutex::default(),
        })
    }

    /// How many requests had to wait for one another so far: those sent side by side count once.
    pub fn round_trips(&self) -> u64 {
        self.meter.round_trips()
    }

    /// How many HTTP requests were sent so far.
    pub fn requests(&self) -> u64 {
        self.meter.requests()
    }

    /// The network that the endpoints proved to be; `None` before they did.
    pub fn network(&self) -> Option<KnownNetwork> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn inquiry(&self) -> Inquiry<'_> {
        Inquiry { nodes: &self.nodes, quorum: self.quorum, notices: &self.notices }
    }
}

#[async_trait]
impl ChainRead for Chain {
    async fn head(&self) -> Result<Head, Fault> {
        head::head(self).await
    }

    async fn snapshot(&self, at: &BlockRef, reads: Vec<Read>) -> Vec<Result<Value, Fault>> {
        // Feeds share transmitters, configuration blocks and the like: each thing is asked once.
        let mut places: HashMap<&Read, usize> = HashMap::with_capacity(reads.len());
        let mut distinct: Vec<Read> = Vec::with_capacity(reads.len());
        let mut whose = Vec::with_capacity(reads.len());
        for read in &reads {
            whose.push(*places.entry(read).or_insert_with(|| {
                distinct.push(read.clone());
                distinct.len() - 1
            }));
        }
        let answers = self.inquiry().ask(&Snapshot { at, reads: &distinct }).await;
        whose.into_iter().map(|place| answers[place].clone()).collect()
    }

    async fn logs(&self, at: &BlockRef, filters: Vec<LogFilter>) -> Vec<Result<Vec<Log>, Fault>> {
        self.inquiry().ask(&Logs { at, filters: &filters, progress: self.progress.as_ref() }).await
    }

    fn notices(&self) -> Vec<Notice> {
        self.notices.all()
    }

    fn endpoints(&self) -> usize {
        self.nodes.len()
    }
}

/// Labels told apart: the second of a host is `host#2`.
fn labels(endpoints: &[Endpoint]) -> Vec<String> {
    let count = |at: usize| endpoints[..at].iter().filter(|other| other.label() == endpoints[at].label()).count();
    let label = |at: usize| match count(at) {
        0 => endpoints[at].label().to_owned(),
        before => format!("{}#{}", endpoints[at].label(), before + 1),
    };
    (0..endpoints.len()).map(label).collect()
}
