//! Senders of alerts that are asked whether one of theirs still fires. A further one is a file here and a line in
//! [`Senders::fires`].

mod datadog;
mod grafana;
mod pagerduty;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::Fault;
use ira_commands::ports::systems::{SaidOf, SenderRead};

pub use datadog::Datadog;
pub use grafana::Grafana;

use super::pagerduty::Rest;
use crate::config::Config;

/// Those that are configured.
pub struct Senders(Arc<Config>);

impl Senders {
    /// Those of a configuration.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }
}

#[async_trait]
impl SenderRead for Senders {
    async fn fires(&self, source: &str, labels: &BTreeMap<String, String>) -> Option<Result<SaidOf, Fault>> {
        let (systems, own) = (&self.0.systems, || Arc::clone(&self.0));
        Some(match source {
            "datadog" => Datadog::new(own(), systems.datadog.clone()?).fires(labels).await,
            "grafana" => Grafana::new(own(), systems.grafana.clone()?).fires(labels).await,
            "pagerduty" => pagerduty::fires(&Rest::new(own(), systems.pagerduty.clone()?), labels).await,
            _ => return None,
        })
    }
}
