//! What comes from PagerDuty says little: what its incident is about is asked, and playbooks match that. And by which key an
//! alert pages.

use super::*;

#[test]
fn a_playbook_matches_what_the_alerts_of_an_incident_say_once_that_can_be_read() {
    let there = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&there);
    let rest = Api::start(move |asked| match asked.place() {
        "/incidents/PGR0VU2/alerts" if seen.load(Ordering::SeqCst) => {
            let details = json!({ "alertname": "Down", "unit": "web", "severity": "critical" });
            answer(200, &json!({ "alerts": [{ "id": "A", "alert_key": "k", "body": { "details": details } }] }))
        }
        _ => answer(404, &json!({ "error": { "message": "Not Found", "code": 2100 } })),
    });
    let host = Host::with(&format!(
        "[sources.pagerduty]\nkind = \"pagerduty\"\nsecret = \"env:SECRET\"\n\
         [pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{}\"",
        rest.url()
    ));
    let daemon = host.start();
    let (code, said) = daemon.event("E1", "incident.triggered", "the-key-of-another-sender");
    assert_eq!(code, 200, "{said}");
    let put_off = || host.decided().iter().any(|state| state.starts_with("suppressed: what its incident is about"));
    wait_until("it is asked again later", put_off);
    assert!(host.runs().is_empty());
    there.store(true, Ordering::SeqCst);
    wait_until("the playbook answers", || host.runs().first().is_some_and(|run| run.state.terminal()));
    assert_eq!((host.runs()[0].state.word(), host.effects()), ("succeeded", 1), "{}", host.log());
    assert_eq!(host.runs()[0].page, "the-key-of-another-sender", "its page is that incident");
    // That it is over is known by the incident, whatever its alerts said.
    assert_eq!(daemon.event("E2", "incident.resolved", "the-key-of-another-sender").0, 200);
    wait_until("it is decided", || host.inbox().len() == 2 && host.all_decided());
    assert!(host.woken().is_empty(), "{:?}", host.woken());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn an_alert_of_another_sender_pages_by_the_same_key_whoever_brings_it() {
    let host = Host::with("[sources.datadog]\nkind = \"datadog\"\ntoken = \"env:TOKEN\"");
    let daemon = host.start();
    // One with a group of its own, and one without.
    let grouped = include_str!("../payloads/datadog/triggered.json").to_owned();
    let alone = grouped.replace("9bd4ac313a4d1e8fae2482df7b77628", "").replace("\"1234\"", "\"77\"");
    for text in [&grouped, &alone] {
        assert_eq!(post(daemon.port, "/datadog", Some(TOKEN), text.as_bytes()).0, 200, "{}", host.log());
    }
    wait_until("each wakes somebody", || host.woken().len() == 2);
    let cluster = block(host.store().identity()).expect("an id").cluster_id;
    let by_hand = |text: &str| {
        let alert = ira_commands::playbook::Incoming::default();
        ira::pages::key(&ira::config::systems::SystemsConfig::default(), text, &alert, &cluster).0
    };
    let mut expected = [by_hand(&grouped), by_hand(&alone)];
    let mut woken = host.woken();
    expected.sort();
    woken.sort();
    assert_eq!(woken, expected);
    assert_eq!(daemon.end(), Some(0));
}
