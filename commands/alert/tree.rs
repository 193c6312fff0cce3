//! JSON with only what an alert can be in: texts, objects, and lists of objects.

use std::collections::BTreeMap;

use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess};

use crate::loose::{self, FromAny, Loose};
use crate::text::excerpt;

/// One value. Numbers and bools are texts here; null, and what is no object in a list, are not kept.
#[derive(Debug, PartialEq)]
pub(super) enum Tree {
    Text(String),
    Object(BTreeMap<String, Tree>),
    List(Vec<Tree>),
    Nothing,
}

impl Tree {
    /// What stands under `name`.
    pub(super) fn get(&self, name: &str) -> Option<&Tree> {
        match self {
            Self::Object(fields) => fields.get(name),
            _ => None,
        }
    }

    /// The text under `name`.
    pub(super) fn text(&self, name: &str) -> Option<&str> {
        match self.get(name) {
            Some(Self::Text(text)) => Some(text),
            _ => None,
        }
    }

    /// The texts of the object under `name`.
    pub(super) fn pairs(&self, name: &str) -> BTreeMap<String, String> {
        self.get(name).map(|object| object.scalars(|_| true)).unwrap_or_default()
    }

    /// The texts in this object whose names are `wanted`.
    pub(super) fn scalars(&self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let Self::Object(fields) = self else { return BTreeMap::new() };
        let texts = fields.iter().filter_map(|(name, value)| match value {
            Self::Text(text) if wanted(name) => Some((name.clone(), text.clone())),
            _ => None,
        });
        texts.collect()
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        loose::any(deserializer)
    }
}

impl<'de> FromAny<'de> for Tree {
    fn scalar(value: Loose<'de>) -> Self {
        value.into_text().map_or(Self::Nothing, Self::Text)
    }

    fn object<A: MapAccess<'de>>(mut map: A) -> Result<Self, A::Error> {
        let mut fields = BTreeMap::new();
        while let Some((name, value)) = map.next_entry::<String, Self>()? {
            // Which of two was meant cannot be known, and it may decide which contract is looked at.
            if fields.contains_key(&name) {
                return Err(A::Error::custom(format!("`{}` is given twice", excerpt(&name, 80))));
            }
            fields.insert(name, value);
        }
        Ok(Self::Object(fields))
    }

    fn list<A: SeqAccess<'de>>(mut seq: A) -> Result<Self, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = seq.next_element::<Self>()? {
            if let Self::Object(_) = item {
                if list.len() >= super::MAX_ALERTS {
                    return Err(A::Error::custom("a list of more than 10,000 objects"));
                }
                list.push(item);
            }
        }
        Ok(Self::List(list))
    }
}
