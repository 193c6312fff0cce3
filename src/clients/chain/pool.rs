//! What waits in an endpoint's pool, in the two shapes in which endpoints tell it.

#![expect(clippy::zero_sized_map_values, reason = "what stands at a nonce is read over: only the nonces count")]

use std::collections::{BTreeMap, BTreeSet};

use ira_commands::Fault;
use ira_commands::value::{H160, U256, Value};
use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};
use serde_json::value::RawValue;

use super::wire::{garbled, parse_u64};

/// Transactions by their nonce.
type ByNonce = BTreeMap<String, IgnoredAny>;

/// What can be mined next, and what waits for something before it.
#[derive(Deserialize)]
struct Pool<T> {
    pending: Option<T>,
    queued: Option<T>,
}

fn read<T: DeserializeOwned>(raw: &RawValue) -> Result<impl Iterator<Item = T>, Fault> {
    let pool: Pool<T> = serde_json::from_str(raw.get()).map_err(|_| garbled("a pool of transactions"))?;
    Ok(pool.pending.into_iter().chain(pool.queued))
}

/// The nonces in an answer to `txpool_contentFrom`: see [`Read::Pooled`](ira_commands::ports::Read::Pooled).
pub(super) fn of_one(raw: &RawValue) -> Result<Value, Fault> {
    listed(read::<ByNonce>(raw)?.flat_map(BTreeMap::into_keys))
}

/// The same of `txpool_content`, which tells of every account, in any spelling.
pub(super) fn of_all(raw: &RawValue, account: H160) -> Result<Value, Fault> {
    let accounts = read::<BTreeMap<String, ByNonce>>(raw)?.flatten();
    let own = accounts.filter(|(who, _)| who.parse::<H160>().is_ok_and(|who| who == account));
    listed(own.flat_map(|(_, waiting)| waiting.into_keys()))
}

fn listed(texts: impl Iterator<Item = String>) -> Result<Value, Fault> {
    let nonce = |text: String| if text.starts_with("0x") { parse_u64(&text) } else { text.parse().ok() };
    let all: Option<BTreeSet<u64>> = texts.map(nonce).collect();
    let all = all.ok_or_else(|| garbled("a pool of transactions"))?;
    Ok(Value::List(all.into_iter().map(|nonce| Value::Uint(U256::from(nonce))).collect()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Box<RawValue> {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn both_shapes_say_the_same_and_only_of_the_account_asked_about() {
        let account = H160::repeat_byte(0xab);
        let (lower, upper) = (format!("{account:#x}"), ira_commands::units::address(account));
        let expected = Value::List(vec![Value::Uint(U256::from(4)), Value::Uint(U256::from(6))]);
        let one = raw(r#"{"pending":{"4":{}},"queued":{"6":{"hash":"0x"}}}"#);
        assert_eq!(of_one(&one).expect("read"), expected);
        for who in [lower, upper] {
            let other = format!("{:#x}", H160::repeat_byte(1));
            let all = raw(&format!(
                r#"{{"pending":{{"{who}":{{"0x4":{{}}}},"{other}":{{"9":{{}}}}}},"queued":{{"{who}":{{"6":{{}}}}}}}}"#
            ));
            assert_eq!(of_all(&all, account).expect("read"), expected);
        }
        assert_eq!(of_one(&raw(r#"{"pending":{},"queued":{}}"#)).expect("read"), Value::List(Vec::new()));
        for wrong in ["null", "[]", r#"{"pending":[]}"#, r#"{"pending":{"first":{}}}"#] {
            assert!(of_one(&raw(wrong)).is_err(), "{wrong}");
        }
    }
}
