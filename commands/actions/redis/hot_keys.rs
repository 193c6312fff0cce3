//! `redis.hot_keys`: which keys are looked up most, among as many as are looked at.

use async_trait::async_trait;
use serde_json::json;

use super::{shown, size};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::data::{KeyBounds, KeySeen};
use crate::report::{Cell, Outcome, Report, Section, Status, Table};
use crate::units::{duration, thousands};

/// Of which cache, and how far is looked.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HotKeys {
    /// The cache, as the configuration names it: [redis.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// Only keys that match, as Redis matches
    #[arg(long, value_name = "PATTERN", default_value = "*")]
    #[serde(default = "everything")]
    pub pattern: String,

    /// How many are shown
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default = "ten")]
    pub top: u32,

    /// The most keys that are looked at
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[serde(default = "ten_thousand")]
    pub look_at: u64,

    /// The most that are looked at in a second
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    #[serde(default = "five_thousand")]
    pub per_second: u64,
}

pub(super) fn everything() -> String {
    "*".to_owned()
}

fn ten() -> u32 {
    10
}

pub(super) fn ten_thousand() -> u64 {
    10_000
}

pub(super) fn five_thousand() -> u64 {
    5_000
}

/// How hot a key is, in words.
fn heat(key: &KeySeen) -> String {
    match (key.often, key.idle) {
        (Some(often), _) => format!("frequency {often}"),
        (None, Some(0)) => "looked up this second".to_owned(),
        (None, Some(idle)) => format!("looked up {} ago", duration(idle)),
        (None, None) => String::new(),
    }
}

#[async_trait]
impl Look for HotKeys {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let redis = context.redis()?;
        let place = redis.place(&self.server)?;
        context.progress().stage(&format!("looking at the keys of {place}"));
        let give = usize::try_from(self.top).unwrap_or(usize::MAX);
        let bounds = KeyBounds { look: self.look_at, per_second: self.per_second, give };
        let seen = redis.hot(&self.server, &self.pattern, bounds).await?;
        let by_count = seen.keys.iter().any(|key| key.often.is_some());
        let row =
            |key: &KeySeen| vec![Cell::from(shown(&key.name)), Cell::from(heat(key)), Cell::from(size(key.bytes))];
        let table = Table {
            columns: vec!["key", "heat", "size"],
            rows: seen.keys.iter().map(row).collect(),
            ..Table::default()
        };
        let part = if seen.all { "all of them" } else { "as many as --look-at allows" };
        let keys: Vec<_> = seen
            .keys
            .iter()
            .map(|key| {
                json!({
                    "key": shown(&key.name), "frequency": key.often, "idle_seconds": key.idle, "bytes": key.bytes,
                    "lives_seconds": key.lives,
                })
            })
            .collect();
        let mut warnings = Vec::new();
        if !by_count && !seen.keys.is_empty() {
            warnings.push(
                "the server keeps when a key was looked up, not how often: with an LFU policy it counts".to_owned(),
            );
        }
        Ok(Report {
            sections: vec![Section {
                status: Status::Info,
                headline: format!(
                    "The hottest {} of {} keys at {place} ({part}).",
                    seen.keys.len(),
                    thousands(seen.looked)
                ),
                advice: String::new(),
                facts: Vec::new(),
                tables: vec![table],
            }],
            next: Vec::new(),
            data: json!({
                "server": self.server,
                "place": place,
                "looked_at": seen.looked,
                "all": seen.all,
                "by": if by_count { "frequency" } else { "last lookup" },
                "keys": keys,
            }),
            errors: Vec::new(),
            warnings,
            outcome: Outcome::Well,
        })
    }
}
