//! How people are told: pages, messages, tickets, and the notes of an incident.

use async_trait::async_trait;
use serde_json::Value as Json;

use crate::actions::Broken;
use crate::alert::Alert;
use crate::fault::Fault;
use crate::war_room::Room;

/// What is said of an alert to who is on call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PageVerb {
    /// Somebody must look.
    Trigger,
    /// Somebody, or something, is at it.
    Acknowledge,
    /// It is over.
    Resolve,
}

impl PageVerb {
    /// The word of it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Trigger => "trigger",
            Self::Acknowledge => "acknowledge",
            Self::Resolve => "resolve",
        }
    }
}

/// A page.
#[derive(Clone, Debug, PartialEq)]
pub struct Page {
    /// What is said.
    pub verb: PageVerb,
    /// What it is about: all pages with this key are one incident.
    pub key: String,
    /// One line.
    pub summary: String,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// What is broken (`web-01`).
    pub source: String,
    /// Whatever else helps: an object.
    pub details: Json,
    /// Where to read more: URL and what it is.
    pub links: Vec<(String, String)>,
}

/// Whoever took a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Paged {
    /// Who took it (`PagerDuty`).
    pub by: String,
    /// Why whoever should have taken it first did not.
    pub instead: Option<String>,
}

/// Who would be told.
pub trait Channels: Send + Sync {
    /// Who would be paged, in the order in which they are tried; none where nobody is configured.
    fn pagers(&self) -> Vec<String>;

    /// Where a message would be posted, where that is configured.
    fn chat(&self) -> Option<String>;

    /// Where people meet, and how products are told apart.
    fn room(&self) -> Result<Room, Fault> {
        Ok(Room::default())
    }

    /// The base of the links of a network's block explorer, without a slash at its end.
    fn explorer(&self, _network: &str) -> Option<String> {
        None
    }
}

/// Paging who is on call.
#[async_trait]
pub trait PagerWrite: Send + Sync {
    /// Hands a page over. The same key again adds to the same incident.
    async fn page(&self, page: &Page) -> Result<Paged, Broken>;
}

/// A channel of messages.
#[async_trait]
pub trait ChatWrite: Send + Sync {
    /// Posts a message.
    async fn post(&self, text: &str) -> Result<(), Broken>;

    /// Posts a message in Slack's blocks (a list); `text` is what notifications say, and all of it where there are none.
    async fn post_blocks(&self, text: &str, _blocks: &Json) -> Result<(), Broken> {
        self.post(text).await
    }
}

/// A ticket that is there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ticket {
    /// Its name (`OPS-17`, `#4`).
    pub id: String,
    /// Where a person reads it, where that is known.
    pub url: Option<String>,
}

/// A ticket that is to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewTicket {
    /// One line.
    pub title: String,
    /// All of it.
    pub text: String,
    /// By which it is found again.
    pub marker: String,
}

/// What a desk is like.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Desk {
    /// What it is (`jira at example.atlassian.net, project OPS`).
    pub what: String,
    /// Why the same ticket may yet be made twice; `None` where what was made is found at once.
    pub duplicates: Option<&'static str>,
}

/// Looking for tickets.
#[async_trait]
pub trait TicketRead: Send + Sync {
    /// The desk of this name.
    fn desk(&self, name: &str) -> Result<Desk, Fault>;

    /// The ticket that carries a marker.
    async fn find(&self, desk: &str, marker: &str) -> Result<Option<Ticket>, Fault>;
}

/// Making tickets.
#[async_trait]
pub trait TicketWrite: Send + Sync {
    /// Makes one.
    async fn create(&self, desk: &str, ticket: &NewTicket) -> Result<Ticket, Broken>;
}

/// What an incident is called by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IncidentName {
    /// The provider's own id (`Q1ABCDEF234567`).
    Id(String),
    /// The key of the alert that made it, or of one that joined it.
    Key(String),
}

/// An incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Incident {
    /// Its id.
    pub id: String,
    /// Its title.
    pub title: String,
    /// `triggered`, `acknowledged` or `resolved`.
    pub status: String,
    /// The name of its priority, where it has one.
    pub priority: Option<String>,
    /// Where a person reads it.
    pub url: String,
}

/// A note of an incident.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// Its id.
    pub id: String,
    /// What it says.
    pub content: String,
}

/// Reading incidents.
#[async_trait]
pub trait IncidentRead: Send + Sync {
    /// Finds an incident; one that is not there yet is waited for, at most `patience` seconds.
    async fn find(&self, name: &IncidentName, patience: u64) -> Result<Option<Incident>, Fault>;

    /// Every note of it.
    async fn notes(&self, incident: &str) -> Result<Vec<Note>, Fault>;

    /// The alerts in it, by their details; those without any are left out.
    async fn alerts(&self, incident: &str) -> Result<Vec<Alert>, Fault>;

    /// Its custom fields: name and value.
    async fn fields(&self, incident: &str) -> Result<Vec<(String, Json)>, Fault>;
}

/// What changes of an incident.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct IncidentChange {
    /// Its status.
    pub status: Option<String>,
    /// Its priority, by name.
    pub priority: Option<String>,
    /// Custom fields: name and value.
    pub fields: Vec<(String, Json)>,
}

/// Writing to incidents.
#[async_trait]
pub trait IncidentWrite: Send + Sync {
    /// Adds a note; gives its id.
    async fn add_note(&self, incident: &str, content: &str) -> Result<String, Broken>;

    /// Puts another text in place of a note's.
    async fn change_note(&self, incident: &str, note: &str, content: &str) -> Result<(), Broken>;

    /// Changes the incident.
    async fn change(&self, incident: &str, change: &IncidentChange) -> Result<(), Broken>;
}
