//! The envelope of `--json`: `{schema_version, success, data, errors[], warnings[]}`, errors included.

use ira_commands::text::clean;
use ira_commands::{Fault, Report};
use serde_json::{Value as Json, json};

use super::push;
use crate::exit;

/// Raised when a field changes its meaning or goes away; a new field does not raise it.
const SCHEMA_VERSION: u32 = 1;

/// A report in its envelope.
pub fn report(report: &Report, code: u8, pretty: bool) -> String {
    envelope(&report.data, &report.errors, &report.warnings, code, pretty)
}

/// Any result in the envelope that goes with the exit code; one line, unless `pretty`.
pub fn envelope(data: &Json, errors: &[Fault], warnings: &[String], code: u8, pretty: bool) -> String {
    let errors: Vec<Json> = errors
        .iter()
        .map(|fault| json!({"kind": fault.kind, "message": fault.message, "causes": fault.causes, "hint": fault.hint}))
        .collect();
    let envelope = json!({
        "schema_version": SCHEMA_VERSION,
        "success": exit::success(code),
        "data": data,
        "errors": errors,
        "warnings": warnings,
    });
    let mut text = harmless(&if pretty { format!("{envelope:#}") } else { envelope.to_string() });
    text.push('\n');
    text
}

/// Writes what a terminal would obey, or not show, as `\uXXXX`: the document says the same, and can be looked at.
/// (The control characters below U+0020 are escaped by JSON itself.)
fn harmless(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    for c in json.chars() {
        let plain = c == '\n' || (c.is_ascii() && !c.is_control());
        if plain || !clean(c.encode_utf8(&mut [0; 4])).is_empty() {
            out.push(c);
        } else {
            for unit in c.encode_utf16(&mut [0; 2]) {
                push(&mut out, format_args!("\\u{unit:04x}"));
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use ira_commands::Kind;

    use super::*;

    #[test]
    fn the_envelope_has_its_five_fields_in_order() {
        let fault = Fault::new(Kind::RateLimited, "slow down").because("429").hint("wait");
        assert_eq!(
            envelope(&json!({"a": 1}), &[fault], &["old".to_owned()], 69, false),
            "{\"schema_version\":1,\"success\":false,\"data\":{\"a\":1},\"errors\":[{\"kind\":\"rate-limited\",\
             \"message\":\"slow down\",\"causes\":[\"429\"],\"hint\":\"wait\"}],\"warnings\":[\"old\"]}\n"
        );
    }

    #[test]
    fn a_found_problem_is_a_success_with_a_verdict() {
        assert!(envelope(&Json::Null, &[], &[], 4, false).contains("\"success\":true"));
        assert!(envelope(&Json::Null, &[], &[], 130, false).contains("\"success\":false"));
    }

    #[test]
    fn what_a_terminal_would_obey_is_escaped_and_not_lost() {
        let hostile = "a\u{1b}[2Jb\u{9b}31mc\u{202e}d\u{7f}e\u{e0041}f\u{2028}g é ▂ 𝔘";
        for pretty in [false, true] {
            let text = envelope(&json!({ "x": hostile }), &[], &[], 0, pretty);
            assert!(text.chars().all(|c| c == '\n' || !clean(&c.to_string()).is_empty() || c == ' '), "{text:?}");
            let back: Json = serde_json::from_str(&text).expect("JSON");
            assert_eq!(back["data"]["x"], hostile);
        }
    }
}
