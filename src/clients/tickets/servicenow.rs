//! ServiceNow's table API: the marker is the `correlation_id`.

use ira_commands::Fault;
use ira_commands::actions::Broken;
use ira_commands::ports::people::{NewTicket, Ticket};
use reqwest::Method;
use serde_json::{Value as Json, json};

use super::made;
use crate::clients::service::{Again, Call, Service};
use crate::config::systems::DeskConfig;

fn table(desk: &DeskConfig) -> &str {
    desk.project.as_deref().unwrap_or("incident")
}

fn ticket(record: &Json) -> Option<Ticket> {
    Some(Ticket { id: record.get("number")?.as_str()?.to_owned(), url: None })
}

pub(super) async fn find(service: &Service, desk: &DeskConfig, marker: &str) -> Result<Option<Ticket>, Fault> {
    let call = Call::new(Method::GET, &["api", "now", "table", table(desk)])
        .query("sysparm_query", format!("correlation_id={marker}"))
        .query("sysparm_fields", "number,sys_id,correlation_id")
        .query("sysparm_limit", "10");
    let said = service.read(&call).await?;
    let records = said.get("result").and_then(Json::as_array).ok_or_else(|| service.lacks("a list of records"))?;
    // An instance ignores a query that it does not understand, and gives every record.
    let is_it = |record: &&Json| record.get("correlation_id").and_then(Json::as_str) == Some(marker);
    Ok(records.iter().find(is_it).and_then(ticket))
}

pub(super) async fn create(service: &Service, desk: &DeskConfig, new: &NewTicket) -> Result<Ticket, Broken> {
    let body = json!({
        "short_description": new.title,
        "description": format!("{}\n\n{}", new.text, new.marker),
        "correlation_id": new.marker,
        "correlation_display": "ira",
    });
    let call = Call::new(Method::POST, &["api", "now", "table", table(desk)]).json(body);
    let reply = service.ask(&call, Again::Refused).await?;
    let said = made(service, &reply)?;
    said.get("result").and_then(ticket).ok_or_else(|| Broken::unknown(service.lacks("the number of the new record")))
}
