//! An address that may hold a key: known by its host alone, and able to take itself out of any text.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use ira_commands::text::{clean, without_urls};
use ira_commands::{Fault, Kind};
use reqwest::Url;
use secrecy::{ExposeSecret as _, SecretString};

use crate::config::url;

/// Stands where a secret stood.
const MASK: &str = "…";
/// A path segment shorter than this is a word (`v2`, `rpc`), no secret.
const SEGMENT: usize = 8;
/// From this length on, hex digits or the name of a parameter are no accident.
const TOKEN: usize = 16;
/// The most of a stranger's text that is passed on, in characters.
const SNIPPET: usize = 200;

/// An `http` or `https` URL whose secret parts never leave it but towards the server. `Debug` prints the label.
#[derive(Clone)]
pub struct Endpoint(Arc<Inner>);

struct Inner {
    url: SecretString,
    label: String,
    /// The host, and host and port, as they are: for taking them out of what a server says.
    host: String,
    authority: String,
    https: bool,
    loopback: bool,
    /// Everything in the URL that could be a credential, longest first.
    secrets: Vec<SecretString>,
}

impl Endpoint {
    /// Takes an `http` or `https` URL. The fault of any other text never repeats it.
    #[expect(clippy::needless_pass_by_value, reason = "the caller's copy of a secret ends here, and is wiped")]
    pub fn new(url: SecretString) -> Result<Self, Fault> {
        let refuse = |why: &str| {
            Fault::new(Kind::Config, format!("an endpoint is no usable URL: {why}"))
                .hint("give an http:// or https:// URL, or env:NAME or file:PATH of one")
        };
        let text = url.expose_secret().trim();
        Ok(Self::of(text, &url::parse_http(text).map_err(refuse)?))
    }

    /// Of `parsed`, which was given as `text`.
    fn of(text: &str, parsed: &Url) -> Self {
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let authority = parsed.port().map_or_else(|| host.clone(), |port| format!("{host}:{port}"));
        Self(Arc::new(Inner {
            url: SecretString::from(parsed.to_string()),
            label: url::shown_host(parsed),
            host,
            authority,
            https: parsed.scheme() == "https",
            loopback: url::is_loopback(parsed),
            secrets: secrets(text, parsed),
        }))
    }

    /// Its host, and its port where that is not the scheme's own; a part of the host that looks like a token is masked.
    pub fn label(&self) -> &str {
        &self.0.label
    }

    /// The URL itself, for a request to it and nothing else.
    pub fn url(&self) -> &str {
        self.0.url.expose_secret()
    }

    /// Whether it speaks TLS.
    pub fn is_https(&self) -> bool {
        self.0.https
    }

    /// Whether it is this machine.
    pub fn is_loopback(&self) -> bool {
        self.0.loopback
    }

    /// `text` without the URL or any secret part of it, however it came to be in there.
    pub fn scrub(&self, text: &str) -> String {
        self.0.secrets.iter().fold(text.to_owned(), |text, secret| masked(text, secret.expose_secret()))
    }

    /// What a server said, fit to be shown and kept: scrubbed, without URLs and control characters, cut to a line.
    pub fn quote(&self, text: &str) -> String {
        // Cut last: half a secret would not be found. Scrubbed twice, as a secret may have been hidden among what is cleaned.
        // Percent signs would hide one too.
        let scrubbed = self.scrub(&percent_decoded(&clean(&self.scrub(text))));
        quoted(&masked(masked(scrubbed, &self.0.authority), &self.0.host))
    }

    /// Everything in it that could be a credential.
    pub(crate) fn secrets(&self) -> &[SecretString] {
        &self.0.secrets
    }

    /// Takes those secrets that cannot be in an answer by chance out of a raw body, before anything reads it.
    pub(crate) fn scrub_body(&self, body: Vec<u8>) -> Vec<u8> {
        let hex = |secret: &str| secret.bytes().all(|byte| byte.is_ascii_hexdigit());
        let no_chance = |secret: &&str| secret.len() >= if hex(secret) { TOKEN } else { SEGMENT };
        let secrets = || self.0.secrets.iter().map(SecretString::expose_secret);
        let long = || secrets().chain(std::iter::once(self.0.authority.as_str())).filter(no_chance);
        // Nearly every body is clean, and nearly every URL has one secret or none: looking costs no copy.
        match std::str::from_utf8(&body) {
            Ok(text) if long().any(|secret| text.contains(secret)) => {
                long().fold(text.to_owned(), |text, secret| text.replace(secret, MASK)).into_bytes()
            }
            _ => body,
        }
    }
}

impl From<&Url> for Endpoint {
    /// Of an `http` or `https` URL that was parsed before.
    fn from(url: &Url) -> Self {
        Self::of(url.as_str(), url)
    }
}

impl fmt::Debug for Endpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Endpoint({})", self.0.label)
    }
}

/// `text` with every occurrence of `secret` masked, in capitals or small letters: a host is lowered on its way.
pub(crate) fn masked(text: String, secret: &str) -> String {
    let (lowered, wanted) = (text.to_ascii_lowercase(), secret.to_ascii_lowercase());
    if !lowered.contains(&wanted) {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    let mut from = 0;
    for (at, found) in lowered.match_indices(&wanted) {
        // Lowering ASCII moves no byte.
        out.push_str(&text[from..at]);
        out.push_str(MASK);
        from = at + found.len();
    }
    out + &text[from..]
}

/// A stranger's text on one line: without URLs and control characters, cut.
pub(crate) fn quoted(text: &str) -> String {
    let text = without_urls(&clean(text));
    if text.chars().count() <= SNIPPET {
        return text;
    }
    let cut: String = text.chars().take(SNIPPET).collect();
    format!("{cut}…")
}

/// Every part of the URL that could be or hold a credential, as given, normalised, decoded and as sent in a header.
fn secrets(given: &str, parsed: &Url) -> Vec<SecretString> {
    let mut parts = vec![given.to_owned(), parsed.to_string()];
    let mut whole = |part: &str, least: usize| {
        for form in [part.to_owned(), percent_decoded(part)] {
            if form.len() >= least.max(1) {
                parts.push(form);
            }
        }
    };
    for part in [parsed.username(), parsed.password().unwrap_or_default()] {
        whole(part, 3);
    }
    let (user, password) = (percent_decoded(parsed.username()), percent_decoded(parsed.password().unwrap_or_default()));
    let userinfo = format!("{user}:{password}");
    if userinfo.len() > 1 {
        whole(&userinfo, 3);
        whole(&base64::engine::general_purpose::STANDARD.encode(&userinfo), 3);
    }
    let path = parsed.path().trim_matches('/');
    whole(path, SEGMENT);
    for segment in path.split('/') {
        whole(segment, SEGMENT);
    }
    if let Some(query) = parsed.query() {
        whole(query, 3);
        for pair in query.split('&') {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            whole(pair, SEGMENT);
            whole(name, TOKEN);
            whole(value, 3);
        }
    }
    whole(parsed.fragment().unwrap_or_default(), SEGMENT);
    for part in parsed.host_str().unwrap_or_default().split('.').filter(|part| url::is_token(part)) {
        whole(part, TOKEN);
    }
    parts.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
    parts.dedup();
    parts.into_iter().map(SecretString::from).collect()
}

fn percent_decoded(text: &str) -> String {
    percent_encoding::percent_decode_str(text).decode_utf8_lossy().into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn endpoint(url: &str) -> Endpoint {
        Endpoint::new(SecretString::from(url)).expect("a URL")
    }

    #[test]
    fn only_the_host_is_ever_shown() {
        let of = endpoint("https://user:hunter2@rpc.example:8545/v3/0123456789abcdef0123?apikey=topsecret");
        assert_eq!(of.label(), "rpc.example:8545");
        assert_eq!(format!("{of:?}"), "Endpoint(rpc.example:8545)");
        assert_eq!(endpoint("https://rpc.example/").label(), "rpc.example");
        assert_eq!(endpoint("https://0a1b2c3d4e5f60718293.eth.rpc.example/").label(), "….eth.rpc.example");
        assert!(endpoint("http://[::1]:8545").is_loopback() && endpoint("http://127.0.0.1").is_loopback());
        assert!(!endpoint("http://127.0.0.1.example").is_loopback());
    }

    #[test]
    fn a_bad_url_is_refused_without_being_repeated() {
        for bad in ["ftp://host/secretsecret", "secretsecret", "http://:80/secretsecret", "http://[secretsecret"] {
            let fault = Endpoint::new(SecretString::from(bad)).expect_err("no endpoint");
            assert_eq!(fault.kind, Kind::Config);
            assert!(!format!("{fault:?}").contains("secretsecret"), "{fault:?}");
        }
    }

    #[test]
    fn every_secret_part_goes_in_every_form() {
        let of = endpoint("https://us%40er:p%2Fw-x1@rpc.example/v2/A%2Bsegment/x?api=va%20lue&flagflag");
        for leak in [
            "https://us%40er:p%2Fw-x1@rpc.example/v2/A%2Bsegment/x?api=va%20lue&flagflag",
            "p%2Fw-x1",
            "p/w-x1",
            "us@er",
            "A%2Bsegment",
            "A+segment",
            "va%20lue",
            "va lue",
            "flagflag",
            "dXNAZXI6cC93LXgx",
        ] {
            let shown = of.scrub(&format!("error at {leak}, says the server"));
            assert!(!shown.contains(leak), "{leak}: {shown}");
        }
        assert_eq!(of.scrub("connection refused by v2"), "connection refused by v2");
        assert_eq!(of.scrub("for A%2bSEGMENT"), "for …", "capitals do not hide it");
        let of = endpoint("https://rpc.example:8545/");
        assert_eq!(of.quote("not valid for name \"RPC.example\""), "not valid for name \"…\"");
    }

    #[test]
    fn a_long_quote_is_cut_and_cleaned() {
        let of = endpoint("https://rpc.example/segmentsegment");
        let quote = of.quote(&format!("\u{1b}[31m{}", "segmentsegment ".repeat(1000)));
        assert_eq!(of.quote("at /%73egment%73egment"), "at /…");
        assert_eq!(of.quote("see (https://docs.example/x) at rpc.example ok"), "see (… at … ok");
        assert!(quote.chars().count() <= SNIPPET + 1 && !quote.contains("segmentsegment") && !quote.contains('\u{1b}'));
    }

    #[test]
    fn a_body_loses_only_what_cannot_be_there_by_chance() {
        let of = endpoint("https://rpc.example/0123456789abcdef/12345678");
        assert_eq!(of.scrub_body(b"x0123456789abcdefx".to_vec()), "x…x".as_bytes());
        assert_eq!(of.scrub_body(b"0x12345678".to_vec()), b"0x12345678");
    }
}
