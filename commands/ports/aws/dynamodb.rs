//! DynamoDB: items by their key. An item is in DynamoDB's own JSON: `{"id": {"S": "a"}}`.

use async_trait::async_trait;
use serde_json::Value as Json;

use super::Account;
use crate::actions::Broken;
use crate::fault::Fault;

/// What kind of value a part of a key is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyKind {
    /// A text.
    Text,
    /// A number.
    Number,
    /// Bytes, written in base64.
    Bytes,
}

impl KeyKind {
    /// As DynamoDB's JSON has it.
    pub fn letter(self) -> &'static str {
        match self {
            Self::Text => "S",
            Self::Number => "N",
            Self::Bytes => "B",
        }
    }
}

/// A table, as far as its keys go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TableKeys {
    /// `ACTIVE`, `UPDATING` …
    pub status: String,
    /// The partition key.
    pub partition: (String, KeyKind),
    /// The sort key, where it has one.
    pub sort: Option<(String, KeyKind)>,
}

impl TableKeys {
    /// The names of a key's parts.
    pub fn names(&self) -> Vec<&str> {
        let sort = self.sort.as_ref().map(|(name, _)| name.as_str());
        std::iter::once(self.partition.0.as_str()).chain(sort).collect()
    }
}

/// Which of the items of one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SortBy {
    /// The one with this sort key.
    Is(String),
    /// Those whose sort key begins with it.
    Begins(String),
    /// Those whose sort key is less.
    Below(String),
}

/// Which items.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyQuery {
    /// The table.
    pub table: String,
    /// Its keys.
    pub keys: TableKeys,
    /// The value of the partition key.
    pub partition: String,
    /// Which of them; all where not given.
    pub sort: Option<SortBy>,
    /// The most that are read.
    pub most: usize,
}

/// What a query finds.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Found {
    /// Whole items, in order of their sort keys.
    pub items: Vec<Json>,
    /// Whether there are more than were to be read.
    pub more: bool,
}

/// Reading DynamoDB; what was written a moment ago is seen.
#[async_trait]
pub trait DynamoRead: Send + Sync {
    /// A table's keys; kind `Missing` where there is none.
    async fn table(&self, account: Account<'_>, table: &str) -> Result<TableKeys, Fault>;

    /// Items by their key.
    async fn query(&self, account: Account<'_>, query: &KeyQuery) -> Result<Found, Fault>;
}

/// The most keys that one call takes.
pub const BATCH: usize = 25;

/// Changing DynamoDB.
#[async_trait]
pub trait DynamoWrite: Send + Sync {
    /// Deletes the items of at most [`BATCH`] keys; gives the keys that were not taken, which may be asked again.
    async fn delete(&self, account: Account<'_>, table: &str, keys: &[Json]) -> Result<Vec<Json>, Broken>;

    /// Puts an item where none has its key; false where one has.
    async fn put_new(&self, account: Account<'_>, table: &str, key: &[&str], item: &Json) -> Result<bool, Broken>;
}
