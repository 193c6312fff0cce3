//! What comes from PagerDuty says little: what its incident is about is asked, and playbooks match that.

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
