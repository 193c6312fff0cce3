//! Plain values that cross the wall to the chain: no contract library's types in here.

pub use primitive_types::{H160, H256, U256};

use crate::fault::{Fault, Kind};

/// A signed 256-bit integer: what `int192` answers and `int256` balances decode to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct I256 {
    /// Whether it is below zero (never set for zero).
    pub negative: bool,
    /// Its distance from zero.
    pub magnitude: U256,
}

impl I256 {
    /// A value that is zero or more.
    pub fn positive(magnitude: U256) -> Self {
        Self { negative: false, magnitude }
    }

    /// From the two's complement words of the EVM.
    pub fn from_twos_complement(raw: U256) -> Self {
        if raw.bit(255) {
            Self { negative: true, magnitude: (!raw).overflowing_add(U256::one()).0 }
        } else {
            Self::positive(raw)
        }
    }

    /// Nearest float, for ratios shown to a person; never for a sum that is kept.
    pub fn to_f64(self) -> f64 {
        let magnitude = u256_to_f64(self.magnitude);
        if self.negative { -magnitude } else { magnitude }
    }

    /// Whether it is greater than zero.
    pub fn is_positive(self) -> bool {
        !self.negative && !self.magnitude.is_zero()
    }
}

impl PartialOrd for I256 {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for I256 {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        match (self.negative, other.negative) {
            (false, true) => std::cmp::Ordering::Greater,
            (true, false) => std::cmp::Ordering::Less,
            (false, false) => self.magnitude.cmp(&other.magnitude),
            (true, true) => other.magnitude.cmp(&self.magnitude),
        }
    }
}

impl std::fmt::Display for I256 {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let sign = if self.negative { "-" } else { "" };
        write!(f, "{sign}{}", self.magnitude)
    }
}

/// Nearest float of a 256-bit integer.
pub fn u256_to_f64(value: U256) -> f64 {
    value.0.iter().rev().fold(0.0, |sum, limb| sum * 18_446_744_073_709_551_616.0 + *limb as f64)
}

/// An address whatever the case of its digits: what machines write often has lost its checksum.
pub fn lenient_address(text: &str) -> Option<H160> {
    let digits = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    if digits.len() == 40 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) { digits.parse().ok() } else { None }
}

/// One decoded value of a contract's answer, a log's field, or an argument of a call.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Value {
    /// `uintN`.
    Uint(U256),
    /// `intN`.
    Int(I256),
    /// `bool`.
    Bool(bool),
    /// `address`.
    Address(H160),
    /// `bytes` and `bytesN`.
    Bytes(Vec<u8>),
    /// `string`: text from outside, to be cleaned before it is shown.
    Text(String),
    /// Arrays, tuples, and several return values.
    List(Vec<Value>),
}

impl Value {
    fn bad(&self, wanted: &str) -> Fault {
        Fault::new(Kind::BadAnswer, format!("expected {wanted}, got {}", self.kind()))
    }

    /// What it is, for a message: the value itself may be a stranger's megabytes.
    fn kind(&self) -> &'static str {
        match self {
            Self::Uint(_) => "an unsigned integer",
            Self::Int(_) => "a signed integer",
            Self::Bool(_) => "a bool",
            Self::Address(_) => "an address",
            Self::Bytes(_) => "bytes",
            Self::Text(_) => "a string",
            Self::List(_) => "several values",
        }
    }

    /// The unsigned integer in it.
    pub fn uint(&self) -> Result<U256, Fault> {
        match self {
            Self::Uint(value) => Ok(*value),
            other => Err(other.bad("an unsigned integer")),
        }
    }

    /// The unsigned integer in it, when it fits 64 bits.
    pub fn u64(&self) -> Result<u64, Fault> {
        let value = self.uint()?;
        if value.bits() > 64 {
            Err(Fault::new(Kind::BadAnswer, format!("expected an integer below 2^64, got {value}")))
        } else {
            Ok(value.low_u64())
        }
    }

    /// The signed integer in it.
    pub fn int(&self) -> Result<I256, Fault> {
        match self {
            Self::Int(value) => Ok(*value),
            other => Err(other.bad("a signed integer")),
        }
    }

    /// The truth in it.
    pub fn bool(&self) -> Result<bool, Fault> {
        match self {
            Self::Bool(value) => Ok(*value),
            other => Err(other.bad("a bool")),
        }
    }

    /// The address in it.
    pub fn address(&self) -> Result<H160, Fault> {
        match self {
            Self::Address(value) => Ok(*value),
            other => Err(other.bad("an address")),
        }
    }

    /// The bytes in it.
    pub fn bytes(&self) -> Result<&[u8], Fault> {
        match self {
            Self::Bytes(value) => Ok(value),
            other => Err(other.bad("bytes")),
        }
    }

    /// The text in it, as the chain gave it.
    pub fn text(&self) -> Result<&str, Fault> {
        match self {
            Self::Text(value) => Ok(value),
            other => Err(other.bad("a string")),
        }
    }

    /// The values in it.
    pub fn list(&self) -> Result<&[Value], Fault> {
        match self {
            Self::List(values) => Ok(values),
            other => Err(other.bad("several values")),
        }
    }

    /// Item `index` of several.
    pub fn at(&self, index: usize) -> Result<&Value, Fault> {
        self.list()?
            .get(index)
            .ok_or_else(|| Fault::new(Kind::BadAnswer, format!("expected at least {} values", index.saturating_add(1))))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn twos_complement_round_trips_at_the_edges() {
        assert_eq!(I256::from_twos_complement(U256::MAX).to_string(), "-1");
        assert_eq!(I256::from_twos_complement(U256::zero()).to_string(), "0");
        let lowest = I256::from_twos_complement(U256::one() << 255);
        assert!(lowest.negative && lowest.magnitude == U256::one() << 255);
        assert!(lowest < I256::default() && I256::from_twos_complement(U256::MAX) > lowest);
    }

    #[test]
    fn an_address_is_forty_digits_in_any_case() {
        let lower = lenient_address("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed").expect("address");
        assert_eq!(lenient_address("0X5AAEB6053F3E94C9B9A09F33669435E7EF1BEAED"), Some(lower));
        for no in [
            "",
            "0x",
            "5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
            &format!("0x0x{}", "a".repeat(38)),
            &format!("0x{}", "é".repeat(20)),
        ] {
            assert_eq!(lenient_address(no), None, "{no}");
        }
    }

    #[test]
    fn a_value_of_another_type_is_a_fault_and_no_panic() {
        assert_eq!(Value::Bool(true).uint().expect_err("not a number").kind, Kind::BadAnswer);
        assert!(Value::Uint(U256::MAX).u64().is_err());
        assert!(Value::List(vec![]).at(0).is_err());
    }
}
