//! What waits in an endpoint's pool, in the two shapes in which endpoints tell it.

use std::collections::BTreeMap;

use ira_commands::Fault;
use ira_commands::value::{H160, Value};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;

use super::wire::{garbled, parse_hash, parse_quantity, parse_u64};

/// Transactions by their nonce.
type ByNonce = BTreeMap<String, Waiting>;

/// What can be mined next, and what waits for something before it.
#[derive(Deserialize)]
struct Pool<T> {
    pending: Option<T>,
    queued: Option<T>,
}

/// One that waits. Endpoints differ in what else they say of it.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Waiting {
    #[serde(default)]
    hash: Option<String>,
    #[serde(default)]
    max_fee_per_gas: Option<String>,
    #[serde(default)]
    gas_price: Option<String>,
}

fn read<T: DeserializeOwned>(raw: &RawValue) -> Result<impl Iterator<Item = T>, Fault> {
    let pool: Pool<T> = serde_json::from_str(raw.get()).map_err(|_| garbled("a pool of transactions"))?;
    Ok(pool.pending.into_iter().chain(pool.queued))
}

/// An answer to `txpool_contentFrom`: see [`Read::Pooled`](ira_commands::ports::Read::Pooled).
pub(super) fn of_one(raw: &RawValue) -> Result<Value, Fault> {
    listed(read::<ByNonce>(raw)?.flatten())
}

/// The same of `txpool_content`, which tells of every account, in any spelling.
pub(super) fn of_all(raw: &RawValue, account: H160) -> Result<Value, Fault> {
    let accounts = read::<BTreeMap<String, ByNonce>>(raw)?.flatten();
    let own = accounts.filter(|(who, _)| who.parse::<H160>().is_ok_and(|who| who == account));
    listed(own.flat_map(|(_, waiting)| waiting))
}

fn listed(all: impl Iterator<Item = (String, Waiting)>) -> Result<Value, Fault> {
    let nonce = |text: &str| if text.starts_with("0x") { parse_u64(text) } else { text.parse().ok() };
    let all: Option<BTreeMap<u64, Waiting>> = all.map(|(text, tx)| Some((nonce(&text)?, tx))).collect();
    let all = all.ok_or_else(|| garbled("a pool of transactions"))?;
    Ok(Value::List(all.into_iter().map(|(nonce, tx)| tx.value(nonce)).collect()))
}

impl Waiting {
    fn value(&self, nonce: u64) -> Value {
        let untold = || Value::List(Vec::new());
        let hash = self.hash.as_deref().and_then(parse_hash);
        let fee = self.max_fee_per_gas.as_ref().or(self.gas_price.as_ref()).and_then(|fee| parse_quantity(fee));
        Value::List(vec![
            Value::Uint(nonce.into()),
            hash.map_or_else(untold, |hash| Value::Bytes(hash.as_bytes().to_vec())),
            fee.map_or_else(untold, Value::Uint),
        ])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    fn waiting(nonce: u64, hash: Option<u8>, fee: Option<u64>) -> Value {
        let untold = || Value::List(Vec::new());
        Value::List(vec![
            Value::Uint(nonce.into()),
            hash.map_or_else(untold, |byte| Value::Bytes(vec![byte; 32])),
            fee.map_or_else(untold, |fee| Value::Uint(fee.into())),
        ])
    }

    #[test]
    fn both_shapes_say_the_same_and_only_of_the_account_asked_about() {
        let account = H160::repeat_byte(0xab);
        let (lower, upper) = (format!("{account:#x}"), ira_commands::units::address(account));
        let (hash, legacy) = ("11".repeat(32), "22".repeat(32));
        let (one, two) = (
            format!(r#"{{"hash":"0x{hash}","maxFeePerGas":"0x7","gasPrice":"0x5"}}"#),
            format!(r#"{{"hash":"0x{legacy}","gasPrice":"0x9","to":null}}"#),
        );
        let expected = Value::List(vec![waiting(4, Some(0x11), Some(7)), waiting(6, Some(0x22), Some(9))]);
        let alone = raw(&format!(r#"{{"pending":{{"4":{one}}},"queued":{{"6":{two}}}}}"#));
        assert_eq!(of_one(&alone).expect("read"), expected);
        for who in [lower, upper] {
            let other = format!("{:#x}", H160::repeat_byte(1));
            let all = raw(&format!(
                r#"{{"pending":{{"{who}":{{"0x4":{one}}},"{other}":{{"9":{{}}}}}},"queued":{{"{who}":{{"6":{two}}}}}}}"#
            ));
            assert_eq!(of_all(&all, account).expect("read"), expected);
        }
        // What an endpoint does not tell of one is not known; the one is.
        let terse = raw(r#"{"pending":{"4":{"hash":"0x","maxFeePerGas":null}},"queued":{}}"#);
        assert_eq!(of_one(&terse).expect("read"), Value::List(vec![waiting(4, None, None)]));
        assert_eq!(of_one(&raw(r#"{"pending":{},"queued":{}}"#)).expect("read"), Value::List(Vec::new()));
        for wrong in ["null", "[]", r#"{"pending":[]}"#, r#"{"pending":{"first":{}}}"#] {
            assert!(of_one(&raw(wrong)).is_err(), "{wrong}");
        }
    }
}
