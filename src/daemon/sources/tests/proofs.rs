//! How a sender proves who it is.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::hmac;

use super::*;

fn body() -> Vec<u8> {
    payload("alertmanager/single-01-firing-n1.json")
}

fn mac(secret: &[u8], parts: &[&[u8]]) -> Vec<u8> {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, secret), &parts.concat()).as_ref().to_vec()
}

fn hex_of(secret: &str, parts: &[&[u8]]) -> String {
    digits(&mac(secret.as_bytes(), parts))
}

/// Every refusal of a stranger is the same.
fn is_strange(answer: Result<Batch, Refusal>) -> String {
    let refusal = answer.unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (401, false), "{}", refusal.why);
    assert_eq!(refusal.text, "not authorized\n");
    assert!(!refusal.why.contains("CANARY"), "{}", refusal.why);
    refusal.why
}

#[test]
fn a_bearer_token_is_right_or_a_strangers() {
    let source = source(Sender::Alertmanager, ProofConfig::Bearer(secrets()));
    for good in [SECRET, OLD] {
        let headers = [("authorization", format!("Bearer {good}"))];
        assert_eq!(hand(&source, &headers, &body(), NOW).unwrap().deliveries.len(), 1);
    }
    for wrong in ["Bearer ", "Bearer CANARY", SECRET, "bearer CANARY-of-a-secret", "Basic Q0FOQVJZ"] {
        is_strange(hand(&source, &[("authorization", wrong.to_owned())], &body(), NOW));
    }
    is_strange(hand(&source, &[], &body(), NOW));
    let twice = [("authorization", format!("Bearer {SECRET}")), ("authorization", "Bearer other".to_owned())];
    is_strange(hand(&source, &twice, &body(), NOW));
}

#[test]
fn a_user_a_header_and_a_certificate_prove_too() {
    let basic = source(Sender::Alertmanager, ProofConfig::Basic("am".to_owned(), secrets()));
    let given = |user: &str| [("authorization", format!("Basic {}", STANDARD.encode(format!("{user}:{SECRET}"))))];
    assert!(hand(&basic, &given("am"), &body(), NOW).is_ok());
    is_strange(hand(&basic, &given("other"), &body(), NOW));

    let header = source(Sender::Alertmanager, ProofConfig::Header("x-ira-token".to_owned(), secrets()));
    assert!(hand(&header, &[("x-ira-token", SECRET.to_owned())], &body(), NOW).is_ok());
    is_strange(hand(&header, &[("x-ira-token", format!("{SECRET} "))], &body(), NOW));

    let certificate = source(Sender::Alertmanager, ProofConfig::Certificate(vec!["am-1.example".to_owned()]));
    let headers = HeaderMap::new();
    let open = |peer: &[String]| certificate.open(Head { headers: &headers, peer, loopback: true }).is_ok();
    assert!(open(&["am-1.example".to_owned()]));
    assert!(!open(&["am-2.example".to_owned()]) && !open(&[]));
}

#[test]
fn what_nothing_proves_is_taken_on_loopback_alone() {
    let source = trusted(Sender::Alertmanager);
    assert!(source.is_open());
    let headers = HeaderMap::new();
    assert!(source.open(Head { headers: &headers, peer: &[], loopback: false }).is_err());
    assert!(source.open(Head { headers: &headers, peer: &[], loopback: true }).is_ok());
}

#[test]
fn pagerduty_signs_the_body_with_any_of_its_secrets() {
    let source = source(Sender::PagerDuty, ProofConfig::Signed(Scheme::PagerDuty, secrets()));
    let body = payload("pagerduty/triggered.json");
    let name = "x-pagerduty-signature";
    let right = hex_of(OLD, &[&body]);
    for good in [
        format!("v1={right}"),
        format!("v1={},v1={right}", hex_of("unknown", &[&body])),
        format!("v0=00, v1={}", right.to_uppercase()),
    ] {
        assert!(hand(&source, &[(name, good)], &body, NOW).is_ok());
    }
    for wrong in ["", "v1=", &right, &format!("v2={right}"), &format!("v1={}", &right[2..]), &format!("v1={right}00")] {
        is_strange(hand(&source, &[(name, (*wrong).to_owned())], &body, NOW));
    }
    let mut changed = body.clone();
    changed[200] ^= 1;
    is_strange(hand(&source, &[(name, format!("v1={right}"))], &changed, NOW));
    // The tenth is not looked at: work is bounded.
    let many = format!("{}v1={right}", format!("v1={},", "0".repeat(64)).repeat(9));
    is_strange(hand(&source, &[(name, many)], &body, NOW));
}

#[test]
fn standard_webhooks_sign_id_and_time_and_body() {
    let generic = Sender::Generic(Box::new(Mapping { starts_at: None, ..mapping() }));
    let source = source(generic, ProofConfig::Signed(Scheme::Standard, secrets()));
    let body =
        br#"{"alerts":[{"name":"Down","host":"web-01","state":"bad"},{"name":"Up","host":"web-02","state":"ok"}]}"#;
    let headers = |id: &str, time: u64, signed: &str| {
        let tag = STANDARD.encode(mac(SECRET.as_bytes(), &[signed.as_bytes(), body]));
        [
            ("webhook-id", id.to_owned()),
            ("webhook-timestamp", time.to_string()),
            ("webhook-signature", format!("v1a,ignored v1,{tag}")),
        ]
    };
    let good = hand(&source, &headers("msg_1", NOW, &format!("msg_1.{NOW}.")), body, NOW + 299).unwrap();
    let ids: Vec<&str> = good.deliveries.iter().map(|one| one.id.as_str()).collect();
    assert_eq!(ids, ["msg_1:0", "msg_1:1"]);
    for late in [NOW + 301, NOW - 301] {
        let why = is_strange(hand(&source, &headers("msg_1", NOW, &format!("msg_1.{NOW}.")), body, late));
        assert!(why.contains("301 s from now"), "{why}");
    }
    is_strange(hand(&source, &headers("msg_2", NOW, &format!("msg_1.{NOW}.")), body, NOW));
    is_strange(hand(&source, &headers("msg_1", NOW + 1, &format!("msg_1.{NOW}.")), body, NOW));
}

#[test]
fn a_secret_of_standard_webhooks_may_be_encoded() {
    let env = FixedEnv::of([("NEW", "whsec_Q0FOQVJZLW9mLWEtc2VjcmV0"), ("OLD", "whsec_not base64")]);
    let sender = Sender::Generic(Box::new(mapping()));
    let of = |name: &str| {
        let secrets = vec![SecretRef::Env(name.to_owned())];
        let config = config(sender.clone(), ProofConfig::Signed(Scheme::Standard, secrets));
        Source::new("test", &config, &env, Arc::new(Sns::default()))
    };
    let body = br#"{"alerts":[{"name":"Down","state":"bad","since":1}]}"#;
    let tag = STANDARD.encode(mac(SECRET.as_bytes(), &[format!("m.{NOW}.").as_bytes(), body]));
    let headers = [
        ("webhook-id", "m".to_owned()),
        ("webhook-timestamp", NOW.to_string()),
        ("webhook-signature", format!("v1,{tag}")),
    ];
    assert!(hand(&of("NEW").unwrap(), &headers, body, NOW).is_ok());
    let fault = of("OLD").err().unwrap();
    assert!(!format!("{fault:?}").contains("not base64"), "{fault:?}");
}

#[test]
fn grafana_signs_the_body_and_the_time_where_it_is_told_to() {
    let body = payload("grafana/firing.json");
    let name = "x-grafana-alerting-signature";
    let plain = source(Sender::Grafana, ProofConfig::Signed(Scheme::Grafana(None), secrets()));
    assert!(hand(&plain, &[(name, hex_of(SECRET, &[&body]))], &body, NOW).is_ok());
    is_strange(hand(&plain, &[(name, hex_of("other", &[&body]))], &body, NOW));

    let timed = ProofConfig::Signed(Scheme::Grafana(Some("x-time".to_owned())), secrets());
    let timed = source(Sender::Grafana, timed);
    let stamp = NOW.to_string();
    let right = hex_of(SECRET, &[stamp.as_bytes(), b":", &body]);
    let headers = [(name, right.clone()), ("x-time", stamp)];
    assert!(hand(&timed, &headers, &body, NOW).is_ok());
    is_strange(hand(&timed, &headers, &body, NOW + 600));
    is_strange(hand(&timed, &[(name, right)], &body, NOW));
}

#[test]
fn a_body_that_is_too_long_is_its_known_senders_up_to_four_times() {
    let limits = Limits { body: 1_000, ..Limits::default() };
    let long = |length: usize| vec![b' '; length];
    let of = |sender, proof| source_of(&SourceConfig { limits, ..config(sender, proof) }, &Arc::default());

    let bearer = of(Sender::Alertmanager, ProofConfig::Bearer(secrets()));
    let token = [("authorization", format!("Bearer {SECRET}"))];
    let refusal = hand(&bearer, &token, &long(1_001), NOW).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (413, true));

    let signed = of(Sender::PagerDuty, ProofConfig::Signed(Scheme::PagerDuty, secrets()));
    let sign = |body: &[u8]| [("x-pagerduty-signature", format!("v1={}", hex_of(SECRET, &[body])))];
    for (length, status, known) in [(1_001, 413, true), (4_000, 413, true), (4_001, 413, false)] {
        let body = long(length);
        let refusal = hand(&signed, &sign(&body), &body, NOW).unwrap_err();
        assert_eq!((refusal.status, refusal.authenticated), (status, known), "{length}");
    }
    is_strange(hand(&signed, &sign(&long(7)), &long(2_000), NOW));

    let sns = of(Sender::Sns(Vec::new()), ProofConfig::Inside);
    let refusal = hand(&sns, &[], &long(1_001), NOW).unwrap_err();
    assert_eq!((refusal.status, refusal.authenticated), (413, false));
}

#[test]
fn a_secret_that_anybody_could_guess_opens_nothing() {
    for weak in ["", "short"] {
        let env = FixedEnv::of([("NEW", weak)]);
        let proof = ProofConfig::Bearer(vec![SecretRef::Env("NEW".to_owned())]);
        let made = Source::new("am", &config(Sender::Alertmanager, proof), &env, Arc::new(Sns::default()));
        assert!(made.is_err(), "{weak}");
    }
}

#[test]
fn a_refusal_and_what_is_read_show_no_secret() {
    let source = source(Sender::Alertmanager, ProofConfig::Bearer(secrets()));
    let refusal = hand(&source, &[("authorization", "Bearer CANARY".to_owned())], b"", NOW).unwrap_err();
    assert!(!format!("{refusal:?}").contains("CANARY"));
    let shown = config(Sender::Alertmanager, ProofConfig::Bearer(secrets()));
    assert!(!format!("{shown:?}").contains("CANARY"));
}
