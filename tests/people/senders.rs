//! `alert.still_firing` of senders other than Alertmanager. Their answers are of the documented shapes; none of the three
//! was asked itself.

use serde_json::{Value, json};

use super::api::{Answer, Api, Asked, json as answer};
use super::{CANARY, Person};

/// A server that is each of them, and says so.
fn sender(state: &'static str) -> Api {
    Api::start(move |asked| said(asked, state))
}

fn said(asked: &Asked, state: &str) -> Answer {
    match asked.place() {
        "/api/v1/monitor/1234" => {
            let status = if state == "firing" { "Alert" } else { state };
            answer(
                200,
                &json!({ "id": 1234, "name": "Queue of orders is long", "type": "metric alert", "overall_state": status,
                    "state": { "groups": { "queue:orders": { "name": "queue:orders", "status": status },
                        "queue:other": { "name": "queue:other", "status": "OK" } } } }),
            )
        }
        "/api/alertmanager/grafana/api/v2/alerts" => {
            let one = json!({
                "labels": { "alertname": "High memory usage", "team": "blue", "zone": "us-1", "grafana_folder": "ops" },
                "annotations": {}, "fingerprint": "c6eadffa33fcdf37", "receivers": [{ "name": "ira" }],
                "startsAt": "2026-11-21T07:51:03.157Z", "endsAt": "2026-11-21T12:00:00.000Z", "updatedAt": "2026-11-21T11:56:00.000Z",
                "status": { "state": if state == "muted" { "suppressed" } else { "active" }, "inhibitedBy": [], "silencedBy": [] },
            });
            answer(200, &if state == "OK" { json!([]) } else { json!([one]) })
        }
        "/incidents/Q1ABC" => {
            let status = match state {
                "firing" => "triggered",
                "OK" => "resolved",
                other => other,
            };
            let incident = json!({ "id": "Q1ABC", "incident_key": "k", "status": status, "title": "t",
                "html_url": "https://x.example/Q1ABC" });
            answer(200, &json!({ "incident": incident }))
        }
        _ => answer(404, &json!({ "error": { "message": "Not Found", "code": 2100 } })),
    }
}

fn person(url: &str) -> Person {
    Person::with(&format!(
        "[datadog]\napi_key = \"env:KEY\"\napplication_key = \"env:KEY\"\nurl = \"{url}\"\n\
         [grafana]\nurl = \"{url}\"\ntoken = \"env:KEY\"\n\
         [pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{url}\"\n"
    ))
}

const ASKED: [(&str, &[&str]); 3] = [
    ("datadog", &["alert_id=1234", "scope=queue:orders"]),
    ("grafana", &["alertname=High memory usage", "zone=us-1"]),
    ("pagerduty", &["incident=Q1ABC"]),
];

/// Exit code and word.
fn firing(person: &Person, source: &str, labels: &[&str]) -> (i32, Value, String) {
    let labels: Vec<&str> = labels.iter().flat_map(|label| ["--label", label]).collect();
    let ran = person.act(&[&["alert.still_firing", "--source", source][..], &labels].concat());
    let data = ran.json()["data"].clone();
    (ran.code, data["firing"].clone(), data["why"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn lesson_27_each_sender_is_asked_about_its_own() {
    for (state, code, word) in [("firing", 4, "yes"), ("OK", 0, "no")] {
        let api = sender(state);
        let person = person(&api.url());
        for (source, labels) in ASKED {
            let (exit, said, why) = firing(&person, source, labels);
            assert_eq!((exit, &said), (code, &json!(word)), "{source}: {why}");
            assert!(why.to_lowercase().contains(source), "it says who says so: {why}");
        }
        let asked = api.asked();
        let datadog = asked.iter().find(|one| one.place() == "/api/v1/monitor/1234").expect("asked");
        assert_eq!(
            (datadog.headers["dd-api-key"].as_str(), datadog.headers["dd-application-key"].as_str()),
            (CANARY, CANARY)
        );
        assert!(asked.iter().all(|one| one.method == "GET"), "they are only read");
    }
    // Another group of the same monitor is well.
    let api = sender("firing");
    let person = person(&api.url());
    assert_eq!(firing(&person, "datadog", &["alert_id=1234", "scope=queue:other"]).0, 0);
    assert_eq!(firing(&person, "grafana", &["alertname=High memory usage", "zone=eu-1"]).0, 0, "another instance");
    let muted = sender("muted");
    let (code, said, why) = firing(&self::person(&muted.url()), "grafana", ASKED[1].1);
    assert!(code == 4 && said == "yes" && why.contains("silenced"), "it fires all the same: {why}");
    let seen = sender("acknowledged");
    assert_eq!(
        firing(&self::person(&seen.url()), "pagerduty", ASKED[2].1).0,
        4,
        "somebody is at it, and it is not over"
    );
}

#[test]
fn a_sender_that_cannot_tell_is_unknown_and_never_guessed() {
    let unknown = |person: &Person, source: &str, labels: &[&str], part: &str| {
        let (code, said, why) = firing(person, source, labels);
        assert_eq!((code, said), (69, json!("unknown")), "{source}: {why}");
        assert!(why.contains(part), "{part}: {why}");
    };
    // A monitor without data, an incident that nobody has, one of a state that nobody knows.
    let api = sender("No Data");
    let person = person(&api.url());
    unknown(&person, "datadog", ASKED[0].1, "No Data");
    unknown(&person, "datadog", &["alert_id=99"], "Datadog");
    unknown(&person, "datadog", &["alert_id=../1"], "names no monitor");
    unknown(&person, "pagerduty", &["incident=Q9"], "no such incident");
    unknown(&person, "pagerduty", ASKED[2].1, "does not know");
    unknown(&person, "pagerduty", &["alertname=x"], "names no incident");
    unknown(&person, "generic", &["alertname=x"], "generic");
    // Nobody configured them; nobody answers; what is answered is something else; they may not be asked.
    for (source, labels) in ASKED {
        unknown(&Person::with(""), source, labels, "not configured");
        unknown(&self::person("http://127.0.0.1:1"), source, labels, "reached");
    }
    for (status, body) in [(200, json!({ "odd": true })), (401, json!({})), (403, json!({})), (500, json!({}))] {
        let api = Api::start(move |_| answer(status, &body));
        for (source, labels) in ASKED {
            unknown(&self::person(&api.url()), source, labels, "");
        }
    }
}
