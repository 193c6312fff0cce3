//! `postgres.terminate_idle`: closes connections that nobody uses.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::connections::five_minutes;
use super::{idles, moment, room, whose};
use crate::actions::{Act, Attempt, Change, Deed, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::data::PgConnection;
use crate::report::{Cell, Fact};
use crate::units::percent;
use crate::words::Span;

const NAME: &str = "postgres.terminate_idle";
/// How often it is looked again, half a second apart, whether those that were told to end have ended.
const LOOKS: usize = 6;

/// Which connections.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct TerminateIdle {
    /// The server, as the configuration names it: [postgres.NAME]
    #[arg(long, value_name = "NAME")]
    pub server: String,

    /// Those that idle for longer than this
    #[arg(long, value_name = "TIME", default_value = "5m")]
    #[serde(default = "five_minutes", deserialize_with = "crate::words::span")]
    pub older_than: Span,

    /// The most that are closed, those that idle longest first
    #[arg(long, value_name = "COUNT", default_value_t = 20, value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default = "twenty")]
    pub most: u32,

    /// Only those of this user
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,

    /// Only those of this application
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub application: Option<String>,

    /// Only those in this database
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<String>,

    /// Those that idle inside a transaction, too: what it did is lost
    #[arg(long)]
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_transaction: bool,
}

fn twenty() -> u32 {
    20
}

/// A connection as the plan names it: by what no other one has. The same text is the same connection, unchanged.
fn change(one: &PgConnection) -> Change {
    Change::new(
        format!("connection {} of {}, opened {}", one.pid, whose(one), moment(one.opened)),
        format!("{} since {}", one.state, moment(one.changed)),
        "closed",
    )
}

impl TerminateIdle {
    fn is_meant(&self, one: &PgConnection) -> bool {
        let is = |wanted: &Option<String>, has: &str| wanted.as_deref().is_none_or(|wanted| wanted == has);
        one.spared.is_none()
            && idles(one, self.in_transaction)
            && one.seconds > self.older_than.seconds
            && is(&self.user, &one.user)
            && is(&self.application, &one.application)
            && is(&self.database, &one.database)
    }

    /// Those that are meant, those that idle longest first.
    fn meant(&self, all: Vec<PgConnection>) -> Vec<PgConnection> {
        let mut meant: Vec<PgConnection> = all.into_iter().filter(|one| self.is_meant(one)).collect();
        meant.sort_by_key(|one| (one.changed, one.pid));
        meant
    }

    /// How many of these connections are there still.
    async fn left(&self, context: &Context, of: &[(i64, i64)]) -> Result<usize, Fault> {
        let now = context.postgres()?.server(&self.server).await?;
        let there = |(pid, opened): &&(i64, i64)| {
            now.connections.iter().any(|one| i64::from(one.pid) == *pid && one.opened == *opened)
        };
        Ok(of.iter().filter(there).count())
    }
}

/// The connections that an attempt was about, as it wrote them down: process and when it was opened.
fn written(more: &Json) -> Vec<(i64, i64)> {
    let pair = |one: &Json| Some((one.get(0)?.as_i64()?, one.get(1)?.as_i64()?));
    more["connections"].as_array().into_iter().flatten().filter_map(pair).collect()
}

#[async_trait]
impl Act for TerminateIdle {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        // Whoever needs a connection opens another one; what an open transaction did is gone.
        if self.in_transaction { TakenBack::Irreversible } else { TakenBack::Transient }
    }

    fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
        &[("postgres.connections", "closable"), ("postgres.connections", "idle_older")]
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let postgres = context.postgres()?;
        let place = postgres.place(&self.server)?;
        context.progress().stage(&format!("asking {place}"));
        let server = postgres.server(&self.server).await?;
        let (usable, share) = room(&server);
        let count = server.connections.len();
        let hidden = server.connections.iter().filter(|one| one.state.is_empty()).count();
        let all = self.meant(server.connections);
        let most = usize::try_from(self.most).unwrap_or(usize::MAX);
        let changes: Vec<Change> = all.iter().take(most).map(change).collect();
        let mut notes = vec![format!("{count} of {usable} connections are in use ({})", percent(share * 100.0))];
        if all.len() > most {
            notes.push(format!("{} idle for so long; --most keeps it to {most}", all.len()));
        }
        if hidden > 0 {
            notes.push(format!("the state of {hidden} more may not be seen, and they are left alone"));
        }
        if !changes.is_empty() {
            notes.push("one that is at work again by then is left alone".to_owned());
        }
        let nothing = changes.is_empty();
        let what = if nothing {
            format!("no connection idles for more than {}", self.older_than)
        } else {
            format!("close {} connections that idle for more than {}", changes.len(), self.older_than)
        };
        Ok(Plan {
            action: NAME,
            what,
            target: format!("postgres {place} idle connections"),
            place,
            changes,
            spend: None,
            nothing,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: self.taken_back(),
            notes,
        })
    }

    fn still(&self, now: &Plan, agreed: &Plan) -> bool {
        now.target == agreed.target
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let postgres = context.postgres()?;
        let now = postgres.server(&self.server).await?;
        // Of those that were agreed to, the ones that are as they were.
        let which: Vec<PgConnection> =
            self.meant(now.connections).into_iter().filter(|one| attempt.plan.changes.contains(&change(one))).collect();
        let gone = attempt.plan.changes.len() - which.len();
        let tag = format!("ira close {}", context.now());
        let pairs: Vec<_> = which.iter().map(|one| json!([one.pid, one.opened])).collect();
        let step = attempt.begin(&json!({ "session": tag, "connections": pairs }))?;
        context.progress().stage(&attempt.plan.what);
        let result = step.postgres()?.close(&self.server, &tag, &which).await.map(|came| {
            let alone = came.changed + gone;
            let mut words = vec![format!("{} closed", came.closed)];
            if alone > 0 {
                words.push(format!("{alone} were gone or at work again, and were left alone"));
            }
            if !came.refused.is_empty() {
                words.push(format!("{} were refused", came.refused.len()));
            }
            let fact = |label, value: String| Fact { label, value: Cell::from(value), note: String::new() };
            let mut facts = vec![fact("connections", words.join(", "))];
            facts.extend(came.refused.iter().take(3).map(|why| fact("refused", why.clone())));
            let data = json!({ "closed": came.closed, "left_alone": alone, "refused": came.refused });
            Deed { summary: words.join(", "), facts, data }
        });
        let refused = result.as_ref().ok().filter(|deed| deed.data["closed"] == json!(0));
        let denied = refused.and_then(|deed| Some(deed.data["refused"].as_array()?.first()?.as_str()?.to_owned()));
        if let Some(why) = denied {
            // Nothing at all was done, and that is known.
            let fault = Fault::new(Kind::Denied, "the server closed none of them")
                .because(why)
                .hint(format!("this user needs pg_signal_backend: `ira act {NAME} --policy` prints what to grant"));
            return attempt.end(step, Err(crate::actions::Broken::before(fault)));
        }
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
        let postgres = context.postgres()?;
        let mut left = agreed.changes.len();
        for look in 0..LOOKS {
            if look > 0 {
                postgres.pause().await;
            }
            let now = postgres.server(&self.server).await?;
            left = now.connections.iter().filter(|one| agreed.changes.contains(&change(one))).count();
            if left == 0 {
                let (usable, share) = room(&now);
                let count = now.connections.len();
                let proof = format!("{count} of {usable} connections are in use now ({})", percent(share * 100.0));
                return Ok(Verified { worked: true, proof });
            }
        }
        Ok(Verified { worked: false, proof: format!("{left} of {} idle still", agreed.changes.len()) })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let more = &open.begun["more"];
        let (all, tag) = (written(more), more["session"].as_str().unwrap_or_default());
        let postgres = context.postgres()?;
        if postgres.at_work(&self.server, tag).await? > 0 {
            return Ok(Probed::Unknown("the session that closes them is at work still".to_owned()));
        }
        // One that was told to end a moment ago may be seen still.
        postgres.pause().await;
        let left = self.left(context, &all).await?;
        let count = all.len();
        Ok(match left {
            0 => Probed::Done(format!("none of the {count} connections is there any more")),
            left if left == count => {
                Probed::NotDone(format!("all {count} connections are there still, and no session closes them"))
            }
            left => {
                Probed::Failed(format!("{} of {count} connections were closed, {left} are there still", count - left))
            }
        })
    }
}
