//! Ticket desks.

use super::Auth;
use crate::config::secret::SecretRef;

/// What a desk speaks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Jira.
    Jira,
    /// ServiceNow's table API.
    ServiceNow,
    /// Issues of a GitHub repository.
    GitHub,
    /// Requests that the configuration spells out.
    Http,
}

impl Preset {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Jira, Self::ServiceNow, Self::GitHub, Self::Http];

    /// As the configuration spells it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Jira => "jira",
            Self::ServiceNow => "servicenow",
            Self::GitHub => "github",
            Self::Http => "http",
        }
    }
}

/// A desk.
#[derive(Clone, Debug)]
pub struct DeskConfig {
    /// What it speaks.
    pub preset: Preset,
    /// Where it is.
    pub url: SecretRef,
    /// How one proves who one is.
    pub auth: Auth,
    /// Where tickets go: a project of Jira, `owner/repository` of GitHub, a table of ServiceNow.
    pub project: Option<String>,
    /// The kind of a Jira issue.
    pub kind: String,
    /// The path that takes a new ticket, for `http`.
    pub create: Option<String>,
    /// The path that is searched, with `{{marker}}` in it, for `http`.
    pub search: Option<String>,
    /// What is sent, JSON with `{{title}}`, `{{text}}` and `{{marker}}` in its texts, for `http`.
    pub body: Option<serde_json::Value>,
    /// Where the answer holds the ticket's name, as a JSON pointer, for `http`.
    pub id: Option<String>,
}
