//! Where requests may go.

use serde_json::json;

use super::api::{Api, with};
use super::{CANARY, Person};

#[test]
fn what_an_alert_names_is_not_asked_where_it_is_not_public() {
    let api = Api::start(|_| with(200, &[], b"inside"));
    let person = Person::with("");
    let (plain, named) = (api.url(), api.url().replace("127.0.0.1", "localhost"));
    for url in [&plain, &named] {
        let ran = person.act(&["http.check", "--url", url, "--untrusted"]);
        assert_eq!((ran.code, &ran.json()["errors"][0]["kind"]), (69, &json!("denied")), "{ran:?}");
        let ran = person.agreed(&["http.request", "--url", url, "--untrusted"]);
        assert_eq!(ran.code, 69, "{ran:?}");
    }
    assert_eq!(api.asked().len(), 0, "nothing was asked");
    assert_eq!(person.act(&["http.check", "--url", &plain]).code, 0, "an operator's own word");
    let allowed = Person::with(&format!("[http]\nallow = [\"127.0.0.1:{}\", \"10.0.0.0/8\"]\n", api.port));
    assert_eq!(allowed.act(&["http.check", "--url", &plain, "--untrusted"]).code, 0);
    assert_eq!(api.asked().len(), 2);
}

#[test]
fn metadata_is_refused_whatever_is_allowed() {
    let person = Person::with("[http]\nallow = [\"169.254.0.0/16\", \"169.254.169.254\"]\n");
    for url in ["http://169.254.169.254/latest", "http://0xA9FEA9FE/", "http://[::ffff:169.254.169.254]/"] {
        for more in [&[][..], &["--untrusted"]] {
            let ran = person.act(&[&["http.check", "--url", url], more].concat());
            assert_eq!((ran.code, &ran.json()["errors"][0]["kind"]), (69, &json!("denied")), "{url}: {ran:?}");
        }
    }
}

#[test]
fn an_alert_gets_no_secret_sent_anywhere() {
    let api = Api::start(|_| with(200, &[], b""));
    let person = Person::with("[http]\nallow = [\"127.0.0.0/8\"]\n");
    let url = api.url();
    let secret = ["--secret-header", "Authorization: Bearer env:KEY"];
    let words = [&["http.check", "--url", url.as_str(), "--untrusted"][..], &secret].concat();
    assert_eq!(person.act(&words).code, 69, "the network is allowed, the host is not named");
    let ran = person.act(&["http.check", "--url", "env:KEY", "--untrusted"]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert_eq!(api.asked().len(), 0);
    let named = Person::with("[http]\nallow = [\"127.0.0.1\"]\n");
    assert_eq!(named.act(&words).code, 0);
    assert_eq!(api.asked()[0].headers["authorization"], format!("Bearer {CANARY}"));
}

#[test]
fn a_redirect_is_not_followed_to_where_the_first_step_may_not_go() {
    let inside = Api::start(|_| with(200, &[], b"inside"));
    let to = inside.url();
    let door = Api::start(move |_| with(302, &[("location", &to)], b""));
    let person = Person::with(&format!("[http]\nallow = [\"127.0.0.1:{}\"]\n", door.port));
    let ran = person.act(&["http.check", "--url", &door.url(), "--untrusted"]);
    assert_eq!((ran.code, inside.asked().len()), (4, 0), "{ran:?}");
}

#[test]
fn a_key_in_a_literal_url_is_refused_and_not_repeated() {
    let person = Person::with("");
    let ran = person.act(&["http.check", "--url", &format!("http://u:{}@127.0.0.1/", super::forms()[1])]);
    assert_eq!(ran.code, 2, "{ran:?}");
    assert!(ran.json()["errors"][0]["hint"].as_str().is_some_and(|hint| hint.contains("env:NAME")), "{ran:?}");
}
