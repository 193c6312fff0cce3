//! Taking known secrets out of what somebody else says, in every form that they are likely to have there.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};

use super::endpoint::{Endpoint, masked};
use crate::config::Config;
use crate::config::secret::SecretRef;

/// What is shorter is in nearly every text by chance.
const LEAST: usize = 4;
/// From this length on a part of base64 is no accident.
const LEAST_ENCODED: usize = 8;
/// Stands where a secret stood in bytes.
const MASK: &str = "…";

/// Secrets, in every form in which they are looked for; the longest first.
#[derive(Clone, Default)]
pub struct Redactor(Vec<SecretString>);

impl Redactor {
    /// Knows these.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a SecretString>) -> Self {
        let mut forms: Vec<String> = secrets.into_iter().flat_map(|secret| forms(secret.expose_secret())).collect();
        forms.sort_by(|a, b| b.len().cmp(&a.len()).then(a.cmp(b)));
        forms.dedup();
        Self(forms.into_iter().map(SecretString::from).collect())
    }

    /// `text` without them, in capitals or small letters.
    pub fn text(&self, text: &str) -> String {
        self.0.iter().fold(text.to_owned(), |text, form| masked(text, form.expose_secret()))
    }

    /// A raw body without them; one that is no text stays as it is where none is in it.
    pub fn body(&self, body: Vec<u8>) -> Vec<u8> {
        let text = String::from_utf8_lossy(&body);
        let clean = self.text(&text);
        if clean == *text { body } else { clean.replace(char::REPLACEMENT_CHARACTER, MASK).into_bytes() }
    }
}

/// Every secret that the configuration leads to.
pub struct Known {
    endpoints: Vec<Endpoint>,
    words: Redactor,
}

impl Known {
    /// Fetches them; one that is not to be had is known to nobody here.
    pub fn of(config: &Config) -> Self {
        let references = config.networks.values().flat_map(|network| &network.rpc);
        let references = references.chain(config.systems.references().into_iter().map(|(_, reference)| reference));
        // A URL as it stands, without a key, is no secret.
        let secret = references.filter(|one| !matches!(one, SecretRef::Literal(_)) || one.is_keyed_literal());
        let found: Vec<SecretString> = secret.filter_map(|reference| reference.resolve(config.env()).ok()).collect();
        let nodes = config.nodes.values().filter_map(|node| config.node_url(node).ok());
        let endpoints = found.iter().cloned().chain(nodes).filter_map(|url| Endpoint::new(url).ok()).collect();
        let signers = config.networks.values().filter_map(|network| network.signer.as_ref());
        let words = signers.filter_map(|signer| signer.password(config.env()).ok());
        let words = words.chain(config.nodes.values().filter_map(|node| config.node_password(node).ok()));
        let data = config.systems.data().filter_map(|(_, one)| one.place(config.env()).ok()?.password);
        let words: Vec<SecretString> = words.chain(data).chain(found).collect();
        Self { endpoints, words: Redactor::new(&words) }
    }

    /// `text` without them.
    pub fn masked(&self, text: &str) -> String {
        self.words.text(&self.endpoints.iter().fold(text.to_owned(), |text, endpoint| endpoint.scrub(&text)))
    }
}

fn forms(secret: &str) -> Vec<String> {
    let secret = secret.trim();
    if secret.len() < LEAST {
        return Vec::new();
    }
    let mut all = vec![secret.to_owned(), utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string()];
    let quoted = serde_json::to_string(secret).unwrap_or_default();
    all.extend(quoted.get(1..quoted.len().saturating_sub(1)).map(str::to_owned));
    // Within a longer text it may begin at any of three places of a group.
    for before in 0..3 {
        let mut bytes = vec![0; before];
        bytes.extend_from_slice(secret.as_bytes());
        for engine in [&STANDARD_NO_PAD, &URL_SAFE_NO_PAD] {
            let whole = engine.encode(&bytes);
            // The first and last signs hold bits of what stands beside it.
            let from = [0, 2, 3][before];
            let until = whole.len() - usize::from(!bytes.len().is_multiple_of(3));
            all.extend(whole.get(from..until).filter(|part| part.len() >= LEAST_ENCODED).map(str::to_owned));
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use base64::engine::general_purpose::STANDARD;

    use super::*;

    #[test]
    fn a_secret_goes_in_every_form_and_at_every_place() {
        let secret = "c4n4ry/K3y+\"w\"==";
        let redactor = Redactor::new([&SecretString::from(secret)]);
        let encoded = utf8_percent_encode(secret, NON_ALPHANUMERIC).to_string();
        for leak in [secret.to_owned(), encoded.to_lowercase(), encoded, secret.to_uppercase()] {
            let shown = redactor.text(&format!("error: {leak} is wrong"));
            assert!(!shown.contains(&leak) && shown.contains("is wrong"), "{leak}: {shown}");
        }
        for before in ["", "u:", "user:", "a", "abcd"] {
            for after in ["", "x", "xy", ":pw"] {
                let text = format!("{before}{secret}{after}");
                for leak in [STANDARD.encode(&text), URL_SAFE_NO_PAD.encode(&text)] {
                    let shown = redactor.text(&leak);
                    let core = &leak[4..leak.len() - 6];
                    assert!(!shown.contains(core), "{text}: {leak} → {shown}");
                }
            }
        }
    }

    #[test]
    fn a_body_that_is_no_text_hides_nothing() {
        let redactor = Redactor::new([&SecretString::from("c4n4ry-key")]);
        let clean = redactor.body(b"\xff c4n4ry-key \xfe".to_vec());
        assert!(!String::from_utf8_lossy(&clean).contains("c4n4ry"));
        assert_eq!(redactor.body(b"\xff\xfe plain".to_vec()), b"\xff\xfe plain");
        assert_eq!(Redactor::new([&SecretString::from("ab")]).text("abc"), "abc", "too short to be told from a word");
    }
}
