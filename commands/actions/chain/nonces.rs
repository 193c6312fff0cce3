//! `chain.replace_transaction` and `chain.fill_nonce_gap`: transactions of the configured key that do not move.

use super::{Scene, key};
use crate::actions::{Change, Plan, Spend, Verified};
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::{Input, Read, TxRequest};
use crate::transact::{self, Mined, Nonce, Quote, Transaction, Turn, Waiting, gwei, quote};
use crate::units::{address, short_address, short_hex};
use crate::value::{H160, U256};
use crate::words::{Coins, Hash};

/// Gas of a transfer of nothing.
const PLAIN: u64 = 21_000;

/// Which transaction.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ReplaceTransaction {
    /// The transaction that waits
    #[arg(long, value_name = "HASH")]
    pub tx: Hash,

    /// Replace it by one that does nothing, so that it never happens
    #[arg(long)]
    #[serde(default)]
    pub cancel: bool,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,

    /// The most LINK that may be spent; what the transaction itself moves does not count
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Coins>,

    /// The most native coins that may be spent, gas included: "0.5 ETH"
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend_native: Option<Coins>,
}

/// A transaction as it waits.
struct Found {
    waiting: Waiting,
    request: TxRequest,
    gas: U256,
    mined: bool,
}

impl ReplaceTransaction {
    pub(in crate::actions) fn key(&self) -> String {
        self.tx.to_string()
    }

    async fn find(&self, context: &Context, scene: &Scene) -> Result<Found, Fault> {
        let found = scene.one(context, Read::Transaction(self.tx.0)).await?;
        if found.list()?.is_empty() {
            return Err(Fault::new(Kind::Missing, format!("no endpoint knows a transaction {}", self.tx))
                .hint("it was dropped, or replaced before; `ira act chain.fill_nonce_gap` fills the gap it left"));
        }
        let from = found.at(0)?.address()?;
        if from != scene.payer.address {
            return Err(Fault::new(
                Kind::Usage,
                format!("it is a transaction of {}, and the key is {}", address(from), address(scene.payer.address)),
            )
            .hint("only who signed it can replace it: on the node's host, `chainlink node rebroadcast-transactions`"));
        }
        let to = match found.at(2)? {
            crate::value::Value::Address(to) => Some(*to),
            _ => None,
        };
        let original = TxRequest { to, input: Input::Raw(found.at(4)?.bytes()?.to_vec()), value: found.at(3)?.uint()? };
        let gas = found.at(5)?.uint()?;
        let (request, gas) = if self.cancel { (nothing(from), U256::from(PLAIN)) } else { (original, gas) };
        Ok(Found {
            waiting: Waiting {
                hash: self.tx.0,
                nonce: found.at(1)?.u64()?,
                max_fee_per_gas: found.at(6)?.uint()?,
                max_priority_fee_per_gas: found.at(7)?.uint()?,
            },
            request,
            gas,
            mined: found.at(8)?.bool()?,
        })
    }

    async fn bid(&self, context: &Context, scene: &Scene, found: &Found) -> Result<Quote, Fault> {
        let now = quote(context, &scene.head, &found.request, Some(found.gas)).await?;
        let bid = now.outbidding(found.waiting.max_fee_per_gas, found.waiting.max_priority_fee_per_gas);
        if bid.max_fee_per_gas > scene.payer.max_fee_per_gas {
            return Err(Fault::new(
                Kind::Failed,
                format!(
                    "outbidding it takes {}, and at most {} may be offered",
                    gwei(bid.max_fee_per_gas),
                    gwei(scene.payer.max_fee_per_gas)
                ),
            )
            .hint("raise `max_fee_gwei` of the network's `signer`"));
        }
        Ok(bid)
    }

    /// What it would do now.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let scene = Scene::of(context).await?;
        let found = self.find(context, &scene).await?;
        let nonce = found.waiting.nonce;
        let short = short_hex(self.tx.0.as_bytes());
        if found.mined {
            return Ok(plan(
                &scene,
                "chain.replace_transaction",
                &self.key(),
                format!("transaction {short} is mined already"),
            ));
        }
        let bid = self.bid(context, &scene, &found).await?;
        let old = &found.waiting;
        let floor = Quote::default().outbidding(old.max_fee_per_gas, old.max_priority_fee_per_gas);
        let doing = if self.cancel { "by one that does nothing" } else { "by the same at a higher price" };
        Ok(Plan {
            what: format!("replace transaction {short} (nonce {nonce}) {doing}"),
            changes: vec![Change::new(
                format!("offer under nonce {nonce}"),
                format!("{}, of it {} for the builder", gwei(old.max_fee_per_gas), gwei(old.max_priority_fee_per_gas)),
                format!("at least {}, of it {}", gwei(floor.max_fee_per_gas), gwei(floor.max_priority_fee_per_gas)),
            )],
            spend: Some(Spend { value: found.request.value, gas: bid.most(), transactions: 1, ..scene.spend() }),
            nothing: false,
            notes: vec!["whichever of the two is mined first counts; never both".to_owned()],
            ..plan(&scene, "chain.replace_transaction", &self.key(), String::new())
        })
    }

    pub(in crate::actions) async fn act(
        &self,
        context: &Context,
        turn: &Turn,
        plan: &Plan,
    ) -> Result<Vec<Mined>, Fault> {
        let scene = Scene::of(context).await?;
        let found = self.find(context, &scene).await?;
        let transaction = Transaction {
            key: plan.target.clone(),
            effect: Effect::Once,
            what: plan.what.clone(),
            gas: Some(found.gas),
            request: found.request,
            most: plan.spend()?.gas,
            link: U256::zero(),
            nonce: Nonce::Replacing(found.waiting),
        };
        Ok(vec![transact::transact(context, turn, &transaction).await?])
    }

    pub(in crate::actions) async fn verify(&self, context: &Context, plan: &Plan) -> Result<Verified, Fault> {
        moved(context, plan, None).await
    }
}

/// Which gap.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FillNonceGap {
    /// The nonce that is missing: the first that no transaction has
    #[arg(long, value_name = "NONCE")]
    pub nonce: u64,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,

    /// The most LINK that may be spent; this spends none
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Coins>,

    /// The most native coins that may be spent, gas included: "0.5 ETH"
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend_native: Option<Coins>,
}

impl FillNonceGap {
    pub(in crate::actions) fn key(&self) -> String {
        format!("nonce-{}", self.nonce)
    }

    /// What it would do now.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let scene = Scene::of(context).await?;
        let (mined, pending) = nonces(context, &scene, scene.payer.address).await?;
        let nonce = self.nonce;
        if nonce < mined {
            return Ok(plan(&scene, "chain.fill_nonce_gap", &self.key(), format!("nonce {nonce} is used already")));
        }
        if nonce < pending {
            return Err(transact::no_gap(nonce));
        }
        let quote = quote(context, &scene.head, &nothing(scene.payer.address), Some(U256::from(PLAIN))).await?;
        Ok(Plan {
            what: format!("send nothing from {} to itself with nonce {nonce}", short_address(scene.payer.address)),
            changes: vec![Change::new(format!("nonce {nonce}"), "no transaction has it", "mined")],
            spend: Some(Spend { gas: quote.most(), transactions: 1, ..scene.spend() }),
            nothing: false,
            notes: vec![
                "the transactions that wait behind the gap are mined next: look at what they do first".to_owned(),
            ],
            ..plan(&scene, "chain.fill_nonce_gap", &self.key(), String::new())
        })
    }

    pub(in crate::actions) async fn act(
        &self,
        context: &Context,
        turn: &Turn,
        plan: &Plan,
    ) -> Result<Vec<Mined>, Fault> {
        let transaction = Transaction {
            key: plan.target.clone(),
            effect: Effect::Once,
            what: plan.what.clone(),
            request: nothing(plan.spend()?.signer),
            gas: Some(U256::from(PLAIN)),
            most: plan.spend()?.gas,
            link: U256::zero(),
            nonce: Nonce::Gap(self.nonce),
        };
        Ok(vec![transact::transact(context, turn, &transaction).await?])
    }

    pub(in crate::actions) async fn verify(&self, context: &Context, plan: &Plan) -> Result<Verified, Fault> {
        moved(context, plan, Some(self.nonce)).await
    }
}

/// A transfer of nothing to oneself.
fn nothing(account: H160) -> TxRequest {
    TxRequest { to: Some(account), input: Input::Raw(Vec::new()), value: U256::zero() }
}

/// A plan of nothing, to be filled in.
fn plan(scene: &Scene, action: &'static str, on: &str, what: String) -> Plan {
    let network = &scene.head.network;
    Plan {
        action,
        what,
        place: network.name.clone(),
        target: key(action, network.chain_id, on),
        changes: Vec::new(),
        spend: Some(scene.spend()),
        nothing: true,
        effect: Effect::Once,
        reach: Reach::Target,
        taken_back: TakenBack::Irreversible,
        notes: Vec::new(),
    }
}

/// How far the signer's transactions came: past this nonce, where it is known which one was to be used.
async fn moved(context: &Context, plan: &Plan, past: Option<u64>) -> Result<Verified, Fault> {
    let scene = Scene::of(context).await?;
    let signer = plan.spend()?.signer;
    let (mined, pending) = nonces(context, &scene, signer).await?;
    let worked = past.is_none_or(|nonce| mined > nonce);
    let waiting = match pending.saturating_sub(mined) {
        0 => "nothing waits in its turn".to_owned(),
        1 => "one more waits in its turn".to_owned(),
        many => format!("{many} more wait in their turn"),
    };
    let used = past.filter(|_| worked).unwrap_or(mined.saturating_sub(1));
    Ok(Verified { worked, proof: format!("nonce {used} is used, {waiting}") })
}

/// How many transactions of an account are mined, and how many with those that wait in their turn.
async fn nonces(context: &Context, scene: &Scene, account: H160) -> Result<(u64, u64), Fault> {
    let answers = scene.read(context, vec![Read::Nonce(account), Read::PendingNonce(account)]).await?;
    let [mined, pending] = answers.try_into().map_err(|_| Fault::new(Kind::Failed, "was not asked"))?;
    Ok((mined?.u64()?, pending?.u64()?))
}
