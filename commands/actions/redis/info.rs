//! `redis.info`: how a cache stands.

use async_trait::async_trait;
use serde_json::json;

use super::{ratio, size};
use crate::actions::Look;
use crate::context::Context;
use crate::fault::Fault;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};
use crate::text::excerpt;
use crate::units::{duration, percent, thousands};

/// Which cache.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Info {
    /// The cache, as the configuration names it: [redis.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,
}

#[async_trait]
impl Look for Info {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        let redis = context.redis()?;
        let place = redis.place(&self.server)?;
        context.progress().stage(&format!("asking {place}"));
        let info = redis.info(&self.server).await?;
        let fact = |label, value: String, note: String| Fact { label, value: Cell::from(value), note };
        let limit = if info.memory_most > 0 { size(info.memory_most) } else { "no limit".to_owned() };
        let served = ratio(&info).map_or_else(|| "nobody asked yet".to_owned(), |ratio| percent(ratio * 100.0));
        let facts = vec![
            fact("keys", thousands(info.keys), String::new()),
            fact("hit ratio", served, "of all lookups since its start; redis.hit_ratio tells of now".to_owned()),
            fact("memory", size(info.memory), format!("of {limit}; {}", excerpt(&info.policy, 40))),
            fact("evicted", thousands(info.evicted), format!("{} expired", thousands(info.expired))),
            fact("clients", thousands(info.clients), String::new()),
            fact("server", format!("Redis {}", excerpt(&info.version, 40)), excerpt(&info.role, 20)),
        ];
        Ok(Report {
            sections: vec![Section {
                status: Status::Info,
                headline: format!(
                    "{place} has {} keys, and is up for {}.",
                    thousands(info.keys),
                    duration(info.uptime)
                ),
                advice: String::new(),
                facts,
                tables: Vec::new(),
            }],
            next: Vec::new(),
            data: json!({
                "server": self.server,
                "place": place,
                "version": info.version,
                "role": info.role,
                "uptime": info.uptime,
                "keys": info.keys,
                "hits": info.hits,
                "misses": info.misses,
                "ratio_since_start": ratio(&info),
                "evicted": info.evicted,
                "expired": info.expired,
                "memory": info.memory,
                "memory_max": info.memory_most,
                "policy": info.policy,
                "clients": info.clients,
            }),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: Outcome::Well,
        })
    }
}
