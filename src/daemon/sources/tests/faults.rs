//! Faults 25 and 26: whatever bytes come, they are read, or refused for a reason that is named.

use proptest::prelude::*;
use serde_json::json;

use super::*;

fn senders() -> Vec<Sender> {
    vec![
        Sender::Alertmanager,
        Sender::Grafana,
        Sender::PagerDuty,
        Sender::Datadog,
        Sender::Generic(Box::new(mapping())),
    ]
}

/// A known sender's body is read or refused, never both and never silently.
fn holds(answer: Result<Batch, Refusal>) {
    match answer {
        Ok(batch) => assert!(!batch.deliveries.is_empty() || batch.note.is_some()),
        Err(refusal) => {
            assert!(matches!(refusal.status, 400 | 401 | 413), "{refusal:?}");
            assert!(!refusal.why.is_empty() && refusal.why.len() < 1_000, "{refusal:?}");
            assert!(refusal.why.chars().all(|c| !c.is_control()), "{refusal:?}");
        }
    }
}

/// Every real body, with the sender that takes it.
fn real() -> Vec<(Sender, Vec<u8>)> {
    vec![
        (Sender::Alertmanager, payload("alertmanager/three-01-firing-n3.json")),
        (Sender::Grafana, payload("grafana/firing.json")),
        (Sender::PagerDuty, payload("pagerduty/triggered.json")),
        (Sender::PagerDuty, payload("pagerduty/annotated.json")),
        (Sender::Datadog, payload("datadog/triggered.json")),
    ]
}

/// Texts that hurt: of a shell, of a terminal, of a database.
fn nasty() -> impl Strategy<Value = String> {
    let known = [
        "$(reboot)",
        "`id`",
        "-rf",
        "--",
        "a\nb",
        "a\0b",
        "\u{202e}gpj.exe",
        "\u{1b}[2J",
        "'; DROP TABLE inbox; --",
        "{{7*7}}",
        "../../etc/passwd",
        "\u{feff}",
        "",
        " ",
        "ﷺ",
        "\u{10ffff}",
    ];
    prop_oneof![prop::sample::select(known.to_vec()).prop_map(str::to_owned), "\\PC{0,40}", any::<String>()]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, ..ProptestConfig::default() })]

    #[test]
    fn fault_26_any_bytes_are_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for sender in senders() {
            holds(take(&trusted(sender), &bytes));
        }
    }

    #[test]
    fn fault_26_a_real_body_with_a_damage_is_read_or_refused(
        which in 0..5_usize, at in any::<prop::sample::Index>(), byte in any::<u8>(), cut in any::<bool>(),
    ) {
        let (sender, mut body) = real().swap_remove(which);
        let at = at.index(body.len());
        if cut { body.truncate(at) } else { body[at] = byte }
        holds(take(&trusted(sender), &body));
    }

    #[test]
    fn fault_26_any_json_is_read_or_refused(text in r#"(\{|\[|\}|\]|,|:|"alerts"|"labels"|"version"|"4"|"status"|"firing"|"event"|1|null|"x"){0,40}"#) {
        for sender in senders() {
            holds(take(&trusted(sender), text.as_bytes()));
        }
    }

    #[test]
    fn fault_25_a_label_is_kept_as_it_is_or_refused(name in nasty(), value in nasty()) {
        let body = json!({ "version": "4", "groupKey": value, "alerts": [{
            "status": "firing", "startsAt": "2026-11-21T10:00:00Z", "labels": { name.clone(): value.clone() },
            "annotations": { name.clone(): value.clone() },
        }]}).to_string();
        let batch = take(&trusted(Sender::Alertmanager), body.as_bytes()).unwrap();
        let alert = &batch.deliveries[0].incoming.alert;
        prop_assert_eq!(&alert.labels[&name], &value);
        prop_assert_eq!(&alert.annotations[&name], &value);
        // Ids are of letters and digits whatever the labels are.
        prop_assert!(batch.deliveries[0].id.chars().all(|c| c.is_ascii_hexdigit()));
    }

    #[test]
    fn fault_26_lesson_36_a_wrong_signature_is_never_right_and_is_told_nothing(byte in any::<prop::sample::Index>(), bit in 0..8_u8, secret in "[a-z]{8,40}") {
        let source = source(Sender::PagerDuty, ProofConfig::Signed(Scheme::PagerDuty, secrets()));
        let body = payload("pagerduty/triggered.json");
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, SECRET.as_bytes());
        let mut tag = ring::hmac::sign(&key, &body).as_ref().to_vec();
        let right = digits(&tag);
        tag[byte.index(32)] ^= 1 << bit;
        let other = ring::hmac::sign(&ring::hmac::Key::new(ring::hmac::HMAC_SHA256, secret.as_bytes()), &body);
        for wrong in [&tag[..], other.as_ref()] {
            let headers = [("x-pagerduty-signature", format!("v1={}", digits(wrong)))];
            let refusal = hand(&source, &headers, &body, NOW).unwrap_err();
            prop_assert_eq!((refusal.status, refusal.text), (401, "not authorized\n"));
            prop_assert!(!refusal.why.contains(&right), "the answer to the riddle is not given away");
        }
    }

    #[test]
    fn fault_26_any_message_of_sns_is_a_strangers(text in "\\PC{0,80}", kind in "(Notification|SubscriptionConfirmation|\\PC{0,9})") {
        let sns = Arc::new(Sns { certificate: Some("sns/certificate.pem"), ..Sns::default() });
        let topic = "arn:aws:sns:eu-west-1:123456789012:alarms";
        let source = source_of(&config(Sender::Sns(vec![topic.to_owned()]), ProofConfig::Inside), &sns);
        let mut body: serde_json::Value = serde_json::from_slice(&payload("sns/cloudwatch-v2.json")).unwrap();
        body["Message"] = json!(text);
        body["Type"] = json!(kind);
        let refusal = take(&source, body.to_string().as_bytes()).unwrap_err();
        prop_assert_eq!((refusal.status, refusal.authenticated), (401, false));
    }
}

#[test]
fn fault_25_a_label_of_a_megabyte_and_what_is_no_text_are_refused() {
    let source = trusted(Sender::Alertmanager);
    let alert = |label: &str| {
        format!(
            r#"{{"version":"4","alerts":[{{"status":"firing","labels":{{"a":"{label}"}},"startsAt":"2026-11-21T10:00:00Z"}}]}}"#
        )
    };
    let refusal = take(&source, alert(&"x".repeat(1 << 20)).as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (413, true));
    let mut bytes = alert("MARK").into_bytes();
    let at = bytes.windows(4).position(|four| four == b"MARK").unwrap();
    bytes[at] = 0xff;
    assert_eq!(take(&source, &bytes).unwrap_err().status, 400, "not UTF-8");
    assert_eq!(take(&source, alert("a\nb").as_bytes()).unwrap_err().status, 400, "a raw line break is no JSON");
}

#[test]
fn fault_26_a_replay_has_the_same_ids() {
    for (sender, body) in real() {
        let source = trusted(sender);
        let (first, again) = (take(&source, &body).unwrap(), take(&source, &body).unwrap());
        assert_eq!(first, again);
    }
}

#[test]
fn fault_26_deep_and_endless_bodies_are_cut_short() {
    for sender in senders() {
        let source = trusted(sender);
        for deep in ["[".repeat(1 << 19), r#"{"a":"#.repeat(1 << 17), format!("{{\"alerts\":{}", "[".repeat(1 << 18))] {
            let refusal = take(&source, deep.as_bytes()).unwrap_err();
            assert!(refusal.status == 400 && refusal.why.contains("deeper"), "{}", refusal.why);
        }
    }
}

#[test]
fn a_group_of_ten_thousand_alerts_is_read_whole() {
    let alert = |n: usize| {
        let text = "x".repeat(600);
        format!(
            r#"{{"status":"firing","labels":{{"alertname":"Down","host":"web-{n}"}},"annotations":{{"description":"{text}"}},"startsAt":"2026-11-21T10:00:00Z","fingerprint":"{n:016x}"}}"#
        )
    };
    let body = |count: usize| {
        let alerts: Vec<String> = (0..count).map(alert).collect();
        format!(r#"{{"version":"4","groupKey":"g","alerts":[{}],"truncatedAlerts":0}}"#, alerts.join(","))
    };
    let source = trusted(Sender::Alertmanager);
    assert_eq!(take(&source, body(10_000).as_bytes()).unwrap().deliveries.len(), 10_000);
    let refusal = take(&source, body(10_001).as_bytes()).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (413, true));
}
