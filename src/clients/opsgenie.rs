//! Opsgenie: its alert API. An alert is known by its alias, so that the same may be said again.

use std::sync::Arc;

use ira_commands::actions::Broken;
use ira_commands::ports::people::{Page, PageVerb};
use ira_commands::{Fault, Kind};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use super::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::systems::OpsgenieConfig;

/// The longest message, characters.
const LONGEST_MESSAGE: usize = 130;
/// The longest description, characters.
const LONGEST_DESCRIPTION: usize = 15_000;

/// The longest note, characters.
const LONGEST_NOTE: usize = 25_000;

/// How an alert stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nobody has taken it.
    Open,
    /// Somebody has.
    Acknowledged,
    /// It is over.
    Closed,
}

/// Opsgenie.
pub struct Opsgenie {
    config: Arc<Config>,
    own: OpsgenieConfig,
}

impl Opsgenie {
    /// The configured one.
    pub fn new(config: Arc<Config>, own: OpsgenieConfig) -> Self {
        Self { config, own }
    }

    fn service(&self) -> Result<Service, Fault> {
        let key = self.own.key.resolve(self.config.env())?;
        let header = (AUTHORIZATION, format!("GenieKey {}", key.expose_secret()), key);
        Service::with("Opsgenie", &self.own.url, Some(header), self.config.env())
    }

    /// Reads one alert: whether the key is taken.
    pub async fn look(&self) -> Result<(), Fault> {
        let service = self.service()?;
        let said = service.read(&Call::new(Method::GET, &["v2", "alerts"]).query("limit", "1")).await?;
        said.get("data").map(|_| ()).ok_or_else(|| service.lacks("a list of alerts"))
    }

    /// Hands a page over; gives who took it.
    pub async fn page(&self, page: &Page) -> Result<String, Broken> {
        let service = self.service().map_err(Broken::before)?;
        let call = match page.verb {
            PageVerb::Trigger => Call::new(Method::POST, &["v2", "alerts"]).json(alert(page)),
            verb => {
                let what = if verb == PageVerb::Resolve { "close" } else { "acknowledge" };
                Call::new(Method::POST, &["v2", "alerts", &page.key, what])
                    .query("identifierType", "alias")
                    .json(json!({ "source": "ira", "note": page.summary }))
            }
        };
        Self::taken(&service, &call).await?;
        Ok(service.label())
    }

    /// Adds a note to the alert of this alias.
    pub async fn note(&self, alias: &str, text: &str) -> Result<(), Broken> {
        let service = self.service().map_err(Broken::before)?;
        let note: String = text.chars().take(LONGEST_NOTE).collect();
        let call = Call::new(Method::POST, &["v2", "alerts", alias, "notes"])
            .query("identifierType", "alias")
            .json(json!({ "source": "ira", "note": note }));
        Self::taken(&service, &call).await
    }

    /// How the alert of this alias stands; `None` where there is none.
    pub async fn standing(&self, alias: &str) -> Result<Option<Standing>, Fault> {
        let service = self.service()?;
        let call = Call::new(Method::GET, &["v2", "alerts", alias]).query("identifierType", "alias");
        let said = match service.read(&call).await {
            Err(fault) if fault.kind == Kind::Missing => return Ok(None),
            said => said?,
        };
        let data = &said["data"];
        match (data["status"].as_str(), data["acknowledged"].as_bool()) {
            (Some("closed"), _) => Ok(Some(Standing::Closed)),
            (Some(_), Some(true)) => Ok(Some(Standing::Acknowledged)),
            (Some(_), Some(false)) => Ok(Some(Standing::Open)),
            _ => Err(service.lacks("the alert's status")),
        }
    }

    async fn taken(service: &Service, call: &Call) -> Result<(), Broken> {
        let reply = service.ask(call, Again::Freely).await?;
        // Whatever stands in between may answer 200, and page nobody.
        let said = service.json(&reply).map_err(Broken::unknown)?;
        match said.get("requestId") {
            Some(_) => Ok(()),
            None => Err(Broken::unknown(service.lacks("the number of the request"))),
        }
    }
}

/// An alert as Opsgenie takes it.
fn alert(page: &Page) -> Json {
    let cut = |text: &str, most: usize| text.chars().take(most).collect::<String>();
    let mut description = page.summary.clone();
    for (url, what) in &page.links {
        description.push_str(&format_link(url, what));
    }
    if let Some(text) = page.details.get("details").and_then(Json::as_str) {
        description.push_str("\n\n");
        description.push_str(text);
    }
    let priority = match page.severity.as_str() {
        "critical" => "P1",
        "error" => "P2",
        "warning" => "P3",
        _ => "P5",
    };
    json!({
        "message": cut(&page.summary, LONGEST_MESSAGE),
        "alias": page.key,
        "description": cut(&description, LONGEST_DESCRIPTION),
        "entity": page.source,
        "source": "ira",
        "priority": priority,
    })
}

fn format_link(url: &str, what: &str) -> String {
    if what.is_empty() { format!("\n{url}") } else { format!("\n{what}: {url}") }
}
