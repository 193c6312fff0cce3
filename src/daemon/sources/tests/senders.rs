//! What each sender's bodies are read as.

use std::collections::{BTreeMap, BTreeSet};

use super::*;

fn alertmanager(name: &str) -> Batch {
    take(&trusted(Sender::Alertmanager), &payload(&format!("alertmanager/{name}.json"))).unwrap()
}

fn ids(batch: &Batch) -> Vec<&str> {
    batch.deliveries.iter().map(|delivery| delivery.id.as_str()).collect()
}

#[test]
fn every_captured_body_is_read_alert_by_alert() {
    for (name, alerts, resolved, truncated) in [
        ("single-01-firing-n1", 1, 0, 0),
        ("single-02-resolved-n1", 1, 1, 0),
        ("three-01-firing-n3", 3, 0, 0),
        ("three-03-resolved-n3", 3, 3, 0),
        ("grouped-03-resolved-n8", 8, 8, 0),
        ("lean3-firing", 3, 0, 0),
        ("prometheus-01-firing-n1", 1, 0, 0),
        ("big100-01-firing-n100", 100, 0, 0),
        ("big100-max10-01-firing-n10", 10, 0, 90),
    ] {
        let batch = alertmanager(name);
        let over = batch.deliveries.iter().filter(|one| one.incoming.alert.resolved).count();
        assert_eq!((batch.deliveries.len(), over, batch.truncated), (alerts, resolved, truncated), "{name}");
        let distinct: BTreeSet<&str> = ids(&batch).into_iter().collect();
        assert_eq!(distinct.len(), alerts, "{name}");
        for one in &batch.deliveries {
            assert_eq!(one.incoming.source, "alertmanager");
            assert!(one.group_key.starts_with("{}") && one.incoming.starts_at.is_some() && one.incident.is_none());
        }
    }
}

#[test]
fn an_alert_has_its_own_status_whatever_the_group_says() {
    // The group says that it fires; some of its alerts are over.
    let batch = alertmanager("grouped-02-firing-n8");
    let over = batch.deliveries.iter().filter(|one| one.incoming.alert.resolved).count();
    assert!(over > 0 && over < 8, "{over}");
}

#[test]
fn lesson_19_a_resend_is_the_same_and_lesson_20_a_flap_is_another() {
    let (first, again, flap) =
        (alertmanager("single-01-firing-n1"), alertmanager("single-01-firing-n1"), alertmanager("single-03-firing-n1"));
    assert_eq!(first, again);
    assert_eq!(first.deliveries[0].fingerprint, flap.deliveries[0].fingerprint);
    assert_eq!(first.deliveries[0].group_key, flap.deliveries[0].group_key);
    assert_ne!(ids(&first), ids(&flap));
    let over = alertmanager("single-02-resolved-n1");
    assert_ne!(ids(&first), ids(&over), "the end of an alert is no resend of its beginning");
    assert_eq!(first.deliveries[0].incoming.starts_at, over.deliveries[0].incoming.starts_at);
}

#[test]
fn the_group_key_is_pagerdutys_key_of_the_incident() {
    // `pagerduty_configs` sends the hex SHA-256 of it: the escapes of JSON must be gone.
    let batch = alertmanager("single-01-firing-n1");
    assert_eq!(batch.deliveries[0].group_key, r#"{}/{rcv="single"}:{alertname="DiskFull"}"#);
    let key = batch.deliveries[0].group_incident().unwrap();
    assert_eq!(key, "decc076487631608f58cade51301471db1b08c1c71225426437d7cf1f2f56685");
    assert_eq!(
        take(&trusted(Sender::Grafana), &payload("grafana/firing.json")).unwrap().deliveries[0].group_incident(),
        None
    );
}

#[test]
fn what_is_not_version_4_is_refused_with_its_reason() {
    let source = trusted(Sender::Alertmanager);
    for (body, why) in [
        ("", "EOF"),
        ("{", "EOF"),
        ("[]", "object of a webhook"),
        ("{}", "version"),
        (r#"{"version":"4"}"#, "alerts"),
        (r#"{"version":"3","alerts":[]}"#, "`3`, not 4"),
        (r#"{"version":"4","alerts":[]}"#, "no alert"),
        (r#"{"version":"4","alerts":[{}]}"#, "status"),
        (r#"{"version":"4","alerts":[{"status":"firing","startsAt":"2026-11-21T10:00:00Z"}]}"#, "no label"),
        (r#"{"version":"4","alerts":[{"status":"firing","labels":{"a":"b"},"startsAt":"soon"}]}"#, "`soon`"),
        (r#"{"version":"4","alerts":[{"status":"firing","labels":{"a":"b","a":"c"}}]}"#, "`a` is given twice"),
        (r#"{"version":"4","alerts":[{"status":"firing","labels":{"a":1}}]}"#, "invalid type"),
        (r#"{"version":"4","alerts":[{"status":"firing","labels":{"a":"\ud800"}}]}"#, "escape"),
        (r#"{"version":"4","alerts":[]} trailing"#, "no alert"),
    ] {
        let refusal = take(&source, body.as_bytes()).unwrap_err();
        assert_eq!((refusal.status, refusal.authenticated), (400, true), "{body}");
        assert!(refusal.why.contains(why), "{body}: {}", refusal.why);
    }
}

#[test]
fn an_alert_without_annotations_is_an_alert() {
    for none in ["", r#","annotations":null"#, r#","annotations":{}"#] {
        let alert = format!(r#"{{"status":"firing","labels":{{"a":"b"}},"startsAt":"2026-11-21T10:00:00Z"{none}}}"#);
        let body = format!(r#"{{"version":"4","alerts":[{alert}]}}"#);
        assert_eq!(take(&trusted(Sender::Alertmanager), body.as_bytes()).unwrap().deliveries.len(), 1, "{none}");
    }
}

#[test]
fn limits_are_named_and_refuse_the_whole_body() {
    let limits = Limits { alerts: 2, labels: 2, label: 16, depth: 4, ..Limits::default() };
    let source = source_of(
        &SourceConfig { limits, ..config(Sender::Alertmanager, ProofConfig::Unauthenticated) },
        &Arc::default(),
    );
    let alert = |labels: &str, annotations: &str| {
        format!(
            r#"{{"status":"firing","labels":{{{labels}}},"annotations":{{{annotations}}},"startsAt":"2026-11-21T10:00:00Z"}}"#
        )
    };
    let body = |alerts: &[String]| format!(r#"{{"version":"4","alerts":[{}]}}"#, alerts.join(","));
    let good = alert(r#""a":"b""#, r#""d":"a text that is longer than 16""#);
    let batch = take(&source, body(&[good.clone(), good.clone()]).as_bytes()).unwrap();
    assert_eq!(batch.deliveries[0].incoming.alert.annotations["d"], "a text that is l…");
    for (alerts, status, why) in [
        (vec![good.clone(), good.clone(), good.clone()], 413, "more than 2 alerts"),
        (vec![alert(r#""a":"b","b":"c","c":"d""#, "")], 413, "more than 2 labels"),
        (vec![alert(r#""a":"12345678901234567""#, "")], 413, "more than 16 bytes in the label `a`"),
        (vec![alert(r#""a":"b""#, r#""d":[[[[]]]]"#)], 400, "deeper than 4"),
    ] {
        let refusal = take(&source, body(&alerts).as_bytes()).unwrap_err();
        assert_eq!((refusal.status, refusal.authenticated), (status, true), "{}", refusal.why);
        assert!(refusal.why.contains(why), "{}", refusal.why);
    }
}

#[test]
fn grafana_is_alertmanagers_form_with_an_organisation() {
    let batch = take(&trusted(Sender::Grafana), &payload("grafana/firing.json")).unwrap();
    let [first, second] = &batch.deliveries[..] else { panic!("{batch:?}") };
    assert_eq!(first.incoming.source, "grafana");
    assert_eq!(first.fingerprint, "grafana:7:c6eadffa33fcdf37");
    assert!(!first.incoming.alert.resolved && second.incoming.alert.resolved);
    assert!(first.incoming.alert.annotations["valueString"].contains("44.2"));
    assert!(!first.incoming.alert.annotations.contains_key("dashboardURL"), "an empty link is none");
    assert!(take(&trusted(Sender::Alertmanager), &payload("grafana/firing.json")).is_err(), "its version is 1");
}

#[test]
fn a_pagerduty_incident_is_an_alert_until_it_is_resolved() {
    let source = trusted(Sender::PagerDuty);
    let text = String::from_utf8(payload("pagerduty/triggered.json")).unwrap();
    let batch = take(&source, text.as_bytes()).unwrap();
    let [one] = &batch.deliveries[..] else { panic!("{batch:?}") };
    assert_eq!(one.id, "01FJR1WNQ6NPEFRYQ3RCFTT2X9");
    let labels = &one.incoming.alert.labels;
    for (name, value) in [
        ("alertname", "A little bump in the road"),
        ("service", "API Service"),
        ("urgency", "high"),
        ("priority", "P1"),
        ("incident", "PGR0VU2"),
    ] {
        assert_eq!(labels[name], value);
    }
    let key = Some("d3640fbd41094207a1c11e58e46b1662".to_owned());
    assert_eq!(one.incident, Some(Incident { id: "PGR0VU2".to_owned(), key }));
    let over = text.replace("incident.triggered", "incident.resolved").replace("2X9", "2XB");
    let over = take(&source, over.as_bytes()).unwrap();
    assert!(over.deliveries[0].incoming.alert.resolved);
    assert_eq!(over.deliveries[0].fingerprint, one.fingerprint);
    assert_ne!(over.deliveries[0].id, one.id);
}

#[test]
fn what_ira_caused_at_pagerduty_starts_nothing() {
    let source = trusted(Sender::PagerDuty);
    let text = String::from_utf8(payload("pagerduty/triggered.json")).unwrap();
    for (from, to) in [("d3640fbd41094207a1c11e58e46b1662", "ira:prod:abcd"), ("Monitoring Service", "ira")] {
        let batch = take(&source, text.replace(from, to).as_bytes()).unwrap();
        assert!(batch.deliveries.is_empty(), "{to}");
        assert_eq!(batch.news.unwrap().incident.id, "PGR0VU2");
    }
    let note = take(&source, &payload("pagerduty/annotated.json")).unwrap();
    assert!(note.deliveries.is_empty());
    let news = note.news.unwrap();
    assert_eq!((news.what.as_str(), news.incident.id.as_str()), ("incident.annotated", "PGR0VU2"));
    assert_eq!(news.by.as_deref(), Some("Tenex Engineer"));
    for other in ["pagey.ping", "service.updated"] {
        let batch = take(&source, text.replace("incident.triggered", other).as_bytes()).unwrap();
        assert_eq!((batch.deliveries.len(), batch.news), (0, None), "{other}");
    }
}

#[test]
fn labels_in_the_details_of_an_incident_are_kept() {
    let text = String::from_utf8(payload("pagerduty/triggered.json")).unwrap();
    let body = r#""body":{"type":"incident_body","details":{"firing":"Labels:\n - alertname = FeedStale\n - network = base\n"}},"urgency""#;
    let batch = take(&trusted(Sender::PagerDuty), text.replace("\"urgency\"", body).as_bytes()).unwrap();
    let labels = &batch.deliveries[0].incoming.alert.labels;
    assert_eq!((labels["alertname"].as_str(), labels["network"].as_str()), ("FeedStale", "base"));
    assert_eq!(labels["service"], "API Service");
}

#[test]
fn a_stale_pagerduty_event_is_refused_as_a_strangers() {
    let source = trusted(Sender::PagerDuty);
    let body = payload("pagerduty/triggered.json");
    assert!(hand(&source, &[], &body, NOW + 48 * 3_600).is_ok());
    let refusal = hand(&source, &[], &body, NOW + 50 * 3_600).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (401, false));
}

#[test]
fn a_datadog_monitor_is_known_by_its_cycle() {
    let source = trusted(Sender::Datadog);
    let text = String::from_utf8(payload("datadog/triggered.json")).unwrap();
    let one = |text: &str| take(&source, text.as_bytes()).unwrap().deliveries.remove(0);
    let first = one(&text);
    let labels = &first.incoming.alert.labels;
    for (name, value) in [
        ("alertname", "Queue of orders is long"),
        ("env", "prod"),
        ("monitor", "true"),
        ("alert_id", "1234"),
        ("tag_alert_id", "9999"),
        ("state", "alert"),
        ("host", "web-01"),
    ] {
        assert_eq!(labels.get(name).map(String::as_str), Some(value), "{name}");
    }
    assert!(!labels.contains_key("org_id"), "what is left as `$NAME` has no value");
    assert_eq!(first.incoming.starts_at, Some(1_795_255_198));

    let reminder = one(&text.replace("Triggered\"", "Renotify\"").replace("7436782910234", "99"));
    assert_eq!(reminder.id, first.id, "a reminder has another id and is the same alert");
    let over = one(&text.replace("\"Triggered\"", "\"Recovered\""));
    assert!(over.incoming.alert.resolved && over.id != first.id && over.fingerprint == first.fingerprint);
    let again = one(&text.replace("8013246593821", "8013246593822"));
    assert!(again.id != first.id && again.fingerprint == first.fingerprint);
    for (word, resolved) in [("Warn Recovered", true), ("No Data", false), ("Re-Warn", false)] {
        assert_eq!(one(&text.replace("\"Triggered\"", &format!("\"{word}\""))).incoming.alert.resolved, resolved);
    }
    for wrong in [text.replace("\"1234\"", "\"$ALERT_ID\""), text.replace("\"Triggered\"", "\"Null\"")] {
        assert_eq!(take(&source, wrong.as_bytes()).unwrap_err().status, 400);
    }
}

#[test]
fn the_payload_to_paste_at_datadog_is_what_is_read() {
    let fields = |text: &str| serde_json::from_str::<BTreeMap<String, String>>(text).unwrap().into_keys().collect();
    let pasted: BTreeSet<String> = fields(DATADOG);
    let read: BTreeSet<String> = fields(&String::from_utf8(payload("datadog/triggered.json")).unwrap());
    assert_eq!(pasted, read);
    assert!(include_str!("../../../help/sources.md").contains(DATADOG));
}

#[test]
fn any_sender_of_json_is_read_by_a_mapping() {
    let source = trusted(Sender::Generic(Box::new(mapping())));
    let body = r#"{"group":"g","alerts":[
        {"name":"Down","host":"web-01","state":"bad","since":"2026-11-21T10:00:00Z","details":{"text":"gone","n":4}},
        {"name":"Down","host":"web-02","state":"ok","since":1795255200123}]}"#;
    let batch = take(&source, body.as_bytes()).unwrap();
    let [first, second] = &batch.deliveries[..] else { panic!("{batch:?}") };
    assert_eq!(first.incoming.alert.labels["team"], "core");
    assert_eq!(first.incoming.alert.annotations["n"], "4");
    assert_eq!((first.incoming.starts_at, second.incoming.starts_at), (Some(1_795_255_200), Some(1_795_255_200)));
    assert!(!first.incoming.alert.resolved && second.incoming.alert.resolved);
    assert_eq!((first.group_key.as_str(), first.incoming.source.as_str()), ("g", "generic"));
    assert_eq!(ids(&batch), ids(&take(&source, body.as_bytes()).unwrap()));
    assert_ne!(first.fingerprint, second.fingerprint);
    for (wrong, why) in [
        ("{}", "no list"),
        (r#"{"alerts":[]}"#, "no alert"),
        (r#"{"alerts":[{"name":"a","since":1}]}"#, "`status`"),
        (r#"{"alerts":[{"name":"a","state":"bad"}]}"#, "`starts_at`"),
        (r#"{"alerts":[{"name":"a","state":"bad","since":"soon"}]}"#, "`soon`"),
        (r#"{"alerts":[{"name":"a","state":"bad","since":-5}]}"#, "`-5`"),
    ] {
        let refusal = take(&source, wrong.as_bytes()).unwrap_err();
        assert!(refusal.status == 400 && refusal.why.contains(why), "{wrong}: {}", refusal.why);
    }
}

#[test]
fn what_alertmanagers_api_lists_has_the_ids_of_its_webhook() {
    use serde_json::json;
    let hook = alertmanager("single-01-firing-n1");
    let body: serde_json::Value = serde_json::from_slice(&payload("alertmanager/single-01-firing-n1.json")).unwrap();
    let alert = &body["alerts"][0];
    let listed = |state: &str, receiver: &str| {
        let one = json!({ "labels": alert["labels"], "annotations": alert["annotations"], "startsAt": alert["startsAt"],
            "endsAt": "2026-11-22T10:04:00.000Z", "updatedAt": "2026-11-22T10:00:00.000Z", "fingerprint": alert["fingerprint"],
            "generatorURL": alert["generatorURL"], "receivers": [{ "name": "other" }, { "name": receiver }],
            "status": { "state": state, "silencedBy": [], "inhibitedBy": [] } });
        missed::listed(&json!([one]), "ira", &Limits::default()).unwrap()
    };
    let found = listed("active", "ira");
    assert_eq!(ids(&found), ids(&hook));
    assert_eq!(found.deliveries[0].incoming, hook.deliveries[0].incoming);
    assert!(listed("suppressed", "ira").deliveries.is_empty() && listed("active", "web.hook").deliveries.is_empty());
    assert!(missed::listed(&json!({}), "ira", &Limits::default()).is_err());
}
