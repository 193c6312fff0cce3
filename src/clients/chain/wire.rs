//! The seam below which a question becomes bytes: JSON-RPC over HTTP, or a recording.

use std::sync::atomic::{AtomicU64, Ordering};

use async_trait::async_trait;
use ethers_core::utils::hex;
use ira_commands::ports::BlockRef;
use ira_commands::value::{H160, H256, U256, Value};
use ira_commands::{Fault, Kind};
use serde_json::value::RawValue;

/// One JSON-RPC question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct RpcItem {
    pub(super) method: &'static str,
    /// The parameters, as JSON text: always an array.
    pub(super) params: String,
}

impl RpcItem {
    pub(super) fn new(method: &'static str, params: String) -> Self {
        Self { method, params }
    }
}

/// An answer, unparsed: `null` is one too.
pub(super) type Raw = Box<RawValue>;

/// Asks one endpoint. Faults are predicates of it ("cannot be reached: …") and name no host.
#[async_trait]
pub(super) trait Wire: Send + Sync {
    /// Answers every item, in order. With `pin`, every request that goes out carries a check that the endpoint has that
    /// very block: else its items are [`Kind::Reorged`] (another block is there) or [`Kind::Missing`] (none is).
    async fn exchange(&self, items: &[RpcItem], pin: Option<&BlockRef>) -> Vec<Result<Raw, Fault>>;
}

/// Counts requests, and how many of them had to wait for one another.
#[derive(Default)]
pub(super) struct Meter {
    /// The longest chain among the requests that have ended.
    ended: AtomicU64,
    /// The longest chain of all.
    longest: AtomicU64,
    requests: AtomicU64,
}

impl Meter {
    /// A request goes out; gives its place in the chain, for [`Meter::end`].
    pub(super) fn start(&self) -> u64 {
        self.requests.fetch_add(1, Ordering::Relaxed);
        let place = self.ended.load(Ordering::Acquire) + 1;
        self.longest.fetch_max(place, Ordering::AcqRel);
        place
    }

    /// It was answered, or given up.
    pub(super) fn end(&self, place: u64) {
        self.ended.fetch_max(place, Ordering::AcqRel);
    }

    pub(super) fn round_trips(&self) -> u64 {
        self.longest.load(Ordering::Acquire)
    }

    pub(super) fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }
}

/// How the fault of an endpoint begins that has not got to a block yet.
pub(super) const LACKS: &str = "does not have";

/// The question for a block by height.
pub(super) fn block_by_number(number: u64) -> RpcItem {
    RpcItem::new("eth_getBlockByNumber", format!("[\"{}\",false]", quantity(number)))
}

/// `0x1a`.
pub(super) fn quantity(number: u64) -> String {
    format!("{number:#x}")
}

/// The question for a contract's answer at a block.
pub(super) fn eth_call(from: H160, to: H160, data: &[u8], block: u64) -> RpcItem {
    let data = hex::encode(data);
    let params =
        format!("[{{\"from\":\"{from:#x}\",\"to\":\"{to:#x}\",\"data\":\"0x{data}\"}},\"{}\"]", quantity(block));
    RpcItem::new("eth_call", params)
}

/// A call as a transaction made it, value and all.
pub(super) fn trial(from: H160, to: H160, value: U256, data: &[u8], block: u64) -> RpcItem {
    let (data, block) = (hex::encode(data), quantity(block));
    let params = format!(
        "[{{\"from\":\"{from:#x}\",\"to\":\"{to:#x}\",\"value\":\"{value:#x}\",\"data\":\"0x{data}\"}},\"{block}\"]"
    );
    RpcItem::new("eth_call", params)
}

/// Bytes of a hex string, straight from the JSON text.
pub(super) fn bytes(raw: &RawValue) -> Result<Vec<u8>, Fault> {
    let text = string(raw, "hex")?;
    let digits = text.strip_prefix("0x").ok_or_else(|| garbled("hex"))?;
    hex::decode(digits).map_err(|_| garbled("hex"))
}

/// An integer as JSON-RPC writes it.
pub(super) fn number(raw: &RawValue) -> Result<U256, Fault> {
    parse_quantity(string(raw, "a number")?).ok_or_else(|| garbled("a number"))
}

/// An integer of 64 bits.
pub(super) fn number64(raw: &RawValue) -> Result<u64, Fault> {
    parse_u64(string(raw, "a number")?).ok_or_else(|| garbled("a number"))
}

pub(super) fn parse_u64(text: &str) -> Option<u64> {
    parse_quantity(text).filter(|number| number.bits() <= 64).map(|number| number.low_u64())
}

pub(super) fn parse_quantity(text: &str) -> Option<U256> {
    let digits = text.strip_prefix("0x")?;
    if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    U256::from_str_radix(digits, 16).ok()
}

pub(super) fn parse_hash(text: &str) -> Option<H256> {
    let bytes = hex::decode(text.strip_prefix("0x")?).ok()?;
    (bytes.len() == 32).then(|| H256::from_slice(&bytes))
}

fn string<'a>(raw: &'a RawValue, wanted: &str) -> Result<&'a str, Fault> {
    serde_json::from_str::<&str>(raw.get()).map_err(|_| garbled(wanted))
}

/// An answer that is not what its method answers. Its text is not repeated: it may be megabytes, and is a stranger's.
pub(super) fn garbled(wanted: &str) -> Fault {
    Fault::new(Kind::BadAnswer, format!("answers something else than {wanted}"))
}

/// The parts of a block that count here.
#[derive(serde::Deserialize)]
struct Block<'a> {
    #[serde(borrow)]
    number: &'a str,
    #[serde(borrow)]
    hash: &'a str,
    #[serde(borrow)]
    timestamp: &'a str,
}

/// A block of `eth_getBlockByNumber`; `None` where the endpoint has none at that height.
pub(super) fn block(raw: &RawValue) -> Result<Option<BlockRef>, Fault> {
    let Some(block) = serde_json::from_str::<Option<Block<'_>>>(raw.get()).map_err(|_| garbled("a block"))? else {
        return Ok(None);
    };
    let read = || {
        Some(BlockRef {
            number: parse_u64(block.number)?,
            hash: parse_hash(block.hash)?,
            timestamp: parse_u64(block.timestamp)?,
        })
    };
    read().map(Some).ok_or_else(|| garbled("a block"))
}

/// The part of a receipt that counts here.
#[derive(serde::Deserialize)]
struct Receipt<'a> {
    #[serde(borrow, rename = "gasUsed")]
    gas_used: &'a str,
}

/// The gas of `eth_getTransactionReceipt`; `None` where the endpoint knows no such transaction.
pub(super) fn gas_used(raw: &RawValue) -> Result<Option<U256>, Fault> {
    let receipt: Option<Receipt<'_>> = serde_json::from_str(raw.get()).map_err(|_| garbled("a receipt"))?;
    receipt.map(|receipt| parse_quantity(receipt.gas_used).ok_or_else(|| garbled("a receipt"))).transpose()
}

/// A mined transaction, as [`Read::Mined`](ira_commands::ports::Read::Mined) has it.
pub(super) fn mined(raw: &RawValue) -> Result<Option<Value>, Fault> {
    #[derive(serde::Deserialize)]
    struct Emitted {
        address: H160,
    }
    #[derive(serde::Deserialize)]
    struct Whole<'a> {
        #[serde(borrow)]
        status: Option<&'a str>,
        #[serde(rename = "blockNumber", borrow)]
        block: &'a str,
        from: H160,
        #[serde(default)]
        logs: Vec<Emitted>,
    }
    let receipt: Option<Whole<'_>> = serde_json::from_str(raw.get()).map_err(|_| garbled("a receipt"))?;
    let Some(receipt) = receipt else { return Ok(None) };
    // Before Byzantium a receipt had no status; VRF is younger than that.
    let status = receipt.status.and_then(parse_quantity).ok_or_else(|| garbled("a receipt"))?;
    let block = parse_quantity(receipt.block).ok_or_else(|| garbled("a receipt"))?;
    Ok(Some(Value::List(vec![
        Value::Bool(!status.is_zero()),
        Value::Uint(block),
        Value::Address(receipt.from),
        Value::List(receipt.logs.into_iter().map(|log| Value::Address(log.address)).collect()),
    ])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn raw(text: &str) -> Raw {
        RawValue::from_string(text.to_owned()).expect("JSON")
    }

    #[test]
    fn requests_side_by_side_count_as_one_round_trip() {
        let meter = Meter::default();
        let (a, b) = (meter.start(), meter.start());
        meter.end(a);
        let c = meter.start(); // b is still out, but c waited for a
        meter.end(b);
        meter.end(c);
        assert_eq!((meter.round_trips(), meter.requests()), (2, 3));
    }

    #[test]
    fn what_is_no_hex_no_number_no_block_is_a_fault() {
        assert_eq!(bytes(&raw("\"0x00ff\"")).expect("hex"), [0, 0xff]);
        assert_eq!(number64(&raw("\"0x1a\"")), Ok(26));
        for bad in ["\"\"", "\"ff\"", "\"0xg0\"", "\"0x123\"", "5", "null", "{}", "\"<html>\""] {
            assert_eq!(bytes(&raw(bad)).expect_err(bad).kind, Kind::BadAnswer);
        }
        for bad in ["\"0x\"", "\"12\"", "\"0x+1\"", "12", "\"0x10000000000000000\""] {
            assert_eq!(number64(&raw(bad)).expect_err(bad).kind, Kind::BadAnswer);
        }
        assert_eq!(block(&raw("null")), Ok(None));
        assert!(block(&raw(r#"{"number":"0x1","hash":"0x1","timestamp":"0x1"}"#)).is_err());
        assert!(block(&raw("\"0x1\"")).is_err());
    }
}
