//! From answers and events to facts.

use std::collections::BTreeMap;

use crate::fault::{Fault, Kind};
use crate::ports::{Interface, Log};
use crate::sheet::Sheet;
use crate::units;
use crate::value::{H160, H256, I256, U256, Value};

use super::facts::{Config, Coordinator, Fulfilled, Known, Lane, Pooled, Request, SubscriptionState, Version};

/// Gas of a transaction that does nothing.
const TRANSACTION: u64 = 21_000;
/// Gas of a word of calldata without zero bytes.
const CALLDATA_WORD: u64 = 512;

/// The call by which a coordinator hands a consumer its words: `rawFulfillRandomWords(uint256,uint256[])`, with words
/// made up.
pub fn callback(request: &Request) -> Vec<u8> {
    let mut data = units::keccak256(b"rawFulfillRandomWords(uint256,uint256[])")[..4].to_vec();
    let mut word = |value: U256| {
        let mut bytes = [0; 32];
        value.to_big_endian(&mut bytes);
        data.extend_from_slice(&bytes);
    };
    word(request.id);
    word(U256::from(64));
    // A coordinator takes at most 500 words.
    let words = request.words.min(500);
    word(U256::from(words));
    for index in 0..words {
        word(U256::from_big_endian(&units::keccak256(&index.to_be_bytes())));
    }
    data
}

/// Whose ABI a coordinator has.
pub fn interface(version: Version) -> Interface {
    match version {
        Version::V2 => Interface::VrfV2,
        Version::V25 => Interface::VrfV25,
    }
}

fn field(log: &Log, index: usize) -> Known<&Value> {
    log.fields.get(index).ok_or_else(|| Fault::new(Kind::BadAnswer, format!("{} has no field {index}", log.event)))
}

fn hash(value: &Value) -> Known<H256> {
    let bytes = value.bytes()?;
    if bytes.len() == 32 { Ok(H256::from_slice(bytes)) } else { Err(Fault::new(Kind::BadAnswer, "expected 32 bytes")) }
}

/// The coordinator at `address`, or what is there instead.
pub fn coordinator(address: H160, sheet: &Sheet) -> Result<Coordinator, Fault> {
    let version = match (sheet.get("typeAndVersion").and_then(Value::text), sheet.get("s_config")) {
        (Ok(text), _) if text.starts_with("VRFCoordinatorV2 ") => Version::V2,
        (_, Ok(_)) => Version::V25,
        (named, Err(fault)) => {
            let shown = units::address(address);
            if !matches!(fault.kind, Kind::Missing | Kind::Reverted | Kind::BadAnswer) {
                return Err(fault.wrap(format!("the coordinator {shown} cannot be read")));
            }
            let what =
                named.map_or_else(|_| fault.one_line(), |text| format!("it calls itself {}", crate::text::clean(text)));
            return Err(Fault::new(
                Kind::Missing,
                format!("the contract at {shown} is no VRF coordinator of version 2 or 2.5"),
            )
            .because(what)
            .hint("give the coordinator that the consumer requests from; is --network right?"));
        }
    };
    let v2 = version == Version::V2;
    let config = if v2 {
        sheet.get("getConfig").and_then(|value| {
            Ok(Config {
                min_confirmations: value.at(0)?.u64()?,
                max_gas_limit: value.at(1)?.u64()?,
                staleness_seconds: value.at(2)?.u64()?,
                gas_after_payment: value.at(3)?.u64()?,
                native_premium: 0,
                link_premium: 0,
                native_flat_fee: U256::zero(),
                link_flat_fee: U256::zero(),
                flat_juels: tiers(sheet.get("getFeeConfig")?)?,
            })
        })
    } else {
        sheet.get("s_config").and_then(|value| {
            Ok(Config {
                min_confirmations: value.at(0)?.u64()?,
                max_gas_limit: value.at(1)?.u64()?,
                staleness_seconds: value.at(3)?.u64()?,
                gas_after_payment: value.at(4)?.u64()?,
                native_premium: value.at(7)?.u64()?,
                link_premium: value.at(8)?.u64()?,
                native_flat_fee: millionths(value.at(5)?.u64()?),
                link_flat_fee: millionths(value.at(5)?.u64()?.saturating_sub(value.at(6)?.u64()?)),
                flat_juels: U256::zero(),
            })
        })
    };
    Ok(Coordinator {
        address,
        version,
        config,
        fallback_wei_per_link: sheet
            .get(if v2 { "getFallbackWeiPerUnitLink" } else { "s_fallbackWeiPerUnitLink" })
            .and_then(Value::int),
        feed: sheet.get(if v2 { "LINK_ETH_FEED" } else { "LINK_NATIVE_FEED" }).and_then(Value::address),
        price: Err(Fault::new(Kind::Missing, "the coordinator names no price feed")),
        blockhash_store: sheet.get("BLOCKHASH_STORE").and_then(Value::address),
        lanes: v2
            .then(|| sheet.get("getRequestConfig").and_then(|value| value.at(2)?.list()?.iter().map(hash).collect())),
    })
}

/// Millionths of a coin in its smallest unit.
fn millionths(count: u64) -> U256 {
    U256::from(count).saturating_mul(U256::exp10(12))
}

/// The dearest flat fee of V2: which of the five tiers holds depends on how much a subscription was used.
fn tiers(fees: &Value) -> Known<U256> {
    let all = (0..5).map(|tier| fees.at(tier)?.u64()).collect::<Known<Vec<u64>>>()?;
    Ok(millionths(all.into_iter().max().unwrap_or_default()))
}

/// A feed's answer and when it was written.
pub fn price(round: &Value) -> Known<(I256, u64)> {
    Ok((round.at(1)?.int()?, round.at(3)?.u64()?))
}

/// Whether a sequencer uptime feed's round says "down", and since when.
pub fn sequencer(round: &Value) -> Known<(bool, u64)> {
    Ok((!round.at(1)?.int()?.magnitude.is_zero(), round.at(2)?.u64()?))
}

/// A request by its event, with everything else still to be read.
pub fn request(log: &Log) -> Known<Request> {
    let unread = || Fault::new(Kind::Failed, "it was not read");
    let v25 = log.interface == Interface::VrfV25;
    Ok(Request {
        key_hash: hash(field(log, 0)?)?,
        id: field(log, 1)?.uint()?,
        seed: field(log, 2)?.uint()?,
        place: 0,
        subscription: field(log, 3)?.uint()?,
        confirmations: field(log, 4)?.u64()?,
        callback_gas_limit: field(log, 5)?.u64()?,
        words: field(log, 6)?.u64()?,
        extra_args: if v25 { field(log, 7)?.bytes()?.to_vec() } else { Vec::new() },
        sender: field(log, if v25 { 8 } else { 7 })?.address()?,
        tx: log.tx,
        block: log.block,
        at: Err(unread()),
        commitment: Err(unread()),
        fulfilled: Err(unread()),
        lane: Err(unread()),
        sender_is_contract: Err(unread()),
        callback_gas: Err(unread()),
        stored: Err(unread()),
    })
}

/// Puts in what was read about a request.
pub fn fill(request: &mut Request, sheet: &Sheet, coordinator: &Coordinator, fulfilments: &[Log]) {
    request.commitment = sheet.get("commitment").and_then(hash);
    request.at = sheet.get("time").and_then(Value::u64);
    request.sender_is_contract = sheet.get("code").and_then(Value::bytes).map(|code| !code.is_empty());
    request.callback_gas = sheet.get("callback").and_then(Value::u64).map(|gas| {
        // What any transaction pays for itself and its calldata is no part of a callback.
        gas.saturating_sub(TRANSACTION + CALLDATA_WORD * (request.words + 3)).min(request.callback_gas_limit)
    });
    request.lane = match &coordinator.lanes {
        Some(lanes) => lanes
            .as_ref()
            .map(|lanes| Lane { registered: lanes.contains(&request.key_hash), max_gas: None })
            .map_err(Clone::clone),
        None => sheet.get("lane").and_then(|value| {
            let registered = value.at(0)?.bool()?;
            Ok(Lane { registered, max_gas: Some(value.at(1)?.uint()?).filter(|_| registered) })
        }),
    };
    request.stored = match (&coordinator.blockhash_store, sheet.asked("stored", 0)) {
        (Err(fault), _) => Err(fault.clone()),
        (_, Some(Ok(value))) => hash(value).map(|stored| !stored.is_zero()),
        // "blockhash not found in store"
        (_, Some(Err(fault))) if fault.kind == Kind::Reverted => Ok(false),
        (_, Some(Err(fault))) => Err(fault),
        (_, None) => Err(Fault::new(Kind::Failed, "it was not read")),
    };
    request.fulfilled = Ok(fulfilments
        .iter()
        .filter(|log| log.event == "RandomWordsFulfilled")
        .find(|log| log.fields.first().and_then(|id| id.uint().ok()) == Some(request.id))
        .and_then(|log| fulfilled(log).ok()));
}

fn fulfilled(log: &Log) -> Known<Fulfilled> {
    let v25 = log.interface == Interface::VrfV25;
    Ok(Fulfilled {
        tx: log.tx,
        block: log.block,
        payment: field(log, if v25 { 3 } else { 2 })?.uint()?,
        success: field(log, if v25 { 5 } else { 3 })?.bool()?,
    })
}

/// A subscription's state; `None` where the coordinator says that there is none.
pub fn subscription(answer: Known<&Value>, version: Version) -> Known<Option<SubscriptionState>> {
    let value = match answer {
        Ok(value) => value,
        Err(fault) if fault.kind == Kind::Reverted => return Ok(None),
        Err(fault) => return Err(fault),
    };
    let v25 = version == Version::V25;
    let (owner, consumers) = if v25 { (3, 4) } else { (2, 3) };
    Ok(Some(SubscriptionState {
        link: value.at(0)?.uint()?,
        native: if v25 { value.at(1)?.uint()? } else { U256::zero() },
        owner: value.at(owner)?.address()?,
        consumers: value.at(consumers)?.list()?.iter().map(Value::address).collect::<Known<_>>()?,
    }))
}

/// The transactions of the newest `most` fulfilments.
pub fn fulfilment_transactions(logs: &[Log], most: usize) -> Vec<H256> {
    logs.iter().rev().filter(|log| log.event == "RandomWordsFulfilled").take(most).map(|log| log.tx).collect()
}

/// Subscriptions that were migrated, and where to.
pub fn migrations(logs: &[Log]) -> BTreeMap<U256, H160> {
    logs.iter()
        .filter(|log| log.event == "MigrationCompleted")
        .filter_map(|log| Some((log.fields.get(1)?.uint().ok()?, log.fields.first()?.address().ok()?)))
        .collect()
}

/// The commitment that the coordinator would keep of this request: the hash of what its event says.
pub fn commitment(request: &Request, version: Version) -> H256 {
    let mut data = Vec::with_capacity(9 * 32);
    let mut word = |value: U256| {
        let mut bytes = [0; 32];
        value.to_big_endian(&mut bytes);
        data.extend_from_slice(&bytes);
    };
    word(request.id);
    word(U256::from(request.block));
    word(request.subscription);
    word(U256::from(request.callback_gas_limit));
    word(U256::from(request.words));
    word(U256::from_big_endian(request.sender.as_bytes()));
    if version == Version::V25 {
        // abi.encode puts a dynamic value behind the words: its offset, its length, its bytes padded.
        word(U256::from(7 * 32));
        word(U256::from(request.extra_args.len()));
        data.extend_from_slice(&request.extra_args);
        data.resize(data.len().next_multiple_of(32), 0);
    }
    H256(units::keccak256(&data))
}

/// A transaction that waits in a pool. What the endpoint does not tell of it is an empty list.
pub fn pooled(value: &Value) -> Result<Pooled, Fault> {
    let hash = value.at(1)?.bytes().ok().filter(|bytes| bytes.len() == 32);
    Ok(Pooled { nonce: value.at(0)?.u64()?, hash: hash.map(H256::from_slice), max_fee: value.at(2)?.uint().ok() })
}
