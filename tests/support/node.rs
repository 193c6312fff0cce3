//! A Chainlink node as far as its public API goes: it answers by a script, keeps what it was asked, and does what it is
//! told.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::faults::{Server, http};

/// The password of its user; never to be seen in anything that `ira` shows.
pub const PASSWORD: &str = "CANARY-pass-7f3a91";
/// The cookie of a session; never to be seen either.
pub const COOKIE: &str = "CANARY-cookie-MTYzNzQ4";

/// What it answers.
#[derive(Clone)]
pub struct Script {
    /// Attributes of its keys.
    pub keys: Vec<Value>,
    /// Attributes of its keys for proofs.
    pub vrf_keys: Vec<Value>,
    /// Id and attributes of its jobs.
    pub jobs: Vec<(String, Value)>,
    /// Attributes of the runs of every job, newest first.
    pub runs: Vec<Value>,
    /// Attributes of its transactions, newest first.
    pub transactions: Vec<Value>,
    /// Its checks: name, whether it passes, what it says.
    pub checks: Vec<(&'static str, bool, &'static str)>,
    /// What `/metrics` says.
    pub metrics: String,
    /// Whether it lets anybody in.
    pub opens: bool,
    /// Whether its user may change anything.
    pub admin: bool,
    /// How long it takes over each answer.
    pub delay: Duration,
    /// Answers this to every question of the API in place of what it knows.
    pub instead: Option<(u16, &'static str)>,
}

impl Default for Script {
    fn default() -> Self {
        Self {
            keys: Vec::new(),
            vrf_keys: Vec::new(),
            jobs: Vec::new(),
            runs: Vec::new(),
            transactions: Vec::new(),
            checks: vec![("Mailbox.Monitor", true, "")],
            metrics: String::new(),
            opens: true,
            admin: true,
            delay: Duration::ZERO,
            instead: None,
        }
    }
}

/// A running node.
pub struct FakeNode {
    /// `http://127.0.0.1:port`.
    pub url: String,
    script: Arc<Mutex<Script>>,
    asked: Arc<Mutex<Vec<String>>>,
}

impl FakeNode {
    /// Starts one.
    pub fn start(script: Script) -> Self {
        let script = Arc::new(Mutex::new(script));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (plays, kept) = (Arc::clone(&script), Arc::clone(&asked));
        let server = Server::asked(move |head, body| {
            let line = head.lines().next()?.rsplit_once(' ')?.0;
            kept.lock().expect("not poisoned").push(line.to_owned());
            let delay = plays.lock().expect("not poisoned").delay;
            std::thread::sleep(delay);
            Some(answer(line, head, body, &mut plays.lock().expect("not poisoned")))
        });
        Self { url: format!("http://127.0.0.1:{}", server.port), script, asked }
    }

    /// Every request so far: method, path and query.
    pub fn asked(&self) -> Vec<String> {
        self.asked.lock().expect("not poisoned").clone()
    }

    /// Changes what it answers.
    pub fn change(&self, change: impl FnOnce(&mut Script)) {
        change(&mut self.script.lock().expect("not poisoned"));
    }
}

fn answer(line: &str, head: &str, body: &str, script: &mut Script) -> Vec<u8> {
    let (path, query) = line.split_once('?').unwrap_or((line, ""));
    if path == "POST /sessions" {
        let right = json!({ "email": "oncall@example.org", "password": PASSWORD });
        let told: Value = serde_json::from_str(body).unwrap_or_default();
        if !script.opens || told != right {
            return refused(&format!("Invalid password {PASSWORD}"));
        }
        return session();
    }
    match path {
        "GET /health" => {
            let status = if script.checks.iter().all(|(_, passing, _)| *passing) { 200 } else { 503 };
            let checks = script.checks.iter().map(|(name, passing, output)| {
                let status = if *passing { "passing" } else { "failing" };
                json!({ "name": name, "status": status, "output": output })
            });
            return list(status, checks.collect());
        }
        "GET /metrics" => return http(200, "text/plain", script.metrics.as_bytes()),
        _ => {}
    }
    if !head.contains(&format!("clsession={COOKIE}")) {
        return refused("Unauthorized");
    }
    if let Some((status, body)) = script.instead {
        return http(status, "text/html", body.as_bytes());
    }
    if path.starts_with("POST ") && !script.admin {
        return refused("Unauthorized");
    }
    match path {
        "GET /v2/keys/evm" => list(200, script.keys.clone()),
        "GET /v2/keys/vrf" => list(200, script.vrf_keys.clone()),
        "GET /v2/jobs" => items(200, &script.jobs),
        "GET /v2/transactions/evm" => list(200, script.transactions.clone()),
        "GET /v2/build_info" => json_answer(200, &json!({ "version": "2.19.0", "commitSHA": "0" })),
        path if path.starts_with("GET /v2/jobs/") && path.ends_with("/runs") => list(200, script.runs.clone()),
        path if path.starts_with("POST /v2/replay_from_block/") => {
            json_answer(200, &json!({ "data": { "attributes": { "message": "Replay started" } } }))
        }
        "POST /v2/keys/evm/chain" => {
            for key in &mut script.keys {
                let address = key["address"].as_str().unwrap_or_default().to_owned();
                if query.contains(&address) && query.contains("enabled=true") {
                    key["disabled"] = json!(false);
                }
            }
            json_answer(200, &json!({ "data": {} }))
        }
        _ => http(404, "text/plain", b"404 page not found"),
    }
}

fn json_answer(status: u16, body: &Value) -> Vec<u8> {
    http(status, "application/vnd.api+json", body.to_string().as_bytes())
}

fn list(status: u16, attributes: Vec<Value>) -> Vec<u8> {
    let numbered: Vec<(String, Value)> =
        attributes.into_iter().enumerate().map(|(at, attributes)| ((at + 1).to_string(), attributes)).collect();
    items(status, &numbered)
}

fn items(status: u16, items: &[(String, Value)]) -> Vec<u8> {
    let data: Vec<Value> = items.iter().map(|(id, attributes)| json!({ "id": id, "attributes": attributes })).collect();
    json_answer(status, &json!({ "data": data, "links": {} }))
}

fn refused(why: &str) -> Vec<u8> {
    json_answer(401, &json!({ "errors": [{ "detail": why }] }))
}

fn session() -> Vec<u8> {
    let body = json!({ "data": { "type": "session", "id": "sessionID", "attributes": { "authenticated": true } } });
    let body = body.to_string();
    format!(
        "HTTP/1.1 200 OK\r\nset-cookie: clsession={COOKIE}; Path=/; HttpOnly\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
    .into_bytes()
}
