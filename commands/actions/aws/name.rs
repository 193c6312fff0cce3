//! The names of things in AWS, checked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::excerpt;

/// The longest name of a thing.
const LONGEST: usize = 255;

/// The name of a cluster, service, container, table, function, or of an account of the configuration: letters, digits, `-`,
/// `_` and `.`. No ARN: the account and region are the configuration's.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Name(String);

impl Name {
    /// As it stands.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Name {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '$');
        // `$LATEST` is the only name with a dollar.
        let well = text.chars().all(inner) && (!text.contains('$') || text == "$LATEST");
        if well && (1..=LONGEST).contains(&text.len()) && text.chars().any(|c| c.is_ascii_alphanumeric()) {
            return Ok(Self(text.to_owned()));
        }
        Err(format!("`{}` is no name: letters, digits, `-`, `_` and `.`, at most {LONGEST}", excerpt(text, 64)))
    }
}

impl TryFrom<String> for Name {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A task definition with its revision: `web:7`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Revision {
    family: Name,
    number: u32,
}

impl Revision {
    /// The family.
    pub fn family(&self) -> &str {
        self.family.as_str()
    }
}

impl FromStr for Revision {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = || format!("`{}` is no revision of a task definition: FAMILY:REVISION", excerpt(text, 64));
        let (family, number) = text.rsplit_once(':').ok_or_else(wrong)?;
        let number = number.parse().ok().filter(|number| *number > 0).ok_or_else(wrong)?;
        Ok(Self { family: family.parse()?, number })
    }
}

impl TryFrom<String> for Revision {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Revision> for String {
    fn from(revision: Revision) -> Self {
        revision.to_string()
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.family, self.number)
    }
}

/// A name and a value: a variable of an environment, a dimension of a metric.
#[derive(Clone, PartialEq, Eq)]
pub struct Pair {
    /// The name.
    pub name: String,
    /// The value.
    pub value: String,
}

impl FromStr for Pair {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text.split_once('=') {
            Some((name, value)) if !name.is_empty() && !name.contains(char::is_control) => {
                Ok(Self { name: name.to_owned(), value: value.to_owned() })
            }
            _ => Err("it takes a name and a value: MODE=safe".to_owned()),
        }
    }
}

impl fmt::Display for Pair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}={}", self.name, self.value)
    }
}

crate::words::as_text!(Pair);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_no_arn_and_no_path() {
        for text in ["web", "Web_1", "x.y", "$LATEST", "7"] {
            assert_eq!(text.parse::<Name>().expect(text).as_str(), text);
        }
        for text in ["", "a/b", "a b", "..", "arn:aws:ecs:x", "$(id)", "a$LATEST", "a\nb", "ünit"] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
        assert!("a".repeat(256).parse::<Name>().is_err());
    }

    #[test]
    fn a_revision_is_a_family_and_a_number() {
        assert_eq!("web:7".parse::<Revision>().expect("one").to_string(), "web:7");
        for text in ["web", "web:", "web:0", "web:x", ":7", "a/b:7", "web:-1"] {
            assert!(text.parse::<Revision>().is_err(), "{text}");
        }
    }
}
