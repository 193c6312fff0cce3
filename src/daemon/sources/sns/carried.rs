//! What a message of a topic carries: an alarm of `CloudWatch`, an event of `EventBridge`, or the body of another sender.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::date::moment_ms;
use ira_commands::playbook::Incoming;
use ira_commands::text::excerpt;
use serde_json::Value as Json;

use crate::config::intake::scalar;
use crate::daemon::sources::json::unreadable;
use crate::daemon::sources::{Batch, Delivery, Limits, Refusal, alertmanager, datadog, digest, grafana, pagerduty};

/// The alerts in the text of a message with this id.
pub(super) fn read(text: &str, id: &str, limits: &Limits, now: u64) -> Result<Batch, Refusal> {
    limits.shallow(text.as_bytes())?;
    let body: Json = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
    let has = |name: &str| body.get(name).is_some();
    let version = body.get("version").and_then(Json::as_str);
    if has("AlarmName") && has("NewStateValue") {
        one(alarm(&body)?, id, limits)
    } else if has("detail-type") && has("detail") {
        one(event(&body)?, id, limits)
    } else if has("alerts") && version == Some("4") {
        alertmanager::read(text.as_bytes(), limits)
    } else if has("alerts") && version == Some("1") {
        grafana::read(text.as_bytes(), limits)
    } else if has("alert_transition") {
        datadog::read(text.as_bytes(), limits)
    } else if body.pointer("/event/event_type").is_some() {
        pagerduty::read(text.as_bytes(), limits, now)
    } else {
        Err(Refusal::malformed("the topic's message is of no known form: its sender is not one that ira knows"))
    }
}

/// What is read of an alarm or an event.
struct Read {
    source: &'static str,
    fingerprint: String,
    alert: Alert,
    began: Option<u64>,
}

fn one(read: Read, id: &str, limits: &Limits) -> Result<Batch, Refusal> {
    let Read { source, fingerprint, mut alert, began } = read;
    limits.alert(&mut alert)?;
    let incoming = Incoming { source: source.to_owned(), alert, starts_at: began.map(|ms| ms / 1000) };
    let delivery = Delivery { id: id.to_owned(), fingerprint, group_key: String::new(), incoming, incident: None };
    Ok(Batch { deliveries: vec![delivery], ..Batch::default() })
}

fn text(body: &Json, pointer: &str) -> Option<String> {
    body.pointer(pointer).and_then(scalar).filter(|text| !text.is_empty())
}

fn needed(body: &Json, pointer: &str) -> Result<String, Refusal> {
    text(body, pointer).ok_or_else(|| Refusal::malformed(format!("there is no `{}` in it", &pointer[1..])))
}

fn pairs<const N: usize>(all: [(&str, Option<String>); N]) -> BTreeMap<String, String> {
    all.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))).collect()
}

/// `+0000` is how `CloudWatch` writes a zone.
fn instant(text: &str) -> Option<u64> {
    let end = text.len().saturating_sub(5);
    match text.split_at_checked(end) {
        Some((time, zone)) if zone.starts_with(['+', '-']) && !zone.contains(':') => {
            moment_ms(&format!("{time}{}:{}", zone.get(..3)?, zone.get(3..)?))
        }
        _ => moment_ms(text),
    }
}

/// Whether an alarm is over. One without data is not: what it looks at may be gone.
fn is_over(state: &str) -> Result<bool, Refusal> {
    match state {
        "OK" => Ok(true),
        "ALARM" | "INSUFFICIENT_DATA" => Ok(false),
        other => Err(Refusal::malformed(format!("the alarm's state is `{}`", excerpt(other, 40)))),
    }
}

/// The region in an ARN: messages name it as people do (`EU (Ireland)`).
fn region(arn: &str) -> Option<String> {
    arn.split(':').nth(3).filter(|region| !region.is_empty()).map(str::to_owned)
}

/// Puts dimensions among the labels; one that has the name of a label there does not replace it.
fn dimensions(labels: &mut BTreeMap<String, String>, each: impl Iterator<Item = (String, String)>) {
    for (name, value) in each {
        let name = if labels.contains_key(&name) { format!("dimension_{name}") } else { name };
        labels.insert(name, value);
    }
}

/// An alarm as its action publishes it.
fn alarm(body: &Json) -> Result<Read, Refusal> {
    let state = needed(body, "/NewStateValue")?;
    let name = needed(body, "/AlarmName")?;
    let arn = text(body, "/AlarmArn");
    let account = text(body, "/AWSAccountId");
    // An alarm on an expression has metrics of its own; the first that is one says what it is about.
    let of_expression = body.pointer("/Trigger/Metrics").and_then(Json::as_array);
    let first = of_expression.and_then(|all| all.iter().find_map(|one| one.pointer("/MetricStat/Metric")));
    let metric = first.or_else(|| body.get("Trigger")).unwrap_or(&Json::Null);
    let mut labels = pairs([
        ("alertname", Some(name.clone())),
        ("state", Some(state.clone())),
        ("account", account.clone()),
        ("region", arn.as_deref().and_then(region)),
        ("alarm_arn", arn.clone()),
        ("namespace", text(metric, "/Namespace")),
        ("metric", text(metric, "/MetricName")),
    ]);
    let listed = metric.get("Dimensions").and_then(Json::as_array).into_iter().flatten();
    // In small letters in messages, in capitals in the API.
    let of = |one: &Json, name: [&str; 2]| name.iter().find_map(|name| one.get(name).and_then(scalar));
    dimensions(&mut labels, listed.filter_map(|one| Some((of(one, ["name", "Name"])?, of(one, ["value", "Value"])?))));
    let annotations = pairs([
        ("summary", text(body, "/AlarmDescription")),
        ("reason", text(body, "/NewStateReason")),
        ("old_state", text(body, "/OldStateValue")),
    ]);
    let what = arn.unwrap_or_else(|| digest(&[account.as_deref().unwrap_or_default(), &name]));
    Ok(Read {
        source: "cloudwatch",
        fingerprint: digest(&["cloudwatch", &what]),
        alert: Alert { labels, annotations, resolved: is_over(&state)? },
        began: text(body, "/StateChangeTime").as_deref().and_then(instant),
    })
}

/// An event; that of an alarm is the alarm.
fn event(body: &Json) -> Result<Read, Refusal> {
    let kind = needed(body, "/detail-type")?;
    let (account, region) = (text(body, "/account"), text(body, "/region"));
    let resource = text(body, "/resources/0");
    if kind == "CloudWatch Alarm State Change" {
        let (name, state) = (needed(body, "/detail/alarmName")?, needed(body, "/detail/state/value")?);
        let what = resource.clone().unwrap_or_else(|| digest(&[account.as_deref().unwrap_or_default(), &name]));
        let metric = "/detail/configuration/metrics/0/metricStat/metric";
        let mut labels = pairs([
            ("alertname", Some(name)),
            ("state", Some(state.clone())),
            ("account", account),
            ("region", region),
            ("alarm_arn", resource),
            ("namespace", text(body, &format!("{metric}/namespace"))),
            ("metric", text(body, &format!("{metric}/name"))),
        ]);
        let listed = body.pointer(&format!("{metric}/dimensions")).and_then(Json::as_object);
        dimensions(&mut labels, listed.into_iter().flatten().filter_map(|(n, v)| Some((n.clone(), scalar(v)?))));
        let annotations = pairs([
            ("summary", text(body, "/detail/configuration/description")),
            ("reason", text(body, "/detail/state/reason")),
            ("old_state", text(body, "/detail/previousState/value")),
        ]);
        return Ok(Read {
            source: "cloudwatch",
            fingerprint: digest(&["cloudwatch", &what]),
            alert: Alert { labels, annotations, resolved: is_over(&state)? },
            began: text(body, "/detail/state/timestamp").as_deref().and_then(instant),
        });
    }
    let source = needed(body, "/source")?;
    let mut labels = pairs([
        ("alertname", Some(kind.clone())),
        ("source", Some(source.clone())),
        ("account", account.clone()),
        ("region", region),
        ("resource", resource.clone()),
    ]);
    let detail = body.get("detail").and_then(Json::as_object).into_iter().flatten();
    dimensions(&mut labels, detail.filter_map(|(name, value)| Some((name.clone(), scalar(value)?))));
    // An event is never over: each is by itself.
    let event = text(body, "/id").unwrap_or_default();
    Ok(Read {
        source: "eventbridge",
        fingerprint: digest(&["eventbridge", &account.unwrap_or_default(), &source, &kind, &resource.unwrap_or(event)]),
        alert: Alert { labels, annotations: BTreeMap::new(), resolved: false },
        began: text(body, "/time").as_deref().and_then(instant),
    })
}
