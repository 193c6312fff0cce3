//! Reading a command's arguments from data: strict, with the place and the nearest word.

use serde::de::DeserializeOwned;

use crate::fault::{Fault, Kind};
use crate::text::nearest;

/// Reads the `Args` of the command `name` from a JSON object; unknown fields are errors that name the nearest one.
pub fn from_json<T: DeserializeOwned>(name: &str, with: serde_json::Value) -> Result<T, Fault> {
    serde_json::from_value(with).map_err(|error| {
        let text = error.to_string();
        let fault = Fault::new(Kind::Usage, format!("`{name}` does not take these arguments: {text}"));
        match unknown_field(&text) {
            Some((field, known)) => match nearest(field, known.iter().copied()) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault,
            },
            None => fault,
        }
    })
}

/// The fault for a name that is no command.
pub fn unknown_command(name: &str, known: &[&str]) -> Fault {
    let fault = Fault::new(Kind::Usage, format!("there is no command `{name}`"));
    match nearest(name, known.iter().copied()) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault.hint(format!("one of: {}", known.join(", "))),
    }
}

/// Takes serde's "unknown field `a`, expected one of `b`, `c`" apart.
pub fn unknown_field(message: &str) -> Option<(&str, Vec<&str>)> {
    let rest = message.split_once("unknown field `")?.1;
    let (field, rest) = rest.split_once('`')?;
    let known = rest.split('`').skip(1).step_by(2).collect();
    Some((field, known))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn serdes_message_is_taken_apart() {
        let (field, known) =
            unknown_field("unknown field `fed`, expected one of `feed`, `all` at line 1").expect("parts");
        assert_eq!((field, known), ("fed", vec!["feed", "all"]));
        assert!(unknown_field("missing field `x`").is_none());
    }

    #[test]
    fn an_unknown_command_names_the_nearest() {
        let fault = unknown_command("feed-reprot", &["feed-report", "vrf-runbook"]);
        assert_eq!(fault.hint.as_deref(), Some("did you mean `feed-report`?"));
    }
}
