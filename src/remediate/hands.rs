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
use crate::drill::DrillSays;
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
        let mut ports = Ports::of(&way, Arc::clone(&self.progress))?;
        if let Some(says) = DrillSays::of(invocation, &way.config)? {
            ports.reads.alerts = Some(Arc::new(says));
        }
        if self.dry {
            // No process is started, not even one that reads a log.
            ports.reads.units = Some(connect::units(&way.config));
        }
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

#[cfg(test)]
mod tests {
    use ira_commands::context::{Ended, Open};
    use ira_commands::fakes::sample;
    use serde_json::Value as Json;

    use super::*;
    use crate::progress::Silent;

    /// Every system that can be configured, none of which is there.
    const CONFIG: &str = r#"
network = "ethereum-mainnet"
[networks.ethereum-mainnet]
rpc = ["http://127.0.0.1:9/"]
[nodes.x]
url = "http://127.0.0.1:9/"
email = "ira@example.com"
password = "env:NODE_PASSWORD"
network = "ethereum-mainnet"
[prometheus]
url = "http://127.0.0.1:9"
[alertmanager]
urls = ["http://127.0.0.1:9"]
[pagerduty]
token = "env:PD_TOKEN"
from = "ira@example.com"
"#;

    struct Nowhere;

    impl Journal for Nowhere {
        fn hold(&self, _: &str) -> Result<Box<dyn Send + Sync>, Fault> {
            Ok(Box::new(()))
        }
        fn open(&self) -> Result<Vec<Open>, Fault> {
            Ok(Vec::new())
        }
        fn begin(&self, _: &str, _: Effect, _: u64, _: &Json) -> Result<u64, Fault> {
            Ok(1)
        }
        fn add(&self, _: u64, _: &Json) -> Result<(), Fault> {
            Ok(())
        }
        fn end(&self, _: u64, _: &Ended) -> Result<(), Fault> {
            Ok(())
        }
    }

    #[tokio::test]
    async fn promise_3_every_command_has_its_ports_and_a_dry_run_none_that_writes() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("ira.toml");
        std::fs::write(&file, CONFIG).expect("written");
        let hands = LocalHands {
            output: OutputFlags { config: Some(file), ..OutputFlags::default() },
            reach: Reach::default(),
            progress: Arc::new(Silent),
            dry: true,
            config: None,
        };
        for name in Invocation::names() {
            let invocation = sample(name).expect("a sample");
            match hands.context(&invocation, None).await {
                Ok(context) => {
                    assert!(!context.is_acting(), "{name}");
                    // A command about a chain may have something to do with others, too.
                    let there = [
                        context.scripts().is_ok(),
                        context.units().is_ok(),
                        context.web().is_ok(),
                        context.metrics().is_ok(),
                        context.alerts().is_ok(),
                        context.incidents().is_ok(),
                    ];
                    assert_eq!(there, [true; 6], "{name}");
                    assert_eq!(context.chain().is_ok(), invocation.needs_chain(), "{name}");
                }
                // Who would pay is the endpoint's to say, and there is none.
                Err(fault) => {
                    assert!(invocation.needs_chain() && invocation.effect() != Effect::Read, "{name}: {fault}");
                    assert_eq!(fault.kind, Kind::Unreachable, "{name}: {fault}");
                }
            }
            let written = hands.context(&invocation, Some(Arc::new(Nowhere))).await;
            assert!(written.err().is_some_and(|fault| fault.message.contains("dry run")), "{name}");
        }
    }
}
