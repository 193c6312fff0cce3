//! Recordings: what a run read, in one file, so that it can be looked at again with no network.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ira_commands::ports::{ChainRead as _, DirectoryText, FeedDirectory, Network};
use ira_commands::value::H160;
use ira_commands::{Fault, Kind, units};
use serde_json::{Value as Json, json};

use crate::clients::chain::{Chain, KnownNetwork, Recorder, Recording};
use crate::clients::directory::Directory;
use crate::input;

/// Names of the texts that a recording holds beside the chain's answers.
const DIRECTORY: &str = "directory";
const NETWORK: &str = "network";

/// Reads the recording in `path`.
pub fn read(path: &Path) -> Result<Recording, Fault> {
    let text = input::text(path, "the recording")?;
    Recording::parse(&text).map_err(|fault| fault.wrap(format!("cannot replay {}", path.display())))
}

/// Writes a recording when its run has ended.
pub struct Keeper {
    path: PathBuf,
    recorder: Arc<Recorder>,
    directory: Arc<RecordedDirectory>,
    chain: Arc<Chain>,
    begun_at: u64,
}

impl Keeper {
    /// Of a run that began at `begun_at` (unix seconds), to `path`.
    pub fn new(
        path: &Path,
        recorder: Arc<Recorder>,
        directory: Arc<RecordedDirectory>,
        chain: Arc<Chain>,
        begun_at: u64,
    ) -> Self {
        Self { path: path.to_owned(), recorder, directory, chain, begun_at }
    }

    /// Writes what was heard so far, in place of what is there.
    pub fn write(&self) -> Result<(), Fault> {
        let mut attachments = BTreeMap::new();
        if let Some(network) = self.chain.network() {
            attachments.insert(NETWORK.to_owned(), described(&network).to_string());
        }
        if let Some(text) = self.directory.text() {
            attachments.insert(DIRECTORY.to_owned(), text);
        }
        let text = self.recorder.finish(self.begun_at, self.chain.endpoints(), &attachments)?;
        // Written beside it and renamed: a recording is evidence, and half of one is none.
        let partial = self.path.with_extension("partial");
        std::fs::write(&partial, text).and_then(|()| std::fs::rename(&partial, &self.path)).map_err(|error| {
            Fault::new(Kind::Failed, format!("cannot write the recording {}", self.path.display()))
                .because(error.to_string())
                .hint("name a file in a folder that can be written to")
        })
    }
}

/// What the run knew of the network without asking it.
fn described(known: &KnownNetwork) -> Json {
    let network = &known.network;
    let address = |address: Option<H160>| address.map(units::address);
    json!({
        "name": network.name,
        "chain_id": network.chain_id,
        "native": network.native,
        "block_time": network.block_time,
        "link": address(network.link),
        "sequencer": address(network.sequencer),
        "explorer": network.explorer,
        "multicall3": address(known.multicall3),
    })
}

/// The network that a recording is of; `None` in one that was broken off before it was known.
pub fn network(recording: &Recording) -> Result<Option<KnownNetwork>, Fault> {
    let Some(text) = recording.attachments().get(NETWORK) else { return Ok(None) };
    let broken =
        |why: String| Fault::new(Kind::Usage, "the recording does not say which network it is of").because(why);
    let json: Json = serde_json::from_str(text).map_err(|error| broken(error.to_string()))?;
    let text = |key: &str| json[key].as_str().map(str::to_owned);
    let address = |key: &str| text(key).and_then(|address| address.parse::<H160>().ok());
    let chain_id = json["chain_id"].as_u64().ok_or_else(|| broken("it has no chain_id".to_owned()))?;
    Ok(Some(KnownNetwork {
        network: Network {
            name: text("name").unwrap_or_else(|| format!("chain-{chain_id}")),
            chain_id,
            native: text("native").unwrap_or_default(),
            block_time: json["block_time"].as_f64(),
            link: address("link"),
            sequencer: address("sequencer"),
            explorer: text("explorer"),
        },
        multicall3: address("multicall3"),
    }))
}

/// A directory that is listened to.
pub struct RecordedDirectory {
    inner: Arc<Directory>,
    heard: Mutex<Option<String>>,
}

impl RecordedDirectory {
    /// Listens to `inner`.
    pub fn new(inner: Arc<Directory>) -> Self {
        Self { inner, heard: Mutex::new(None) }
    }

    fn text(&self) -> Option<String> {
        self.heard.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

#[async_trait]
impl FeedDirectory for RecordedDirectory {
    async fn directory(&self, network: &Network) -> Result<Option<DirectoryText>, Fault> {
        let read = self.inner.directory(network).await?;
        *self.heard.lock().unwrap_or_else(PoisonError::into_inner) = read.as_ref().map(|read| read.text.clone());
        Ok(read)
    }
}

/// The directory of a recording.
pub struct ReplayedDirectory(Option<String>);

impl ReplayedDirectory {
    /// As it was read then.
    pub fn of(recording: &Recording) -> Self {
        Self(recording.attachments().get(DIRECTORY).cloned())
    }
}

#[async_trait]
impl FeedDirectory for ReplayedDirectory {
    async fn directory(&self, _network: &Network) -> Result<Option<DirectoryText>, Fault> {
        let source = "the recording".to_owned();
        Ok(self.0.clone().map(|text| DirectoryText { text, source, age_seconds: None, warning: None }))
    }
}
