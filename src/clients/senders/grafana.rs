//! Grafana: which instances of its rules fire, as the Alertmanager inside of it lists them.

use std::collections::BTreeMap;
use std::sync::Arc;

use ira_commands::Fault;
use ira_commands::ports::systems::SaidOf;
use ira_commands::text::excerpt;
use reqwest::Method;
use serde_json::Value as Json;

use crate::clients::alertmanager::listed;
use crate::clients::service::{Call, Service};
use crate::config::Config;
use crate::config::systems::ServiceConfig;

/// Grafana's own API.
pub struct Grafana {
    config: Arc<Config>,
    own: ServiceConfig,
}

impl Grafana {
    /// The configured one.
    pub fn new(config: Arc<Config>, own: ServiceConfig) -> Self {
        Self { config, own }
    }

    fn service(&self) -> Result<Service, Fault> {
        Service::open("Grafana", &self.own.url, &self.own.auth, self.config.env())
    }

    /// Its version.
    pub async fn version(&self) -> Result<String, Fault> {
        let service = self.service()?;
        let said = service.read(&Call::new(Method::GET, &["api", "health"])).await?;
        let version = said.get("version").and_then(Json::as_str);
        version.map(|version| excerpt(version, 40)).ok_or_else(|| service.lacks("its version"))
    }

    /// Whether an instance with these labels fires.
    pub(super) async fn fires(&self, labels: &BTreeMap<String, String>) -> Result<SaidOf, Fault> {
        let service = self.service()?;
        let call = Call::new(Method::GET, &["api", "alertmanager", "grafana", "api", "v2", "alerts"]);
        let firing = listed(&service, call, labels).await?;
        let words = match firing.first() {
            Some(one) if one.muted => {
                format!("it fires ({}), silenced or inhibited there", excerpt(&one.fingerprint, 40))
            }
            Some(one) => format!("it fires ({})", excerpt(&one.fingerprint, 40)),
            None => "it does not fire".to_owned(),
        };
        Ok(SaidOf { by: service.label(), fires: !firing.is_empty(), words })
    }
}
