//! A session with a node: logged in once, by a cookie that is kept in memory alone, and renewed once where it has expired.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use ira_commands::{Fault, Kind};
use reqwest::header::{ACCEPT, CONTENT_TYPE, COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use reqwest::{Client, Method, RequestBuilder, Response, StatusCode, Url};
use secrecy::ExposeSecret as _;
use serde_json::json;
use tokio::sync::{Mutex, Semaphore};

use super::mask::Mask;
use crate::clients::endpoint::Endpoint;
use crate::clients::http;
use crate::config::{Config, NodeConfig};

/// Bytes of one answer, as unpacked.
const MOST_ANSWER: usize = 16 << 20;
/// Bytes of an answer that is only quoted.
const MOST_QUOTED: usize = 64 << 10;
/// Requests to a node at a time: it limits how often a user may ask.
const IN_FLIGHT: usize = 4;
/// The cookie that holds a session; others are the pages' business.
const COOKIE_NAME: &str = "clsession";

/// Where a session stands.
enum State {
    /// Nobody has logged in yet.
    Out,
    /// Logged in: the cookie, and how many logins it took.
    In(HeaderValue, u32),
    /// The login failed. It is not tried again: a node locks out who tries too often.
    Failed(Fault),
}

/// Who may ask.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Auth {
    /// Anybody.
    Nobody,
    /// Who is logged in.
    User,
}

/// A node, as far as talking to it goes.
pub(super) struct Session {
    config: Arc<Config>,
    node: NodeConfig,
    timeout: Duration,
    /// Made at the first question: a command that asks no node needs neither its URL nor a client.
    reached: OnceLock<Result<(Endpoint, Client), Fault>>,
    state: Mutex<State>,
    in_flight: Semaphore,
    pub mask: Mask,
}

/// An answer that came whole.
pub(super) struct Answer {
    pub status: StatusCode,
    pub body: Vec<u8>,
}

impl Session {
    pub fn new(config: Arc<Config>, node: NodeConfig, timeout: Duration) -> Self {
        Self {
            config,
            node,
            timeout,
            reached: OnceLock::new(),
            state: Mutex::new(State::Out),
            in_flight: Semaphore::new(IN_FLIGHT),
            mask: Mask::default(),
        }
    }

    pub fn name(&self) -> &str {
        &self.node.name
    }

    pub fn timeout(&self) -> Duration {
        self.timeout
    }

    /// A predicate of the node as a sentence about it.
    pub fn said(&self, fault: Fault) -> Fault {
        Fault { message: format!("the node {} {}", self.node.name, fault.message), ..fault }
    }

    fn reach(&self) -> Result<&(Endpoint, Client), Fault> {
        let make = || {
            let endpoint = Endpoint::new(self.config.node_url(&self.node)?)?;
            let client = http::client(&endpoint, self.timeout, 0).map_err(|fault| self.said(fault))?;
            Ok((endpoint, client))
        };
        self.reached.get_or_init(make).as_ref().map_err(Clone::clone)
    }

    /// Asks. What comes with a status of success, or one that `takes` accepts, is given whole; anything else is a fault,
    /// of kind `Missing` where the node has no such thing.
    pub async fn ask(
        &self,
        method: Method,
        path: &str,
        query: &[(&str, String)],
        auth: Auth,
        takes: impl Fn(StatusCode) -> bool,
    ) -> Result<Answer, Fault> {
        let (endpoint, client) = self.reach()?;
        let url = place(endpoint, path, query)?;
        let mut renewed = false;
        loop {
            let (cookie, logins) = match auth {
                Auth::Nobody => (None, 0),
                Auth::User => self.enter(0).await.map(|(cookie, logins)| (Some(cookie), logins))?,
            };
            let mut request =
                client.request(method.clone(), url.clone()).header(ACCEPT, "application/json, text/plain");
            if let Some(cookie) = cookie {
                request = request.header(COOKIE, cookie);
            }
            let mut response = self.send(endpoint, request).await?;
            let status = response.status();
            if status.is_success() || takes(status) {
                let body = http::body(endpoint, &mut response, MOST_ANSWER).await.map_err(|fault| self.said(fault))?;
                return Ok(Answer { status, body });
            }
            if status == StatusCode::UNAUTHORIZED && auth == Auth::User && !renewed {
                // A session that has expired and a user who may not do this are answered alike.
                renewed = true;
                self.enter(logins).await?;
                continue;
            }
            return Err(self.refusal(endpoint, response, path).await);
        }
    }

    async fn send(&self, endpoint: &Endpoint, request: RequestBuilder) -> Result<Response, Fault> {
        let _permit = self.in_flight.acquire().await;
        request.send().await.map_err(|error| self.said(http::cannot(endpoint, &error)))
    }

    async fn refusal(&self, endpoint: &Endpoint, mut response: Response, path: &str) -> Fault {
        let status = response.status();
        let body = http::body(endpoint, &mut response, MOST_QUOTED).await.unwrap_or_default();
        let body = self.mask.scrub(&String::from_utf8_lossy(&body));
        let refusal = http::refusal(endpoint, &response, body.as_bytes());
        self.said(match status {
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
                Fault { message: format!("does not let this user do that (HTTP {})", status.as_u16()), ..refusal }
                    .because(format!("the role of this user does not allow {path}"))
                    .hint("to read, the role `view` does; a replay needs `run`, what changes keys or jobs `admin`")
            }
            StatusCode::NOT_FOUND => {
                Fault { kind: Kind::Missing, message: format!("has no {path} (HTTP 404)"), ..refusal }
            }
            _ => refusal,
        })
    }

    /// The cookie of a session, and how many logins it took: a session younger than `past` of them, where one is wanted.
    async fn enter(&self, past: u32) -> Result<(HeaderValue, u32), Fault> {
        let mut state = self.state.lock().await;
        let logins = match &*state {
            State::In(cookie, logins) if *logins > past => return Ok((cookie.clone(), *logins)),
            State::Failed(fault) => return Err(fault.clone()),
            State::In(_, logins) => *logins,
            State::Out => 0,
        };
        match self.login().await {
            Ok(cookie) => {
                *state = State::In(cookie.clone(), logins + 1);
                Ok((cookie, logins + 1))
            }
            Err(fault) => {
                *state = State::Failed(fault.clone());
                Err(fault)
            }
        }
    }

    async fn login(&self) -> Result<HeaderValue, Fault> {
        let (endpoint, client) = self.reach()?;
        let password = self.config.node_password(&self.node)?;
        self.mask.hide(password.expose_secret());
        let body = json!({ "email": self.node.email, "password": password.expose_secret() }).to_string();
        let url = place(endpoint, "/sessions", &[])?;
        let request = client.post(url).header(CONTENT_TYPE, "application/json").header(ACCEPT, "application/json");
        let mut response = self.send(endpoint, request.body(body)).await?;
        let status = response.status();
        if matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN) {
            let fault = Fault::new(Kind::Denied, format!("refuses the login (HTTP {})", status.as_u16()));
            return Err(self.said(fault).hint(format!(
                "check `email` and `password` of [nodes.{}]: it is not tried again, for the node locks out who tries too \
                 often; a user with a second factor cannot be used here",
                self.node.name
            )));
        }
        if !status.is_success() {
            return Err(self.refusal(endpoint, response, "/sessions").await);
        }
        let cookie = session_cookie(response.headers(), &self.mask);
        // Read to its end, so that the connection can be used again.
        let _said = http::body(endpoint, &mut response, MOST_QUOTED).await;
        cookie.ok_or_else(|| {
            let fault = Fault::new(Kind::BadAnswer, "answers the login without a session");
            self.said(fault).hint("is `url` the base of a Chainlink node's API?")
        })
    }
}

/// The cookie to be sent back; hidden from here on.
fn session_cookie(headers: &HeaderMap, mask: &Mask) -> Option<HeaderValue> {
    let cookies = headers.get_all(SET_COOKIE).iter().filter_map(|set| set.to_str().ok()?.split(';').next());
    let (name, value) = cookies
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(name, value)| *name == COOKIE_NAME && !value.is_empty())?;
    mask.hide(value);
    let mut cookie = HeaderValue::from_str(&format!("{name}={value}")).ok()?;
    cookie.set_sensitive(true);
    Some(cookie)
}

/// The URL of `path` under the base of the API.
fn place(endpoint: &Endpoint, path: &str, query: &[(&str, String)]) -> Result<Url, Fault> {
    let wrong = || Fault::new(Kind::Config, "the URL of a node is no base that a path can follow");
    let base = endpoint.url().trim_end_matches('/');
    let mut url = Url::parse(&format!("{base}{path}")).map_err(|_| wrong())?;
    if !query.is_empty() {
        url.query_pairs_mut().extend_pairs(query);
    }
    Ok(url)
}
