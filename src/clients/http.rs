//! The HTTP client that the adapters share: built for one endpoint, follows no redirect to another server, loads certificates only for TLS.

use std::error::Error as _;
use std::sync::{Arc, Once};
use std::time::Duration;

use ira_commands::{Fault, Kind};
use reqwest::header::{LOCATION, RETRY_AFTER};
use reqwest::redirect::Policy;
use reqwest::{Client, ClientBuilder, Response, StatusCode, Url};

use super::endpoint::Endpoint;

/// A client for `endpoint`. `timeout` is for one request as a whole; up to `redirects` are followed, and none to another
/// server.
pub fn client(endpoint: &Endpoint, timeout: Duration, redirects: usize) -> Result<Client, Fault> {
    builder(endpoint, timeout, redirects)?.build().map_err(|error| cannot(endpoint, &error))
}

/// The same, for who has more to say about the client.
pub fn builder(endpoint: &Endpoint, timeout: Duration, redirects: usize) -> Result<ClientBuilder, Fault> {
    let policy = Policy::custom(move |attempt| {
        let home = attempt.previous().first().map(Url::origin);
        if attempt.previous().len() <= redirects && home == Some(attempt.url().origin()) {
            attempt.follow()
        } else {
            attempt.stop()
        }
    });
    let mut builder = Client::builder()
        .user_agent(concat!("ira/", env!("CARGO_PKG_VERSION")))
        .redirect(policy)
        .referer(false)
        .connect_timeout(timeout)
        .timeout(timeout)
        .tcp_nodelay(true);
    if endpoint.is_loopback() {
        builder = builder.no_proxy();
    }
    if endpoint.is_https() {
        use_ring();
        Ok(builder)
    } else {
        // Without this the platform's certificates are read and parsed, which costs more than a whole report on loopback.
        Ok(builder.tls_backend_preconfigured(trusting_nobody()?))
    }
}

/// The process's crypto, chosen once and only where TLS is used.
pub(super) fn use_ring() {
    static CHOSEN: Once = Once::new();
    CHOSEN.call_once(|| {
        // Another part of the process may have chosen before: then that choice stands.
        let _already = rustls::crypto::ring::default_provider().install_default();
    });
}

/// A TLS configuration that accepts no certificate: for clients that never speak TLS.
fn trusting_nobody() -> Result<rustls::ClientConfig, Fault> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Fault::new(Kind::Failed, format!("cannot set up HTTP: {error}")))?;
    Ok(config.with_root_certificates(rustls::RootCertStore::empty()).with_no_client_auth())
}

/// A failure to ask or to read, as a predicate of the endpoint ("cannot be reached: …"), without its URL.
pub fn cannot(endpoint: &Endpoint, error: &reqwest::Error) -> Fault {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    // reqwest's own message carries the URL; its sources may quote what the server sent.
    let why = if error.source().is_some() { endpoint.quote(&innermost.to_string()) } else { String::new() };
    if let Some((what, mend)) = distrust(&why) {
        return Fault::new(Kind::Unreachable, format!("cannot be trusted: {what}")).because(why).hint(mend);
    }
    let (kind, what) = if error.is_timeout() {
        return Fault::new(Kind::Timeout, "does not answer in time");
    } else if error.is_connect() {
        (Kind::Unreachable, "cannot be reached")
    } else if error.is_body() || error.is_decode() {
        (Kind::BadAnswer, "broke off in the middle of its answer")
    } else if error.is_builder() {
        (Kind::Failed, "cannot be asked")
    } else {
        (Kind::Unreachable, "broke off")
    };
    let fault = Fault::new(kind, if why.is_empty() { what.to_owned() } else { format!("{what}: {why}") });
    if why.contains("InvalidContentType") { fault.hint("it does not speak TLS there: is it http://?") } else { fault }
}

/// What is wrong with a certificate, and the mend; `None` where `why` speaks of none.
fn distrust(why: &str) -> Option<(&'static str, &'static str)> {
    let why = why.strip_prefix("invalid peer certificate: ")?;
    Some(if why.contains("UnknownIssuer") {
        (
            "no authority that this machine trusts has signed its certificate",
            "if it is yours, put the authority's PEM file into the system's store, or name it in SSL_CERT_FILE",
        )
    } else if why.contains("CaUsedAsEndEntity") {
        (
            "its certificate is an authority's own (CA:TRUE), which no server may show",
            "give the server a certificate of its own (openssl req -x509 … -addext basicConstraints=CA:FALSE)",
        )
    } else if why.contains("not valid for") || why.contains("NotValidForName") {
        ("its certificate is of another host", "check the URL's host; is something in between answering for it?")
    } else if why.to_lowercase().contains("expired") || why.contains("not valid yet") || why.contains("NotValidYet") {
        ("its certificate is not valid at this time", "check this machine's clock; if it is right, tell the provider")
    } else {
        ("its certificate is not sound", "tell the provider, or give another endpoint")
    })
}

/// The whole body, up to `cap` bytes as unpacked.
pub async fn body(endpoint: &Endpoint, response: &mut Response, cap: usize) -> Result<Vec<u8>, Fault> {
    let length = response.content_length().and_then(|length| usize::try_from(length).ok()).unwrap_or(0);
    let mut body = Vec::with_capacity(length.min(cap));
    while let Some(chunk) = response.chunk().await.map_err(|error| cannot(endpoint, &error))? {
        if body.len() + chunk.len() > cap {
            return Err(Fault::new(Kind::TooLarge, format!("answers with more than {} MiB", cap >> 20)));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(endpoint.scrub_body(body))
}

/// What a status other than success means, as a predicate of the endpoint; `said` is the body as far as it was read.
pub fn refusal(endpoint: &Endpoint, response: &Response, said: &[u8]) -> Fault {
    let status = response.status();
    let quoted = endpoint.quote(&String::from_utf8_lossy(said));
    let with = |kind, what: &str| {
        let fault = Fault::new(kind, format!("{what} (HTTP {})", status.as_u16()));
        if quoted.is_empty() { fault } else { fault.because(format!("it says: {quoted}")) }
    };
    match status {
        StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => {
            with(Kind::Denied, "refuses the credential").hint("check the key in the endpoint's URL, and what it may do")
        }
        StatusCode::TOO_MANY_REQUESTS => with(Kind::RateLimited, "asks to slow down"),
        StatusCode::PAYLOAD_TOO_LARGE => with(Kind::TooLarge, "will not take so large a request"),
        StatusCode::REQUEST_TIMEOUT => with(Kind::Timeout, "gave up waiting"),
        status if status.is_redirection() => {
            let to = response.headers().get(LOCATION).and_then(|value| value.to_str().ok());
            let host = to.and_then(|to| Url::parse(to).ok()).and_then(|url| url.host_str().map(str::to_owned));
            let to = host.map(|host| format!(" to {}", endpoint.quote(&host))).unwrap_or_default();
            let what = format!("redirects{to}, which is not followed: it could carry the key elsewhere");
            Fault::new(Kind::BadAnswer, format!("{what} (HTTP {})", status.as_u16())).hint("give the final URL")
        }
        status if status.is_server_error() => with(Kind::Unreachable, "is out of order"),
        _ => with(Kind::BadAnswer, "does not take the request"),
    }
}

/// How long a 429 or 503 asks to wait, where it says so in seconds.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let seconds = response.headers().get(RETRY_AFTER)?.to_str().ok()?.trim().parse::<u32>().ok()?;
    Some(Duration::from_secs(u64::from(seconds)))
}
