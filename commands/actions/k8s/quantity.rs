//! Amounts of CPU and memory, as the API writes them.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::excerpt;

/// The suffixes there are, and what each multiplies by.
const SUFFIXES: [(&str, f64); 15] = [
    ("Ki", 1024.0),
    ("Mi", 1_048_576.0),
    ("Gi", 1_073_741_824.0),
    ("Ti", 1_099_511_627_776.0),
    ("Pi", 1_125_899_906_842_624.0),
    ("Ei", 1_152_921_504_606_846_976.0),
    ("n", 1e-9),
    ("u", 1e-6),
    ("m", 1e-3),
    ("k", 1e3),
    ("M", 1e6),
    ("G", 1e9),
    ("T", 1e12),
    ("P", 1e15),
    ("E", 1e18),
];

/// An amount: `500m` of a CPU, `512Mi` of memory.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Quantity(String);

impl Quantity {
    /// As the API takes it.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// In whole CPUs, or bytes.
    pub fn value(&self) -> f64 {
        value(&self.0).unwrap_or_default()
    }
}

/// What a quantity is worth, in whole CPUs or bytes; `None` where it is none.
pub(super) fn value(text: &str) -> Option<f64> {
    let (number, times) =
        SUFFIXES.iter().find_map(|(suffix, times)| Some((text.strip_suffix(suffix)?, *times))).unwrap_or((text, 1.0));
    let plain = |c: char| c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E' | '+' | '-');
    if !number.starts_with(|c: char| c.is_ascii_digit() || c == '.') || !number.chars().all(plain) {
        return None;
    }
    let number: f64 = number.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number * times)
}

impl FromStr for Quantity {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match value(text) {
            Some(value) if value > 0.0 => Ok(Self(text.to_owned())),
            _ => Err(format!("`{}` is no amount: 500m or 2 of CPU, 512Mi or 2Gi of memory", excerpt(text, 40))),
        }
    }
}

impl TryFrom<String> for Quantity {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Quantity> for String {
    fn from(quantity: Quantity) -> Self {
        quantity.0
    }
}

impl fmt::Display for Quantity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_amount_is_worth_what_the_api_makes_of_it() {
        for (text, worth) in [
            ("500m", 0.5),
            ("2", 2.0),
            ("0.1", 0.1),
            ("1e3", 1000.0),
            ("128Mi", 134_217_728.0),
            ("1Gi", 1_073_741_824.0),
            ("100k", 100_000.0),
            ("12500000n", 0.0125),
        ] {
            let found = value(text).expect(text);
            assert!((found - worth).abs() <= worth * 1e-12, "{text}: {found}");
        }
        for text in ["", "x", "-1", "1 Gi", "1Zi", "inf", "NaN", "0x10", "Mi"] {
            assert_eq!(value(text), None, "{text}");
            assert!(text.parse::<Quantity>().is_err(), "{text}");
        }
        assert!("0".parse::<Quantity>().is_err());
    }
}
