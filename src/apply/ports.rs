//! What an action by hand may reach, and the key that pays.

use std::sync::Arc;

use ira_commands::context::{Journal, Payer, Reads, Writes};
use ira_commands::node::NodeWrite;
use ira_commands::ports::{Network, Progress, Signer};
use ira_commands::value::U256;
use ira_commands::{Context, Fault, Kind};

use super::Way;
use crate::clients::chain::{Keystore, SigningKey};
use crate::clients::node::Node;
use crate::config::{Config, Places, SignerConfig};
use crate::connect::{self, Connection};
use crate::retention;
use crate::session::{Session, block_on};
use crate::store::{self, StoreJournal};
use crate::terminal::Env;

/// The key of a network: whose it is, how far it may go, and what opens it.
pub(crate) struct Locked {
    keystore: Keystore,
    config: SignerConfig,
    pub(crate) payer: Payer,
    /// The key itself, where it had to be unlocked to know whose it is.
    key: Option<Arc<SigningKey>>,
}

/// What an action may reach.
pub(crate) struct Ports {
    pub(crate) reads: Reads,
    config: Arc<Config>,
    /// The Chainlink nodes, where it is about any.
    nodes: Vec<Arc<Node>>,
    /// The chain, where the action is about one.
    connection: Option<Connection>,
}

/// The journal of this machine.
pub(crate) fn journal() -> Result<Arc<dyn Journal>, Fault> {
    let state = Places::state().ok_or_else(|| {
        Fault::new(Kind::Failed, "there is no folder for the journal: the home folder is not known")
            .hint("set HOME, or XDG_STATE_HOME")
    })?;
    let journal = StoreJournal::open(&state)?;
    store::wait(retention::daily(journal.store(), &state));
    Ok(Arc::new(journal))
}

impl Ports {
    pub(crate) fn of(way: &Way, progress: Arc<dyn Progress>) -> Result<Self, Fault> {
        let nodes = connect::nodes(&way.reach, &way.config)?;
        let config = Arc::clone(&way.config);
        if !way.needs_chain {
            let reads = Reads { nodes: connect::asked(&nodes), ..connect::bare(&way.config, progress) };
            return Ok(Self { reads, config, nodes, connection: None });
        }
        let connection = connect::connect_beside(&way.reach, &way.config, &nodes, progress)?;
        Ok(Self { reads: connection.reads.clone(), config, nodes, connection: Some(connection) })
    }

    /// The network that the endpoints proved to be and its key, still locked where that is possible; `None` where no key is
    /// configured, or the action is about no chain.
    pub(crate) async fn key(&self, way: &Way) -> Result<Option<(Network, Locked)>, Fault> {
        let Some(connection) = &self.connection else { return Ok(None) };
        locked(connection, way).await
    }

    /// A context that may write, with the journal of this machine.
    pub(super) fn acting(&self, payer: Option<Payer>, signer: Option<Arc<dyn Signer>>) -> Result<Context, Fault> {
        Ok(self.writing(journal()?, payer, signer))
    }

    /// A context that may write what `journal` has.
    pub(crate) fn writing(
        &self,
        journal: Arc<dyn Journal>,
        payer: Option<Payer>,
        signer: Option<Arc<dyn Signer>>,
    ) -> Context {
        let writes = Writes {
            chain: self.connection.as_ref().map(Connection::broadcast),
            signer,
            nodes: self.nodes.iter().map(|node| Arc::<Node>::clone(node) as Arc<dyn NodeWrite>).collect(),
            ..connect::bare_writes(&self.config, journal)
        };
        Context::acting(self.reads.clone(), writes).paid_by(payer)
    }
}

/// Connects, does `work`, and keeps what is to be said about the endpoints.
pub(super) fn with_ports<T>(
    session: &mut Session,
    way: &Way,
    env: Env<'_>,
    work: impl AsyncFnOnce(&Ports) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if way.reach.record.is_some() || way.reach.replay.is_some() {
        return Err(Fault::new(Kind::Usage, "an action takes no --record and no --replay")
            .hint("what was done is in the journal; a recording of it could not be done again"));
    }
    let progress = session.progress(env);
    let mut warnings = Vec::new();
    let done = block_on(async {
        let ports = Ports::of(way, progress.sink())?;
        if let Some(connection) = &ports.connection {
            warnings.clone_from(&connection.warnings);
        }
        let done = work(&ports).await;
        if let Some(connection) = &ports.connection {
            connection.count();
        }
        done
    });
    progress.finish();
    session.warn(warnings);
    done
}

/// The network that the endpoints proved to be, and its key.
async fn locked(connection: &Connection, way: &Way) -> Result<Option<(Network, Locked)>, Fault> {
    let chain = connection.reads.chain.as_deref().ok_or_else(|| Fault::new(Kind::Usage, "no RPC endpoint is known"))?;
    let network = chain.head().await?.network;
    let Some(known) = way.config.networks.get(&network.name) else { return Ok(None) };
    let Some(config) = way.config.signer(known)?.cloned() else { return Ok(None) };
    let (path, private) = config.keystore.path(way.config.env())?;
    let keystore = Keystore::open(&path, private)?;
    // A keystore that does not say whose it is: only the key does.
    let key = match keystore.address() {
        Some(_) => None,
        None => Some(Arc::new(open(&connection.reads, &keystore, &config, &way.config)?)),
    };
    let address = key.as_ref().map(|key| key.address()).or(keystore.address()).unwrap_or_default();
    let payer = Payer {
        address,
        max_fee_per_gas: U256::from(config.max_fee_gwei) * U256::exp10(9),
        confirmations: config.confirmations,
        patience: way.patience,
    };
    Ok(Some((network, Locked { keystore, config, payer, key })))
}

fn open(reads: &Reads, keystore: &Keystore, signer: &SignerConfig, config: &Config) -> Result<SigningKey, Fault> {
    let password = signer.password(config.env())?;
    reads.progress.stage("unlocking the keystore");
    keystore.unlock(&password)
}

pub(crate) fn unlock(reads: &Reads, locked: &Locked, config: &Config) -> Result<Arc<dyn Signer>, Fault> {
    match &locked.key {
        Some(key) => Ok(Arc::<SigningKey>::clone(key)),
        None => Ok(Arc::new(open(reads, &locked.keystore, &locked.config, config)?)),
    }
}
