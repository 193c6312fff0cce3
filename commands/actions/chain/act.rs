//! What all actions on a chain have in common: transactions, one turn for all of them, what they cost.

use async_trait::async_trait;
use serde_json::json;

use super::{FillNonceGap, FundKey, FundSubscription, ReplaceTransaction, StoreBlockhash};
use crate::actions::{Act, Attempt, Caps, Deed, Hold, Plan, Verified};
use crate::context::Context;
use crate::effect::{Effect, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact};
use crate::transact::{self, Mined};
use crate::units::{address, coin, hex, short_hex};
use crate::value::U256;

macro_rules! on_chain {
    ($($args:ident: $effect:ident, $taken_back:ident, $settles:literal $(, $evident:expr, $stranger:ident)?;)*) => {$(
        #[async_trait]
        impl Act for $args {
            fn effect(&self) -> Effect {
                Effect::$effect
            }

            fn taken_back(&self) -> TakenBack {
                TakenBack::$taken_back
            }

            $(fn self_evident(&self) -> &'static [(&'static str, &'static str)] {
                $evident
            })?

            fn needs_chain(&self) -> bool {
                true
            }

            fn network(&self) -> Option<String> {
                self.network.clone()
            }

            fn caps(&self) -> Caps {
                Caps { link: self.max_spend.clone(), native: self.max_spend_native.clone() }
            }

            fn cap(&mut self, caps: &Caps) {
                self.max_spend.clone_from(&caps.link);
                self.max_spend_native.clone_from(&caps.native);
            }

            async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
                self.plan(context).await
            }

            $(async fn stranger(&self, context: &Context) -> Result<Option<U256>, Fault> {
                self.$stranger(context).await
            })?

            async fn hold(&self, context: &Context, agreed: &Plan) -> Result<Hold, Fault> {
                let chain_id = agreed.spend()?.chain_id;
                let turn = transact::turn(context, chain_id)?;
                // A replacement is about an attempt that is open: it is looked at where the nonce is taken.
                if $settles {
                    transact::none_open(context, chain_id)?;
                }
                Ok(Hold::Turn(turn))
            }

            async fn carry_out(&self, attempt: &Attempt<'_>) -> Result<Deed, Fault> {
                let Hold::Turn(turn) = attempt.hold else {
                    return Err(Fault::new(Kind::Failed, "the turn of the sender is not held"));
                };
                Ok(deed(attempt.plan, &self.act(attempt.context, turn, attempt.plan).await?))
            }

            async fn verify(&self, context: &Context, agreed: &Plan) -> Result<Verified, Fault> {
                self.verify(context, agreed).await
            }
        }
    )*};
}

on_chain! {
    FundSubscription: Once, Irreversible, true,
        &[("vrf-runbook", "subscriptions.*.link_juels"), ("vrf-runbook", "subscriptions.*.native_wei")], stranger;
    FundKey: Once, Irreversible, true;
    StoreBlockhash: Idempotent, Transient, true;
    ReplaceTransaction: Once, Irreversible, false;
    FillNonceGap: Once, Irreversible, true;
}

/// What was done, by the transactions that did it.
fn deed(plan: &Plan, mined: &[Mined]) -> Deed {
    let cost = mined.iter().fold(U256::zero(), |sum, mined| sum.saturating_add(mined.cost));
    let hashes: Vec<String> = mined.iter().map(|mined| hex(mined.hash.as_bytes())).collect();
    let (native, signer) =
        plan.spend.as_ref().map_or(("", None), |spend| (spend.native.as_str(), Some(address(spend.signer))));
    let mut facts = vec![Fact {
        label: "gas",
        value: Cell::from(coin(cost, native)),
        note: if mined.len() == 1 { "one transaction".to_owned() } else { format!("{} transactions", mined.len()) },
    }];
    facts.extend(mined.iter().map(|mined| Fact {
        label: "transaction",
        value: Cell::shortened(short_hex(mined.hash.as_bytes()), hex(mined.hash.as_bytes())),
        note: format!("block {}", mined.block),
    }));
    let summary = hashes.join(", ");
    let data = json!({ "tx": hashes.last(), "transactions": hashes, "signer": signer, "gas_wei": cost.to_string() });
    Deed { summary, facts, data }
}
