//! The line that carries a plan out, with its caps filled in: printed to be pasted.

use ira_commands::actions::{Caps, Plan};
use ira_commands::value::U256;
use ira_commands::words::Coins;
use secrecy::ExposeSecret as _;

use super::Way;
use crate::config::secret::SecretRef;

/// The caps that were given, and for what is spent without one a cap that allows it.
pub(super) fn filled(given: &Caps, plan: &Plan) -> Caps {
    let Some(spend) = &plan.spend else { return given.clone() };
    Caps {
        link: given.link.clone().or_else(|| (!spend.link.is_zero()).then(|| Coins::link(spend.link))),
        native: given.native.clone().or_else(|| Some(roomy(spend.native_total(), &spend.native))),
    }
}

impl Way {
    /// The line of these words after `ira`, asked as this was, and agreed to.
    pub(super) fn line(&self, words: Vec<String>) -> String {
        let mut words: Vec<String> = std::iter::once("ira".to_owned()).chain(words).collect();
        if let Some(path) = &self.alert {
            words.extend(["--alert".to_owned(), path.display().to_string()]);
        }
        for url in &self.reach.rpc_url {
            let text = url.expose_secret();
            let reference = SecretRef::parse(text, std::path::Path::new("."));
            let shown = match &reference {
                // Its path may be relative: as it was typed.
                Ok(SecretRef::Env(_) | SecretRef::File(_) | SecretRef::Credential(_)) => text.to_owned(),
                Ok(literal) if !literal.is_keyed_literal() => text.to_owned(),
                _ => "URL".to_owned(),
            };
            words.extend(["--rpc-url".to_owned(), shown]);
        }
        if let Some(file) = &self.file {
            words.extend(["--config".to_owned(), file.display().to_string()]);
        }
        words.push("--yes".to_owned());
        words.iter().map(|word| quoted(word)).collect::<Vec<_>>().join(" ")
    }
}

/// A cap with room for gas that gets a little dearer, in two digits.
fn roomy(wei: U256, symbol: &str) -> Coins {
    let room = wei.saturating_add(wei / 4);
    let digits = room.to_string().len();
    let unit = U256::exp10(digits.saturating_sub(2));
    let rounded = room.saturating_add(unit - 1) / unit * unit;
    Coins::of(rounded, symbol)
}

/// A word as a shell takes it.
fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '+');
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', "'\\''"))
    }
}

#[cfg(test)]
mod tests {
    use ira_commands::units::scaled_uint;

    use super::*;

    #[test]
    fn a_cap_leaves_room_and_is_read_back_exactly() {
        for (wei, shown) in
            [(1_000_u64, "0.0000000000000013 ETH"), (123_456_789, "0.00000000016 ETH"), (1, "0.000000000000000001 ETH")]
        {
            let cap = roomy(U256::from(wei), "ETH");
            assert_eq!(cap.to_string(), shown, "{}", scaled_uint(cap.units, 18));
            assert!(cap.units >= U256::from(wei));
        }
    }

    #[test]
    fn a_shell_gets_back_the_word_that_was_meant() {
        assert_eq!(quoted("--max-spend"), "--max-spend");
        assert_eq!(quoted("5 LINK"), "'5 LINK'");
        assert_eq!(quoted("it's $HOME"), "'it'\\''s $HOME'");
    }
}
