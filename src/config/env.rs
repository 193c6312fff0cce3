//! The environment, behind a trait: tests and replays set their own.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fmt;

use ira_commands::{Fault, Kind};

/// Where environment variables are read.
pub trait Env: fmt::Debug + Send + Sync {
    /// The value of `name` as the system gives it.
    fn raw(&self, name: &str) -> Option<OsString>;

    /// The value of `name`; `None` where it is unset or empty. A value that is no text is a fault that names it.
    fn get(&self, name: &str) -> Result<Option<String>, Fault> {
        let Some(raw) = self.raw(name) else { return Ok(None) };
        match raw.into_string() {
            Ok(text) if text.is_empty() => Ok(None),
            Ok(text) => Ok(Some(text)),
            Err(_) => Err(Fault::new(Kind::Config, format!("the environment variable {name} is not UTF-8"))),
        }
    }
}

/// The environment of this process.
#[derive(Debug)]
pub struct SystemEnv;

impl Env for SystemEnv {
    #[expect(clippy::disallowed_methods, reason = "the one place where the environment is read")]
    fn raw(&self, name: &str) -> Option<OsString> {
        std::env::var_os(name)
    }
}

/// An environment given as a table: for tests and for running without the process's own.
#[derive(Clone, Default)]
pub struct FixedEnv(pub BTreeMap<String, String>);

impl FixedEnv {
    /// From pairs of name and value.
    pub fn of<const N: usize>(pairs: [(&str, &str); N]) -> Self {
        Self(pairs.into_iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect())
    }
}

impl Env for FixedEnv {
    fn raw(&self, name: &str) -> Option<OsString> {
        self.0.get(name).map(OsString::from)
    }
}

// Values may be secrets: only the names are shown.
impl fmt::Debug for FixedEnv {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

/// An environment variable that `ira` reads.
#[derive(Clone, Copy, Debug)]
pub struct Variable {
    /// Its name.
    pub name: &'static str,
    /// The configuration key or flag that it stands for; empty where there is none.
    pub key: &'static str,
    /// What it does.
    pub doc: &'static str,
}

/// The configuration file that replaces the user's.
pub const IRA_CONFIG: &str = "IRA_CONFIG";
/// The network.
pub const IRA_NETWORK: &str = "IRA_NETWORK";
/// RPC endpoints, separated by commas.
pub const IRA_RPC_URL: &str = "IRA_RPC_URL";
/// The output format.
pub const IRA_FORMAT: &str = "IRA_FORMAT";
/// When to colour.
pub const IRA_COLOR: &str = "IRA_COLOR";
/// The feed directory.
pub const IRA_DIRECTORY: &str = "IRA_DIRECTORY";
/// Set to anything: no colour (<https://no-color.org>).
pub const NO_COLOR: &str = "NO_COLOR";
/// Where systemd puts credentials.
pub const CREDENTIALS_DIRECTORY: &str = "CREDENTIALS_DIRECTORY";

/// Another place for the APIs of AWS.
pub const AWS_ENDPOINT_URL: &str = "AWS_ENDPOINT_URL";

/// Every environment variable that `ira` reads.
pub const VARIABLES: &[Variable] = &[
    Variable { name: IRA_CONFIG, key: "--config", doc: "a configuration file that replaces the user file" },
    Variable { name: IRA_NETWORK, key: "network", doc: "the network, by name or alias" },
    Variable {
        name: IRA_RPC_URL,
        key: "--rpc-url",
        doc: "RPC endpoints, separated by commas; each a URL or a reference",
    },
    Variable { name: IRA_FORMAT, key: "output.format", doc: "table, markdown or json" },
    Variable { name: IRA_COLOR, key: "output.color", doc: "auto, always or never" },
    Variable { name: IRA_DIRECTORY, key: "--directory", doc: "the feed directory, a file or a URL" },
    Variable { name: NO_COLOR, key: "output.color", doc: "set to anything: never colour; IRA_COLOR and --color win" },
    Variable { name: CREDENTIALS_DIRECTORY, key: "", doc: "where `credential:NAME` is looked up; systemd sets it" },
    Variable { name: "KUBECONFIG", key: "kubernetes.kubeconfig", doc: "the file with a cluster's credentials" },
    Variable {
        name: AWS_ENDPOINT_URL,
        key: "",
        doc: "another place for the APIs of AWS: an emulator, or an endpoint inside a network",
    },
    Variable {
        name: "SSL_CERT_FILE",
        key: "",
        doc: "PEM file of the authorities whose https servers are trusted, in place of the system's",
    },
    Variable { name: "SSL_CERT_DIR", key: "", doc: "the same as a folder, as `openssl rehash` makes it" },
    Variable { name: "HTTPS_PROXY", key: "", doc: "the proxy to https servers; HTTP_PROXY, ALL_PROXY, NO_PROXY too" },
    Variable { name: "XDG_CONFIG_HOME", key: "", doc: "where the user file is, in place of ~/.config" },
    Variable { name: "XDG_CACHE_HOME", key: "", doc: "where feed directories are cached, in place of ~/.cache" },
];
