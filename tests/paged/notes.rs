//! The note of a run.

use super::provider::on_call;
use super::*;

/// The same playbook with a read before the write, and a note that holds what it said.
fn annotated(person: &OnCall) {
    let path = ".config/ira/playbooks/mend.yaml";
    let text = std::fs::read_to_string(person.path(path)).expect("written");
    let look = format!(
        "steps:\n  - id: look\n    do: http.check\n    with: {{ url: \"{}\", within: 1 }}\n    timeout: 5s\n",
        person.asked.url()
    );
    let note = "annotate: { to: pagerduty, reports: [look], note: \"what the runbook says\" }\nescalate:";
    person.write(path, &text.replace("steps:\n", &look).replace("escalate:", note), 0o600);
}

#[test]
fn lesson_25_a_run_keeps_one_note_current_on_the_incident_of_its_alert() {
    let (person, kept) = on_call("");
    annotated(&person);
    person.playbook_has("deadline: 6s", "deadline: 11s");
    person.up(true);
    // Alertmanager has paged by the same group.
    kept.lock().expect("whole").incidents.push((key(GROUP), "triggered".to_owned()));
    let ran = person.remediate();
    assert_eq!(ran.code, 0, "{ran:?}");
    person.watched_to_its_end();
    let all = kept.lock().expect("whole");
    assert_eq!(all.notes.len(), 1, "{:?}", all.notes);
    let (of, text) = &all.notes[0];
    assert_eq!(*of, 0);
    for part in ["run 1", "mend", "succeeded", "what the runbook says", "answers as it should", "`look`"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(!text.contains(CANARY), "I22");
    assert_eq!(all.incidents, [(key(GROUP), "triggered".to_owned())], "what others triggered is not resolved");
    assert!(person.events().iter().all(|(verb, _)| verb.is_empty()), "a note wakes nobody");
}

#[test]
fn I18_a_note_that_has_no_place_is_moot_and_written_down_as_such() {
    let person = OnCall::new();
    annotated(&person);
    person.playbook_has("deadline: 6s", "deadline: 11s");
    person.up(true);
    let ran = person.remediate();
    assert_eq!(ran.code, 0, "{ran:?}");
    person.watched_to_its_end();
    let outbox = person.shown(1)["outbox"].clone();
    let notes: Vec<&Value> = outbox.as_array().expect("rows").iter().filter(|row| row["mail"] == "note").collect();
    assert!(!notes.is_empty() && notes.iter().all(|row| row["state"] == "moot"), "{outbox}");
    assert!(notes[0]["error"].as_str().is_some_and(|why| why.contains("pagerduty.token")), "{outbox}");
    assert_eq!(person.events(), []);
}

#[test]
fn a_playbook_that_only_looks_notes_what_it_saw_where_nobody_is_configured_to_be_paged() {
    let (person, kept) = on_call("");
    let config = std::fs::read_to_string(person.path(".config/ira/config.toml")).expect("written");
    let rest = config.find("[scripts]").expect("written");
    person.write(".config/ira/config.toml", &config[rest..], 0o600);
    let text = format!(
        "ira: 1\nplaybook: mend\nowner: team\non: [{{ source: any, match: {{ alertname: Down }}, key: [alert.labels.unit] }}]\n\
         steps:\n  - {{ id: look, do: http.check, with: {{ url: \"{}\", within: 1 }}, timeout: 5s }}\n\
         annotate: {{ to: pagerduty, reports: [look] }}\n",
        person.asked.url()
    );
    person.write(".config/ira/playbooks/mend.yaml", &text, 0o600);
    kept.lock().expect("whole").incidents.push((key(GROUP), "triggered".to_owned()));
    let ran = person.remediate();
    assert_eq!(ran.code, 0, "{ran:?}");
    let all = kept.lock().expect("whole");
    assert!(all.notes.len() == 1 && all.notes[0].1.contains("answers 503"), "{:?}", all.notes);
    assert_eq!((person.watchers().len(), all.incidents.len()), (0, 1));
    assert!(person.events().iter().all(|(verb, _)| verb.is_empty()), "a note wakes nobody");
}

#[test]
fn the_end_of_what_a_script_wrote_is_on_the_incident_whether_it_worked_or_not() {
    for exit in [0, 7] {
        let (person, kept) = on_call("");
        let path = ".config/ira/playbooks/mend.yaml";
        let text = std::fs::read_to_string(person.path(path)).expect("written");
        let note = "annotate: { to: pagerduty, reports: [mend] }\nescalate:";
        person.write(path, &text.replace("escalate:", note).replace("deadline: 6s", "deadline: 11s"), 0o600);
        person.up(true);
        person.script(&format!("for n in 1 2 3 4; do echo line $n of the cure; done; exit {exit}"));
        kept.lock().expect("whole").incidents.push((key(GROUP), "triggered".to_owned()));
        let ran = person.remediate();
        assert_eq!(ran.code, if exit == 0 { 0 } else { 4 }, "{ran:?}");
        person.watched_to_its_end();
        let all = kept.lock().expect("whole");
        let found = all
            .notes
            .iter()
            .any(|(_, text)| text.contains("line 1 of the cure") && text.contains("line 4 of the cure"));
        assert!(found, "{exit}: {:?}", all.notes);
    }
}
