//! How a sender proves who it is. Every comparison takes the same time whatever is compared, and every refusal says the
//! same: which part was wrong is told to nobody.

use ira_commands::Fault;
use reqwest::header::{AUTHORIZATION, HeaderMap};
use ring::hmac::{self, Context, HMAC_SHA256, Key, Tag};
use secrecy::ExposeSecret as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::{Head, Refusal};
use crate::config::env::Env;
use crate::config::intake::{ProofConfig, SourceConfig};
use crate::config::secret::SecretRef;

/// The most signatures of one message that are looked at: one for each secret while they are rotated.
const SIGNATURES: usize = 8;

/// What proves a sender, with its secrets.
pub(super) enum Proof {
    /// The value of a header is one of these.
    Header(&'static str, Vec<Known>),
    /// The peer's certificate has one of these names.
    Certificate(Vec<String>),
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
            secrets
                .iter()
                .map(|secret| Ok(Known::new(spell(secret.resolve(env)?.expose_secret()).as_bytes())))
                .collect()
        };
        Ok(match &config.proof {
            ProofConfig::Bearer(tokens) => {
                Self::Header(AUTHORIZATION.as_str(), each(tokens, &|token| format!("Bearer {token}"))?)
            }
            ProofConfig::Basic(user, passwords) => {
                let spell = |password: &str| format!("Basic {}", STANDARD.encode(format!("{user}:{password}")));
                Self::Header(AUTHORIZATION.as_str(), each(passwords, &spell)?)
            }
            ProofConfig::Certificate(names) => Self::Certificate(names.clone()),
            ProofConfig::Unauthenticated => Self::Loopback,
        })
    }

    /// What stands before the body.
    pub(super) fn open(&self, head: Head<'_>) -> Result<Proving, Refusal> {
        let proved = match self {
            Self::Header(name, known) => {
                let given = only(head.headers, name).ok_or_else(|| Refusal::stranger(format!("no `{name}`")))?;
                // Each is compared, so that it does not show which of them it was.
                known.iter().fold(false, |found, one| found | one.is(given))
            }
            Self::Certificate(names) => names.iter().any(|name| head.peer.contains(name)),
            Self::Loopback => head.loopback,
        };
        if proved { Ok(Proving::Done) } else { Err(Refusal::stranger("the proof is not right")) }
    }
}

/// The value of a header that is given once.
fn only<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a [u8]> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?;
    all.next().is_none().then(|| first.as_bytes())
}

/// A proof that is being given.
pub(super) enum Proving {
    /// It was given before the body.
    Done,
    /// The body is signed.
    Signed { contexts: Vec<Context>, given: Vec<Vec<u8>> },
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
        Some(matches!(self, Self::Done))
    }

    /// Whether the whole body is signed.
    pub(super) fn finish(&self, _now: u64) -> Result<(), Refusal> {
        let Self::Signed { contexts, given } = self else { return Ok(()) };
        let mut found = false;
        for context in contexts {
            let right = Known::new(context.clone().sign().as_ref());
            found = given.iter().take(SIGNATURES).fold(found, |found, one| found | right.is(one));
        }
        if found { Ok(()) } else { Err(Refusal::stranger("no signature is right")) }
    }
}
