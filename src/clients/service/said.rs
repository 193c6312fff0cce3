//! What an answer that is no success says: of the effect, of the reason, and of when to come again.

use std::time::Duration;

use ira_commands::actions::{Broken, Left};
use ira_commands::{Fault, Kind};
use reqwest::header::LOCATION;
use serde_json::Value as Json;

use super::{Reply, Service};

/// What a status says of the effect of the request that it answers.
pub(super) fn left(status: u16) -> Left {
    match status {
        408 | 499 => Left::Unknown,
        400..=499 => Left::Nothing,
        _ => Left::Unknown,
    }
}

/// How long to wait before the next try, where the answer says so: `Retry-After`, or PagerDuty's `ratelimit-reset`,
/// both in seconds.
pub(super) fn wait(reply: &Reply) -> Option<Duration> {
    if !matches!(reply.status, 429 | 503) {
        return None;
    }
    let seconds = |name: &str| reply.headers.get(name)?.to_str().ok()?.trim().parse::<u32>().ok();
    let wait =
        seconds("retry-after").or_else(|| seconds("ratelimit-reset")).or_else(|| seconds("x-ratelimit-reset"))?;
    Some(Duration::from_secs(u64::from(wait)))
}

/// The fault of an answer that is no success, in the words of the API.
pub(super) fn refusal(service: &Service, reply: &Reply) -> Broken {
    let status = reply.status;
    let (kind, what, hint) = match status {
        401 | 403 => (Kind::Denied, "refuses the credential".to_owned(), Some("check the key, and what it may do")),
        404 | 410 => (Kind::Missing, "knows no such thing".to_owned(), None),
        408 => (Kind::Timeout, "gave up waiting".to_owned(), None),
        413 => (Kind::TooLarge, "will not take so large a request".to_owned(), None),
        429 => (Kind::RateLimited, "asks to slow down".to_owned(), None),
        300..=399 => {
            let to = reply.headers.get(LOCATION).and_then(|to| to.to_str().ok()).unwrap_or_default();
            let host = reqwest::Url::parse(to).ok().and_then(|url| url.host_str().map(|host| service.quote(host)));
            let to = host.map(|host| format!(" to {host}")).unwrap_or_default();
            let what = format!("redirects{to}, which is not followed: it could carry the key elsewhere");
            (Kind::BadAnswer, what, Some("give the final URL"))
        }
        500..=599 => (Kind::Unreachable, "is out of order".to_owned(), None),
        _ => (Kind::BadAnswer, "does not take the request".to_owned(), None),
    };
    let mut fault = Fault::new(kind, format!("{what} (HTTP {status})"));
    let text = String::from_utf8_lossy(&reply.body);
    let words = serde_json::from_str(&text).ok().and_then(|json| words(&json)).unwrap_or_else(|| text.into_owned());
    let quoted = service.quote(&words);
    if !quoted.is_empty() {
        fault = fault.because(format!("it says: {quoted}"));
    }
    if let Some(hint) = hint {
        fault = fault.hint(hint);
    }
    service.broken(left(status), fault)
}

/// The words of an error: a message, with whatever list or table of errors stands beside it.
fn words(json: &Json) -> Option<String> {
    let mut all = Vec::new();
    let of = match json.get("error") {
        Some(error @ Json::Object(_)) => error,
        Some(Json::String(text)) => {
            all.push(text.clone());
            json
        }
        _ => json,
    };
    for name in ["status", "message", "detail", "errorMessages", "errors", "reason"] {
        if let Some(value) = of.get(name).filter(|value| !value.is_number()) {
            flatten(value, &mut all);
        }
    }
    if let Some(code) = of.get("code").filter(|code| code.is_number()) {
        all.push(format!("code {code}"));
    }
    all.dedup();
    (!all.is_empty()).then(|| all.join("; "))
}

/// Every text in a value; those of a table with their names.
fn flatten(value: &Json, all: &mut Vec<String>) {
    match value {
        Json::String(text) if !text.is_empty() => all.push(text.clone()),
        Json::Array(items) => items.iter().for_each(|item| flatten(item, all)),
        Json::Object(table) => {
            for (name, value) in table {
                let mut inner = Vec::new();
                flatten(value, &mut inner);
                all.extend(inner.into_iter().map(|text| format!("{name}: {text}")));
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn errors_are_read_as_a_list_a_table_or_a_word() {
        for (said, wanted) in [
            (
                json!({ "error": { "message": "Invalid Input", "code": 2001, "errors": ["Note is too long"] } }),
                "Invalid Input; Note is too long; code 2001",
            ),
            (
                json!({ "error": { "message": "Invalid", "errors": { "content": ["is empty", "is odd"] } } }),
                "Invalid; content: is empty; content: is odd",
            ),
            (
                json!({ "status": "invalid event", "message": "Event object is invalid", "errors": ["'severity'"] }),
                "invalid event; Event object is invalid; 'severity'",
            ),
            (json!({ "errorMessages": [], "errors": { "project": "is required" } }), "project: is required"),
            (json!({ "error": "no" }), "no"),
        ] {
            assert_eq!(words(&said).as_deref(), Some(wanted));
        }
        assert_eq!(words(&json!([1, 2])), None);
    }
}
