//! PagerDuty's REST API v2: incidents, their notes, status, priority and custom fields.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::actions::Broken;
use ira_commands::alert::{self, Alert};
use ira_commands::ports::people::{Incident, IncidentChange, IncidentName, IncidentRead, IncidentWrite, Note};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use reqwest::Method;
use reqwest::header::AUTHORIZATION;
use secrecy::ExposeSecret as _;
use serde_json::{Value as Json, json};

use super::super::service::{Again, Call, Service};
use crate::config::Config;
use crate::config::systems::PagerDutyConfig;

/// How many of the newest open incidents are looked through for one that an alert has joined.
const MOST_OPEN: &str = "25";
/// Between two looks for an incident that is not there yet, seconds.
const PAUSE: u64 = 2;

/// The REST API.
pub struct Rest {
    config: Arc<Config>,
    own: PagerDutyConfig,
}

impl Rest {
    /// The configured account.
    pub fn new(config: Arc<Config>, own: PagerDutyConfig) -> Self {
        Self { config, own }
    }

    fn service(&self) -> Result<Service, Fault> {
        let token = self.own.token.resolve(self.config.env())?;
        let header = (AUTHORIZATION, format!("Token token={}", token.expose_secret()), token);
        Service::with("PagerDuty", &self.own.url, Some(header), self.config.env())
    }

    /// A request as every one of this API is made.
    fn call(&self, method: Method, path: &[&str]) -> Call {
        let mut call = Call::new(method, path);
        call.headers.push(("accept", "application/vnd.pagerduty+json;version=2".to_owned()));
        if call.method == Method::GET {
            // The API's own description asks for it in every request; one with a body says it by that.
            call.headers.push(("content-type", "application/json".to_owned()));
        } else {
            call.headers.push(("from", self.own.from.clone()));
        }
        call
    }

    /// The name of the user that notes are from, where the account has them.
    pub async fn user(&self) -> Result<String, Fault> {
        let service = self.service()?;
        let call = self.call(Method::GET, &["users"]).query("query", self.own.from.as_str()).query("limit", "100");
        let said = service.read(&call).await?;
        let users = said.get("users").and_then(Json::as_array).ok_or_else(|| service.lacks("a list of users"))?;
        let text = |user: &Json, name: &str| user.get(name).and_then(Json::as_str).unwrap_or_default().to_owned();
        let own = users.iter().find(|user| text(user, "email").eq_ignore_ascii_case(&self.own.from));
        own.map(|user| excerpt(&text(user, "name"), 80)).ok_or_else(|| {
            let why = format!("takes the key, and has no user {}", self.own.from);
            service
                .fault(Fault::new(Kind::Config, why).hint("`pagerduty.from` is the address of a user of the account"))
        })
    }

    async fn write(&self, call: &Call, again: Again) -> Result<Json, Broken> {
        let service = self.service().map_err(Broken::before)?;
        let reply = service.ask(call, again).await?;
        service.json(&reply).map_err(Broken::unknown)
    }

    /// The incident of this key: an open one, else the newest.
    async fn by_key(&self, service: &Service, key: &str) -> Result<Option<Incident>, Fault> {
        let call = self.call(Method::GET, &["incidents"]);
        let call = call.query("incident_key", key).query("date_range", "all").query("limit", "100");
        let mut all = incidents(service, &service.read(&call).await?)?;
        // It may not know the key, and give every incident.
        all.retain(|(_, own)| own.as_deref() == Some(key));
        let mut all: Vec<Incident> = all.into_iter().map(|(incident, _)| incident).collect();
        all.sort_by_key(|one| one.status == "resolved");
        let first = all.into_iter().next();
        if first.as_ref().is_some_and(|incident| incident.status != "resolved") {
            return Ok(first);
        }
        Ok(self.joined(service, key).await?.or(first))
    }

    /// The open incident that an alert of this key has joined.
    async fn joined(&self, service: &Service, key: &str) -> Result<Option<Incident>, Fault> {
        let call = self.call(Method::GET, &["incidents"]);
        let call = call.query("statuses[]", "triggered").query("statuses[]", "acknowledged").query("limit", MOST_OPEN);
        for (incident, _) in incidents(service, &service.read(&call).await?)? {
            let call = self.call(Method::GET, &["incidents", &incident.id, "alerts"]).query("alert_key", key);
            let said = service.read(&call).await?;
            let alerts = said.get("alerts").and_then(Json::as_array).ok_or_else(|| service.lacks("alerts"))?;
            if alerts.iter().any(|alert| alert.get("alert_key").and_then(Json::as_str) == Some(key)) {
                return Ok(Some(incident));
            }
        }
        Ok(None)
    }

    async fn look(&self, service: &Service, name: &IncidentName) -> Result<Option<Incident>, Fault> {
        match name {
            IncidentName::Id(id) => match service.read(&self.call(Method::GET, &["incidents", id])).await {
                Ok(said) => {
                    let one = said.get("incident").and_then(incident).ok_or_else(|| service.lacks("the incident"))?;
                    Ok(Some(one.0))
                }
                Err(fault) if fault.kind == Kind::Missing => Ok(None),
                Err(fault) => Err(fault),
            },
            IncidentName::Key(key) => self.by_key(service, key).await,
        }
    }
}

/// An incident, and its key.
fn incident(json: &Json) -> Option<(Incident, Option<String>)> {
    let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
    let priority = json.pointer("/priority/summary").or(json.pointer("/priority/name")).and_then(Json::as_str);
    let incident = Incident {
        id: text("id")?,
        title: text("title").or_else(|| text("summary")).unwrap_or_default(),
        status: text("status")?,
        priority: priority.map(str::to_owned),
        url: text("html_url").unwrap_or_default(),
    };
    Some((incident, text("incident_key")))
}

fn incidents(service: &Service, said: &Json) -> Result<Vec<(Incident, Option<String>)>, Fault> {
    let all = said.get("incidents").and_then(Json::as_array).ok_or_else(|| service.lacks("a list of incidents"))?;
    let all: Option<Vec<_>> = all.iter().map(incident).collect();
    let mut all = all.ok_or_else(|| service.lacks("the id of an incident"))?;
    // Oldest first, as it is sent without being asked for an order.
    all.reverse();
    Ok(all)
}

#[async_trait]
impl IncidentRead for Rest {
    async fn find(&self, name: &IncidentName, patience: u64) -> Result<Option<Incident>, Fault> {
        let service = self.service()?;
        let mut left = patience;
        loop {
            let found = self.look(&service, name).await?;
            let open = found.as_ref().is_some_and(|one| one.status != "resolved");
            if open || left == 0 || (found.is_some() && matches!(name, IncidentName::Id(_))) {
                return Ok(found);
            }
            let pause = left.min(PAUSE);
            tokio::time::sleep(Duration::from_secs(pause)).await;
            left -= pause;
        }
    }

    async fn notes(&self, incident: &str) -> Result<Vec<Note>, Fault> {
        let service = self.service()?;
        let said = service.read(&self.call(Method::GET, &["incidents", incident, "notes"])).await?;
        let notes = said.get("notes").and_then(Json::as_array).ok_or_else(|| service.lacks("a list of notes"))?;
        let note = |json: &Json| {
            let text = |name: &str| json.get(name).and_then(Json::as_str).map(str::to_owned);
            Some(Note { id: text("id")?, content: text("content")? })
        };
        Ok(notes.iter().filter_map(note).collect())
    }

    async fn alerts(&self, incident: &str) -> Result<Vec<Alert>, Fault> {
        let service = self.service()?;
        let call = self.call(Method::GET, &["incidents", incident, "alerts"]).query("limit", "100");
        let said = service.read(&call).await?;
        said.get("alerts").and_then(Json::as_array).ok_or_else(|| service.lacks("alerts"))?;
        // An answer in which no alert has details is none to read.
        Ok(alert::parse(&said.to_string()).unwrap_or_default())
    }

    async fn fields(&self, incident: &str) -> Result<Vec<(String, Json)>, Fault> {
        let service = self.service()?;
        let call = self.call(Method::GET, &["incidents", incident, "custom_fields", "values"]);
        let said = service.read(&call).await?;
        let all = said.get("custom_fields").and_then(Json::as_array).ok_or_else(|| service.lacks("custom fields"))?;
        let field = |json: &Json| Some((json.get("name")?.as_str()?.to_owned(), json.get("value")?.clone()));
        Ok(all.iter().filter_map(field).collect())
    }
}

#[async_trait]
impl IncidentWrite for Rest {
    async fn add_note(&self, incident: &str, content: &str) -> Result<String, Broken> {
        let call = self.call(Method::POST, &["incidents", incident, "notes"]);
        let said = self.write(&call.json(json!({ "note": { "content": content } })), Again::Refused).await?;
        let id = said.pointer("/note/id").and_then(Json::as_str).map(str::to_owned);
        id.ok_or_else(|| {
            Broken::unknown(Fault::new(Kind::BadAnswer, "PagerDuty answers without the id of the new note"))
        })
    }

    async fn change_note(&self, incident: &str, note: &str, content: &str) -> Result<(), Broken> {
        let call = self.call(Method::PUT, &["incidents", incident, "notes", note]);
        self.write(&call.json(json!({ "note": { "content": content } })), Again::Freely).await.map(drop)
    }

    async fn change(&self, incident: &str, change: &IncidentChange) -> Result<(), Broken> {
        if change.status.is_some() || change.priority.is_some() {
            let mut body = json!({ "type": "incident_reference" });
            if let Some(status) = &change.status {
                body["status"] = json!(status);
            }
            if let Some(priority) = &change.priority {
                body["priority"] = json!(priority);
            }
            let call = self.call(Method::PUT, &["incidents", incident]).json(json!({ "incident": body }));
            self.write(&call, Again::Freely).await?;
        }
        if !change.fields.is_empty() {
            let fields: Vec<Json> =
                change.fields.iter().map(|(name, value)| json!({ "name": name, "value": value })).collect();
            let call = self.call(Method::PUT, &["incidents", incident, "custom_fields", "values"]);
            self.write(&call.json(json!({ "custom_fields": fields })), Again::Freely).await.map_err(|broken| {
                // The first request may have changed something already.
                if change.status.is_some() || change.priority.is_some() { Broken::amid(broken.fault) } else { broken }
            })?;
        }
        Ok(())
    }
}
