//! The daemon is dead: Alertmanager pages all the same, by the route of the alert, or by the alert of the run.

use super::*;
use crate::act::{Pass, at_sending, nonce};
use crate::vrf_apply::playbook::{alerted, fundings, labels};

const AUTO: &str = "[playbooks.vrf-alert]\nmode = \"auto\"\n";

#[test]
fn a_daemon_that_dies_before_it_can_act_is_made_up_for_by_the_route_of_the_pager() {
    if !alerting::is_there() {
        return;
    }
    let case = alerted("underfunded", &[]);
    let mut place = Place::at(case.person.home.path(), &case.person.url, AUTO);
    place.manage(&[("group_wait: 300s", "group_wait: 4s")]);
    place.daemon().kill();
    place.fire(&labels(&case));
    wait_until("Alertmanager wakes somebody", || place.triggered_by("Alertmanager") == 1);
    assert_eq!((place.triggered_by("ira"), nonce(&case.bed), fundings(&case)), (0, 0, 0));
    let key = place.triggers().remove(0).1;
    // Whoever starts it again finds that very incident: it was asked what fires, and nobody is woken twice.
    let daemon = place.daemon();
    wait_until("it is known", || !place.runs().is_empty());
    wait_until("it is mended, now", || case.held().0 > 0 && fundings(&case) == 1);
    assert_eq!(place.runs()[0].page, key, "the incident of Alertmanager's page");
    drop(daemon);
}

#[test]
fn fault_31_a_daemon_that_dies_for_good_after_its_first_write_is_noticed_by_the_alert_of_the_run() {
    if !alerting::is_there() {
        return;
    }
    let case = alerted("underfunded", &[]);
    // The chain has it; whether it was taken is never said.
    let (proxy, sent) = at_sending(&case.bed, || Pass::OnOnly);
    let mut place = Place::at(case.person.home.path(), &proxy, AUTO);
    // As long as the slowest of the playbooks that ship may take.
    place.manage(&[("group_wait: 2700s", "group_wait: 15s")]);
    let daemon = place.daemon();
    place.fire(&labels(&case));
    wait_until("the first write is sent", || *sent.0.lock().expect("whole") > 0);
    wait_until("it has its effect", || nonce(&case.bed) == 1 && fundings(&case) == 1);
    assert_eq!(place.triggers(), [], "nobody is woken while it is at work");
    daemon.kill();
    // What was written silenced the alert: its own route has nothing to say any more.
    place.over(&labels(&case));
    wait_until("somebody is woken", || place.triggered_by("Alertmanager") == 1);
    let page = place.pager.asked().into_iter().map(|asked| asked.json()).find(|body| body["event_action"] == "trigger");
    let page = page.expect("a page").to_string();
    assert!(page.contains("IraRunOpen") && page.contains("vrf-alert"), "{page}");
    assert_eq!(place.triggers().len(), 1, "by the alert of the run alone");
    assert!(place.runs()[0].state.word().starts_with("running"), "as it was left: {:?}", place.runs());
}
