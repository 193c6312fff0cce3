//! Reading the JSON of senders: alert by alert, and never more of one than is allowed.

use std::collections::BTreeMap;
use std::fmt;

use ira_commands::text::excerpt;
use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, Visitor};

use super::{Limits, Refusal};

/// A body that is no JSON of the wanted shape.
pub(super) fn unreadable(error: &serde_json::Error) -> Refusal {
    let why = excerpt(&error.to_string(), 200);
    // A limit that was passed while reading.
    if why.starts_with(MORE) { Refusal::too_much(why) } else { Refusal::malformed(why) }
}

/// What the message of a passed limit begins with.
pub(super) const MORE: &str = "more than";

/// Names and texts. A text that is too long is an error, or is cut.
pub(super) struct Pairs<'a> {
    pub(super) limits: &'a Limits,
    pub(super) cut: bool,
}

impl<'de> DeserializeSeed<'de> for Pairs<'_> {
    type Value = BTreeMap<String, String>;

    fn deserialize<D: Deserializer<'de>>(self, from: D) -> Result<Self::Value, D::Error> {
        from.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Pairs<'_> {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("names and texts")
    }

    /// Where there are none, some write none.
    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut pairs = BTreeMap::new();
        while let Some((name, mut text)) = map.next_entry::<String, String>()? {
            if pairs.len() >= self.limits.labels {
                return Err(A::Error::custom(format!("{MORE} {} labels", self.limits.labels)));
            }
            if name.len() > self.limits.label || (text.len() > self.limits.label && !self.cut) {
                let why = format!("{MORE} {} bytes in the label `{}`", self.limits.label, excerpt(&name, 80));
                return Err(A::Error::custom(why));
            }
            shorten(&mut text, self.limits.label);
            // Which of two was meant cannot be known, and it may decide what is done.
            if pairs.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is given twice", excerpt(&name, 80))));
            }
            pairs.insert(name, text);
        }
        Ok(pairs)
    }
}

/// An id of the sender's: not empty, and short.
pub(super) fn fits(name: &str, id: &str) -> Result<(), Refusal> {
    match id.len() {
        0 => Err(Refusal::malformed(format!("`{name}` is empty"))),
        1..=512 => Ok(()),
        _ => Err(Refusal::too_much(format!("{MORE} 512 bytes in `{name}`"))),
    }
}

/// Cuts a text after `most` bytes, with a mark that it was.
pub(super) fn shorten(text: &mut String, most: usize) {
    if text.len() > most {
        let end = (0..=most).rev().find(|at| text.is_char_boundary(*at)).unwrap_or(0);
        text.truncate(end);
        text.push('…');
    }
}
