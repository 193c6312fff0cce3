//! How much is taken from a sender.

use super::Refusal;
pub use crate::config::intake::Limits;

impl Limits {
    /// Whether lists and objects within one another go no deeper than is allowed; said without reading the body.
    pub(super) fn shallow(&self, body: &[u8]) -> Result<(), Refusal> {
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
