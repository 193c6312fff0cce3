//! How much is taken from a sender.

use ira_commands::alert::Alert;
use ira_commands::text::excerpt;

use super::Refusal;
use super::json::{MORE, shorten};
pub use crate::config::intake::Limits;

impl Limits {
    /// Whether lists and objects within one another go no deeper than is allowed; said without reading the body.
    pub(super) fn shallow(&self, body: &[u8]) -> Result<(), Refusal> {
        // Most bodies have fewer brackets in all.
        if body.iter().filter(|byte| matches!(byte, b'{' | b'[')).count() <= self.depth {
            return Ok(());
        }
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        for byte in body {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                _ if quoted => {}
                b'{' | b'[' => depth += 1,
                b'}' | b']' => depth = depth.saturating_sub(1),
                _ => {}
            }
            if depth > self.depth {
                return Err(Refusal::malformed(format!("lists and objects go deeper than {}", self.depth)));
            }
        }
        Ok(())
    }

    /// Whether an alert that was read at once is within the limits; its annotations are cut to them.
    pub(super) fn alert(&self, alert: &mut Alert) -> Result<(), Refusal> {
        if alert.labels.len() > self.labels || alert.annotations.len() > self.labels {
            return Err(Refusal::too_much(format!("{MORE} {} labels", self.labels)));
        }
        for (name, value) in &alert.labels {
            if name.len() > self.label || value.len() > self.label {
                let why = format!("{MORE} {} bytes in the label `{}`", self.label, excerpt(name, 80));
                return Err(Refusal::too_much(why));
            }
        }
        alert.annotations.values_mut().for_each(|text| shorten(text, self.label));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_in_text_are_no_depth() {
        let limits = Limits { depth: 3, ..Limits::default() };
        assert!(limits.shallow(br#"{"a":["[[[[{{{{\"[[[[",{}],"b":[[]]}"#).is_ok());
        assert_eq!(limits.shallow(b"[[[[").unwrap_err().status, 400);
        assert!(limits.shallow(b"]]]][[[").is_ok());
    }
}
