//! What a node says, without the password that opened it and the cookie that keeps it open.

use std::sync::{Mutex, PoisonError};

use ira_commands::text::excerpt;
use secrecy::{ExposeSecret as _, SecretString};

/// Stands where a secret stood.
const MASK: &str = "…";
/// Nothing shorter is masked: it would stand in every other word.
const SHORTEST: usize = 4;

/// The secrets of a session. A node that says one back is not to be quoted with it.
#[derive(Default)]
pub(super) struct Mask(Mutex<Vec<SecretString>>);

impl Mask {
    /// From here on `secret` is never shown, nor as JSON or a URL writes it.
    pub fn hide(&self, secret: &str) {
        let quoted = serde_json::to_string(secret).unwrap_or_default();
        let encoded = percent_encoding::utf8_percent_encode(secret, percent_encoding::NON_ALPHANUMERIC).to_string();
        let forms = [secret.to_owned(), quoted.trim_matches('"').to_owned(), encoded];
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        for form in forms.into_iter().filter(|form| form.chars().count() >= SHORTEST) {
            if !all.iter().any(|known| known.expose_secret() == form) {
                all.push(SecretString::from(form));
            }
        }
        // A form that holds another one goes first, and whole.
        all.sort_by_key(|form| std::cmp::Reverse(form.expose_secret().len()));
    }

    /// `text` without any of them.
    pub fn scrub(&self, text: &str) -> String {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        all.iter().fold(text.to_owned(), |text, secret| text.replace(secret.expose_secret(), MASK))
    }

    /// A stranger's text, fit to be shown: scrubbed, cleaned, cut. Scrubbed twice, as a secret may have been hidden among
    /// what is cleaned; and before it is cut, as half a secret would not be found.
    pub fn text(&self, text: &str, most: usize) -> String {
        // Text of a megabyte is not cleaned whole for a line of it.
        let head: String = text.chars().take(most.saturating_mul(8) + 4_096).collect();
        excerpt(&self.scrub(&ira_commands::text::clean(&self.scrub(&head))), most)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_hidden_in_every_form_and_before_the_cut() {
        let mask = Mask::default();
        mask.hide("p\"w CANARY/1");
        for text in
            ["p\"w CANARY/1", r#"{"password":"p\"w CANARY/1"}"#, "?p=p%22w%20CANARY%2F1", "p\"w CAN\u{200b}ARY/1"]
        {
            assert!(!mask.text(text, 100).contains("CANARY"), "{text}: {}", mask.text(text, 100));
        }
        assert_eq!(mask.text("xxxx p\"w CANARY/1", 9), "xxxx …");
        mask.hide("ab");
        assert_eq!(mask.text("abc", 9), "abc", "two letters are no secret that could be found");
    }
}
