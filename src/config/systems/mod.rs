//! The systems that are asked and the people that are told: where they are, and by what secret, always by reference.

mod aws;
pub mod data;
mod desk;
mod kubernetes;
mod people;
mod read;
mod room;
mod show;

use std::collections::BTreeMap;
use std::time::Duration;

use super::intake::SourceConfig;
use super::secret::SecretRef;

pub use aws::{AwsConfig, AwsTable};
pub use data::DataConfig;
pub use desk::{DeskConfig, Preset};
pub use kubernetes::KubernetesConfig;
pub(super) use read::{TABLES, address, needed, secret, span, table};
pub use room::RoomConfig;
use show::references;
pub(super) use show::shown;

/// Where a service is, and how one proves who one is there.
#[derive(Clone, Debug)]
pub struct ServiceConfig {
    /// Its URL.
    pub url: SecretRef,
    /// How one proves who one is.
    pub auth: Auth,
}

/// How one proves who one is.
#[derive(Clone, Debug, Default)]
pub enum Auth {
    /// Not at all.
    #[default]
    None,
    /// A bearer token.
    Bearer(SecretRef),
    /// A name and a password.
    Basic(String, SecretRef),
}

/// PagerDuty's REST API.
#[derive(Clone, Debug)]
pub struct PagerDutyConfig {
    /// The API's token.
    pub token: SecretRef,
    /// Who notes are from: the address of a user of the account.
    pub from: String,
    /// Where it is.
    pub url: SecretRef,
}

/// Who takes pages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// PagerDuty's Events API v2.
    PagerDuty,
    /// Opsgenie's alert API.
    Opsgenie,
    /// The configured channel of Slack; only as a fallback.
    Slack,
}

impl Channel {
    /// As the configuration spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::PagerDuty => "pagerduty",
            Self::Opsgenie => "opsgenie",
            Self::Slack => "slack",
        }
    }
}

/// Paging.
#[derive(Clone, Debug)]
pub struct PageConfig {
    /// Who takes pages first.
    pub provider: Channel,
    /// Who takes those that the first did not.
    pub fallback: Option<Channel>,
    /// How long a person has to acknowledge a page before the fallback has it too; none where that is not watched.
    pub acknowledged_within: Option<Duration>,
    /// The integration key of PagerDuty.
    pub routing_key: Option<SecretRef>,
    /// Where events go.
    pub url: SecretRef,
    /// The operator's word for how an alert pages although ira does nothing, where that cannot be seen.
    pub declared: Option<String>,
}

/// The external switch: somebody else pages when this is not heard any more.
#[derive(Clone, Debug)]
pub struct HeartbeatConfig {
    /// What is asked, by GET, as long as all is well.
    pub url: SecretRef,
    /// How often.
    pub every: Duration,
    /// Within what time the alert `Watchdog` must have come through every intake of Alertmanager; none where it is not
    /// waited for.
    pub watchdog: Option<Duration>,
}

/// Opsgenie's alert API.
#[derive(Clone, Debug)]
pub struct OpsgenieConfig {
    /// The key of an API integration.
    pub key: SecretRef,
    /// Where it is.
    pub url: SecretRef,
}

/// Datadog's API v1.
#[derive(Clone, Debug)]
pub struct DatadogConfig {
    /// The key of the organisation.
    pub api_key: SecretRef,
    /// The key of somebody who may read monitors.
    pub application_key: SecretRef,
    /// Where it is.
    pub url: SecretRef,
}

/// The Alertmanagers of one pair.
#[derive(Clone, Debug)]
pub struct AlertmanagerConfig {
    /// Each of them.
    pub urls: Vec<SecretRef>,
    /// How one proves who one is, to each.
    pub auth: Auth,
    /// So long after its start its *no* is not believed, seconds: it forgets what fires, and is told again.
    pub settle: u64,
}

/// An address that a URL from an alert may lead to although it is not public.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Allowed {
    /// A host by its name or address, on any port or one.
    Host(String, Option<u16>),
    /// A network: address and length of its prefix.
    Net(std::net::IpAddr, u8),
}

/// Every system that is asked, and everybody who is told.
#[derive(Clone, Debug, Default)]
pub struct SystemsConfig {
    /// PagerDuty's REST API.
    pub pagerduty: Option<PagerDutyConfig>,
    /// Paging.
    pub page: Option<PageConfig>,
    /// The external switch.
    pub heartbeat: Option<HeartbeatConfig>,
    /// The incoming webhook of a channel.
    pub slack: Option<SecretRef>,
    /// Opsgenie.
    pub opsgenie: Option<OpsgenieConfig>,
    /// Prometheus.
    pub prometheus: Option<ServiceConfig>,
    /// Alertmanager.
    pub alertmanager: Option<AlertmanagerConfig>,
    /// Datadog, asked about its own monitors.
    pub datadog: Option<DatadogConfig>,
    /// Grafana, asked about its own rules.
    pub grafana: Option<ServiceConfig>,
    /// Who takes the traces of runs, by OTLP over HTTP.
    pub otlp: Option<ServiceConfig>,
    /// Which Kubernetes cluster.
    pub kubernetes: KubernetesConfig,
    /// Which accounts of AWS.
    pub aws: AwsTable,
    /// Ticket desks by name.
    pub tickets: BTreeMap<String, DeskConfig>,
    /// PostgreSQL servers by name.
    pub postgres: BTreeMap<String, DataConfig>,
    /// The console of each PgBouncer by name.
    pub pgbouncer: BTreeMap<String, DataConfig>,
    /// Caches by name.
    pub redis: BTreeMap<String, DataConfig>,
    /// Who may send alerts, by name.
    pub sources: BTreeMap<String, SourceConfig>,
    /// Where people meet, and how products are told apart.
    pub room: RoomConfig,
    /// Where URLs from alerts may lead.
    pub allow: Vec<Allowed>,
}

impl SystemsConfig {
    /// Every database, pooler and cache, with the table that it stands in.
    pub fn data(&self) -> impl Iterator<Item = (&'static str, &DataConfig)> {
        let tables = [("postgres", &self.postgres), ("pgbouncer", &self.pgbouncer), ("redis", &self.redis)];
        tables.into_iter().flat_map(|(table, all)| all.values().map(move |one| (table, one)))
    }

    /// Every reference to a secret or a URL, with the table that it stands in.
    pub fn references(&self) -> Vec<(&'static str, &SecretRef)> {
        references(self)
    }
}

impl std::fmt::Display for Allowed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Host(host, Some(port)) => write!(f, "{host}:{port}"),
            Self::Host(host, None) => f.write_str(host),
            Self::Net(address, length) => write!(f, "{address}/{length}"),
        }
    }
}
