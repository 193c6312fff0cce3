//! `dynamodb.restore_items`: items that were kept before they were deleted are put back, where none has their key by now.

use async_trait::async_trait;
use serde_json::{Value as Json, json};

use super::super::{About, Name, account, fact, planned};
use super::kept::{Kept, among};
use crate::actions::{Act, Attempt, Broken, Change, Deed, Left, Plan, Probed, Verified};
use crate::context::{Context, Open};
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};

/// The most items of a partition that are looked through.
const MOST: usize = 10_000;

/// Which items.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RestoreItems {
    /// The account of the configuration, [aws.NAME]; the one without a name where not given
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Name>,

    /// The file that `dynamodb.delete_items` said, by its name
    #[arg(long, value_name = "NAME")]
    pub kept: Name,
}

impl RestoreItems {
    /// The items that are to be put back, and all that were kept.
    async fn read(&self, context: &Context) -> Result<(Kept, Vec<Json>), Fault> {
        let kept = Kept::read(&context.kept()?.kept(self.kept.as_str())?, self.kept.as_str())?;
        let aws = context.aws()?;
        let place = aws.place(account(self.account.as_ref())).await?;
        if place != kept.place {
            let why = format!("{} was kept of {}, not of {place}", self.kept, kept.place);
            return Err(Fault::new(Kind::Usage, why).hint("nothing was done; name the same --account"));
        }
        let there = aws.query(account(self.account.as_ref()), &kept.query(MOST)?).await?;
        let found = among(&kept.items, &there.items, &kept.names());
        let gone = kept.items.iter().filter(|item| !found.contains(item)).cloned().collect();
        Ok((kept, gone))
    }
}

#[async_trait]
impl Act for RestoreItems {
    /// What is there by now is left as it is: a second time finds all of them.
    fn effect(&self) -> Effect {
        Effect::Idempotent
    }

    fn taken_back(&self) -> TakenBack {
        TakenBack::Undo
    }

    async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let (kept, gone) = self.read(context).await?;
        let (all, many) = (kept.items.len(), gone.len());
        let before = format!("{} of {all} are there", all - many);
        let mut plan = planned(
            context,
            About {
                action: "dynamodb.restore_items",
                account: self.account.as_ref(),
                target: format!("table {} {}", kept.table, self.kept),
                what: format!("put {many} items of {} back into {}", self.kept, kept.table),
                changes: vec![Change::new(
                    format!("items of {}", kept.table),
                    before,
                    format!("{all} of {all} are there"),
                )],
                taken_back: TakenBack::Undo,
            },
        )
        .await?;
        plan.effect = Effect::Idempotent;
        plan.notes.push("what has one of their keys by now is left as it is".to_owned());
        Ok(plan)
    }

    async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
        let context = attempt.context;
        let (kept, gone) = self.read(context).await?;
        let step = attempt.begin(&json!({ "items": gone.len() }))?;
        let (names, many) = (kept.names(), gone.len());
        let done = async {
            let aws = step.aws().map_err(Broken::before)?;
            let (mut put, mut other) = (0_usize, 0_usize);
            for item in &gone {
                match aws.put_new(account(self.account.as_ref()), &kept.table, &names, item).await {
                    Ok(true) => put += 1,
                    Ok(false) => other += 1,
                    Err(broken) if put == 0 => return Err(broken),
                    Err(Broken { fault, left }) => {
                        let left = if left == Left::Nothing { Left::Something } else { left };
                        let fault = fault
                            .wrap(format!("{put} of {many} items were put back"))
                            .hint("the same command puts back what is missing");
                        return Err(Broken { fault, left });
                    }
                }
                context.progress().advance(put + other, many);
            }
            Ok((put, other))
        };
        let result = done.await.map(|(put, other)| Deed {
            summary: format!("{put} items put back into {}", kept.table),
            facts: vec![fact("put back", put.to_string()), fact("left as they are", other.to_string())],
            data: json!({ "restored": put, "left": other }),
        });
        attempt.end(step, result)
    }

    async fn verify(&self, context: &Context, _: &Plan) -> Result<Verified, Fault> {
        let (kept, gone) = self.read(context).await?;
        let all = kept.items.len();
        Ok(Verified { worked: gone.is_empty(), proof: format!("{} of {all} items are there", all - gone.len()) })
    }

    async fn probe(&self, context: &Context, _: &Open) -> Result<Probed, Fault> {
        let (kept, gone) = self.read(context).await?;
        let all = kept.items.len();
        Ok(match gone.len() {
            0 => Probed::Done(format!("all {all} items are there")),
            some if some == all => Probed::NotDone("none of the items is there".to_owned()),
            some => Probed::Failed(format!("{} of {all} items are there", all - some)),
        })
    }
}
