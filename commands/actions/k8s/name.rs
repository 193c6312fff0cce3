//! The names of objects, checked.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::ports::cluster::ObjectKind;
use crate::text::excerpt;

/// The longest name of an object.
const LONGEST: usize = 253;

/// The name of an object: small letters, digits, `-` and `.`, as the API takes it.
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
        let end = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
        let inner = |c: char| end(c) || matches!(c, '-' | '.');
        let well = text.chars().all(inner) && text.starts_with(end) && text.ends_with(end) && text.len() <= LONGEST;
        if well {
            return Ok(Self(text.to_owned()));
        }
        Err(format!(
            "`{}` is no name of an object: small letters, digits, `-` and `.`, at most {LONGEST}",
            excerpt(text, 64)
        ))
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

/// What keeps pods running: `deployment/web`, `statefulset/db`, `daemonset/agent`; a deployment where no kind is given.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, schemars::JsonSchema)]
#[serde(try_from = "String", into = "String")]
#[schemars(with = "String")]
pub struct Workload {
    /// Deployment, stateful set or daemon set.
    pub kind: ObjectKind,
    /// Its name.
    pub name: Name,
}

impl FromStr for Workload {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (kind, name) = text.split_once('/').unwrap_or(("deployment", text));
        let kind = match kind.to_ascii_lowercase().as_str() {
            "deployment" | "deployments" | "deploy" => ObjectKind::Deployment,
            "statefulset" | "statefulsets" | "sts" => ObjectKind::StatefulSet,
            "daemonset" | "daemonsets" | "ds" => ObjectKind::DaemonSet,
            other => {
                let other = excerpt(other, 40);
                return Err(format!("`{other}` is no workload: deployment/NAME, statefulset/NAME or daemonset/NAME"));
            }
        };
        Ok(Self { kind, name: name.parse()? })
    }
}

impl TryFrom<String> for Workload {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Workload> for String {
    fn from(workload: Workload) -> Self {
        workload.to_string()
    }
}

impl fmt::Display for Workload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.kind.word(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_that_the_api_would_not_take_is_refused_before_it_is_asked() {
        for text in ["web", "web-1", "ip-10-0-0-1.ec2.internal", "0x1"] {
            assert_eq!(text.parse::<Name>().expect(text).as_str(), text);
        }
        for text in ["", "Web", "-web", "web-", "a/b", "../x", "a b", "a\nb", "$(id)", "ünit"] {
            assert!(text.parse::<Name>().is_err(), "{text}");
        }
        assert!("a".repeat(254).parse::<Name>().is_err());
    }

    #[test]
    fn a_workload_is_a_kind_and_a_name() {
        for (text, full) in [("web", "deployment/web"), ("sts/db", "statefulset/db"), ("DaemonSet/a", "daemonset/a")] {
            assert_eq!(text.parse::<Workload>().expect(text).to_string(), full);
        }
        for text in ["pod/web", "deployment/", "/web", "deployment/a/b"] {
            assert!(text.parse::<Workload>().is_err(), "{text}");
        }
    }
}
