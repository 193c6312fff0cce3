//! GitHub issues: the marker is the last line of the body. The list of issues is asked and not the search, which finds
//! a new issue some time after it was made.

use ira_commands::Fault;
use ira_commands::actions::Broken;
use ira_commands::ports::people::{NewTicket, Ticket};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::made;
use crate::clients::service::{Again, Call, Service};
use crate::config::systems::DeskConfig;

/// How many of the newest issues are looked through: five pages of a hundred.
const PAGES: usize = 5;

fn path(desk: &DeskConfig) -> Vec<&str> {
    let (owner, repository) = desk.project.as_deref().and_then(|name| name.split_once('/')).unwrap_or_default();
    vec!["repos", owner, repository, "issues"]
}

fn ticket(issue: &Json) -> Option<Ticket> {
    let url = issue.get("html_url").and_then(Json::as_str).map(str::to_owned);
    Some(Ticket { id: format!("#{}", issue.get("number")?.as_u64()?), url })
}

fn call(method: Method, desk: &DeskConfig) -> Call {
    let mut call = Call::new(method, &path(desk));
    call.headers.push(("accept", "application/vnd.github+json".to_owned()));
    call.headers.push(("x-github-api-version", "2022-11-28".to_owned()));
    call
}

pub(super) async fn find(service: &Service, desk: &DeskConfig, marker: &str) -> Result<Option<Ticket>, Fault> {
    for page in 1..=PAGES {
        let call = call(Method::GET, desk)
            .query("state", "all")
            .query("sort", "created")
            .query("direction", "desc")
            .query("per_page", "100")
            .query("page", page.to_string());
        let said = service.read(&call).await?;
        let issues = said.as_array().ok_or_else(|| service.lacks("a list of issues"))?;
        let is_it = |issue: &&Json| issue.get("body").and_then(Json::as_str).is_some_and(|body| body.contains(marker));
        if let Some(found) = issues.iter().find(is_it) {
            return Ok(ticket(found));
        }
        if issues.len() < 100 {
            break;
        }
    }
    Ok(None)
}

pub(super) async fn create(service: &Service, desk: &DeskConfig, new: &NewTicket) -> Result<Ticket, Broken> {
    let body = json!({ "title": new.title, "body": format!("{}\n\n<sub>{}</sub>", new.text, new.marker) });
    let reply = service.ask(&call(Method::POST, desk).json(body), Again::Refused).await?;
    ticket(&made(service, &reply)?).ok_or_else(|| Broken::unknown(service.lacks("the number of the new issue")))
}
