//! The client against nodes that answer well, badly, late, and as older and newer builds do.

mod actions;
mod bad_answers;
mod login;
mod shapes;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::Node;
use crate::clients::scripted::{Reply, Seen, Server, serve};
use crate::config::env::FixedEnv;
use crate::config::{Config, Flags, Places, Sources};

/// The password; it may stand in a login's body and nowhere else.
const CANARY: &str = "CANARY-p\"ass/w0rd";
/// The cookie; it may stand in a request's head and nowhere else.
const COOKIE: &str = "CANARY-cookie-MTY1";
/// The chain that the node is asked about.
const CHAIN: u64 = 31_337;

/// A node at `url`, as a configuration file has it.
fn node_at(url: &str) -> Node {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("config.toml");
    let text = format!(
        "[networks.bed]\nchain_id = {CHAIN}\n[nodes.vrf-1]\nurl = \"{url}\"\nemail = \"me@example.org\"\npassword = \"env:P\"\nnetwork = \"bed\"\n"
    );
    std::fs::write(&file, text).expect("written");
    let sources = Sources {
        env: Arc::new(FixedEnv::of([("P", CANARY)])),
        cwd: folder.path().to_owned(),
        places: Places { system: PathBuf::from("/nonexistent"), user: Some(file), cache: None, home: None },
        flags: Flags::default(),
    };
    let config = Arc::new(Config::load(&sources).expect("a configuration"));
    let node = config.node("vrf-1").expect("it is there").clone();
    Node::new(config, node, CHAIN, Duration::from_secs(2))
}

/// The answer to a login that is right.
fn welcome() -> Reply {
    let body = json!({ "data": { "type": "session", "id": "sessionID", "attributes": { "authenticated": true } } });
    Reply::json(&body)
        .header("set-cookie", "explorer=%7B%22status%22%3A%22disconnected%22%7D; Path=/; SameSite=Strict")
        .header("set-cookie", &format!("clsession={COOKIE}; Path=/; Expires=Mon, 21 Dec 2026 00:00:00 GMT; HttpOnly"))
}

/// A node that lets in who has the password, and answers everything else by `answer` to who has the cookie.
async fn serving(answer: impl Fn(&Seen) -> Reply + Send + Sync + 'static) -> (Server, Node) {
    let server = serve(move |_, seen| match seen.line() {
        "POST /sessions" if seen.body == json!({ "email": "me@example.org", "password": CANARY }) => welcome(),
        "POST /sessions" => Reply::status(401, errors("Invalid Email")),
        line if line.starts_with("GET /v2") || line.starts_with("POST /v2") => {
            let cookie = format!("cookie: clsession={COOKIE}");
            let inside = seen.head.lines().any(|header| header.eq_ignore_ascii_case(&cookie));
            if inside { answer(seen) } else { Reply::status(401, errors("Unauthorized")) }
        }
        _ => answer(seen),
    })
    .await;
    let node = node_at(&server.url());
    (server, node)
}

fn errors(detail: &str) -> String {
    json!({ "errors": [{ "detail": detail }] }).to_string()
}

/// A list as JSON:API has it.
fn listed(kind: &str, items: &[(&str, Json)]) -> Reply {
    let data: Vec<Json> =
        items.iter().map(|(id, attributes)| json!({ "type": kind, "id": id, "attributes": attributes })).collect();
    Reply::json(&json!({ "data": data, "meta": { "count": items.len() } }))
}

fn missing() -> Reply {
    Reply::status(404, "404 page not found")
}

/// Whether something that is shown holds a secret, in any form.
fn leaks(shown: &str) -> bool {
    shown.contains("CANARY")
}
