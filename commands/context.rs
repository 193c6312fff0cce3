//! What a command may reach.

use std::sync::Arc;

use crate::fault::{Fault, Kind};
use crate::ports::{ChainRead, Clock, FeedDirectory, Progress};

/// Every port that reads.
#[derive(Clone)]
pub struct Reads {
    /// The chain; `None` where no endpoint is configured.
    pub chain: Option<Arc<dyn ChainRead>>,
    /// The published feeds.
    pub directory: Arc<dyn FeedDirectory>,
    /// The wall clock.
    pub clock: Arc<dyn Clock>,
    /// Where progress is said.
    pub progress: Arc<dyn Progress>,
}

/// What a command is run in: the ports it may use, and nothing else.
pub struct Context {
    reads: Reads,
}

impl Context {
    /// A context without any write port: what is run in it cannot change anything.
    pub fn dry(reads: Reads) -> Self {
        Self { reads }
    }

    /// The chain, or the fault that says how to give one.
    pub fn chain(&self) -> Result<&dyn ChainRead, Fault> {
        self.reads.chain.as_deref().ok_or_else(|| {
            Fault::new(Kind::Usage, "no RPC endpoint is known for this").hint(
                "give --rpc-url env:NAME, or set `networks.NAME.rpc` and name it with --network (`ira help networks`)",
            )
        })
    }

    /// The published feeds.
    pub fn directory(&self) -> &dyn FeedDirectory {
        self.reads.directory.as_ref()
    }

    /// Unix seconds, by the wall clock.
    pub fn now(&self) -> u64 {
        self.reads.clock.now()
    }

    /// Where progress is said.
    pub fn progress(&self) -> &dyn Progress {
        self.reads.progress.as_ref()
    }
}
