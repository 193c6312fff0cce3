//! Actions on systems: each runnable by hand (`ira act NAME`) and as a step.

pub mod chain;
mod plan;

use serde_json::{Value as Json, json};

use crate::args;
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::transact::{self, Mined, Settled};
use crate::units::{address, coin, hex, short_hex};

pub use plan::{Caps, Change, Plan};

/// The closed list of actions, in the spelling of a command line, a file and the journal.
macro_rules! actions {
    ($($(#[$doc:meta])* $name:literal $variant:ident($args:path),)*) => {
        /// One action with its arguments.
        #[derive(Clone, Debug, PartialEq, clap::Subcommand)]
        pub enum Action {
            $($(#[$doc])* #[command(name = $name)] $variant($args),)*
        }

        impl Action {
            /// Every name.
            pub const NAMES: &'static [&'static str] = &[$($name),*];

            /// The name as it is typed, and as a `do:` spells it.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$variant(_) => $name,)* }
            }

            /// Reads `{do: name, with: {…}}`; `None` where there is no such action.
            pub fn from_data(name: &str, with: Json) -> Option<Result<Self, Fault>> {
                match name {
                    $($name => Some(args::from_json(name, with).map(Self::$variant)),)*
                    _ => None,
                }
            }

            /// The arguments, as a file spells them.
            pub fn with(&self) -> Json {
                match self { $(Self::$variant(args) => serde_json::to_value(args).unwrap_or_default(),)* }
            }

            /// The network by name or alias; `None` where the endpoint's own chain id is to say.
            pub fn network(&self) -> Option<String> {
                match self { $(Self::$variant(args) => args.network.clone(),)* }
            }

            /// The most that may be spent.
            pub fn caps(&self) -> Caps {
                match self {
                    $(Self::$variant(args) => Caps {
                        link: args.max_spend.clone(),
                        native: args.max_spend_native.clone(),
                    },)*
                }
            }

            /// The same with these caps.
            #[must_use]
            pub fn capped(mut self, caps: &Caps) -> Self {
                match &mut self {
                    $(Self::$variant(args) => {
                        args.max_spend.clone_from(&caps.link);
                        args.max_spend_native.clone_from(&caps.native);
                    })*
                }
                self
            }

            /// What it would do now, read from the chain. Changes nothing.
            pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
                match self { $(Self::$variant(args) => args.plan(context).await,)* }
            }

            /// Does what `plan` says, which was read a moment ago.
            async fn act(&self, context: &Context, turn: &transact::Turn, plan: &Plan) -> Result<Vec<Mined>, Fault> {
                match self { $(Self::$variant(args) => args.act(context, turn, plan).await,)* }
            }

            /// Reads on chain, apart from what the acting said, whether it worked; gives what changed, and what did not.
            async fn verify(&self, context: &Context, plan: &Plan) -> Result<Verified, Fault> {
                match self { $(Self::$variant(args) => args.verify(context, plan).await,)* }
            }
        }
    };
}

actions! {
    /// Fund a VRF subscription, in LINK or (V2.5) in the native coin
    "chain.fund_subscription" FundSubscription(chain::FundSubscription),
    /// Send native coins to an account, such as a node's key
    "chain.fund_key" FundKey(chain::FundKey),
    /// Store the hash of a block in a BlockhashStore, however old the block is
    "chain.store_blockhash" StoreBlockhash(chain::StoreBlockhash),
    /// Outbid a transaction of the configured key that waits to be mined
    "chain.replace_transaction" ReplaceTransaction(chain::ReplaceTransaction),
    /// Use up the nonce that later transactions of the configured key wait for
    "chain.fill_nonce_gap" FillNonceGap(chain::FillNonceGap),
}

/// What was found after an action.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// Whether it worked.
    pub worked: bool,
    /// What was read back (`balance read back: 48 LINK`).
    pub proof: String,
}

/// What came of an action that was agreed to.
#[derive(Clone, Debug, PartialEq)]
pub enum Applied {
    /// It was done.
    Done(Box<Report>),
    /// What the plan was made on has changed: nothing was done, and this is the new plan.
    Changed(Box<Plan>),
}

impl Action {
    /// How it may be repeated.
    pub fn effect(&self) -> Effect {
        match self {
            Self::StoreBlockhash(_) => Effect::Idempotent,
            Self::FundSubscription(_) | Self::FundKey(_) | Self::ReplaceTransaction(_) | Self::FillNonceGap(_) => {
                Effect::Once
            }
        }
    }

    /// What it reaches.
    pub fn reach(&self) -> Reach {
        Reach::Target
    }

    /// How it is taken back.
    pub fn taken_back(&self) -> TakenBack {
        match self {
            Self::StoreBlockhash(_) => TakenBack::Transient,
            Self::FundSubscription(_) | Self::FundKey(_) | Self::ReplaceTransaction(_) | Self::FillNonceGap(_) => {
                TakenBack::Irreversible
            }
        }
    }

    /// In a context that may write: plans, checks the caps and acts. In a dry one: plans.
    pub async fn run(&self, context: &Context) -> Result<Report, Fault> {
        let plan = self.plan(context).await?;
        plan.within(&self.caps())?;
        if !context.is_acting() {
            return Ok(plan.report());
        }
        match self.apply(context, &plan).await? {
            Applied::Done(report) => Ok(*report),
            Applied::Changed(_) => Err(Fault::new(Kind::Busy, "what the plan was made on changed while it was begun")
                .hint("run it again to see the new plan")),
        }
    }

    /// Carries out a plan that was agreed to. What it was made on is read again right before anything is sent; while an
    /// attempt of before is open nothing is (kind `Busy`).
    pub async fn apply(&self, context: &Context, agreed: &Plan) -> Result<Applied, Fault> {
        let turn = transact::turn(context, agreed.chain_id)?;
        // A replacement is about an attempt that is open: it is looked at where the nonce is taken.
        if !matches!(self, Self::ReplaceTransaction(_)) {
            transact::none_open(context, agreed.chain_id)?;
        }
        context.progress().stage("reading again what the plan was made on");
        let now = self.plan(context).await?;
        if !now.is_as(agreed) {
            return Ok(Applied::Changed(Box::new(now)));
        }
        if now.is_nothing() {
            return Ok(Applied::Done(Box::new(now.report())));
        }
        let mined = self.act(context, &turn, agreed).await?;
        context.progress().stage("reading back whether it worked");
        let verified = self.verify(context, agreed).await.map_err(|fault| {
            let hashes: Vec<String> = mined.iter().map(|mined| hex(mined.hash.as_bytes())).collect();
            fault.wrap(format!("it was done ({}), and could not be read back", hashes.join(", ")))
        })?;
        Ok(Applied::Done(Box::new(done(agreed, &mined, &verified))))
    }

    /// Settles everything that the payer began before on a chain, and does nothing anew.
    pub async fn settle(context: &Context, chain_id: u64) -> Result<Report, Fault> {
        let turn = transact::turn(context, chain_id)?;
        let settled = transact::resume(context, &turn).await?;
        Ok(settlement(&settled))
    }

    /// What an attempt at it is known by in the journal: what is acted on, never how much.
    pub fn key(&self, chain_id: u64) -> String {
        let on = match self {
            Self::FundSubscription(args) => args.key(),
            Self::FundKey(args) => args.key(),
            Self::StoreBlockhash(args) => args.key(),
            Self::ReplaceTransaction(args) => args.key(),
            Self::FillNonceGap(args) => args.key(),
        };
        format!("{}/{chain_id}/{on}", self.name())
    }

    /// The words of a command line that asks for it, after `ira`.
    pub fn words(&self) -> Vec<String> {
        let mut words = vec!["act".to_owned(), self.name().to_owned()];
        let Json::Object(with) = self.with() else { return words };
        for (name, value) in with {
            let flag = format!("--{name}");
            match value {
                Json::Null | Json::Bool(false) => {}
                Json::Bool(true) => words.push(flag),
                Json::String(text) => words.extend([flag, text]),
                other => words.extend([flag, other.to_string()]),
            }
        }
        words
    }
}

/// What became of the attempts of before.
fn settlement(settled: &[Settled]) -> Report {
    let open = settled.iter().filter(|settled| settled.result.is_err()).count();
    let (status, headline, advice) = match (settled.len(), open) {
        (0, _) => (Status::Ok, "Nothing is open: every attempt of before is settled.".to_owned(), String::new()),
        (all, 0) => (Status::Ok, format!("Settled: {all} attempts of before, all done."), String::new()),
        (all, not) => (
            Status::Warn,
            format!("Settled: {not} of {all} attempts of before did not happen."),
            "plan them anew where they are still needed.".to_owned(),
        ),
    };
    let row = |settled: &Settled| match &settled.result {
        Ok(mined) => vec![
            Cell::from(settled.what.as_str()),
            Cell::from("done").coloured(Status::Ok),
            Cell::shortened(short_hex(mined.hash.as_bytes()), hex(mined.hash.as_bytes())),
        ],
        Err(fault) => vec![
            Cell::from(settled.what.as_str()),
            Cell::from("not done").coloured(Status::Warn),
            Cell::from(fault.one_line()),
        ],
    };
    let json = |settled: &Settled| match &settled.result {
        Ok(mined) => json!({
            "key": settled.key,
            "what": settled.what,
            "status": "done",
            "tx": hex(mined.hash.as_bytes()),
            "block": mined.block,
        }),
        Err(fault) => json!({
            "key": settled.key,
            "what": settled.what,
            "status": "not-done",
            "tx": Json::Null,
            "reason": fault.one_line(),
        }),
    };
    let table = Table {
        columns: vec!["attempt", "status", "transaction"],
        rows: settled.iter().map(row).collect(),
        ..Table::default()
    };
    let tables = if settled.is_empty() { Vec::new() } else { vec![table] };
    Report {
        sections: vec![Section { status, headline, advice, facts: Vec::new(), tables }],
        next: Vec::new(),
        data: json!({ "actions": settled.iter().map(json).collect::<Vec<_>>() }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if open == 0 { Outcome::Well } else { Outcome::Problem },
    }
}

fn done(plan: &Plan, mined: &[Mined], verified: &Verified) -> Report {
    let cost = mined.iter().fold(crate::value::U256::zero(), |sum, mined| sum.saturating_add(mined.cost));
    let hashes: Vec<String> = mined.iter().map(|mined| hex(mined.hash.as_bytes())).collect();
    let (status, headline, advice) = if verified.worked {
        (Status::Ok, format!("Done on {}: {}.", plan.network, verified.proof), String::new())
    } else {
        let headline = format!("Sent on {}, and it did not do what it should: {}.", plan.network, verified.proof);
        (Status::Critical, headline, "look at the transactions below before trying anything again.".to_owned())
    };
    let mut facts = vec![
        Fact { label: "action", value: Cell::from(plan.action), note: plan.what.clone() },
        Fact {
            label: "gas",
            value: Cell::from(coin(cost, &plan.native)),
            note: format!("{} transactions", mined.len()),
        },
    ];
    facts.extend(mined.iter().map(|mined| Fact {
        label: "transaction",
        value: Cell::shortened(short_hex(mined.hash.as_bytes()), hex(mined.hash.as_bytes())),
        note: format!("block {}", mined.block),
    }));
    let section = Section { status, headline, advice, facts, tables: plan.section().tables };
    let changes = plan.json()["changes"].clone();
    Report {
        sections: vec![section],
        next: Vec::new(),
        data: json!({
            "network": plan.network,
            "plan": plan.json(),
            "actions": [{
                "action": plan.action,
                "status": if verified.worked { "done" } else { "unverified" },
                "tx": hashes.last(),
                "transactions": hashes,
                "signer": address(plan.signer),
                "gas_wei": cost.to_string(),
                "changes": changes,
                "proof": verified.proof,
            }],
        }),
        errors: Vec::new(),
        warnings: Vec::new(),
        outcome: if verified.worked { Outcome::Well } else { Outcome::Problem },
    }
}
