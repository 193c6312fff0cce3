//! `prometheus.query` against answers of every kind.

use serde_json::{Value, json};

use super::Person;
use super::api::{Api, json as answer};

fn vector(values: &[&str]) -> Value {
    let one = |value: &&str| json!({ "metric": { "job": "web" }, "value": [1_700_000_000, value] });
    json!({ "status": "success", "data": { "resultType": "vector", "result": values.iter().map(one).collect::<Vec<_>>() } })
}

fn asked(said: Value, more: &[&str]) -> (i32, Value) {
    let api = Api::start(move |_| answer(200, &said));
    let person = Person::with(&format!("[prometheus]\nurl = \"{}/base\"\ntoken = \"env:KEY\"\n", api.url()));
    let ran = person.act(&[&["prometheus.query", "--query", "sum(up{job=\"web\"})"], more].concat());
    let sent = &api.asked()[0];
    assert_eq!(sent.verb(), "POST /base/api/v1/query");
    assert!(sent.headers["authorization"].starts_with("Bearer c4n4ry"));
    assert!(sent.body.contains("query=sum%28up%7Bjob%3D%22web%22%7D%29"), "{}", sent.body);
    (ran.code, ran.json())
}

#[test]
fn one_value_is_one_value_and_nothing_is_never_zero() {
    let (code, said) = asked(vector(&["1.5"]), &[]);
    assert_eq!((code, &said["data"]["value"]), (0, &json!(1.5)), "{said}");
    let (code, said) = asked(vector(&[]), &[]);
    assert_eq!(code, 69, "{said}");
    assert!(said["errors"][0]["message"].as_str().is_some_and(|text| text.contains("no data")), "{said}");
    for strange in ["NaN", "+Inf", "-Inf", "x"] {
        assert_eq!(asked(vector(&[strange]), &[]).0, 69, "{strange}");
    }
    assert_eq!(asked(vector(&["1", "2"]), &[]).0, 69);
    let (code, said) = asked(vector(&["1", "2"]), &["--all"]);
    assert_eq!((code, said["data"]["values"].as_array().map(Vec::len)), (0, Some(2)), "{said}");
}

#[test]
fn the_words_of_a_refused_query_are_shown() {
    let said = json!({ "status": "error", "errorType": "bad_data", "error": "1:4: parse error: unexpected <eof>" });
    let api = Api::start(move |_| answer(400, &said));
    let person = Person::with(&format!("[prometheus]\nurl = \"{}\"\n", api.url()));
    let ran = person.act(&["prometheus.query", "--query", "sum("]);
    assert!(ran.code == 69 && ran.out.contains("parse error: unexpected"), "{ran:?}");
    let without = Person::with("").act(&["prometheus.query", "--query", "up"]);
    assert!(without.code == 78 && without.out.contains("prometheus.url"), "{without:?}");
}
