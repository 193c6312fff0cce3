//! The pages: who may look, who decides, and that nothing from outside is anything but text.

mod browser;

use std::sync::Arc;
use std::time::Duration;

use http_body_util::BodyExt as _;
use hyper::header::{COOKIE, HOST, HeaderName, HeaderValue, LOCATION, SET_COOKIE};
use hyper::{HeaderMap, Method, StatusCode};
use ira::config::{Role, UserConfig};
use ira::daemon::web::{Request, Shelved, Web};
use ira::engine::{Came, Ending};
use ira::store::model::RunId;
use ira::store::{Guard, RunState};
use ira_commands::playbook::Mode;
use sha2::{Digest as _, Sha256};

use crate::engine::books::{RESTART, SCRIPT, of};
use crate::engine::world::Mishap;
use crate::engine::{Rig, ended, on_each};

/// What came back.
struct Seen {
    status: StatusCode,
    headers: HeaderMap,
    text: String,
}

impl Seen {
    fn header(&self, name: &HeaderName) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }

    /// The value of the first hidden field of this name.
    fn hidden(&self, name: &str) -> String {
        let from = format!("name=\"{name}\" value=\"");
        let at = self.text.find(&from).unwrap_or_else(|| panic!("no {name} in {}", self.text)) + from.len();
        self.text[at..].split('"').next().expect("an end").to_owned()
    }
}

/// Somebody at a browser.
struct Reader<'a> {
    web: &'a Web,
    headers: HeaderMap,
    loopback: bool,
}

impl<'a> Reader<'a> {
    fn at(web: &'a Web) -> Self {
        let headers = HeaderMap::from_iter([(HOST, HeaderValue::from_static("127.0.0.1:9911"))]);
        Self { web, headers, loopback: true }
    }

    async fn signed_in(web: &'a Web, name: &str) -> Self {
        let mut reader = Self::at(web);
        let seen = reader.post("/sign-in", &format!("name={name}&token={name}-token&to=/runs")).await;
        assert_eq!((seen.status, seen.header(&LOCATION)), (StatusCode::SEE_OTHER, "/runs"));
        let cookie = seen.header(&SET_COOKIE);
        assert!(cookie.contains("HttpOnly; SameSite=Strict"), "{cookie}");
        reader.with(COOKIE, cookie.split(';').next().expect("a pair"));
        reader
    }

    fn with(&mut self, name: HeaderName, value: &str) {
        self.headers.insert(name, HeaderValue::from_str(value).expect("a value"));
    }

    async fn ask(&self, method: Method, at: &str, body: &str) -> Seen {
        let (path, query) = at.split_once('?').unwrap_or((at, ""));
        let request = Request {
            method: &method,
            path,
            query,
            headers: &self.headers,
            body: body.as_bytes(),
            loopback: self.loopback,
        };
        let (parts, body) = self.web.serve(request).await.into_parts();
        let bytes = body.collect().await.expect("a body").to_bytes();
        let text = String::from_utf8(bytes.to_vec()).expect("text");
        Seen { status: parts.status, headers: parts.headers, text }
    }

    async fn get(&self, at: &str) -> Seen {
        self.ask(Method::GET, at, "").await
    }

    async fn post(&self, at: &str, body: &str) -> Seen {
        self.ask(Method::POST, at, body).await
    }

    /// Sends a form with what the pages carry.
    async fn send(&self, at: &str, body: &str) -> Seen {
        let csrf = self.get("/runs").await.hidden("csrf");
        self.post(at, &format!("csrf={csrf}&{body}")).await
    }
}

fn users() -> std::collections::BTreeMap<String, UserConfig> {
    let user = |name: &str, role| {
        let token = Sha256::digest(format!("{name}-token")).into();
        (name.to_owned(), UserConfig { token, role })
    };
    [
        user("vera", Role::Viewer),
        user("anna", Role::Approver),
        user("otto", Role::Operator),
        user("somebody", Role::Admin),
    ]
    .into()
}

fn web(rig: &Rig) -> Web {
    Web::new(Arc::clone(&rig.store), users(), Some("https://ira.example.org")).expect("the templates are read")
}

async fn asking(rig: &Rig) -> RunId {
    let run = rig.admit_as(&of(RESTART), "one", Mode::Approve, Vec::new()).await.expect("admitted");
    assert!(matches!(rig.drive(run).await, Came::Asks(..)));
    run
}

#[test]
fn a_plan_is_seen_before_it_is_approved_and_the_approver_is_named() {
    on_each(async |rig, _| {
        let run = asking(rig).await;
        let web = web(rig);
        let anna = Reader::signed_in(&web, "anna").await;
        let page = anna.get(&format!("/runs/{run}")).await;
        assert_eq!(page.status, StatusCode::OK);
        for part in ["systemd.restart", "web.service", "Somebody has to agree", "anna, approver"] {
            assert!(page.text.contains(part), "{part} is not in {}", page.text);
        }
        let plan = page.hidden("plan");
        let other = anna.send(&format!("/runs/{run}/approve"), "plan=another").await;
        assert_eq!(other.status, StatusCode::CONFLICT, "I15: another plan is not agreed to");
        assert!(rig.world.done().is_empty());
        let said = anna.send(&format!("/runs/{run}/approve"), &format!("plan={plan}")).await;
        assert_eq!((said.status, said.header(&LOCATION)), (StatusCode::SEE_OTHER, format!("/runs/{run}").as_str()));
        assert_eq!(rig.story(run).await.approvals[0].actor.as_deref(), Some("anna"));
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        let page = anna.get(&format!("/runs/{run}")).await;
        for part in ["succeeded", "yes to the plan", "anna", "Before and after", "site", "restart"] {
            assert!(page.text.contains(part), "{part} is not in {}", page.text);
        }
        assert!(!page.text.contains("Somebody has to agree"));
    });
}

#[test]
fn a_role_that_does_not_suffice_changes_nothing_and_neither_does_the_plans_own_author() {
    on_each(async |rig, _| {
        let run = asking(rig).await;
        let web = web(rig);
        let author = Reader::signed_in(&web, "somebody").await;
        let page = author.get(&format!("/runs/{run}")).await;
        assert!(page.text.contains("somebody else has to agree") && !page.text.contains("name=\"plan\""));
        let anna = Reader::signed_in(&web, "anna").await;
        let plan = anna.get(&format!("/runs/{run}")).await.hidden("plan");
        for (who, at, body) in [
            (&author, format!("/runs/{run}/approve"), format!("plan={plan}")),
            (&anna, format!("/runs/{run}/cancel"), String::new()),
            (&anna, "/freeze".to_owned(), "reason=why".to_owned()),
        ] {
            assert_eq!(who.send(&at, &body).await.status, StatusCode::FORBIDDEN, "{at}");
        }
        let vera = Reader::signed_in(&web, "vera").await;
        assert!(vera.get(&format!("/runs/{run}")).await.text.contains("You may look, and not answer"));
        let csrf = vera.get("/runs").await.hidden("csrf");
        for at in [format!("/runs/{run}/approve"), format!("/runs/{run}/deny"), "/freeze".to_owned()] {
            let seen = vera.post(&at, &format!("csrf={csrf}&plan={plan}&reason=x")).await;
            assert_eq!(seen.status, StatusCode::FORBIDDEN, "{at}");
        }
        let story = rig.story(run).await;
        assert_eq!((story.approvals[0].decision, story.run.cancelled_by), (None, None));
        assert!(rig.store.guards().await.expect("read").iter().all(|row| row.kind != Guard::Freeze));
    });
}

#[test]
fn a_form_of_another_page_changes_nothing() {
    on_each(async |rig, _| {
        let run = asking(rig).await;
        let web = web(rig);
        let mut anna = Reader::signed_in(&web, "anna").await;
        let (csrf, plan) =
            (anna.get("/runs").await.hidden("csrf"), anna.get(&format!("/runs/{run}")).await.hidden("plan"));
        let right = format!("csrf={csrf}&plan={plan}");
        let at = format!("/runs/{run}/approve");
        for body in [format!("plan={plan}"), format!("csrf=&plan={plan}"), format!("csrf=00&plan={plan}")] {
            assert_eq!(anna.post(&at, &body).await.status, StatusCode::FORBIDDEN, "{body}");
        }
        anna.with(HeaderName::from_static("origin"), "https://evil.example.org");
        assert_eq!(anna.post(&at, &right).await.status, StatusCode::FORBIDDEN);
        anna.with(HeaderName::from_static("origin"), "http://127.0.0.1:9911");
        anna.with(HeaderName::from_static("sec-fetch-site"), "cross-site");
        assert_eq!(anna.post(&at, &right).await.status, StatusCode::FORBIDDEN);
        anna.with(HeaderName::from_static("sec-fetch-site"), "same-origin");
        // A foreign name that was made to lead here.
        anna.with(HOST, "evil.example.org");
        assert_eq!(anna.post(&at, &right).await.status, StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(anna.get("/runs").await.status, StatusCode::MISDIRECTED_REQUEST);
        assert_eq!(rig.story(run).await.approvals[0].decision, None);
        anna.with(HOST, "ira.example.org");
        assert_eq!(anna.post(&at, &right).await.status, StatusCode::FORBIDDEN, "the origin is another");
        anna.with(HeaderName::from_static("origin"), "https://ira.example.org");
        assert_eq!(anna.post(&at, &right).await.status, StatusCode::SEE_OTHER);
        assert_eq!(rig.story(run).await.approvals[0].decision, Some(true));
    });
}

#[test]
fn without_a_sign_in_nothing_is_seen_and_without_users_only_this_machine_looks() {
    on_each(async |rig, _| {
        let run = asking(rig).await;
        let with_users = web(rig);
        let mut stranger = Reader::at(&with_users);
        for at in [
            "/".to_owned(),
            "/runs".to_owned(),
            format!("/runs/{run}"),
            format!("/runs/{run}/live"),
            "/playbooks".to_owned(),
        ] {
            let seen = stranger.get(&at).await;
            assert_eq!(seen.status, StatusCode::SEE_OTHER, "{at}");
            assert!(seen.header(&LOCATION).starts_with("/sign-in?to="), "{at}");
        }
        for form in ["name=anna&token=wrong", "name=nobody&token=anna-token", "name=anna&token=", ""] {
            let seen = stranger.post("/sign-in", form).await;
            assert_eq!((seen.status, seen.header(&SET_COOKIE)), (StatusCode::UNAUTHORIZED, ""), "{form}");
        }
        stranger.with(COOKIE, "ira=0000");
        assert_eq!(stranger.get("/runs").await.status, StatusCode::SEE_OTHER);
        // Signed out is signed out, whoever kept the cookie.
        let anna = Reader::signed_in(&with_users, "anna").await;
        assert_eq!(anna.send("/sign-out", "").await.header(&LOCATION), "/sign-in");
        assert_eq!(anna.get("/runs").await.status, StatusCode::SEE_OTHER);

        let without = Web::new(Arc::clone(&rig.store), std::collections::BTreeMap::new(), None).expect("made");
        let mut here = Reader::at(&without);
        let page = here.get(&format!("/runs/{run}")).await;
        assert!(page.status == StatusCode::OK && page.text.contains("Sign in to answer"));
        assert_eq!(here.post(&format!("/runs/{run}/cancel"), "csrf=").await.status, StatusCode::FORBIDDEN);
        here.loopback = false;
        assert_eq!(here.get("/runs").await.status, StatusCode::FORBIDDEN);
    });
}

#[test]
fn nobody_is_sent_to_another_server_after_signing_in() {
    on_each(async |rig, _| {
        let web = web(rig);
        let reader = Reader::at(&web);
        for to in ["//evil.example.org", "https://evil.example.org", "/\\evil.example.org", "evil"] {
            let seen = reader.post("/sign-in", &format!("name=anna&token=anna-token&to={to}")).await;
            assert_eq!((seen.status, seen.header(&LOCATION)), (StatusCode::SEE_OTHER, "/runs"), "{to}");
        }
    });
}

#[test]
fn text_from_outside_is_text() {
    on_each(async |rig, _| {
        let title = "<script>alert(1)</script>\"'><img src=x onerror=alert(2)>";
        let run = rig.admit(&of(RESTART)).await;
        rig.store
            .note(run, title, vec![("denied".to_owned(), serde_json::json!({ "message": title }))])
            .await
            .expect("noted");
        rig.store.note(run, "x", vec![(title.to_owned(), serde_json::json!({ title: title }))]).await.expect("noted");
        let web = web(rig);
        web.shelve(vec![Shelved {
            name: title.to_owned(),
            about: title.to_owned(),
            revision: title.to_owned(),
            rung: "auto",
            writes: true,
            refused: Some(title.to_owned()),
            tests: 1,
        }]);
        let vera = Reader::signed_in(&web, "vera").await;
        for at in [
            format!("/runs/{run}"),
            format!("/runs/{run}/part"),
            "/playbooks".to_owned(),
            "/runs?playbook=%22%3E%3Cscript%3Ealert(1)%3C/script%3E&state=%22%3E%3Cscript%3E&target=<img>".to_owned(),
        ] {
            let page = vera.get(&at).await;
            assert_eq!(page.status, StatusCode::OK, "{at}: {}", page.text);
            assert!(!page.text.contains("<script>") && !page.text.contains("<img"), "{at}");
            let policy = page.header(&hyper::header::CONTENT_SECURITY_POLICY);
            assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        }
        for at in ["/runs/x", "/runs/99999", "/runs/1/2", "/nothing", "/runs/%00", "/attempts/1/decide"] {
            assert_eq!(vera.get(at).await.status, StatusCode::NOT_FOUND, "{at}");
        }
        assert_eq!(vera.ask(Method::DELETE, "/runs", "").await.status, StatusCode::METHOD_NOT_ALLOWED);
    });
}

#[test]
fn what_nobody_knows_is_settled_by_a_person_and_named() {
    on_each(async |rig, _| {
        rig.world.amid(|what| what.contains("script").then_some(Mishap::Hangs));
        let run = rig.admit(&of(&SCRIPT.replace("30s", "1s"))).await;
        rig.drive(run).await;
        let unknown = rig.story(run).await.steps.into_iter().find(|step| step.state == ira::store::StepState::Unknown);
        let attempt = unknown.expect("it is not known").id;
        let web = web(rig);
        let anna = Reader::signed_in(&web, "anna").await;
        assert!(anna.get(&format!("/runs/{run}")).await.text.contains("It is not known what came of"));
        assert!(anna.get("/runs?state=person").await.text.contains(&format!("/runs/{run}\"")));
        let said = anna.send(&format!("/attempts/{attempt}/decide"), "say=it-ran").await;
        assert_eq!(said.status, StatusCode::SEE_OTHER);
        assert!(anna.get(&format!("/runs/{run}")).await.text.contains("is done, by a person"));
        let again = anna.send(&format!("/attempts/{attempt}/decide"), "say=it-did-not").await;
        assert_eq!(again.status, StatusCode::CONFLICT, "the first word counts");
    });
}

#[test]
fn an_operator_freezes_thaws_and_cancels() {
    on_each(async |rig, _| {
        let run = asking(rig).await;
        let web = web(rig);
        let otto = Reader::signed_in(&web, "otto").await;
        assert_eq!(otto.send("/freeze", "reason=").await.status, StatusCode::BAD_REQUEST);
        assert_eq!(otto.send("/freeze", "reason=network+move").await.status, StatusCode::SEE_OTHER);
        assert!(otto.get("/runs").await.text.contains("network move"));
        assert_eq!(otto.send("/thaw", "scope=*").await.status, StatusCode::SEE_OTHER);
        assert!(!otto.get("/runs").await.text.contains("network move"));
        assert_eq!(otto.send(&format!("/runs/{run}/cancel"), "").await.status, StatusCode::SEE_OTHER);
        let story = rig.story(run).await;
        assert_eq!((story.run.state, story.run.cancelled_by.as_deref()), (RunState::Cancelled, Some("otto")));
    });
}

#[test]
fn runs_are_found_by_state_playbook_target_and_time() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(RESTART)).await;
        rig.drive(run).await;
        let web = web(rig);
        let vera = Reader::signed_in(&web, "vera").await;
        let link = format!("/runs/{run}\"");
        for (query, found) in [
            ("", true),
            ("?state=succeeded", true),
            ("?state=open", false),
            ("?playbook=mend", true),
            ("?playbook=other", false),
            ("?target=web", true),
            ("?target=db-9", false),
            ("?since=1h", true),
            ("?state=succeeded&playbook=men&target=web&since=7d", true),
            ("?before=1", false),
        ] {
            assert_eq!(vera.get(&format!("/runs{query}")).await.text.contains(&link), found, "{query}");
        }
        rig.ticks.pass(Duration::from_secs(7_200));
        assert!(!vera.get("/runs?since=1h").await.text.contains(&link));
    });
}

#[test]
fn a_playbook_shows_how_far_it_goes_and_how_often_it_helped() {
    on_each(async |rig, _| {
        let run = rig.admit(&of(RESTART)).await;
        rig.drive(run).await;
        let web = web(rig);
        let revision = rig.story(run).await.run.revision.expect("it has one");
        web.shelve(vec![Shelved {
            name: "mend".to_owned(),
            about: "restarts what is down".to_owned(),
            revision,
            rung: "auto",
            writes: true,
            refused: None,
            tests: 3,
        }]);
        let page = Reader::signed_in(&web, "vera").await.get("/playbooks").await;
        for part in ["1 of 1 runs fixed it, verified", "restarts what is down", "3 tests", "auto", "writes"] {
            assert!(page.text.contains(part), "{part} is not in {}", page.text);
        }
    });
}
