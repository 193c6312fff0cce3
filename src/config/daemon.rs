//! `[daemon]`: how `ira daemon` listens and works.

use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

use ira_commands::words::Span;
use serde_json::{Value as Json, json};

use super::engine::fields;
use super::reader::{Item, Reader};
use super::secret::SecretRef;
use super::{keys, systems};

/// What a listener shows, and whose certificates it takes. All are PEM.
#[derive(Clone, Debug)]
pub struct TlsConfig {
    /// Its certificate, with those that lead to its authority.
    pub certificate: SecretRef,
    /// The key of it.
    pub key: SecretRef,
    /// The authorities that sign the certificates of who comes.
    pub client_ca: Option<SecretRef>,
}

impl TlsConfig {
    /// Every reference in it.
    pub fn references(&self) -> impl Iterator<Item = &SecretRef> {
        [&self.certificate, &self.key].into_iter().chain(&self.client_ca)
    }
}

/// How the daemon listens and works.
#[derive(Clone, Debug)]
pub struct DaemonConfig {
    /// Where alerts come in.
    pub listen: SocketAddr,
    /// Where health and metrics are read; nowhere where none is given.
    pub admin: Option<SocketAddr>,
    /// What `listen` speaks TLS with; plain HTTP where none is given.
    pub tls: Option<TlsConfig>,
    /// What `admin` speaks TLS with.
    pub admin_tls: Option<TlsConfig>,
    /// How long work under way has to end at a stop.
    pub grace: Duration,
    /// How many runs go on at the same time.
    pub workers: usize,
    /// The most connections at the same time.
    pub connections: usize,
    /// The most bytes of bodies that are being read.
    pub memory: usize,
    /// The most alerts that wait to be decided.
    pub queue: usize,
    /// The severities that wake nobody where no playbook is for an alert.
    pub no_page: Vec<String>,
    /// More pages than these within a minute become one.
    pub pages: usize,
    /// How long the store may fail before somebody is woken.
    pub page_after: Duration,
    /// More runs that write than these within a minute are a storm.
    pub runs: usize,
}

/// The daemon that is asked by hand.
#[derive(Clone, Debug, Default)]
pub struct RemoteConfig {
    /// Where it is: the URL of its `admin`.
    pub url: Option<SecretRef>,
    /// The token of who asks.
    pub token: Option<SecretRef>,
}

impl RemoteConfig {
    /// Its values, for `ira config show`: a URL may hold a key, and is shown by its reference alone.
    pub(super) fn shown(&self) -> Vec<(String, Json)> {
        let all = [("url", &self.url), ("token", &self.token)];
        let set = all.into_iter().filter_map(|(key, value)| Some((key, value.as_ref()?)));
        set.map(|(key, value)| (format!("daemon.{key}"), json!(value.to_string()))).collect()
    }
}

impl Default for DaemonConfig {
    fn default() -> Self {
        Self {
            listen: SocketAddr::from(([127, 0, 0, 1], 9097)),
            admin: None,
            tls: None,
            admin_tls: None,
            grace: Duration::from_secs(30),
            workers: 8,
            connections: 512,
            memory: 64 << 20,
            queue: 100_000,
            no_page: vec!["none".to_owned(), "info".to_owned()],
            pages: 20,
            page_after: Duration::from_secs(60),
            runs: 100,
        }
    }
}

impl DaemonConfig {
    /// Its values, for `ira config show`.
    pub(super) fn shown(&self) -> Vec<(String, Json)> {
        let tls = |one: &Option<TlsConfig>| {
            let text = |reference: &SecretRef| reference.to_string();
            one.as_ref().map(|one| {
                let ca = one.client_ca.as_ref().map(text);
                json!({ "certificate": text(&one.certificate), "key": text(&one.key), "client_ca": ca })
            })
        };
        let all = [
            ("tls", json!(tls(&self.tls))),
            ("admin_tls", json!(tls(&self.admin_tls))),
            ("listen", json!(self.listen.to_string())),
            ("admin", json!(self.admin.map(|at| at.to_string()))),
            ("grace", json!(Span { seconds: self.grace.as_secs() }.to_string())),
            ("workers", json!(self.workers)),
            ("connections", json!(self.connections)),
            ("memory_mib", json!(self.memory >> 20)),
            ("queue", json!(self.queue)),
            ("no_page", json!(self.no_page)),
            ("pages_per_minute", json!(self.pages)),
            ("page_after", json!(Span { seconds: self.page_after.as_secs() }.to_string())),
            ("runs_per_minute", json!(self.runs)),
        ];
        all.into_iter().map(|(key, value)| (format!("daemon.{key}"), value)).collect()
    }
}

/// Reads `[daemon]`.
pub(super) fn read(config: &mut DaemonConfig, remote: &mut RemoteConfig, reader: &mut Reader<'_>, item: &Item<'_>) {
    let Some(table) = reader.table("daemon", item) else { return };
    for (key, item) in table {
        let name = key.get_ref().as_ref();
        let full = format!("daemon.{name}");
        let count = |reader: &mut Reader<'_>, most: u64| {
            reader.integer(&full, item, &(1..=most)).and_then(|number| usize::try_from(number).ok())
        };
        match name {
            "url" => remote.url = systems::address(reader, &full, item).or(remote.url.take()),
            "token" => remote.token = systems::secret(reader, &full, item).or(remote.token.take()),
            "listen" => config.listen = address(reader, &full, item).unwrap_or(config.listen),
            "admin" => config.admin = address(reader, &full, item).or(config.admin),
            "tls" => config.tls = tls(reader, &full, item).or_else(|| config.tls.take()),
            "admin_tls" => config.admin_tls = tls(reader, &full, item).or_else(|| config.admin_tls.take()),
            "grace" => config.grace = span(reader, &full, item).unwrap_or(config.grace),
            "page_after" => config.page_after = span(reader, &full, item).unwrap_or(config.page_after),
            "workers" => config.workers = count(reader, 256).unwrap_or(config.workers),
            "connections" => config.connections = count(reader, 65_536).unwrap_or(config.connections),
            "memory_mib" => config.memory = count(reader, 4096).map_or(config.memory, |mib| mib << 20),
            "queue" => config.queue = count(reader, 10_000_000).unwrap_or(config.queue),
            "no_page" => {
                if let Some(words) = reader.texts(&full, item) {
                    config.no_page = words.into_iter().map(|(word, _)| word.to_owned()).collect();
                }
            }
            "pages_per_minute" => config.pages = count(reader, 100_000).unwrap_or(config.pages),
            "runs_per_minute" => config.runs = count(reader, 100_000).unwrap_or(config.runs),
            _ => reader.unknown(key, "[daemon]", keys::DAEMON),
        }
    }
}

/// An address and a port; 0 takes one that is free.
pub fn parse_address(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "takes an address and a port: 127.0.0.1:9097, [::1]:9097, 0.0.0.0:9097".to_owned())
}

/// Reads `[daemon.tls]` or `[daemon.admin_tls]`.
fn tls(reader: &mut Reader<'_>, table: &str, item: &Item<'_>) -> Option<TlsConfig> {
    let folder = reader.file.path.parent().unwrap_or(Path::new("/")).to_owned();
    let (mut certificate, mut key, mut client_ca) = (None, None, None);
    fields(reader, table, item, keys::TLS, |reader, word, full, item| {
        let pem = reader.parsed(full, item, |text| {
            SecretRef::parse_only(text, &folder)
                .map_err(|_| "takes file:PATH, credential:NAME or env:NAME of a PEM file".to_owned())
        });
        match word {
            "certificate" => certificate = pem,
            "key" => key = pem,
            "client_ca" => client_ca = pem,
            _ => return false,
        }
        true
    })?;
    let (Some(certificate), Some(key)) = (certificate, key) else {
        let hint = format!("{table} = {{ certificate = \"file:/etc/ira/tls.pem\", key = \"credential:ira-tls-key\" }}");
        reader.problem(&item.span(), format!("`{table}` needs `certificate` and `key`"), Some(hint));
        return None;
    };
    Some(TlsConfig { certificate, key, client_ca })
}

fn span(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<Duration> {
    let span =
        reader.parsed(key, item, |text| text.parse::<Span>().map_err(|_| "takes a length of time: 30s".to_owned()));
    span.map(|span| Duration::from_secs(span.seconds))
}

fn address(reader: &mut Reader<'_>, key: &str, item: &Item<'_>) -> Option<SocketAddr> {
    reader.parsed(key, item, parse_address)
}
