//! Whatever bytes an alert holds: one value, or a refusal.

use proptest::prelude::*;
use serde_json::Value as Json;

use super::super::*;

fn playbook(labels: &str) -> Playbook {
    let text = format!(
        "ira: 1\nplaybook: p\nowner: o\non: [{{ source: any, key: [alert.labels.x] }}]\ntargets: {{ x: ['*'] }}\n{labels}\
         queries: {{ q: {{ prometheus: 'up{{a=$key}}' }} }}\n\
         steps: [{{ id: s, do: script.run, with: {{ argv: [--, $alert.labels.x, 'a=$alert.labels.x', $key] }}, timeout: 1s }}]\n"
    );
    let (playbook, problems) = super::super::lower::read(&text);
    assert_eq!(problems, []);
    playbook.expect("a playbook")
}

/// Texts of every kind: bytes as they come, and what is made to hurt.
fn texts() -> impl Strategy<Value = String> {
    let bytes = any::<Vec<u8>>().prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    let hurting = prop::sample::select(vec![
        "$(id)",
        "`id`",
        "-rf",
        "--",
        "a\nb",
        "a\0b",
        "\u{202e}gpj",
        "\u{200b}",
        "../..",
        "a;b",
        "a b",
        "'",
        "\"",
        "\\",
        "$key",
        "${x}",
        "{{ x }}",
        "%s",
        "\r\n",
        "\u{1b}[31m",
        "web-01",
        "0x00",
        "é",
    ])
    .prop_map(str::to_owned);
    let joined = (hurting.clone(), any::<String>(), hurting.clone()).prop_map(|(a, b, c)| format!("{a}{b}{c}"));
    let long = (1usize..2_000_000).prop_map(|length| "a".repeat(length));
    prop_oneof![3 => bytes, 3 => any::<String>(), 3 => hurting, 3 => joined, 1 => long]
}

/// What may be inserted, whatever a pattern says.
fn is_harmless(text: &str) -> bool {
    !text.is_empty() && text.len() <= 1_024 && !text.starts_with('-') && crate::text::clean(text) == text
}

proptest! {
    #[test]
    fn any_label_becomes_exactly_one_value_or_a_refusal(label in texts(), loose in any::<bool>()) {
        let playbook = playbook(if loose { "labels: { x: '(?s).*' }\n" } else { "" });
        let mut scope = Scope::default();
        scope.alert.alert.labels.insert("x".into(), label.clone());
        scope.key = vec![KeyPart { path: "alert.labels.x".into(), value: label.clone() }];
        match arguments(&playbook, &playbook.steps[0], true, &scope) {
            Ok(bound) => {
                let argv = bound["argv"].as_array().expect("a list");
                let wanted: Vec<Json> = vec!["--".into(), label.clone().into(), format!("a={label}").into(), label.clone().into()];
                prop_assert_eq!(argv, &wanted);
                prop_assert!(is_harmless(&label));
                prop_assert!(loose || is_dns_label(&label));
            }
            Err(refusal) => {
                prop_assert!(!loose || !is_harmless(&label), "{}", refusal.message);
                prop_assert!(loose || !is_dns_label(&label), "{}", refusal.message);
                prop_assert_eq!(crate::text::clean(&refusal.message), refusal.message.clone());
                prop_assert!(refusal.message.len() < 400 && refusal.at.line > 0);
            }
        }
        // In PromQL it stays within its quotes.
        if let Ok(asked) = question(&playbook, &playbook.queries["q"], &scope) {
            let query = asked["query"].as_str().expect("a text").to_owned();
            let inner = query.strip_prefix("up{a=\"").and_then(|rest| rest.strip_suffix("\"}")).expect("quoted").to_owned();
            let unescaped = inner.replace("\\\\", "\u{1}").replace("\\\"", "\u{2}");
            prop_assert!(!unescaped.contains('"'), "{}", query);
            prop_assert_eq!(unescaped.replace('\u{1}', "\\").replace('\u{2}', "\""), label);
        }
    }

    #[test]
    fn any_alert_is_decided_without_a_panic(name in any::<String>(), value in texts()) {
        let playbook = parse(super::FUND).expect("sound");
        let mut alert = Incoming { source: "alertmanager".into(), ..Incoming::default() };
        for label in ["alertname", "env", "coordinator", name.as_str()] {
            alert.alert.labels.insert(label.into(), value.clone());
            alert.alert.annotations.insert(label.into(), value.clone());
        }
        let decision = decide(&[&playbook], &alert);
        prop_assert!(decision.writer.is_none());
    }

    #[test]
    fn any_text_is_read_or_refused(text in texts(), at in any::<prop::sample::Index>()) {
        drop(parse(&text));
        // A sound file with something in its middle.
        let mut file = super::FUND.to_owned();
        let chars: Vec<usize> = file.char_indices().map(|(at, _)| at).collect();
        file.insert_str(chars[at.index(chars.len())], &text);
        if let Err(problems) = parse(&file) {
            prop_assert!(!problems.is_empty() && problems.iter().all(|one| one.line > 0 && one.message.len() < 2_000));
        }
    }
}

#[test]
fn a_url_that_an_alert_has_a_part_in_is_marked_and_a_secret_is_named_by_no_variable() {
    let asked = |with: &str| {
        let text = format!(
            "ira: 1\nplaybook: p\nowner: o\non: [{{ source: any, key: [alert.labels.x] }}]\n\
             params: {{ p: {{ type: string, default: a }} }}\n\
             queries: {{ q: {{ do: http.check, with: {{ {with} }}, take: status }} }}\nsteps: []\n"
        );
        let playbook = super::super::lower::read(&text).0.expect("a playbook");
        let mut scope = Scope { params: params(&playbook, &[].into()).expect("defaults"), ..Scope::default() };
        scope.alert.alert.labels.insert("x".into(), "web-1".into());
        scope.key = vec![KeyPart { path: "alert.labels.x".into(), value: "web-1".into() }];
        question(&playbook, &playbook.queries["q"], &scope)
    };
    let marked = |with: &str| asked(with).expect("bound")["untrusted"].clone();
    assert_eq!(marked("url: 'https://h.example/$key'"), true);
    assert_eq!(marked("url: 'https://h.example/$alert.labels.x', untrusted: false"), true);
    assert_eq!(marked("url: 'https://h.example/$params.p'"), Json::Null);
    assert_eq!(marked("url: 'https://web.example/', contains: $key"), Json::Null);
    assert!(asked("url: 'https://web.example/', secret-header: ['A: $key']").is_err());
}
