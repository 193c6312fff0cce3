//! The one place where command line, configuration and adapters meet: it gives a command its ports.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ira_commands::context::{Journal, Reads, Writes};
use ira_commands::feed_report::directory;
use ira_commands::node::NodeRead;
use ira_commands::ports::host::{ScriptRead, ScriptWrite};
use ira_commands::ports::{ChainWrite, Clock, Network, Progress};
use ira_commands::report::Outcome;
use ira_commands::{Fault, Invocation, Kind, Report, units};
use secrecy::ExposeSecret as _;

use crate::cli::{ConfigVerb, OutputFlags, Reach};
use crate::clients::chain::{About, Broadcast, Chain, ChainConfig, Keystore, KnownNetwork, Recorder, Recording};
use crate::clients::directory::Directory;
use crate::clients::endpoint::Endpoint;
use crate::clients::node::Node;
use crate::clients::redact::Known;
use crate::clients::runner::Runner;
use crate::clients::script::{self, Scripts};
use crate::clients::systemd::Systemd;
use crate::clock::{StoppedClock, SystemClock};
use crate::complete::KnownFeed;
use crate::config::host::RunnerConfig;
use crate::config::{self, Config, Flags, NetworkConfig, Sources};
use crate::recording::{self, Keeper, RecordedDirectory, ReplayedDirectory};
use crate::seen::{self, Of, Seen};
use crate::systems;

/// The flags that the configuration merges with its files and the environment.
fn flags(output: &OutputFlags, invocation: Option<(&Invocation, &Reach)>) -> Result<Flags, Fault> {
    let mut flags = Flags {
        config: output.config.clone(),
        alone: output.alone,
        format: output.format(),
        color: output.color,
        wide: output.wide,
        verbose: output.verbose,
        ..Flags::default()
    };
    if let Some((invocation, reach)) = invocation {
        flags.network = invocation.network()?;
        flags.rpc_url = reach.rpc_url.iter().map(|url| url.expose_secret().to_owned()).collect();
        flags.directory.clone_from(&reach.directory);
    }
    Ok(flags)
}

/// The effective configuration for a command.
pub fn settings(output: &OutputFlags, invocation: &Invocation, reach: &Reach) -> Result<Arc<Config>, Fault> {
    Config::load(&Sources::of_process(flags(output, Some((invocation, reach)))?)?).map(Arc::new)
}

/// The effective configuration for what names no network.
pub fn effective(output: &OutputFlags) -> Result<Arc<Config>, Fault> {
    Config::load(&Sources::of_process(flags(output, None)?)?).map(Arc::new)
}

/// What was connected to.
pub struct Connection {
    /// The ports.
    pub reads: Reads,
    /// What the reader should know about how they are reached (a URL that looks keyed).
    pub warnings: Vec<String>,
    chain: Arc<Chain>,
    keeper: Option<Keeper>,
    /// The command that a replayed recording is of, where it says so.
    replays: Option<String>,
    /// Where what was seen is kept, for a shell that completes an id.
    cache: Option<PathBuf>,
}

impl Connection {
    /// What signed transactions are given to.
    pub fn broadcast(&self) -> Arc<dyn ChainWrite> {
        let block_time = self.chain.network().and_then(|known| known.network.block_time);
        Arc::new(Broadcast::new(Arc::clone(&self.chain), block_time))
    }

    /// Logs what was sent so far.
    pub fn count(&self) {
        tracing::info!("{} round trips, {} requests", self.chain.round_trips(), self.chain.requests());
    }

    /// To be called when `invocation` has ended, well or not: writes the recording that was asked for. A report whose
    /// recording could not be written is shown all the same, with that as an error.
    pub fn finish(self, invocation: &Invocation, report: Result<Report, Fault>) -> Result<Report, Fault> {
        self.count();
        if let (Some(cache), Ok(report)) = (&self.cache, &report) {
            seen::keep(cache, invocation, &report.data);
        }
        let asked = recording::asked(invocation);
        let mut report = report;
        if let (Some(then), Ok(report)) = (self.replays, &mut report)
            && then != asked
        {
            report.warnings.push(format!("the recording is of `{then}`: what other flags need may not be in it"));
        }
        match (self.keeper.map_or(Ok(()), |keeper| keeper.write(asked)), report) {
            (Ok(()), report) => report,
            (Err(lost), Err(fault)) => Err(fault.because(format!("and what was heard is lost: {lost}"))),
            (Err(lost), Ok(mut report)) => {
                report.errors.push(lost);
                report.outcome = Outcome::Unavailable;
                Ok(report)
            }
        }
    }
}

/// The Chainlink nodes that are asked: those named, else all of the network. A recording has none.
pub fn nodes(reach: &Reach, config: &Arc<Config>) -> Result<Vec<Arc<Node>>, Fault> {
    let Some(asked) = reach.nodes.as_ref().filter(|_| reach.replay.is_none()) else { return Ok(Vec::new()) };
    let named = config.network.as_deref().map(|name| config.network(name)).transpose()?;
    let made = |(node, serves): (&config::NodeConfig, &NetworkConfig)| {
        let timeout = Duration::from_secs(reach.timeout.unwrap_or(serves.timeout_seconds));
        Arc::new(Node::new(Arc::clone(config), node.clone(), serves.chain_id, timeout))
    };
    Ok(config.nodes_for(asked, named)?.into_iter().map(made).collect())
}

/// The ports that a command may use, reached as the command line and the configuration say.
pub fn connect(reach: &Reach, config: &Arc<Config>, progress: Arc<dyn Progress>) -> Result<Connection, Fault> {
    connect_beside(reach, config, &nodes(reach, config)?, progress)
}

/// The same with these nodes: a session with one outlives a connection.
pub fn connect_beside(
    reach: &Reach,
    config: &Arc<Config>,
    nodes: &[Arc<Node>],
    progress: Arc<dyn Progress>,
) -> Result<Connection, Fault> {
    let mut connection = reached(reach, config, progress)?;
    connection.reads.nodes = asked(nodes);
    if connection.keeper.is_some() && !nodes.is_empty() {
        connection
            .warnings
            .push("what the nodes say is not in the recording: a replay knows the chain alone".to_owned());
    }
    Ok(connection)
}

/// Nodes as a command asks them.
pub fn asked(nodes: &[Arc<Node>]) -> Vec<Arc<dyn NodeRead>> {
    nodes.iter().map(|node| Arc::<Node>::clone(node) as Arc<dyn NodeRead>).collect()
}

fn reached(reach: &Reach, config: &Arc<Config>, progress: Arc<dyn Progress>) -> Result<Connection, Fault> {
    match &reach.replay {
        Some(path) => {
            let recording = recording::read(path)?;
            replayed(&recording, progress)
        }
        None => live(reach, config, progress),
    }
}

fn live(reach: &Reach, config: &Arc<Config>, progress: Arc<dyn Progress>) -> Result<Connection, Fault> {
    let named = config.network.as_deref().map(|name| config.network(name)).transpose()?;
    let rpc = config.rpc(named)?;
    let endpoints = rpc.urls.into_iter().map(Endpoint::new).collect::<Result<Vec<_>, _>>()?;
    let quorum = reach.quorum.map_or_else(|| named.map_or(1, |network| network.quorum), usize::from);
    let count = endpoints.len();
    if quorum > count {
        return Err(Fault::new(Kind::Usage, format!("{quorum} endpoints are to agree, and there are {count}"))
            .hint("give more endpoints (--rpc-url, several times), or a lower --quorum"));
    }
    // Where the endpoint's chain id has yet to name the network, the limits are those of any network.
    let any = NetworkConfig::unnamed(0);
    let limits = named.unwrap_or(&any);
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    let recorder = reach.record.as_ref().map(|_| Arc::new(Recorder::new()));
    let chain = Arc::new(Chain::new(ChainConfig {
        expect: named.map(|network| known(config, network)),
        known: config.by_trust().into_iter().map(|network| known(config, network)).collect(),
        quorum,
        timeout: Duration::from_secs(reach.timeout.unwrap_or(limits.timeout_seconds)),
        rate_per_second: Some(f64::from(limits.requests_per_second)),
        recorder: recorder.clone(),
        progress: Arc::clone(&progress),
        endpoints,
    })?);
    let directory = Arc::new(feeds(config, &clock));
    let reads = |directory, chain| Reads {
        chain: Some(chain),
        ..of_host(config, Reads::new(directory, Arc::clone(&clock), progress))
    };
    let warnings = rpc.warnings;
    let cache = config::Places::standard().cache;
    let (Some(path), Some(recorder)) = (&reach.record, recorder) else {
        let reads = reads(directory, Arc::<Chain>::clone(&chain));
        return Ok(Connection { reads, warnings, chain, keeper: None, replays: None, cache });
    };
    let directory = Arc::new(RecordedDirectory::new(directory));
    let about = About {
        recorded_at: clock.now(),
        endpoints: count,
        quorum,
        ira: env!("CARGO_PKG_VERSION").to_owned(),
        asked: String::new(),
    };
    let keeper = Keeper::new(path, recorder, Arc::clone(&directory), Arc::clone(&chain), about)?;
    let reads = reads(directory, Arc::<Chain>::clone(&chain));
    Ok(Connection { reads, warnings, chain, keeper: Some(keeper), replays: None, cache })
}

/// The ports of what is about no chain.
pub fn bare(config: &Arc<Config>, progress: Arc<dyn Progress>) -> Reads {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock);
    of_host(config, Reads::new(Arc::new(feeds(config, &clock)), clock, progress))
}

/// `reads` with this host and every system that is configured: a command about a chain may have steps about others, too.
fn of_host(config: &Arc<Config>, reads: Reads) -> Reads {
    Reads {
        scripts: match runner(config) {
            Some(runner) => Some(Arc::new(runner) as Arc<dyn ScriptRead>),
            None => scripts(config).map(|scripts| scripts as Arc<dyn ScriptRead>),
        },
        units: Some(Arc::new(Systemd::new(config.host.bus.clone()).with_logs(mask(config)))),
        ..systems::reads(config, reads)
    }
}

/// The ports that write to what is about no chain.
pub fn bare_writes(config: &Arc<Config>, journal: Arc<dyn Journal>) -> Writes {
    Writes {
        scripts: match runner(config) {
            Some(runner) => Some(Arc::new(runner) as Arc<dyn ScriptWrite>),
            None => scripts(config).map(|scripts| scripts as Arc<dyn ScriptWrite>),
        },
        units: Some(units(config)),
        ..systems::writes(config, Writes::new(journal))
    }
}

/// The units of this host, or of that whose bus is configured; their logs are not read.
pub fn units(config: &Config) -> Arc<Systemd> {
    Arc::new(Systemd::new(config.host.bus.clone()))
}

/// The runner, where this process has scripts run by it: the daemon does, and whoever may speak to it.
#[cfg(target_os = "linux")]
fn runner(config: &Arc<Config>) -> Option<Runner> {
    let RunnerConfig::Socket(socket) = &config.host.runner else { return None };
    let end_of_options = config.host.end_of_options;
    let runner = Runner { socket: socket.clone(), end_of_options, mask: mask(config) };
    (config.host.by_runner || runner.is_open()).then_some(runner)
}

/// What takes the secrets of the configuration out of a text.
fn mask(config: &Arc<Config>) -> Box<dyn Fn(&str) -> String + Send + Sync> {
    let (known, config) = (OnceLock::new(), Arc::clone(config));
    Box::new(move |text| known.get_or_init(|| Known::of(&config)).masked(text))
}

/// The scripts of this host; `None` where there is no place to keep their attempts.
#[cfg(target_os = "linux")]
pub(crate) fn scripts(config: &Arc<Config>) -> Option<Arc<Scripts>> {
    Some(Arc::new(Scripts {
        folder: config.host.folder.clone(),
        attempts: config::Places::state()?.join("attempts"),
        shim: script::SELF.into(),
        end_of_options: config.host.end_of_options,
        memory: config.host.memory_mib << 20,
        mask: mask(config),
    }))
}

/// The published feeds, with their cache.
fn feeds(config: &Arc<Config>, clock: &Arc<dyn Clock>) -> Directory {
    let cache = config::Places::standard().cache;
    Directory::new(Arc::clone(config), cache.as_deref(), Arc::clone(clock))
}

/// The ports that answer from a recording, at the time it was made.
fn replayed(recording: &Recording, progress: Arc<dyn Progress>) -> Result<Connection, Fault> {
    let network = recording::network(recording)?;
    let quorum = recording.about().quorum;
    let chain = Arc::new(Chain::replay(
        recording,
        ChainConfig { expect: network, quorum, progress: Arc::clone(&progress), ..ChainConfig::default() },
    )?);
    let directory = Arc::new(ReplayedDirectory::of(recording));
    let clock = Arc::new(StoppedClock(recording.about().recorded_at));
    let reads = Reads { chain: Some(Arc::<Chain>::clone(&chain)), ..Reads::new(directory, clock, progress) };
    let replays = Some(recording.about().asked.clone()).filter(|asked| !asked.is_empty());
    Ok(Connection { reads, warnings: Vec::new(), chain, keeper: None, replays, cache: None })
}

/// A network as the chain is held against it.
pub(crate) fn known(config: &Config, network: &NetworkConfig) -> KnownNetwork {
    // For what is only read, a key that cannot be used is none: what signs says why.
    let signer = || {
        let (path, private) = config.signer(network).ok()??.keystore.path(config.env()).ok()?;
        Keystore::open(&path, private).ok()?.address()
    };
    let network_seen = Network { signer: signer(), ..network.network() };
    KnownNetwork { network: network_seen, multicall3: Some(network.multicall3) }
}

/// The recorded chain that ships: a feed with three faults.
const DEMO: &str = include_str!("demo/feed.json");

/// The recorded chain that ships, and what is asked of it.
pub fn demo(progress: Arc<dyn Progress>) -> Result<(Invocation, Connection), Fault> {
    let asked =
        ira_commands::feed_report::Args { feeds: vec!["eth-usd".to_owned()], window: Some(700), ..Default::default() };
    Ok((Invocation::FeedReport(asked), replayed(&Recording::parse(DEMO)?, progress)?))
}

/// `ira config show` and `ira config check`.
pub fn config(verb: ConfigVerb, output: &OutputFlags) -> Result<Report, Fault> {
    let sources = Sources::of_process(flags(output, None)?)?;
    match verb {
        ConfigVerb::Show => Ok(config::show(&Config::load(&sources)?)),
        ConfigVerb::Check => config::check(&sources),
        ConfigVerb::Token { name, role } => Ok(config::users::token(&name, role)),
    }
}

/// The folders of the configuration files that may name playbooks, strongest first: the user's, or that of the file that
/// stands in its place, and the system's. A project's is not among them: what it says was not written by who runs it.
pub fn beside_config(output: &OutputFlags) -> Result<Vec<PathBuf>, Fault> {
    Sources::of_process(flags(output, None)?)?.own_folders()
}

/// The configuration as far as it can be read: a shell that completes a word has no use for an error.
fn readable() -> Option<&'static Arc<Config>> {
    static CONFIG: OnceLock<Option<Arc<Config>>> = OnceLock::new();
    CONFIG.get_or_init(|| Config::load(&Sources::of_process(Flags::default()).ok()?).ok().map(Arc::new)).as_ref()
}

/// The feeds that can be named on `network`, else on the configured one: from the directory's file or its cached copy,
/// without asking a network.
pub fn known_feeds(network: Option<&str>, source: Option<&str>) -> Vec<KnownFeed> {
    let found = || {
        let config = match source {
            Some(source) => {
                let flags = Flags { directory: Some(source.to_owned()), ..Flags::default() };
                Arc::new(Config::load(&Sources::of_process(flags).ok()?).ok()?)
            }
            None => Arc::clone(readable()?),
        };
        let asked = network.or(config.network.as_deref()).unwrap_or("ethereum-mainnet");
        let name = config.network(asked).map_or_else(|_| asked.to_owned(), |network| network.name.clone());
        let cache = config::Places::standard().cache;
        let directory = Directory::new(config, cache.as_deref(), Arc::new(SystemClock));
        let listed = directory::Directory::parse(&directory.cached_only(&name)?.text).ok()?;
        let feeds = listed.completions("").into_iter().map(|(path, name)| KnownFeed { path, name });
        Some(feeds.collect())
    };
    found().unwrap_or_default()
}

/// The names of the nodes that are configured.
pub fn known_nodes() -> Vec<String> {
    readable().map(|config| config.nodes.keys().cloned().collect()).unwrap_or_default()
}

/// The names of all networks that are known.
pub fn known_networks() -> Vec<String> {
    readable().map(|config| config.networks.keys().cloned().collect()).unwrap_or_default()
}

/// The ids and coordinators that the last reports saw, and the coordinators that the configuration knows: without asking
/// a network.
pub fn known_vrf(of: Of, network: Option<&str>, coordinator: Option<&str>) -> Vec<String> {
    let config = readable();
    let asked = network.or_else(|| config?.network.as_deref());
    let known = asked.and_then(|name| config?.network(name).ok());
    let name = known.map_or(asked, |network| Some(network.name.as_str()));
    let mut all: Vec<String> = Vec::new();
    if let Some(cache) = config::Places::standard().cache {
        all.extend(Seen::load(&cache).ids(of, name, coordinator).into_iter().map(str::to_owned));
    }
    let listed = known.filter(|_| of == Of::Coordinators).map(|network| network.vrf.coordinators.as_slice());
    for address in listed.unwrap_or_default().iter().copied().map(units::address) {
        if !all.contains(&address) {
            all.push(address);
        }
    }
    all
}
