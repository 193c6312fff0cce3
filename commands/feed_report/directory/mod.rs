//! The public reference-data directory: which feeds there are, and what is promised of each.

use regex::Regex;

use crate::fault::{Fault, Kind};
use crate::text::{closeness, excerpt, is_separator};
use crate::units;
use crate::value::H160;

mod read;

/// One feed of the directory. Every field may be missing: a missing one is unknown, not well.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Entry {
    /// Its name (`ETH / USD`), trimmed and cleaned; its asset, path or address where it has none.
    pub name: String,
    /// Its path (`eth-usd`).
    pub path: Option<String>,
    /// The proxy consumers read.
    pub proxy: Option<H160>,
    /// The proxy of the SVR feed beside it.
    pub secondary_proxy: Option<H160>,
    /// The aggregator the directory believes to be behind the proxy.
    pub aggregator: Option<H160>,
    /// Decimals of the answer.
    pub decimals: Option<u64>,
    /// Seconds within which a new round is promised.
    pub heartbeat: Option<u64>,
    /// Deviation that triggers a round, percent.
    pub threshold: Option<f64>,
    /// When the feed is shut down, as published; it is then stale on purpose.
    pub shutdown: Option<String>,
}

impl Entry {
    /// The contract to ask about it: its proxy, or the aggregator where it has none.
    pub fn address(&self) -> Option<H160> {
        self.proxy.or(self.aggregator)
    }

    /// What it is asked for by: its path, or its name.
    pub fn key(&self) -> &str {
        self.path.as_deref().unwrap_or(&self.name)
    }

    fn label(&self) -> String {
        match &self.path {
            Some(path) if *path != self.name => format!("{} (`{path}`)", self.name),
            _ => self.name.clone(),
        }
    }
}

/// The feeds published for one network.
#[derive(Clone, Debug, PartialEq, Default)]
pub struct Directory {
    /// The feeds, in the order published.
    pub entries: Vec<Entry>,
    /// What could not be read of single entries, each with its place; the first twenty, then how many more.
    pub notes: Vec<String>,
}

/// Why a name leads to no feed.
#[derive(Debug)]
pub(super) enum Miss<'a> {
    /// No entry has it.
    Unknown,
    /// Several feeds have it.
    Several(Vec<&'a Entry>),
    /// The entry that has it says no address.
    NoAddress(&'a Entry),
}

impl Directory {
    /// Reads the published JSON list. A field of the wrong type is missing and noted, not a failure of the whole; a
    /// fault (kind [`Kind::BadAnswer`]) names line and column.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        read::directory(text)
    }

    /// The feed with this proxy, or secondary proxy, or aggregator, in this order.
    pub fn by_address(&self, address: H160) -> Option<&Entry> {
        let has = |field: fn(&Entry) -> Option<H160>| self.entries.iter().find(|entry| field(entry) == Some(address));
        has(|entry| entry.proxy)
            .or_else(|| has(|entry| entry.secondary_proxy))
            .or_else(|| has(|entry| entry.aggregator))
    }

    /// The one feed called `name`, which has an address. Case and what stands between the words do not matter
    /// (`ETH / USD`, `eth-usd`, `ETH_USD`); a path goes before a name. A fault is of kind [`Kind::Usage`].
    pub fn by_name(&self, name: &str) -> Result<&Entry, Fault> {
        self.find(name).map_err(|miss| self.fault(name, miss))
    }

    /// As [`Self::by_name`], without composing the fault.
    pub(super) fn find(&self, name: &str) -> Result<&Entry, Miss<'_>> {
        let exact = |entry: &&Entry| entry.path.as_deref() == Some(name.trim());
        let path = |entry: &&Entry| entry.path.as_deref().is_some_and(|path| same_name(path, name));
        let called = |entry: &&Entry| same_name(&entry.name, name);
        let mut hits: Vec<&Entry> = self.entries.iter().filter(exact).collect();
        if hits.is_empty() {
            hits = self.entries.iter().filter(path).collect();
        }
        if hits.is_empty() {
            hits = self.entries.iter().filter(called).collect();
        }
        let first = *hits.first().ok_or(Miss::Unknown)?;
        hits.retain(|entry| entry.address().is_some());
        let Some(chosen) = hits.first() else { return Err(Miss::NoAddress(first)) };
        if hits.iter().all(|entry| entry.address() == chosen.address()) { Ok(chosen) } else { Err(Miss::Several(hits)) }
    }

    fn fault(&self, name: &str, miss: Miss<'_>) -> Fault {
        let shown = excerpt(name, 80);
        match miss {
            Miss::Unknown => {
                let fault = Fault::new(Kind::Usage, format!("no feed `{shown}` in the directory"));
                let near = self.nearest(name, 3);
                if near.is_empty() {
                    return fault.hint("give its address, or look for its name with --match");
                }
                let near: Vec<String> = near.into_iter().map(Entry::label).collect();
                fault.hint(format!("did you mean {}?", near.join(", ")))
            }
            Miss::Several(entries) => {
                let mut fault = Fault::new(Kind::Usage, format!("`{shown}` names {} feeds", entries.len()))
                    .hint("give the path or the address of the one you mean");
                for entry in entries.iter().take(8) {
                    let address = entry.address().map(units::address).unwrap_or_default();
                    fault = fault.because(format!("{} at {address}", entry.label()));
                }
                fault
            }
            Miss::NoAddress(entry) => {
                Fault::new(Kind::Usage, format!("the directory has `{shown}` without an address: {}", entry.label()))
                    .hint("give its address")
            }
        }
    }

    /// The `most` feeds whose path or name is nearest to `name`, of those near enough to have been meant.
    pub fn nearest(&self, name: &str, most: usize) -> Vec<&Entry> {
        let score = |entry: &Entry| {
            let path = entry.path.as_deref().and_then(|path| closeness(name, path));
            path.into_iter().chain(closeness(name, &entry.name)).reduce(f64::max)
        };
        let mut near: Vec<(f64, &Entry)> =
            self.entries.iter().filter_map(|entry| Some((score(entry)?, entry))).collect();
        near.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.key().cmp(b.1.key())));
        near.dedup_by(|a, b| a.1.label() == b.1.label());
        near.into_iter().take(most).map(|(_, entry)| entry).collect()
    }

    /// The feeds whose name or path matches.
    pub fn matching(&self, pattern: &Regex) -> Vec<&Entry> {
        let hit = |entry: &&Entry| {
            pattern.is_match(&entry.name) || entry.path.as_deref().is_some_and(|path| pattern.is_match(path))
        };
        self.entries.iter().filter(hit).collect()
    }

    /// What `prefix` may become, sorted: the path (or name) of each feed whose path or name begins like it, and a
    /// line of help. Case and what stands between the words do not matter.
    pub fn completions(&self, prefix: &str) -> Vec<(String, String)> {
        let begins = |text: &str| {
            let mut text = normal(text);
            normal(prefix).all(|c| text.next() == Some(c))
        };
        let mut all: Vec<(String, String)> = self
            .entries
            .iter()
            .filter(|entry| entry.address().is_some() && (begins(entry.key()) || begins(&entry.name)))
            .map(|entry| (entry.key().to_owned(), help(entry)))
            .collect();
        all.sort();
        all.dedup_by(|a, b| a.0 == b.0);
        all
    }
}

fn help(entry: &Entry) -> String {
    let heartbeat = entry.heartbeat.map(|seconds| format!("every {}", units::duration(seconds)));
    let threshold = entry.threshold.map(|percent| format!("{percent} %"));
    let shutdown = entry.shutdown.as_ref().map(|_| "shut down".to_owned());
    let parts: Vec<String> = [Some(entry.name.clone()), heartbeat, threshold, shutdown].into_iter().flatten().collect();
    parts.join(" · ")
}

/// Whether two names are the same but for case and what stands between their words.
fn same_name(a: &str, b: &str) -> bool {
    normal(a).eq(normal(b))
}

/// A name in lower case with one `-` between its words.
fn normal(text: &str) -> impl Iterator<Item = char> {
    let words = text.split(is_separator).filter(|word| !word.is_empty());
    words
        .enumerate()
        .flat_map(|(at, word)| (at > 0).then_some('-').into_iter().chain(word.chars().flat_map(char::to_lowercase)))
}

#[cfg(test)]
mod tests;
