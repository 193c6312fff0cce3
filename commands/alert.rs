//! The normal form of an alert, whichever system sent it.

use std::collections::BTreeMap;

/// One alert. Labels and annotations are text from outside: data, never code.
#[derive(Clone, Debug, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Alert {
    /// What identifies it: the sender's labels, or the fields of its details.
    pub labels: BTreeMap<String, String>,
    /// What describes it.
    #[serde(default)]
    pub annotations: BTreeMap<String, String>,
}
