//! `redis.delete_stale`: removes keys that nobody looks up, or that would live too long: step by step, and never all.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::hot_keys::{five_thousand, ten_thousand};
use super::{shown, size};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Left, Plan, Probed, Verified};
use crate::context::{Context, Open, Step};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::data::{KeyBounds, KeyFilter, KeysSeen};
use crate::report::{Cell, Fact};
use crate::text::excerpt;
use crate::units::thousands;
use crate::words::Span;

const NAME: &str = "redis.delete_stale";
/// How many keys are removed in one step.
const BATCH: usize = 100;
/// How many of them a plan shows.
const SHOWN: usize = 5;

/// Which keys, of which cache.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeleteStale {
    /// The cache, as the configuration names it: [redis.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// Only keys that match, as Redis matches: session:*
    #[arg(long, value_name = "PATTERN")]
    pub pattern: String,

    /// Not looked up for longer than this
    #[arg(long, value_name = "TIME")]
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "spans")]
    pub idle: Option<Span>,

    /// Living longer than this from now, or for ever
    #[arg(long, value_name = "TIME")]
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "spans")]
    pub lives: Option<Span>,

    /// The most keys that are removed
    #[arg(long, value_name = "COUNT", default_value_t = 1_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    #[serde(default = "thousand")]
    pub most: u64,

    /// The most keys that are looked at
    #[arg(long, value_name = "COUNT", default_value_t = 10_000, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    #[serde(default = "ten_thousand")]
    pub look_at: u64,

    /// The most keys that are looked at, or removed, in a second
    #[arg(long, value_name = "COUNT", default_value_t = 5_000, value_parser = clap::value_parser!(u64).range(1..=100_000))]
    #[serde(default = "five_thousand")]
    pub per_second: u64,
}

fn thousand() -> u64 {
    1_000
}

fn spans<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Option<Span>, D::Error> {
    crate::words::span(from).map(Some)
}

impl DeleteStale {
    pub(super) fn filter(&self) -> Result<KeyFilter, Fault> {
        let usage = |what: &str| Fault::new(Kind::Usage, what.to_owned());
        if self.idle.is_none() && self.lives.is_none() {
            return Err(usage("it takes --idle, --lives or both: what is stale?"));
        }
        if self.idle.is_some_and(|idle| idle.seconds == 0) {
            return Err(usage("--idle 0s is every key"));
        }
        // A pattern of stars is the whole cache, and that is not what is stale.
        if self.pattern.len() > 512 || self.pattern.trim_matches(['*', '?', ' ']).is_empty() {
            return Err(usage("--pattern names a part of the keys: session:*"));
        }
        Ok(KeyFilter {
            pattern: self.pattern.clone(),
            idle: self.idle.map(|span| span.seconds),
            lives: self.lives.map(|span| span.seconds),
        })
    }

    fn bounds(&self) -> KeyBounds {
        let give = usize::try_from(self.most).unwrap_or(usize::MAX);
        KeyBounds { look: self.look_at, per_second: self.per_second, give }
    }

    async fn seen(&self, context: &Context) -> Result<KeysSeen, Fault> {
        context.redis()?.keys(&self.server, &self.filter()?, self.bounds()).await
    }

    fn criterion(&self) -> String {
        let idle = self.idle.map(|span| format!("not looked up for {span}"));
        let lives = self.lives.map(|span| format!("living longer than {span}"));
        let words: Vec<String> = idle.into_iter().chain(lives).collect();
        format!("{}, {}", excerpt(&self.pattern, 80), words.join(", "))
    }
}

#[async_trait]
impl Act for DeleteStale {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Irreversible
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("redis.info", "keys"), ("redis.info", "memory")]
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let redis = context.redis()?;
        let place = redis.place(&self.server)?;
        context.progress().stage(&format!("counting the stale keys of {place}"));
        let seen = self.seen(context).await?;
        let remove = seen.meant.min(self.most);
        let nothing = remove == 0;
        let mut notes = vec![format!(
            "{} of {} keys that were looked at are stale{}",
            thousands(seen.meant),
            thousands(seen.looked),
            if seen.all { ", and those were all" } else { "; there are more than --look-at" }
        )];
        if seen.meant > self.most {
            notes.push(format!("--most keeps it to {}", thousands(self.most)));
        }
        if !nothing {
            let some: Vec<String> = seen.keys.iter().take(SHOWN).map(|key| shown(&key.name)).collect();
            let bytes: u64 = seen.keys.iter().map(|key| key.bytes).sum();
            notes.push(format!("such as {}", some.join(", ")));
            notes.push(format!("about {} of memory", size(bytes)));
            notes.push("each is looked at once more in the step that removes it".to_owned());
        }
        let what = if nothing {
            format!("no key is stale ({})", self.criterion())
        } else {
            format!("remove up to {} stale keys ({})", thousands(self.most), self.criterion())
        };
        // How many there are by now is no change of the plan: the criterion and the bound are what is agreed to.
        let change =
            Change::new(format!("keys {}", self.criterion()), "there", format!("removed, {} at most", self.most));
        Ok(Plan {
            action: NAME,
            what,
            target: format!("redis {place} {}", self.pattern),
            place,
            changes: if nothing { Vec::new() } else { vec![change] },
            spend: None,
            nothing,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: TakenBack::Irreversible,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let (filter, seen) = (self.filter()?, self.seen(context).await?);
        let keys: Vec<Vec<u8>> = seen.keys.into_iter().map(|key| key.name).collect();
        let tag = format!("ira-unlink-{}", context.now());
        let step = attempt.begin(&json!({ "session": tag, "counted": keys.len() }))?;
        let result = self.removed(context, &step, &tag, &keys, &filter).await;
        let result = result.map(|removed| {
            let alone = keys.len() as u64 - removed.min(keys.len() as u64);
            let mut summary = format!("{} keys removed", thousands(removed));
            if alone > 0 {
                summary = format!("{summary}, {} were in use again or gone, and were left alone", thousands(alone));
            }
            let fact = Fact { label: "keys", value: Cell::from(summary.clone()), note: String::new() };
            Deed { summary, facts: vec![fact], data: json!({ "removed": removed, "left_alone": alone }) }
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        let info = context.redis()?.info(&self.server).await?;
        let seen = self.seen(context).await?;
        let left = format!("{} stale keys are left, of {} keys", thousands(seen.meant), thousands(info.keys));
        // As many may have become stale meanwhile, or be beyond the bound: it worked where they could be counted.
        Ok(Verified { worked: true, proof: left })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let more = &open.begun["more"];
        let redis = context.redis()?;
        if redis.at_work(&self.server, more["session"].as_str().unwrap_or_default()).await? > 0 {
            return Ok(Probed::Unknown("the session that removes them is at work still".to_owned()));
        }
        // Each step was written down before it was sent.
        let Some(last) = open.added.last() else {
            return Ok(Probed::NotDone("it broke off before the first key was removed".to_owned()));
        };
        let (sent, removed) = (last["sent"].as_u64().unwrap_or_default(), last["removed"].as_u64().unwrap_or_default());
        let counted = more["counted"].as_u64().unwrap_or_default();
        let seen = self.seen(context).await?;
        if seen.meant == 0 && seen.all {
            return Ok(Probed::Done(format!("no key is stale any more ({})", self.criterion())));
        }
        Ok(Probed::Failed(format!(
            "it broke off: between {removed} and {sent} of {counted} keys were removed, and {} are stale now",
            seen.meant
        )))
    }
}

impl DeleteStale {
    /// Removes them a batch at a time; each is written down before it is sent.
    async fn removed(
        &self,
        context: &Context,
        step: &Step<'_>,
        tag: &str,
        keys: &[Vec<u8>],
        filter: &KeyFilter,
    ) -> Result<u64, Broken> {
        let (mut removed, mut sent) = (0, 0);
        for batch in keys.chunks(BATCH) {
            sent += batch.len();
            let amid = |left, fault: Fault| {
                let left = if sent > batch.len() && left == Left::Nothing { Left::Something } else { left };
                Broken { fault: fault.because(format!("{removed} keys were removed before")), left }
            };
            step.add(&json!({ "sent": sent, "removed": removed })).map_err(|fault| amid(Left::Nothing, fault))?;
            context.progress().advance(sent, keys.len());
            let redis = step.redis().map_err(Broken::before)?;
            let done = redis.unlink(&self.server, tag, batch, filter).await;
            removed += done.map_err(|broken| amid(broken.left, broken.fault))?;
            let rest = batch.len() as u64 * 1000 / self.per_second;
            context.let_pass(Duration::from_millis(rest)).await;
        }
        Ok(removed)
    }
}
