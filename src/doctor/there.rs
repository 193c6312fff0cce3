//! Systems that are asked over a network.

use std::sync::Arc;
use std::time::Duration;

use ira_commands::node::NodeRead as _;
use ira_commands::ports::people::TicketRead as _;
use ira_commands::ports::systems::Metrics as _;
use ira_commands::ports::{ChainRead as _, Clock as _, FeedDirectory as _};
use ira_commands::units::{duration, thousands};
use ira_commands::{Fault, Kind};
use secrecy::SecretString;

use super::{Question, Said};
use crate::clients::alertmanager::Alertmanager;
#[cfg(feature = "aws")]
use crate::clients::aws::Aws;
use crate::clients::chain::{Chain, ChainConfig};
use crate::clients::directory::Directory;
use crate::clients::endpoint::Endpoint;
#[cfg(feature = "kubernetes")]
use crate::clients::kubernetes::{self, Kubernetes};
use crate::clients::node::Node;
use crate::clients::opsgenie::Opsgenie;
use crate::clients::pager;
use crate::clients::pagerduty::Rest;
use crate::clients::prometheus::Prometheus;
use crate::clients::senders::{Datadog, Grafana};
use crate::clients::service::Service;
use crate::clients::systemd::{self, Systemd};
use crate::clients::tickets::Tickets;
use crate::clock::SystemClock;
use crate::config::secret::SecretRef;
use crate::config::systems::{AlertmanagerConfig, Auth, Channel};
use crate::config::{Config, NetworkConfig};
use crate::connect;

/// No ticket has this in it.
const NO_TICKET: &str = "ira-doctor-looks-for-nothing";

/// Every one of them that is configured.
pub(super) fn questions(config: &Arc<Config>, limit: Duration) -> Vec<Question<'_>> {
    let mut all = chains(config, limit);
    all.extend(config.nodes.values().map(|node| {
        Question::new("node", node.name.as_str(), async move {
            let serves = config.network_of(node)?;
            let node = Node::new(Arc::clone(config), node.clone(), serves.chain_id, limit);
            let version = node.version().await?;
            let version = version.map_or_else(String::new, |version| format!(", version {version}"));
            Ok(Said::Well(format!("takes the login{version}")))
        })
    }));
    all.extend(directories(config));
    all.extend(watchers(config, limit));
    all.extend(people(config));
    all.extend(cluster(config));
    all.extend(accounts(config));
    let bus = config.host.bus.clone();
    // Where there is no systemd and none is named, nothing is missing.
    if bus.is_some() || systemd::is_here() {
        let name = bus.clone().unwrap_or_else(|| "this machine's".to_owned());
        all.push(Question::new("systemd", name, async {
            Ok(Said::Well(format!(
                "version {}; what may be restarted only a restart shows",
                Systemd::new(bus).version().await?
            )))
        }));
    }
    all
}

/// The cluster that is configured, or that the environment names, or that this runs in.
#[cfg(feature = "kubernetes")]
fn cluster(config: &Arc<Config>) -> Option<Question<'_>> {
    let settings = &config.systems.kubernetes;
    let named = *settings != crate::config::systems::KubernetesConfig::default()
        || config.env().get("KUBECONFIG").ok().flatten().is_some_and(|path| !path.is_empty());
    (named || kubernetes::in_cluster()).then(|| {
        Question::new("kubernetes", settings.context.as_deref().unwrap_or("the current context"), async {
            let (place, version) = Kubernetes::new(Arc::clone(config)).version().await?;
            Ok(Said::Well(format!("{place}, {version}; what may be done there `ira act NAME --policy` says")))
        })
    })
}

#[cfg(not(feature = "kubernetes"))]
fn cluster(_: &Arc<Config>) -> Option<Question<'_>> {
    None
}

/// Each account of AWS that is configured, or that the environment names.
#[cfg(feature = "aws")]
fn accounts(config: &Arc<Config>) -> Vec<Question<'_>> {
    let all = &config.systems.aws;
    let here = ["AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"];
    let is_set = |name: &&str| config.env().get(name).ok().flatten().is_some();
    let own =
        all.own != crate::config::systems::AwsConfig::default() || (all.accounts.is_empty() && here.iter().any(is_set));
    let own = own.then_some(None);
    let names = own.into_iter().chain(all.accounts.keys().map(|name| Some(name.as_str())));
    names
        .map(|account| {
            Question::new("aws", account.unwrap_or("the account without a name"), async move {
                let (place, who) = Aws::new(Arc::clone(config)).who(account).await?;
                Ok(Said::Well(format!("{place}, {who}; what may be done there `ira act NAME --policy` says")))
            })
        })
        .collect()
}

#[cfg(not(feature = "aws"))]
fn accounts(_: &Arc<Config>) -> Vec<Question<'_>> {
    Vec::new()
}

/// Each endpoint of each network, or those that stand in place of all of them.
fn chains(config: &Arc<Config>, limit: Duration) -> Vec<Question<'_>> {
    let one = move |reference: &SecretRef, url: Result<SecretString, Fault>, network: Option<&NetworkConfig>| {
        let expect = network.map(|network| connect::known(config, network));
        let name = network.map_or("the chain", |network| network.name.as_str());
        let url = url.map_err(|fault| fault.because(format!("`networks.{name}.rpc` names {reference}")));
        let known = || config.by_trust().into_iter().map(|network| connect::known(config, network)).collect();
        let chain = url.and_then(Endpoint::new).and_then(|endpoint| {
            // With its retries a request takes at most twice as long.
            let timeout = limit / 2;
            Chain::new(ChainConfig {
                endpoints: vec![endpoint],
                expect,
                known: known(),
                timeout,
                ..ChainConfig::default()
            })
        });
        Question::new("rpc", format!("{name} ({reference})"), async move {
            let head = chain?.head().await?;
            let age = SystemClock.now().saturating_sub(head.block.timestamp);
            let (name, block) = (&head.network.name, thousands(head.block.number));
            Ok(Said::Well(format!("{name}, block {block}, {} old", duration(age))))
        })
    };
    if let Ok(given) = config.rpc(None) {
        let network = config.network.as_deref().and_then(|name| config.network(name).ok());
        return given.urls.into_iter().map(|url| one(&SecretRef::Literal(url.clone()), Ok(url), network)).collect();
    }
    let of = |network| move |reference: &SecretRef| one(reference, reference.resolve_url(config.env()), Some(network));
    config.by_trust().into_iter().flat_map(|network| network.rpc.iter().map(of(network))).collect()
}

/// The lists of feeds of the networks that are used at all.
fn directories(config: &Arc<Config>) -> Vec<Question<'_>> {
    let used = |network: &&NetworkConfig| {
        let default = config.network.as_deref().and_then(|name| config.network(name).ok());
        !network.rpc.is_empty() || default.is_some_and(|default| default.name == network.name)
    };
    let used = config.networks.values().filter(used);
    let found = used.filter_map(|network| Some((network, config.directory(&network.name)?)));
    found
        .map(|(network, source)| {
            Question::new("directory", format!("{} ({source})", network.name), async move {
                // Without a copy: it is the directory itself that is asked.
                let directory = Directory::new(Arc::clone(config), None, Arc::new(SystemClock));
                let read = directory.directory(&network.network()).await?;
                let bytes = read.map_or(0, |read| read.text.len());
                Ok(Said::Well(format!("{} KiB of feeds", thousands(bytes as u64 / 1024))))
            })
        })
        .collect()
}

/// What watches: Prometheus, the Alertmanagers, Datadog and Grafana.
fn watchers(config: &Arc<Config>, limit: Duration) -> Vec<Question<'_>> {
    let mut all = Vec::new();
    let systems = &config.systems;
    if let Some(one) = &systems.prometheus {
        all.push(Question::new("prometheus", one.url.to_string(), async move {
            let asked = Prometheus::new(Arc::clone(config), one.clone()).query("vector(1)", limit.as_secs()).await?;
            match asked.samples.as_slice() {
                [one] if (one.value - 1.0).abs() < f64::EPSILON => Ok(Said::Well("answers a query".to_owned())),
                _ => Err(Fault::new(Kind::BadAnswer, "answers `vector(1)` with something else")
                    .hint("is it Prometheus, and is the URL its root?")),
            }
        }));
    }
    if let Some(pair) = &systems.alertmanager {
        all.extend(pair.urls.iter().map(|url| {
            Question::new("alertmanager", url.to_string(), async move {
                let one = AlertmanagerConfig { urls: vec![url.clone()], ..pair.clone() };
                let version = Alertmanager::new(Arc::clone(config), one, Arc::new(SystemClock)).version().await?;
                Ok(Said::Well(format!("version {version}")))
            })
        }));
    }
    if let Some(own) = &systems.datadog {
        all.push(Question::new("datadog", own.url.to_string(), async move {
            Datadog::new(Arc::clone(config), own.clone()).look().await?;
            Ok(Said::Well("takes the key".to_owned()))
        }));
    }
    if let Some(own) = &systems.grafana {
        all.push(Question::new("grafana", own.url.to_string(), async move {
            let version = Grafana::new(Arc::clone(config), own.clone()).version().await?;
            Ok(Said::Well(format!("version {version}")))
        }));
    }
    all
}

/// Who is told, and where people look.
fn people(config: &Arc<Config>) -> Vec<Question<'_>> {
    let mut all = Vec::new();
    let systems = &config.systems;
    if let Some(own) = &systems.pagerduty {
        all.push(Question::new("pagerduty", own.url.to_string(), async move {
            let name = Rest::new(Arc::clone(config), own.clone()).user().await?;
            Ok(Said::Well(format!("takes the key; notes are from {name}")))
        }));
    }
    let channels = systems.page.as_ref().map(pager::channels).unwrap_or_default();
    if let Some(page) = systems.page.as_ref().filter(|_| channels.contains(&Channel::PagerDuty)) {
        all.push(Question::new("page", page.url.to_string(), async move {
            if let Some(key) = &page.routing_key {
                key.resolve(config.env())?;
            }
            let what = "that the routing key is right only a page shows (ira act page)";
            reached(config, "PagerDuty's events", &page.url, what).await
        }));
    }
    if let Some(own) = &systems.opsgenie {
        all.push(Question::new("opsgenie", own.url.to_string(), async move {
            Opsgenie::new(Arc::clone(config), own.clone()).look().await?;
            Ok(Said::Well("takes the key".to_owned()))
        }));
    }
    if let Some(webhook) = &systems.slack {
        all.push(Question::new("slack", webhook.to_string(), async move {
            let what = "a webhook has nothing to read: that it is right only a message shows";
            reached(config, "Slack", webhook, what).await
        }));
    }
    all.extend(systems.tickets.keys().map(|name| {
        Question::new("tickets", name.as_str(), async move {
            let desks = Tickets::new(Arc::clone(config));
            desks.find(name, NO_TICKET).await?;
            Ok(Said::Well(format!("{} can be searched", desks.desk(name)?.what)))
        })
    }));
    if let Some(heart) = &systems.heartbeat {
        all.push(Question::new("heartbeat", heart.url.to_string(), async move {
            let what = "to ask more of it would tell it that all is well";
            reached(config, "the external switch", &heart.url, what).await
        }));
    }
    if let Some(one) = &systems.otlp {
        all.push(Question::new("otlp", one.url.to_string(), async move {
            reached(config, "the collector", &one.url, "that it takes traces only a trace shows").await
        }));
    }
    if let Some(url) = &config.remote.url {
        all.push(Question::new("daemon", url.to_string(), async move {
            if let Some(token) = &config.remote.token {
                token.resolve(config.env())?;
            }
            reached(config, "the daemon", url, "whether it takes the token ira run list shows").await
        }));
    }
    if let Some(url) = &config.public_url {
        let reference = SecretRef::Literal(SecretString::from(url.as_str()));
        all.push(Question::new("public-url", url.as_str(), async move {
            let what = "whether it leads to these pages a person sees";
            reached(config, "the pages", &reference, what).await
        }));
    }
    all
}

/// Of what has no harmless read only the host is asked, by its root and without any key.
async fn reached(config: &Config, name: &'static str, url: &SecretRef, untold: &str) -> Result<Said, Fault> {
    let status = Service::open(name, url, &Auth::None, config.env())?.root().await?;
    Ok(Said::Untold(format!("its host answers (HTTP {status}); {untold}")))
}
