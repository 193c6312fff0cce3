//! `pgbouncer.set_pool`: how many connections a pooler opens, until it is reloaded or restarted.

use async_trait::async_trait;
use serde_json::json;

use super::{Act, Action, Attempt, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::data::Pooler;
use crate::report::{Cell, Fact};
use crate::shell;
use crate::text::excerpt;

const NAME: &str = "pgbouncer.set_pool";

/// What of a pool is set.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    clap::ValueEnum,
    serde::Serialize,
    serde::Deserialize,
    schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
#[value(rename_all = "snake_case")]
pub enum PoolSetting {
    /// Connections of a pool (a user and a database)
    #[default]
    DefaultPoolSize,
    /// Connections that are kept open
    MinPoolSize,
    /// More connections for clients that wait too long
    ReservePoolSize,
    /// Connections of a database, whoever uses them
    MaxDbConnections,
    /// Connections of a user, in whatever database
    MaxUserConnections,
    /// Clients in all
    MaxClientConn,
}

impl PoolSetting {
    fn word(self) -> &'static str {
        match self {
            Self::DefaultPoolSize => "default_pool_size",
            Self::MinPoolSize => "min_pool_size",
            Self::ReservePoolSize => "reserve_pool_size",
            Self::MaxDbConnections => "max_db_connections",
            Self::MaxUserConnections => "max_user_connections",
            Self::MaxClientConn => "max_client_conn",
        }
    }
}

/// Which pooler, and how much.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct SetPool {
    /// The pooler, as the configuration names it: [pgbouncer.NAME]
    #[arg(long, value_name = "NAME")]
    pub pooler: String,

    /// What is set
    #[arg(long, value_name = "SETTING", value_enum, default_value_t)]
    #[serde(default)]
    pub setting: PoolSetting,

    /// Its new value
    #[arg(long, value_name = "COUNT", conflicts_with = "times", value_parser = clap::value_parser!(u64).range(0..=100_000))]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<u64>,

    /// So many times what it is now, in place of a size
    #[arg(long, value_name = "FACTOR")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub times: Option<f64>,

    /// Never above this; needed with --times
    #[arg(long, value_name = "COUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<u64>,
}

impl SetPool {
    fn before(&self, now: &Pooler) -> Result<u64, Fault> {
        let name = self.setting.word();
        let has = now.settings.get(name).and_then(|value| value.parse().ok());
        has.ok_or_else(|| Fault::new(Kind::Missing, format!("this PgBouncer ({}) has no {name} to set", now.version)))
    }

    fn after(&self, before: u64) -> Result<u64, Fault> {
        let refused = |what: &str| Fault::new(Kind::Usage, what.to_owned());
        let after = match (self.size, self.times) {
            (Some(size), None) => size,
            (None, Some(factor)) if factor.is_finite() && factor > 0.0 && factor <= 1000.0 => {
                let most = self.at_most.ok_or_else(|| refused("--times needs a bound: --at-most"))?;
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "positive, and bounded below"
                )]
                let raised = (before as f64 * factor).floor() as u64;
                raised.min(most)
            }
            _ => return Err(refused("it takes one of --size and --times, which is a factor above zero")),
        };
        match self.at_most {
            Some(most) if after > most => Err(refused(&format!("{after} is above --at-most {most}"))),
            _ if after > 100_000 => Err(refused("more than 100,000 connections are a mistake")),
            _ => Ok(after),
        }
    }

    fn back(&self, before: u64) -> Action {
        Action::PgbouncerSetPool(Self {
            pooler: self.pooler.clone(),
            setting: self.setting,
            size: Some(before),
            times: None,
            at_most: None,
        })
    }

    fn undo_line(&self, before: u64) -> String {
        let words: Vec<String> = self.back(before).words().iter().map(|word| shell::word(word)).collect();
        format!("ira {}", words.join(" "))
    }
}

#[async_trait]
impl Act for SetPool {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let poolers = context.poolers()?;
        let place = poolers.place(&self.pooler)?;
        context.progress().stage(&format!("asking {place}"));
        let now = poolers.pooler(&self.pooler).await?;
        let (name, before) = (self.setting.word(), self.before(&now)?);
        let after = self.after(before)?;
        let nothing = before == after;
        let mut notes = vec![format!(
            "{} clients have a connection, {} wait for one",
            now.pools.iter().map(|pool| pool.active).sum::<u64>(),
            now.pools.iter().map(|pool| pool.waiting).sum::<u64>(),
        )];
        if !nothing {
            notes.push("it is so until PgBouncer is reloaded or restarted: write it into its file, too".to_owned());
            if self.setting == PoolSetting::DefaultPoolSize && !now.own_size.is_empty() {
                let own: Vec<String> = now.own_size.iter().take(5).map(|name| excerpt(name, 64)).collect();
                notes.push(format!("not for {}, which have a pool_size of their own", own.join(", ")));
            }
            notes.push(format!("taken back by: {}", self.undo_line(before)));
        }
        let what = if nothing { format!("{name} is {before}") } else { format!("set {name} to {after}") };
        let changes = if nothing { Vec::new() } else { vec![Change::new(name, before.to_string(), after.to_string())] };
        Ok(Plan {
            action: NAME,
            what,
            target: format!("pgbouncer {place} {name}"),
            place,
            changes,
            spend: None,
            nothing,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: TakenBack::Undo,
            notes,
        })
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let before = self.before(&context.poolers()?.pooler(&self.pooler).await?)?;
        let (name, after) = (self.setting.word(), self.after(before)?);
        let step = attempt.begin(&json!({ "before": before, "after": after }))?;
        context.progress().stage(&attempt.plan.what);
        let result = step.poolers()?.set(&self.pooler, name, after).await.map(|()| {
            let summary = format!("{before} → {after}");
            let fact = |label, value: String, note| Fact { label, value: Cell::from(value), note };
            let facts = vec![
                fact("setting", name.to_owned(), summary.clone()),
                fact("undo", self.undo_line(before), String::new()),
            ];
            let undo = self.back(before).with();
            Deed { summary, facts, data: json!({ "setting": name, "before": before, "value": after, "undo": undo }) }
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        let now = self.before(&context.poolers()?.pooler(&self.pooler).await?)?;
        let wanted = agreed.changes.first().map(|change| change.after.as_str()).unwrap_or_default();
        let proof = format!("{} is {now}", self.setting.word());
        Ok(Verified { worked: now.to_string() == wanted, proof })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let more = &open.begun["more"];
        let now = self.before(&context.poolers()?.pooler(&self.pooler).await?)?;
        let is = format!("{} is {now}", self.setting.word());
        // The console does each command as it comes: what a process that is gone sent is done, or was never heard.
        Ok(if more["after"] == json!(now) {
            Probed::Done(is)
        } else if more["before"] == json!(now) {
            Probed::NotDone(format!("{is}, as before"))
        } else {
            Probed::Unknown(format!("{is}: neither what it was nor what it was to be"))
        })
    }
}
