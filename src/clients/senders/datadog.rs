//! Datadog: how the monitor of an alert stands, or the group of it that the alert is about.

use std::collections::BTreeMap;
use std::sync::Arc;

use ira_commands::ports::systems::SaidOf;
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use reqwest::header::HeaderName;
use secrecy::ExposeSecret as _;
use serde_json::Value as Json;

use crate::clients::service::{Call, Service};
use crate::config::Config;
use crate::config::systems::DatadogConfig;

/// Datadog's API v1.
pub struct Datadog {
    config: Arc<Config>,
    own: DatadogConfig,
}

impl Datadog {
    /// The configured account.
    pub fn new(config: Arc<Config>, own: DatadogConfig) -> Self {
        Self { config, own }
    }

    fn service(&self) -> Result<Service, Fault> {
        let header = |name: &'static str, secret: secrecy::SecretString| {
            (HeaderName::from_static(name), secret.expose_secret().to_owned(), secret)
        };
        let env = self.config.env();
        let keys = vec![
            header("dd-api-key", self.own.api_key.resolve(env)?),
            header("dd-application-key", self.own.application_key.resolve(env)?),
        ];
        Service::with_all("Datadog", &self.own.url, keys, env)
    }

    /// Whether the keys are good.
    pub async fn look(&self) -> Result<(), Fault> {
        let service = self.service()?;
        let said = service.read(&Call::new(Method::GET, &["api", "v1", "validate"])).await?;
        let good = said.get("valid").and_then(Json::as_bool).ok_or_else(|| service.lacks("whether the key is good"))?;
        if good { Ok(()) } else { Err(service.fault(Fault::new(Kind::Denied, "refuses the key"))) }
    }

    /// Whether the monitor fires that these labels name.
    pub(super) async fn fires(&self, labels: &BTreeMap<String, String>) -> Result<SaidOf, Fault> {
        let id = labels.get("alert_id").filter(|id| !id.is_empty() && id.bytes().all(|byte| byte.is_ascii_digit()));
        let id = id.ok_or_else(|| {
            Fault::new(Kind::Usage, "the alert names no monitor of Datadog").hint("--label alert_id=NUMBER")
        })?;
        let service = self.service()?;
        let call = Call::new(Method::GET, &["api", "v1", "monitor", id]).query("group_states", "all");
        let said = service.read(&call).await?;
        let (what, state) = state(&said, labels.get("scope")).ok_or_else(|| service.lacks("a state of the monitor"))?;
        let words = format!("{what} {} is {}", excerpt(id, 40), excerpt(state, 40));
        let fires = match state {
            "Alert" | "Warn" => true,
            "OK" => false,
            // No data, ignored, skipped, unknown: nobody can tell.
            _ => return Err(service.fault(Fault::new(Kind::BadAnswer, format!("cannot tell: {words}")))),
        };
        Ok(SaidOf { by: service.label(), fires, words })
    }
}

/// The state of the group that an alert is about, else that of the whole monitor.
fn state<'a>(said: &'a Json, scope: Option<&String>) -> Option<(&'static str, &'a str)> {
    let groups = said.pointer("/state/groups").and_then(Json::as_object);
    let sorted = |text: &str| {
        let mut parts: Vec<String> = text.split(',').map(|part| part.trim().to_owned()).collect();
        parts.sort();
        parts
    };
    let own = groups.zip(scope).and_then(|(groups, scope)| {
        groups.iter().find(|(name, _)| sorted(name) == sorted(scope)).and_then(|(_, group)| group["status"].as_str())
    });
    match own {
        Some(state) => Some(("its group of monitor", state)),
        None => Some(("monitor", said.get("overall_state")?.as_str()?)),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_group_of_an_alert_counts_and_not_another_of_the_same_monitor() {
        let said = json!({ "overall_state": "Alert", "state": { "groups": {
            "host:a,queue:orders": { "status": "OK" }, "host:b,queue:orders": { "status": "Alert" } } } });
        let of = |scope: &str| state(&said, Some(&scope.to_owned())).map(|(_, state)| state.to_owned());
        assert_eq!(of("queue:orders, host:a").as_deref(), Some("OK"));
        assert_eq!(of("host:b,queue:orders").as_deref(), Some("Alert"));
        assert_eq!(of("host:c").as_deref(), Some("Alert"), "none of its groups: the monitor's own");
        assert_eq!(state(&json!({}), None), None);
    }
}
