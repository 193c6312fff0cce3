//! JSON:API read as it comes: a value may be a text or a number, absent or null. What is something else is left out and
//! kept in words.

use std::collections::BTreeSet;
use std::fmt::Display;
use std::sync::{Mutex, PoisonError};

use ira_commands::value::{H160, H256, U256, lenient_address};
use ira_commands::{date, units};
use serde_json::Value as Json;

use super::duration;
use super::mask::Mask;

/// The most doubts that are kept.
const MOST_DOUBTS: usize = 20;

/// What was not understood so far.
#[derive(Default)]
pub(super) struct Doubts(Mutex<BTreeSet<String>>);

impl Doubts {
    pub fn add(&self, doubt: String) {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() < MOST_DOUBTS {
            all.insert(doubt);
        }
    }

    pub fn all(&self) -> Vec<String> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned().collect()
    }
}

/// One object of an answer.
#[derive(Clone, Copy)]
pub(super) struct Item<'a> {
    /// What it is of (`jobs`).
    what: &'a str,
    value: &'a Json,
    doubts: &'a Doubts,
    mask: &'a Mask,
}

impl<'a> Item<'a> {
    pub fn new(what: &'a str, value: &'a Json, doubts: &'a Doubts, mask: &'a Mask) -> Self {
        Self { what, value, doubts, mask }
    }

    /// Its id in the answer.
    pub fn id(&self) -> String {
        self.value.get("id").map(|id| self.shown(id)).unwrap_or_default()
    }

    /// The first of these attributes that is there and not null.
    pub fn get(&self, names: &[&str]) -> Option<&'a Json> {
        let inside = self.value.get("attributes");
        let of = |name: &&str| inside.and_then(|inside| inside.get(*name)).or_else(|| self.value.get(*name));
        names.iter().filter_map(of).find(|value| !value.is_null())
    }

    /// The object under this name.
    pub fn object(&self, name: &str) -> Option<Item<'a>> {
        let value = self.get(&[name])?;
        if value.is_object() {
            return Some(Item { value, ..*self });
        }
        self.doubt(name, value, "no object")
    }

    /// Something inside it, read alike.
    pub fn of(&self, value: &'a Json) -> Item<'a> {
        Item { value, ..*self }
    }

    /// A text from somewhere inside it, fit to be shown.
    pub fn clean(&self, text: &str, most: usize) -> String {
        self.mask.text(text, most)
    }

    /// The list under this name; one that is absent is empty.
    pub fn list(&self, name: &str) -> &'a [Json] {
        match self.get(&[name]) {
            Some(Json::Array(list)) => list,
            Some(other) => {
                self.doubt::<()>(name, other, "no list");
                &[]
            }
            None => &[],
        }
    }

    fn doubt<T>(&self, name: &str, value: &Json, what: &str) -> Option<T> {
        let name = self.mask.text(name, 40);
        self.doubts.add(format!("{}: `{name}` is {what}: {}", self.what, self.shown(value)));
        None
    }

    /// A value for a message: short, and without any secret.
    fn shown(&self, value: &Json) -> String {
        match value {
            Json::String(text) => self.mask.text(text, 60),
            Json::Array(_) => "a list".to_owned(),
            Json::Object(_) => "an object".to_owned(),
            other => other.to_string(),
        }
    }

    fn parsed<T>(&self, names: &[&str], what: &str, parse: impl Fn(&Json) -> Option<T>) -> Option<T> {
        let value = self.get(names)?;
        parse(value).or_else(|| self.doubt(names[0], value, what))
    }

    /// A text of at most `most` characters, fit to be shown.
    pub fn text(&self, names: &[&str], most: usize) -> Option<String> {
        let of = |value: &Json| match value {
            Json::String(text) => Some(self.mask.text(text, most)),
            Json::Number(number) => Some(number.to_string()),
            _ => None,
        };
        self.parsed(names, "no text", of)
    }

    pub fn truth(&self, names: &[&str]) -> Option<bool> {
        let of = |value: &Json| match value {
            Json::Bool(truth) => Some(*truth),
            Json::String(text) => text.parse().ok(),
            _ => None,
        };
        self.parsed(names, "neither true nor false", of)
    }

    pub fn uint(&self, names: &[&str]) -> Option<U256> {
        self.parsed(names, "no whole number", whole)
    }

    pub fn number(&self, names: &[&str]) -> Option<u64> {
        self.parsed(names, "no whole number", |value| small(whole(value)?))
    }

    pub fn address(&self, names: &[&str]) -> Option<H160> {
        let found = self.parsed(names, "no address", |value| lenient_address(value.as_str()?))?;
        // What is not set comes as the zero address in some builds.
        (!found.is_zero()).then_some(found)
    }

    /// A list of addresses, or one.
    pub fn addresses(&self, names: &[&str]) -> Vec<H160> {
        let Some(value) = self.get(names) else { return Vec::new() };
        let one = std::slice::from_ref(value);
        let all = value.as_array().map_or(one, Vec::as_slice);
        let read = |one: &Json| {
            let address = one.as_str().and_then(lenient_address);
            address.or_else(|| self.doubt(names[0], one, "no address"))
        };
        all.iter().filter(|one| !one.is_null()).filter_map(read).collect()
    }

    pub fn hash(&self, names: &[&str]) -> Option<H256> {
        self.parsed(names, "no hash", |value| hash(value.as_str()?))
    }

    /// Bytes as hex; none for an empty text.
    pub fn bytes(&self, names: &[&str]) -> Option<Vec<u8>> {
        self.parsed(names, "no hex", |value| bytes(value.as_str()?))
    }

    /// Unix seconds; none for Go's zero time.
    pub fn moment(&self, names: &[&str]) -> Option<u64> {
        let value = self.get(names)?;
        let text = value.as_str().unwrap_or_default();
        if text.is_empty() || text.starts_with("0001-01-01") {
            return None;
        }
        date::moment(text).or_else(|| self.doubt(names[0], value, "no moment"))
    }

    /// Milliseconds, of a span as Go writes it: in words, or in nanoseconds.
    pub fn millis(&self, names: &[&str]) -> Option<u64> {
        let of = |value: &Json| match value {
            Json::String(text) => duration::millis(text),
            other => small(whole(other)?).map(|nanos| nanos / 1_000_000),
        };
        self.parsed(names, "no span of time", of)
    }

    /// Wei, of an amount in the native coin with its decimals.
    pub fn coins(&self, names: &[&str]) -> Option<U256> {
        let of = |value: &Json| {
            let text = value.as_str()?.trim();
            let (whole, fraction) = text.split_once('.').or((text == "0").then_some(("0", "0")))?;
            let digits = |part: &str| !part.is_empty() && part.bytes().all(|digit| digit.is_ascii_digit());
            let sound = digits(whole) && digits(fraction) && whole.len() <= 40 && fraction.len() <= 18;
            sound.then(|| U256::from_dec_str(&format!("{whole}{fraction:0<18}")).ok())?
        };
        self.parsed(names, "no amount", of)
    }

    /// What cannot be told in words of the attributes alone.
    pub fn strange(&self, what: impl Display) {
        self.doubts.add(format!("{}: {what}", self.what));
    }
}

/// A whole number: digits, hex digits after `0x`, or a JSON number without a fraction.
pub(super) fn whole(value: &Json) -> Option<U256> {
    match value {
        Json::Number(number) => match (number.as_u64(), number.as_f64()) {
            (Some(number), _) => Some(U256::from(number)),
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked to be in range")]
            (None, Some(float)) if (0.0..9e15).contains(&float) && float.fract() == 0.0 => {
                Some(U256::from(float as u64))
            }
            _ => None,
        },
        Json::String(text) => {
            let text = text.trim();
            match text.strip_prefix("0x") {
                Some(digits) if (1..=64).contains(&digits.len()) => U256::from_str_radix(digits, 16).ok(),
                Some(_) => None,
                None if text.is_empty() || text.len() > 78 => None,
                None => U256::from_dec_str(text).ok(),
            }
        }
        _ => None,
    }
}

pub(super) fn small(number: U256) -> Option<u64> {
    (number <= U256::from(u64::MAX)).then(|| number.as_u64())
}

pub(super) fn hash(text: &str) -> Option<H256> {
    let digits = text.trim().strip_prefix("0x").filter(|digits| digits.len() == 64)?;
    digits.parse().ok()
}

pub(super) fn bytes(text: &str) -> Option<Vec<u8>> {
    units::bytes(text.trim().strip_prefix("0x").unwrap_or(text.trim()))
}
