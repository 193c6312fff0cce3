//! Start, work, stop.

use super::*;

#[test]
fn an_alert_is_taken_answered_by_a_run_and_verified() {
    let host = Host::new();
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200, "{}", host.log());
    wait_until("the run ends", || host.runs().first().is_some_and(|run| run.state.terminal()));
    let run = host.runs().remove(0);
    assert_eq!((run.state.word(), host.effects()), ("succeeded", 1), "{run:?}\n{}", host.log());
    assert_eq!(host.decided(), ["run 1"]);
    assert!(host.woken().is_empty(), "nobody is woken for what was mended");
    assert_eq!(daemon.end(), Some(0), "{}", host.log());
    let log = host.log();
    assert!(!log.contains(TOKEN) && !log.contains(CANARY), "I22: {log}");
}

#[test]
fn what_does_not_help_reaches_a_person_under_alertmanagers_own_key() {
    let host = Host::new();
    host.site.store(false, Ordering::SeqCst);
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("somebody is woken", || !host.woken().is_empty());
    let key = sha256("{}:{alertname=\"Down\", unit=\"web\"}");
    assert_eq!(host.woken(), [key], "{:?}", host.mails());
    assert_eq!(daemon.end(), Some(0));
}

fn sha256(text: &str) -> String {
    use sha2::Digest as _;
    sha2::Sha256::digest(text.as_bytes()).iter().map(|byte| format!("{byte:02x}")).collect()
}
