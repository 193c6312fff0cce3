//! `chain.store_blockhash`: the EVM forgets the hash of a block after 256 blocks; a BlockhashStore does not.
//!
//! Within the 256 blocks `store(n)` reads it. Beyond, the store takes the hash of block n from the header of block n + 1,
//! whose own hash it has: so from the earliest that can still be read, or the nearest that is stored, one walks back.

use super::{Scene, ask, call, calling, key, not_a};
use crate::actions::{Change, Plan, Verified};
use crate::context::Context;
use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::ports::{Interface, Read, TxRequest};
use crate::transact::{self, Mined, Nonce, Transaction, Turn, quote};
use crate::units::{hex, keccak256, short_address, thousands};
use crate::value::{U256, Value};
use crate::words::{Address, Coins};

/// The name of the action.
const NAME: &str = "chain.store_blockhash";
/// How far back the EVM remembers hashes, blocks.
const WINDOW: u64 = 256;
/// Blocks before the end of the window in which a transaction may not be mined in time.
const MARGIN: u64 = 10;
/// The furthest that is walked back, blocks.
const FURTHEST: u64 = 5_000;
/// Headers in one transaction of a batch.
const IN_BATCH: u64 = 60;
/// Gas for one header in a batch, at most: its bytes, its hash, one word of storage.
const GAS_IN_BATCH: u64 = 75_000;
/// Gas for a header in a transaction of its own, at most.
const GAS_ALONE: u64 = 130_000;
/// Blocks that may be mined while the plan is looked at.
const DRIFT: u64 = 30;

/// Which block, and where.
#[derive(Clone, Debug, PartialEq, clap::Args, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct StoreBlockhash {
    /// The BlockhashStore
    #[arg(long, value_name = "ADDRESS")]
    pub store: Address,

    /// The block whose hash is missing
    #[arg(long, value_name = "NUMBER")]
    pub block: u64,

    /// A BatchBlockhashStore of that store, for old blocks: 60 headers in a transaction instead of one
    #[arg(long, value_name = "ADDRESS")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub batch: Option<Address>,

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

/// From where the hash is come by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    /// The EVM remembers it.
    Direct,
    /// Back from a block whose hash is stored.
    From(u64),
    /// Back from the earliest that the EVM remembers, which is stored first.
    Earliest,
}

impl StoreBlockhash {
    pub(in crate::actions) fn key(&self) -> String {
        format!("{}/{}", crate::units::address(self.store.0), self.block)
    }

    fn get(&self, block: u64) -> Read {
        ask(self.store.0, call(Interface::BlockhashStore, "getBlockhash", vec![Value::Uint(U256::from(block))]))
    }

    /// The hash that the store has of a block; `None` where it has none.
    fn stored(answer: Result<Value, Fault>) -> Result<Option<Vec<u8>>, Fault> {
        match answer {
            Ok(hash) => Ok(Some(hash.bytes()?.to_vec())),
            Err(fault) if fault.kind == Kind::Reverted => Ok(None),
            Err(fault) => Err(fault),
        }
    }

    /// The hash of the block, from its header, and what the store has of it.
    async fn look(&self, context: &Context, scene: &Scene) -> Result<([u8; 32], Option<Vec<u8>>), Fault> {
        let head = scene.head.block.number;
        if self.block >= head {
            return Err(Fault::new(
                Kind::Missing,
                format!("block {} is not there yet: the newest is {head}", self.block),
            ));
        }
        let reads = vec![Read::Header(self.block), self.get(self.block), Read::Code(self.store.0)];
        let answers = scene.read(context, reads).await?;
        let [header, stored, code] = answers.try_into().map_err(|_| Fault::new(Kind::Failed, "was not asked"))?;
        if code?.bytes()?.is_empty() {
            return Err(not_a("contract", self.store.0));
        }
        Ok((keccak256(header?.bytes()?), Self::stored(stored)?))
    }

    /// How the hash can be come by.
    async fn way(&self, context: &Context, scene: &Scene) -> Result<Way, Fault> {
        let head = scene.head.block.number;
        let age = head - self.block;
        if age <= WINDOW - MARGIN {
            return Ok(Way::Direct);
        }
        let last = (self.block + FURTHEST).min(head);
        context.progress().stage("looking for the nearest hash that is stored");
        let answers = scene.read(context, (self.block + 1..=last).map(|block| self.get(block)).collect()).await?;
        for (block, answer) in (self.block + 1..=last).zip(answers) {
            if Self::stored(answer)?.is_some() {
                return Ok(Way::From(block));
            }
        }
        if age - WINDOW > FURTHEST {
            return Err(Fault::new(
                Kind::Failed,
                format!("block {} is {} blocks back, and no hash near it is stored", self.block, thousands(age)),
            )
            .because(format!("at most {} headers are walked back", thousands(FURTHEST)))
            .hint(format!("walk in stages: store block {} first", head - WINDOW - FURTHEST + 1)));
        }
        Ok(Way::Earliest)
    }

    async fn check_batch(&self, context: &Context, scene: &Scene) -> Result<(), Fault> {
        let Some(batch) = self.batch else { return Ok(()) };
        let of = scene.one(context, ask(batch.0, call(Interface::BatchBlockhashStore, "BHS", vec![]))).await;
        let of = of.map_err(|fault| not_a("BatchBlockhashStore", batch.0).because(fault.one_line()))?.address()?;
        if of == self.store.0 {
            Ok(())
        } else {
            Err(not_a("batch of this store", batch.0).because(format!("it writes to {}", crate::units::address(of))))
        }
    }

    fn plainly(&self, function: &'static str, args: Vec<Value>) -> TxRequest {
        calling(self.store.0, call(Interface::BlockhashStore, function, args))
    }

    fn direct(&self) -> TxRequest {
        self.plainly("store", vec![Value::Uint(U256::from(self.block))])
    }

    /// What it would do now.
    pub async fn plan(&self, context: &Context) -> Result<Plan, Fault> {
        let scene = Scene::of(context).await?;
        let network = &scene.head.network;
        let (hash, stored) = self.look(context, &scene).await?;
        let hash = hex(&hash);
        let mut plan = Plan {
            action: NAME,
            what: String::new(),
            place: network.name.clone(),
            target: key(NAME, network.chain_id, &self.key()),
            changes: Vec::new(),
            spend: Some(scene.spend()),
            nothing: true,
            effect: Effect::Idempotent,
            reach: Reach::Target,
            taken_back: TakenBack::Transient,
            notes: Vec::new(),
        };
        if let Some(stored) = stored.map(|stored| hex(&stored)) {
            plan.what = format!("the hash of block {} is stored already", thousands(self.block));
            if stored != hash {
                plan.notes.push(format!("it is {stored}, and the block's is {hash}: was there a reorganisation?"));
            }
            return Ok(plan);
        }
        self.check_batch(context, &scene).await?;
        let way = self.way(context, &scene).await?;
        let shown = thousands(self.block);
        let first = match way {
            Way::Direct => Some(self.direct()),
            Way::Earliest => Some(self.plainly("storeEarliest", vec![])),
            Way::From(_) => None,
        };
        let mut spend = scene.spend();
        let mut price = None;
        if let Some(request) = &first {
            let quote = quote(context, &scene.head, request, None).await?;
            spend.gas = quote.most();
            spend.transactions = 1;
            price = Some(quote.max_fee_per_gas);
        }
        if way == Way::Direct {
            plan.what = format!(
                "store the hash of block {shown}, which the chain remembers for {} blocks more",
                WINDOW - (scene.head.block.number - self.block)
            );
        } else {
            let (from, slack) = match way {
                Way::From(block) => (block, 0),
                _ => (scene.head.block.number - WINDOW, DRIFT),
            };
            let headers = from - self.block;
            let (each, gas) = match self.batch {
                Some(_) => (IN_BATCH, GAS_IN_BATCH),
                None => (1, GAS_ALONE),
            };
            let price = match price {
                Some(price) => price,
                None => quote(context, &scene.head, &self.direct(), Some(U256::from(gas))).await?.max_fee_per_gas,
            };
            spend.gas = spend.gas.saturating_add(U256::from((headers + slack) * gas).saturating_mul(price));
            let count = headers.div_ceil(each);
            spend.transactions += usize::try_from(count).unwrap_or(usize::MAX);
            let begin = if way == Way::Earliest { "storeEarliest, then " } else { "" };
            let from = if way == Way::Earliest { String::new() } else { format!(" from block {}", thousands(from)) };
            let many = if count == 1 { "one transaction".to_owned() } else { format!("{count} transactions") };
            plan.what = format!("store the hash of block {shown}: {begin}{headers} headers back{from} in {many}");
            if self.batch.is_none() && headers > 1 {
                plan.notes
                    .push("each header takes a transaction of its own; --batch ADDRESS takes 60 at once".to_owned());
            }
        }
        plan.changes.push(Change::new(
            format!("hash of block {shown} in {}", short_address(self.store.0)),
            "not stored",
            hash,
        ));
        plan.spend = Some(spend);
        plan.nothing = false;
        Ok(plan)
    }

    pub(in crate::actions) async fn act(
        &self,
        context: &Context,
        turn: &Turn,
        plan: &Plan,
    ) -> Result<Vec<Mined>, Fault> {
        let scene = Scene::of(context).await?;
        let mut work = Work { context, turn, plan, left: plan.spend()?.gas, mined: Vec::new() };
        let mut from = match self.way(context, &scene).await? {
            Way::Direct => {
                work.send("store", self.direct(), "storing the hash").await?;
                return Ok(work.mined);
            }
            Way::From(block) => block,
            Way::Earliest => {
                let mined =
                    work.send("earliest", self.plainly("storeEarliest", vec![]), "storing the earliest hash").await?;
                mined.block.saturating_sub(WINDOW)
            }
        };
        let total = from - self.block;
        while from > self.block {
            let count = if self.batch.is_some() { IN_BATCH.min(from - self.block) } else { 1 };
            context.progress().stage("walking back over the headers");
            let done = usize::try_from(total - (from - self.block)).unwrap_or(0);
            context.progress().advance(done, usize::try_from(total).unwrap_or(0));
            let request = self.headers(context, from, count).await?;
            let what = format!("{count} headers back from block {}", thousands(from));
            work.send(&format!("from-{from}"), request, &what).await?;
            from -= count;
        }
        Ok(work.mined)
    }

    /// The transaction that stores the hashes of the `count` blocks before `from`, whose own hash is stored.
    async fn headers(&self, context: &Context, from: u64, count: u64) -> Result<TxRequest, Fault> {
        let head = context.chain()?.head().await?;
        // The hash of block n stands in the header of block n + 1.
        let blocks: Vec<u64> = (from - count + 1..=from).rev().collect();
        let reads = blocks.iter().map(|block| Read::Header(*block)).collect();
        let headers: Vec<Value> =
            context.chain()?.snapshot(&head.block, reads).await.into_iter().collect::<Result<_, _>>()?;
        let numbers: Vec<Value> = blocks.iter().map(|block| Value::Uint(U256::from(block - 1))).collect();
        Ok(match self.batch {
            Some(batch) => {
                let args = vec![Value::List(numbers), Value::List(headers)];
                calling(batch.0, call(Interface::BatchBlockhashStore, "storeVerifyHeader", args))
            }
            None => self.plainly("storeVerifyHeader", numbers.into_iter().chain(headers).collect()),
        })
    }

    pub(in crate::actions) async fn verify(&self, context: &Context, _plan: &Plan) -> Result<Verified, Fault> {
        let scene = Scene::of(context).await?;
        let (hash, stored) = self.look(context, &scene).await?;
        let shown = thousands(self.block);
        Ok(match stored {
            Some(stored) if stored == hash => {
                Verified { worked: true, proof: format!("hash of block {shown} stored and read back") }
            }
            Some(stored) => Verified {
                worked: false,
                proof: format!("the hash of block {shown} reads back as {}, not {}", hex(&stored), hex(&hash)),
            },
            None => Verified { worked: false, proof: format!("the hash of block {shown} is still not stored") },
        })
    }
}

/// Several transactions under one plan.
struct Work<'a> {
    context: &'a Context,
    turn: &'a Turn,
    plan: &'a Plan,
    /// What is left of the gas that was agreed to, wei.
    left: U256,
    mined: Vec<Mined>,
}

impl Work<'_> {
    async fn send(&mut self, part: &str, request: TxRequest, what: &str) -> Result<Mined, Fault> {
        let transaction = Transaction {
            key: format!("{}/{part}", self.plan.target),
            effect: Effect::Idempotent,
            what: what.to_owned(),
            request,
            gas: None,
            most: self.left,
            link: U256::zero(),
            nonce: Nonce::Next,
        };
        let mined = transact::transact(self.context, self.turn, &transaction).await?;
        self.left = self.left.saturating_sub(mined.cost);
        self.mined.push(mined.clone());
        Ok(mined)
    }
}
