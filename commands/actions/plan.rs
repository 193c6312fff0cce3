//! What an action would do: before → after, what it costs, who signs. Shown, agreed to, and held to.

use serde_json::{Value as Json, json};

use crate::effect::{Effect, Reach, TakenBack};
use crate::fault::{Fault, Kind};
use crate::report::{Cell, Fact, Outcome, Report, Section, Status, Table};
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
    /// The network's name.
    pub network: String,
    /// Its chain id.
    pub chain_id: u64,
    /// Symbol of its native coin.
    pub native: String,
    /// Who signs and pays.
    pub signer: H160,
    /// What changes. A plan is carried out only while what is before is still so.
    pub changes: Vec<Change>,
    /// LINK that is spent, juels.
    pub link: U256,
    /// Native coins that are given away, wei.
    pub value: U256,
    /// The most that gas can cost, wei.
    pub gas: U256,
    /// How many transactions it takes.
    pub transactions: usize,
    /// How it may be repeated.
    pub effect: Effect,
    /// What it reaches.
    pub reach: Reach,
    /// How it is taken back.
    pub taken_back: TakenBack,
    /// What else is to be known before one agrees.
    pub notes: Vec<String>,
}

impl Plan {
    /// Whether everything is as it should be already.
    pub fn is_nothing(&self) -> bool {
        self.transactions == 0
    }

    /// The most that is spent in native coins, gas included, wei.
    pub fn native_total(&self) -> U256 {
        self.value.saturating_add(self.gas)
    }

    /// What it spends at most, by currency; none that it does not spend.
    pub fn spends(&self) -> Vec<Coins> {
        let mut all = Vec::new();
        if !self.native_total().is_zero() {
            all.push(Coins::of(self.native_total(), &self.native));
        }
        if !self.link.is_zero() {
            all.push(Coins::link(self.link));
        }
        all
    }

    /// Whether it is still what was agreed to: the same before and after, the same signer and network.
    pub fn is_as(&self, agreed: &Self) -> bool {
        (&self.changes, self.chain_id, self.signer, self.link, self.value)
            == (&agreed.changes, agreed.chain_id, agreed.signer, agreed.link, agreed.value)
    }

    /// Refuses a plan that spends more than the caps; one that is not given does not bind.
    pub fn within(&self, caps: &Caps) -> Result<(), Fault> {
        for (flag, cap, spent) in [
            ("--max-spend", &caps.link, Coins::link(self.link)),
            ("--max-spend-native", &caps.native, Coins::of(self.native_total(), &self.native)),
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
        (!self.link.is_zero() && caps.link.is_none()) || (!self.native_total().is_zero() && caps.native.is_none())
    }

    /// One line: who signs, where, and the most that it spends.
    pub fn headline(&self) -> String {
        if self.is_nothing() {
            return format!("Nothing to do on {}: {}.", self.network, self.what);
        }
        format!("Plan, signed by {} on {}, {}.", short_address(self.signer), self.network, self.total_text())
    }

    /// As a part of a report.
    pub fn section(&self) -> Section {
        let fact = |label, value: Cell, note: &str| Fact { label, value, note: note.to_owned() };
        let signer = Cell::shortened(short_address(self.signer), address(self.signer));
        let mut facts = vec![fact("action", Cell::from(self.action), self.taken_back.word())];
        if !self.is_nothing() {
            facts.push(fact("signer", signer, ""));
            facts.push(fact(
                "spends",
                Cell::from(self.total_text()),
                &format!("in {} transactions", self.transactions),
            ));
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

    fn total_text(&self) -> String {
        // Rounded for reading; the exact amounts are in the data.
        let parts: Vec<String> = self.spends().iter().map(|coins| coin(coins.units, &coins.symbol)).collect();
        format!("at most {}", parts.join(" and "))
    }

    /// For a program: amounts in the smallest unit, as decimal strings.
    pub fn json(&self) -> Json {
        json!({
            "action": self.action,
            "what": self.what,
            "network": self.network,
            "chain_id": self.chain_id,
            "signer": address(self.signer),
            "changes": self.changes.iter().map(Change::json).collect::<Vec<_>>(),
            "spends": {
                "link_juels": self.link.to_string(),
                "native_wei": self.native_total().to_string(),
                "value_wei": self.value.to_string(),
                "gas_wei": self.gas.to_string(),
            },
            "transactions": self.transactions,
            "effect": self.effect,
            "reach": self.reach,
            "taken_back": self.taken_back,
            "notes": self.notes,
        })
    }

    /// The report of a plan that is not carried out.
    pub fn report(&self) -> Report {
        Report {
            sections: vec![self.section()],
            next: Vec::new(),
            data: json!({ "network": self.network, "plan": self.json(), "actions": [] }),
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
