//! The name of a unit, checked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::text::excerpt;

/// The kinds of unit there are.
const KINDS: &[&str] =
    &["service", "socket", "target", "timer", "path", "mount", "automount", "swap", "device", "slice", "scope"];
/// The longest name that systemd takes.
const LONGEST: usize = 255;

/// The full name of a unit; `.service` where no kind was given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Unit(String);

impl Unit {
    /// As systemd has it.
    pub fn name(&self) -> &str {
        &self.0
    }
}

impl FromStr for Unit {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| Err(format!("`{}` is no unit: {why}", excerpt(text, 64)));
        let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '.' | '\\' | '@' | '-');
        if !text.chars().all(allowed) {
            return wrong("its name has letters, digits and `:_.\\@-`");
        }
        let kind = text.rsplit_once('.').map(|(_, kind)| kind).filter(|kind| KINDS.contains(kind));
        let full = if kind.is_some() { text.to_owned() } else { format!("{text}.service") };
        let stem = full.rsplit_once('.').map_or("", |(stem, _)| stem);
        if stem.is_empty() || full.len() > LONGEST || stem.starts_with(['-', '@', '.']) {
            return wrong("give a name such as web.service");
        }
        if stem.ends_with('@') {
            return wrong("it is a template; name an instance of it (web@1.service)");
        }
        Ok(Self(full))
    }
}

impl TryFrom<String> for Unit {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Unit> for String {
    fn from(unit: Unit) -> Self {
        unit.0
    }
}

impl fmt::Display for Unit {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_completed_and_anything_else_is_refused() {
        for (text, name) in [
            ("web", "web.service"),
            ("web.socket", "web.socket"),
            ("a.b", "a.b.service"),
            ("web@1", "web@1.service"),
            ("dev-disk\\x2d1.mount", "dev-disk\\x2d1.mount"),
        ] {
            assert_eq!(text.parse::<Unit>().expect(text).name(), name);
        }
        for text in
            ["", "-web", "a b", "../x", "/etc/x.service", "web@", "$(id)", "a\nb", "ünit", ".service", "web;reboot"]
        {
            assert!(text.parse::<Unit>().is_err(), "{text}");
        }
        assert!("a".repeat(250).parse::<Unit>().is_err());
    }
}
