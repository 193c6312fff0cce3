//! An API that is spoken to by HTTP: one request with its credential, what its answer says of the effect, and trying
//! again where that is safe.

mod said;

use std::time::Duration;

use base64::Engine as _;
use ira_commands::actions::{Broken, Left};
use ira_commands::{Fault, Kind};
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use reqwest::{Method, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value as Json;

use super::endpoint::Endpoint;
use super::http;
use super::redact::Redactor;
use crate::config::env::Env;
use crate::config::secret::SecretRef;
use crate::config::systems::Auth;

/// The most of an answer that is read, bytes.
const MOST: usize = 8 << 20;
/// How often a request is tried in all.
const TRIES: u32 = 3;
/// The longest that is waited in all before it is tried again, seconds.
const PATIENCE: u64 = 60;

/// An API with its credential.
pub struct Service {
    name: &'static str,
    endpoint: Endpoint,
    headers: HeaderMap,
    redactor: Redactor,
    timeout: Duration,
}

/// One request.
#[derive(Clone)]
pub struct Call {
    /// Its method.
    pub method: Method,
    /// What is added to the path of the URL, part by part; each is escaped.
    pub path: Vec<String>,
    /// Names and values.
    pub query: Vec<(String, String)>,
    /// Headers.
    pub headers: Vec<(&'static str, String)>,
    /// What is sent.
    pub body: Body,
}

/// What is sent.
#[derive(Clone)]
pub enum Body {
    /// Nothing.
    None,
    /// JSON.
    Json(Json),
    /// A form.
    Form(Vec<(&'static str, String)>),
}

/// When a request is made again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Again {
    /// Where it provably had no effect.
    Refused,
    /// Whenever there is hope: it reads, or the API knows it again.
    Freely,
}

/// An answer of any status.
pub struct Reply {
    /// Its status.
    pub status: u16,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body, without any known secret.
    pub body: Vec<u8>,
}

impl Call {
    /// A request without anything but its method and path.
    pub fn new(method: Method, path: &[&str]) -> Self {
        let path = path.iter().map(|part| (*part).to_owned()).collect();
        Self { method, path, query: Vec::new(), headers: Vec::new(), body: Body::None }
    }

    /// The same with JSON.
    #[must_use]
    pub fn json(self, body: Json) -> Self {
        Self { body: Body::Json(body), ..self }
    }

    /// The same with a query.
    #[must_use]
    pub fn query(mut self, name: &str, value: impl Into<String>) -> Self {
        self.query.push((name.to_owned(), value.into()));
        self
    }
}

impl Service {
    /// Fetches URL and credential. `name` is what it is called in messages.
    pub fn open(name: &'static str, url: &SecretRef, auth: &Auth, env: &dyn Env) -> Result<Self, Fault> {
        let header = |value: &str, secret| (AUTHORIZATION, value.to_owned(), secret);
        let given = match auth {
            Auth::None => None,
            Auth::Bearer(token) => {
                let token = token.resolve(env)?;
                Some(header(&format!("Bearer {}", token.expose_secret()), token))
            }
            Auth::Basic(user, password) => {
                let password = password.resolve(env)?;
                let pair = format!("{user}:{}", password.expose_secret());
                let encoded = base64::engine::general_purpose::STANDARD.encode(pair);
                Some(header(&format!("Basic {encoded}"), password))
            }
        };
        Self::with(name, url, given, env)
    }

    /// The same with a header that holds a secret: its name, its value, and the secret in it.
    pub fn with(
        name: &'static str,
        url_ref: &SecretRef,
        header: Option<(HeaderName, String, SecretString)>,
        env: &dyn Env,
    ) -> Result<Self, Fault> {
        Self::with_all(name, url_ref, header.into_iter().collect(), env)
    }

    /// The same with several.
    pub fn with_all(
        name: &'static str,
        url_ref: &SecretRef,
        given: Vec<(HeaderName, String, SecretString)>,
        env: &dyn Env,
    ) -> Result<Self, Fault> {
        let url = url_ref.resolve_url(env).map_err(|fault| fault.wrap(format!("the URL of {name} cannot be used")))?;
        let endpoint = Endpoint::new(url)?;
        let mut headers = HeaderMap::new();
        let mut secrets = Vec::new();
        for (key, value, secret) in given {
            let mut value = HeaderValue::from_str(&value).map_err(|_| {
                Fault::new(Kind::Config, format!("the credential of {name} cannot be sent in a header"))
            })?;
            value.set_sensitive(true);
            headers.insert(key, value);
            secrets.push(secret);
        }
        if !matches!(url_ref, SecretRef::Literal(_)) {
            secrets.extend(endpoint.secrets().iter().cloned());
        }
        let redactor = Redactor::new(&secrets);
        Ok(Self { name, endpoint, headers, redactor, timeout: Duration::from_secs(10) })
    }

    /// The same, with so long for one request.
    #[must_use]
    pub fn within(mut self, seconds: u64) -> Self {
        self.timeout = Duration::from_secs(seconds);
        self
    }

    /// The same, with a secret in what is sent.
    #[must_use]
    pub fn hiding(mut self, secret: &SecretString) -> Self {
        self.redactor = Redactor::new([secret]);
        self
    }

    /// Whether nobody on the way can read what is sent: TLS, or this machine.
    pub fn is_private(&self) -> bool {
        self.endpoint.is_https() || self.endpoint.is_loopback()
    }

    /// What it is called, with its host.
    pub fn label(&self) -> String {
        format!("{} ({})", self.name, self.endpoint.label())
    }

    /// A fault of it: named, and without any secret.
    pub fn fault(&self, fault: Fault) -> Fault {
        let clean = |text: &str| self.redactor.text(text);
        Fault {
            message: format!("{} {}", self.label(), clean(&fault.message)),
            causes: fault.causes.iter().map(|cause| clean(cause)).collect(),
            hint: fault.hint.map(|hint| clean(&hint)),
            ..fault
        }
    }

    fn broken(&self, left: Left, fault: Fault) -> Broken {
        Broken { fault: self.fault(fault), left }
    }

    fn url(&self, call: &Call) -> Result<Url, Fault> {
        let wrong = || Fault::new(Kind::Config, "cannot be asked: its URL takes no path");
        let mut url = Url::parse(self.endpoint.url()).map_err(|_| wrong())?;
        if !call.path.is_empty() {
            url.path_segments_mut().map_err(|()| wrong())?.pop_if_empty().extend(&call.path);
        }
        if !call.query.is_empty() {
            url.query_pairs_mut().extend_pairs(&call.query);
        }
        Ok(url)
    }

    /// One request; an answer of any status. What is broken says whether it may have arrived.
    async fn once(&self, call: &Call) -> Result<Reply, Broken> {
        let before = |fault| self.broken(Left::Nothing, fault);
        let client = http::client(&self.endpoint, self.timeout, 0).map_err(before)?;
        let url = self.url(call).map_err(before)?;
        let mut request = client.request(call.method.clone(), url).headers(self.headers.clone());
        for (name, value) in &call.headers {
            request = request.header(*name, value);
        }
        request = match &call.body {
            Body::None => request,
            Body::Json(json) => request.header("content-type", "application/json").body(json.to_string()),
            Body::Form(pairs) => {
                let mut form = Url::parse("http://f/").map_err(|_| before(Fault::new(Kind::Failed, "no form")))?;
                form.query_pairs_mut().extend_pairs(pairs);
                let body = form.query().unwrap_or_default().to_owned();
                request.header("content-type", "application/x-www-form-urlencoded").body(body)
            }
        };
        let lost = |error: &reqwest::Error| {
            let left = if error.is_connect() || error.is_builder() { Left::Nothing } else { Left::Unknown };
            self.broken(left, http::cannot(&self.endpoint, error))
        };
        let mut response = request.send().await.map_err(|error| lost(&error))?;
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let body = http::body(&self.endpoint, &mut response, MOST).await;
        let body = body.map_err(|fault| self.broken(said::left(status), fault))?;
        Ok(Reply { status, headers, body: self.redactor.body(body) })
    }

    /// Makes a request, and makes it again where that may help and is safe. Only an answer of success comes back.
    pub async fn ask(&self, call: &Call, again: Again) -> Result<Reply, Broken> {
        let mut patience = PATIENCE;
        let mut tried = 0;
        loop {
            tried += 1;
            let (broken, wait) = match self.once(call).await {
                Ok(reply) if (200..300).contains(&reply.status) => return Ok(reply),
                Ok(reply) => (said::refusal(self, &reply), said::wait(&reply)),
                Err(broken) => (broken, None),
            };
            let safe = again == Again::Freely || broken.left == Left::Nothing;
            let hope = broken.fault.kind.retryable();
            // Fractions of a second at first: most of what is down for longer is down for the night.
            let wait = wait.unwrap_or_else(|| Duration::from_millis(250 << (2 * (tried - 1)).min(6)));
            if !safe || !hope || tried >= TRIES || wait.as_secs() > patience {
                let fault = if tried > 1 { broken.fault.because(format!("tried {tried} times")) } else { broken.fault };
                return Err(Broken { fault, ..broken });
            }
            patience -= wait.as_secs();
            tracing::info!("{}: again in {} ms", self.label(), wait.as_millis());
            tokio::time::sleep(wait).await;
        }
    }

    /// The same for what reads.
    pub async fn read(&self, call: &Call) -> Result<Json, Fault> {
        let reply = self.ask(call, Again::Freely).await.map_err(|broken| broken.fault)?;
        self.json(&reply)
    }

    /// Asks the root of the host, once and without the credential; gives the status, whatever it is.
    pub async fn root(&self) -> Result<u16, Fault> {
        let mut url = self.url(&Call::new(Method::GET, &[])).map_err(|fault| self.fault(fault))?;
        url.set_path("/");
        url.set_query(None);
        url.set_fragment(None);
        let bare = url.set_username("").and_then(|()| url.set_password(None));
        bare.map_err(|()| self.fault(Fault::new(Kind::Config, "cannot be asked: its URL takes no path")))?;
        let client = http::client(&self.endpoint, self.timeout, 0).map_err(|fault| self.fault(fault))?;
        let answer = client.get(url).send().await;
        answer
            .map(|response| response.status().as_u16())
            .map_err(|error| self.fault(http::cannot(&self.endpoint, &error)))
    }

    /// An answer as JSON.
    pub fn json(&self, reply: &Reply) -> Result<Json, Fault> {
        serde_json::from_slice(&reply.body).map_err(|_| {
            let text = String::from_utf8_lossy(&reply.body);
            let what = if text.trim_start().starts_with('<') {
                "answers with a web page, not with JSON"
            } else {
                "answers with what is no JSON"
            };
            self.fault(Fault::new(Kind::BadAnswer, what).because(format!("it says: {}", self.endpoint.quote(&text))))
        })
    }

    /// The answer holds no such thing.
    pub fn lacks(&self, what: &str) -> Fault {
        self.fault(Fault::new(Kind::BadAnswer, format!("answers without {what}")))
    }

    /// What a server said, fit to be shown.
    fn quote(&self, text: &str) -> String {
        self.endpoint.quote(&self.redactor.text(text))
    }
}
