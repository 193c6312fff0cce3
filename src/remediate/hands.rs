//! Where a step of a run by hand gets its ports: as the same command by hand would.

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::context::Journal;
use ira_commands::ports::Progress;
use ira_commands::{Context, Effect, Fault, Invocation, Kind};

use crate::apply::{Ports, Way, unlock};
use crate::cli::{Agreement, OutputFlags, Reach};
use crate::config::Config;
use crate::connect;
use crate::engine::Hands;

/// Seconds that one transaction of a step is waited for, at most; the step's own timeout ends it before.
const PATIENCE: u64 = 3_600;

/// The ports of this process.
pub struct LocalHands {
    /// The flags of the command line.
    pub output: OutputFlags,
    /// How chains are reached.
    pub reach: Reach,
    /// Where progress is said.
    pub progress: Arc<dyn Progress>,
    /// Whether nothing may be written, whoever asks.
    pub dry: bool,
    /// The configuration that counts; read anew for each step where none is given.
    pub config: Option<Arc<Config>>,
}

#[async_trait]
impl Hands for LocalHands {
    async fn context(&self, invocation: &Invocation, journal: Option<Arc<dyn Journal>>) -> Result<Context, Fault> {
        if self.dry && journal.is_some() {
            return Err(Fault::new(Kind::Failed, "this is a dry run: nothing can be written in it"));
        }
        let reach = Reach { nodes: invocation.nodes(), ..self.reach.clone() };
        let config = match &self.config {
            Some(config) => match invocation.network()? {
                Some(network) => Arc::new(config.on(network)),
                None => Arc::clone(config),
            },
            None => connect::settings(&self.output, invocation, &reach)?,
        };
        let way = Way {
            reach,
            agreement: Agreement::default(),
            patience: PATIENCE,
            needs_chain: invocation.needs_chain(),
            config,
            file: self.output.config.clone(),
            alert: None,
        };
        let ports = Ports::of(&way, Arc::clone(&self.progress))?;
        if invocation.effect() == Effect::Read {
            return Ok(Context::dry(ports.reads.clone()));
        }
        let key = ports.key(&way).await?;
        let payer = key.as_ref().map(|(_, locked)| locked.payer);
        match journal {
            None => Ok(Context::dry(ports.reads.clone()).paid_by(payer)),
            Some(journal) => {
                let signer = key.as_ref().map(|(_, locked)| unlock(&ports.reads, locked, &way.config)).transpose()?;
                Ok(ports.writing(journal, payer, signer))
            }
        }
    }
}
