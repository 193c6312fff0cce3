//! What people see of the daemon, and what they decide there: runs, a run, playbooks. Every page is made here, works
//! without a script, and is of no use to a program: that asks `ira … --json`.

mod decide;
mod events;
mod forms;
mod html;
mod live;
mod people;
mod views;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};

use futures::StreamExt as _;
use http_body_util::{BodyExt as _, StreamBody};
use hyper::body::{Bytes, Frame as Piece};
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, SET_COOKIE};
use hyper::{HeaderMap, Method, Response, StatusCode};
use ira_commands::{Fault, Kind};
use tokio::sync::{Semaphore, watch};

pub use super::listen::Body;
use super::listen::whole;
use crate::config::users::{Role, UserConfig};
use crate::store::Store;
use crate::store::model::RunId;
use html::{Frame, Pages, answer, asset, elsewhere, page, said};
use people::{People, Visitor};
use views::Query;

/// The longest body of a request, bytes.
pub const MOST_BODY: usize = forms::MOST;
/// Pages that are open and told of changes, at most.
const OPEN_PAGES: usize = 64;

/// A playbook that is loaded.
#[derive(Clone, Debug)]
pub struct Shelved {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub about: String,
    /// The hash of its text.
    pub revision: String,
    /// How far it goes by itself: `observe`, `suggest`, `approve`, `auto`.
    pub rung: &'static str,
    /// Whether it has steps that write.
    pub writes: bool,
    /// Why it answers no alert, where it does not.
    pub refused: Option<String>,
    /// How many tests it carries.
    pub tests: usize,
}

/// A request for a page.
pub struct Request<'a> {
    /// How.
    pub method: &'a Method,
    /// The path, without the query.
    pub path: &'a str,
    /// The query; empty where there is none.
    pub query: &'a str,
    /// The headers.
    pub headers: &'a HeaderMap,
    /// The body: a form of at most [`MOST_BODY`].
    pub body: &'a [u8],
    /// Whether the peer is this machine.
    pub loopback: bool,
}

/// The pages.
pub struct Web {
    store: Arc<dyn Store>,
    people: People,
    pages: Pages,
    shelf: RwLock<Vec<Shelved>>,
    room: Arc<Semaphore>,
    closed: watch::Sender<bool>,
}

impl Web {
    /// Pages over `store`, for these users, linked to as `public_url`.
    pub fn new(
        store: Arc<dyn Store>,
        users: BTreeMap<String, UserConfig>,
        public_url: Option<&str>,
    ) -> Result<Self, Fault> {
        Ok(Self {
            store,
            people: People::new(users, public_url),
            pages: Pages::new()?,
            shelf: RwLock::default(),
            room: Arc::new(Semaphore::new(OPEN_PAGES)),
            closed: watch::Sender::new(false),
        })
    }

    /// These users, under this address, from now on. Who is signed in stays so, while there is such a user.
    pub fn admit(&self, users: BTreeMap<String, UserConfig>, public_url: Option<&str>) {
        self.people.admit(users, public_url);
    }

    /// Whose token a request of a program shows, and what they may do.
    pub fn bearer(&self, headers: &HeaderMap) -> Option<(String, Role)> {
        self.people.bearer(headers)
    }

    /// Nothing is told to open pages any more.
    pub fn close(&self) {
        self.closed.send_replace(true);
    }

    /// What is loaded from now on.
    pub fn shelve(&self, playbooks: Vec<Shelved>) {
        *self.shelf.write().unwrap_or_else(PoisonError::into_inner) = playbooks;
    }

    /// Answers a request; never fails: what goes wrong is a page too.
    pub async fn serve(&self, request: Request<'_>) -> Response<Body> {
        let live = request.path.strip_prefix("/runs/").and_then(|rest| rest.strip_suffix("/live"));
        let visitor = self.people.visitor(request.headers, request.loopback);
        if let (Some(id), true, true) = (live, visitor.may_read(), self.people.is_ours(request.headers)) {
            return self.live(id);
        }
        let made = self.answered(&request, &visitor).await;
        let made = made.unwrap_or_else(|fault| {
            let status = match fault.kind {
                Kind::Missing => StatusCode::NOT_FOUND,
                Kind::Usage => StatusCode::BAD_REQUEST,
                Kind::Busy => StatusCode::CONFLICT,
                Kind::Denied => StatusCode::FORBIDDEN,
                _ => StatusCode::SERVICE_UNAVAILABLE,
            };
            self.refusal(status, &fault.message, fault.hint.as_deref().unwrap_or_default(), &visitor)
        });
        made.map(whole)
    }

    fn live(&self, id: &str) -> Response<Body> {
        let room = Arc::clone(&self.room).try_acquire_owned();
        let (Ok(id), Ok(room)) = (id.parse(), room) else {
            let busy =
                answer(StatusCode::SERVICE_UNAVAILABLE, "text/plain; charset=utf-8", Bytes::from_static(b"busy\n"));
            return busy.map(whole);
        };
        let changes = live::changes(Arc::clone(&self.store), RunId(id), room, self.closed.subscribe())
            .map(|bytes| bytes.map(Piece::data));
        let mut response = Response::new(StreamBody::new(changes).boxed_unsync());
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
        response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }

    async fn answered(&self, request: &Request<'_>, visitor: &Visitor) -> Result<Response<Bytes>, Fault> {
        if !self.people.is_ours(request.headers) {
            return Ok(self.refusal(
                StatusCode::MISDIRECTED_REQUEST,
                "This is not the address of these pages.",
                "set `public_url` to the address that you use",
                visitor,
            ));
        }
        if let Some(asset) = asset(request.path) {
            return Ok(asset);
        }
        let reads = matches!(*request.method, Method::GET | Method::HEAD);
        if !reads && *request.method != Method::POST {
            return Ok(self.refusal(StatusCode::METHOD_NOT_ALLOWED, "There is nothing to do here.", "", visitor));
        }
        if request.path == "/sign-in" {
            return self.sign_in(request, visitor);
        }
        if !visitor.may_read() {
            let here = if reads { request.path } else { "/runs" };
            if visitor.can_sign_in() {
                return Ok(elsewhere(&format!("/sign-in?to={}", forms::quoted(here))));
            }
            let why = "Nobody can sign in here: there are no users yet.";
            let hint = "add [users.NAME] to the configuration: `ira help config`";
            return Ok(self.refusal(StatusCode::FORBIDDEN, why, hint, visitor));
        }
        if reads { self.read(request, visitor).await } else { self.post(request, visitor).await }
    }

    async fn read(&self, request: &Request<'_>, visitor: &Visitor) -> Result<Response<Bytes>, Fault> {
        let store = self.store.as_ref();
        match request.path {
            "/" => Ok(elsewhere("/runs")),
            "/runs" => {
                let mut asked = forms::read(request.query);
                let mut take = |name: &str| asked.remove(name).unwrap_or_default();
                let query = Query {
                    state: take("state"),
                    playbook: take("playbook"),
                    target: take("target"),
                    since: take("since"),
                    before: take("before").parse().ok(),
                };
                let matter = views::runs(store, &query, visitor).await?;
                self.whole("runs.html", &Frame { title: "runs".to_owned(), follows: None }, &matter, visitor)
            }
            "/playbooks" => {
                let loaded = self.shelf.read().unwrap_or_else(PoisonError::into_inner).clone();
                let matter = views::playbooks(store, &loaded).await?;
                self.whole("playbooks.html", &Frame { title: "playbooks".to_owned(), follows: None }, &matter, visitor)
            }
            path => {
                let rest = path.strip_prefix("/runs/").unwrap_or_default();
                let (id, part) = rest.strip_suffix("/part").map_or((rest, false), |id| (id, true));
                let id: RunId = id.parse().map(RunId).map_err(|_| nowhere())?;
                let found = store.run(id).await?.ok_or_else(nowhere)?;
                let matter = views::run(store, &found, visitor).await?;
                if part {
                    return Ok(page(StatusCode::OK, self.pages.part("run.html", &matter)?));
                }
                let follows = (!found.run.state.terminal()).then_some(id.0);
                self.whole("run.html", &Frame { title: format!("run {id}"), follows }, &matter, visitor)
            }
        }
    }

    fn whole(
        &self,
        name: &str,
        frame: &Frame,
        matter: &serde_json::Value,
        visitor: &Visitor,
    ) -> Result<Response<Bytes>, Fault> {
        Ok(page(StatusCode::OK, self.pages.page(name, frame, matter, visitor)?))
    }

    fn refusal(&self, status: StatusCode, headline: &str, hint: &str, visitor: &Visitor) -> Response<Bytes> {
        let frame = Frame { title: headline.to_owned(), follows: None };
        match self.pages.page("said.html", &frame, &said(headline, hint, "/runs"), visitor) {
            Ok(text) => page(status, text),
            Err(_) => answer(status, "text/plain; charset=utf-8", Bytes::copy_from_slice(headline.as_bytes())),
        }
    }

    fn sign_in(&self, request: &Request<'_>, visitor: &Visitor) -> Result<Response<Bytes>, Fault> {
        let posted = *request.method == Method::POST;
        let text = if posted { std::str::from_utf8(request.body).unwrap_or_default() } else { request.query };
        let mut form = forms::read(text);
        let mut take = |name: &str| form.remove(name).unwrap_or_default();
        // Never to another server: `//elsewhere` is one too.
        let to = take("to");
        let to =
            if to.starts_with('/') && !to.starts_with("//") && !to.contains('\\') { to } else { "/runs".to_owned() };
        let mut wrong = "";
        if posted {
            if !self.people.is_sent_here(request.headers) {
                return Ok(self.refusal(StatusCode::FORBIDDEN, "This form came from another page.", "", visitor));
            }
            if let Some(cookie) = self.people.sign_in(&take("name"), &take("token")) {
                let mut there = elsewhere(&to);
                let cookie = HeaderValue::from_str(&cookie).map_err(|_| Fault::new(Kind::Failed, "no cookie"))?;
                there.headers_mut().insert(SET_COOKIE, cookie);
                return Ok(there);
            }
            wrong = "Name and token do not belong together.";
        }
        let matter = serde_json::json!({ "to": to, "wrong": wrong });
        let frame = Frame { title: "sign in".to_owned(), follows: None };
        let status = if wrong.is_empty() { StatusCode::OK } else { StatusCode::UNAUTHORIZED };
        Ok(page(status, self.pages.page("sign-in.html", &frame, &matter, visitor)?))
    }
}

fn nowhere() -> Fault {
    Fault::new(Kind::Missing, "There is no such page.")
}
