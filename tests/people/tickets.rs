//! `ticket.create`, at each kind of desk.

use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use super::Person;
use super::api::{Answer, Api, Asked, json as answer, silence};

/// A desk that keeps what it is given. `hang`: it keeps it, and does not answer.
fn desk(
    make: fn(&Asked, usize) -> Option<(Value, Value)>,
    list: fn(&Asked, &[Value]) -> Option<Value>,
    hang: bool,
) -> Api {
    let kept: Arc<Mutex<Vec<Value>>> = Arc::default();
    Api::start(move |asked| -> Answer {
        let mut kept = kept.lock().expect("not poisoned");
        if asked.method == "POST"
            && let Some((keep, say)) = make(asked, kept.len())
        {
            kept.push(keep);
            drop(kept);
            return if hang { silence() } else { answer(201, &say) };
        }
        match list(asked, &kept) {
            Some(said) => answer(200, &said),
            None => answer(404, &json!({ "errorMessages": ["no such path"] })),
        }
    })
}

fn jira(hang: bool) -> Api {
    desk(
        |asked, at| {
            let fields = asked.json()["fields"].clone();
            (asked.place() == "/rest/api/2/issue").then(|| {
                (
                    json!({ "key": format!("OPS-{at}"), "labels": fields["labels"] }),
                    json!({ "id": "1", "key": format!("OPS-{at}") }),
                )
            })
        },
        |asked, kept| {
            // The older path alone, as a server of one's own has it.
            let asked_for = |issue: &&Value| {
                issue["labels"]
                    .as_array()
                    .into_iter()
                    .flatten()
                    .any(|label| asked.path.contains(label.as_str().unwrap_or("?")))
            };
            (asked.place() == "/rest/api/2/search")
                .then(|| json!({ "issues": kept.iter().filter(asked_for).collect::<Vec<_>>() }))
        },
        hang,
    )
}

fn servicenow(hang: bool) -> Api {
    desk(
        |asked, at| {
            let mut record = asked.json();
            record["number"] = json!(format!("INC{at}"));
            (asked.place() == "/api/now/table/incident").then(|| (record.clone(), json!({ "result": record })))
        },
        |_, kept| Some(json!({ "result": kept })),
        hang,
    )
}

fn github(hang: bool) -> Api {
    desk(
        |asked, at| {
            let mut issue = asked.json();
            issue["number"] = json!(at + 1);
            issue["html_url"] = json!(format!("https://github.example/a/b/issues/{}", at + 1));
            (asked.place() == "/repos/a/b/issues").then(|| (issue.clone(), issue))
        },
        |_, kept| Some(json!(kept)),
        hang,
    )
}

fn template(hang: bool) -> Api {
    desk(
        |asked, at| {
            (asked.path == "/new?v=2")
                .then(|| (json!({ "ticket": { "id": at }, "all": asked.json() }), json!({ "ticket": { "id": at } })))
        },
        |asked, kept| asked.path.starts_with("/find?q=ira-").then(|| json!({ "found": kept, "q": asked.path })),
        hang,
    )
}

fn person(preset: &str, url: &str) -> Person {
    let more = match preset {
        "github" => "project = \"a/b\"\n",
        "jira" => "project = \"OPS\"\nuser = \"u@x.example\"\n",
        "http" => {
            "create = \"/new?v=2\"\nsearch = \"/find?q={{marker}}\"\nid = \"/ticket/id\"\n\
             body = '{\"t\": \"{{title}}\", \"d\": \"{{text}} {{marker}}\"}'\n"
        }
        _ => "",
    };
    Person::with(&format!("[tickets.ops]\npreset = \"{preset}\"\nurl = \"{url}\"\ntoken = \"env:KEY\"\n{more}"))
}

const WORDS: &[&str] = &["ticket.create", "--desk", "ops", "--title", "web-01 \"is\" down", "--text", "twice\ntoday"];

fn posts(api: &Api) -> usize {
    api.asked().iter().filter(|asked| asked.method == "POST").count()
}

#[test]
fn lesson_14_the_same_ticket_is_made_once_at_every_desk() {
    for (preset, api) in
        [("jira", jira(false)), ("servicenow", servicenow(false)), ("github", github(false)), ("http", template(false))]
    {
        let person = person(preset, &api.url());
        let dry = person.act(&[WORDS, &["--dry-run"]].concat());
        assert!(dry.code == 0 && posts(&api) == 0, "{preset}: {dry:?}");
        let may = matches!(preset, "jira" | "http");
        assert_eq!(dry.out.contains("a duplicate is possible"), may, "{preset}: {dry:?}");
        let first = person.agreed(WORDS);
        assert_eq!(first.code, 0, "{preset}: {first:?}");
        let second = person.agreed(WORDS);
        assert!(second.code == 0 && second.out.contains("there already"), "{preset}: {second:?}");
        assert_eq!(posts(&api), 1, "{preset}");
        let other = person.agreed(&[WORDS, &["--key", "another"]].concat());
        assert!(other.code == 0 && posts(&api) == 2, "{preset}: {other:?}");
    }
}

#[test]
fn a_ticket_that_was_made_before_the_answer_was_lost_is_found_and_not_made_again() {
    for (preset, api) in [("servicenow", servicenow(true)), ("github", github(true)), ("jira", jira(true))] {
        let person = person(preset, &api.url());
        let mut child = person.command(&[&["act"], WORDS, &["--yes"]].concat()).spawn().expect("ira starts");
        let begun = std::time::Instant::now();
        while posts(&api) == 0 {
            assert!(begun.elapsed().as_secs() < 30, "{preset}: it never posts");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
        child.kill().expect("killed");
        child.wait().expect("reaped");
        let settled = person.act(&[WORDS, &["--resume"]].concat());
        assert_eq!(settled.code, 0, "{preset}: {settled:?}");
        assert_eq!(settled.json()["data"]["actions"][0]["status"], "done", "{preset}: {settled:?}");
        let again = person.agreed(WORDS);
        assert!(again.code == 0 && again.out.contains("there already"), "{preset}: {again:?}");
        assert_eq!(posts(&api), 1, "{preset}");
    }
}
