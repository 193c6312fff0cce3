//! A secret in every place where one is configured, against servers that repeat it: it is nowhere in what is said.

use super::api::{Api, with};
use super::{Person, assert_kept, forms};

/// Repeats the secret in every form that it knows, and what it was sent.
fn echo(status: u16) -> Api {
    Api::start(move |asked| {
        let mut body = forms().join(" ");
        for (name, value) in &asked.headers {
            body.push_str(&format!("\n{name}: {value}"));
        }
        body.push_str(&asked.body);
        let header = asked.headers.get("authorization").cloned().unwrap_or_default();
        with(status, &[("x-echo", header.as_str()), ("retry-after", "0")], body.as_bytes())
    })
}

#[test]
fn lesson_35_no_adapter_says_its_secret_in_any_form() {
    std::thread::scope(|scope| {
        for status in [200, 400, 401, 403, 404, 429, 500] {
            scope.spawn(move || all(&echo(status).url(), status));
        }
    });
}

fn all(url: &str, status: u16) {
    for provider in ["pagerduty", "opsgenie"] {
        let person = Person::with(&format!(
            "[page]\nprovider = \"{provider}\"\nrouting_key = \"env:KEY\"\nurl = \"{url}\"\n\
             [opsgenie]\nkey = \"env:KEY\"\nurl = \"{url}\"\n[prometheus]\nurl = \"{url}\"\nuser = \"u\"\npassword = \"env:KEY\"\n\
             [alertmanager]\nurls = \"{url}\"\ntoken = \"env:KEY\"\n[slack]\nwebhook = \"env:HOOK\"\n\
             [datadog]\napi_key = \"env:KEY\"\napplication_key = \"env:KEY\"\nurl = \"{url}\"\n\
             [grafana]\nurl = \"{url}\"\ntoken = \"env:KEY\"\n\
             [tickets.j]\npreset = \"jira\"\nurl = \"{url}\"\nproject = \"P\"\nuser = \"u\"\ntoken = \"env:KEY\"\n"
        ));
        let ask = |words: &[&str]| {
            let mut command = person.command(words);
            command.env("IRA_LOG", "trace").env("HOOK", format!("{url}/services/{}", super::CANARY));
            let ran = crate::support::run::Ran::of(&mut command);
            assert_kept(&ran);
        };
        ask(&["act", "page", "--key", "k", "--summary", "s", "--yes"]);
        ask(&["act", "notify.slack", "--text", "x", "--yes", "--json"]);
        ask(&["act", "prometheus.query", "--query", "up", "--json"]);
        ask(&["act", "alert.still_firing", "--label", "a=b", "--json"]);
        ask(&["act", "alert.still_firing", "--source", "datadog", "--label", "alert_id=1", "--json"]);
        ask(&["act", "alert.still_firing", "--source", "grafana", "--label", "a=b", "--json"]);
        ask(&["act", "ticket.create", "--desk", "j", "--title", "t", "--text", "x", "--yes"]);
        let secret = ["--secret-header", "Authorization: Bearer env:KEY", "--secret-header", "X-Api-Key: env:KEY"];
        ask(&[&["act", "http.check", "--url", url, "--contains", "no", "--expect-header", "x-echo: no"][..], &secret]
            .concat());
        ask(&[&["act", "http.request", "--url", url, "--yes", "--json"][..], &secret].concat());
        ask(&["config", "show"]);
        ask(&["config", "check", "--json"]);
        let journal = person.journal().to_lowercase();
        for form in forms() {
            assert!(!journal.contains(&form.to_lowercase()), "{status} {form}: {journal}");
        }
    }
}

#[test]
fn a_secret_itself_is_no_configuration_and_a_project_file_names_nobody() {
    for text in [
        format!("[pagerduty]\ntoken = \"{}\"\nfrom = \"a@b.example\"\n", super::CANARY),
        format!("[slack]\nwebhook = \"https://hooks.slack.com/services/{}\"\n", super::CANARY),
        format!("[prometheus]\nurl = \"https://u:{}@p.example\"\n", super::CANARY),
        format!("[page]\nrouting_key = \"{}\"\n", super::CANARY),
    ] {
        let ran = Person::with(&text).ira(&["config", "check"]);
        assert_eq!(ran.code, 78, "{ran:?}");
    }
    let person = Person::with("");
    for table in [
        "pagerduty",
        "page",
        "slack",
        "opsgenie",
        "prometheus",
        "alertmanager",
        "datadog",
        "grafana",
        "tickets",
        "http",
        "sources",
        "war_room",
    ] {
        std::fs::write(person.0.path().join(".ira.toml"), format!("[{table}]\n")).expect("written");
        let ran = person.ira(&["config", "check"]);
        assert!(ran.code == 78 && ran.out.contains("may not set"), "{table}: {ran:?}");
    }
}
