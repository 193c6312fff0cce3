//! Which of systemd's credentials the configuration names.

use std::collections::BTreeSet;

use super::Config;
use super::daemon::TlsConfig;
use super::secret::SecretRef;
use super::signer::KeystoreRef;

impl Config {
    /// The name of each credential that anything of it refers to.
    pub fn credentials(&self) -> BTreeSet<String> {
        let systems = self.systems.references().into_iter().map(|(_, reference)| reference);
        let signers = || self.networks.values().filter_map(|network| network.signer.as_ref());
        let nodes = self.nodes.values().flat_map(|node| [&node.url, &node.password]);
        let listeners = [&self.daemon.tls, &self.daemon.admin_tls].into_iter().flatten();
        let all = systems
            .chain(self.networks.values().flat_map(|network| &network.rpc))
            .chain(signers().map(|signer| &signer.password))
            .chain(nodes)
            .chain(self.remote.url.iter().chain(&self.remote.token))
            .chain(listeners.flat_map(TlsConfig::references));
        let named = all.filter_map(|reference| match reference {
            SecretRef::Credential(name) => Some(name.clone()),
            _ => None,
        });
        let keystores = signers().filter_map(|signer| match &signer.keystore {
            KeystoreRef::Credential(name) => Some(name.clone()),
            KeystoreRef::File(_) => None,
        });
        named.chain(keystores).collect()
    }
}
