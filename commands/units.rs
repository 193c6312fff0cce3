//! Numbers as a person reads them: prices, coins, ages, shares, addresses.

use tiny_keccak::{Hasher, Keccak};

use crate::value::{H160, I256, U256};

/// Keccak-256, as the EVM uses it.
pub fn keccak256(data: &[u8]) -> [u8; 32] {
    let mut hasher = Keccak::v256();
    hasher.update(data);
    let mut out = [0; 32];
    hasher.finalize(&mut out);
    out
}

/// Lower-case hex with `0x`.
pub fn hex(bytes: &[u8]) -> String {
    format!("0x{}", digits(bytes))
}

/// Lower-case hex without `0x`: as digests and signatures are written.
pub fn digits(bytes: &[u8]) -> String {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
    bytes.iter().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect()
}

/// The bytes of hex digits without `0x`, in any case; `None` where it is anything else.
pub fn bytes(digits: &str) -> Option<Vec<u8>> {
    let digit = |byte: u8| char::from(byte).to_digit(16).and_then(|value| u8::try_from(value).ok());
    let pairs = digits.as_bytes().chunks_exact(2);
    if !pairs.remainder().is_empty() {
        return None;
    }
    pairs.map(|pair| Some(digit(pair[0])? << 4 | digit(pair[1])?)).collect()
}

/// An address with its EIP-55 checksum.
pub fn address(address: H160) -> String {
    let plain = hex(address.as_bytes());
    let hash = keccak256(&plain.as_bytes()[2..]);
    let mut out = String::with_capacity(42);
    out.push_str("0x");
    for (at, c) in plain[2..].chars().enumerate() {
        let nibble = if at % 2 == 0 { hash[at / 2] >> 4 } else { hash[at / 2] & 0xf };
        out.push(if nibble >= 8 { c.to_ascii_uppercase() } else { c });
    }
    out
}

/// `0xE62B…C9fF`.
pub fn short_address(of: H160) -> String {
    let full = address(of);
    format!("{}…{}", &full[..6], &full[38..])
}

/// `0x5d1e…77a0` of a hash.
pub fn short_hex(bytes: &[u8]) -> String {
    let full = hex(bytes);
    if full.len() <= 14 { full } else { format!("{}…{}", &full[..6], &full[full.len() - 4..]) }
}

/// An integer scaled down by `decimals`, exact, without trailing zeros: `341277000000` at 8 is `3412.77`.
pub fn scaled(value: I256, decimals: u64) -> String {
    let sign = if value.negative { "-" } else { "" };
    format!("{sign}{}", scaled_uint(value.magnitude, decimals))
}

/// As [`scaled`], of an unsigned integer.
pub fn scaled_uint(value: U256, decimals: u64) -> String {
    let digits = value.to_string();
    // A contract may claim any number of decimals; beyond 77 an U256 has no digit left.
    let places = usize::try_from(decimals.min(255)).unwrap_or(255);
    if places == 0 {
        return digits;
    }
    let padded = format!("{digits:0>width$}", width = places + 1);
    let (whole, fraction) = padded.split_at(padded.len() - places);
    let fraction = fraction.trim_end_matches('0');
    if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
}

/// An exact decimal cut to `significant` digits, with thousands set apart: `3,412.77`.
pub fn readable(exact: &str, significant: usize) -> String {
    let (sign, digits) = exact.strip_prefix('-').map_or(("", exact), |rest| ("-", rest));
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut grouped = String::new();
    for (at, c) in whole.chars().enumerate() {
        if at > 0 && (whole.len() - at).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(c);
    }
    let used = if whole == "0" { 0 } else { whole.len() };
    let zeros = if used == 0 { fraction.len() - fraction.trim_start_matches('0').len() } else { 0 };
    let places = (significant.saturating_sub(used).max(if used > 0 { 2 } else { 0 }) + zeros).min(fraction.len());
    let fraction = fraction[..places].trim_end_matches('0');
    if fraction.is_empty() { format!("{sign}{grouped}") } else { format!("{sign}{grouped}.{fraction}") }
}

/// A coin amount of 18 decimals: `2.1 ETH`.
pub fn coin(amount: U256, symbol: &str) -> String {
    format!("{} {symbol}", readable(&scaled_uint(amount, 18), 4))
}

/// A gas price: `22 gwei`.
pub fn gwei(wei: U256) -> String {
    format!("{} gwei", readable(&scaled_uint(wei, 9), 3))
}

/// `54 s`, `12 min`, `3 h`, `12 d`: two units below ten of the greater one.
pub fn duration(seconds: u64) -> String {
    const STEPS: [(u64, &str); 4] = [(86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")];
    for (at, (size, unit)) in STEPS.iter().enumerate() {
        if seconds >= *size {
            let whole = seconds / size;
            let rest = seconds % size;
            if whole < 10
                && let Some((small, small_unit)) = STEPS.get(at + 1)
                && rest / small > 0
            {
                return format!("{whole} {unit} {} {small_unit}", rest / small);
            }
            return format!("{whole} {unit}");
        }
    }
    "0 s".to_owned()
}

/// A share in percent: two significant places below ten, none above.
pub fn percent(value: f64) -> String {
    if value != 0.0 && value.abs() < 10.0 { format!("{value:.2} %") } else { format!("{value:.0} %") }
}

/// An unsigned integer with its thousands set apart.
pub fn thousands(value: u64) -> String {
    readable(&value.to_string(), 20)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_carries_its_checksum() {
        let raw: H160 = "0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed".parse().expect("hex");
        assert_eq!(address(raw), "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed");
        assert_eq!(short_address(raw), "0x5aAe…eAed");
    }

    #[test]
    fn prices_are_exact_and_readable() {
        let price = I256::positive(U256::from(341_277_000_000_u64));
        assert_eq!(scaled(price, 8), "3412.77");
        assert_eq!(scaled(I256 { negative: true, magnitude: U256::from(5) }, 3), "-0.005");
        assert_eq!(scaled_uint(U256::zero(), 18), "0");
        assert_eq!(readable("3412.7712345", 6), "3,412.77");
        assert_eq!(readable("0.000123456", 4), "0.0001234");
        assert_eq!(readable("1234567", 4), "1,234,567");
        assert_eq!(coin(U256::from(2_100_000_000_000_000_000_u64), "ETH"), "2.1 ETH");
    }

    #[test]
    fn ages_have_the_units_a_person_says() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(54), "54 s");
        assert_eq!(duration(61), "1 min 1 s");
        assert_eq!(duration(3_240), "54 min");
        assert_eq!(duration(10_800), "3 h");
        assert_eq!(duration(1_036_800), "12 d");
    }
}
