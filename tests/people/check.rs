//! `http.check` and `http.request`.

use serde_json::json;

use super::api::{Api, json as answer, silence, with};
use super::{CANARY, Person};

#[test]
fn an_answer_is_judged_by_status_body_and_header() {
    let api = Api::start(|asked| match asked.place() {
        "/well" => with(200, &[("content-type", "text/plain; charset=utf-8")], b"all is well"),
        "/moved" => with(302, &[("location", "http://127.0.0.1:1/elsewhere")], b""),
        "/huge" => with(200, &[], &vec![b'x'; 3 << 20]),
        _ => with(503, &[], b"down for repair"),
    });
    let person = Person::with("");
    let check = |path: &str, more: &[&str]| {
        let url = format!("{}{path}", api.url());
        let mut words = vec!["http.check", "--url", url.as_str()];
        words.extend(more);
        let ran = person.act(&words);
        (ran.code, ran.json()["data"].clone())
    };
    let (code, data) = check("/well", &["--contains", "well", "--expect-header", "Content-Type: text/plain"]);
    assert_eq!((code, &data["status"], &data["ok"]), (0, &json!(200), &json!(true)), "{data}");
    assert_eq!(data["excerpt"], "all is well");
    assert!(data["digest"].as_str().is_some_and(|text| text.len() == 7 + 64), "{data}");
    let (code, data) = check("/well", &["--contains", "ill", "--expect-header", "x-a: b", "--status", "204"]);
    assert_eq!((code, data["wrong"].as_array().map(Vec::len)), (4, Some(3)), "{data}");
    let (code, data) = check("/down", &[]);
    assert_eq!((code, &data["excerpt"]), (4, &json!("down for repair")));
    let (code, data) = check("/moved", &["--status", "302"]);
    assert_eq!((code, &data["status"]), (0, &json!(302)), "a redirect is an answer: {data}");
    let (code, data) = check("/huge", &["--method", "get"]);
    assert_eq!((code, &data["cut"], &data["bytes"]), (0, &json!(true), &json!(1 << 20)), "{data}");
    assert!(data["excerpt"].as_str().is_some_and(|text| text.len() < 1_000), "lesson 33: outputs have caps");
    assert_eq!(person.journal(), "", "a look writes nothing down");
}

#[test]
fn a_dead_and_a_silent_server_could_not_be_checked() {
    let silent = Api::start(|_| silence());
    let person = Person::with("");
    let closed = crate::support::bed::free_port();
    for (url, kind) in [(format!("http://127.0.0.1:{closed}"), "unreachable"), (silent.url(), "timeout")] {
        let ran = person.act(&["http.check", "--url", &url, "--within", "1"]);
        assert_eq!((ran.code, &ran.json()["errors"][0]["kind"]), (69, &json!(kind)), "{ran:?}");
    }
}

#[test]
fn a_request_is_sent_once_with_a_key_of_its_own_and_secrets_by_reference() {
    let api = Api::start(|_| answer(201, &json!({ "id": 7 })));
    let person = Person::with("");
    let url = api.url();
    let words = [
        "http.request",
        "--url",
        &url,
        "--body",
        "{\"a\": 1}",
        "--secret-header",
        "Authorization: Bearer env:KEY",
        "--header",
        "X-Run: 17",
    ];
    let plan = person.act(&[&words[..], &["--dry-run"]].concat());
    assert_eq!((plan.code, api.asked().len()), (0, 0), "lesson 40: a dry run sends nothing: {plan:?}");
    let asked = person.act(&words);
    assert_eq!((asked.code, api.asked().len()), (3, 0), "{asked:?}");
    let done = person.agreed(&words);
    assert_eq!(done.code, 0, "{done:?}");
    let sent = api.asked();
    assert_eq!(sent.len(), 1);
    assert_eq!(sent[0].headers["authorization"], format!("Bearer {CANARY}"));
    assert_eq!(
        (sent[0].headers["content-type"].as_str(), sent[0].headers["x-run"].as_str()),
        ("application/json", "17")
    );
    let key = sent[0].headers["idempotency-key"].clone();
    assert!(person.journal().contains(&key), "it is written down before it is sent");
    assert!(!person.journal().contains(CANARY), "lesson_35");
}

#[test]
fn what_may_have_happened_is_not_sent_again_and_what_did_not_may_be() {
    for (status, open) in
        [(500, true), (503, true), (302, true), (400, false), (404, false), (409, false), (429, false)]
    {
        let api = Api::start(move |_| with(status, &[("location", "/x")], b"no"));
        let person = Person::with("");
        let url = api.url();
        let words = ["http.request", "--url", url.as_str(), "--method", "delete"];
        let first = person.agreed(&words);
        assert_ne!(first.code, 0, "{status}: {first:?}");
        person.agreed(&words);
        let wanted = if open { 1 } else { 2 };
        assert_eq!(api.asked().len(), wanted, "{status}: {first:?}");
    }
    let silent = Api::start(|_| silence());
    let person = Person::with("");
    let url = silent.url();
    let words = ["http.request", "--url", url.as_str(), "--within", "1"];
    assert_eq!(person.agreed(&words).code, 75);
    assert_eq!(person.agreed(&words).code, 75);
    assert_eq!(silent.asked().len(), 1, "a timeout is not known, and is not repeated");
}
