//! A block's header as the chain hashes it, rebuilt from the fields that JSON-RPC gives, and checked against the hash.

use ethers_core::utils::{hex, rlp::RlpStream};
use ira_commands::units::keccak256;
use ira_commands::value::U256;
use ira_commands::{Fault, Kind};
use serde::Deserialize;
use serde_json::value::RawValue;

use super::wire::{garbled, parse_u64};

/// The fields of a header. The later ones came with London, Shanghai, Cancun and Prague, in this order.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Header {
    hash: String,
    parent_hash: String,
    sha3_uncles: String,
    miner: String,
    state_root: String,
    transactions_root: String,
    receipts_root: String,
    logs_bloom: String,
    difficulty: String,
    number: String,
    gas_limit: String,
    gas_used: String,
    timestamp: String,
    extra_data: String,
    mix_hash: String,
    nonce: String,
    base_fee_per_gas: Option<String>,
    withdrawals_root: Option<String>,
    blob_gas_used: Option<String>,
    excess_blob_gas: Option<String>,
    parent_beacon_block_root: Option<String>,
    requests_hash: Option<String>,
}

/// How a field is written.
enum Form {
    /// Bytes as they are.
    Bytes,
    /// An integer, without zeros before it.
    Number,
}

impl Header {
    /// The fields in the order in which they are hashed; of the optional ones those that the block has.
    fn fields(&self) -> impl Iterator<Item = (&str, Form)> {
        use Form::{Bytes, Number};
        let always = [
            (&self.parent_hash, Bytes),
            (&self.sha3_uncles, Bytes),
            (&self.miner, Bytes),
            (&self.state_root, Bytes),
            (&self.transactions_root, Bytes),
            (&self.receipts_root, Bytes),
            (&self.logs_bloom, Bytes),
            (&self.difficulty, Number),
            (&self.number, Number),
            (&self.gas_limit, Number),
            (&self.gas_used, Number),
            (&self.timestamp, Number),
            (&self.extra_data, Bytes),
            (&self.mix_hash, Bytes),
            (&self.nonce, Bytes),
        ];
        let later = [
            (&self.base_fee_per_gas, Number),
            (&self.withdrawals_root, Bytes),
            (&self.blob_gas_used, Number),
            (&self.excess_blob_gas, Number),
            (&self.parent_beacon_block_root, Bytes),
            (&self.requests_hash, Bytes),
        ];
        let later = later.into_iter().filter_map(|(field, form)| Some((field.as_deref()?, form)));
        always.into_iter().map(|(field, form)| (field.as_str(), form)).chain(later)
    }

    fn rlp(&self) -> Option<Vec<u8>> {
        let mut stream = RlpStream::new();
        stream.begin_unbounded_list();
        for (field, form) in self.fields() {
            let digits = field.strip_prefix("0x")?;
            match form {
                Form::Bytes => stream.append(&hex::decode(digits).ok()?),
                Form::Number if digits.len() > 64 => return None,
                Form::Number => stream.append(&U256::from_str_radix(digits, 16).ok()?),
            };
        }
        stream.finalize_unbounded_list();
        Some(stream.out().to_vec())
    }
}

/// The header of `eth_getBlockByNumber`'s answer about block `number`; `None` where there is no such block. What does
/// not hash to the block's own hash is a fault: a contract would refuse it.
pub(super) fn rlp(raw: &RawValue, number: u64) -> Result<Option<Vec<u8>>, Fault> {
    let header: Option<Header> = serde_json::from_str(raw.get()).map_err(|_| garbled("a block"))?;
    let Some(header) = header else { return Ok(None) };
    if parse_u64(&header.number) != Some(number) {
        return Err(garbled("the block asked for"));
    }
    let rlp = header.rlp().ok_or_else(|| garbled("a block"))?;
    let own = header.hash.strip_prefix("0x").and_then(|digits| hex::decode(digits).ok());
    if own.is_some_and(|own| own == keccak256(&rlp)) {
        return Ok(Some(rlp));
    }
    Err(Fault::new(
        Kind::BadAnswer,
        format!("gives a header of block {number} that does not hash to the block's own hash"),
    )
    .because("the chain's headers have fields that are not known here, or the answer is wrong")
    .hint("give an endpoint that serves whole headers; on such a chain the hash has to be stored within 256 blocks"))
}
