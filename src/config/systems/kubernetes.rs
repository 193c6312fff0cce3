//! `[kubernetes]`: which cluster, and with whose credentials.

use std::path::PathBuf;

use super::read::folder;
use crate::config::engine::fields;
use crate::config::keys;
use crate::config::reader::{Item, Reader};

/// Which cluster. Where nothing is set: `KUBECONFIG`, `~/.kube/config`, or the account of the pod that this runs in.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KubernetesConfig {
    /// The file with the credentials.
    pub kubeconfig: Option<PathBuf>,
    /// The context in it; its current one where not given.
    pub context: Option<String>,
    /// The namespace where none is named; that of the context where not given.
    pub namespace: Option<String>,
}

/// Reads `[kubernetes]`.
pub(super) fn kubernetes(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<KubernetesConfig> {
    let mut config = KubernetesConfig::default();
    fields(reader, "kubernetes", item, keys::KUBERNETES, |reader, word, key, item| {
        match word {
            "kubeconfig" => config.kubeconfig = reader.text(key, item).map(|text| folder(reader).join(text)),
            "context" => config.context = reader.text(key, item).map(str::to_owned),
            "namespace" => config.namespace = reader.text(key, item).map(str::to_owned),
            _ => return false,
        }
        true
    })?;
    Some(config)
}
