//! `ira pd-annotate` against a server that keeps incidents and notes.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::api::{Answer, Api, Asked, json as answer, silence, with};
use super::{CANARY, Person};
use crate::support::run::Ran;

/// What PagerDuty keeps.
#[derive(Default)]
struct Kept {
    incidents: Vec<Value>,
    notes: Vec<Value>,
    fields: Vec<Value>,
    /// Notes that are taken and not answered.
    hang: bool,
    /// Requests that are refused before one is taken, with what.
    refuse: Vec<(u16, Value)>,
    /// So often an incident is asked for by its key before it is there.
    late: usize,
}

/// A PagerDuty.
pub(super) struct Pager {
    api: Api,
    kept: Arc<Mutex<Kept>>,
}

fn incident(id: &str, key: &str, status: &str) -> Value {
    json!({ "id": id, "incident_key": key, "status": status, "title": "web-01 is down",
        "html_url": format!("https://x.pagerduty.com/incidents/{id}"), "priority": { "id": "P", "summary": "P3" } })
}

impl Pager {
    fn with(incidents: Vec<Value>) -> Self {
        let kept = Arc::new(Mutex::new(Kept { incidents, ..Kept::default() }));
        let own = Arc::clone(&kept);
        Self { api: Api::start(move |asked| answered(asked, &own)), kept }
    }

    pub(super) fn usual() -> Self {
        Self::with(vec![incident("Q0OLD", "k", "resolved"), incident("Q1ABC", "k", "triggered")])
    }

    fn set(&self, change: impl FnOnce(&mut Kept)) {
        change(&mut self.kept.lock().expect("not poisoned"));
    }

    pub(super) fn notes(&self) -> Vec<String> {
        let kept = self.kept.lock().expect("not poisoned");
        kept.notes.iter().map(|note| note["content"].as_str().expect("text").to_owned()).collect()
    }

    /// The configuration that leads here.
    pub(super) fn config(&self) -> String {
        let url = self.api.url();
        format!("[pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{url}\"\n")
    }

    fn person(&self) -> Person {
        Person::with(&self.config())
    }
}

fn answered(asked: &Asked, kept: &Mutex<Kept>) -> Answer {
    let error =
        |status: u16, what: &str| answer(status, &json!({ "error": { "message": what, "code": 2100, "errors": [] } }));
    if asked.headers.get("authorization").map(String::as_str) != Some(&format!("Token token={CANARY}")) {
        return error(401, "Unauthorized");
    }
    if asked.method != "GET" && asked.headers.get("from").map(String::as_str) != Some("oncall@example.com") {
        return error(400, "Requester User Not Found");
    }
    let mut all = kept.lock().expect("not poisoned");
    if asked.method != "GET" && !all.refuse.is_empty() {
        let (status, body) = all.refuse.remove(0);
        return with(
            status,
            &[("ratelimit-reset", "0"), ("content-type", "application/json")],
            body.to_string().as_bytes(),
        );
    }
    let parts: Vec<&str> = asked.place().trim_matches('/').split('/').collect();
    match (asked.method.as_str(), parts.as_slice()) {
        ("GET", ["incidents"]) if asked.path.contains("incident_key=") => {
            if all.late > 0 {
                all.late -= 1;
                return answer(200, &json!({ "incidents": [] }));
            }
            let is_it = |one: &&Value| {
                asked.path.contains(&format!("incident_key={}&", one["incident_key"].as_str().unwrap_or("?")))
            };
            answer(200, &json!({ "incidents": all.incidents.iter().filter(is_it).collect::<Vec<_>>() }))
        }
        ("GET", ["incidents"]) => {
            let open = |one: &&Value| one["status"] != "resolved";
            answer(200, &json!({ "incidents": all.incidents.iter().filter(open).collect::<Vec<_>>() }))
        }
        ("GET", ["incidents", id, "alerts"]) if *id != "Q1ABC" => answer(200, &json!({ "alerts": [] })),
        ("GET", ["incidents", _, "alerts"]) => answer(
            200,
            &json!({ "alerts": [{ "id": "A", "alert_key": "joined", "body": { "details": { "alertname": "NodeDown",
                "registry_address": "0x1" } } }] }),
        ),
        ("GET", ["incidents", _, "notes"]) => answer(200, &json!({ "notes": all.notes })),
        ("POST", ["incidents", _, "notes"]) => {
            let note = json!({ "id": format!("N{}", all.notes.len() + 1), "content": asked.json()["note"]["content"] });
            all.notes.push(note.clone());
            let hang = all.hang;
            drop(all);
            if hang { silence() } else { answer(200, &json!({ "note": note })) }
        }
        ("PUT", ["incidents", _, "notes", id]) => {
            let content = asked.json()["note"]["content"].clone();
            match all.notes.iter_mut().find(|note| note["id"] == **id) {
                Some(note) => {
                    note["content"] = content;
                    answer(200, &json!({ "note": note }))
                }
                None => error(404, "Not Found"),
            }
        }
        ("GET", ["incidents", _, "custom_fields", "values"]) => answer(200, &json!({ "custom_fields": all.fields })),
        ("PUT", ["incidents", _, "custom_fields", "values"]) => {
            all.fields = asked.json()["custom_fields"].as_array().cloned().unwrap_or_default();
            answer(200, &json!({ "custom_fields": all.fields }))
        }
        ("GET" | "PUT", ["incidents", id]) => match all.incidents.iter_mut().find(|one| one["id"] == **id) {
            Some(one) => {
                let body = asked.json();
                if let Some(status) = body.pointer("/incident/status") {
                    one["status"] = status.clone();
                }
                if let Some(name) = body.pointer("/incident/priority") {
                    one["priority"] = json!({ "summary": name });
                }
                answer(200, &json!({ "incident": one }))
            }
            None => error(404, "Not Found"),
        },
        _ => error(404, "Not Found"),
    }
}

fn note(person: &Person, words: &[&str], text: &str) -> Ran {
    let mut all = vec!["pd-annotate"];
    all.extend(words);
    all.push("--json");
    let ran = Ran::with_input(&mut person.command(&all), text);
    super::assert_kept(&ran);
    ran
}

#[test]
fn lesson_25_one_note_for_one_run_kept_current_and_never_a_second() {
    let pager = Pager::usual();
    let person = pager.person();
    assert_eq!(note(&person, &["Q1ABC", "-", "--run", "r17"], "# looking").code, 0);
    assert_eq!(
        note(&person, &["Q1ABC", "-", "--run", "r17"], "# looking").json()["data"]["notes"][0]["is"],
        "unchanged"
    );
    assert_eq!(note(&person, &["Q1ABC", "-", "--run", "r17"], "# mended").json()["data"]["notes"][0]["is"], "updated");
    assert_eq!(pager.notes(), ["# mended\n\n[ira r17 #1]"]);
    assert_eq!(note(&person, &["Q1ABC", "-"], "the same words").code, 0);
    assert_eq!(note(&person, &["Q1ABC", "-"], "the same words").code, 0);
    assert_eq!(pager.notes().len(), 2, "words of their own are a note of their own, once");
    let long = "a line of a long report\n".repeat(3_000);
    let ran = note(&person, &["Q1ABC", "-", "--run", "r17", "--link", "https://ira.example/r17"], &long);
    assert_eq!(ran.code, 0, "{ran:?}");
    let notes = pager.notes();
    assert_eq!(notes.len(), 4);
    assert!(notes.iter().all(|note| note.chars().count() <= 25_000));
    assert!(!person.journal().contains(CANARY), "lesson_35");
}

#[test]
fn an_incident_is_found_by_id_url_key_alert_key_and_alert() {
    use sha2::Digest as _;
    let group = "{}:{alertname=\"Down\"}";
    let hash = ira_commands::units::digits(&sha2::Sha256::digest(group));
    let pager = Pager::with(vec![
        incident("Q0OLD", "k", "resolved"),
        incident("Q1ABC", "k", "triggered"),
        incident("Q2GROUP", &hash, "acknowledged"),
    ]);
    let person = pager.person();
    let found = |words: &[&str]| {
        let ran = note(&person, &[words, &["--file", "-", "--dry-run", "--wait", "0"]].concat(), "x");
        ran.json()["data"]["incident"]["id"].as_str().unwrap_or("none").to_owned()
    };
    assert_eq!(found(&["Q1ABC"]), "Q1ABC");
    assert_eq!(found(&["https://x.pagerduty.com/incidents/Q0OLD"]), "Q0OLD", "the very one that is named");
    assert_eq!(found(&["k"]), "Q1ABC", "the one that is open");
    assert_eq!(found(&["joined"]), "Q1ABC");
    assert_eq!(found(&["nobody"]), "none");
    let alert = person.0.path().join("alert.json");
    std::fs::write(&alert, json!({ "version": "4", "groupKey": group, "alerts": [] }).to_string()).expect("written");
    assert_eq!(found(&["--alert", alert.to_str().expect("text")]), "Q2GROUP");
    let event = json!({ "event": { "event_type": "incident.triggered", "data": { "id": "Q1ABC" } } });
    std::fs::write(&alert, event.to_string()).expect("written");
    assert_eq!(found(&["--alert", alert.to_str().expect("text")]), "Q1ABC");
    assert!(pager.notes().is_empty() && pager.api.asked().iter().all(|asked| asked.method == "GET"), "lesson_40");
}

#[test]
fn an_incident_that_is_not_there_yet_is_waited_for_and_not_for_ever() {
    let pager = Pager::usual();
    pager.set(|kept| kept.late = 2);
    let ran = note(&pager.person(), &["k", "-"], "x");
    assert_eq!((ran.code, pager.notes().len()), (0, 1), "{ran:?}");
    let ran = note(&pager.person(), &["nobody", "-", "--wait", "1"], "x");
    assert_eq!((ran.code, &ran.json()["errors"][0]["kind"]), (69, &json!("missing")), "{ran:?}");
    assert!(ran.out.contains("--wait"), "{ran:?}");
}

#[test]
fn status_priority_and_fields_are_set_once() {
    let pager = Pager::usual();
    let person = pager.person();
    let words = [
        "Q1ABC",
        "--status",
        "acknowledged",
        "--priority",
        "P1",
        "--field",
        "environment=production",
        "--field",
        "replicas:=3",
    ];
    let first = note(&person, &words, "");
    assert_eq!(first.code, 0, "{first:?}");
    assert_eq!(pager.api.count("PUT /incidents/Q1ABC"), 1);
    let sent = pager.api.asked().into_iter().find(|asked| asked.method == "PUT").expect("sent").json();
    assert_eq!(
        sent,
        json!({ "incident": { "type": "incident_reference", "status": "acknowledged", "priority": "P1" } })
    );
    let fields = pager.kept.lock().expect("not poisoned").fields.clone();
    assert_eq!(
        json!(fields),
        json!([{ "name": "environment", "value": "production" }, { "name": "replicas", "value": 3 }])
    );
    let writes = |pager: &Pager| pager.api.asked().iter().filter(|asked| asked.method != "GET").count();
    let before = writes(&pager);
    assert_eq!(note(&person, &words, "").code, 0);
    assert_eq!(writes(&pager), before, "what is so already is not written again");
}

#[test]
fn kill_9_between_note_and_answer_makes_no_second_note() {
    let pager = Pager::usual();
    pager.set(|kept| kept.hang = true);
    let person = pager.person();
    let file = person.0.path().join("note.md");
    std::fs::write(&file, "what was found").expect("written");
    let words = ["pd-annotate", "Q1ABC", "--file", file.to_str().expect("text"), "--run", "r1"];
    let mut child = person.command(&words).spawn().expect("ira starts");
    let begun = std::time::Instant::now();
    while pager.notes().is_empty() {
        assert!(begun.elapsed().as_secs() < 30, "it never posts");
        std::thread::sleep(std::time::Duration::from_millis(10));
    }
    child.kill().expect("killed");
    child.wait().expect("reaped");
    pager.set(|kept| kept.hang = false);
    let again = person.ira(&words);
    assert_eq!((again.code, pager.notes().len()), (0, 1), "{again:?}");
    assert!(again.out.contains("unchanged"), "{again:?}");
    let settled = person.act(&[
        "chain.fund_key",
        "--resume",
        "--key",
        "0x00000000000000000000000000000000000d00d1",
        "--amount",
        "1 ETH",
    ]);
    assert!(!settled.out.contains("pd-annotate"), "nothing of it is open: {settled:?}");
}

#[test]
fn a_note_whose_answer_is_lost_is_found_and_counts() {
    let pager = Pager::usual();
    pager.set(|kept| kept.hang = true);
    let ran = note(&pager.person(), &["Q1ABC", "-", "--run", "r1"], "x");
    assert_eq!((ran.code, pager.notes().len()), (0, 1), "{ran:?}");
}

#[test]
fn rate_limits_are_waited_out_and_the_words_of_the_api_are_shown() {
    let pager = Pager::usual();
    let slow = json!({ "error": { "message": "Rate Limit Exceeded", "code": 2020 } });
    pager.set(|kept| kept.refuse = vec![(429, slow.clone()), (429, slow)]);
    assert_eq!(note(&pager.person(), &["Q1ABC", "-"], "x").code, 0);
    assert_eq!((pager.notes().len(), pager.api.count("POST /incidents/Q1ABC/notes")), (1, 3));
    for errors in [json!(["Content is too odd"]), json!({ "content": ["Content is too odd"] })] {
        let body = json!({ "error": { "message": "Invalid Input Provided", "code": 2001, "errors": errors } });
        pager.set(|kept| kept.refuse = vec![(400, body)]);
        let ran = note(&pager.person(), &["Q1ABC", "-", "--run", "odd"], "x");
        assert!(ran.code == 69 && ran.out.contains("Content is too odd") && ran.out.contains("2001"), "{ran:?}");
    }
    pager.set(|kept| kept.refuse = vec![(500, json!({}))]);
    let ran = note(&pager.person(), &["Q1ABC", "-", "--run", "five"], "x");
    assert_eq!(ran.code, 75, "{ran:?}");
    let person = pager.person();
    pager.set(|kept| kept.refuse = vec![(502, json!({}))]);
    assert_eq!(note(&person, &["Q1ABC", "-", "--run", "six"], "x").code, 75);
    assert_eq!(note(&person, &["Q1ABC", "-", "--run", "six"], "x").code, 0, "the next of the same looks, and makes it");
    let six = pager.notes().iter().filter(|note| note.contains("[ira six #1]")).count();
    assert_eq!(six, 1);
}

#[test]
fn what_is_nothing_is_refused_before_anybody_is_asked() {
    let pager = Pager::usual();
    let person = pager.person();
    for (words, text) in [
        (&["Q1ABC", "-"][..], " \n"),
        (&["Q1ABC"], ""),
        (&["-"], "x"),
        (&["Q1ABC", "-", "--run", "a b"], "x"),
        (&["Q1ABC", "--file", "no-such-file"], ""),
        (&["Q1ABC", "-", "--from", "demo"], "x"),
        (&["Q1ABC", "--from", "pd-annotate", "Q1ABC"], ""),
        (&["Q1ABC", "--from", "act", "page", "--key", "k"], ""),
        (&["Q1ABC", "--alert", "-", "--file", "-"], "x"),
    ] {
        let ran = note(&person, words, text);
        assert_eq!(ran.code, 2, "{words:?}: {ran:?}");
    }
    assert!(pager.api.asked().iter().all(|asked| asked.method == "GET"));
    let unset = note(&Person::with(""), &["Q1ABC", "-"], "x");
    assert!(unset.code == 78 && unset.out.contains("pagerduty.token"), "{unset:?}");
}

#[test]
fn a_report_is_noted_through_a_pipe_and_by_from() {
    let pager = Pager::usual();
    let person = pager.person();
    let demo = person.ira(&["demo", "feed", "--format", "markdown"]);
    let piped = note(&person, &["Q1ABC", "-"], &demo.out);
    assert_eq!(piped.code, 0, "{piped:?}");
    assert!(
        pager.notes()[0].contains("| finding |") && pager.notes()[0].contains("link-funds"),
        "{}",
        pager.notes()[0]
    );
    let web = Api::start(|_| with(503, &[], b"down"));
    let url = web.url();
    for _ in 0..2 {
        let ran = person.ira(&["pd-annotate", "Q1ABC", "--from", "act", "http.check", "--url", &url]);
        assert_eq!(ran.code, 0, "{ran:?}");
    }
    assert_eq!(pager.notes().len(), 2, "the same command is the same note");
    assert!(pager.notes()[1].contains("503"), "{}", pager.notes()[1]);
}
