//! How a sender proves who it is. Every comparison takes the same time whatever is compared, and every refusal says the
//! same: which part was wrong is told to nobody.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ira_commands::units::bytes;
use ira_commands::{Fault, Kind};
use reqwest::header::{AUTHORIZATION, HeaderMap};
use ring::hmac::{self, Context, HMAC_SHA256, Key, Tag};
use secrecy::ExposeSecret as _;

use super::{Head, Refusal};
use crate::config::env::Env;
use crate::config::intake::{ProofConfig, Scheme, SourceConfig};
use crate::config::secret::SecretRef;

/// The most signatures of one message that are looked at: one for each secret while they are changed.
const SIGNATURES: usize = 8;
/// How far a signed time may be from now, seconds.
const SKEW: u64 = 300;

const PAGERDUTY: &str = "x-pagerduty-signature";
const GRAFANA: &str = "x-grafana-alerting-signature";
const STANDARD_ID: &str = "webhook-id";
const STANDARD_TIME: &str = "webhook-timestamp";
const STANDARD_SIGNATURE: &str = "webhook-signature";

/// What proves a sender, with its secrets.
pub(super) enum Proof {
    /// The value of a header is one of these.
    Header(String, Vec<Known>),
    /// The peer's certificate has one of these names.
    Certificate(Vec<String>),
    /// The body is signed with one of these.
    Signed(Scheme, Vec<Key>),
    /// The body holds its signature.
    Inside,
    /// Nothing does: the listener is reached from this machine alone.
    Loopback,
}

/// A secret that can be compared with.
pub(super) struct Known {
    key: Key,
    tag: Tag,
}

impl Known {
    fn new(value: &[u8]) -> Self {
        // Compared by a code under a key of its own: neither length nor content shows in the time that it takes.
        let key = Key::new(HMAC_SHA256, &rand::random::<[u8; 32]>());
        let tag = hmac::sign(&key, value);
        Self { key, tag }
    }

    fn is(&self, value: &[u8]) -> bool {
        hmac::verify(&self.key, value, self.tag.as_ref()).is_ok()
    }
}

impl Proof {
    pub(super) fn new(config: &SourceConfig, env: &dyn Env) -> Result<Self, Fault> {
        let each = |secrets: &[SecretRef], spell: &dyn Fn(&str) -> String| -> Result<Vec<Known>, Fault> {
            secrets.iter().map(|one| Ok(Known::new(spell(resolved(one, env)?.expose_secret()).as_bytes()))).collect()
        };
        let authorization = AUTHORIZATION.as_str().to_owned();
        Ok(match &config.proof {
            ProofConfig::Bearer(tokens) => {
                Self::Header(authorization, each(tokens, &|token| format!("Bearer {token}"))?)
            }
            ProofConfig::Basic(user, passwords) => {
                let spell = |password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                Self::Header(authorization, each(passwords, &spell)?)
            }
            ProofConfig::Header(name, secrets) => Self::Header(name.clone(), each(secrets, &str::to_owned)?),
            ProofConfig::Certificate(names) => Self::Certificate(names.clone()),
            ProofConfig::Signed(scheme, secrets) => {
                let keys: Result<Vec<Key>, Fault> = secrets.iter().map(|one| key(scheme, one, env)).collect();
                Self::Signed(scheme.clone(), keys?)
            }
            ProofConfig::Inside => Self::Inside,
            ProofConfig::Unauthenticated => Self::Loopback,
        })
    }

    /// What stands before the body.
    pub(super) fn open(&self, head: Head<'_>) -> Result<Proving, Refusal> {
        let proved = match self {
            Self::Header(name, known) => {
                let given =
                    only(head.headers, name).ok_or_else(|| Refusal::stranger(format!("there is no `{name}`")))?;
                // Each is compared, so that it does not show which of them it was.
                known.iter().fold(false, |found, one| found | one.is(given))
            }
            Self::Certificate(names) => names.iter().any(|name| head.peer.contains(name)),
            Self::Loopback => head.loopback,
            Self::Inside => return Ok(Proving::Inside),
            Self::Signed(scheme, keys) => return signed(scheme, keys, head.headers),
        };
        if proved { Ok(Proving::Done) } else { Err(Refusal::stranger("the proof is not right")) }
    }
}

fn resolved(secret: &SecretRef, env: &dyn Env) -> Result<secrecy::SecretString, Fault> {
    let value = secret.resolve(env)?;
    // An empty one would let everybody in.
    if value.expose_secret().len() < 8 {
        let why = format!("{secret} is shorter than 8 characters: anybody could guess it");
        return Err(Fault::new(Kind::Config, why).hint("openssl rand -hex 32 makes one"));
    }
    Ok(value)
}

fn key(scheme: &Scheme, secret: &SecretRef, env: &dyn Env) -> Result<Key, Fault> {
    let value = resolved(secret, env)?;
    let text = value.expose_secret();
    let bytes = match text.strip_prefix("whsec_").filter(|_| *scheme == Scheme::Standard) {
        Some(encoded) => STANDARD.decode(encoded).map_err(|_| {
            Fault::new(Kind::Config, format!("{secret} begins with `whsec_`, and what follows is no base64"))
        })?,
        None => text.as_bytes().to_vec(),
    };
    Ok(Key::new(HMAC_SHA256, &bytes))
}

/// The value of a header that is given once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.as_bytes())
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Result<&'a str, Refusal> {
    let value = only(headers, name).and_then(|value| std::str::from_utf8(value).ok());
    value.filter(|text| !text.is_empty() && text.len() <= 4096).ok_or_else(|| {
        // A header may have any name that the operator gave it; none of them is a secret.
        Refusal::stranger(format!("there is no `{name}`"))
    })
}

/// Begins to check a signature.
fn signed(scheme: &Scheme, keys: &[Key], headers: &HeaderMap) -> Result<Proving, Refusal> {
    let (mut before, mut time, mut message) = (String::new(), None, None);
    let given: Vec<Vec<u8>> = match scheme {
        Scheme::PagerDuty => {
            let all = text(headers, PAGERDUTY)?.split(',');
            all.filter_map(|one| mac(one.trim().strip_prefix("v1=")?)).take(SIGNATURES).collect()
        }
        Scheme::Grafana(timestamp) => {
            if let Some(name) = timestamp {
                let given = text(headers, name)?;
                before = format!("{given}:");
                time = Some(seconds(given)?);
            }
            mac(text(headers, GRAFANA)?.trim()).into_iter().collect()
        }
        Scheme::Standard => {
            let (id, given) = (text(headers, STANDARD_ID)?, text(headers, STANDARD_TIME)?);
            before = format!("{id}.{given}.");
            (time, message) = (Some(seconds(given)?), Some(id.to_owned()));
            let all = text(headers, STANDARD_SIGNATURE)?.split(' ');
            all.filter_map(|one| STANDARD.decode(one.strip_prefix("v1,")?).ok()).take(SIGNATURES).collect()
        }
    };
    if given.is_empty() {
        return Err(Refusal::stranger("there is no signature of a known version"));
    }
    let begin = |key: &Key| {
        let mut context = Context::with_key(key);
        context.update(before.as_bytes());
        context
    };
    Ok(Proving::Signed { contexts: keys.iter().map(begin).collect(), given, time, message })
}

fn seconds(text: &str) -> Result<u64, Refusal> {
    text.parse().map_err(|_| Refusal::stranger("the signed time is no number"))
}

/// The 32 bytes of a signature in hex.
fn mac(text: &str) -> Option<Vec<u8>> {
    bytes(text).filter(|mac| mac.len() == 32)
}

/// A proof that is being given.
pub(super) enum Proving {
    /// It was given before the body.
    Done,
    /// The body is signed.
    Signed {
        /// One for each secret, with what has come of the body.
        contexts: Vec<Context>,
        /// The signatures.
        given: Vec<Vec<u8>>,
        /// The signed time.
        time: Option<u64>,
        /// The signed id of the message.
        message: Option<String>,
    },
    /// The body holds its signature.
    Inside,
}

impl Proving {
    pub(super) fn push(&mut self, part: &[u8]) {
        if let Self::Signed { contexts, .. } = self {
            for context in contexts {
                context.update(part);
            }
        }
    }

    /// Whether it has been given; none where only the body's content can say so.
    pub(super) fn is_done(&self) -> Option<bool> {
        match self {
            Self::Done => Some(true),
            Self::Signed { .. } => Some(false),
            Self::Inside => None,
        }
    }

    /// Whether the whole body is signed, and in time. Gives the signed id of the message.
    pub(super) fn finish(self, now: u64) -> Result<Option<String>, Refusal> {
        let Self::Signed { contexts, given, time, message } = self else { return Ok(None) };
        let mut found = false;
        for context in contexts {
            let right = Known::new(context.sign().as_ref());
            found = given.iter().fold(found, |found, one| found | right.is(one));
        }
        if !found {
            return Err(Refusal::stranger("no signature is right"));
        }
        match time {
            Some(time) if time.abs_diff(now) > SKEW => Err(Refusal::stranger(format!(
                "the signed time is {} s from now: is a clock wrong?",
                time.abs_diff(now)
            ))),
            _ => Ok(message),
        }
    }
}
