//! The life of a transaction: quoted, signed, written down whole, sent, waited for, settled. And after a crash: settled
//! from what was written down, by the same bytes or not at all.

mod fate;
mod fees;
mod record;

use serde_json::{Value as Json, json};

use crate::context::{Context, Ended, Open, Payer};
use crate::effect::Effect;
use crate::fault::{Fault, Kind};
use crate::ports::{Head, Read, Sent, TxOrder, TxRequest};
use crate::units::{coin, hex, short_address, short_hex};
use crate::value::{H160, H256, U256, Value};

use fate::{Seen, look, settle, watch};
pub use fees::{Quote, gwei, quote};
use record::{Form, Record};

/// The right to use the next nonce of a sender: one process has it at a time.
pub struct Turn {
    chain_id: u64,
    _lock: Box<dyn Send + Sync>,
}

/// Takes the payer's turn on a chain. Kind `Busy` where another process has it.
pub fn turn(context: &Context, chain_id: u64) -> Result<Turn, Fault> {
    Ok(Turn { chain_id, _lock: context.hold(&lock_name(chain_id, context.payer()?.address))? })
}

fn lock_name(chain_id: u64, sender: H160) -> String {
    format!("chain-{chain_id}-{}", hex(sender.as_bytes()))
}

/// Which nonce a transaction takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Nonce {
    /// The next one; only when none of the sender's transactions is under way.
    Next,
    /// This one, which has to be the first that is missing, with all before it mined or waiting in their turn.
    Gap(u64),
    /// That of a transaction that waits, outbidding it.
    Replacing(Waiting),
}

/// A transaction that waits to be mined.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its hash.
    pub hash: H256,
    /// Its nonce.
    pub nonce: u64,
    /// What it offers for a unit of gas, wei.
    pub max_fee_per_gas: U256,
    /// What it offers of it to who builds the block, wei.
    pub max_priority_fee_per_gas: U256,
}

/// A transaction to be made.
pub struct Transaction {
    /// What is acted on.
    pub key: String,
    /// How it may be repeated.
    pub effect: Effect,
    /// What it does, for a person.
    pub what: String,
    /// What it does.
    pub request: TxRequest,
    /// Its gas where that is not to be estimated.
    pub gas: Option<U256>,
    /// The most that its gas may cost, wei.
    pub most: U256,
    /// LINK that it gives away, juels.
    pub link: U256,
    /// Its nonce.
    pub nonce: Nonce,
}

/// What an attempt spends at most, as it is written down before it is made: whoever goes on after a crash has only the rest.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spends {
    /// LINK, juels.
    pub link: U256,
    /// Native coins, gas included, wei.
    pub native: U256,
}

impl Spends {
    /// Reads it from what an attempt began with; nothing where that spends nothing.
    pub fn of_begun(begun: &Json) -> Self {
        let amount = |name: &str| {
            let text = begun["spends"][name].as_str().unwrap_or_default();
            U256::from_dec_str(text).unwrap_or_default()
        };
        Self { link: amount("link_juels"), native: amount("native_wei") }
    }

    fn in_begun(self, mut begun: Json) -> Json {
        begun["spends"] = json!({ "link_juels": self.link.to_string(), "native_wei": self.native.to_string() });
        begun
    }

    /// Both together.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        Self { link: self.link.saturating_add(other.link), native: self.native.saturating_add(other.native) }
    }
}

/// A transaction that was mined, and did what it was to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mined {
    /// Its hash.
    pub hash: H256,
    /// The block that it is in.
    pub block: u64,
    /// What its gas cost, wei.
    pub cost: U256,
}

/// Makes a transaction and waits until it counts.
///
/// A fault before it was written down means that nothing happened. One of kind `Busy` after it: it may still happen, and
/// is to be settled first. One of kind `Failed` says what became of it.
pub async fn transact(context: &Context, turn: &Turn, wanted: &Transaction) -> Result<Mined, Fault> {
    let payer = context.payer()?;
    let head = context.chain()?.head().await?;
    if head.network.chain_id != turn.chain_id {
        return Err(Fault::new(
            Kind::WrongNetwork,
            format!("the endpoint now answers as chain {}, not {}", head.network.chain_id, turn.chain_id),
        ));
    }
    let ours = of_sender(context, turn.chain_id, payer.address)?;
    let nonce = nonce(context, &head, &payer, wanted, &ours).await?;
    let mut quote = quote(context, &head, &wanted.request, wanted.gas).await?;
    if let Nonce::Replacing(waiting) = &wanted.nonce {
        quote = quote.outbidding(waiting.max_fee_per_gas, waiting.max_priority_fee_per_gas);
    }
    let quote = quote.fitting(wanted.most).ok_or_else(|| {
        let (could, agreed) = (quote.gas.saturating_mul(quote.least_fee_per_gas), wanted.most);
        let symbol = &head.network.native;
        Fault::new(Kind::Busy, format!("gas got dearer: {} costs {} or more now", wanted.what, coin(could, symbol)))
            .because(format!("{} was agreed to", coin(agreed, symbol)))
            .hint("run it again to see the new plan")
    })?;
    affordable(context, &head, &payer, wanted, &quote).await?;
    let order = TxOrder {
        chain_id: turn.chain_id,
        nonce,
        request: wanted.request.clone(),
        gas: quote.gas,
        max_fee_per_gas: quote.max_fee_per_gas,
        max_priority_fee_per_gas: quote.max_priority_fee_per_gas,
    };
    let signed = context.signer()?.sign(&order).await?;
    let spends = Spends { link: wanted.link, native: wanted.request.value.saturating_add(quote.most()) };
    let mut reopened = false;
    let (mut record, step) = match &wanted.nonce {
        Nonce::Replacing(waiting) => {
            if let Some((open, mut record)) = ours.into_iter().find(|(_, record)| record.nonce == nonce) {
                let step = context.reopen(&open)?;
                step.add(&Form::of(&signed).json())?;
                record.forms.push(Form::of(&signed));
                reopened = true;
                (record, step)
            } else {
                let mut record = Record::new(&signed, &wanted.what);
                record.forms.insert(0, Form { hash: waiting.hash, raw: None });
                let step = context.step(&wanted.key, wanted.effect, &spends.in_begun(record.json()))?;
                (record, step)
            }
        }
        Nonce::Next | Nonce::Gap(_) => {
            let record = Record::new(&signed, &wanted.what);
            let step = context.step(&wanted.key, wanted.effect, &spends.in_begun(record.json()))?;
            (record, step)
        }
    };
    record.what.clone_from(&wanted.what);
    context.progress().stage(&format!("sending {} ({})", short_hex(signed.hash.as_bytes()), wanted.what));
    match step.chain()?.send(&signed).await {
        // The one that it was to replace is still under way.
        Ok(Sent::Refused(why)) if reopened => {
            return Err(Fault::new(Kind::Failed, "no endpoint takes the replacement").because(why).hint(
                "the transaction that it was to replace still waits; `ira act chain.replace_transaction` again outbids both",
            ));
        }
        Ok(Sent::Refused(why)) if !is_known(context, &record).await => {
            step.end(&Ended::NotDone(json!({ "refused": why })))?;
            return Err(Fault::new(Kind::Failed, format!("no endpoint takes the transaction: {}", wanted.what))
                .because(why)
                .hint("nothing was sent; mend what it says and run it again"));
        }
        // Whether one of them has it, the chain will tell.
        Ok(_) => {}
        Err(fault) => not_told(context, &fault),
    }
    let fate = watch(context, &step, &record, payer).await?;
    settle(step, &record, fate)
}

/// Said where progress is said: it is no end yet.
fn not_told(context: &Context, fault: &Fault) {
    context.progress().stage(&format!("looking for the transaction: {}", fault.one_line()));
}

/// The open attempts of a sender on a chain.
fn of_sender(context: &Context, chain_id: u64, sender: H160) -> Result<Vec<(Open, Record)>, Fault> {
    let mut found = Vec::new();
    for open in context.open_attempts()? {
        if let Some(record) = Record::of(&open) {
            let record = record?;
            if record.chain_id == chain_id && record.from == sender {
                found.push((open, record));
            }
        }
    }
    Ok(found)
}

/// Refuses while an attempt of the payer is open: its outcome decides what is to be done next.
pub fn none_open(context: &Context, chain_id: u64) -> Result<(), Fault> {
    match of_sender(context, chain_id, context.payer()?.address)?.first() {
        Some((open, record)) => Err(unsettled(open, record)),
        None => Ok(()),
    }
}

fn unsettled(open: &Open, record: &Record) -> Fault {
    let hashes: Vec<String> = record.forms.iter().map(|form| hex(form.hash.as_bytes())).collect();
    Fault::new(Kind::Busy, format!("an earlier transaction of {} is not settled", short_address(record.from)))
        .because(format!("{}: nonce {}, {}", record.what, record.nonce, hashes.join(", ")))
        .because(format!("it is number {} of the journal", open.id))
        .hint("run it again with --resume: that settles it first, and sends nothing twice")
}

/// The nonce to use. Refuses wherever a transaction of the sender is under way that this one is not about.
async fn nonce(
    context: &Context,
    head: &Head,
    payer: &Payer,
    wanted: &Transaction,
    ours: &[(Open, Record)],
) -> Result<u64, Fault> {
    let reads = vec![Read::Nonce(payer.address), Read::PendingNonce(payer.address)];
    let mut answers = context.chain()?.snapshot(&head.block, reads).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")));
    let (mined, pending) = (next()?.u64()?, next()?.u64()?);
    let strange = ours.iter().find(|(_, record)| match &wanted.nonce {
        Nonce::Replacing(waiting) => record.nonce != waiting.nonce,
        Nonce::Next | Nonce::Gap(_) => true,
    });
    if let Some((open, record)) = strange {
        return Err(unsettled(open, record));
    }
    match &wanted.nonce {
        Nonce::Next if pending > mined => Err(Fault::new(
            Kind::Busy,
            format!("{} transactions of {} wait to be mined", pending - mined, short_address(payer.address)),
        )
        .because("they were not sent by ira on this machine, and a new one would wait behind them")
        .hint("wait for them, or outbid the first: ira act chain.replace_transaction --tx HASH")),
        Nonce::Next => Ok(mined),
        Nonce::Gap(nonce) if *nonce < mined => {
            Err(Fault::new(Kind::Failed, format!("nonce {nonce} is used: {mined} transactions are mined")))
        }
        Nonce::Gap(nonce) if pending > *nonce => Err(no_gap(*nonce)),
        // Those before it are there, mined or waiting in their turn.
        Nonce::Gap(nonce) if pending < *nonce => Err(Fault::new(
            Kind::Failed,
            format!("nonce {nonce} is not the gap: the next that is missing is {pending}"),
        )
        .hint(format!("ira act chain.fill_nonce_gap --nonce {pending}"))),
        Nonce::Gap(nonce) => Ok(*nonce),
        Nonce::Replacing(waiting) if waiting.nonce < mined => {
            Err(Fault::new(Kind::Failed, format!("nonce {} is used: a transaction with it was mined", waiting.nonce)))
        }
        Nonce::Replacing(waiting) => Ok(waiting.nonce),
    }
}

/// The fault of a nonce that a transaction waits under.
pub fn no_gap(nonce: u64) -> Fault {
    Fault::new(Kind::Failed, format!("there is no gap: a transaction with nonce {nonce} waits already"))
        .hint("outbid it: ira act chain.replace_transaction --tx HASH")
}

/// Refuses what costs more than there is.
async fn affordable(
    context: &Context,
    head: &Head,
    payer: &Payer,
    wanted: &Transaction,
    quote: &Quote,
) -> Result<(), Fault> {
    let symbol = &head.network.native;
    let needed = quote.most().saturating_add(wanted.request.value);
    let answer = context.chain()?.snapshot(&head.block, vec![Read::Balance(payer.address)]).await.pop();
    let balance = answer.unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")))?.uint()?;
    if balance < needed {
        return Err(too_poor(payer.address, balance, needed, symbol));
    }
    Ok(())
}

/// The fault of an account that cannot pay, wei.
pub fn too_poor(account: H160, held: U256, needed: U256, symbol: &str) -> Fault {
    let account = crate::units::address(account);
    Fault::new(Kind::Failed, format!("{account} holds {}, and {} are needed", coin(held, symbol), coin(needed, symbol)))
        .hint(format!("send it {} or more first", coin(needed.saturating_sub(held), symbol)))
}

/// Whether a node knows any form of it, mined or waiting. One that cannot be asked may.
async fn is_known(context: &Context, record: &Record) -> bool {
    let Ok(chain) = context.chain() else { return true };
    let Ok(head) = chain.head().await else { return true };
    let reads = record.forms.iter().filter(|form| form.raw.is_some());
    let reads = reads.map(|form| Read::Transaction(form.hash)).collect();
    let answers = chain.snapshot(&head.block, reads).await;
    answers.iter().any(|answer| !matches!(answer, Ok(Value::List(parts)) if parts.is_empty()))
}

/// What became of an attempt of before.
#[derive(Clone, Debug, PartialEq)]
pub struct Settled {
    /// What was acted on.
    pub key: String,
    /// What it was, for a person.
    pub what: String,
    /// How it ended.
    pub result: Result<Mined, Fault>,
}

/// Settles every open attempt of the payer, oldest first: a hash has a receipt → done; its nonce was used by another
/// transaction → not done; else the same bytes are sent again. Ends at the first that cannot be settled.
pub async fn resume(context: &Context, turn: &Turn) -> Result<Vec<Settled>, Fault> {
    let payer = context.payer()?;
    let mut settled = Vec::new();
    for (open, record) in of_sender(context, turn.chain_id, payer.address)? {
        let step = context.reopen(&open)?;
        context.progress().stage(&format!("settling what was begun before: {}", record.what));
        // Looked for first: what is mined already needs no sending.
        if let (Ok(Seen::Nothing) | Err(_), Some(signed)) = (look(context, &record).await, record.latest()) {
            let _the_chain_tells = step.chain()?.send(&signed).await;
        }
        let fate = watch(context, &step, &record, payer).await?;
        let result = settle(step, &record, fate);
        settled.push(Settled { key: open.key.clone(), what: record.what.clone(), result });
    }
    Ok(settled)
}
