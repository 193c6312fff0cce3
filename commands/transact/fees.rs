//! What a transaction costs at most, and how a stuck one is outbid.

use crate::context::{Context, Payer};
use crate::fault::{Fault, Kind};
use crate::ports::{Head, Read, TxRequest};
use crate::units;
use crate::value::U256;

/// Gas above the estimate, in percent: what is found on chain may differ a little from what was estimated.
const MARGIN: u64 = 20;

/// What is offered for a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Quote {
    /// The most gas that it may use.
    pub gas: U256,
    /// The most that is paid for a unit of gas, wei.
    pub max_fee_per_gas: U256,
    /// The most of it that goes to who builds the block, wei.
    pub max_priority_fee_per_gas: U256,
    /// The least that has to be offered for a unit of gas to be mined now, wei.
    pub least_fee_per_gas: U256,
}

impl Quote {
    /// The most that its gas can cost, wei.
    pub fn most(&self) -> U256 {
        self.gas.saturating_mul(self.max_fee_per_gas)
    }

    /// Outbids a transaction that offered these fees: both at least 10 % higher, which is what nodes ask for before they
    /// replace one.
    #[must_use]
    pub fn outbidding(self, max_fee: U256, max_priority_fee: U256) -> Self {
        let priority = self.max_priority_fee_per_gas.max(raised(max_priority_fee));
        let least = self.least_fee_per_gas.max(raised(max_fee)).max(priority);
        let fee = self.max_fee_per_gas.max(least);
        Self { max_fee_per_gas: fee, max_priority_fee_per_gas: priority, least_fee_per_gas: least, ..self }
    }

    /// The same for at most this much, wei; `None` where that is too little to be mined now.
    pub fn fitting(self, most: U256) -> Option<Self> {
        if self.most() <= most {
            return Some(self);
        }
        let fee = most.checked_div(self.gas)?;
        (fee >= self.least_fee_per_gas).then_some(Self { max_fee_per_gas: fee, ..self })
    }
}

/// A tenth more, rounded up, and at least one.
fn raised(fee: U256) -> U256 {
    fee.saturating_add((fee / 10).saturating_add(U256::one()))
}

/// What `request` from the payer costs at the pinned block. With `gas` given it is not estimated: what it builds on is
/// not there yet.
pub async fn quote(context: &Context, head: &Head, request: &TxRequest, gas: Option<U256>) -> Result<Quote, Fault> {
    let payer = context.payer()?;
    let mut reads = vec![Read::Fees];
    if gas.is_none() {
        reads.push(Read::Gas(payer.address, Box::new(request.clone())));
    }
    let mut answers = context.chain()?.snapshot(&head.block, reads).await.into_iter();
    let mut next = || answers.next().unwrap_or_else(|| Err(Fault::new(Kind::Failed, "was not asked")));
    let fees = next().map_err(|fault| fault.wrap("the price of gas cannot be read"))?;
    let gas = if let Some(gas) = gas {
        gas
    } else {
        let estimate = next()?.uint()?;
        estimate.saturating_add(estimate.saturating_mul(U256::from(MARGIN)) / 100)
    };
    offer(&payer, fees.at(0)?.uint()?, fees.at(1)?.uint()?, gas)
}

/// Twice the base fee leaves room for six full blocks in a row.
fn offer(payer: &Payer, base: U256, priority: U256, gas: U256) -> Result<Quote, Fault> {
    let least = base.saturating_add(priority);
    let cap = payer.max_fee_per_gas;
    if least > cap {
        return Err(Fault::new(
            Kind::Busy,
            format!("gas costs {} now, and at most {} may be offered", gwei(least), gwei(cap)),
        )
        .hint("wait until it is cheaper, or raise `max_fee_gwei` of the network's `signer`"));
    }
    let max_fee_per_gas = least.saturating_add(base).min(cap);
    Ok(Quote { gas, max_fee_per_gas, max_priority_fee_per_gas: priority, least_fee_per_gas: least })
}

/// An amount of wei as a price of gas.
pub fn gwei(wei: U256) -> String {
    format!("{} gwei", units::readable(&units::scaled_uint(wei, 9), 4))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::value::H160;

    const PAYER: Payer =
        Payer { address: H160::zero(), max_fee_per_gas: U256([100, 0, 0, 0]), confirmations: 1, patience: 1 };

    fn offered(base: u64, priority: u64) -> Result<Quote, Fault> {
        offer(&PAYER, U256::from(base), U256::from(priority), U256::from(21_000))
    }

    #[test]
    fn the_offer_bears_a_rising_price_and_never_passes_the_cap() {
        assert_eq!(offered(10, 2).expect("an offer").max_fee_per_gas, U256::from(22));
        assert_eq!(offered(60, 2).expect("an offer").max_fee_per_gas, U256::from(100));
        assert_eq!(offered(99, 2).expect_err("too dear").kind, Kind::Busy);
        let offer = offered(10, 2).expect("an offer");
        assert_eq!(offer.most(), U256::from(22 * 21_000));
        let fitted = offer.fitting(U256::from(15 * 21_000 + 7)).expect("it can still be mined");
        assert_eq!((fitted.max_fee_per_gas, fitted.gas), (U256::from(15), offer.gas));
        assert_eq!(offer.fitting(U256::from(11 * 21_000)), None);
    }

    #[test]
    fn a_replacement_raises_both_fees_by_a_tenth_at_least() {
        let cheap = offered(10, 2).expect("an offer");
        for (fee, priority) in [(22_u64, 2_u64), (1, 1), (0, 0), (1_000_000_007, 1_500_000_003), (99, 99)] {
            let bid = cheap.outbidding(U256::from(fee), U256::from(priority));
            assert!(bid.max_fee_per_gas * 10 >= U256::from(fee) * 11, "{fee}");
            assert!(bid.max_priority_fee_per_gas * 10 >= U256::from(priority) * 11, "{priority}");
            assert!(bid.max_fee_per_gas > U256::from(fee) && bid.max_priority_fee_per_gas > U256::from(priority));
            assert!(bid.max_fee_per_gas >= bid.max_priority_fee_per_gas);
        }
    }
}
