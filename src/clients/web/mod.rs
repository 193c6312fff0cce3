//! Any web server: what a command line or a playbook names is asked, what an alert names only where it is public.

mod guard;

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use ira_commands::actions::Broken;
use ira_commands::ports::systems::{WebAnswer, WebAsk, WebRead, WebWrite};
use ira_commands::text::excerpt;
use ira_commands::{Fault, Kind};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use reqwest::{Client, Method, Response, Url};
use secrecy::{ExposeSecret as _, SecretString};

use super::endpoint::Endpoint;
use super::http;
use super::redact::Redactor;
use crate::config::secret::SecretRef;
use crate::config::{Config, url};

/// The most of a body that is read, bytes.
const MOST: usize = 1 << 20;

/// Web servers.
pub struct Web(Arc<Config>);

/// A request that may be made.
struct Ready {
    client: Client,
    endpoint: Endpoint,
    place: String,
    headers: HeaderMap,
    redactor: Redactor,
}

impl Web {
    /// With what the configuration allows.
    pub fn new(config: Arc<Config>) -> Self {
        Self(config)
    }

    /// The URL, whether it was given by reference, and what it is called.
    fn meant(&self, ask: &WebAsk) -> Result<(Endpoint, Url, String), Fault> {
        let text = ask.url.trim();
        let usage = |why: &str| Fault::new(Kind::Usage, format!("the URL cannot be used: {why}"));
        if !by_reference(text) {
            let parsed = url::parse_http(text).map_err(usage)?;
            if url::looks_keyed(&parsed) {
                return Err(usage("it seems to hold a key").hint("give env:NAME, file:PATH or credential:NAME of it"));
            }
            let path = if parsed.path() == "/" { "" } else { parsed.path() };
            let place = excerpt(&format!("{}{path}", url::shown_host(&parsed)), 120);
            return Ok((Endpoint::from(&parsed), parsed, place));
        }
        if ask.untrusted {
            return Err(usage("an alert cannot name a reference"));
        }
        let reference = SecretRef::parse(text, Path::new(".")).map_err(|why| usage(&why))?;
        let secret = reference.resolve_url(self.0.env())?;
        let parsed = url::parse_http(secret.expose_secret()).map_err(usage)?;
        let endpoint = Endpoint::new(secret)?;
        let place = format!("{} ({reference})", endpoint.label());
        Ok((endpoint, parsed, place))
    }

    fn headers(&self, ask: &WebAsk) -> Result<(HeaderMap, Vec<SecretString>), Fault> {
        let wrong = |name: &str| Fault::new(Kind::Usage, format!("the header {name} cannot be sent"));
        let mut headers = HeaderMap::new();
        let mut secrets = Vec::new();
        let mut add = |name: &str, value: &str, sensitive: bool| {
            let key = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong(name))?;
            let mut value = HeaderValue::from_str(value).map_err(|_| wrong(name))?;
            value.set_sensitive(sensitive);
            headers.append(key, value);
            Ok::<(), Fault>(())
        };
        for (name, value) in &ask.headers {
            add(name, value, false)?;
        }
        for (name, before, reference) in &ask.secret_headers {
            let reference = SecretRef::parse(reference, Path::new(".")).map_err(|why| Fault::new(Kind::Usage, why))?;
            let secret = reference.resolve(self.0.env())?;
            add(name, &format!("{before}{}", secret.expose_secret()), true)?;
            secrets.push(secret);
        }
        Ok((headers, secrets))
    }

    async fn ready(&self, ask: &WebAsk) -> Result<Ready, Fault> {
        let (endpoint, parsed, place) = self.meant(ask)?;
        let allow = &self.0.systems.allow;
        if ask.untrusted && !ask.secret_headers.is_empty() && !guard::is_named(&parsed, allow) {
            return Err(Fault::new(Kind::Denied, format!("no secret is sent to {place}: an alert names it")).hint(
                "name the host in `http.allow` of the user's configuration, or write the URL out in the playbook",
            ));
        }
        let addresses = guard::admitted(&parsed, ask.untrusted, allow).await?;
        let (headers, mut secrets) = self.headers(ask)?;
        if by_reference(&ask.url) {
            secrets.extend(endpoint.secrets().iter().cloned());
        }
        let mut builder = http::builder(&endpoint, Duration::from_secs(ask.seconds), 0)?;
        if ask.untrusted {
            // A proxy would look the name up for itself.
            builder = builder.no_proxy();
        }
        if let (Some(host), false) = (parsed.domain(), addresses.is_empty()) {
            // What was looked at is what is connected to, whatever the name means a moment later.
            builder = builder.resolve_to_addrs(host, &addresses);
        }
        let client = builder.build().map_err(|error| http::cannot(&endpoint, &error))?;
        Ok(Ready { client, endpoint, place, headers, redactor: Redactor::new(&secrets) })
    }
}

impl Ready {
    fn fault(&self, fault: Fault) -> Fault {
        let fault = Fault { message: format!("{} {}", self.place, fault.message), ..fault };
        let clean = |text: &str| self.redactor.text(text);
        Fault { message: clean(&fault.message), causes: fault.causes.iter().map(|one| clean(one)).collect(), ..fault }
    }

    /// Sends; `writes` where the request may do something.
    async fn send(&self, ask: &WebAsk, writes: bool) -> Result<WebAnswer, Broken> {
        let begun = Instant::now();
        let method = Method::from_bytes(ask.method.as_bytes())
            .map_err(|_| Broken::before(Fault::new(Kind::Usage, "there is no such method")))?;
        let mut request = self.client.request(method, self.endpoint.url()).headers(self.headers.clone());
        if let Some(body) = &ask.body {
            request = request.body(body.clone());
        }
        let mut response = request.send().await.map_err(|error| {
            let fault = self.fault(http::cannot(&self.endpoint, &error));
            if error.is_connect() || error.is_builder() { Broken::before(fault) } else { Broken::unknown(fault) }
        })?;
        let (body, cut) = match read(&mut response).await {
            Ok(read) => read,
            // It has answered: what was to be done is done, and only its words are lost.
            Err(_) if writes => (Vec::new(), true),
            Err(error) => return Err(Broken::unknown(self.fault(http::cannot(&self.endpoint, &error)))),
        };
        let headers = response.headers().iter().map(|(name, value)| {
            let value = self.redactor.text(&String::from_utf8_lossy(value.as_bytes()));
            (name.as_str().to_owned(), self.endpoint.scrub(&value))
        });
        Ok(WebAnswer {
            status: response.status().as_u16(),
            headers: headers.collect(),
            body: self.redactor.body(self.endpoint.scrub_body(body)),
            cut,
            ms: u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX),
        })
    }
}

/// Whether a URL is given by where it is.
fn by_reference(text: &str) -> bool {
    ["env:", "file:", "credential:"].iter().any(|form| text.trim().starts_with(form))
}

/// The body as far as it is read, and whether there is more of it.
async fn read(response: &mut Response) -> Result<(Vec<u8>, bool), reqwest::Error> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await? {
        let room = MOST - body.len();
        if chunk.len() > room {
            body.extend_from_slice(&chunk[..room]);
            return Ok((body, true));
        }
        body.extend_from_slice(&chunk);
    }
    Ok((body, false))
}

#[async_trait]
impl WebRead for Web {
    async fn place(&self, ask: &WebAsk) -> Result<String, Fault> {
        Ok(self.ready(ask).await?.place)
    }

    async fn fetch(&self, ask: &WebAsk) -> Result<WebAnswer, Fault> {
        if !matches!(ask.method, "GET" | "HEAD") {
            return Err(Fault::new(Kind::Failed, format!("{} is no method that reads", ask.method)));
        }
        self.ready(ask).await?.send(ask, false).await.map_err(|broken| broken.fault)
    }
}

#[async_trait]
impl WebWrite for Web {
    async fn send(&self, ask: &WebAsk) -> Result<WebAnswer, Broken> {
        self.ready(ask).await.map_err(Broken::before)?.send(ask, true).await
    }
}
