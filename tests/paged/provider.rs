//! A PagerDuty: one key is one incident, and incidents have notes.

use std::sync::Mutex;

use super::*;
use crate::people::api::Asked;

/// What it keeps.
#[derive(Default)]
pub struct Provider {
    /// Key and status of each incident.
    pub incidents: Vec<(String, String)>,
    /// The notes of each incident, by its place.
    pub notes: Vec<(usize, String)>,
    /// How many events are refused before one is taken, with what; 0 is no answer at all.
    pub refuse: Vec<u16>,
}

/// One that is shared with a test.
pub type Shared = Arc<Mutex<Provider>>;

/// One by itself.
pub fn serve() -> (Api, Shared) {
    let kept = Shared::default();
    let own = Arc::clone(&kept);
    (Api::start(move |asked| answered(asked, &own)), kept)
}

/// Somebody on call who has one, for events and incidents alike.
pub(super) fn on_call(more: &str) -> (OnCall, Shared) {
    let kept = Shared::default();
    let own = Arc::clone(&kept);
    let person = OnCall::with(move |asked| answered(asked, &own), more);
    let url = person.pager.url();
    let more = format!("[pagerduty]\ntoken = \"env:KEY\"\nfrom = \"oncall@example.com\"\nurl = \"{url}\"\n");
    let config = std::fs::read_to_string(person.path(".config/ira/config.toml")).expect("written");
    person.write(".config/ira/config.toml", &(config + &more), 0o600);
    (person, kept)
}

fn incident(at: usize, kept: &(String, String)) -> Value {
    json!({ "id": format!("Q{at}"), "incident_key": kept.0, "status": kept.1, "title": "t", "html_url": "https://x.example" })
}

fn answered(asked: &Asked, kept: &Mutex<Provider>) -> Answer {
    let mut all = kept.lock().expect("not poisoned");
    let parts: Vec<&str> = asked.place().trim_matches('/').split('/').collect();
    let number = |id: &str| id.trim_start_matches('Q').parse::<usize>().expect("an id");
    match (asked.method.as_str(), parts.as_slice()) {
        ("POST", ["v2", "enqueue"]) => {
            if !all.refuse.is_empty() {
                let status = all.refuse.remove(0);
                drop(all);
                return if status == 0 { None } else { with(status, &[("retry-after", "0")], b"{}") };
            }
            let body = asked.json();
            let key = body["dedup_key"].as_str().expect("a key").to_owned();
            let open = all.incidents.iter_mut().find(|(known, status)| *known == key && status != "resolved");
            match (body["event_action"].as_str(), open) {
                (Some("trigger"), None) => all.incidents.push((key, "triggered".to_owned())),
                (Some("resolve"), Some(open)) => "resolved".clone_into(&mut open.1),
                _ => {}
            }
            accepted()
        }
        ("GET", ["incidents"]) => {
            let wanted = asked.path.split(['?', '&']).find_map(|pair| pair.strip_prefix("incident_key="));
            let is_it = |one: &(String, String)| wanted.is_none_or(|key| one.0 == key);
            let all: Vec<Value> = all
                .incidents
                .iter()
                .enumerate()
                .filter(|(_, one)| is_it(one))
                .map(|(at, one)| incident(at, one))
                .collect();
            answer(200, &json!({ "incidents": all }))
        }
        ("GET", ["incidents", _, "alerts"]) => answer(200, &json!({ "alerts": [] })),
        ("GET", ["incidents", id, "notes"]) => {
            let notes = all.notes.iter().enumerate().filter(|(_, (of, _))| *of == number(id));
            let notes: Vec<Value> =
                notes.map(|(at, (_, text))| json!({ "id": format!("N{at}"), "content": text })).collect();
            answer(200, &json!({ "notes": notes }))
        }
        ("POST", ["incidents", id, "notes"]) => {
            let text = asked.json()["note"]["content"].as_str().expect("text").to_owned();
            all.notes.push((number(id), text.clone()));
            answer(200, &json!({ "note": { "id": format!("N{}", all.notes.len() - 1), "content": text } }))
        }
        ("PUT", ["incidents", _, "notes", id]) => {
            let at: usize = id.trim_start_matches('N').parse().expect("an id");
            asked.json()["note"]["content"].as_str().expect("text").clone_into(&mut all.notes[at].1);
            answer(200, &json!({ "note": { "id": id, "content": all.notes[at].1 } }))
        }
        other => panic!("{other:?}"),
    }
}
