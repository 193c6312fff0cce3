//! Recordings: what a run read, in one file, so that it can be looked at again with no network.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use ira_commands::ports::{DirectoryText, FeedDirectory, Network, VrfSettings};
use ira_commands::text::without_urls;
use ira_commands::value::H160;
use ira_commands::words::Address;
use ira_commands::{Fault, Invocation, Kind, units};
use serde_json::{Value as Json, json};

use crate::clients::chain::{About, Chain, KnownNetwork, Recorder, Recording};
use crate::clients::directory::Directory;
use crate::input;

/// Names of the texts that a recording holds beside the chain's answers.
const DIRECTORY: &str = "directory";
const NETWORK: &str = "network";

/// The longest recording that is written and read, bytes: a report of a hundred feeds is 5 MB.
const MOST_BYTES: usize = 512 << 20;

/// Reads the recording in `path`.
pub fn read(path: &Path) -> Result<Recording, Fault> {
    let text = input::text(path, "the recording", MOST_BYTES)?;
    Recording::parse(&text).map_err(|fault| fault.wrap(format!("cannot replay {}", path.display())))
}

/// Writes a recording when its run has ended.
pub struct Keeper {
    file: Replacement,
    recorder: Arc<Recorder>,
    directory: Arc<RecordedDirectory>,
    chain: Arc<Chain>,
    about: About,
}

impl Keeper {
    /// Of a run that began at `recorded_at` (unix seconds), to `path`. That nothing can be written there is said at once,
    /// and not when the run has ended.
    pub fn new(
        path: &Path,
        recorder: Arc<Recorder>,
        directory: Arc<RecordedDirectory>,
        chain: Arc<Chain>,
        about: About,
    ) -> Result<Self, Fault> {
        let file = Replacement::begin(path)?;
        Ok(Self { file, recorder, directory, chain, about })
    }

    /// Writes what was heard, in place of what is there. `asked` is the command as it could be typed.
    pub fn write(self, asked: String) -> Result<(), Fault> {
        let mut attachments = BTreeMap::new();
        if let Some(network) = self.chain.network() {
            attachments.insert(NETWORK.to_owned(), described(&network).to_string());
        }
        if let Some(text) = self.directory.text() {
            attachments.insert(DIRECTORY.to_owned(), text);
        }
        let text = self.recorder.finish(&About { asked, ..self.about }, &attachments)?;
        if text.len() > MOST_BYTES {
            let what = format!(
                "the recording would be {} MB, and none over {} MB is read",
                text.len() >> 20,
                MOST_BYTES >> 20
            );
            return Err(Fault::new(Kind::Failed, what).hint("record fewer feeds, or a smaller --window"));
        }
        self.file.finish(text.as_bytes())
    }
}

/// A file that takes another one's place when it is whole: a recording is evidence, and half of one is none.
struct Replacement {
    path: PathBuf,
    beside: PathBuf,
    file: File,
}

impl Replacement {
    fn begin(path: &Path) -> Result<Self, Fault> {
        let cannot = |why: String| {
            Fault::new(Kind::Usage, format!("cannot write the recording {}", without_urls(&path.display().to_string())))
                .because(why)
                .hint("name a new file, or an older recording, in a folder that can be written to")
        };
        // A link is followed: what it leads to is replaced, and not the link (as root, /dev/stdout is one).
        let target = if path == Path::new("-") {
            return Err(cannot("stdout is for the report".to_owned()));
        } else if path.symlink_metadata().is_ok() {
            let target = std::fs::canonicalize(path).map_err(|error| cannot(error.to_string()))?;
            if !is_recording(&target).map_err(|error| cannot(error.to_string()))? {
                return Err(cannot("something else is there, and it would be lost".to_owned()));
            }
            target
        } else {
            path.to_owned()
        };
        let name = target.file_name().ok_or_else(|| cannot("it names no file".to_owned()))?;
        let beside = target.with_file_name(format!(".{}.{:016x}.tmp", name.to_string_lossy(), rand::random::<u64>()));
        let file = File::create_new(&beside).map_err(|error| cannot(error.to_string()))?;
        Ok(Self { path: target, beside, file })
    }

    fn finish(mut self, bytes: &[u8]) -> Result<(), Fault> {
        let written = self.file.write_all(bytes).and_then(|()| self.file.sync_all());
        written.and_then(|()| std::fs::rename(&self.beside, &self.path)).map_err(|error| {
            Fault::new(Kind::Failed, format!("cannot write the recording {}", self.path.display()))
                .because(error.to_string())
                .hint("is the disk full? what is at that place is as it was before")
        })
    }
}

impl Drop for Replacement {
    fn drop(&mut self) {
        // Gone already where it took its place.
        let _gone = std::fs::remove_file(&self.beside);
    }
}

/// Whether what is at `path` may be replaced: an older recording, or an empty file.
fn is_recording(path: &Path) -> std::io::Result<bool> {
    const BEGIN: &str = r#"{"ira_recording""#;
    if !path.metadata()?.is_file() {
        return Ok(false);
    }
    let mut begin = String::new();
    let read = File::open(path)?.take(BEGIN.len() as u64).read_to_string(&mut begin);
    Ok(read.is_ok() && (begin.is_empty() || begin == BEGIN))
}

/// A command as it could be typed, without the alerts that it was given.
pub fn asked(invocation: &Invocation) -> String {
    let with = invocation.with();
    let quoted = |word: &str| {
        let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:,=".contains(c);
        let word = without_urls(word);
        if word.chars().all(plain) { word } else { format!("'{word}'") }
    };
    let mut words = vec!["ira".to_owned(), invocation.name().to_owned()];
    for (name, value) in with.as_object().into_iter().flatten() {
        match (name.as_str(), value) {
            ("alerts", Json::Array(alerts)) if !alerts.is_empty() => words.push("--alert -".to_owned()),
            ("senders", Json::Array(all)) => {
                words.extend(all.iter().filter_map(Json::as_str).map(|one| format!("--sender {}", quoted(one))));
            }
            ("feeds", Json::Array(feeds)) => words.extend(feeds.iter().filter_map(Json::as_str).map(quoted)),
            (name, Json::Bool(true)) => words.push(format!("--{name}")),
            (name, Json::String(text)) => words.push(format!("--{name} {}", quoted(text))),
            (name, Json::Number(number)) => words.push(format!("--{name} {number}")),
            _ => {}
        }
    }
    words.join(" ")
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
        "signer": address(network.signer),
        "vrf": {
            "coordinators": network.vrf.coordinators.iter().copied().map(units::address).collect::<Vec<_>>(),
            "fund": network.vrf.fund.iter().map(ToString::to_string).collect::<Vec<_>>(),
        },
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
            signer: address("signer"),
            vrf: VrfSettings {
                coordinators: all::<Address>(&json["vrf"]["coordinators"]).into_iter().map(|one| one.0).collect(),
                fund: all(&json["vrf"]["fund"]),
            },
        },
        multicall3: address("multicall3"),
    }))
}

/// The texts of a list that can be read; older recordings have none.
fn all<T: FromStr>(list: &Json) -> Vec<T> {
    let texts = list.as_array().into_iter().flatten().filter_map(Json::as_str);
    texts.filter_map(|text| text.parse().ok()).collect()
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_but_an_older_recording_is_replaced_and_what_is_there_stays_until_the_new_one_is_whole() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let names = || std::fs::read_dir(folder.path()).expect("read").count();
        std::fs::write(at("notes"), "precious").expect("written");
        std::os::unix::fs::symlink(at("nowhere"), at("dangling")).expect("a link");
        std::os::unix::fs::symlink("/dev/null", at("device")).expect("a link");
        for path in
            [at("notes"), at("dangling"), at("device"), at("none/x"), folder.path().to_owned(), "-".into(), "..".into()]
        {
            let fault = Replacement::begin(&path).err().unwrap_or_else(|| panic!("{} is taken", path.display()));
            assert!(fault.kind == Kind::Usage && fault.hint.is_some(), "{fault:?}");
        }
        assert_eq!((std::fs::read_to_string(at("notes")).expect("there"), names()), ("precious".to_owned(), 3));

        std::fs::write(at("old"), "{\"ira_recording\":1}").expect("written");
        std::os::unix::fs::symlink(at("old"), at("link")).expect("a link");
        let (one, other) =
            (Replacement::begin(&at("link")).expect("taken"), Replacement::begin(&at("old")).expect("taken"));
        drop(other);
        assert_eq!(std::fs::read_to_string(at("old")).expect("there"), "{\"ira_recording\":1}");
        one.finish(b"new").expect("written");
        assert_eq!(std::fs::read_to_string(at("old")).expect("there"), "new");
        assert!(at("link").symlink_metadata().expect("there").is_symlink());
        assert_eq!(names(), 5, "nothing is left lying about");
    }

    #[test]
    fn a_command_is_kept_as_it_could_be_typed_without_urls_and_alerts() {
        let args = ira_commands::feed_report::Args {
            feeds: vec!["ETH / USD".to_owned(), "https://h/CANARY".to_owned()],
            window: Some(700),
            strict: true,
            alerts: vec![ira_commands::alert::Alert::default()],
            ..Default::default()
        };
        assert_eq!(
            asked(&Invocation::FeedReport(args)),
            "ira feed-report 'ETH / USD' '…' --window 700 --strict --alert -"
        );
    }
}
