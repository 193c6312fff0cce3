//! The published feeds of a network: from a file, or from a URL with a copy kept.

use std::fs::File;
use std::io::Read as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use ira_commands::feed_report;
use ira_commands::ports::{Clock, DirectoryText, FeedDirectory, Network};
use ira_commands::units::duration;
use ira_commands::{Fault, Kind};
use reqwest::Url;
use serde::de::IgnoredAny;

use crate::config::url::shown_document;
use crate::config::{Config, DirectorySource};

mod cache;
mod fetch;
#[cfg(test)]
mod tests;

use cache::{Cache, Kept};
use fetch::Answer;

/// The largest directory that is read, bytes: ten times what the longest published one holds.
const MOST_BYTES: usize = 64 * 1024 * 1024;

/// A copy younger than this is used without asking, seconds.
const FRESH_SECONDS: u64 = 3_600;

/// How long a fetch may take in all.
const TIMEOUT: Duration = Duration::from_secs(10);

/// The feed directories that the configuration names.
pub struct Directory {
    config: Arc<Config>,
    cache: Option<Cache>,
    clock: Arc<dyn Clock>,
    timeout: Duration,
    most_bytes: usize,
}

impl Directory {
    /// Copies are kept under `cache` (as `directory/<network>-<hash of the URL>.json`), where one is given.
    pub fn new(config: Arc<Config>, cache: Option<&Path>, clock: Arc<dyn Clock>) -> Self {
        let cache = cache.map(Cache::under);
        Self { config, cache, clock, timeout: TIMEOUT, most_bytes: MOST_BYTES }
    }

    /// What can be had without asking the network, of whatever age: for shell completion. `network` is its proper
    /// name.
    pub fn cached_only(&self, network: &str) -> Option<DirectoryText> {
        match self.config.directory(network)? {
            DirectorySource::File(path) => self.read(path).ok(),
            DirectorySource::Url(url) => {
                let kept = self.cache.as_ref()?.load(network, url)?;
                Some(self.kept(url, kept, None))
            }
        }
    }

    fn read(&self, path: &Path) -> Result<DirectoryText, Fault> {
        let shown = path.display().to_string();
        let fault =
            |kind, why: String| Fault::new(kind, format!("cannot read the feed directory {shown}")).because(why);
        let bytes = regular(path, self.most_bytes).map_err(|(kind, why)| fault(kind, why))?;
        let text = String::from_utf8(bytes).map_err(|_| fault(Kind::BadAnswer, "it is not UTF-8".to_owned()))?;
        // A command quotes how a text begins that is no list; a file that a stranger's project names may be a secret.
        if !text.trim_start_matches('\u{feff}').trim_start().starts_with('[') {
            return Err(fault(Kind::BadAnswer, "it is no JSON list of feeds".to_owned()));
        }
        Ok(DirectoryText { text, source: shown, age_seconds: None, warning: None })
    }

    fn kept(&self, url: &Url, kept: Kept, warning: Option<String>) -> DirectoryText {
        let age_seconds = Some(self.age(&kept));
        DirectoryText { text: kept.text, source: shown_document(url), age_seconds, warning }
    }

    fn age(&self, kept: &Kept) -> u64 {
        self.clock.now().saturating_sub(kept.fetched_at)
    }

    async fn fetched(&self, network: &str, url: &Url) -> Result<DirectoryText, Fault> {
        let now = self.clock.now();
        let mut kept = self.cache.as_ref().and_then(|cache| cache.load(network, url));
        // A copy from the future tells of a clock that was set back: its age is not known.
        if let Some(kept) = kept.take_if(|kept| kept.fetched_at <= now && now - kept.fetched_at < FRESH_SECONDS) {
            return Ok(self.kept(url, kept, None));
        }
        let etag = kept.as_ref().and_then(|kept| kept.etag.as_deref());
        match (fetch::get(url, etag, self.timeout, self.most_bytes).await, kept) {
            (Ok(Answer::Whole { text, etag }), _) => {
                self.keep(network, url, &Kept { text: text.clone(), fetched_at: now, etag });
                Ok(DirectoryText { text, source: shown_document(url), age_seconds: None, warning: None })
            }
            (Ok(Answer::Unchanged), Some(kept)) => {
                let kept = Kept { fetched_at: now, ..kept };
                self.keep(network, url, &kept);
                Ok(self.kept(url, kept, None))
            }
            (Ok(Answer::Unchanged), None) => Err(unreachable(
                url,
                Fault::new(Kind::BadAnswer, "it says that a copy is still good, and there is none"),
            )),
            (Err(fault), Some(kept)) => {
                let age = duration(self.age(&kept));
                let shown = shown_document(url);
                let why = format!("the feed directory {shown} is not fresh: {fault}; using the copy fetched {age} ago");
                Ok(self.kept(url, kept, Some(why)))
            }
            (Err(fault), None) => Err(unreachable(url, fault)),
        }
    }

    /// Keeps a copy. That it could not be kept costs the next run a fetch, and is nothing to trouble anybody with.
    fn keep(&self, network: &str, url: &Url, kept: &Kept) {
        if let Some(cache) = &self.cache
            && let Err(error) = cache.store(network, url, kept)
        {
            tracing::debug!(folder = %cache.folder().display(), %error, "the feed directory could not be kept");
        }
    }
}

fn unreachable(url: &Url, fault: Fault) -> Fault {
    let message = format!("the feed directory {} cannot be had", shown_document(url));
    fault.wrap(message).hint("there is no copy of it yet; --directory FILE takes one from elsewhere")
}

#[async_trait]
impl FeedDirectory for Directory {
    async fn directory(&self, network: &Network) -> Result<Option<DirectoryText>, Fault> {
        match self.config.directory(&network.name) {
            None => Ok(None),
            Some(DirectorySource::File(path)) => self.read(path).map(Some),
            Some(DirectorySource::Url(url)) => self.fetched(&network.name, url).await.map(Some),
        }
    }
}

/// The bytes of a regular file of at most `most`; else why they cannot be had.
fn regular(path: &Path, most: usize) -> Result<Vec<u8>, (Kind, String)> {
    let failed = |error: std::io::Error| {
        let kind = if error.kind() == std::io::ErrorKind::NotFound { Kind::Missing } else { Kind::Failed };
        (kind, error.to_string())
    };
    // Asked before it is opened: opening a pipe would wait for its writer.
    if !std::fs::metadata(path).map_err(failed)?.is_file() {
        return Err((Kind::Failed, "it is not a regular file".to_owned()));
    }
    let mut bytes = Vec::new();
    File::open(path).map_err(failed)?.take(most as u64 + 1).read_to_end(&mut bytes).map_err(failed)?;
    if bytes.len() > most {
        return Err((Kind::TooLarge, format!("it is longer than {} MiB", most >> 20)));
    }
    Ok(bytes)
}

/// How many feeds a command would find in it.
fn feeds_of(text: &str) -> usize {
    feed_report::directory::Directory::parse(text).map_or(0, |listed| listed.completions("").len())
}

/// Why a text is no feed directory; `None` where it is one.
fn unusable(text: &str) -> Option<&'static str> {
    match serde_json::from_str::<Vec<IgnoredAny>>(text) {
        Ok(feeds) if feeds.is_empty() => Some("the list is empty"),
        // Kept as a copy, it would be believed for an hour.
        Ok(_) if feeds_of(text) == 0 => Some("no entry of the list is a feed with a name and a contract"),
        Ok(_) => None,
        Err(_) if text.trim_start().starts_with('<') => Some("it is a web page, not a list of feeds in JSON"),
        Err(error) if error.is_eof() => Some("the list of feeds breaks off"),
        Err(_) => Some("it is not a list of feeds in JSON"),
    }
}
