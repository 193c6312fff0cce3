//! A desk whose requests the configuration spells out. What is put into them stays a text of the JSON, or a part of the
//! URL, whatever it holds.

use ira_commands::actions::Broken;
use ira_commands::ports::people::{NewTicket, Ticket};
use ira_commands::{Fault, Kind};
use reqwest::{Method, Url};
use serde_json::Value as Json;

use crate::clients::service::{Again, Call, Service};
use crate::config::systems::DeskConfig;

/// `template` with the words of the ticket in its texts.
fn filled(template: &Json, new: &NewTicket) -> Json {
    match template {
        Json::String(text) => Json::String(words(text, new)),
        Json::Array(items) => items.iter().map(|item| filled(item, new)).collect(),
        Json::Object(table) => table.iter().map(|(name, value)| (name.clone(), filled(value, new))).collect(),
        other => other.clone(),
    }
}

/// One pass from left to right: what was put in is not looked through again.
fn words(text: &str, new: &NewTicket) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("{{") {
        out.push_str(before);
        let Some((name, after)) = after.split_once("}}") else {
            out.push_str("{{");
            rest = after;
            continue;
        };
        match name.trim() {
            "title" => out.push_str(&new.title),
            "text" => out.push_str(&new.text),
            "marker" => out.push_str(&new.marker),
            _ => out.extend(["{{", name, "}}"]),
        }
        rest = after;
    }
    out + rest
}

/// A path with its query as the configuration writes it, as a request.
fn call(method: Method, path: &str) -> Result<Call, Fault> {
    let wrong = || Fault::new(Kind::Config, "a path of the ticket desk cannot be used: it takes /path?name=value");
    let url = Url::parse("http://h/").and_then(|base| base.join(path)).map_err(|_| wrong())?;
    if url.host_str() != Some("h") {
        return Err(wrong());
    }
    let parts = url.path_segments().into_iter().flatten().filter(|part| !part.is_empty());
    let decoded = |part: &str| percent_encoding::percent_decode_str(part).decode_utf8_lossy().into_owned();
    let mut call = Call::new(method, &[]);
    call.path = parts.map(decoded).collect();
    call.query = url.query_pairs().map(|(name, value)| (name.into_owned(), value.into_owned())).collect();
    Ok(call)
}

pub(super) async fn find(service: &Service, desk: &DeskConfig, marker: &str) -> Result<Option<Ticket>, Fault> {
    let path = desk.search.as_deref().unwrap_or_default().replace("{{marker}}", marker);
    let said = service.read(&call(Method::GET, &path)?).await?;
    // An answer may repeat what it was asked for: the marker must stand in a text of a ticket, not in the query alone.
    Ok(holder(&said, marker).map(|found| Ticket { id: named(found, desk), url: None }))
}

pub(super) async fn create(service: &Service, desk: &DeskConfig, new: &NewTicket) -> Result<Ticket, Broken> {
    let path = desk.create.as_deref().unwrap_or_default();
    let body = filled(desk.body.as_ref().unwrap_or(&Json::Null), new);
    let call = call(Method::POST, path).map_err(Broken::before)?.json(body);
    let reply = service.ask(&call, Again::Refused).await?;
    let said = serde_json::from_slice(&reply.body).unwrap_or(Json::Null);
    Ok(Ticket { id: named(&said, desk), url: None })
}

/// The innermost element of a list that holds the marker.
fn holder<'a>(json: &'a Json, marker: &str) -> Option<&'a Json> {
    match json {
        Json::Array(items) => {
            items.iter().find_map(|item| holder(item, marker).or_else(|| holds(item, marker).then_some(item)))
        }
        Json::Object(table) => table.values().find_map(|value| holder(value, marker)),
        _ => None,
    }
}

fn holds(json: &Json, marker: &str) -> bool {
    match json {
        Json::String(text) => text.contains(marker),
        Json::Array(items) => items.iter().any(|item| holds(item, marker)),
        Json::Object(table) => table.values().any(|value| holds(value, marker)),
        _ => false,
    }
}

/// The ticket's name in an answer.
fn named(json: &Json, desk: &DeskConfig) -> String {
    let pointer = desk.id.as_deref().unwrap_or("/id");
    match json.pointer(pointer) {
        Some(Json::String(text)) => text.clone(),
        Some(Json::Number(number)) => number.to_string(),
        _ => "(no name)".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_put_in_stays_a_text_and_is_put_in_once() {
        let new = NewTicket {
            title: "a \"quote\", {{text}}".to_owned(),
            text: "\"}, {\"admin\": true".to_owned(),
            marker: "ira-1".to_owned(),
        };
        let template = json!({ "t": "{{title}}", "d": ["{{ text }} ({{marker}})"], "n": 1, "x": "{{other}} {{" });
        assert_eq!(
            filled(&template, &new),
            json!({
                "t": "a \"quote\", {{text}}",
                "d": ["\"}, {\"admin\": true (ira-1)"],
                "n": 1,
                "x": "{{other}} {{",
            })
        );
    }

    #[test]
    fn a_search_is_believed_only_where_a_ticket_of_a_list_holds_the_marker() {
        let echo = json!({ "query": "ira-1", "items": [] });
        assert_eq!(holder(&echo, "ira-1"), None);
        let found = json!({ "items": [{ "id": 1, "t": "x" }, { "id": 2, "t": "… ira-1" }] });
        assert_eq!(holder(&found, "ira-1"), Some(&found["items"][1]));
    }

    #[test]
    fn a_path_leads_nowhere_else() {
        assert!(call(Method::GET, "//evil.example/x").is_err());
        assert!(call(Method::GET, "http://evil.example/x").is_err());
        let sound = call(Method::GET, "/a%20b/c?q=x%26y").expect("a path");
        assert_eq!(
            (sound.path, sound.query),
            (vec!["a b".to_owned(), "c".to_owned()], vec![("q".to_owned(), "x&y".to_owned())])
        );
    }
}
