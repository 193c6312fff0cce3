//! Alertmanager: which alerts fire, asked of every one of a pair.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::future::join_all;
use ira_commands::ports::Clock;
use ira_commands::ports::systems::{AlertRead, Firing, Witness};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use serde_json::Value as Json;

use super::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::reader::unix;
use crate::config::secret::SecretRef;
use crate::config::systems::AlertmanagerConfig;

/// The Alertmanagers of a pair.
pub struct Alertmanager {
    config: Arc<Config>,
    pair: AlertmanagerConfig,
    clock: Arc<dyn Clock>,
}

impl Alertmanager {
    /// The configured ones.
    pub fn new(config: Arc<Config>, pair: AlertmanagerConfig, clock: Arc<dyn Clock>) -> Self {
        Self { config, pair, clock }
    }

    /// Posts alerts to each of them; what each said, in order.
    pub async fn post(&self, alerts: &Json) -> Vec<Result<(), Fault>> {
        join_all(self.pair.urls.iter().map(|url| async {
            let service = Service::open("Alertmanager", url, &self.pair.auth, self.config.env())?;
            let call = Call::new(Method::POST, &["api", "v2", "alerts"]).json(alerts.clone());
            // An alert is known by its labels: told twice it is one.
            service.ask(&call, Again::Freely).await.map(|_| ()).map_err(|broken| broken.fault)
        }))
        .await
    }

    async fn ask(&self, url: &SecretRef, wanted: &BTreeMap<String, String>) -> Witness {
        match Service::open("Alertmanager", url, &self.pair.auth, self.config.env()) {
            Ok(service) => Witness { by: service.label(), says: self.said(&service, wanted).await },
            Err(fault) => Witness { by: "Alertmanager".to_owned(), says: Err(fault) },
        }
    }

    async fn said(&self, service: &Service, wanted: &BTreeMap<String, String>) -> Result<Vec<Firing>, Fault> {
        let firing = listed(service, Call::new(Method::GET, &["api", "v2", "alerts"]), wanted).await?;
        if firing.is_empty() && self.pair.settle > 0 {
            self.settled(service).await?;
        }
        Ok(firing)
    }

    /// What each of them says of itself: who it is, and its status.
    pub async fn status(&self) -> Vec<(String, Result<Json, Fault>)> {
        let one = async |url: &SecretRef| match Service::open("Alertmanager", url, &self.pair.auth, self.config.env()) {
            Ok(service) => {
                let said = service.read(&Call::new(Method::GET, &["api", "v2", "status"])).await;
                (service.label(), said)
            }
            Err(fault) => ("Alertmanager".to_owned(), Err(fault)),
        };
        join_all(self.pair.urls.iter().map(one)).await
    }

    /// What fires and is sent to `receiver`, as each of them lists it: who says so, and the list.
    pub async fn listed(&self, receiver: &str) -> Vec<(String, Result<Json, Fault>)> {
        let one = async |url: &SecretRef| match Service::open("Alertmanager", url, &self.pair.auth, self.config.env()) {
            Ok(service) => {
                let mut call = Call::new(Method::GET, &["api", "v2", "alerts"]).query("active", "true");
                for name in ["silenced", "inhibited", "unprocessed"] {
                    call = call.query(name, "false");
                }
                // The whole name: it takes a regular expression.
                let call = call.query("receiver", format!("^(?:{})$", literal(receiver)));
                (service.label(), service.read(&call).await)
            }
            Err(fault) => ("Alertmanager".to_owned(), Err(fault)),
        };
        join_all(self.pair.urls.iter().map(one)).await
    }

    /// The version of the first.
    pub async fn version(&self) -> Result<String, Fault> {
        let url = self.pair.urls.first().ok_or_else(|| Fault::new(Kind::Config, "there is no Alertmanager"))?;
        let service = Service::open("Alertmanager", url, &self.pair.auth, self.config.env())?;
        let status = service.read(&Call::new(Method::GET, &["api", "v2", "status"])).await?;
        let version = status.pointer("/versionInfo/version").and_then(Json::as_str);
        version.map(|version| excerpt(version, 40)).ok_or_else(|| service.lacks("its version"))
    }

    /// Whether it has been up for long enough to have been told again what fires: it forgets all of it when it ends.
    async fn settled(&self, service: &Service) -> Result<(), Fault> {
        let status = service.read(&Call::new(Method::GET, &["api", "v2", "status"])).await?;
        let since = status.get("uptime").and_then(Json::as_str).and_then(|text| text.parse().ok());
        let since = since.and_then(|time| unix(&time)).ok_or_else(|| service.lacks("the time of its start"))?;
        let up = self.clock.now().saturating_sub(since);
        if up >= self.pair.settle {
            return Ok(());
        }
        Err(service
            .fault(Fault::new(Kind::BadAnswer, format!("began {up} s ago and may not have been told yet what fires"))))
    }
}

/// What fires with all these labels, as `call` lists it.
pub(super) async fn listed(
    service: &Service,
    mut call: Call,
    wanted: &BTreeMap<String, String>,
) -> Result<Vec<Firing>, Fault> {
    for name in ["active", "silenced", "inhibited", "unprocessed"] {
        call = call.query(name, "true");
    }
    for (name, value) in wanted {
        call = call.query("filter", format!("{name}={}", quoted(value)));
    }
    let said = service.read(&call).await?;
    let all = said.as_array().ok_or_else(|| service.lacks("a list of alerts"))?;
    let firing: Option<Vec<Firing>> = all.iter().map(firing).collect();
    let mut firing = firing.ok_or_else(|| service.lacks("the labels of an alert"))?;
    // Its own filter is not taken on trust: a proxy may have dropped it.
    firing.retain(|one| wanted.iter().all(|(name, value)| one.labels.get(name) == Some(value)));
    Ok(firing)
}

/// A text as a regular expression that matches it alone.
fn literal(text: &str) -> String {
    text.chars()
        .flat_map(|c| (!(c.is_alphanumeric() || matches!(c, '_' | '-'))).then_some('\\').into_iter().chain([c]))
        .collect()
}

/// A value as a matcher quotes it.
fn quoted(value: &str) -> String {
    let escaped = value.replace('\\', "\\\\").replace('"', "\\\"").replace('\n', "\\n");
    format!("\"{escaped}\"")
}

fn firing(alert: &Json) -> Option<Firing> {
    let labels = alert.get("labels")?.as_object()?;
    let labels =
        labels.iter().map(|(name, value)| Some((name.clone(), value.as_str()?.to_owned()))).collect::<Option<_>>()?;
    let state = alert.pointer("/status/state").and_then(Json::as_str).unwrap_or_default();
    Some(Firing { fingerprint: alert.get("fingerprint")?.as_str()?.to_owned(), labels, muted: state == "suppressed" })
}

#[async_trait]
impl AlertRead for Alertmanager {
    async fn firing(&self, labels: &BTreeMap<String, String>) -> Vec<Witness> {
        join_all(self.pair.urls.iter().map(|url| self.ask(url, labels))).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_cannot_end_its_matcher() {
        assert_eq!(literal("ira.eu (a)"), r"ira\.eu\ \(a\)");
        assert_eq!(quoted("a\"} or \\ \n"), "\"a\\\"} or \\\\ \\n\"");
    }
}
