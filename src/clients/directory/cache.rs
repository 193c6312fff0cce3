//! Copies of feed directories, each with the time at which it was fetched.

use std::io;
use std::path::{Path, PathBuf};

use ira_commands::units::{hex, keccak256};
use reqwest::Url;

use crate::keep::{private_folder, replace};

/// A copy.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Kept {
    pub text: String,
    /// Unix seconds.
    pub fetched_at: u64,
    pub etag: Option<String>,
}

/// What is known of a copy, in a file beside it. Kept apart so that the copy itself is a file for `--directory`.
#[derive(serde::Serialize, serde::Deserialize)]
struct Label {
    fetched_at: u64,
    etag: Option<String>,
}

/// The folder of copies.
pub(super) struct Cache {
    folder: PathBuf,
}

impl Cache {
    pub fn under(folder: &Path) -> Self {
        Self { folder: folder.join("directory") }
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The copy, where there is a usable one.
    pub fn load(&self, network: &str, url: &Url) -> Option<Kept> {
        let path = self.path(network, url);
        let read = |path: &Path| super::regular(path, super::MOST_BYTES).ok();
        let label: Label = serde_json::from_slice(&read(&path.with_extension("label"))?).ok()?;
        let text = String::from_utf8(read(&path)?).ok()?;
        super::unusable(&text).is_none().then_some(Kept { text, fetched_at: label.fetched_at, etag: label.etag })
    }

    /// Puts a copy in place of the one before. The label comes last: between the two a newer copy has an older label,
    /// which costs a fetch and misleads nobody.
    pub fn store(&self, network: &str, url: &Url, kept: &Kept) -> io::Result<()> {
        let path = self.path(network, url);
        let label = Label { fetched_at: kept.fetched_at, etag: kept.etag.clone() };
        private_folder(&self.folder)?;
        replace(&path, kept.text.as_bytes())?;
        replace(&path.with_extension("label"), &serde_json::to_vec(&label)?)
    }

    /// `<network>-<hash of the URL>.json`: the URL may hold a key, so only its hash is seen.
    fn path(&self, network: &str, url: &Url) -> PathBuf {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' };
        let network: String = network.chars().take(64).map(plain).collect();
        let hash = hex(&keccak256(url.as_str().as_bytes())[..8]);
        self.folder.join(format!("{network}-{}.json", &hash[2..]))
    }
}
