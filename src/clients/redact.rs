//! Taking the secrets that the configuration knows out of what a stranger's program wrote.

use secrecy::{ExposeSecret as _, SecretString};

use super::endpoint::{Endpoint, masked};
use crate::config::Config;
use crate::config::secret::SecretRef;

/// Shorter than this a word may be anywhere by chance.
const SHORTEST: usize = 6;

/// Every secret that the configuration leads to.
pub struct Known {
    endpoints: Vec<Endpoint>,
    words: Vec<SecretString>,
}

impl Known {
    /// Fetches them; one that is not to be had is known to nobody here.
    pub fn of(config: &Config) -> Self {
        let references = config.networks.values().flat_map(|network| &network.rpc);
        // A URL as it stands, without a key, is no secret.
        let secret = references.filter(|one| !matches!(one, SecretRef::Literal(_)) || one.is_keyed_literal());
        let urls = secret.filter_map(|reference| reference.resolve_url(config.env()).ok());
        let nodes = config.nodes.values().filter_map(|node| config.node_url(node).ok());
        let endpoints = urls.chain(nodes).filter_map(|url| Endpoint::new(url).ok()).collect();
        let signers = config.networks.values().filter_map(|network| network.signer.as_ref());
        let words = signers.filter_map(|signer| signer.password(config.env()).ok());
        let words = words.chain(config.nodes.values().filter_map(|node| config.node_password(node).ok()));
        Self { endpoints, words: words.filter(|word| word.expose_secret().trim().len() >= SHORTEST).collect() }
    }

    /// `text` without them.
    pub fn masked(&self, text: &str) -> String {
        let text = self.endpoints.iter().fold(text.to_owned(), |text, endpoint| endpoint.scrub(&text));
        self.words.iter().fold(text, |text, word| masked(text, word.expose_secret().trim()))
    }
}
