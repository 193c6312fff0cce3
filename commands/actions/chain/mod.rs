//! Actions on a chain. Each makes transactions, and proves afterwards by a read of its own that they worked.

mod act;
mod blockhash;
mod fund_key;
mod fund_subscription;
mod nonces;

use super::Spend;
use crate::context::{Context, Payer};
use crate::fault::{Fault, Kind};
use crate::ports::{Call, Head, Input, Interface, Network, Read, TxRequest};
use crate::units::{scaled_uint, short_address};
use crate::value::{H160, U256, Value};

pub use blockhash::StoreBlockhash;
pub use fund_key::FundKey;
pub use fund_subscription::FundSubscription;
pub use nonces::{FillNonceGap, ReplaceTransaction};

/// Where an action begins: the newest block, and who pays.
struct Scene {
    head: Head,
    payer: Payer,
}

impl Scene {
    async fn of(context: &Context) -> Result<Self, Fault> {
        let payer = context.payer()?;
        context.progress().stage("finding the newest block");
        Ok(Self { head: context.chain()?.head().await?, payer })
    }

    /// Nothing spent yet, by who pays here.
    fn spend(&self) -> Spend {
        let Network { name, chain_id, native, .. } = &self.head.network;
        Spend {
            network: name.clone(),
            chain_id: *chain_id,
            native: native.clone(),
            signer: self.payer.address,
            link: U256::zero(),
            value: U256::zero(),
            gas: U256::zero(),
            transactions: 0,
        }
    }

    /// Answers to these reads at the newest block, each on its own.
    async fn read(&self, context: &Context, reads: Vec<Read>) -> Result<Vec<Result<Value, Fault>>, Fault> {
        Ok(context.chain()?.snapshot(&self.head.block, reads).await)
    }

    async fn one(&self, context: &Context, read: Read) -> Result<Value, Fault> {
        let answer = self.read(context, vec![read]).await?.pop();
        answer.unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")))
    }
}

fn call(interface: Interface, function: &'static str, args: Vec<Value>) -> Call {
    Call { interface, function, args }
}

fn ask(to: H160, call: Call) -> Read {
    Read::Call { to, call }
}

/// A transaction that calls a contract and sends it nothing.
fn calling(to: H160, call: Call) -> TxRequest {
    TxRequest { to: Some(to), input: Input::Call(call), value: U256::zero() }
}

/// The journal's key of what `action` does on a chain to `on`.
fn key(action: &str, chain_id: u64, on: &str) -> String {
    format!("{action}/{chain_id}/{on}")
}

/// An exact amount with its coin.
fn exact(amount: U256, symbol: &str) -> String {
    format!("{} {symbol}", scaled_uint(amount, 18))
}

/// Refuses an amount of nothing.
fn something(amount: U256) -> Result<(), Fault> {
    if amount.is_zero() { Err(Fault::new(Kind::Usage, "--amount is zero: there is nothing to send")) } else { Ok(()) }
}

/// What is seen of a balance that was to grow by an amount.
fn grown(what: &str, before: U256, amount: U256, now: U256, symbol: &str) -> super::Verified {
    let wanted = before.saturating_add(amount);
    let read = format!("{what} read back: {}", exact(now, symbol));
    if now >= wanted {
        super::Verified { worked: true, proof: read }
    } else if now > before {
        // It is spent from all the time, and the transfer itself was mined.
        let proof = format!("{read}, {} less than expected: it was spent from meanwhile", exact(wanted - now, symbol));
        super::Verified { worked: true, proof }
    } else {
        super::Verified { worked: false, proof: format!("{read}, not {}", exact(wanted, symbol)) }
    }
}

/// A contract that is not there, or is something else.
fn not_a(what: &str, at: H160) -> Fault {
    Fault::new(Kind::Missing, format!("{} is no {what}", short_address(at)))
        .hint("check the address, and that --network is its network")
}
