//! A real Alertmanager as a sender: what it posts, and what its API lists of the same alerts.

use std::collections::BTreeMap;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use ira::clients::alertmanager::Alertmanager;
use ira::clients::sns::Sns;
use ira::clock::SystemClock;
use ira::config::env::{FixedEnv, SystemEnv};
use ira::config::{Config, Flags, Places, Sources};
use ira::daemon::sources::{Batch, Head, Refusal, Source, Topics as _, missed};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use secrecy::SecretString;
use serde_json::{Value, json};

use super::alerting::{alertmanager_with, is_there, until};
use super::api::{Api, Asked, with};

fn config(folder: &std::path::Path, text: &str) -> Arc<Config> {
    let path = folder.join("ira.toml");
    std::fs::write(&path, text).expect("written");
    let flags = Flags { config: Some(path), ..Flags::default() };
    let places = Places { system: folder.join("none"), user: None, cache: None, home: None };
    let sources = Sources { places, cwd: folder.to_owned(), flags, env: Arc::new(SystemEnv) };
    Arc::new(Config::load(&sources).expect("a configuration"))
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime").block_on(future)
}

/// Whether Alertmanager takes these alerts.
fn posted(port: u16, alerts: &str) -> bool {
    let Ok(mut stream) = TcpStream::connect(("127.0.0.1", port)) else { return false };
    let head = format!(
        "POST /api/v2/alerts HTTP/1.1\r\nhost: am\r\ncontent-type: application/json\r\nconnection: close\r\n\
         content-length: {}\r\n\r\n",
        alerts.len()
    );
    let mut answer = String::new();
    let sent = stream.write_all((head + alerts).as_bytes()).and_then(|()| stream.read_to_string(&mut answer));
    sent.is_ok() && answer.starts_with("HTTP/1.1 200")
}

fn taken(source: &Source, asked: &Asked) -> Result<Batch, Refusal> {
    let headers: HeaderMap = asked
        .headers
        .iter()
        .map(|(name, value)| {
            (name.parse::<HeaderName>().expect("a name"), HeaderValue::from_str(value).expect("a value"))
        })
        .collect();
    let mut reading = source.open(Head { headers: &headers, peer: &[], loopback: true })?;
    reading.push(asked.body.clone().into_bytes().into())?;
    block_on(reading.finish(0))
}

/// Id, status and labels of each alert.
fn ids(batch: &Batch) -> BTreeMap<String, bool> {
    batch.deliveries.iter().map(|one| (one.id.clone(), one.incoming.alert.resolved)).collect()
}

#[test]
fn lesson_19_a_real_alertmanager_proves_itself_and_its_api_lists_the_same_alerts() {
    if !is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let hook = Api::start(|_| with(200, &[], b""));
    let token = folder.path().join("token");
    std::fs::write(&token, "a-token-of-the-tests").expect("written");
    std::fs::set_permissions(&token, std::fs::Permissions::from_mode(0o600)).expect("chmod");
    let (_running, port) = alertmanager_with(
        folder.path(),
        "store",
        &format!(
            "route: {{ receiver: ira.eu, group_by: [alertname], group_wait: 0s, group_interval: 1s, repeat_interval: 2s }}\n\
             receivers:\n- name: ira.eu\n  webhook_configs:\n  - url: {}/am\n    http_config:\n      authorization: \
             {{ credentials: a-token-of-the-tests }}\n- name: other\n",
            hook.url()
        ),
    );
    let config = config(
        folder.path(),
        &format!(
            "[sources.am]\nkind = \"alertmanager\"\ntoken = \"file:token\"\nreceiver = \"ira.eu\"\n\
             [alertmanager]\nurls = \"http://127.0.0.1:{port}\"\n"
        ),
    );
    let am = &config.systems.sources["am"];
    let source = Source::new("am", am, config.env(), Arc::new(Sns::new(Arc::clone(&config)))).expect("made");
    let pair = config.systems.alertmanager.clone().expect("configured");
    let pair = Alertmanager::new(Arc::clone(&config), pair, Arc::new(SystemClock));

    let post = |alerts: Value| posted(port, &alerts.to_string());
    // Microseconds: the webhook and the API cut them differently.
    let alert = |host: &str, ends: Option<&str>| {
        let mut one = json!({ "labels": { "alertname": "Down", "host": host }, "annotations": { "summary": "$(reboot) <b>" },
            "startsAt": "2026-01-02T03:04:05.678912Z" });
        if let Some(ends) = ends {
            one["endsAt"] = json!(ends);
        }
        one
    };
    until("Alertmanager is up", || post(json!([alert("web-01", None), alert("web-02", None)])));
    until("both are posted, and posted again", || {
        let sent = hook.asked();
        sent.len() >= 3
            && sent.iter().rev().take(2).all(|one| one.body.contains("web-01") && one.body.contains("web-02"))
    });
    let sent = hook.asked();
    let first = taken(&source, &sent[sent.len() - 2]).expect("its own token");
    let reminder = taken(&source, &sent[sent.len() - 1]).expect("its own token");
    assert_eq!(ids(&first), ids(&reminder), "a reminder is the same");
    let stranger = Asked { headers: BTreeMap::new(), ..sent[0].clone() };
    assert_eq!(taken(&source, &stranger).expect_err("a stranger").status, 401);

    let found = block_on(missed(&pair, "ira.eu", &source.limits()));
    let [found] = &found[..] else { panic!("one Alertmanager, one answer") };
    let found = found.says.as_ref().unwrap_or_else(|fault| panic!("{fault}"));
    assert_eq!(ids(found), ids(&first), "what the API lists is what was posted");
    let other = block_on(missed(&pair, "ira-eu", &source.limits()));
    assert!(other[0].says.as_ref().is_ok_and(|batch| batch.deliveries.is_empty()), "the receiver's whole name counts");

    assert!(post(json!([alert("web-01", Some("2026-01-02T03:05:00Z"))])));
    until("one is over", || {
        let last = hook.asked().last().map(|asked| taken(&source, asked).expect("its own token"));
        last.is_some_and(|batch| batch.deliveries.iter().any(|one| one.incoming.alert.resolved))
    });
    let found = block_on(missed(&pair, "ira.eu", &source.limits()));
    assert_eq!(found[0].says.as_ref().map(|batch| batch.deliveries.len()).ok(), Some(1), "what is over is not listed");
}

#[test]
fn a_subscription_is_confirmed_at_sns_itself_and_its_token_is_kept() {
    let folder = tempfile::tempdir().expect("a folder");
    let topic = "arn:aws:sns:eu-west-1:123456789012:alarms";
    let confirmed = |answer: fn(&Asked) -> super::api::Answer| {
        let api = Api::start(answer);
        let flags = Flags::default();
        let places = Places { system: folder.path().join("none"), user: None, cache: None, home: None };
        let env = Arc::new(FixedEnv::of([("AWS_ENDPOINT_URL", &api.url())]));
        let config = Config::load(&Sources { places, cwd: folder.path().to_owned(), flags, env }).expect("empty");
        let said = block_on(Sns::new(Arc::new(config)).confirm(topic, &SecretString::from(super::CANARY)));
        assert!(!format!("{said:?}").contains("c4n4ry"), "{said:?}");
        (api.asked(), said)
    };
    let (asked, said) = confirmed(|_| {
        with(200, &[], b"<ConfirmSubscriptionResponse><SubscriptionArn>arn:aws:sns</SubscriptionArn></ConfirmSubscriptionResponse>")
    });
    said.expect("confirmed");
    let query = &asked[0].path;
    for part in ["Action=ConfirmSubscription", "TopicArn=arn%3Aaws%3Asns%3Aeu-west-1", "Token=c4n4ry%2BK3y%2F"] {
        assert!(query.contains(part), "{query}");
    }
    let wrong: [fn(&Asked) -> super::api::Answer; 5] = [
        |_| with(200, &[], b"<html>hello</html>"),
        |asked| with(403, &[], asked.path.as_bytes()),
        |_| with(302, &[("location", "http://127.0.0.1:1/")], b""),
        |_| with(200, &[], "SubscriptionArn ".repeat(10_000).as_bytes()),
        |_| None,
    ];
    for answer in wrong {
        assert!(confirmed(answer).1.is_err());
    }
}
