//! JSON-RPC about transactions, to and from the commands' plain values.

use ethers_core::utils::hex;
use ira_commands::Fault;
use ira_commands::ports::{Input, TxRequest};
use ira_commands::value::{H160, H256, U256, Value};
use serde::Deserialize;
use serde_json::json;
use serde_json::value::RawValue;

use super::abi;
use super::wire::{RpcItem, garbled};

/// What a transaction carries.
pub(super) fn data(input: &Input) -> Result<Vec<u8>, Fault> {
    match input {
        Input::Call(call) => Ok(abi::encode(call)?.1),
        Input::Raw(bytes) => Ok(bytes.clone()),
    }
}

/// The question for the gas of a transaction. It was encoded before, or it would not have come here.
pub(super) fn estimate(from: H160, request: &TxRequest, block: &str) -> RpcItem {
    let data = data(&request.input).unwrap_or_default();
    let mut call = json!({
        "from": format!("{from:#x}"),
        "value": format!("{:#x}", request.value),
        "data": format!("0x{}", hex::encode(data)),
    });
    if let Some(to) = request.to {
        call["to"] = json!(format!("{to:#x}"));
    }
    RpcItem::new("eth_estimateGas", json!([call, block]).to_string())
}

fn number(text: &str) -> Option<U256> {
    let digits = text.strip_prefix("0x").filter(|digits| !digits.is_empty() && digits.len() <= 64)?;
    U256::from_str_radix(digits, 16).ok()
}

fn uint(text: &str) -> Option<Value> {
    number(text).map(Value::Uint)
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    hex::decode(text.strip_prefix("0x")?).ok()
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FeeHistory {
    #[serde(default)]
    base_fee_per_gas: Vec<String>,
    #[serde(default)]
    reward: Option<Vec<Vec<String>>>,
}

/// `[base fee of the next block, priority fee]` of `eth_feeHistory`; the priority fee is the greatest median of the blocks.
pub(super) fn fees(raw: &RawValue) -> Result<Value, Fault> {
    let history: FeeHistory = serde_json::from_str(raw.get()).map_err(|_| garbled("a fee history"))?;
    let base = history.base_fee_per_gas.last().and_then(|fee| number(fee));
    let base = base.ok_or_else(|| garbled("a base fee").hint("only chains with EIP-1559 fees can be written to"))?;
    let medians = history.reward.iter().flatten().filter_map(|of_block| number(of_block.first()?));
    // Where no block had a transaction nobody asked for any; a node may still want to see something.
    let priority = medians.max().unwrap_or_default().max(U256::one());
    Ok(Value::List(vec![Value::Uint(base), Value::Uint(priority)]))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Receipt {
    block_number: Option<String>,
    block_hash: Option<H256>,
    status: Option<String>,
    gas_used: String,
    effective_gas_price: Option<String>,
}

/// See [`Read::Receipt`](ira_commands::ports::Read::Receipt).
pub(super) fn receipt(raw: &RawValue) -> Result<Value, Fault> {
    let receipt: Option<Receipt> = serde_json::from_str(raw.get()).map_err(|_| garbled("a receipt"))?;
    // Some endpoints give one without a block for a transaction that waits.
    let Some((receipt, block, hash)) = receipt.and_then(|mut receipt| {
        let (block, hash) = (receipt.block_number.take()?, receipt.block_hash?);
        Some((receipt, block, hash))
    }) else {
        return Ok(Value::List(Vec::new()));
    };
    let read = || {
        Some(Value::List(vec![
            Value::Bool(!number(receipt.status.as_deref()?)?.is_zero()),
            uint(&block)?,
            Value::Bytes(hash.as_bytes().to_vec()),
            uint(&receipt.gas_used)?,
            uint(receipt.effective_gas_price.as_deref().unwrap_or("0x0"))?,
        ]))
    };
    read().ok_or_else(|| garbled("a receipt"))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Transaction {
    from: H160,
    nonce: String,
    to: Option<H160>,
    value: String,
    input: String,
    gas: String,
    gas_price: Option<String>,
    max_fee_per_gas: Option<String>,
    max_priority_fee_per_gas: Option<String>,
    block_number: Option<String>,
    chain_id: Option<String>,
}

/// See [`Read::Transaction`](ira_commands::ports::Read::Transaction).
pub(super) fn transaction(raw: &RawValue) -> Result<Value, Fault> {
    let transaction: Option<Transaction> = serde_json::from_str(raw.get()).map_err(|_| garbled("a transaction"))?;
    let Some(tx) = transaction else { return Ok(Value::List(Vec::new())) };
    let read = || {
        // One from before EIP-1559 offers its price for both.
        let price = tx.gas_price.as_deref();
        Some(Value::List(vec![
            Value::Address(tx.from),
            uint(&tx.nonce)?,
            tx.to.map_or_else(|| Value::List(Vec::new()), Value::Address),
            uint(&tx.value)?,
            Value::Bytes(bytes(&tx.input)?),
            uint(&tx.gas)?,
            uint(tx.max_fee_per_gas.as_deref().or(price)?)?,
            uint(tx.max_priority_fee_per_gas.as_deref().or(price)?)?,
            Value::Bool(tx.block_number.is_some()),
            uint(tx.chain_id.as_deref().unwrap_or("0x0"))?,
        ]))
    };
    read().ok_or_else(|| garbled("a transaction"))
}
