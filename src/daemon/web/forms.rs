//! Forms and queries: `name=value` pairs as browsers send them.

use std::collections::BTreeMap;

/// The longest form that is read, bytes.
pub const MOST: usize = 16 * 1024;

/// The pairs of a form or query; of several with one name the last.
pub fn read(text: &str) -> BTreeMap<String, String> {
    form_urlencoded::parse(text.as_bytes()).into_owned().collect()
}

/// A value as it stands in a query.
pub fn quoted(value: &str) -> String {
    form_urlencoded::byte_serialize(value.as_bytes()).collect()
}
