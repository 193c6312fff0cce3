//! Arguments that are more than text: addresses, hashes, ids and amounts, each read exactly.

use std::fmt;
use std::str::FromStr;

use crate::units;
use crate::value::{H160, H256, U256};

/// Decimals of LINK and of every native coin.
const DECIMALS: usize = 18;

/// An account or contract. Read as 0x and 40 hex digits; where it has capitals its EIP-55 checksum must be right.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Address(pub H160);

/// A hash of a transaction: 0x and 64 hex digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Hash(pub H256);

/// An unsigned integer of 256 bits: digits, or 0x and hex digits. Shown in digits.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Id(pub U256);

/// An amount of a coin with 18 decimals: `44.8 LINK`.
#[derive(Clone, PartialEq, Eq)]
pub struct Coins {
    /// In the coin's smallest unit (juels, wei).
    pub units: U256,
    /// The coin, as it was written (`LINK`, `ETH`).
    pub symbol: String,
}

/// A length of time: `90s`, `10m`, `1h30m`, `2d`; in whole seconds.
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Span {
    /// Seconds.
    pub seconds: u64,
}

/// The units of a [`Span`], greatest first.
const SPANS: [(char, u64); 4] = [('d', 86_400), ('h', 3_600), ('m', 60), ('s', 1)];
/// A longer time is a mistake: ten years.
const LONGEST: u64 = 10 * 366 * 86_400;

impl Coins {
    /// Whether it is of the coin `symbol`, in any case.
    pub fn is(&self, symbol: &str) -> bool {
        self.symbol.eq_ignore_ascii_case(symbol)
    }

    /// An amount of LINK, juels.
    pub fn link(units: U256) -> Self {
        Self { units, symbol: "LINK".to_owned() }
    }

    /// An amount of the coin `symbol`.
    pub fn of(units: U256, symbol: &str) -> Self {
        Self { units, symbol: symbol.to_owned() }
    }
}

impl FromStr for Address {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
        let address: H160 =
            digits.and_then(|digits| digits.parse().ok()).ok_or("it takes an address: 0x and 40 hex digits")?;
        let right = units::address(address);
        if text.to_ascii_lowercase() == text || right == text {
            Ok(Self(address))
        } else {
            Err(format!("its checksum is wrong: a digit may be mistyped; if none is, write it {right}"))
        }
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 64);
        let hash = digits.and_then(|digits| digits.parse().ok());
        hash.map(Self).ok_or_else(|| "it takes a transaction hash: 0x and 64 hex digits".to_owned())
    }
}

impl FromStr for Id {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let number = match text.strip_prefix("0x") {
            Some(digits) if !digits.is_empty() && digits.len() <= 64 => hex(digits),
            Some(_) => None,
            None if text.is_empty() || !text.bytes().all(|digit| digit.is_ascii_digit()) => None,
            None => U256::from_dec_str(text).ok(),
        };
        number
            .map(Self)
            .ok_or_else(|| "it takes a whole number below 2^256, in digits or as 0x and hex digits".to_owned())
    }
}

fn hex(digits: &str) -> Option<U256> {
    digits.bytes().all(|digit| digit.is_ascii_hexdigit()).then(|| U256::from_str_radix(digits, 16).ok())?
}

impl FromStr for Coins {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it takes an amount and its coin: \"5 LINK\", \"0.5 ETH\"".to_owned();
        let text = text.trim();
        let (number, symbol) = text.split_at(text.find(|c: char| c.is_ascii_alphabetic()).ok_or_else(wrong)?);
        let number = number.trim_end();
        let symbol = symbol.trim();
        let named = !symbol.is_empty() && symbol.len() <= 12 && symbol.bytes().all(|c| c.is_ascii_alphanumeric());
        let (whole, fraction) = number.split_once('.').unwrap_or((number, "0"));
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
        if !named || !digits(whole) || !digits(fraction) {
            return Err(wrong());
        }
        if fraction.len() > DECIMALS {
            return Err(format!("it has more than {DECIMALS} decimals, and the coin has not"));
        }
        let units = U256::from_dec_str(&format!("{whole}{fraction:0<DECIMALS$}"));
        let units = units.map_err(|_| "it is more than there can be".to_owned())?;
        Ok(Self { units, symbol: symbol.to_owned() })
    }
}

impl FromStr for Span {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || "it takes a length of time: 90s, 10m, 1h30m, 2d".to_owned();
        let mut seconds: u64 = 0;
        let mut rest = text.trim();
        let mut last = u64::MAX;
        while !rest.is_empty() {
            let at = rest.find(|c: char| !c.is_ascii_digit()).filter(|at| *at > 0).ok_or_else(wrong)?;
            let number: u64 = rest[..at].parse().map_err(|_| wrong())?;
            let unit = rest[at..].chars().next().ok_or_else(wrong)?;
            let (_, size) = SPANS.iter().find(|(name, _)| *name == unit).ok_or_else(wrong)?;
            // Each unit once, the greater one first.
            if *size >= last {
                return Err(wrong());
            }
            last = *size;
            seconds = number.checked_mul(*size).and_then(|part| seconds.checked_add(part)).ok_or_else(wrong)?;
            rest = &rest[at + unit.len_utf8()..];
        }
        if last == u64::MAX || seconds > LONGEST { Err(wrong()) } else { Ok(Self { seconds }) }
    }
}

/// A length of time as its text, or, as a parameter of a playbook gives it, as seconds.
pub(crate) fn span<'de, D: serde::Deserializer<'de>>(from: D) -> Result<Span, D::Error> {
    match <serde_json::Value as serde::Deserialize>::deserialize(from)? {
        serde_json::Value::Number(seconds) if seconds.is_u64() => {
            Ok(Span { seconds: seconds.as_u64().unwrap_or_default() })
        }
        other => serde_json::from_value(other).map_err(serde::de::Error::custom),
    }
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.seconds;
        for (unit, size) in SPANS {
            if rest >= size {
                write!(f, "{}{unit}", rest / size)?;
                rest %= size;
            }
        }
        if self.seconds == 0 { f.write_str("0s") } else { Ok(()) }
    }
}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::address(self.0))
    }
}

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&units::hex(self.0.as_bytes()))
    }
}

impl fmt::Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl fmt::Display for Coins {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", units::scaled_uint(self.units, 18), self.symbol)
    }
}

/// Written and read as its text, and shown as it in a debug print.
macro_rules! as_text {
    ($($word:ident),*) => {$(
        impl std::fmt::Debug for $word {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, concat!(stringify!($word), "({})"), self)
            }
        }

        impl serde::Serialize for $word {
            fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> serde::Deserialize<'de> for $word {
            fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = <String as serde::Deserialize>::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }

        impl schemars::JsonSchema for $word {
            fn schema_name() -> std::borrow::Cow<'static, str> {
                stringify!($word).into()
            }

            fn json_schema(generator: &mut schemars::SchemaGenerator) -> schemars::Schema {
                <String as schemars::JsonSchema>::json_schema(generator)
            }
        }
    )*};
}

pub(crate) use as_text;

as_text!(Address, Hash, Id, Coins, Span);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_exact_to_the_last_unit() {
        for (text, units) in [
            ("5 LINK", "5000000000000000000"),
            ("0.5 ETH", "500000000000000000"),
            ("44.800000000000000001 link", "44800000000000000001"),
            ("0.000000000000000001 ETH", "1"),
            ("5LINK", "5000000000000000000"),
            (" 1000000000 LINK ", "1000000000000000000000000000"),
        ] {
            let coins: Coins = text.parse().expect(text);
            assert_eq!(coins.units.to_string(), units, "{text}");
            assert_eq!(coins.to_string().parse::<Coins>(), Ok(coins), "{text}");
        }
        assert!("44.8 link".parse::<Coins>().expect("an amount").is("LINK"));
    }

    #[test]
    fn a_length_of_time_is_read_and_shown_alike() {
        for (text, seconds) in
            [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("2d", 172_800), ("0s", 0), ("1d1s", 86_401)]
        {
            let span: Span = text.parse().expect(text);
            assert_eq!(span.seconds, seconds, "{text}");
            assert_eq!(span.to_string().parse::<Span>(), Ok(span), "{text}");
        }
        for wrong in
            ["", "10", "m", "10 m", "-1m", "1.5h", "1m1h", "1m1m", "10min", "99999999999999999999s", "4000d", "1ü"]
        {
            assert!(wrong.parse::<Span>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn what_is_no_amount_is_refused() {
        for text in [
            "",
            "5",
            "LINK",
            "LINK 5",
            "-5 LINK",
            "+5 LINK",
            "5. LINK",
            ".5 LINK",
            "1e3 LINK",
            "5,0 LINK",
            "5 L!NK",
            "0x5 LINK",
            "5 LINK ETH",
            "0.0000000000000000001 LINK",
        ] {
            assert!(text.parse::<Coins>().is_err(), "{text}");
        }
        assert!(format!("{} LINK", "9".repeat(80)).parse::<Coins>().is_err());
    }

    #[test]
    fn addresses_hashes_and_ids_are_read_strictly() {
        let right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
        assert_eq!(right.parse::<Address>().expect("an address").to_string(), right);
        assert!(right.to_lowercase().parse::<Address>().is_ok());
        assert!("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeD".parse::<Address>().expect_err("typo").contains(right));
        assert!("5aaeb6053f3e94c9b9a09f33669435e7ef1beaed".parse::<Address>().is_err());
        assert!(format!("0x{}", "a".repeat(64)).parse::<Hash>().is_ok() && "0xaa".parse::<Hash>().is_err());
        assert_eq!("0x1F".parse::<Id>(), Ok(Id(U256::from(31))));
        assert_eq!("31".parse::<Id>(), Ok(Id(U256::from(31))));
        for bad in ["", "0x", "-1", "+1", "1 ", "1_0", "0x+1", &"9".repeat(80)] {
            assert!(bad.parse::<Id>().is_err(), "{bad}");
        }
    }
}
