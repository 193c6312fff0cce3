//! What an action would do: before → after, what it costs, who signs. Shown, agreed to, and held to.

use serde_json::{Value as Json, json};

use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
use crate::transact::Spends;
use crate::units::{address, coin, short_address};
use crate::value::{H160, U256};
use crate::words::Coins;

/// One thing that changes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Change {
    /// What (`LINK of subscription 8831…04`).
    pub what: String,
    /// As it is.
    pub before: String,
    /// As it will be.
    pub after: String,
}

/// What an action would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Plan {
    /// The action's name.
    pub action: &'static str,
    /// What it does, as an imperative.
    pub what: String,
    /// Where (`ethereum-mainnet`, `web-01`).
    pub place: String,
    /// Exactly what is acted on (an id that no other thing has, the hash of a script): agreed to with the plan.
    pub target: String,
    /// What changes. A plan is carried out only while what is before is still so.
    pub changes: Vec<Change>,
    /// What it costs, where it costs anything.
    pub spend: Option<Spend>,
    /// Whether everything is as it should be already.
    pub nothing: bool,
    /// How it may be repeated.
    pub effect: Effect,
    /// What it reaches.
    pub reach: Reach,
    /// How it is taken back.
    pub taken_back: TakenBack,
    /// What else is to be known before one agrees.
    pub notes: Vec<String>,
}

/// What a plan costs, and who pays it on which chain.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spend {
    /// The network's name.
    pub network: String,
    /// Its chain id.
    pub chain_id: u64,
    /// Symbol of its native coin.
    pub native: String,
    /// Who signs and pays.
    pub signer: H160,
    /// LINK that is spent, juels.
    pub link: U256,
    /// Native coins that are given away, wei.
    pub value: U256,
    /// The most that gas can cost, wei.
    pub gas: U256,
    /// How many transactions it takes.
    pub transactions: usize,
}

impl Spend {
    /// The most that is spent in native coins, gas included, wei.
    pub fn native_total(&self) -> U256 {
        self.value.saturating_add(self.gas)
    }

    /// What it spends at most, by currency; none that it does not spend.
    pub fn coins(&self) -> Vec<Coins> {
        let mut all = Vec::new();
        if !self.native_total().is_zero() {
            all.push(Coins::of(self.native_total(), &self.native));
        }
        if !self.link.is_zero() {
            all.push(Coins::link(self.link));
        }
        all
    }

    /// Whether it is still what was agreed to; gas may have become dearer within its cap.
    fn is_as(&self, agreed: &Self) -> bool {
        (self.chain_id, self.signer, self.link, self.value)
            == (agreed.chain_id, agreed.signer, agreed.link, agreed.value)
    }

    /// `in one transaction`, or in how many.
    pub fn count_text(&self) -> String {
        match self.transactions {
            1 => "in one transaction".to_owned(),
            many => format!("in {many} transactions"),
        }
    }

    fn total_text(&self) -> String {
        // Rounded for reading; the exact amounts are in the data.
        let parts: Vec<String> = self.coins().iter().map(|coins| coin(coins.units, &coins.symbol)).collect();
        format!("at most {}", parts.join(" and "))
    }

    fn json(&self) -> Json {
        json!({
            "link_juels": self.link.to_string(),
            "native_wei": self.native_total().to_string(),
            "value_wei": self.value.to_string(),
            "gas_wei": self.gas.to_string(),
        })
    }
}

impl Plan {
    /// Whether everything is as it should be already.
    pub fn is_nothing(&self) -> bool {
        self.nothing
    }

    /// What it costs, or the fault where it is no plan of transactions.
    pub fn spend(&self) -> Result<&Spend, Fault> {
        self.spend.as_ref().ok_or_else(|| Fault::new(Kind::Failed, format!("{} makes no transaction", self.action)))
    }

    /// Whether it is still what was agreed to: the same target, the same before and after, the same signer and network.
    pub fn is_as(&self, agreed: &Self) -> bool {
        let spend = match (&self.spend, &agreed.spend) {
            (Some(now), Some(then)) => now.is_as(then),
            (now, then) => now.is_none() && then.is_none(),
        };
        spend && (&self.changes, &self.target, self.nothing) == (&agreed.changes, &agreed.target, agreed.nothing)
    }

    /// Refuses a plan that spends more than the caps; one that is not given does not bind.
    pub fn within(&self, caps: &Caps) -> Result<(), Fault> {
        let Some(spend) = &self.spend else { return Ok(()) };
        for (flag, cap, spent) in [
            ("--max-spend", &caps.link, Coins::link(spend.link)),
            ("--max-spend-native", &caps.native, Coins::of(spend.native_total(), &spend.native)),
        ] {
            let Some(cap) = cap else { continue };
            if !cap.is(&spent.symbol) {
                return Err(Fault::new(Kind::Usage, format!("{flag} is in {}, not in {}", spent.symbol, cap.symbol)));
            }
            if spent.units > cap.units {
                return Err(Fault::new(Kind::Usage, format!("the plan spends up to {spent}, and {flag} allows {cap}"))
                    .because(self.what.clone())
                    .hint(format!("nothing was done; {flag} \"{spent}\" would allow it")));
            }
        }
        Ok(())
    }

    /// The first currency that it spends and no cap is given for.
    pub fn uncapped(&self, caps: &Caps) -> bool {
        self.spend.as_ref().is_some_and(|spend| {
            (!spend.link.is_zero() && caps.link.is_none()) || (!spend.native_total().is_zero() && caps.native.is_none())
        })
    }

    /// One line: who signs, where, and the most that it spends.
    pub fn headline(&self) -> String {
        if self.is_nothing() {
            return format!("Nothing to do on {}: {}.", self.place, self.what);
        }
        match &self.spend {
            Some(spend) => {
                format!("Plan, signed by {} on {}, {}.", short_address(spend.signer), self.place, spend.total_text())
            }
            None => format!("Plan on {}, {}.", self.place, self.taken_back.word()),
        }
    }

    /// As a part of a report.
    pub fn section(&self) -> Section {
        let fact = |label, value: Cell, note: &str| Fact { label, value, note: note.to_owned() };
        let mut facts = vec![fact("action", Cell::from(self.action), self.taken_back.word())];
        if let Some(spend) = self.spend.as_ref().filter(|_| !self.is_nothing()) {
            facts.push(fact("signer", Cell::shortened(short_address(spend.signer), address(spend.signer)), ""));
            facts.push(fact("spends", Cell::from(spend.total_text()), &spend.count_text()));
        }
        facts.extend(self.notes.iter().map(|note| fact("note", Cell::from(note.as_str()), "")));
        let row = |change: &Change| {
            vec![
                Cell::from(change.what.as_str()),
                Cell::from(change.before.as_str()),
                Cell::from(change.after.as_str()),
            ]
        };
        let table = Table {
            columns: vec!["what", "before", "after"],
            rows: self.changes.iter().map(row).collect(),
            ..Table::default()
        };
        let advice = if self.is_nothing() { String::new() } else { self.what.clone() };
        Section { status: Status::Info, headline: self.headline(), advice, facts, tables: vec![table] }
    }

    /// For a program: amounts in the smallest unit, as decimal strings.
    pub fn json(&self) -> Json {
        let mut all = json!({
            "action": self.action,
            "what": self.what,
            "place": self.place,
            "target": self.target,
            "changes": self.changes.iter().map(Change::json).collect::<Vec<_>>(),
            "effect": self.effect,
            "reach": self.reach,
            "taken_back": self.taken_back,
            "notes": self.notes,
        });
        if let Some(spend) = &self.spend {
            all["network"] = json!(spend.network);
            all["chain_id"] = json!(spend.chain_id);
            all["signer"] = json!(address(spend.signer));
            all["spends"] = spend.json();
            all["transactions"] = json!(spend.transactions);
        }
        all
    }

    /// The data of a report about it.
    pub(super) fn data(&self, actions: &Json) -> Json {
        let network = self.spend.as_ref().map(|spend| &spend.network);
        json!({ "network": network, "plan": self.json(), "actions": actions })
    }

    /// The report of a plan that is not carried out.
    pub fn report(&self) -> Report {
        Report {
            sections: vec![self.section()],
            next: Vec::new(),
            data: self.data(&json!([])),
            errors: Vec::new(),
            warnings: Vec::new(),
            outcome: Outcome::Well,
        }
    }
}

impl Change {
    /// Something that changes.
    pub fn new(what: impl Into<String>, before: impl Into<String>, after: impl Into<String>) -> Self {
        Self { what: what.into(), before: before.into(), after: after.into() }
    }

    fn json(&self) -> Json {
        json!({ "what": self.what, "before": self.before, "after": self.after })
    }
}

/// The most that may be spent; in each currency only where given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caps {
    /// In LINK.
    pub link: Option<Coins>,
    /// In the native coin, gas included.
    pub native: Option<Coins>,
}

impl Caps {
    /// What is left of them when so much is spent.
    #[must_use]
    pub fn less(self, spent: Spends) -> Self {
        let rest = |cap: Option<Coins>, spent| cap.map(|cap| Coins { units: cap.units.saturating_sub(spent), ..cap });
        Self { link: rest(self.link, spent.link), native: rest(self.native, spent.native) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_cap_only_the_rest_is_left_to_whoever_goes_on() {
        let caps =
            Caps { link: Some("50 LINK".parse().expect("coins")), native: Some("0.2 ETH".parse().expect("coins")) };
        let begun = json!({ "spends": { "link_juels": "48000000000000000000", "native_wei": "300000000000000000" } });
        let left = caps.less(Spends::of_begun(&begun));
        assert_eq!(left.link.map(|coins| coins.units), Some(U256::exp10(18) * 2));
        assert_eq!(left.native.map(|coins| coins.units), Some(U256::zero()), "never less than nothing");
        assert_eq!(Caps::default().less(Spends::of_begun(&begun)), Caps::default(), "what is not given does not bind");
        assert_eq!(Spends::of_begun(&json!({})), Spends::default());
    }
}
