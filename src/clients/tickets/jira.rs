//! Jira: the marker is a label.

use ira_commands::actions::Broken;
use ira_commands::ports::people::{NewTicket, Ticket};
use ira_commands::{Fault, Kind};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::made;
use crate::clients::service::{Again, Call, Service};
use crate::config::systems::DeskConfig;

fn ticket(issue: &Json) -> Option<Ticket> {
    let id = issue.get("key")?.as_str()?.to_owned();
    // `self` is the address of the API; a person reads it at /browse.
    let url = issue.get("self").and_then(Json::as_str).and_then(|own| own.split_once("/rest/"));
    let url = url.map(|(base, _)| format!("{base}/browse/{id}"));
    Some(Ticket { id, url })
}

pub(super) async fn find(service: &Service, desk: &DeskConfig, marker: &str) -> Result<Option<Ticket>, Fault> {
    let project = desk.project.as_deref().unwrap_or_default().replace(['"', '\\'], "");
    let jql = format!("project = \"{project}\" AND labels = \"{marker}\"");
    let search = |path: &[&str]| {
        Call::new(Method::GET, path).query("jql", jql.as_str()).query("fields", "key").query("maxResults", "1")
    };
    let said = match service.read(&search(&["rest", "api", "3", "search", "jql"])).await {
        // A server of one's own knows only the older path.
        Err(fault) if fault.kind == Kind::Missing => service.read(&search(&["rest", "api", "2", "search"])).await?,
        said => said?,
    };
    let issues = said.get("issues").and_then(Json::as_array).ok_or_else(|| service.lacks("a list of issues"))?;
    Ok(issues.first().and_then(ticket))
}

pub(super) async fn create(service: &Service, desk: &DeskConfig, new: &NewTicket) -> Result<Ticket, Broken> {
    let body = json!({ "fields": {
        "project": { "key": desk.project },
        "issuetype": { "name": desk.kind },
        "summary": new.title,
        "description": format!("{}\n\n{}", new.text, new.marker),
        "labels": [new.marker],
    }});
    let call = Call::new(Method::POST, &["rest", "api", "2", "issue"]).json(body);
    let reply = service.ask(&call, Again::Refused).await?;
    ticket(&made(service, &reply)?).ok_or_else(|| Broken::unknown(service.lacks("the key of the new issue")))
}
