//! `ira war-room` against a Slack and a PagerDuty of the tests.

use serde_json::{Value, json};

use super::api::{Api, silence, with};
use super::pagerduty::Pager;
use super::{CANARY, Person, assert_kept};
use crate::support::run::Ran;

/// What PagerDuty shows of an incident, as a person pastes it.
const PASTED: &str = "\
- summary = Requests are pending for 12 minutes
- alertname = VRFRequestsPending
- network_name = base-mainnet
- job = vrf_exporter
- contract_address = 0xd5d517abe5cf79b7e95ec98db0f0277788aff634
- key_hash = 0x00b81b5a830cb0a4009fbd8904de511e28631e62ce5ad231373d3cdad373ccab
- registry_address = 0x5f4ec3df9cbd43714fe2740f5e3616155c5b8419
";
const URL: &str = "https://x.pagerduty.com/incidents/Q1ABC";

/// Somebody with a channel, PagerDuty and a meeting.
fn person(pager: &Pager) -> Person {
    Person::with(&format!(
        "{}[slack]\nwebhook = \"env:HOOK\"\n[war_room]\nmeeting = \"https://meet.example/on-call\"\n\
         [networks.base-mainnet]\nexplorer = \"https://basescan.example\"\n\
         [war_room.products.Payments]\nmatch = {{ namespace = \"payments*\" }}\nkey = \"device\"\n",
        pager.config()
    ))
}

fn call(person: &Person, slack: &Api, words: &[&str], input: &str) -> Ran {
    let mut all = vec!["war-room"];
    all.extend(words);
    all.push("--json");
    let mut command = person.command(&all);
    command.env("HOOK", format!("{}/services/T0/{CANARY}", slack.url()));
    let ran = Ran::with_input(&mut command, input);
    assert_kept(&ran);
    ran
}

fn slack() -> Api {
    Api::start(|_| with(200, &[], b"ok"))
}

/// The texts of a message's blocks.
fn said(message: &Value) -> String {
    let mut all = Vec::new();
    let mut open = vec![message["blocks"].clone()];
    while let Some(value) = open.pop() {
        match value {
            Value::String(text) => all.push(text),
            Value::Array(list) => open.extend(list),
            Value::Object(fields) => open.extend(fields.into_iter().map(|(_, value)| value)),
            _ => {}
        }
    }
    all.join("\n")
}

#[test]
fn pasted_lines_become_one_message_and_a_note_on_the_incident() {
    let (pager, slack) = (Pager::usual(), slack());
    let ran = call(&person(&pager), &slack, &["-", "--pd-url", URL, "--service", "vrf"], PASTED);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(slack.asked().len(), 1);
    let message = slack.asked()[0].json();
    let said = said(&message);
    for part in [
        "War room: VRFRequestsPending",
        "Requests are pending for 12 minutes",
        "*Product*\n`VRF`",
        "*Service*\n`vrf`",
        "*Network*\n`base-mainnet`",
        "*key hash*\n`0x00b81b5a830cb0a4009fbd8904de511e28631e62ce5ad231373d3cdad373ccab`",
        "<https://x.pagerduty.com/incidents/Q1ABC|Incident>",
        "<https://meet.example/on-call|Meeting>",
    ] {
        assert!(said.contains(part), "{part}\n{said}");
    }
    assert!(message["text"].as_str().is_some_and(|text| text.starts_with("War room: VRFRequestsPending\n")));
    assert_eq!(message["blocks"][0]["type"], "header");
    let [note] = &pager.notes()[..] else { panic!("{:?}", pager.notes()) };
    assert!(note.contains("https://meet.example/on-call") && note.ends_with("[ira war-room #1]"), "{note}");
    let data = &ran.json()["data"];
    assert_eq!((&data["posted"], &data["noted"], &data["product"]), (&json!(true), &json!(true), &json!("VRF")));
}

#[test]
fn the_key_fits_the_product_and_leads_to_the_explorer() {
    let (pager, slack) = (Pager::usual(), slack());
    let person = person(&pager);
    let without = |names: &[&str]| -> String {
        let keep = |line: &&str| !names.iter().any(|name| line.contains(name));
        PASTED.lines().filter(keep).flat_map(|line| [line, "\n"]).collect()
    };
    let key = |text: &str| call(&person, &slack, &["-", "--dry-run"], text).json()["data"].clone();
    let keepers = key(&without(&["key_hash", "alertname", "job"]));
    assert_eq!((&keepers["product"], &keepers["key"]["label"]), (&json!("Keepers"), &json!("registry_address")));
    let feeds = key(&without(&["key_hash", "alertname", "job", "registry"]).replace("summary", "alertname"));
    assert_eq!((&feeds["product"], &feeds["key"]["label"]), (&json!("Feeds"), &json!("contract_address")));
    let link = "https://basescan.example/address/0xd5D517aBE5cF79B7e95eC98dB0f0277788aFF634";
    assert_eq!(feeds["key"]["url"], link);
    let own = key("- alertname = DiskFull\n- namespace = payments-eu\n- device = nvme0\n");
    assert_eq!((&own["product"], &own["key"]["value"]), (&json!("Payments"), &json!("nvme0")));
    assert_eq!(key("- alertname = DiskFull\n")["product"], "other");
    assert!(slack.asked().is_empty() && pager.notes().is_empty(), "a dry run tells nobody");
}

#[test]
fn without_a_channel_it_is_printed_for_any_chat() {
    let ran = Ran::with_input(&mut Person::with("").command(&["war-room", "-", "--pd-url", URL]), PASTED);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(ran.out.contains("No channel is configured") && ran.out.contains("VRFRequestsPending"), "{ran:?}");
    assert!(ran.out.contains(URL), "{ran:?}");
    // PagerDuty is not configured: said, and no reason to fail.
    assert!(ran.err.contains("gets no note"), "{ran:?}");
}

#[test]
fn an_alert_as_its_sender_wrote_it_names_its_incident() {
    let (pager, slack) = (Pager::usual(), slack());
    let person = person(&pager);
    let path = person.0.path().join("alert.json");
    let event = json!({ "event": { "event_type": "incident.triggered", "data": { "id": "Q1ABC", "incident_key": "k",
        "body": { "details": { "alertname": "FeedStale", "contract_address": "0x1" } } } } });
    std::fs::write(&path, event.to_string()).expect("written");
    let ran = call(&person, &slack, &["--alert", path.to_str().expect("text")], "");
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["incident"]["id"], "Q1ABC");
    assert_eq!(pager.notes().len(), 1);
    // The incident alone says what it is about.
    let ran = call(&person, &slack, &["--pd-url", URL], "");
    assert!(ran.code == 0 && slack.asked()[1].body.contains("web-01 is down"), "{ran:?}");
    let data = &ran.json()["data"];
    assert_eq!((&data["product"], &data["key"]["value"]), (&json!("Keepers"), &json!("0x1")), "by its own alerts");
}

#[test]
fn nothing_in_an_alert_calls_the_channel() {
    let (pager, slack) = (Pager::usual(), slack());
    let text = "- alertname = <!channel>\n- summary = <https://evil.example|click> & `x`\n- key_hash = `<@U1>`\n";
    assert_eq!(call(&person(&pager), &slack, &["-"], text).code, 0);
    let body = slack.asked()[0].body.clone();
    assert!(!body.contains("<!") && !body.contains("<@") && !body.contains("<https://evil"), "{body}");
}

#[test]
fn what_may_have_been_posted_is_not_posted_again_unasked() {
    let (pager, silent) = (Pager::usual(), Api::start(|_| silence()));
    let person = person(&pager);
    let ran = call(&person, &silent, &["-"], PASTED);
    assert!(ran.code == 75 && ran.out.contains("look in the channel"), "{ran:?}");
    assert_eq!(silent.asked().len(), 1);
    let gone = Api::start(|_| with(404, &[], b"no_service"));
    assert_eq!(call(&person, &gone, &["-"], PASTED).code, 69);
    let slack = slack();
    assert_eq!(call(&person, &slack, &["-"], PASTED).code, 0, "asked again, it posts");
    assert!(!person.journal().contains(CANARY), "lesson_35");
}

#[test]
fn what_is_called_about_nothing_is_refused() {
    let person = Person::with("");
    for (words, input) in [
        (&["war-room", "-"][..], "hello"),
        (&["war-room", "-"], ""),
        (&["war-room"], ""),
        (&["war-room", "--pd-url", "Q1"], ""),
    ] {
        let ran = Ran::with_input(&mut person.command(words), input);
        assert!(ran.code == 2 && ran.err.contains("hint:"), "{words:?}: {ran:?}");
    }
}
