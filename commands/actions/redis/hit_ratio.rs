//! `redis.hit_ratio`: how many lookups find their key now, over a window.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use crate::actions::Look;
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::data::RedisInfo;
use crate::report::{Cell, Fact, Outcome, Report, Section, Status};
use crate::units::{percent, thousands};
use crate::words::Span;

/// The longest window: what takes longer is a metric's job.
const LONGEST: u64 = 300;

/// Of which cache, and over how long.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct HitRatio {
    /// The cache, as the configuration names it: [redis.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// How long lookups are counted
    #[arg(long, value_name = "TIME", default_value = "10s")]
    #[serde(default = "ten_seconds", deserialize_with = "crate::words::span")]
    pub window: Span,
}

fn ten_seconds() -> Span {
    Span { seconds: 10 }
}

/// Hits and misses between two samples; a fault where they do not belong together, or nobody asked.
pub(super) fn between(first: &RedisInfo, second: &RedisInfo, window: Span) -> Result<(u64, u64), Fault> {
    if first.run != second.run || second.hits < first.hits || second.misses < first.misses {
        return Err(
            Fault::new(Kind::BadAnswer, "it was restarted, or its counters were reset, in between").hint("ask again")
        );
    }
    let (hits, misses) = (second.hits - first.hits, second.misses - first.misses);
    if hits + misses == 0 {
        return Err(Fault::new(Kind::Missing, format!("nothing was looked up within {window}"))
            .hint("nothing is not zero: take a longer --window"));
    }
    Ok((hits, misses))
}

#[async_trait]
impl Look for HitRatio {
    async fn look(&self, context: &Context) -> Result<Report, Fault> {
        if !(1..=LONGEST).contains(&self.window.seconds) {
            return Err(Fault::new(Kind::Usage, format!("--window is 1s to {LONGEST}s")));
        }
        let redis = context.redis()?;
        let place = redis.place(&self.server)?;
        let first = redis.info(&self.server).await?;
        context.progress().stage(&format!("counting lookups for {}", self.window));
        context.let_pass(Duration::from_secs(self.window.seconds)).await;
        let second = redis.info(&self.server).await?;
        let (hits, misses) = between(&first, &second, self.window).map_err(|fault| fault.because(place.clone()))?;
        let ratio = hits as f64 / (hits + misses) as f64;
        let evicted = second.evicted.saturating_sub(first.evicted);
        let fact = |label, value: u64| Fact { label, value: Cell::from(thousands(value)), note: String::new() };
        Ok(Report {
            sections: vec![Section {
                status: Status::Info,
                headline: format!("{} of the lookups at {place} find their key.", percent(ratio * 100.0)),
                advice: String::new(),
                facts: vec![fact("hits", hits), fact("misses", misses), fact("evicted", evicted)],
                tables: Vec::new(),
            }],
            next: Vec::new(),
            data: json!({
                "server": self.server,
                "place": place,
                "ratio": ratio,
                "hits": hits,
                "misses": misses,
                "evicted": evicted,
                "window": self.window.seconds,
            }),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: Outcome::Well,
        })
    }
}
