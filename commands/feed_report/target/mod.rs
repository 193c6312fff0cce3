//! From what was asked to the contracts to look at.

use crate::fault::{Fault, Kind};
use crate::text::{excerpt, is_separator};
use crate::units;
use crate::value::{H160, I256, U256};

mod resolve;

pub use resolve::{Compared, Resolved, Target, reference, resolve};

/// How a feed is named.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FeedInput {
    /// By the address of its proxy or aggregator.
    Address(H160),
    /// By its name or path in the directory.
    Name(String),
}

/// What an answer is compared with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reference {
    /// A price.
    Price(Price),
    /// Another feed.
    Feed(FeedInput),
}

/// An exact decimal: `value` / 10^`decimals`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Price {
    /// Its digits.
    pub value: I256,
    /// How many of them stand behind the point.
    pub decimals: u64,
}

fn usage(message: String, hint: impl Into<String>) -> Fault {
    Fault::new(Kind::Usage, message).hint(hint)
}

/// Reads an address (checksum included) or a name. Faults are of kind [`Kind::Usage`].
pub fn parse_feed(input: &str) -> Result<FeedInput, Fault> {
    let input = input.trim();
    let shown = excerpt(input, 80);
    if input.is_empty() {
        return Err(usage("a feed is empty".to_owned(), "give an address, or a name in the directory (`eth-usd`)"));
    }
    if let Some(digits) = input.strip_prefix("0x").or_else(|| input.strip_prefix("0X"))
        // `0x0 / USD` is a pair.
        && !digits.contains(is_separator)
    {
        return parse_address(digits, &shown).map(FeedInput::Address);
    }
    if input.len() == 40 && input.bytes().all(|c| c.is_ascii_hexdigit()) {
        return Err(usage(format!("`{shown}` is no feed"), format!("an address begins with 0x: 0x{shown}")));
    }
    let lower = input.to_lowercase();
    if let Some(label) = lower.strip_suffix(".eth") {
        let hint = match label.strip_suffix(".data") {
            Some(path) => format!("give its address, or its name in the directory: {}", excerpt(path, 80)),
            None => "give its address".to_owned(),
        };
        return Err(usage(format!("`{shown}`: ENS names are not looked up"), hint));
    }
    Ok(FeedInput::Name(input.to_owned()))
}

/// The address with these digits, `shown` as it was given.
fn parse_address(digits: &str, shown: &str) -> Result<H160, Fault> {
    if let Some((at, bad)) = digits.chars().enumerate().find(|(_, c)| !c.is_ascii_hexdigit()) {
        let bad = bad.escape_debug();
        return Err(usage(
            format!("`{shown}` is no address: `{bad}` in place {} is no hex digit", at + 3),
            "an address is 0x and 40 hex digits",
        ));
    }
    if digits.len() != 40 {
        let hint = if digits.len() == 64 {
            "64 digits are a transaction, a block or an identifier; an address has 40"
        } else {
            "an address is 0x and 40 hex digits: was it cut while it was copied?"
        };
        return Err(usage(format!("`{shown}` is no address: it has {} digits", digits.len()), hint));
    }
    let address: H160 = digits.parse().expect("40 hex digits");
    let right = units::address(address);
    let mixed = digits.contains(|c: char| c.is_ascii_uppercase()) && digits.contains(|c: char| c.is_ascii_lowercase());
    if mixed && right[2..] != *digits {
        return Err(usage(
            format!("the checksum of {shown} is wrong: a digit may be mistyped"),
            format!("if the digits are right, it is written {right}; all in lower case, the checksum is not looked at"),
        ));
    }
    Ok(address)
}

/// Reads a price (`3412.77`) or, where it does not look like a number, a feed. Faults are of kind [`Kind::Usage`].
pub fn parse_reference(input: &str) -> Result<Reference, Fault> {
    let input = input.trim();
    let number_like = input.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '.' | '+' | '-' | '$'))
        && !input.starts_with("0x")
        && !input.starts_with("0X");
    if number_like && input.chars().all(|c| c.is_ascii_digit() || matches!(c, '.' | ',' | '_' | '+' | '-' | '$')) {
        return parse_price(input).map(Reference::Price);
    }
    if number_like && input.bytes().all(|c| c.is_ascii_digit() || b".+-eE".contains(&c)) {
        return Err(usage(format!("`{}` is no price", excerpt(input, 80)), "write it without an exponent: 0.00012"));
    }
    parse_feed(input).map(Reference::Feed)
}

fn parse_price(input: &str) -> Result<Price, Fault> {
    let shown = excerpt(input, 80);
    let no_price = |hint: String| usage(format!("`{shown}` is no price"), hint);
    if input.contains([',', '$']) {
        let plain: String = excerpt(input, 80).chars().filter(|c| !matches!(c, ',' | '$')).collect();
        return Err(no_price(format!("the digits and a point only; if `,` sets thousands apart: {plain}")));
    }
    let (negative, digits) = match input.strip_prefix('-') {
        Some(rest) => (true, rest),
        None => (false, input.strip_prefix('+').unwrap_or(input)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|c| c.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return Err(no_price("a price is digits with at most one point: 3412.77".to_owned()));
    }
    let fraction = fraction.trim_end_matches('0');
    let all = format!("{}{fraction}", whole.trim_start_matches('0'));
    // 10^76 is below 2^255.
    if all.len() > 76 {
        return Err(no_price("at most 76 digits".to_owned()));
    }
    let magnitude = U256::from_dec_str(if all.is_empty() { "0" } else { &all }).expect("at most 76 decimal digits");
    if magnitude.is_zero() {
        return Err(no_price("a deviation from zero has no measure: give a price other than 0".to_owned()));
    }
    Ok(Price { value: I256 { negative, magnitude }, decimals: fraction.len() as u64 })
}

#[cfg(test)]
mod tests;
