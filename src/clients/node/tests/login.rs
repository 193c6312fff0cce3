//! Logging in: once, by a cookie; never again where it was refused.

use ira_commands::Kind;
use ira_commands::node::NodeRead as _;

use super::*;

#[tokio::test]
async fn one_login_serves_every_question_and_health_needs_none() {
    let (server, node) = serving(|_| listed("x", &[])).await;
    node.health().await.expect("anybody may ask");
    assert_eq!(server.requests(), 1);
    let (keys, jobs, vrf) = tokio::join!(node.keys(), node.jobs(), node.vrf_keys());
    assert!(keys.is_ok() && jobs.is_ok() && vrf.is_ok(), "{keys:?} {jobs:?} {vrf:?}");
    let logins = server.seen.lock().expect("no panic").iter().filter(|seen| seen.line() == "POST /sessions").count();
    assert_eq!((logins, server.requests()), (1, 5));
}

#[tokio::test]
async fn a_refused_login_is_not_tried_again() {
    let server = serve(|_, _| Reply::status(401, errors(&format!("no such user with {CANARY}")))).await;
    let node = node_at(&server.url());
    for _ in 0..3 {
        let (keys, jobs) = tokio::join!(node.keys(), node.jobs());
        let fault = keys.expect_err("refused");
        assert_eq!(fault.kind, Kind::Denied);
        assert!(fault.message.contains("the node vrf-1 refuses the login"), "{fault}");
        assert!(fault.hint.as_ref().is_some_and(|hint| hint.contains("locks out")), "{fault:?}");
        assert!(!leaks(&format!("{fault:?} {jobs:?}")), "{fault:?}");
    }
    assert_eq!(server.requests(), 1, "a node locks out who tries too often");
}

#[tokio::test]
async fn a_login_that_broke_off_is_not_tried_again_either() {
    for reply in [|| Reply::status(429, "slow down"), || Reply::status(500, "oh"), || Reply::status(200, "{}")] {
        let server = serve(move |_, _| reply()).await;
        let node = node_at(&server.url());
        let (first, second) = (node.keys().await.expect_err("no"), node.jobs().await.expect_err("no"));
        assert_eq!(first, second);
        assert_eq!(server.requests(), 1, "{first}");
    }
}

#[tokio::test]
async fn a_session_that_expired_is_renewed_once() {
    let server = serve(|before, seen| match (seen.line(), before) {
        ("POST /sessions", _) => welcome(),
        // The first question after the first login comes too late.
        (_, 1) => Reply::status(401, errors("Unauthorized")),
        _ => listed("keys", &[]),
    })
    .await;
    let node = node_at(&server.url());
    assert_eq!(node.keys().await, Ok(Vec::new()));
    assert_eq!(server.requests(), 4);
}

#[tokio::test]
async fn a_role_that_does_not_allow_it_is_said_after_one_renewal() {
    for status in [401, 403] {
        let (server, node) = serving(move |_| Reply::status(status, errors(&format!("not for {COOKIE}")))).await;
        let fault = node.keys().await.expect_err("not allowed");
        assert_eq!(fault.kind, Kind::Denied);
        assert!(fault.one_line().contains("the role of this user does not allow /v2/keys/evm"), "{fault}");
        assert!(!leaks(&format!("{fault:?}")), "{fault:?}");
        let wanted = if status == 401 { 4 } else { 2 };
        assert_eq!(server.requests(), wanted, "HTTP {status}");
    }
}

#[tokio::test]
async fn a_missing_password_is_named_and_nothing_is_asked() {
    let server = serve(|_, _| welcome()).await;
    let mut machine = FixedEnv::default();
    machine.0.insert("OTHER".to_owned(), String::new());
    let node = {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("config.toml");
        let text = format!(
            "[nodes.a]\nurl = \"{}\"\nemail = \"m@x\"\npassword = \"env:NOWHERE\"\nnetwork = \"base\"\n",
            server.url()
        );
        std::fs::write(&file, text).expect("written");
        let places = Places { system: PathBuf::from("/nonexistent"), user: Some(file), cache: None, home: None };
        let sources =
            Sources { env: Arc::new(machine), cwd: folder.path().to_owned(), places, flags: Flags::default() };
        let config = Arc::new(Config::load(&sources).expect("a configuration"));
        let node = config.node("a").expect("it is there").clone();
        Node::new(config, node, CHAIN, Duration::from_secs(2))
    };
    let fault = node.keys().await.expect_err("no password");
    assert!(
        fault.one_line().contains("the password for the node `a`") && fault.one_line().contains("NOWHERE"),
        "{fault}"
    );
    assert_eq!(server.requests(), 0);
}

#[tokio::test]
async fn neither_password_nor_cookie_is_in_anything_that_is_shown() {
    // A node that says back whatever it was told.
    let (_server, node) = serving(|seen| {
        let said = format!("{} {CANARY} {}", seen.head, serde_json::to_string(CANARY).expect("JSON"));
        match seen.line() {
            line if line.starts_with("GET /v2/keys/evm") => Reply::status(500, said),
            line if line.starts_with("GET /v2/keys/vrf") => Reply::status(422, said),
            line if line.starts_with("GET /v2/jobs") => listed(
                "jobs",
                &[(
                    said.as_str(),
                    json!({ "name": said, "type": "vrf", "errors": [{ "description": said, "occurrences": said }],
                            "vrfSpec": { "requestTimeout": said, "coordinatorAddress": said, "evmChainID": null } }),
                )],
            ),
            line if line.starts_with("GET /health") => {
                listed("checks", &[("a", json!({ "name": said, "status": "failing", "output": said }))])
            }
            line if line.starts_with("GET /metrics") => {
                let label = said.replace(['\\', '"', '\r', '\n'], "");
                Reply::status(
                    200,
                    format!("vrf_dropped_request_count{{job_name=\"{label}\",drop_reason=\"{COOKIE}\"}} 1"),
                )
            }
            _ => Reply::status(200, said),
        }
    })
    .await;
    let shown = format!(
        "{:?} {:?} {:?} {:?} {:?} {:?} {:?}",
        node.keys().await,
        node.vrf_keys().await,
        node.jobs().await,
        node.transactions().await,
        node.version().await,
        node.health().await,
        node.meters().await
    );
    let shown = format!("{shown} {:?}", node.not_understood());
    assert!(!leaks(&shown), "{shown}");
    assert!(shown.contains("failing") || shown.contains("passing: false"), "{shown}");
}
