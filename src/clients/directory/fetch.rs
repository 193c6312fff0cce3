//! Fetching a directory by HTTP.

use std::time::Duration;

use ira_commands::{Fault, Kind};
use reqwest::header::{ACCEPT, ETAG, HeaderMap, IF_NONE_MATCH};
use reqwest::{StatusCode, Url};

use crate::clients::endpoint::Endpoint;
use crate::clients::http;

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
pub(super) async fn get(url: &Url, etag: Option<&str>, timeout: Duration, most: usize) -> Result<Answer, Fault> {
    let endpoint = Endpoint::from(url);
    let said = |fault: Fault| Fault { message: format!("the server {}", fault.message), ..fault };
    let client = http::client(&endpoint, timeout, MOST_REDIRECTS).map_err(said)?;
    let mut request = client.get(endpoint.url()).header(ACCEPT, "application/json");
    if let Some(etag) = etag {
        request = request.header(IF_NONE_MATCH, etag);
    }
    let mut response = request.send().await.map_err(|error| said(http::cannot(&endpoint, &error)))?;
    let status = response.status();
    if status == StatusCode::NOT_MODIFIED {
        return Ok(Answer::Unchanged);
    }
    if matches!(status, StatusCode::NOT_FOUND | StatusCode::GONE) {
        return Err(Fault::new(Kind::Missing, format!("the server has none there (HTTP {})", status.as_u16())));
    }
    if status != StatusCode::OK {
        let body = http::body(&endpoint, &mut response, most).await.unwrap_or_default();
        return Err(said(http::refusal(&endpoint, &response, &body)));
    }
    let etag = tag(response.headers());
    let bytes = http::body(&endpoint, &mut response, most).await.map_err(said)?;
    let text = String::from_utf8(bytes).map_err(|_| Fault::new(Kind::BadAnswer, "the answer is not UTF-8"))?;
    match super::unusable(&text) {
        Some(why) => Err(Fault::new(Kind::BadAnswer, why)),
        None => Ok(Answer::Whole { text, etag }),
    }
}

/// The tag by which to ask again; one too long to be kept is none.
fn tag(headers: &HeaderMap) -> Option<String> {
    let tag = headers.get(ETAG)?.to_str().ok()?;
    (tag.len() <= 256).then(|| tag.to_owned())
}
