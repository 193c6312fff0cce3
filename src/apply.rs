//! An action by hand: show the plan, ask, do it, show what came of it.

use std::path::PathBuf;
use std::sync::Arc;

use dialoguer::console::Term;
use ira_commands::actions::{Action, Applied, Caps, Plan};
use ira_commands::context::{Payer, Reads, Writes};
use ira_commands::node::NodeWrite;
use ira_commands::ports::{Network, Progress, Signer};
use ira_commands::value::U256;
use ira_commands::words::Coins;
use ira_commands::{Context, Effect, Fault, Kind, Report};
use secrecy::ExposeSecret as _;

use crate::cli::{Agreement, Reach};
use crate::clients::chain::{Keystore, SigningKey};
use crate::clients::node::Node;
use crate::config::secret::SecretRef;
use crate::config::{Config, Places, SignerConfig};
use crate::connect::{self, Connection};
use crate::session::{Session, block_on};
use crate::store::StoreJournal;
use crate::terminal::Env;

/// What was asked, and around it.
pub struct Asked {
    /// What is to be done.
    pub action: Action,
    /// How the chain is reached.
    pub reach: Reach,
    /// How it is agreed to.
    pub agreement: Agreement,
    /// The effective configuration.
    pub config: Arc<Config>,
    /// The configuration file that was named.
    pub file: Option<PathBuf>,
}

/// The key of a network: whose it is, how far it may go, and what opens it.
struct Locked {
    keystore: Keystore,
    config: SignerConfig,
    payer: Payer,
    /// The key itself, where it had to be unlocked to know whose it is.
    key: Option<Arc<SigningKey>>,
}

/// Runs an action; gives the exit code.
pub fn act(session: &mut Session, asked: &Asked, env: Env<'_>) -> Result<u8, Fault> {
    if asked.reach.replay.is_some() && !asked.agreement.dry_run {
        return Err(
            Fault::new(Kind::Usage, "a recording cannot be acted on").hint("leave --replay out, or give --dry-run")
        );
    }
    if asked.agreement.resume {
        let report = with_ports(session, asked, env, async |ports| {
            let key = ports.key(asked).await?;
            let context = ports.acting(key.as_ref().map(|(_, locked)| locked.payer), None)?;
            Action::settle(&context, key.map(|(network, _)| network.chain_id)).await
        })?;
        let code = report.outcome.exit_code();
        return Ok(session.show(report, code));
    }
    if asked.action.effect() == Effect::Read {
        let report =
            with_ports(session, asked, env, async |ports| asked.action.run(&Context::dry(ports.reads.clone())).await)?;
        let code = report.outcome.exit_code();
        return Ok(session.show(report, code));
    }
    let plan = with_ports(session, asked, env, async |ports| {
        let key = ports.key(asked).await?;
        let context = Context::dry(ports.reads.clone()).paid_by(key.map(|(_, locked)| locked.payer));
        let plan = asked.action.plan(&context).await?;
        plan.within(&asked.action.caps())?;
        Ok(plan)
    })?;
    if asked.agreement.dry_run || plan.is_nothing() {
        let mut report = plan.report();
        if !plan.is_nothing() {
            report.next = vec![asked.line(&plan)];
        }
        return Ok(session.show(report, 0));
    }
    if asked.agreement.yes {
        if plan.uncapped(&asked.action.caps()) {
            return Err(Fault::new(Kind::Usage, "--yes needs a cap for each currency that the plan spends")
                .because(plan.headline())
                .hint(asked.line(&plan)));
        }
    } else if !session.can_ask() {
        return Ok(unconfirmed(
            session,
            asked,
            &plan,
            "nothing was done: it has to be confirmed, and there is no terminal to ask at",
        ));
    } else {
        session.tell(&plan.report());
        if !agreed()? {
            return Err(Fault::new(Kind::Confirmation, "nothing was done: it was not agreed to"));
        }
    }
    let applied = with_ports(session, asked, env, async |ports| {
        let key = ports.key(asked).await?;
        let signer = key.as_ref().map(|(_, locked)| unlock(&ports.reads, locked, &asked.config)).transpose()?;
        let context = ports.acting(key.map(|(_, locked)| locked.payer), signer)?;
        asked.action.apply(&context, &plan).await
    })?;
    match applied {
        Applied::Done(report) => {
            let code = report.outcome.exit_code();
            Ok(session.show(*report, code))
        }
        Applied::Changed(plan) => Ok(unconfirmed(
            session,
            asked,
            &plan,
            "nothing was done: what the plan was made on has changed since; this is the new plan",
        )),
    }
}

/// Shows a plan that is not carried out, and the line that does.
fn unconfirmed(session: &Session, asked: &Asked, plan: &Plan, why: &str) -> u8 {
    let mut report: Report = plan.report();
    let fault = Fault::new(Kind::Confirmation, why).hint(asked.line(plan));
    report.next = vec![asked.line(plan)];
    let code = fault.kind.exit_code();
    report.errors.push(fault);
    session.show(report, code)
}

fn agreed() -> Result<bool, Fault> {
    dialoguer::Confirm::new()
        .with_prompt("Go ahead?")
        .default(false)
        .interact_on(&Term::stderr())
        .map_err(|error| Fault::new(Kind::Interrupted, "nothing was done").because(error.to_string()))
}

/// What an action may reach.
struct Ports {
    reads: Reads,
    /// The Chainlink nodes, where the action is about one.
    nodes: Vec<Arc<Node>>,
    /// The chain, where the action is about one.
    connection: Option<Connection>,
}

impl Ports {
    fn of(asked: &Asked, progress: Arc<dyn Progress>) -> Result<Self, Fault> {
        let nodes = connect::nodes(&asked.reach, &asked.config)?;
        if !asked.action.needs_chain() {
            let reads = Reads { nodes: connect::asked(&nodes), ..connect::bare(&asked.config, progress) };
            return Ok(Self { reads, nodes, connection: None });
        }
        let connection = connect::connect_beside(&asked.reach, &asked.config, &nodes, progress)?;
        Ok(Self { reads: connection.reads.clone(), nodes, connection: Some(connection) })
    }

    /// The network that the endpoints proved to be and its key, still locked where that is possible; `None` where no key is
    /// configured, or the action is about no chain.
    async fn key(&self, asked: &Asked) -> Result<Option<(Network, Locked)>, Fault> {
        let Some(connection) = &self.connection else { return Ok(None) };
        locked(connection, asked).await
    }

    /// A context that may write.
    fn acting(&self, payer: Option<Payer>, signer: Option<Arc<dyn Signer>>) -> Result<Context, Fault> {
        let state = Places::state().ok_or_else(|| {
            Fault::new(Kind::Failed, "there is no folder for the journal: the home folder is not known")
                .hint("set HOME, or XDG_STATE_HOME")
        })?;
        let writes = Writes {
            chain: self.connection.as_ref().map(Connection::broadcast),
            signer,
            nodes: self.nodes.iter().map(|node| Arc::<Node>::clone(node) as Arc<dyn NodeWrite>).collect(),
            ..Writes::new(Arc::new(StoreJournal::open(&state)?))
        };
        Ok(Context::acting(self.reads.clone(), writes).paid_by(payer))
    }
}

/// Connects, does `work`, and keeps what is to be said about the endpoints.
fn with_ports<T>(
    session: &mut Session,
    asked: &Asked,
    env: Env<'_>,
    work: impl AsyncFnOnce(&Ports) -> Result<T, Fault>,
) -> Result<T, Fault> {
    if asked.reach.record.is_some() || asked.reach.replay.is_some() {
        return Err(Fault::new(Kind::Usage, "an action takes no --record and no --replay")
            .hint("what was done is in the journal; a recording of it could not be done again"));
    }
    let progress = session.progress(env);
    let mut warnings = Vec::new();
    let done = block_on(async {
        let ports = Ports::of(asked, progress.sink())?;
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
async fn locked(connection: &Connection, asked: &Asked) -> Result<Option<(Network, Locked)>, Fault> {
    let chain = connection.reads.chain.as_deref().ok_or_else(|| Fault::new(Kind::Usage, "no RPC endpoint is known"))?;
    let network = chain.head().await?.network;
    let Some(known) = asked.config.networks.get(&network.name) else { return Ok(None) };
    let Some(config) = asked.config.signer(known)?.cloned() else { return Ok(None) };
    let (path, private) = config.keystore.path(asked.config.env())?;
    let keystore = Keystore::open(&path, private)?;
    // A keystore that does not say whose it is: only the key does.
    let key = match keystore.address() {
        Some(_) => None,
        None => Some(Arc::new(open(&connection.reads, &keystore, &config, &asked.config)?)),
    };
    let address = key.as_ref().map(|key| key.address()).or(keystore.address()).unwrap_or_default();
    let payer = Payer {
        address,
        max_fee_per_gas: U256::from(config.max_fee_gwei) * U256::exp10(9),
        confirmations: config.confirmations,
        patience: asked.agreement.wait,
    };
    Ok(Some((network, Locked { keystore, config, payer, key })))
}

fn open(reads: &Reads, keystore: &Keystore, signer: &SignerConfig, config: &Config) -> Result<SigningKey, Fault> {
    let password = signer.password(config.env())?;
    reads.progress.stage("unlocking the keystore");
    keystore.unlock(&password)
}

fn unlock(reads: &Reads, locked: &Locked, config: &Config) -> Result<Arc<dyn Signer>, Fault> {
    match &locked.key {
        Some(key) => Ok(Arc::<SigningKey>::clone(key)),
        None => Ok(Arc::new(open(reads, &locked.keystore, &locked.config, config)?)),
    }
}

impl Asked {
    /// The line that carries the plan out, with its caps filled in.
    fn line(&self, plan: &Plan) -> String {
        let given = self.action.caps();
        let caps = match &plan.spend {
            Some(spend) => Caps {
                link: given.link.or_else(|| (!spend.link.is_zero()).then(|| Coins::link(spend.link))),
                native: given.native.or_else(|| Some(roomy(spend.native_total(), &spend.native))),
            },
            None => given,
        };
        let mut words = vec!["ira".to_owned()];
        words.extend(self.action.clone().capped(&caps).words());
        for url in &self.reach.rpc_url {
            let text = url.expose_secret();
            let reference = SecretRef::parse(text, std::path::Path::new("."));
            let shown = match &reference {
                // Its path may be relative: as it was typed.
                Ok(SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_)) => text.to_owned(),
                Ok(literal) if !literal.is_keyed_literal() => text.to_owned(),
                _ => "URL".to_owned(),
            };
            words.extend(["--rpc-url".to_owned(), shown]);
        }
        if let Some(file) = &self.file {
            words.extend(["--config".to_owned(), file.display().to_string()]);
        }
        words.push("--yes".to_owned());
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A cap with room for gas that gets a little dearer, in two digits.
fn roomy(wei: U256, symbol: &str) -> Coins {
    let room = wei.saturating_add(wei / 4);
    let digits = room.to_string().len();
    let unit = U256::exp10(digits.saturating_sub(2));
    let rounded = room.saturating_add(unit - 1) / unit * unit;
    Coins::of(rounded, symbol)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '+');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use ira_commands::units::scaled_uint;

    use super::*;

    #[test]
    fn a_cap_leaves_room_and_is_read_back_exactly() {
        for (wei, shown) in
            [(1_000_u64, "0.0000000000000013 ETH"), (123_456_789, "0.00000000016 ETH"), (1, "0.000000000000000001 ETH")]
        {
            let cap = roomy(U256::from(wei), "ETH");
            assert_eq!(cap.to_string(), shown, "{}", scaled_uint(cap.units, 18));
            assert!(cap.units >= U256::from(wei));
        }
    }

    #[test]
    fn a_shell_gets_back_the_word_that_was_meant() {
        assert_eq!(quoted("--max-spend"), "--max-spend");
        assert_eq!(quoted("5 LINK"), "'5 LINK'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
    }
}
