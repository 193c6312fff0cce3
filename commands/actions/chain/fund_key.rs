//! `chain.fund_key`: native coins for an account that runs dry, such as the key that a node sends from.

use super::{Scene, exact, grown, key, something};
use crate::actions::{Change, Plan, Spend, Verified};
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::{Input, Read, TxRequest};
use crate::transact::{self, Mined, Nonce, Transaction, Turn, quote};
use crate::units::address;
use crate::value::U256;
use crate::words::{Address, Coins};

/// The name of the action.
const NAME: &str = "chain.fund_key";

/// Which account, and how much.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FundKey {
    /// The account
    #[arg(long, value_name = "ADDRESS")]
    pub key: Address,

    /// How much of the native coin: "0.5 ETH"
    #[arg(long, value_name = "AMOUNT")]
    pub amount: Coins,

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

impl FundKey {
    pub(in crate::actions) fn key(&self) -> String {
        address(self.key.0)
    }

    fn request(&self) -> TxRequest {
        TxRequest { to: Some(self.key.0), input: Input::Raw(Vec::new()), value: self.amount.units }
    }

    /// What it would do now.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        something(self.amount.units)?;
        let scene = Scene::of(context).await?;
        let network = &scene.head.network;
        let symbol = &network.native;
        if !self.amount.is(symbol) {
            return Err(Fault::new(
                Kind::Usage,
                format!("--amount is in {}, and a key of {} is funded in {symbol}", self.amount.symbol, network.name),
            ));
        }
        if self.key.0 == scene.payer.address {
            return Err(Fault::new(Kind::Usage, "--key is the account that signs: it would send to itself"));
        }
        let reads = vec![Read::Balance(self.key.0), Read::Code(self.key.0), Read::Balance(scene.payer.address)];
        let answers = scene.read(context, reads).await?;
        let [before, code, held] = answers.try_into().map_err(|_| Fault::new(Kind::Failed, "was not asked"))?;
        let (before, held) = (before?.uint()?, held?.uint()?);
        if held < self.amount.units {
            return Err(transact::too_poor(scene.payer.address, held, self.amount.units, symbol));
        }
        let quote = quote(context, &scene.head, &self.request(), None).await?;
        let mut notes = Vec::new();
        if !code?.bytes()?.is_empty() {
            notes.push("it is a contract, not a plain account: is that what you mean to fund?".to_owned());
        }
        Ok(Plan {
            action: NAME,
            what: format!("send {} to {}", exact(self.amount.units, symbol), address(self.key.0)),
            place: network.name.clone(),
            target: key(NAME, network.chain_id, &self.key()),
            changes: vec![Change::new(
                format!("balance of {}", address(self.key.0)),
                exact(before, symbol),
                exact(before.saturating_add(self.amount.units), symbol),
            )],
            spend: Some(Spend {
                link: U256::zero(),
                value: self.amount.units,
                gas: quote.most(),
                transactions: 1,
                ..scene.spend()
            }),
            nothing: false,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: TakenBack::Irreversible,
            notes,
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
            request: self.request(),
            gas: None,
            most: plan.spend()?.gas,
            link: U256::zero(),
            nonce: Nonce::Next,
        };
        Ok(vec![transact::transact(context, turn, &transaction).await?])
    }

    pub(in crate::actions) async fn verify(&self, context: &Context, plan: &Plan) -> Result<Verified, Fault> {
        let scene = Scene::of(context).await?;
        let now = scene.one(context, Read::Balance(self.key.0)).await?.uint()?;
        let before = plan.changes.first().and_then(|change| change.before.parse::<Coins>().ok());
        let before = before.map_or(U256::zero(), |coins| coins.units);
        Ok(grown("its balance", before, self.amount.units, now, &scene.head.network.native))
    }
}
