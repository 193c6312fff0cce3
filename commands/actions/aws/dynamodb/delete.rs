//! `dynamodb.delete_items`: items of one partition are counted, kept in a file, and deleted.

use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::super::{About, Name, account, fact, flag, planned};
use super::kept::{Kept, among, key, words};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Left, Plan, Probed, Verified, digest};
use crate::context::{Context, Open, Step};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::aws::{BATCH, Found, KeyKind, KeyQuery, SortBy};
use crate::text::excerpt;

/// The name of the action.
const NAME: &str = "dynamodb.delete_items";
/// How often keys that were not taken are asked again.
const TRIES: u32 = 6;

/// Which items.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct DeleteItems {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The table
    #[arg(long, value_name = "NAME")]
    pub table: Name,

    /// The value of the partition key; only items of one partition are deleted
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    pub partition: String,

    /// Of these only the one with this sort key
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true)]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_is: Option<String>,

    /// Of these only those whose sort key begins so
    #[arg(long, value_name = "TEXT", conflicts_with = "sort_is")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_begins: Option<String>,

    /// Of these only those whose sort key is less
    #[arg(long, value_name = "VALUE", allow_hyphen_values = true, conflicts_with_all = ["sort_is", "sort_begins"])]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sort_below: Option<String>,

    /// The most items; where there are more, none is deleted
    #[arg(long, value_name = "COUNT", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=1000))]
    #[serde(default = "hundred")]
    pub at_most: u32,

    /// Seconds that it may take
    #[arg(long, value_name = "SECONDS", default_value_t = 120, value_parser = clap::value_parser!(u64).range(1..=3600))]
    #[serde(default = "two_minutes")]
    pub within: u64,
}

fn hundred() -> u32 {
    100
}

fn two_minutes() -> u64 {
    120
}

/// What was found, and how it is told whether it is still so.
struct Read {
    query: KeyQuery,
    items: Vec<Json>,
    digest: String,
}

impl DeleteItems {
    async fn query(&self, context: &Context) -> Result<KeyQuery, Fault> {
        let keys = context.aws()?.table(account(self.account.as_ref()), self.table.as_str()).await?;
        let wrong = |why: String| Err(Fault::new(Kind::Usage, why).hint("nothing was done"));
        if keys.status != "ACTIVE" {
            let why = format!("the table {} is {}, not ACTIVE", self.table, keys.status);
            return Err(Fault::new(Kind::Failed, why).hint("nothing was done"));
        }
        let sort = match (&self.sort_is, &self.sort_begins, &self.sort_below) {
            (None, None, None) => None,
            (Some(value), None, None) => Some(SortBy::Is(value.clone())),
            (None, Some(value), None) => Some(SortBy::Begins(value.clone())),
            (None, None, Some(value)) => Some(SortBy::Below(value.clone())),
            _ => return wrong("give only one of sort-is, sort-begins and sort-below".to_owned()),
        };
        let fits = |kind: KeyKind, value: &str| match kind {
            KeyKind::Number => value.parse::<f64>().is_ok_and(f64::is_finite),
            KeyKind::Text | KeyKind::Bytes => !value.is_empty(),
        };
        if !fits(keys.partition.1, &self.partition) {
            return wrong(format!("`{}` is no value of the key {}", excerpt(&self.partition, 60), keys.partition.0));
        }
        match (&keys.sort, &sort) {
            (None, Some(_)) => return wrong(format!("the table {} has no sort key", self.table)),
            (Some((name, kind)), Some(by)) => {
                let (SortBy::Is(value) | SortBy::Begins(value) | SortBy::Below(value)) = by;
                if !fits(*kind, value) || (matches!(by, SortBy::Begins(_)) && *kind == KeyKind::Number) {
                    return wrong(format!("`{}` is no condition on the key {name}", excerpt(value, 60)));
                }
            }
            _ => {}
        }
        Ok(KeyQuery {
            table: self.table.to_string(),
            keys,
            partition: self.partition.clone(),
            sort,
            most: self.at_most as usize + 1,
        })
    }

    async fn read(&self, context: &Context) -> Result<Read, Fault> {
        let query = self.query(context).await?;
        let Found { items, more } = context.aws()?.query(account(self.account.as_ref()), &query).await?;
        if more || items.len() > self.at_most as usize {
            let why = format!("there are more than {} items with {}", self.at_most, words(&query));
            return Err(Fault::new(Kind::Failed, why).hint("nothing was done; --at-most allows more"));
        }
        let digest = digest(Json::Array(items.clone()).to_string().as_bytes());
        Ok(Read { query, items, digest })
    }

    fn changes(&self, read: &Read) -> Vec<Change> {
        let count = |many: usize| if many == 1 { "1 item".to_owned() } else { format!("{many} items") };
        let what = format!("items of {} with {}", self.table, words(&read.query));
        let before = match read.items.len() {
            0 => "none".to_owned(),
            // Another content is another thing to delete than was agreed to.
            many => format!("{}, {}", count(many), &read.digest),
        };
        vec![Change::new(what, before, "none")]
    }
}

/// Deletes what these keys name, some at a time; what is not taken is asked again, later. Gives how many are deleted.
async fn all(
    context: &Context,
    step: &Step<'_>,
    act: &DeleteItems,
    mut keys: Vec<Json>,
) -> Result<usize, (usize, Broken)> {
    let many = keys.len();
    let until = context.now().saturating_add(act.within);
    let (mut tries, mut done) = (0, 0);
    while !keys.is_empty() {
        let batch: Vec<Json> = keys.drain(..keys.len().min(BATCH)).collect();
        let aws = step.aws().map_err(|fault| (done, Broken::before(fault)))?;
        let left = aws.delete(account(act.account.as_ref()), act.table.as_str(), &batch).await;
        let left = left.map_err(|broken| (done, broken))?;
        done += batch.len() - left.len();
        context.progress().advance(done, many);
        if !left.is_empty() {
            tries += 1;
            if tries > TRIES || context.now() >= until {
                let why = format!("DynamoDB does not take {} of the keys", left.len() + keys.len());
                let fault = Fault::new(Kind::RateLimited, why).because(format!("asked {tries} times"));
                return Err((done, Broken::before(fault)));
            }
            keys.extend(left);
            context.let_pass(Duration::from_millis(200 << tries)).await;
        }
    }
    Ok(done)
}

#[async_trait]
impl Act for DeleteItems {
    fn effect(&self) -> Effect {
        Effect::Once
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    fn within(&mut self, seconds: u64) {
        self.within = self.within.min(seconds);
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        context.progress().stage(&format!("counting items of {}", self.table));
        let folder = context.kept()?.place()?;
        let read = self.read(context).await?;
        let query = words(&read.query);
        let mut plan = planned(
            context,
            About {
                action: NAME,
                account: self.account.as_ref(),
                target: format!("table {} {query}", self.table),
                what: format!("delete the items of {} with {query}", self.table),
                changes: self.changes(&read),
                taken_back: TakenBack::Undo,
            },
        )
        .await?;
        plan.nothing = read.items.is_empty();
        if !plan.nothing {
            plan.notes.push(format!("they are kept in {folder} first; dynamodb.restore_items puts them back"));
        }
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let read = self.read(context).await?;
        if self.changes(&read) != attempt.plan.changes {
            return Err(Fault::new(Kind::Busy, format!("items of {} changed while it was begun", self.table))
                .hint("nothing was done; look again"));
        }
        let keys = &read.query.keys;
        let parts = std::iter::once(&keys.partition).chain(&keys.sort);
        let kept = Kept {
            place: attempt.plan.place.clone(),
            table: self.table.to_string(),
            key: parts.map(|(name, kind)| (name.clone(), kind.letter().to_owned())).collect(),
            partition: self.partition.clone(),
            at: context.now(),
            items: read.items.clone(),
        };
        let name = format!("dynamodb-{}-{}.json", self.table, context.aws()?.attempt());
        let many = read.items.len();
        let step = attempt.begin(&json!({ "items": many, "digest": read.digest, "kept": name }))?;
        let back = format!("ira act dynamodb.restore_items {}--kept {name}", flag(self.account.as_ref()));
        let done = async {
            let path =
                step.kept().and_then(|kept_here| kept_here.keep(&name, &kept.bytes())).map_err(Broken::before)?;
            context.progress().stage(&attempt.plan.what);
            let names = keys.names();
            let wanted = read.items.iter().map(|item| key(item, &names)).collect();
            match all(context, &step, self, wanted).await {
                Ok(deleted) => Ok((deleted, path)),
                Err((0, broken)) => Err(broken),
                Err((deleted, Broken { fault, left })) => {
                    let left = if left == Left::Nothing { Left::Something } else { left };
                    let fault = fault
                        .wrap(format!("{deleted} of {many} items are deleted, and {path} has all of them"))
                        .hint(format!("what is left can be deleted by the same command, or all put back by: {back}"));
                    Err(Broken { fault, left })
                }
            }
        };
        let result = done.await.map(|(deleted, path)| Deed {
            summary: format!("{deleted} items of {} deleted, kept in {path}", self.table),
            facts: vec![
                fact("deleted", deleted.to_string()),
                fact("kept in", path.as_str()),
                fact("taken back by", back.as_str()),
            ],
            data: json!({ "deleted": deleted, "kept": name, "path": path }),
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        let query = self.query(context).await?;
        let found = context.aws()?.query(account(self.account.as_ref()), &query).await?;
        let many = found.items.len();
        let proof = match many {
            0 => format!("{} has no item with {} any more", self.table, words(&query)),
            _ => format!("{} has {many} items with {}: others write there", self.table, words(&query)),
        };
        Ok(Verified { worked: many == 0, proof })
    }

    async fn probe(&self, context: &Context, open: &Open) -> Result<Probed, Fault> {
        let begun = &open.begun["more"];
        let query = self.query(context).await?;
        let found = context.aws()?.query(account(self.account.as_ref()), &KeyQuery { most: 10_000, ..query }).await?;
        let now = digest(Json::Array(found.items.clone()).to_string().as_bytes());
        if begun["digest"] == now {
            return Ok(Probed::NotDone(format!("the items of {} are as they were", self.table)));
        }
        let name = begun["kept"].as_str().unwrap_or_default();
        let kept = match context.kept()?.kept(name) {
            Err(fault) if fault.kind == Kind::Missing => {
                // They are kept before the first is deleted.
                return Ok(Probed::NotDone("it ended before anything was deleted: nothing was kept".to_owned()));
            }
            other => Kept::read(&other?, name)?,
        };
        let (still, all) = (among(&kept.items, &found.items, &kept.names()).len(), kept.items.len());
        Ok(match still {
            0 => Probed::Done(format!("none of the {all} items is there any more; {name} has them")),
            some if some == all => Probed::NotDone(format!("all {all} items are there, some of them changed since")),
            some => Probed::Failed(format!("{} of {all} items are deleted; {name} has all of them", all - some)),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_the_parts_of_the_key_and_nothing_else() {
        let item = json!({ "pk": { "S": "a" }, "sk": { "N": "1" }, "x": { "S": "secret" } });
        assert_eq!(key(&item, &["pk", "sk"]), json!({ "pk": { "S": "a" }, "sk": { "N": "1" } }));
        let others = [json!({ "pk": { "S": "a" }, "sk": { "N": "1" }, "x": { "S": "other" } })];
        assert_eq!(among(std::slice::from_ref(&item), &others, &["pk", "sk"]).len(), 1);
        assert!(among(&[item], &[json!({ "pk": { "S": "b" }, "sk": { "N": "1" } })], &["pk", "sk"]).is_empty());
    }
}
