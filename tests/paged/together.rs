//! Several runs under one key, and what a person says of a run.

use super::provider::on_call;
use super::*;

fn another(person: &OnCall, instance: &str, group: &str) {
    let mut other = alert(group);
    other["alerts"][0]["labels"]["instance"] = json!(instance);
    other["alerts"][0]["labels"]["unit"] = json!(instance);
    person.write("alert.json", &other.to_string(), 0o600);
}

#[test]
fn fault_33_two_runs_of_one_group_are_one_page_and_the_later_one_notes() {
    let (person, kept) = on_call("");
    assert_eq!(person.remediate().code, 4);
    another(&person, "web-02", GROUP);
    assert_eq!(person.remediate().code, 4);
    another(&person, "web-03", "{}:{alertname=\"Other\"}");
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    let all = kept.lock().expect("whole");
    let open = |group: &str| (key(group), "triggered".to_owned());
    assert_eq!(all.incidents, [open(GROUP), open("{}:{alertname=\"Other\"}")]);
    let notes: Vec<&String> = all.notes.iter().filter(|(of, _)| *of == 0).map(|(_, text)| text).collect();
    assert!(notes.len() == 1 && notes[0].contains("run 2"), "{:?}", all.notes);
}

#[test]
fn a_run_that_a_person_closes_notes_it_and_resolves_nothing() {
    let (person, kept) = on_call("");
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    let ran = person.ira(&["run", "close", "1", "--as", "succeeded", "--reason", "by hand", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let all = kept.lock().expect("whole");
    assert_eq!(all.incidents, [(key(GROUP), "triggered".to_owned())]);
    assert!(all.notes.iter().any(|(_, text)| text.contains("closed by alice: by hand")), "{:?}", all.notes);
}

#[test]
fn a_page_that_a_person_has_ended_wakes_somebody_again_for_a_later_run() {
    let (person, kept) = on_call("");
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    "resolved".clone_into(&mut kept.lock().expect("whole").incidents[0].1);
    another(&person, "web-02", GROUP);
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    let status = |status: &str| (key(GROUP), status.to_owned());
    assert_eq!(kept.lock().expect("whole").incidents, [status("resolved"), status("triggered")]);

    // Where nobody can say whether it is open, the pager decides by the key.
    let person = OnCall::new();
    assert_eq!(person.remediate().code, 4);
    another(&person, "web-02", GROUP);
    assert_eq!(person.remediate().code, 4);
    person.watched_to_its_end();
    assert_eq!(person.events(), vec![("trigger".to_owned(), key(GROUP)); 2]);
    let last = person.pager.asked()[1].json();
    let details = last["payload"]["custom_details"]["details"].as_str().unwrap_or_default();
    assert!(details.contains("run 2"), "{last}");
}
