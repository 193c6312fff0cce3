//! `ira doctor`: what is configured is asked, and what does not answer is said.
#![cfg(target_os = "linux")]

use std::collections::BTreeMap;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::{Value, json};

use crate::people::alerting;
use crate::people::api::{Api, json as answer, silence, with};
use crate::support::bed::{free_port, shared};
use crate::support::node::{FakeNode, PASSWORD, Script};
use crate::support::run::{Ran, ira};

/// A secret that must never be seen.
const CANARY: &str = "c4n4ryK3yAbCdEf0123456789";

/// A machine with a configuration.
struct Machine(tempfile::TempDir);

impl Machine {
    fn new() -> Self {
        let machine = Self(tempfile::tempdir().expect("a home"));
        machine.write("keystore.json", include_str!("support/keystore.json"), 0o600);
        machine.write("password", "correct horse\n", 0o600);
        machine.write("scripts/mend", "#!/bin/sh\n", 0o755);
        machine
    }

    fn write(&self, name: &str, text: &str, mode: u32) {
        let path = self.0.path().join(name);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }

    /// `@/` in the configuration is the home.
    fn doctor(&self, config: &str, words: &[&str]) -> Ran {
        let config = config.replace("@/", &format!("{}/", self.0.path().display()));
        self.write(".config/ira/config.toml", &config, 0o600);
        let mut command = ira(self.0.path());
        command.env("KEY", CANARY).env("PASS", PASSWORD).arg("doctor").args(words);
        let ran = Ran::of(&mut command);
        for secret in [CANARY, PASSWORD, "correct horse", "panicked"] {
            assert!(!ran.out.contains(secret) && !ran.err.contains(secret), "{secret}: {ran:?}");
        }
        ran
    }
}

/// Status, message and mend of each finding, by its check.
fn found(ran: &Ran) -> BTreeMap<String, (String, String, String)> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let one = |finding: &Value| {
        (
            text(&finding["check"]),
            (text(&finding["status"]), text(&finding["message"]), text(&finding["remedy"]["action"])),
        )
    };
    let all = ran.json()["data"]["findings"].as_array().cloned();
    all.unwrap_or_else(|| panic!("no findings: {ran:?}")).iter().map(one).collect()
}

#[test]
fn everything_that_is_configured_is_asked_and_nothing_is_written() {
    let bed = shared();
    let node = FakeNode::start(Script { opens: true, ..Script::default() });
    let api = Api::start(|asked| match asked.place() {
        "/users" => answer(200, &json!({ "users": [{ "name": "Ada", "email": "Ada@example.com" }] })),
        "/v2/alerts" => answer(200, &json!({ "data": [] })),
        "/api/v1/query" => {
            let result = json!([{ "metric": {}, "value": [1, "1"] }]);
            answer(200, &json!({ "status": "success", "data": { "resultType": "vector", "result": result } }))
        }
        "/api/v2/status" => answer(200, &json!({ "versionInfo": { "version": "0.25.0" } })),
        "/repos/a/b/issues" => answer(200, &json!([])),
        _ => with(404, &[], b""),
    });
    let url = api.url();
    let config = format!(
        "store = \"sqlite:@/state/ira.db\"\npublic_url = \"{url}/ira\"\n[scripts]\nfolder = \"@/scripts\"\n\
         [networks.bed]\nchain_id = 31337\nrpc = \"{}\"\ndirectory = \"@/feeds.json\"\n\
         [networks.bed.signer]\nkeystore = \"@/keystore.json\"\npassword = \"file:@/password\"\n\
         [nodes.n]\nurl = \"{}\"\nemail = \"oncall@example.org\"\npassword = \"env:PASS\"\nnetwork = \"bed\"\n\
         [pagerduty]\ntoken = \"env:KEY\"\nfrom = \"ada@example.com\"\nurl = \"{url}\"\n\
         [page]\nrouting_key = \"env:KEY\"\nfallback = \"slack\"\nurl = \"{url}\"\n\
         [slack]\nwebhook = \"env:HOOK\"\n[opsgenie]\nkey = \"env:KEY\"\nurl = \"{url}\"\n\
         [prometheus]\nurl = \"{url}\"\n[alertmanager]\nurls = \"{url}\"\n\
         [tickets.github]\npreset = \"github\"\nurl = \"{url}\"\nproject = \"a/b\"\ntoken = \"env:KEY\"\n\
         [sources.am]\nkind = \"alertmanager\"\ntoken = \"env:KEY\"\n",
        bed.url, node.url
    );
    let machine = Machine::new();
    machine.write("feeds.json", "[]", 0o600);
    machine.write("hook", &format!("{url}/services/{CANARY}"), 0o600);
    let ran = machine.doctor(&config.replace("env:HOOK", "file:@/hook"), &["--json"]);
    let all = found(&ran);
    assert_eq!(ran.code, 0, "{ran:?}");
    let says = |check: &str, status: &str, text: &str| {
        let (is, message, _) = all.get(check).unwrap_or_else(|| panic!("{check} is not asked: {ran:?}"));
        assert!(is == status && message.contains(text), "{check}: {is}: {message}");
    };
    says("rpc", "ok", "bed, block ");
    says("directory", "ok", "KiB");
    says("node", "ok", "takes the login, version 2.19.0");
    says("pagerduty", "ok", "notes are from Ada");
    says("opsgenie", "ok", "takes the key");
    says("page", "info", "only a page shows");
    says("slack", "info", "only a message shows");
    says("public-url", "info", "HTTP 404");
    says("prometheus", "ok", "answers a query");
    says("alertmanager", "ok", "version 0.25.0");
    says("tickets", "ok", "a/b");
    says("store", "ok", "not there yet");
    says("scripts", "ok", "1 scripts");
    says("keystore", "ok", "opens: 0x");
    says("source", "ok", "is there");
    assert_eq!(all.len(), 15, "{all:?}");
    // A query of Prometheus goes by POST and writes nothing; Slack's own path is not touched.
    let asked = api.asked();
    for one in &asked {
        assert!(one.method == "GET" || one.place() == "/api/v1/query", "{one:?}");
        assert!(!one.path.contains("services"), "{one:?}");
    }
    assert!(!machine.0.path().join("state").exists(), "nothing is made");
    let shown = machine.doctor(&config.replace("env:HOOK", "file:@/hook"), &[]);
    assert!(shown.code == 0 && shown.out.starts_with("All 15 answer."), "{shown:?}");
}

#[test]
fn what_does_not_answer_is_named_with_why_and_the_mend_and_holds_up_nobody() {
    let bed = shared();
    let silent = Api::start(|_| silence());
    let strict = Api::start(|asked| match asked.place() {
        "/users" => answer(200, &json!({ "users": [] })),
        _ => answer(403, &json!({ "message": "Api key is not permitted" })),
    });
    let closed = free_port();
    let machine = Machine::new();
    machine.write("scripts/open", "#!/bin/sh\n", 0o777);
    machine.write("wrong", "not it\n", 0o600);
    let config = format!(
        "[scripts]\nfolder = \"@/scripts\"\n[systemd]\nbus = \"unix:path=@/none\"\n\
         [networks.bed]\nchain_id = 1337\nrpc = \"{}\"\n\
         [networks.bed.signer]\nkeystore = \"@/keystore.json\"\npassword = \"file:@/wrong\"\n\
         [pagerduty]\ntoken = \"env:KEY\"\nfrom = \"ada@example.com\"\nurl = \"{strict}\"\n\
         [slack]\nwebhook = \"env:NONE\"\n[opsgenie]\nkey = \"env:KEY\"\nurl = \"{strict}\"\n\
         [prometheus]\nurl = \"{}\"\n[alertmanager]\nurls = \"http://127.0.0.1:{closed}\"\n\
         [sources.am]\nkind = \"alertmanager\"\ntoken = \"env:NONE\"\n",
        bed.url,
        silent.url(),
        strict = strict.url()
    );
    let ran = machine.doctor(&config, &["--json", "--timeout", "2"]);
    let all = found(&ran);
    assert_eq!((ran.code, &ran.json()["success"]), (69, &json!(false)), "{ran:?}");
    let says = |check: &str, text: &str, mend: &str| {
        let (is, message, remedy) = all.get(check).unwrap_or_else(|| panic!("{check} is not asked: {ran:?}"));
        assert!(is == "critical" && message.contains(text) && remedy.contains(mend), "{check}: {message} ({remedy})");
    };
    says("rpc", "31337", "");
    says("keystore", "the password is wrong", "password");
    says("pagerduty", "has no user ada@example.com", "pagerduty.from");
    says("slack", "NONE is not set", "export NONE=");
    says("opsgenie", "Api key is not permitted", "check the key");
    says("prometheus", "", "is it up");
    says("alertmanager", "cannot be reached", "`alertmanager.urls`");
    says("scripts", "1 of 2 would not be run", "nobody else may write");
    says("systemd", "cannot be reached", "systemd");
    says("source", "NONE is not set", "");
    assert_eq!(all["store"].0, "ok");
    let shown = machine.doctor(&config, &["--timeout", "2"]);
    assert!(shown.code == 69 && shown.out.starts_with("10 of 11 cannot be used: "), "{shown:?}");
    assert!(shown.out.contains("1 more answer (--verbose)"), "{shown:?}");
}

#[test]
fn what_is_wrong_on_this_machine_alone_is_a_problem_and_no_outage() {
    let machine = Machine::new();
    let ran = machine.doctor("[sources.am]\nkind = \"alertmanager\"\ntoken = \"file:@/short\"\n", &["--json"]);
    assert_eq!(ran.code, 69, "what is missing is as good as unreachable: {ran:?}");
    machine.write("short", "abc\n", 0o600);
    let ran = machine.doctor("[sources.am]\nkind = \"alertmanager\"\ntoken = \"file:@/short\"\n", &["--json"]);
    assert!(ran.code == 4 && found(&ran)["source"].2.contains("openssl rand"), "{ran:?}");
    let none = machine.doctor("[[[", &[]);
    assert_eq!(none.code, 78, "a configuration that cannot be read asks nobody: {none:?}");
}

#[test]
fn a_real_prometheus_and_a_real_alertmanager_answer() {
    if !alerting::is_there() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let config = "route: { receiver: none }\nreceivers: [{ name: none }]\n";
    let (_alertmanager, one) = alerting::alertmanager_with(folder.path(), "one", config);
    let port = free_port();
    std::fs::write(folder.path().join("prometheus.yml"), "global: {}\n").expect("written");
    let args = [
        "--config.file=prometheus.yml".to_owned(),
        format!("--web.listen-address=127.0.0.1:{port}"),
        "--storage.tsdb.path=tsdb".to_owned(),
    ];
    let _prometheus = alerting::start("prometheus", folder.path(), &args);
    let machine = Machine::new();
    let config =
        format!("[prometheus]\nurl = \"http://127.0.0.1:{port}\"\n[alertmanager]\nurls = \"http://127.0.0.1:{one}\"\n");
    alerting::until("both answer", || machine.doctor(&config, &["--json"]).code == 0);
    let all = found(&machine.doctor(&config, &["--json"]));
    assert!(all["alertmanager"].1.starts_with("version 0."), "{all:?}");
    assert_eq!(all["prometheus"].1, "answers a query");
}
