//! JSON taken as it comes, for sources whose fields have no fixed type.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// Integers are exact in a float below here.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// What can be made of any JSON value.
pub(crate) trait FromAny<'de>: Sized {
    /// Of a text, number, bool or null; of a list too, where [`Self::list`] is not given.
    fn scalar(value: Loose<'de>) -> Self;

    /// Of an object.
    fn object<A: MapAccess<'de>>(map: A) -> Result<Self, A::Error>;

    /// Of a list.
    fn list<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        while seq.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Self::scalar(Loose::Nested("a list")))
    }
}

/// Reads any value.
pub(crate) fn any<'de, T: FromAny<'de>, D: Deserializer<'de>>(deserializer: D) -> Result<T, D::Error> {
    deserializer.deserialize_any(Any(PhantomData))
}

/// A scalar, or the word for what stands there instead; what is nested is read over and not kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) enum Loose<'a> {
    Text(Cow<'a, str>),
    Whole(u64),
    Number(f64),
    Truth(bool),
    #[default]
    Null,
    Nested(&'static str),
}

impl Loose<'_> {
    /// The scalar as text; `None` for null, for what is nested, and for a number that a float does not hold exactly.
    pub(crate) fn into_text(self) -> Option<String> {
        match self {
            Self::Text(text) => Some(text.into_owned()),
            Self::Whole(number) => Some(number.to_string()),
            Self::Number(number) if number.abs() < EXACT => Some(number.to_string()),
            Self::Truth(truth) => Some(truth.to_string()),
            Self::Number(_) | Self::Null | Self::Nested(_) => None,
        }
    }

    /// What it is, for a message.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "text",
            Self::Whole(_) | Self::Number(_) => "a number",
            Self::Truth(_) => "a bool",
            Self::Null => "null",
            Self::Nested(kind) => kind,
        }
    }
}

impl<'de> FromAny<'de> for Loose<'de> {
    fn scalar(value: Loose<'de>) -> Self {
        value
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Self::Nested("an object"))
    }
}

impl<'de> Deserialize<'de> for Loose<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        any(deserializer)
    }
}

struct Any<T>(PhantomData<T>);

impl<'de, T: FromAny<'de>> Visitor<'de> for Any<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any value")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<T, E> {
        Ok(T::scalar(Loose::Text(Cow::Borrowed(text))))
    }

    fn visit_str<E>(self, text: &str) -> Result<T, E> {
        Ok(T::scalar(Loose::Text(Cow::Owned(text.to_owned()))))
    }

    fn visit_u64<E>(self, number: u64) -> Result<T, E> {
        Ok(T::scalar(Loose::Whole(number)))
    }

    fn visit_i64<E>(self, number: i64) -> Result<T, E> {
        Ok(T::scalar(Loose::Number(number as f64)))
    }

    fn visit_f64<E>(self, number: f64) -> Result<T, E> {
        Ok(T::scalar(Loose::Number(number)))
    }

    fn visit_bool<E>(self, truth: bool) -> Result<T, E> {
        Ok(T::scalar(Loose::Truth(truth)))
    }

    fn visit_unit<E>(self) -> Result<T, E> {
        Ok(T::scalar(Loose::Null))
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::object(map)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<T, A::Error> {
        T::list(seq)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_json_value_is_taken_and_only_scalars_become_text() {
        let all = r#"["a\nb", 7, -7, 0.5, 1e300, true, null, [1,[2]], {"a":{"b":1}}]"#;
        let values: Vec<Loose> = serde_json::from_str(all).expect("taken");
        let texts: Vec<Option<String>> = values.iter().cloned().map(Loose::into_text).collect();
        let want = [Some("a\nb"), Some("7"), Some("-7"), Some("0.5"), None, Some("true"), None, None, None];
        assert_eq!(texts, want.map(|text| text.map(str::to_owned)));
        assert_eq!(values[7].kind(), "a list");
        assert_eq!(values[8].kind(), "an object");
    }
}
