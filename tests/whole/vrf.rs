//! A randomness request waits for want of funds: the alert has the whole runbook run, and what comes of it.

use super::*;
use crate::act::nonce;
use crate::vrf_apply::Case;
use crate::vrf_apply::playbook::{FUNDED, alerted, fundings, labels};

/// The playbook on `auto` for an underfunded subscription of ours, with `other` words in the playbook and the pager's
/// route after `wait`; none where the test cannot be made here.
fn place(other: &[(&str, &str)], wait: &str) -> Option<(Case, Place)> {
    if !alerting::is_there() {
        return None;
    }
    let case = alerted("underfunded", other);
    let mut place = Place::at(case.person.home.path(), &case.person.url, "[playbooks.vrf-alert]\nmode = \"auto\"\n");
    place
        .manage(&[("group_wait: 300s", &format!("group_wait: {wait}")), ("group_interval: 15s", "group_interval: 1s")]);
    Some((case, place))
}

#[test]
fn an_alert_has_the_whole_runbook_run_and_wakes_nobody() {
    let Some((case, place)) = place(&[], "45s") else { return };
    let daemon = place.daemon();
    place.fire(&labels(&case));
    wait_until("it is funded, within its cap", || case.held().0 == FUNDED);
    // The node sees that the subscription can pay.
    case.fulfilled(case.text("request_id"));
    wait_until("it is seen to be fulfilled", || place.ended());
    assert_eq!(place.runs()[0].state.word(), "succeeded", "{}", place.log());
    place.over(&labels(&case));
    wait_until("Alertmanager says that it is over", || block(place.store().inbox(10)).expect("read").len() == 2);
    assert_eq!((nonce(&case.bed), fundings(&case)), (1, 1), "paid once");
    // The record: on the page of the run, with what was found and what was done.
    let page = place.page("/runs/1");
    assert!(page.contains("succeeded") && page.contains("vrf-alert"), "{page}");
    assert!(page.contains("chain.fund_subscription"), "{page}");
    place.let_pass(Duration::from_secs(48));
    assert_eq!(place.triggers(), [], "the pager's route has nothing to send");
    assert_eq!(daemon.end(), Some(0));

    // Its incident never comes to be: the note of the run is moot, and whoever reads the channel is told.
    let store = rusqlite::Connection::open(place.home.join("state/ira.db")).expect("opened");
    store.execute("UPDATE meta SET high_water = high_water + 600000", []).expect("ten minutes later");
    drop(store);
    assert!(place.chat.asked().is_empty());
    let daemon = place.daemon();
    let notes = || {
        let outbox = place.shown(1)["outbox"].clone();
        let notes = outbox.as_array().into_iter().flatten().filter(|row| row["mail"] == "note");
        notes.map(|row| row["state"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    wait_until("the notes have their end", || {
        let notes = notes();
        !notes.is_empty() && notes.iter().all(|state| state == "moot")
    });
    let said: Vec<String> = place.chat.asked().into_iter().map(|asked| asked.body).collect();
    assert_eq!(said.len(), 1, "once: {said:?}");
    for part in ["succeeded", "vrf-alert", &format!("{PUBLIC}/runs/1")] {
        assert!(said[0].contains(part), "{part}: {said:?}");
    }
    assert_eq!(place.triggers(), []);
    place.assert_clean();
    assert_eq!(daemon.end(), Some(0));
}

/// It is not mended: one incident, of both arms, with a note that says how far it came.
fn handed_over(case: &Case, place: &Place, why: &str) {
    let daemon = place.daemon();
    place.fire(&labels(case));
    wait_until("it is handed to a person", || place.ended());
    assert_eq!(place.runs()[0].state.word(), "escalated", "{}", place.log());
    wait_until("ira wakes somebody", || place.triggered_by("ira") == 1);
    let noted = || place.kept.lock().expect("whole").notes.iter().any(|(_, text)| text.contains("Nothing was changed"));
    wait_until("the incident has the note of the run", noted);
    let page = place.pager.asked().into_iter().map(|asked| asked.json()).find(|body| body["client"] == "ira");
    let page = page.expect("a page").to_string();
    assert!(page.contains(&format!("{PUBLIC}/runs/1")) && page.contains(why), "{why}: {page}");
    let notes = place.kept.lock().expect("whole").notes.clone();
    let text = notes.iter().map(|(_, text)| text.as_str()).collect::<Vec<_>>().join("\n");
    for part in ["mend=", "requests of ours that wait", &format!("{PUBLIC}/runs/1")] {
        assert!(text.contains(part), "{part}: {text}");
    }
    wait_until("the pager's route comes to the same", || place.triggered_by("Alertmanager") > 0);
    let key = place.key();
    assert!(place.triggers().iter().all(|(_, of)| *of == key), "one key: {:?}", place.triggers());
    assert_eq!(place.kept.lock().expect("whole").incidents, [(key, "triggered".to_owned())], "one incident");
    assert_eq!((nonce(&case.bed), fundings(case)), (0, 0), "nothing was sent");
    place.assert_clean();
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_remedy_that_its_cap_forbids_wakes_somebody_with_what_was_found() {
    let Some((case, place)) = place(&[("max_spend: 50 LINK", "max_spend: 40 LINK")], "20s") else { return };
    handed_over(&case, &place, "40 LINK");
}

#[test]
fn a_subscription_that_is_not_ours_wakes_somebody_with_what_was_found() {
    let Some((case, place)) = place(&[], "20s") else { return };
    let config = std::fs::read_to_string(place.home.join(".config/ira/config.toml")).expect("a configuration");
    let ours = format!("sub:{}", case.text("subscription"));
    place.write(".config/ira/config.toml", &config.replace(&ours, "sub:1"));
    handed_over(&case, &place, "no step that changes anything");
}
