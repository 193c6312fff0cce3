//! `chain.fund_subscription`: anyone may fund a VRF subscription; only its owner may take it back.

use super::{Scene, ask, call, calling, exact, grown, key, not_a, something};
use crate::actions::{Change, Plan, Spend, Verified};
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::{Fundable, Input, Interface, Read, TxRequest};
use crate::transact::{self, Mined, Nonce, Transaction, Turn, quote};
use crate::units::{address, short_address};
use crate::value::{H160, U256, Value};
use crate::words::{Address, Coins, Id};

/// The name of the action.
const NAME: &str = "chain.fund_subscription";

/// Which subscription, and how much.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct FundSubscription {
    /// The VRF coordinator, V2 or V2.5
    #[arg(long, value_name = "ADDRESS")]
    pub coordinator: Address,

    /// The subscription
    #[arg(long, value_name = "ID")]
    pub subscription: Id,

    /// How much, and of what: "44.8 LINK", or (V2.5) "0.5 ETH"
    #[arg(long, value_name = "AMOUNT")]
    pub amount: Coins,

    /// The network, by its name in the configuration (`ira help networks`)
    #[arg(long, value_name = "NAME")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub network: Option<String>,

    /// The most LINK that may be spent: "5 LINK"
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend: Option<Coins>,

    /// The most native coins that may be spent, gas included: "0.5 ETH"
    #[arg(long, value_name = "AMOUNT")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max_spend_native: Option<Coins>,
}

/// A subscription as its coordinator has it.
struct Subscription {
    plus: bool,
    owner: H160,
    token: H160,
    link: U256,
    native: U256,
}

impl FundSubscription {
    pub(in crate::actions) fn key(&self) -> String {
        let coin = if self.amount.is("LINK") { "link" } else { "native" };
        format!("{}/{}/{coin}", address(self.coordinator.0), self.subscription)
    }

    /// The subscription's state, by whichever coordinator it is.
    async fn subscription(&self, context: &Context, scene: &Scene) -> Result<Subscription, Fault> {
        let at = self.coordinator.0;
        let reads = vec![
            ask(at, call(Interface::VrfV2, "typeAndVersion", vec![])),
            ask(at, call(Interface::VrfV25, "LINK", vec![])),
            Read::Code(at),
        ];
        let mut answers = scene.read(context, reads).await?.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")));
        // V2.5 has no `typeAndVersion`: that is how the two are told apart.
        let plus = match next() {
            Ok(version) if version.text()?.starts_with("VRFCoordinatorV2 ") => false,
            Ok(version) => {
                let version = crate::text::excerpt(version.text()?, 40);
                return Err(
                    not_a("VRF coordinator that is known", at).because(format!("it says that it is `{version}`"))
                );
            }
            Err(fault) if matches!(fault.kind, Kind::Reverted | Kind::Missing) => true,
            Err(fault) => return Err(fault.wrap("the coordinator cannot be read")),
        };
        let token = next();
        if next()?.bytes()?.is_empty() {
            return Err(not_a("contract", at));
        }
        let token = token.map_err(|fault| not_a("VRF coordinator", at).because(fault.one_line()))?.address()?;
        if let Some(known) = scene.head.network.link.filter(|known| *known != token) {
            return Err(not_a("coordinator of this network", at).because(format!(
                "its LINK token is {}, and that of {} is {}",
                address(token),
                scene.head.network.name,
                address(known)
            )));
        }
        let id = self.subscription.0;
        if !plus && id.bits() > 64 {
            return Err(Fault::new(
                Kind::Usage,
                format!("{} is a V2 coordinator, and its ids have 64 bits", short_address(at)),
            )
            .because(format!("{id} has {}: it is an id of V2.5", id.bits())));
        }
        let interface = if plus { Interface::VrfV25 } else { Interface::VrfV2 };
        let read = ask(at, call(interface, "getSubscription", vec![Value::Uint(id)]));
        let state = scene.one(context, read).await.map_err(|fault| match fault.kind {
            Kind::Reverted => {
                Fault::new(Kind::Missing, format!("coordinator {} has no subscription {id}", short_address(at)))
                    .because(fault.one_line())
                    .hint("it was cancelled, or belongs to another coordinator")
            }
            _ => fault,
        })?;
        let native = if plus { state.at(1)?.uint()? } else { U256::zero() };
        let owner = state.at(if plus { 3 } else { 2 })?.address()?;
        Ok(Subscription { plus, owner, token, link: state.at(0)?.uint()?, native })
    }

    fn is_link(&self) -> bool {
        self.amount.is("LINK")
    }

    fn request(&self, subscription: &Subscription) -> TxRequest {
        let mut id = [0; 32];
        self.subscription.0.to_big_endian(&mut id);
        let (coordinator, amount) = (self.coordinator.0, self.amount.units);
        if self.is_link() {
            // `abi.encode` of a uint64 and of a uint256 are the same word.
            let args = vec![Value::Address(coordinator), Value::Uint(amount), Value::Bytes(id.to_vec())];
            calling(subscription.token, call(Interface::Link, "transferAndCall", args))
        } else {
            let args = vec![Value::Uint(self.subscription.0)];
            let call = call(Interface::VrfV25, "fundSubscriptionWithNative", args);
            TxRequest { to: Some(coordinator), input: Input::Call(call), value: amount }
        }
    }

    /// What it would do now.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        something(self.amount.units)?;
        let scene = Scene::of(context).await?;
        let network = &scene.head.network;
        context.progress().stage("reading the subscription");
        let subscription = self.subscription(context, &scene).await?;
        let (symbol, before) = if self.is_link() {
            ("LINK", subscription.link)
        } else if !self.amount.is(&network.native) {
            return Err(Fault::new(Kind::Usage, format!("--amount is in {}", self.amount.symbol))
                .hint(format!("a subscription of {} is funded in LINK or {}", network.name, network.native)));
        } else if subscription.plus {
            (network.native.as_str(), subscription.native)
        } else {
            return Err(Fault::new(Kind::Usage, "a V2 coordinator takes LINK only").hint("give --amount in LINK"));
        };
        let held = if self.is_link() {
            let balance = call(Interface::Link, "balanceOf", vec![Value::Address(scene.payer.address)]);
            scene.one(context, ask(subscription.token, balance)).await?.uint()?
        } else {
            scene.one(context, Read::Balance(scene.payer.address)).await?.uint()?
        };
        if held < self.amount.units {
            return Err(transact::too_poor(scene.payer.address, held, self.amount.units, symbol));
        }
        let quote = quote(context, &scene.head, &self.request(&subscription), None).await?;
        let (link, value) =
            if self.is_link() { (self.amount.units, U256::zero()) } else { (U256::zero(), self.amount.units) };
        let after = before.saturating_add(self.amount.units);
        let way = if self.is_link() { "LINK transferAndCall" } else { "fundSubscriptionWithNative" };
        Ok(Plan {
            action: NAME,
            what: format!("{way} {} to subscription {}", exact(self.amount.units, symbol), self.subscription),
            place: network.name.clone(),
            target: key(NAME, network.chain_id, &self.key()),
            changes: vec![Change::new(
                format!("{symbol} of subscription {}", self.subscription),
                exact(before, symbol),
                exact(after, symbol),
            )],
            spend: Some(Spend { link, value, gas: quote.most(), transactions: 1, ..scene.spend() }),
            nothing: false,
            effect: Effect::Once,
            reach: Reach::Target,
            taken_back: TakenBack::Irreversible,
            notes: vec!["only the subscription's owner can take it out again".to_owned()],
        })
    }

    /// The subscription, where the configuration lists neither it nor its owner. That a listed consumer waits on it, only
    /// the runbook sees.
    pub(in crate::actions) async fn stranger(&self, context: &Context) -> Result<Option<U256>, Fault> {
        let scene = Scene::of(context).await?;
        let listed = &scene.head.network.vrf.fund;
        if listed.contains(&Fundable::Subscription(self.subscription.0)) {
            return Ok(None);
        }
        let owner = self.subscription(context, &scene).await?.owner;
        let is_ours = listed.contains(&Fundable::Owner(owner));
        Ok((!is_ours).then_some(self.subscription.0))
    }

    pub(in crate::actions) async fn act(
        &self,
        context: &Context,
        turn: &Turn,
        plan: &Plan,
    ) -> Result<Vec<Mined>, Fault> {
        let scene = Scene::of(context).await?;
        let subscription = self.subscription(context, &scene).await?;
        let transaction = Transaction {
            key: plan.target.clone(),
            effect: Effect::Once,
            what: plan.what.clone(),
            request: self.request(&subscription),
            gas: None,
            most: plan.spend()?.gas,
            link: plan.spend()?.link,
            nonce: Nonce::Next,
        };
        Ok(vec![transact::transact(context, turn, &transaction).await?])
    }

    pub(in crate::actions) async fn verify(&self, context: &Context, plan: &Plan) -> Result<Verified, Fault> {
        let scene = Scene::of(context).await?;
        let subscription = self.subscription(context, &scene).await?;
        let (symbol, now) = if self.is_link() {
            ("LINK", subscription.link)
        } else {
            (scene.head.network.native.as_str(), subscription.native)
        };
        let before = plan.changes.first().and_then(|change| change.before.parse::<Coins>().ok());
        let before = before.map_or(U256::zero(), |coins| coins.units);
        Ok(grown("its balance", before, self.amount.units, now, symbol))
    }
}
