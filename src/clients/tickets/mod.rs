//! Ticket desks: Jira, ServiceNow, GitHub, and whatever takes JSON.

mod github;
mod jira;
mod servicenow;
mod template;

use std::sync::Arc;

use async_trait::async_trait;
use ira_commands::actions::Broken;
use ira_commands::ports::people::{Desk, NewTicket, Ticket, TicketRead, TicketWrite};
use ira_commands::text::nearest;
use ira_commands::{Fault, Kind};

use super::service::{Reply, Service};
use crate::config::Config;
use crate::config::systems::{DeskConfig, Preset};

/// The configured desks.
pub struct Tickets(Arc<Config>);

impl Tickets {
    /// As they are configured.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    fn of(&self, name: &str) -> Result<&DeskConfig, Fault> {
        let desks = &self.0.systems.tickets;
        desks.get(name).ok_or_else(|| {
            let fault = Fault::new(Kind::Usage, "there is no such ticket desk");
            match nearest(name, desks.keys().map(String::as_str)) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint("set `[tickets.NAME]` in the user's configuration (`ira help people`)"),
            }
        })
    }

    fn service(&self, desk: &DeskConfig) -> Result<Service, Fault> {
        let name = match desk.preset {
            Preset::Jira => "Jira",
            Preset::ServiceNow => "ServiceNow",
            Preset::GitHub => "GitHub",
            Preset::Http => "the ticket desk",
        };
        Service::open(name, &desk.url, &desk.auth, self.0.env())
    }
}

/// The JSON of an answer to a request that made something: where it cannot be read, it was made all the same.
fn made(service: &Service, reply: &Reply) -> Result<serde_json::Value, Broken> {
    service.json(reply).map_err(Broken::unknown)
}

#[async_trait]
impl TicketRead for Tickets {
    fn desk(&self, name: &str) -> Result<Desk, Fault> {
        let desk = self.of(name)?;
        let service = self.service(desk)?;
        let place = desk.project.as_ref().map(|project| format!(", {project}")).unwrap_or_default();
        let duplicates = match desk.preset {
            Preset::Jira => Some("Jira finds a new issue some seconds after it was made"),
            Preset::Http => Some("how soon the desk finds a new ticket is not known"),
            Preset::ServiceNow | Preset::GitHub => None,
        };
        Ok(Desk { what: format!("{}{place}", service.label()), duplicates })
    }

    async fn find(&self, desk: &str, marker: &str) -> Result<Option<Ticket>, Fault> {
        let desk = self.of(desk)?;
        let service = self.service(desk)?;
        match desk.preset {
            Preset::Jira => jira::find(&service, desk, marker).await,
            Preset::ServiceNow => servicenow::find(&service, desk, marker).await,
            Preset::GitHub => github::find(&service, desk, marker).await,
            Preset::Http => template::find(&service, desk, marker).await,
        }
    }
}

#[async_trait]
impl TicketWrite for Tickets {
    async fn create(&self, desk: &str, ticket: &NewTicket) -> Result<Ticket, Broken> {
        let desk = self.of(desk).map_err(Broken::before)?;
        let service = self.service(desk).map_err(Broken::before)?;
        match desk.preset {
            Preset::Jira => jira::create(&service, desk, ticket).await,
            Preset::ServiceNow => servicenow::create(&service, desk, ticket).await,
            Preset::GitHub => github::create(&service, desk, ticket).await,
            Preset::Http => template::create(&service, desk, ticket).await,
        }
    }
}
