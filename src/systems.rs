//! Which ports the configuration gives a command: to systems that are asked, and to people who are told.

use std::sync::Arc;

use ira_commands::Fault;
use ira_commands::context::{Reads, Writes};
use ira_commands::ports::aws::{AwsRead, AwsWrite};
use ira_commands::ports::cluster::{ClusterRead, ClusterWrite};
use ira_commands::ports::people::Channels;
use ira_commands::war_room::Room;
use secrecy::ExposeSecret as _;

use crate::clients::alertmanager::Alertmanager;
#[cfg(feature = "aws")]
use crate::clients::aws::Aws;
use crate::clients::kept::KeptFiles;
#[cfg(feature = "kubernetes")]
use crate::clients::kubernetes::Kubernetes;
use crate::clients::pager::{self, Pager};
use crate::clients::pagerduty::Rest;
use crate::clients::postgres::{PgBouncer, Postgres};
use crate::clients::prometheus::Prometheus;
use crate::clients::redis::Redis;
use crate::clients::senders::Senders;
use crate::clients::slack::Slack;
use crate::clients::tickets::Tickets;
use crate::clients::web::Web;
use crate::config::systems::Channel;
use crate::config::{Config, Places};

/// Who would be told, as it is configured.
struct Configured(Arc<Config>);

impl Channels for Configured {
    fn pagers(&self) -> Vec<String> {
        let systems = &self.0.systems;
        let named = |channel| match channel {
            Channel::PagerDuty => "PagerDuty".to_owned(),
            Channel::Opsgenie => "Opsgenie".to_owned(),
            Channel::Slack => "Slack".to_owned(),
        };
        systems.page.as_ref().map(|page| pager::channels(page).into_iter().map(named).collect()).unwrap_or_default()
    }

    fn chat(&self) -> Option<String> {
        let webhook = self.0.systems.slack.as_ref()?;
        Some(Slack::new(Arc::clone(&self.0), webhook.clone()).label())
    }

    fn room(&self) -> Result<Room, Fault> {
        let room = &self.0.systems.room;
        let meeting = room.meeting.as_ref().map(|url| url.resolve_url(self.0.env())).transpose()?;
        let meeting = meeting.map(|url| url.expose_secret().to_owned());
        Ok(Room { meeting, products: room.products.clone() })
    }

    fn explorer(&self, network: &str) -> Option<String> {
        self.0.network(network).ok()?.explorer.clone()
    }
}

type Cluster = (Option<Arc<dyn ClusterRead>>, Option<Arc<dyn ClusterWrite>>);

/// The cluster; nothing is asked of it, and no file read, before it is needed.
#[cfg(feature = "kubernetes")]
fn cluster(config: &Arc<Config>) -> Cluster {
    let one = Arc::new(Kubernetes::new(Arc::clone(config)));
    (Some(Arc::<Kubernetes>::clone(&one)), Some(one))
}

#[cfg(not(feature = "kubernetes"))]
fn cluster(_: &Arc<Config>) -> Cluster {
    (None, None)
}

type Accounts = (Option<Arc<dyn AwsRead>>, Option<Arc<dyn AwsWrite>>);

/// AWS; nothing is asked of it, and no credential looked for, before it is needed.
#[cfg(feature = "aws")]
fn aws(config: &Arc<Config>) -> Accounts {
    let one = Arc::new(Aws::new(Arc::clone(config)));
    (Some(Arc::<Aws>::clone(&one)), Some(one))
}

#[cfg(not(feature = "aws"))]
fn aws(_: &Arc<Config>) -> Accounts {
    (None, None)
}

/// Where things are kept before they are deleted.
fn kept() -> Option<Arc<KeptFiles>> {
    Some(Arc::new(KeptFiles::new(&Places::state()?)))
}

/// `reads` with every system that is configured.
pub fn reads(config: &Arc<Config>, reads: Reads) -> Reads {
    let systems = &config.systems;
    let own = || Arc::clone(config);
    Reads {
        cluster: cluster(config).0,
        aws: aws(config).0,
        kept: kept().map(|kept| kept as _),
        web: Some(Arc::new(Web::new(own()))),
        metrics: systems.prometheus.clone().map(|one| Arc::new(Prometheus::new(own(), one)) as _),
        alerts: systems
            .alertmanager
            .clone()
            .map(|one| Arc::new(Alertmanager::new(own(), one, Arc::clone(&reads.clock))) as _),
        senders: Some(Arc::new(Senders::new(own()))),
        channels: Some(Arc::new(Configured(own()))),
        tickets: (!systems.tickets.is_empty()).then(|| Arc::new(Tickets::new(own())) as _),
        incidents: systems.pagerduty.clone().map(|one| Arc::new(Rest::new(own(), one)) as _),
        postgres: (!systems.postgres.is_empty()).then(|| Arc::new(Postgres::new(own())) as _),
        poolers: (!systems.pgbouncer.is_empty()).then(|| Arc::new(PgBouncer::new(own())) as _),
        redis: (!systems.redis.is_empty()).then(|| Arc::new(Redis::new(own())) as _),
        ..reads
    }
}

/// `writes` with everybody who can be told, and everything that can be told to do something.
pub fn writes(config: &Arc<Config>, writes: Writes) -> Writes {
    let systems = &config.systems;
    let own = || Arc::clone(config);
    Writes {
        cluster: cluster(config).1,
        aws: aws(config).1,
        kept: kept().map(|kept| kept as _),
        web: Some(Arc::new(Web::new(own()))),
        pager: systems.page.as_ref().map(|page| Arc::new(Pager::new(own(), page)) as _),
        chat: systems.slack.clone().map(|webhook| Arc::new(Slack::new(own(), webhook)) as _),
        tickets: (!systems.tickets.is_empty()).then(|| Arc::new(Tickets::new(own())) as _),
        incidents: systems.pagerduty.clone().map(|one| Arc::new(Rest::new(own(), one)) as _),
        postgres: (!systems.postgres.is_empty()).then(|| Arc::new(Postgres::new(own())) as _),
        poolers: (!systems.pgbouncer.is_empty()).then(|| Arc::new(PgBouncer::new(own())) as _),
        redis: (!systems.redis.is_empty()).then(|| Arc::new(Redis::new(own())) as _),
        ..writes
    }
}
