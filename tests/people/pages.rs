//! `page` and `notify.slack`.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;

use super::api::{Api, json as answer, silence, with};
use super::{CANARY, Person};

fn accepted() -> super::api::Answer {
    answer(202, &json!({ "status": "success", "message": "Event processed", "dedup_key": "k" }))
}

fn pagerduty(api: &Api) -> String {
    format!("[page]\nrouting_key = \"env:KEY\"\nurl = \"{}\"\n", api.url())
}

const PAGE: &[&str] = &["page", "--key", "ira:c1:93eac37c", "--summary", "web-01 is down", "--source", "web-01"];

#[test]
fn a_page_triggers_acknowledges_and_resolves_one_incident_by_its_key() {
    let api = Api::start(|_| accepted());
    let person = Person::with(&pagerduty(&api));
    let dry = person.act(&[PAGE, &["--dry-run"]].concat());
    assert!(dry.code == 0 && api.asked().is_empty(), "lesson 40: {dry:?}");
    let details =
        ["--details", "what was tried", "--link", "https://wiki.example/x the runbook", "--severity", "error"];
    assert_eq!(person.agreed(&[PAGE, &details].concat()).code, 0);
    for verb in ["acknowledge", "resolve"] {
        assert_eq!(person.agreed(&["page", "--key", "ira:c1:93eac37c", "--verb", verb]).code, 0);
    }
    let sent: Vec<_> = api.asked().iter().map(super::api::Asked::json).collect();
    assert_eq!(
        sent[0]["payload"],
        json!({
            "summary": "web-01 is down", "source": "web-01", "severity": "error",
            "custom_details": { "details": "what was tried" },
        })
    );
    assert_eq!(sent[0]["links"], json!([{ "href": "https://wiki.example/x", "text": "the runbook" }]));
    let verbs: Vec<_> = sent.iter().map(|event| event["event_action"].as_str().unwrap_or_default()).collect();
    assert_eq!(verbs, ["trigger", "acknowledge", "resolve"]);
    assert!(sent.iter().all(|event| event["dedup_key"] == "ira:c1:93eac37c" && event["routing_key"] == CANARY));
    assert!(api.asked().iter().all(|asked| asked.verb() == "POST /v2/enqueue"));
    assert!(!person.journal().contains(CANARY), "lesson_35");
}

#[test]
fn fault_19_a_pager_that_is_busy_or_broken_is_asked_again_under_the_same_key() {
    for status in [429, 500, 503] {
        let count = AtomicUsize::new(0);
        let api = Api::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
            0 | 1 => with(status, &[("retry-after", "0")], b"{}"),
            _ => accepted(),
        });
        let person = Person::with(&pagerduty(&api));
        assert_eq!(person.agreed(PAGE).code, 0, "{status}");
        let keys: Vec<_> = api.asked().iter().map(|asked| asked.json()["dedup_key"].clone()).collect();
        assert_eq!(keys, vec![json!("ira:c1:93eac37c"); 3], "{status}");
    }
}

#[test]
fn a_page_that_may_have_come_is_paged_again_under_its_key_when_asked() {
    let api = Api::start(|_| with(500, &[("retry-after", "0")], b""));
    let person = Person::with(&pagerduty(&api));
    assert_eq!(person.agreed(PAGE).code, 75, "not known");
    let before = api.asked().len();
    person.agreed(PAGE);
    assert!(before > 1 && api.asked().len() > before, "an attempt of before does not silence a page");
}

#[test]
fn a_refused_page_goes_to_the_fallback_and_it_is_said() {
    let pager = Api::start(|_| {
        answer(
            400,
            &json!({
                "status": "invalid event", "message": "Event object is invalid", "errors": ["Length of 'routing_key' is incorrect"],
            }),
        )
    });
    let slack = Api::start(|_| with(200, &[], b"ok"));
    let config = format!("{}fallback = \"slack\"\n[slack]\nwebhook = \"env:HOOK\"\n", pagerduty(&pager));
    let person = Person::with(&config);
    let mut command = person.command(&[&["act"], PAGE, &["--yes", "--json"]].concat());
    let ran = crate::support::run::Ran::of(command.env("HOOK", format!("{}/services/T0/{CANARY}", slack.url())));
    super::assert_kept(&ran);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("routing_key") && ran.out.contains("Slack"), "the words of the API: {ran:?}");
    assert!(slack.asked()[0].json()["text"].as_str().is_some_and(|text| text.contains("web-01 is down")));
    assert_eq!(pager.asked().len(), 1, "what is refused is not asked again");
    let alone = Person::with(&pagerduty(&pager));
    assert_eq!(alone.agreed(PAGE).code, 69);
}

#[test]
fn opsgenie_takes_pages_by_their_alias() {
    let api = Api::start(|_| answer(202, &json!({ "result": "Request will be processed", "requestId": "r" })));
    let person = Person::with(&format!(
        "[page]\nprovider = \"opsgenie\"\n[opsgenie]\nkey = \"env:KEY\"\nurl = \"{}\"\n",
        api.url()
    ));
    assert_eq!(person.agreed(PAGE).code, 0);
    assert_eq!(person.agreed(&["page", "--key", "a/b c", "--verb", "resolve"]).code, 0);
    let sent = api.asked();
    assert_eq!(sent[0].headers["authorization"], format!("GenieKey {CANARY}"));
    assert_eq!((sent[0].verb(), &sent[0].json()["alias"]), ("POST /v2/alerts".to_owned(), &json!("ira:c1:93eac37c")));
    assert_eq!(sent[1].path, "/v2/alerts/a%2Fb%20c/close?identifierType=alias");
}

#[test]
fn a_message_is_posted_once_and_calls_nobody() {
    let api = Api::start(|_| with(200, &[], b"ok"));
    let person = Person::with("[slack]\nwebhook = \"env:HOOK\"\n");
    let say = |api: &Api, text: &str| {
        let mut command = person.command(&["act", "notify.slack", "--text", text, "--yes", "--json"]);
        let ran = crate::support::run::Ran::of(command.env("HOOK", format!("{}/services/T0/{CANARY}", api.url())));
        super::assert_kept(&ran);
        ran
    };
    assert_eq!(say(&api, "<!channel> done").code, 0);
    assert_eq!(api.asked()[0].json(), json!({ "text": "&lt;!channel&gt; done" }));
    let gone = Api::start(|_| with(404, &[], b"no_service"));
    let ran = say(&gone, "x");
    assert!(ran.code == 69 && ran.out.contains("no_service"), "{ran:?}");
    let silent = Api::start(|_| silence());
    assert_eq!(say(&silent, "y").code, 75);
    assert_eq!(silent.asked().len(), 1, "what may have been said is not said again");
    let unset = Person::with("").act(&["notify.slack", "--text", "x", "--dry-run"]);
    assert!(unset.code == 78 && unset.out.contains("slack.webhook"), "{unset:?}");
}
