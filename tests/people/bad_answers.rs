//! Servers that misbehave: every one is a fault that says so, in time, and nothing is believed.

use serde_json::json;

use super::Person;
use super::api::{Answer, Api, silence, with};

/// One way to misbehave.
type Way = fn() -> Answer;

const WAYS: [(&str, Way); 14] = [
    ("html", || with(200, &[("content-type", "text/html")], b"<html><h1>Log in</h1></html>")),
    ("half a body", || {
        Some(b"HTTP/1.1 200 X\r\ncontent-length: 500\r\nconnection: close\r\n\r\n{\"status\":".to_vec())
    }),
    ("half of json", || with(200, &[], b"{\"status\": \"succ")),
    ("empty", || with(200, &[], b"")),
    ("huge", || with(200, &[], &vec![b' '; 9 << 20])),
    ("401", || with(401, &[], b"{\"error\":{\"message\":\"Unauthorized\"}}")),
    ("403", || with(403, &[], b"")),
    ("404", || with(404, &[], b"{\"error\":\"not found\"}")),
    ("409", || with(409, &[], b"{\"errors\":{\"a\":[\"b\"]}}")),
    ("429", || with(429, &[("ratelimit-reset", "3600")], b"slow down")),
    ("500", || with(500, &[("retry-after", "0")], b"\xff\xfe")),
    ("503", || with(503, &[("retry-after", "0")], b"<html>")),
    ("redirect", || with(307, &[("location", "http://127.0.0.1:1/")], b"")),
    ("closed", || None),
];

fn person(url: &str) -> Person {
    Person::with(&format!(
        "[prometheus]\nurl = \"{url}\"\n[page]\nrouting_key = \"env:KEY\"\nurl = \"{url}\"\n\
         [opsgenie]\nkey = \"env:KEY\"\nurl = \"{url}\"\n\
         [alertmanager]\nurls = \"{url}\"\n[tickets.ops]\npreset = \"github\"\nproject = \"a/b\"\nurl = \"{url}\"\ntoken = \"env:KEY\"\n"
    ))
}

#[test]
fn whatever_a_server_does_is_a_fault_with_its_name() {
    std::thread::scope(|scope| {
        for (name, way) in WAYS {
            scope.spawn(move || {
                let api = Api::start(move |_| way());
                let person = person(&api.url());
                let query = person.act(&["prometheus.query", "--query", "up"]);
                assert_eq!(query.code, 69, "{name}: {query:?}");
                assert_eq!(query.json()["success"], json!(false), "{name}");
                let firing = person.act(&["alert.still_firing", "--label", "alertname=A"]);
                assert_eq!(
                    (firing.code, &firing.json()["data"]["firing"]),
                    (69, &json!("unknown")),
                    "{name}: {firing:?}"
                );
                let words = ["ticket.create", "--desk", "ops", "--title", "t", "--text", "x"];
                let ticket = person.agreed(&words);
                assert_eq!(ticket.code, 69, "a ticket that cannot be looked for is not made; {name}: {ticket:?}");
                assert_eq!(api.count("POST /repos/a/b/issues"), 0, "{name}");
            });
        }
    });
}

#[test]
fn a_slow_server_is_given_up() {
    let api = Api::start(|_| silence());
    let ran = person(&api.url()).act(&["prometheus.query", "--query", "up", "--within", "1"]);
    assert_eq!((ran.code, &ran.json()["errors"][0]["kind"]), (69, &json!("timeout")), "{ran:?}");
}

#[test]
fn a_page_is_taken_where_the_pager_says_so_and_by_nobody_in_between() {
    std::thread::scope(|scope| {
        for (name, way) in WAYS {
            scope.spawn(move || {
                let api = Api::start(move |_| way());
                let ran = person(&api.url()).agreed(&["page", "--key", "k", "--summary", "s"]);
                assert_ne!(ran.code, 0, "{name}: {ran:?}");
            });
        }
    });
}
