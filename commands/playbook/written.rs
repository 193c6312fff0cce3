//! A test of a playbook, written down as it stands in the file.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::{Map, Value as Json, json};

use super::case::{Answer, Case, Expect, Fixture};

/// The text of a test, as an item of `tests:`; `remarks` stand above what is expected.
pub fn written(case: &Case, remarks: &[String]) -> String {
    let mut text = format!("  - name: {}\n", flow(&json!(case.name)));
    let mut line = |name: &str, value: &Json| {
        if value.as_object().is_none_or(|map| !map.is_empty()) {
            // Writing to a text does not fail.
            let _ = writeln!(text, "    {name}: {}", flow(value));
        }
    };
    line("alert", &alert(&case.alert));
    line("set", &json!(case.set));
    line("params", &json!(case.params));
    if !case.mock.is_empty() {
        text.push_str("    mock:\n");
        for (name, answers) in &case.mock {
            let _ = writeln!(text, "      {name}: {}", flow(&said(answers)));
        }
    }
    for remark in remarks {
        let _ = writeln!(text, "    # {}", crate::text::clean(remark));
    }
    let _ = writeln!(text, "    expect: {}", flow(&expected(&case.expect)));
    text
}

fn alert(fixture: &Fixture) -> Json {
    match fixture {
        Fixture::File(file) => json!(file.text),
        Fixture::Written { labels, annotations, resolved } => {
            let mut map = Map::new();
            let mut add = |name: &str, all: &BTreeMap<String, String>| {
                if !all.is_empty() {
                    map.insert(name.to_owned(), json!(all));
                }
            };
            add("labels", labels);
            add("annotations", annotations);
            if *resolved {
                map.insert("status".to_owned(), json!("resolved"));
            }
            Json::Object(map)
        }
    }
}

/// One answer stands for itself where it can be taken for nothing else.
fn said(answers: &[Answer]) -> Json {
    let one = |answer: &Answer| match answer {
        Answer::Ok => json!("ok"),
        Answer::Out(out) => out.clone(),
        Answer::Refused => json!("refused"),
        Answer::Failed => json!("failed"),
        Answer::Unknown => json!("unknown"),
    };
    match answers {
        [answer] if !matches!(answer, Answer::Out(Json::Array(_))) => one(answer),
        many => many.iter().map(one).collect(),
    }
}

fn expected(expect: &Expect) -> Json {
    let mut map = Map::new();
    let mut add = |name: &str, value: Option<Json>| value.map(|value| map.insert(name.to_owned(), value));
    add("decision", expect.decision.as_ref().map(|word| json!(word.text)));
    add("reason", expect.reason.as_ref().map(|word| json!(word)));
    add("path", expect.path.as_ref().map(|path| json!(path)));
    add("verified", expect.verified.map(Json::from));
    add("escalated", expect.escalated.map(Json::from));
    add("undone", expect.undone.as_ref().filter(|undone| !undone.is_empty()).map(|undone| json!(undone)));
    Json::Object(map)
}

/// JSON, which is YAML too; what no eye would see in it is escaped as YAML has it.
fn flow(value: &Json) -> String {
    let plain = |c: char| c == ' ' || c.is_ascii_graphic() || c.is_alphanumeric();
    let mut text = String::new();
    for c in value.to_string().chars() {
        if plain(c) {
            text.push(c);
        } else {
            let _ = write!(text, "\\U{:08X}", u32::from(c));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::playbook::{Place, Text, parse, test};

    #[test]
    fn lesson_41_what_is_written_down_is_read_back_whatever_the_alert_says() {
        let playbook = crate::playbook::template(Some("mine"));
        let head = playbook.split("tests:").next().expect("a head").to_owned();
        let hostile = "a\u{202e}b\u{7f}c\n\"d\\ 'e' #f: {g}\u{1F600}\u{2028}";
        let labels = [("alertname".to_owned(), "Other".to_owned()), ("x".to_owned(), hostile.to_owned())];
        let case = Case {
            name: format!("run 1: {hostile}"),
            alert: Fixture::Written {
                labels: labels.into(),
                annotations: [("y".to_owned(), hostile.to_owned())].into(),
                resolved: true,
            },
            set: [("alert.starts_at".to_owned(), json!(7))].into(),
            params: BTreeMap::new(),
            mock: BTreeMap::new(),
            expect: Expect {
                decision: Some(Text { text: "ignored".to_owned(), at: Place::default() }),
                escalated: Some(false),
                ..Expect::default()
            },
            at: Place::default(),
        };
        let text = format!("{head}tests:\n{}", written(&case, &["a\nremark".to_owned()]));
        let read = parse(&text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"));
        let [back] = read.tests.as_slice() else { panic!("one test") };
        assert_eq!((&back.alert, &back.set, &back.expect.escalated), (&case.alert, &case.set, &Some(false)));
        let results = test(&read, &|_| Err("none".to_owned()));
        assert!(results[0].wrong.is_empty(), "{results:?}");
    }
}
