//! PagerDuty's Events API v2. An event is known by its dedup key, so that the same may be said again.

use std::sync::Arc;

use ira_commands::Fault;
use ira_commands::actions::Broken;
use ira_commands::ports::people::{Page, PageVerb};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use super::super::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::secret::SecretRef;
use crate::config::systems::Auth;

/// The most of the details that are sent, bytes: an event of more than 512 KB is refused.
const MOST_DETAILS: usize = 400_000;

/// Where events go.
pub struct Events {
    config: Arc<Config>,
    url: SecretRef,
    routing_key: SecretRef,
}

impl Events {
    /// The configured integration.
    pub fn new(config: Arc<Config>, url: SecretRef, routing_key: SecretRef) -> Self {
        Self { config, url, routing_key }
    }

    /// Hands a page over; gives who took it.
    pub async fn page(&self, page: &Page) -> Result<String, Broken> {
        let (service, call) = self.call(page).map_err(Broken::before)?;
        let reply = service.ask(&call, Again::Freely).await?;
        // Whatever stands in between may answer 200, and page nobody.
        let said = service.json(&reply).map_err(Broken::unknown)?;
        match said.get("status").and_then(Json::as_str) {
            Some("success") => Ok(service.label()),
            _ => Err(Broken::unknown(service.lacks("success"))),
        }
    }

    fn call(&self, page: &Page) -> Result<(Service, Call), Fault> {
        let key = self.routing_key.resolve(self.config.env())?;
        let body = event(page, key.expose_secret());
        let service = Service::open("PagerDuty", &self.url, &Auth::None, self.config.env())?.hiding(&key);
        Ok((service, Call::new(Method::POST, &["v2", "enqueue"]).json(body)))
    }
}

/// An event as PagerDuty takes it.
fn event(page: &Page, routing_key: &str) -> Json {
    let mut event = json!({ "routing_key": routing_key, "event_action": page.verb.word(), "dedup_key": page.key });
    if page.verb == PageVerb::Trigger {
        event["payload"] = json!({ "summary": page.summary, "source": page.source, "severity": page.severity });
        if let Some(text) = page.details.get("details").and_then(Json::as_str) {
            let cut = (0..=MOST_DETAILS.min(text.len())).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
            event["payload"]["custom_details"] = json!({ "details": text[..cut] });
        }
        event["client"] = json!("ira");
        if !page.links.is_empty() {
            let link = |(url, text): &(String, String)| json!({ "href": url, "text": if text.is_empty() { url } else { text } });
            event["links"] = json!(page.links.iter().map(link).collect::<Vec<_>>());
        }
    }
    event
}
