//! `[aws]` and `[aws.NAME]`: which region, with whose credentials, and where.

use std::collections::BTreeMap;

use toml::de::DeValue;

use super::read::{address, span};
use crate::config::engine::fields;
use crate::config::keys;
use crate::config::reader::{Item, Reader};
use crate::config::secret::SecretRef;

/// How long it may take to connect, seconds.
const CONNECT: u64 = 5;
/// How long one answer may take, seconds.
const ANSWER: u64 = 20;

/// Every account.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AwsTable {
    /// The one without a name.
    pub own: AwsConfig,
    /// The others.
    pub accounts: BTreeMap<String, AwsConfig>,
}

/// One account in one region. What is not set the official SDK finds: in its environment, its profiles, or of the machine.
#[derive(Clone, Debug)]
pub struct AwsConfig {
    /// The region.
    pub region: Option<String>,
    /// The profile of `~/.aws`.
    pub profile: Option<String>,
    /// Another place for the APIs.
    pub endpoint: Option<SecretRef>,
    /// How long it may take to connect, seconds.
    pub connect: u64,
    /// How long one answer may take, seconds.
    pub answer: u64,
}

impl Default for AwsConfig {
    fn default() -> Self {
        Self { region: None, profile: None, endpoint: None, connect: CONNECT, answer: ANSWER }
    }
}

impl PartialEq for AwsConfig {
    fn eq(&self, other: &Self) -> bool {
        self.shown() == other.shown()
    }
}

impl AwsConfig {
    /// As it is shown: without any secret.
    pub fn shown(&self) -> serde_json::Value {
        serde_json::json!({
            "region": self.region,
            "profile": self.profile,
            "endpoint": self.endpoint.as_ref().map(ToString::to_string),
            "connect": format!("{}s", self.connect),
            "answer": format!("{}s", self.answer),
        })
    }
}

impl AwsTable {
    /// Every one that is set, with the table that it stands in.
    pub fn all(&self) -> impl Iterator<Item = (String, &AwsConfig)> {
        let own = (self.own != AwsConfig::default()).then(|| ("aws".to_owned(), &self.own));
        own.into_iter().chain(self.accounts.iter().map(|(name, one)| (format!("aws.{name}"), one)))
    }
}

/// Reads `[aws]` with every `[aws.NAME]`.
pub(super) fn aws(reader: &mut Reader<'_>, item: &Item<'_>) -> Option<AwsTable> {
    let mut table = AwsTable::default();
    let mut own = AwsConfig::default();
    fields(reader, "aws", item, keys::AWS, |reader, word, key, item| {
        if !matches!(item.get_ref(), DeValue::Table(_)) {
            return field(reader, &mut own, word, key, item);
        }
        let mut one = AwsConfig::default();
        let read =
            fields(reader, key, item, keys::AWS, |reader, word, key, item| field(reader, &mut one, word, key, item));
        if read.is_some() {
            table.accounts.insert(word.to_owned(), one);
        }
        true
    })?;
    table.own = own;
    Some(table)
}

fn field(reader: &mut Reader<'_>, config: &mut AwsConfig, word: &str, key: &str, item: &Item<'_>) -> bool {
    let seconds = |reader: &mut Reader<'_>, most: u64| {
        let seconds = span(reader, key, item)?;
        if (1..=most).contains(&seconds) {
            return Some(seconds);
        }
        reader.problem(&item.span(), format!("`{key}` is 1s to {}m", most / 60), None);
        None
    };
    match word {
        "region" => config.region = reader.text(key, item).map(str::to_owned),
        "profile" => config.profile = reader.text(key, item).map(str::to_owned),
        "endpoint" => config.endpoint = address(reader, key, item),
        "connect" => config.connect = seconds(reader, 60).unwrap_or(CONNECT),
        "answer" => config.answer = seconds(reader, 300).unwrap_or(ANSWER),
        _ => return false,
    }
    true
}
