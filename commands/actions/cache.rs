//! `cache.warm`: asks a list of URLs, so that what they need is in a cache again.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::json;

use super::{Act, Attempt, Broken, Change, Deed, Plan, Probed, Verified, digest};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::systems::WebAsk;
use crate::report::{Cell, Fact};

const NAME: &str = "cache.warm";
/// The most URLs.
const MOST: usize = 200;

/// What is asked.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Warm {
    /// A URL that is asked (GET); several times, at most 200
    #[arg(long, value_name = "URL", required = true)]
    pub url: Vec<String>,

    /// The most that are asked in a second
    #[arg(long, value_name = "COUNT", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=100))]
    #[serde(default = "ten")]
    pub per_second: u64,

    /// Seconds that each may take
    #[arg(long, value_name = "SECONDS", default_value_t = 10, value_parser = clap::value_parser!(u64).range(1..=60))]
    #[serde(default = "ten")]
    pub within: u64,

    /// A part of a URL comes from an alert: only public addresses are asked, or those that the configuration allows
    #[arg(long, hide = true)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub untrusted: bool,
}

fn ten() -> u64 {
    10
}

impl Warm {
    fn asks(&self) -> Result<Vec<WebAsk>, Fault> {
        if self.url.is_empty() || self.url.len() > MOST {
            return Err(Fault::new(
                Kind::Usage,
                format!("it takes 1 to {MOST} URLs, and these are {}", self.url.len()),
            ));
        }
        let ask = |url: &String| WebAsk {
            method: "GET",
            url: url.clone(),
            headers: Vec::new(),
            secret_headers: Vec::new(),
            body: None,
            seconds: self.within,
            untrusted: self.untrusted,
        };
        Ok(self.url.iter().map(ask).collect())
    }
}

#[async_trait]
impl Act for Warm {
    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Transient
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let web = context.web()?;
        let mut places: Vec<String> = Vec::new();
        for ask in &self.asks()? {
            // Whoever must not be asked is found before anybody is.
            let place = web.place(ask).await?;
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let count = self.url.len();
        let of = digest(self.url.join("\n").as_bytes());
        let changes = places.iter().take(20).map(|place| Change::new(place.clone(), "", "asked")).collect();
        Ok(Plan {
            action: NAME,
            what: format!("ask {count} URLs, {} a second at most", self.per_second),
            target: format!("warm {of}"),
            place: places.first().cloned().unwrap_or_default(),
            changes,
            spend: None,
            nothing: false,
            effect: Effect::Idempotent,
            reach: Reach::Target,
            taken_back: TakenBack::Transient,
            notes: Vec::new(),
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let asks = self.asks()?;
        let step = attempt.begin(&json!({}))?;
        let (mut well, mut ill) = (0_usize, Vec::new());
        for (at, ask) in asks.iter().enumerate() {
            context.progress().advance(at, asks.len());
            match step.web()?.send(ask).await {
                Ok(answer) if (200..400).contains(&answer.status) => well += 1,
                Ok(answer) => ill.push(format!("HTTP {}", answer.status)),
                Err(broken) => ill.push(broken.fault.one_line()),
            }
            context.let_pass(Duration::from_millis(1000 / self.per_second)).await;
        }
        let all = asks.len();
        if well == 0 {
            let fault = Fault::new(Kind::Failed, format!("none of {all} URLs answered well"));
            let fault = ill.into_iter().take(3).fold(fault, Fault::because);
            return attempt.end(step, Err(Broken::amid(fault)));
        }
        let summary = format!("{well} of {all} URLs answered well");
        let mut facts = vec![Fact { label: "asked", value: Cell::from(summary.clone()), note: String::new() }];
        let ill = ill.into_iter().take(3).map(|why| Fact { label: "not", value: Cell::from(why), note: String::new() });
        facts.extend(ill);
        attempt.end(step, Ok(Deed { summary, facts, data: json!({ "asked": all, "well": well }) }))
    }

    async fn verify(&self, _context: &Context, _agreed: &Plan) -> Result<Verified, Fault> {
        // Whether the cache is warm its hit ratio says, a while later.
        Ok(Verified {
            worked: true,
            proof: "what was asked is said below; the hit ratio says whether it helped".to_owned(),
        })
    }

    async fn probe(&self, _context: &Context, _open: &Open) -> Result<Probed, Fault> {
        Ok(Probed::NotDone("it broke off, and may be done again at any time: it only asks".to_owned()))
    }
}
