//! The configuration: flags over environment over project file over user file over system file over defaults.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use ira_commands::text::{excerpt, nearest_few, without_urls};
use ira_commands::{Fault, Kind};
use secrecy::SecretString;

mod access;
pub mod check;
mod credentials;
pub mod daemon;
pub mod drill;
pub mod engine;
pub mod env;
mod file;
pub mod host;
pub mod intake;
pub mod keys;
mod load;
pub mod network;
pub mod nodes;
pub mod origin;
pub mod problem;
pub(crate) mod reader;
pub mod secret;
pub mod show;
pub mod signer;
pub mod sources;
pub mod systems;
#[cfg(test)]
mod tests;
pub mod url;
pub mod users;
mod vrf;

pub use access::untrusted;
pub use check::check;
pub use daemon::{DaemonConfig, RemoteConfig};
pub use drill::{DrillConfig, Inject};
pub use engine::{BudgetConfig, EngineConfig, MaintenanceConfig, PlaybookConfig};
pub use host::HostConfig;
pub use network::{DirectorySource, NetworkConfig};
pub use nodes::NodeConfig;
pub use origin::Origin;
pub use show::show;
pub use signer::{KeystoreRef, SignerConfig};
pub use sources::{Flags, Places, Sources};
pub use systems::SystemsConfig;
pub use users::{Role, UserConfig};

use env::Env;
use network::normal;
use origin::{ConfigFile, Layer};
use secret::SecretRef;

/// The form of the result on stdout.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Format {
    /// For a person at a terminal
    #[default]
    Table,
    /// For an incident note
    Markdown,
    /// For a program
    Json,
}

/// When the output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum ColorChoice {
    /// On a terminal, unless `NO_COLOR` is set or TERM is `dumb`
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// How results are shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Output {
    /// In which form.
    pub format: Format,
    /// When in colour.
    pub color: ColorChoice,
    /// Addresses and names whole.
    pub wide: bool,
    /// Healthy rows too.
    pub verbose: bool,
}

/// The effective configuration. Holds references to secrets, and shows none.
#[derive(Clone, Debug)]
pub struct Config {
    /// How results are shown.
    pub output: Output,
    /// The network where a command names none: a name or alias, not looked up yet.
    pub network: Option<String>,
    /// Every known network by its name.
    pub networks: BTreeMap<String, NetworkConfig>,
    /// What the engine may do.
    pub engine: EngineConfig,
    /// Every configured Chainlink node by its name.
    pub nodes: BTreeMap<String, NodeConfig>,
    /// What may be run and restarted on this host.
    pub host: HostConfig,
    /// The systems that are asked, and the people that are told.
    pub systems: SystemsConfig,
    /// Who may look at runs, and who decides.
    pub users: BTreeMap<String, UserConfig>,
    /// Where people reach the daemon's pages, without a slash at its end.
    pub public_url: Option<String>,
    /// How the daemon listens and works.
    pub daemon: DaemonConfig,
    /// The daemon that is asked in place of the store of this machine.
    pub remote: RemoteConfig,
    /// Where values come from, by dotted key; one that is missing here is a default.
    origins: BTreeMap<String, Origin>,
    /// What a project file changed of networks that were known without it.
    project_changes: BTreeMap<String, Vec<String>>,
    /// Endpoints by flag or environment, in place of every network's.
    rpc: Option<(Vec<SecretRef>, Origin)>,
    /// Feed directory by flag or environment, in place of every network's.
    directory: Option<(DirectorySource, Origin)>,
    /// The files that were read.
    files: Vec<ConfigFile>,
    user_file: Option<PathBuf>,
    env: Arc<dyn Env>,
}

/// The endpoints to ask, and what the reader should know about them.
#[derive(Clone, Debug)]
pub struct Rpc {
    /// Their URLs, in order of preference; never none.
    pub urls: Vec<SecretString>,
    /// Where they were configured.
    pub origin: Origin,
    /// What is to be said on stderr before they are used.
    pub warnings: Vec<String>,
}

impl Config {
    /// Reads everything. A fault of kind `Config` names file, line and column of what is wrong there; one of kind
    /// `Usage`, the flag.
    pub fn load(sources: &Sources) -> Result<Self, Fault> {
        let gathered = load::gather(sources)?;
        problem::together(&gathered.problems)?;
        match gathered.faults.into_iter().next() {
            Some(fault) => Err(fault),
            None => Ok(gathered.config),
        }
    }

    /// The same for a command that names a network.
    #[must_use]
    pub fn on(&self, network: String) -> Self {
        Self { network: Some(network), ..self.clone() }
    }

    /// Nothing but what ships.
    fn built_in(env: Arc<dyn Env>) -> Self {
        static NETWORKS: OnceLock<BTreeMap<String, NetworkConfig>> = OnceLock::new();
        let mut config = Self {
            output: Output::default(),
            network: None,
            networks: BTreeMap::new(),
            host: HostConfig::default(),
            users: BTreeMap::new(),
            public_url: None,
            engine: EngineConfig::default(),
            nodes: BTreeMap::new(),
            systems: SystemsConfig::default(),
            daemon: DaemonConfig::default(),
            remote: RemoteConfig::default(),
            origins: BTreeMap::new(),
            project_changes: BTreeMap::new(),
            rpc: None,
            directory: None,
            files: Vec::new(),
            user_file: None,
            env,
        };
        let networks = NETWORKS.get_or_init(|| {
            let file = ConfigFile { layer: Layer::BuiltIn, path: PathBuf::from("networks.toml") };
            let problems = file::apply(&mut config, &file, network::BUILT_IN);
            debug_assert!(problems.is_empty(), "networks.toml: {problems:?}");
            std::mem::take(&mut config.networks)
        });
        config.networks.clone_from(networks);
        config
    }

    /// A network by name or alias, in any usual spelling (`Ethereum_Mainnet`, `matic-mainnet`). The fault names the
    /// nearest ones.
    pub fn network(&self, name: &str) -> Result<&NetworkConfig, Fault> {
        let wanted = normal(name);
        if let Some(network) = self.canonical(&wanted).and_then(|name| self.networks.get(name)) {
            return Ok(network);
        }
        let shown = excerpt(&without_urls(name), 64);
        let near: Vec<String> =
            nearest_few(&wanted, self.names(), 3).into_iter().map(|near| format!("`{near}`")).collect();
        let hint = if near.is_empty() {
            "`ira help networks` lists those that ship; `ira help config` says how to add one".to_owned()
        } else {
            format!("did you mean {}? (`ira help networks`)", near.join(" or "))
        };
        Err(Fault::new(Kind::Usage, format!("no network `{shown}` is known")).hint(hint))
    }

    /// Every network, those that ship before those of the user's files, and these before those of a project file: where
    /// several have a chain id, the first is meant.
    pub fn by_trust(&self) -> Vec<&NetworkConfig> {
        let mut all: Vec<_> = self.networks.values().collect();
        all.sort_by_key(|network| match self.origins.get(&format!("networks.{}.chain_id", network.name)) {
            Some(Origin::File(file, _)) => 1 + usize::from(file.layer == Layer::Project),
            _ => 0,
        });
        all
    }

    /// The endpoints for a network, or for whichever chain `--rpc-url` or `IRA_RPC_URL` leads to.
    ///
    /// One reference of several that cannot be resolved is a warning; when none can, it is the fault.
    pub fn rpc(&self, network: Option<&NetworkConfig>) -> Result<Rpc, Fault> {
        let (references, origin) = match (&self.rpc, network) {
            (Some((references, origin)), _) => (references.as_slice(), origin.clone()),
            (None, Some(network)) => (network.rpc.as_slice(), self.origin(&format!("networks.{}.rpc", network.name))),
            (None, None) => (&[][..], Origin::Default),
        };
        if references.is_empty() {
            return Err(self.no_endpoint(network));
        }
        let mut rpc = Rpc { urls: Vec::new(), origin, warnings: Vec::new() };
        let mut failed = Vec::new();
        for reference in references {
            match reference.resolve_url(self.env.as_ref()) {
                Ok(url) => rpc.urls.push(url),
                Err(fault) => failed.push(fault),
            }
            rpc.warnings.extend(keyed_warning(reference, &rpc.origin));
        }
        if rpc.urls.is_empty() {
            let first = failed.into_iter().next().unwrap_or_else(|| self.no_endpoint(network));
            return Err(first.because(format!("asked for by {}", rpc.origin)));
        }
        rpc.warnings.extend(failed.iter().map(|fault| format!("an endpoint is left out: {fault}")));
        // Which network it is may be for the endpoint to say: then any of them.
        let meant = |name: &str| network.is_none_or(|network| network.name == name);
        for (name, changes) in self.project_changes.iter().filter(|(name, _)| meant(name)) {
            rpc.warnings.push(format!("the project file changes what is known of {name}: {}", changes.join(", ")));
        }
        Ok(rpc)
    }

    fn no_endpoint(&self, network: Option<&NetworkConfig>) -> Fault {
        let Some(network) = network else {
            return Fault::new(Kind::Usage, "no network is named, and no RPC endpoint").hint(
                "name a configured network with --network (`ira help networks`), or an endpoint with --rpc-url env:NAME",
            );
        };
        let path = self.user_file.as_ref().map_or("the configuration".to_owned(), |path| path.display().to_string());
        Fault::new(Kind::Usage, format!("no RPC endpoint is configured for {}", network.name))
            .hint(format!("give --rpc-url env:NAME, or set `networks.{}.rpc = \"env:NAME\"` in {path}", network.name))
    }

    /// Where the feeds of a network are listed: `--directory` or `IRA_DIRECTORY`, else the network's own.
    pub fn directory(&self, network: &str) -> Option<&DirectorySource> {
        match &self.directory {
            Some((source, _)) => Some(source),
            None => self.networks.get(self.canonical(&normal(network))?)?.directory.as_ref(),
        }
    }

    /// Where the value of a dotted key comes from (`networks.ethereum-mainnet.rpc`).
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.get(key).cloned().unwrap_or(Origin::Default)
    }

    /// The proper name of a network for a name or alias as [`normal`] gives it.
    fn canonical<'a>(&'a self, name: &str) -> Option<&'a str> {
        match self.networks.get_key_value(name) {
            Some((name, _)) => Some(name),
            None => self
                .networks
                .values()
                .find(|network| network.aliases.iter().any(|alias| alias == name))
                .map(|network| network.name.as_str()),
        }
    }

    /// Every name and alias.
    fn names(&self) -> impl Iterator<Item = &str> {
        self.networks
            .values()
            .flat_map(|network| std::iter::once(&network.name).chain(&network.aliases))
            .map(String::as_str)
    }
}

/// What to say about a key that stands where it can be seen; an environment variable is a place for one.
fn keyed_warning(reference: &SecretRef, origin: &Origin) -> Option<String> {
    if !reference.is_keyed_literal() {
        return None;
    }
    match origin {
        Origin::Environment(_) => None,
        Origin::Flag(flag) => Some(format!(
            "the URL given by {flag} ({reference}) seems to hold a key, and a process list shows it: \
             put it into the environment and give env:NAME"
        )),
        _ => Some(format!(
            "the URL in {origin} ({reference}) seems to hold a key: write env:NAME, or file:PATH of a file with mode 600"
        )),
    }
}
