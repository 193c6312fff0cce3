//! Fetching a directory by HTTP. No error here shows more of a URL than host and path.

use std::error::Error as _;
use std::time::Duration;

use ira_commands::{Fault, Kind};
use reqwest::header::{ACCEPT, ETAG, HeaderMap, IF_NONE_MATCH};
use reqwest::redirect::Policy;
use reqwest::{Client, Response, StatusCode, Url};

use crate::clients::tls;
use crate::config::url::is_loopback;

/// What the server says.
pub(super) enum Answer {
    /// The whole list.
    Whole { text: String, etag: Option<String> },
    /// The copy is still good.
    Unchanged,
}

/// The most redirects that are followed, all to the same server.
const MOST_REDIRECTS: usize = 5;

/// Asks for the directory, or whether the copy with this `etag` is still good.
pub(super) async fn get(url: &Url, etag: Option<&str>, timeout: Duration, most: u64) -> Result<Answer, Fault> {
    let mut request = client(url, timeout)?.get(url.clone()).header(ACCEPT, "application/json");
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let response = request.send().await.map_err(failed)?;
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Answer::Unchanged);
    }
    if let Some(fault) = refused(status) {
        return Err(fault);
    }
    let etag = tag(response.headers());
    let text = body(response, most).await?;
    match super::unusable(&text) {
        Some(why) => Err(Fault::new(Kind::BadAnswer, why)),
        None => Ok(Answer::Whole { text, etag }),
    }
}

fn client(url: &Url, timeout: Duration) -> Result<Client, Fault> {
    tls::ensure_provider();
    let home = url.origin();
    let policy = Policy::custom(move |attempt| {
        if attempt.url().origin() == home && attempt.previous().len() <= MOST_REDIRECTS {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = Client::builder()
        .user_agent(concat!("ira/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        .referer(false)
        .timeout(timeout);
    if is_loopback(url) {
        builder = builder.no_proxy();
    }
    builder.build().map_err(failed)
}

/// Why a status is no answer; `None` where the list follows.
fn refused(status: StatusCode) -> Option<Fault> {
    let kind = match status {
        StatusCode::OK => return None,
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Kind::Denied,
        StatusCode::NOT_FOUND | StatusCode::GONE => Kind::Missing,
        StatusCode::TOO_MANY_REQUESTS => Kind::RateLimited,
        status if status.is_redirection() => {
            return Some(Fault::new(Kind::BadAnswer, format!("the server sends elsewhere (HTTP {})", status.as_u16())));
        }
        status if status.is_server_error() => Kind::Unreachable,
        _ => Kind::BadAnswer,
    };
    Some(Fault::new(kind, format!("the server answers HTTP {}", status.as_u16())))
}

/// The tag by which to ask again; one too long to be kept is none.
fn tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (tag.len() <= 256).then(|| tag.to_owned())
}

/// The body, unpacked, up to `most` bytes.
async fn body(mut response: Response, most: u64) -> Result<String, Fault> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(Fault::new(Kind::TooLarge, format!("the answer is longer than {} MiB", most >> 20)));
        }
        bytes.extend_from_slice(&chunk);
    }
    String::from_utf8(bytes).map_err(|_| Fault::new(Kind::BadAnswer, "the answer is not UTF-8"))
}

fn failed(error: reqwest::Error) -> Fault {
    let error = error.without_url();
    let (kind, what) = if error.is_timeout() {
        (Kind::Timeout, "no answer in time")
    } else if error.is_connect() {
        (Kind::Unreachable, "no connection")
    } else if error.is_decode() || error.is_body() {
        (Kind::BadAnswer, "the answer breaks off or cannot be unpacked")
    } else {
        (Kind::Unreachable, "the request failed")
    };
    let mut fault = Fault::new(kind, what);
    let mut cause = error.source();
    while let Some(inner) = cause {
        cause = inner.source();
        // Outer causes repeat the inner ones' words; the innermost says what happened.
        if cause.is_none() {
            fault = fault.because(inner.to_string());
        }
    }
    fault
}
