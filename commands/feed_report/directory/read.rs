//! Reading the directory's JSON: strict about the list, lenient about what stands in an entry.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::error::Category;

use super::{Directory, Entry};
use crate::fault::{Fault, Kind};
use crate::loose::{self, FromAny, Loose};
use crate::text::excerpt;
use crate::units;
use crate::value::{H160, lenient_address};

/// Most entries that are kept; the largest list published has about 1,500.
const MAX_ENTRIES: usize = 50_000;
/// Most notes that are kept.
const MAX_NOTES: usize = 20;
/// Longest name that is kept, characters.
const LONGEST: usize = 200;

pub(super) fn directory(text: &str) -> Result<Directory, Fault> {
    let text = text.trim_start_matches('\u{feff}');
    let begin = text.trim_start();
    let bad = |message: String| Fault::new(Kind::BadAnswer, message);
    if !begin.starts_with('[') {
        let what = match begin.chars().next() {
            None => "it is empty".to_owned(),
            Some('<') => format!("it is a web page: `{}`", excerpt(begin, 60)),
            Some('{') => "it is an object".to_owned(),
            Some(_) => format!("it begins with `{}`", excerpt(begin, 60)),
        };
        return Err(bad("the feed directory is no JSON list of feeds".to_owned())
            .because(what)
            .hint("--directory takes the reference-data JSON (`feeds-mainnet.json`), as a file or a URL"));
    }
    serde_json::from_str(text).map_err(|error| {
        let why = error.to_string();
        let why = why.rsplit_once(" at line ").map_or(why.as_str(), |(why, _)| why);
        let fault = bad(format!("the feed directory is broken at line {}, column {}", error.line(), error.column()))
            .because(excerpt(why, 200));
        match error.classify() {
            Category::Eof => fault.hint("it ends before it is complete: fetch it again"),
            _ => fault.hint("correct it there, or fetch it again"),
        }
    })
}

impl<'de> Deserialize<'de> for Directory {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_seq(List)
    }
}

struct List;

impl<'de> Visitor<'de> for List {
    type Value = Directory;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of feeds")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Directory, A::Error> {
        let mut entries = Vec::new();
        let mut notes = Notes::default();
        let mut index = 0;
        while let Some(item) = seq.next_element::<Item>()? {
            notes.entry = index;
            match item {
                Item::Fields(fields) => entries.extend(fields.into_entry(&mut notes)),
                Item::Other(kind) => notes.add(&format!("is {kind}, not an object")),
            }
            if entries.len() > MAX_ENTRIES {
                return Err(A::Error::custom("more than 50,000 feeds"));
            }
            index += 1;
        }
        Ok(Directory { entries, notes: notes.all() })
    }
}

/// What is to be said about entries.
#[derive(Default)]
struct Notes {
    entry: usize,
    kept: Vec<String>,
    more: usize,
}

impl Notes {
    fn add(&mut self, what: &str) {
        if self.kept.len() < MAX_NOTES {
            self.kept.push(format!("entry {} {what}", self.entry + 1));
        } else {
            self.more += 1;
        }
    }

    /// Notes a field of the wrong type, which is missing then.
    fn wrong<T>(&mut self, field: &str, wanted: &str, got: &Loose<'_>) -> Option<T> {
        let shown = match got {
            Loose::Text(text) => format!("`{}`", excerpt(text, 60)),
            Loose::Whole(number) => number.to_string(),
            Loose::Number(number) => number.to_string(),
            other => other.kind().to_owned(),
        };
        self.add(&format!("(`{field}`): {shown} is not {wanted}"));
        None
    }

    fn all(mut self) -> Vec<String> {
        if self.more > 0 {
            self.kept.push(format!("and {} more", self.more));
        }
        self.kept
    }
}

enum Item<'a> {
    Fields(Box<Fields<'a>>),
    Other(&'static str),
}

/// The fields of one entry as they came.
#[derive(Default)]
struct Fields<'a> {
    name: Loose<'a>,
    asset_name: Loose<'a>,
    path: Loose<'a>,
    proxy: Loose<'a>,
    secondary: Loose<'a>,
    aggregator: Loose<'a>,
    decimals: Loose<'a>,
    decimal_places: Loose<'a>,
    heartbeat: Loose<'a>,
    threshold: Loose<'a>,
    shutdown: Loose<'a>,
}

impl<'de> Deserialize<'de> for Item<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::any(deserializer)
    }
}

impl<'de> FromAny<'de> for Item<'de> {
    fn scalar(value: Loose<'de>) -> Self {
        Self::Other(value.kind())
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut fields = Fields::default();
        while let Some(key) = map.next_key::<Loose>()? {
            let Loose::Text(key) = key else { continue };
            let field = match &*key {
                "name" => &mut fields.name,
                "assetName" => &mut fields.asset_name,
                "path" => &mut fields.path,
                "proxyAddress" => &mut fields.proxy,
                "secondaryProxyAddress" => &mut fields.secondary,
                "contractAddress" => &mut fields.aggregator,
                "decimals" => &mut fields.decimals,
                "decimalPlaces" => &mut fields.decimal_places,
                "heartbeat" => &mut fields.heartbeat,
                "threshold" => &mut fields.threshold,
                "docs" => {
                    fields.shutdown = map.next_value::<Docs>()?.shutdown;
                    continue;
                }
                _ => {
                    map.next_value::<IgnoredAny>()?;
                    continue;
                }
            };
            *field = map.next_value()?;
        }
        Ok(Self::Fields(Box::new(fields)))
    }
}

/// The one field of `docs` that matters here.
struct Docs<'a> {
    shutdown: Loose<'a>,
}

impl<'de> Deserialize<'de> for Docs<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::any(deserializer)
    }
}

impl<'de> FromAny<'de> for Docs<'de> {
    fn scalar(_: Loose<'de>) -> Self {
        Self { shutdown: Loose::Null }
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut shutdown = Loose::Null;
        while let Some(key) = map.next_key::<Loose>()? {
            if matches!(&key, Loose::Text(key) if key == "shutdownDate") {
                shutdown = map.next_value()?;
            } else {
                map.next_value::<IgnoredAny>()?;
            }
        }
        Ok(Self { shutdown })
    }
}

impl Fields<'_> {
    /// The entry; `None` where nothing in it names a feed.
    fn into_entry(self, notes: &mut Notes) -> Option<Entry> {
        let name = text(self.name, "name", notes);
        let asset = text(self.asset_name, "assetName", notes);
        let path = text(self.path, "path", notes);
        let proxy = address(&self.proxy, "proxyAddress", notes);
        let aggregator = address(&self.aggregator, "contractAddress", notes);
        let Some(name) =
            name.or(asset).or_else(|| path.clone()).or_else(|| proxy.or(aggregator).map(units::short_address))
        else {
            notes.add("has neither a name nor an address: left out");
            return None;
        };
        // `decimals` first: `decimalPlaces` is also used for how many are displayed.
        let decimals = whole(&self.decimals, "decimals", 77, notes);
        Some(Entry {
            path,
            proxy,
            secondary_proxy: address(&self.secondary, "secondaryProxyAddress", notes),
            aggregator,
            decimals: decimals.or_else(|| whole(&self.decimal_places, "decimalPlaces", 77, notes)),
            heartbeat: whole(&self.heartbeat, "heartbeat", u64::MAX, notes).filter(|seconds| *seconds > 0),
            threshold: number(&self.threshold, "threshold", notes).filter(|percent| *percent > 0.0),
            shutdown: text(self.shutdown, "docs.shutdownDate", notes),
            name,
        })
    }
}

/// Cleaned text; blank is none.
fn text(value: Loose<'_>, field: &str, notes: &mut Notes) -> Option<String> {
    match value {
        Loose::Text(text) => Some(excerpt(&text, LONGEST)).filter(|text| !text.is_empty()),
        Loose::Null => None,
        other => notes.wrong(field, "text", &other),
    }
}

/// An address in any case; blank and the zero address are none.
fn address(value: &Loose<'_>, field: &str, notes: &mut Notes) -> Option<H160> {
    match value {
        Loose::Null => None,
        Loose::Text(text) if text.trim().is_empty() => None,
        Loose::Text(text) => match lenient_address(text.trim()) {
            Some(address) => Some(address).filter(|address| !address.is_zero()),
            None => notes.wrong(field, "an address", value),
        },
        other => notes.wrong(field, "an address", other),
    }
}

/// A number of zero or more, also where it is written as text.
fn number(value: &Loose<'_>, field: &str, notes: &mut Notes) -> Option<f64> {
    let number = match value {
        Loose::Null => return None,
        Loose::Text(text) if text.trim().is_empty() => return None,
        Loose::Text(text) => text.trim().trim_end_matches('%').trim_end().parse().ok(),
        Loose::Whole(number) => Some(*number as f64),
        Loose::Number(number) => Some(*number),
        Loose::Truth(_) | Loose::Nested(_) => None,
    };
    let number = number.filter(|number| number.is_finite() && *number >= 0.0);
    if number.is_none() {
        return notes.wrong(field, "a number", value);
    }
    number
}

/// A whole number of at most `most`, also where it is written as text or with a fraction of zero.
fn whole(value: &Loose<'_>, field: &str, most: u64, notes: &mut Notes) -> Option<u64> {
    let whole = match value {
        Loose::Null => return None,
        Loose::Text(text) if text.trim().is_empty() => return None,
        Loose::Text(text) => text.trim().parse().ok(),
        Loose::Whole(number) => Some(*number),
        Loose::Number(number) => format!("{number}").parse().ok(),
        Loose::Truth(_) | Loose::Nested(_) => None,
    };
    let whole = whole.filter(|number| *number <= most);
    if whole.is_none() {
        return notes.wrong(field, "a whole number in range", value);
    }
    whole
}
