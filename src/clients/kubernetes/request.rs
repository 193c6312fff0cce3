//! One request to the API, and what its answer says of the effect.

use std::error::Error;

use http::{Method, Request, StatusCode};
use http_body_util::{BodyExt as _, Limited};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use serde_json::Value as Json;
use tokio::time::timeout;

use super::PATIENCE;

/// The most of an answer that is read, bytes.
const MOST: usize = 16 << 20;

/// What is asked.
pub(super) struct Ask {
    method: Method,
    path: String,
    content: Option<&'static str>,
    body: Vec<u8>,
}

/// A good answer.
pub(super) struct Reply {
    /// Its body.
    pub body: Vec<u8>,
    place: String,
}

/// Why there is none.
pub(super) enum Refusal {
    /// Nothing was sent.
    Before(Fault),
    /// The server answered with this status.
    Status(u16, Fault),
    /// It was sent, and whether it was heard is not known.
    Unheard(Fault),
}

impl Ask {
    pub(super) fn new(method: Method, path: String) -> Self {
        Self { method, path, content: None, body: Vec::new() }
    }

    pub(super) fn get(path: String) -> Self {
        Self::new(Method::GET, path)
    }

    pub(super) fn body(mut self, content: &'static str, body: &Json) -> Self {
        self.content = Some(content);
        self.body = body.to_string().into_bytes();
        self
    }

    /// Sends it. `mask` takes secrets out of what the server says.
    pub(super) async fn send(
        self,
        client: &kube::Client,
        place: &str,
        mask: impl Fn(&str) -> String,
    ) -> Result<Reply, Refusal> {
        let what = format!("{} {}", self.method, self.path.split('?').next().unwrap_or_default());
        let mut request = Request::builder().method(self.method).uri(&self.path).header("accept", "application/json");
        if let Some(content) = self.content {
            request = request.header("content-type", content);
        }
        let request = request.body(kube::client::Body::from(self.body)).map_err(|error| {
            Refusal::Before(
                Fault::new(Kind::Usage, format!("the API cannot be asked {what}")).because(error.to_string()),
            )
        })?;
        let late =
            || Fault::new(Kind::Timeout, format!("the API of {place} does not answer in time")).because(what.clone());
        let whole = async {
            let response = client.send(request).await.map_err(|error| unsent(place, &error, &mask))?;
            let (parts, body) = response.into_parts();
            let body = Limited::new(body, MOST).collect().await.map_err(|error| {
                let fault = Fault::new(Kind::BadAnswer, format!("the answer of the API of {place} breaks off"));
                Refusal::Unheard(fault.because(excerpt(&mask(&error.to_string()), 200)).because(what.clone()))
            })?;
            Ok((parts.status, body.to_bytes().to_vec()))
        };
        let (status, body) = timeout(PATIENCE, whole).await.unwrap_or_else(|_| Err(Refusal::Unheard(late())))?;
        if status.is_success() {
            return Ok(Reply { body, place: place.to_owned() });
        }
        Err(Refusal::Status(status.as_u16(), refused(place, status, &body, &mask).because(what)))
    }
}

impl Reply {
    /// As JSON.
    pub(super) fn json(&self, what: &str) -> Result<Json, Fault> {
        serde_json::from_slice(&self.body).map_err(|error| {
            Fault::new(Kind::BadAnswer, format!("what the API of {} says of {what} is no JSON", self.place))
                .because(error.to_string())
        })
    }
}

/// Why a request got no answer at all.
fn unsent(place: &str, error: &kube::Error, mask: &impl Fn(&str) -> String) -> Refusal {
    let mut causes = Vec::new();
    let mut connect = false;
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(one) = next {
        let text = excerpt(&mask(&one.to_string()), 200);
        if !causes.contains(&text) {
            causes.push(text);
        }
        connect |= one
            .downcast_ref::<hyper_util::client::legacy::Error>()
            .is_some_and(hyper_util::client::legacy::Error::is_connect);
        next = one.source();
    }
    let auth = matches!(error, kube::Error::Auth(_));
    let mut fault = if auth {
        Fault::new(Kind::Denied, format!("no credential for {place} is to be had"))
            .hint("does the command of the kubeconfig work here?")
    } else {
        Fault::new(Kind::Unreachable, format!("the API of {place} cannot be reached"))
    };
    fault.causes = causes.into_iter().take(4).collect();
    if connect || auth { Refusal::Before(fault) } else { Refusal::Unheard(fault) }
}

/// What the server said, in its own words.
fn refused(place: &str, status: StatusCode, body: &[u8], mask: &impl Fn(&str) -> String) -> Fault {
    let said: Json = serde_json::from_slice(body).unwrap_or_default();
    let words = said["message"].as_str().map_or_else(|| String::from_utf8_lossy(body).into_owned(), str::to_owned);
    let words = excerpt(&mask(&words), 400);
    let (kind, message, hint) = match status.as_u16() {
        401 => (Kind::Denied, "does not know who asks".to_owned(), "has the token run out?"),
        403 => (Kind::Denied, "does not allow this".to_owned(), "`ira act NAME --policy` prints what it needs"),
        404 => (Kind::Missing, "has no such thing".to_owned(), ""),
        409 => (Kind::Busy, "has it changed since it was read".to_owned(), "nothing was done; look again"),
        422 => (Kind::Failed, "does not take it".to_owned(), "nothing was done"),
        429 => (Kind::RateLimited, "asks to slow down".to_owned(), ""),
        408 | 504 => (Kind::Timeout, "gave up by itself".to_owned(), ""),
        502 | 503 => (Kind::Unreachable, "is not there".to_owned(), ""),
        other => (Kind::Failed, format!("answers {other}"), ""),
    };
    let fault = Fault::new(kind, format!("the API of {place} {message}")).because(words);
    if hint.is_empty() { fault } else { fault.hint(hint) }
}
