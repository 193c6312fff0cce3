//! What is kept of items before they are deleted.

use serde_json::{Map, Value as Json};

use crate::fault::{Fault, Kind};
use crate::ports::aws::{KeyKind, KeyQuery, SortBy, TableKeys};

/// Items as they were, and where: a file.
#[derive(Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Kept {
    /// Account and region.
    pub place: String,
    /// The table.
    pub table: String,
    /// The names of the parts of its key, each with the letter of its kind.
    pub key: Vec<(String, String)>,
    /// The value of the partition key.
    pub partition: String,
    /// Unix seconds.
    pub at: u64,
    /// The items, in DynamoDB's own JSON.
    pub items: Vec<Json>,
}

impl Kept {
    pub(super) fn bytes(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).unwrap_or_default()
    }

    pub(super) fn read(bytes: &[u8], name: &str) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|error| {
            Fault::new(Kind::BadAnswer, format!("{name} is no file of kept items")).because(error.to_string())
        })
    }

    pub(super) fn names(&self) -> Vec<&str> {
        self.key.iter().map(|(name, _)| name.as_str()).collect()
    }

    /// The query that finds every item of the partition.
    pub(super) fn query(&self, most: usize) -> Result<KeyQuery, Fault> {
        let kind = |letter: &str| match letter {
            "S" => Ok(KeyKind::Text),
            "N" => Ok(KeyKind::Number),
            "B" => Ok(KeyKind::Bytes),
            _ => Err(Fault::new(Kind::BadAnswer, "the kept file has a key of no kind that there is")),
        };
        let mut parts = Vec::new();
        for (name, letter) in &self.key {
            parts.push((name.clone(), kind(letter)?));
        }
        let mut parts = parts.into_iter();
        let Some(partition) = parts.next() else {
            return Err(Fault::new(Kind::BadAnswer, "the kept file has no key"));
        };
        let keys = TableKeys { status: String::new(), partition, sort: parts.next() };
        Ok(KeyQuery { table: self.table.clone(), keys, partition: self.partition.clone(), sort: None, most })
    }
}

/// The parts of the key of an item, as DynamoDB takes a key.
pub(super) fn key(item: &Json, names: &[&str]) -> Json {
    names.iter().map(|name| ((*name).to_owned(), item[*name].clone())).collect::<Map<String, Json>>().into()
}

/// Of these items those that are among others by their key.
pub(super) fn among<'a>(items: &'a [Json], others: &[Json], names: &[&str]) -> Vec<&'a Json> {
    let keys: Vec<Json> = others.iter().map(|one| key(one, names)).collect();
    items.iter().filter(|item| keys.contains(&key(item, names))).collect()
}

/// `pk=a, sk begins with 2026`, cut for a line.
pub(super) fn words(query: &KeyQuery) -> String {
    let mut words = format!("{}={}", query.keys.partition.0, query.partition);
    if let (Some((name, _)), Some(by)) = (&query.keys.sort, &query.sort) {
        let more = match by {
            SortBy::Is(value) => format!(", {name}={value}"),
            SortBy::Begins(value) => format!(", {name} begins with {value}"),
            SortBy::Below(value) => format!(", {name}<{value}"),
        };
        words.push_str(&more);
    }
    crate::text::excerpt(&words, 160)
}
