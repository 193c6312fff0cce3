//! What a runbook is about: a request, a transaction, a subscription or a whole coordinator.

use crate::alert;
use crate::fault::{Fault, Kind};
use crate::feed_report::target::{FeedInput, parse_feed};
use crate::text::excerpt;
use crate::value::{H160, H256, U256};

use super::Args;
use super::facts::Request;

/// What is asked, read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scope {
    /// Only this request.
    pub request: Option<U256>,
    /// Only requests made by this transaction.
    pub tx: Option<H256>,
    /// Only requests of this subscription.
    pub subscription: Option<U256>,
    /// Only requests of this lane.
    pub key_hash: Option<H256>,
    /// The coordinator.
    pub coordinator: Option<H160>,
    /// The accounts that the node sends from.
    pub senders: Vec<H160>,
}

impl Scope {
    /// Reads the arguments and the alerts in them.
    pub fn of(args: &Args) -> Result<Self, Fault> {
        let mut scope = Self {
            request: args.request.as_deref().map(|text| number("--request", text)).transpose()?,
            tx: args.tx.as_deref().map(|text| hash("--tx", text)).transpose()?,
            subscription: args.subscription.as_deref().map(|text| number("--subscription", text)).transpose()?,
            key_hash: None,
            coordinator: args.coordinator.as_deref().map(address).transpose()?,
            senders: args.senders.iter().map(|text| address(text)).collect::<Result<_, _>>()?,
        };
        for alert in &args.alerts {
            let label = |name: &str| alert.labels.get(name).map(String::as_str).filter(|value| !value.is_empty());
            // A label that holds something else is no mistake of the person who handed the alert over.
            scope.request = scope.request.or_else(|| number("request_id", label("request_id")?).ok());
            scope.tx = scope.tx.or_else(|| hash("tx_hash", label("tx_hash").or(label("request_tx_hash"))?).ok());
            let subscription = label("subscription_id").or(label("sub_id"));
            scope.subscription = scope.subscription.or_else(|| number("subscription_id", subscription?).ok());
            scope.key_hash = scope.key_hash.or_else(|| hash("key_hash", label("key_hash")?).ok());
            let hints = alert::chain_scope(alert).targets;
            let named = label("coordinator").or(label("coordinator_address")).and_then(|text| address(text).ok());
            scope.coordinator = scope.coordinator.or(named).or_else(|| hints.into_iter().find_map(|hint| hint.address));
        }
        if scope.coordinator.is_none() && scope.tx.is_none() && !scope.names_something() {
            return Err(no_coordinator());
        }
        Ok(scope)
    }

    /// Whether a request is in scope.
    pub fn wants(&self, request: &Request) -> bool {
        self.request.is_none_or(|id| id == request.id)
            && self.tx.is_none_or(|tx| tx == request.tx)
            && self.subscription.is_none_or(|id| id == request.subscription)
            && self.key_hash.is_none_or(|hash| hash == request.key_hash)
    }

    /// Whether there is an id by which a coordinator can be found.
    fn names_something(&self) -> bool {
        self.request.is_some() || self.subscription.is_some()
    }

    /// Whether one request is asked for, by its id or its transaction: then one that is done is reported too.
    pub fn names_one(&self) -> bool {
        self.request.is_some() || self.tx.is_some()
    }
}

/// The fault where nothing says which coordinator is meant.
pub fn no_coordinator() -> Fault {
    Fault::new(Kind::Usage, "no VRF coordinator is named").hint(
        "--coordinator ADDRESS, --tx HASH of the request's transaction, or --alert FILE with a contract_address; \
             `networks.NAME.vrf.coordinators` lists those to look at",
    )
}

/// A decimal or hexadecimal integer of up to 256 bits.
fn number(what: &str, text: &str) -> Result<U256, Fault> {
    let text = text.trim();
    let read = match text.strip_prefix("0x") {
        Some(digits) if !digits.is_empty() => U256::from_str_radix(digits, 16).ok(),
        Some(_) => None,
        None if text.is_empty() => None,
        None => U256::from_dec_str(text).ok(),
    };
    read.ok_or_else(|| {
        Fault::new(Kind::Usage, format!("{what}: `{}` is no id", excerpt(text, 90)))
            .hint("an id is decimal digits, or 0x and hex digits, below 2^256")
    })
}

fn hash(what: &str, text: &str) -> Result<H256, Fault> {
    let digits = text.trim().strip_prefix("0x").unwrap_or_default();
    let read = if digits.len() == 64 { digits.parse().ok() } else { None };
    read.ok_or_else(|| {
        Fault::new(Kind::Usage, format!("{what}: `{}` is no hash", excerpt(text, 90)))
            .hint("a hash is 0x and 64 hex digits")
    })
}

fn address(text: &str) -> Result<H160, Fault> {
    match parse_feed(text)? {
        FeedInput::Address(address) => Ok(address),
        FeedInput::Name(name) => Err(Fault::new(Kind::Usage, format!("`{}` is no address", excerpt(&name, 80)))
            .hint("a coordinator is named by its address: 0x and 40 hex digits")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alert::Alert;

    #[test]
    fn ids_are_decimal_or_hex_and_a_typo_is_named() {
        assert_eq!(number("--request", " 255 ").expect("decimal"), number("--request", "0xff").expect("hex"));
        for wrong in ["", "0x", "12a", "-1", "1e3", &"9".repeat(90)] {
            assert!(number("--request", wrong).is_err(), "{wrong}");
        }
        assert!(hash("--tx", "0x12").expect_err("short").message.contains("--tx"));
    }

    #[test]
    fn an_alert_with_key_hash_and_contract_names_lane_and_coordinator() {
        let labels = [
            ("alertname", "VRFRequestsPending"),
            ("contract_address", "0xd7f86b4b8cae7d942340ff628f82735b7a20893a"),
            ("key_hash", "0x8077df514608a09f83e4e8d300645594e5d7234665448ba83f51a50f842bd3d9"),
        ];
        let labels = labels.map(|(name, value)| (name.to_owned(), value.to_owned())).into();
        let args = Args { alerts: vec![Alert { labels, ..Alert::default() }], ..Args::default() };
        let scope = Scope::of(&args).expect("a scope");
        assert!(scope.coordinator.is_some() && scope.key_hash.is_some() && scope.request.is_none());
    }

    #[test]
    fn without_a_coordinator_there_is_a_hint() {
        let fault = Scope::of(&Args { network: Some("base".into()), ..Args::default() }).expect_err("where?");
        assert!(fault.hint.expect("a hint").contains("--coordinator"));
    }
}
