//! A network as configured, and those that ship.

use std::fmt;
use std::path::PathBuf;

use ira_commands::ports;
use ira_commands::value::H160;
use reqwest::Url;

use super::secret::SecretRef;
use super::signer::SignerConfig;
use super::url;

/// The same address on nearly every chain (<https://www.multicall3.com>).
const MULTICALL3: H160 = H160([
    0xca, 0x11, 0xbd, 0xe0, 0x59, 0x77, 0xb3, 0x63, 0x11, 0x67, 0x02, 0x88, 0x62, 0xbe, 0x2a, 0x17, 0x39, 0x76, 0xca,
    0x11,
]);

/// The networks that ship, as a configuration file.
pub(super) const BUILT_IN: &str = include_str!("networks.toml");

/// A network as configured.
#[derive(Clone, Debug)]
pub struct NetworkConfig {
    /// Its name.
    pub name: String,
    /// EIP-155 chain id, never 0.
    pub chain_id: u64,
    /// Its endpoints, in order of preference; none ship.
    pub rpc: Vec<SecretRef>,
    /// What else it is called.
    pub aliases: Vec<String>,
    /// Symbol of the coin that pays for gas.
    pub native: String,
    /// Seconds between blocks.
    pub block_time_seconds: Option<f64>,
    /// The LINK token.
    pub link: Option<H160>,
    /// The Multicall3 contract; whether it is deployed is for the chain to say.
    pub multicall3: H160,
    /// Proxy of the L2 sequencer uptime feed.
    pub sequencer: Option<H160>,
    /// Base of block explorer links, without a slash at its end.
    pub explorer: Option<String>,
    /// The list of its published feeds.
    pub directory: Option<DirectorySource>,
    /// Limit of requests a second for each endpoint.
    pub requests_per_second: u32,
    /// How long one request may take, seconds.
    pub timeout_seconds: u64,
    /// How many endpoints must agree on a read.
    pub quorum: usize,
    /// The key that signs transactions; none ships.
    pub signer: Option<SignerConfig>,
    /// Its VRF coordinators, and whose requests may be paid for.
    pub vrf: ports::VrfSettings,
}

impl NetworkConfig {
    /// A network of which only the name is known; its chain id (0) is still to be set.
    pub(super) fn named(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            chain_id: 0,
            rpc: Vec::new(),
            aliases: Vec::new(),
            native: "ETH".to_owned(),
            block_time_seconds: None,
            link: None,
            multicall3: MULTICALL3,
            sequencer: None,
            explorer: None,
            directory: None,
            requests_per_second: 20,
            timeout_seconds: 10,
            quorum: 1,
            signer: None,
            vrf: ports::VrfSettings::default(),
        }
    }

    /// What is known of a chain that no configuration names: `chain-<id>`.
    pub fn unnamed(chain_id: u64) -> Self {
        Self { chain_id, ..Self::named(&format!("chain-{chain_id}")) }
    }

    /// As the commands see it.
    pub fn network(&self) -> ports::Network {
        ports::Network {
            name: self.name.clone(),
            chain_id: self.chain_id,
            native: self.native.clone(),
            block_time: self.block_time_seconds,
            link: self.link,
            sequencer: self.sequencer,
            explorer: self.explorer.clone(),
            signer: None,
            vrf: self.vrf.clone(),
        }
    }
}

/// Where a feed directory is.
#[derive(Clone, PartialEq, Eq)]
pub enum DirectorySource {
    /// A JSON file.
    File(PathBuf),
    /// Published under a URL (`https`, or `http` on this machine), which may hold a key.
    Url(Url),
}

impl fmt::Display for DirectorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "{}", path.display()),
            Self::Url(url) => f.write_str(&url::shown_document(url)),
        }
    }
}

impl fmt::Debug for DirectorySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DirectorySource({self})")
    }
}

impl DirectorySource {
    /// Reads a path or a URL; a relative path is taken from `folder`. The error does not repeat the text.
    pub fn parse(text: &str, folder: &std::path::Path) -> Result<Self, String> {
        let text = text.trim();
        if text.is_empty() {
            return Err("expected a path or a URL, found nothing".to_owned());
        }
        if !text.contains("://") {
            return Ok(Self::File(folder.join(text)));
        }
        let url = url::parse_http(text)?;
        if url.scheme() == "http" && !url::is_loopback(&url) {
            return Err("http:// is taken from this machine only; use https://".to_owned());
        }
        Ok(Self::Url(url))
    }
}

pub use ira_commands::text::name as normal;

/// Whether a name, as [`normal`] gives it, can be a network's.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty()
        && name.len() <= 64
        && name.starts_with(|c: char| c.is_ascii_alphanumeric())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '-' | '.'))
}
