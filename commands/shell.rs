//! Words as a shell reads them: for commands that are shown to be typed again.

/// A word that a POSIX shell reads back as `text`: as it is where nothing in it means anything, else quoted.
pub fn word(text: &str) -> String {
    let plain =
        |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.' | '/' | ':' | '=' | ',' | '@' | '%' | '+');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::word;

    #[test]
    fn what_means_something_to_a_shell_is_quoted() {
        assert_eq!(word("eth-usd"), "eth-usd");
        assert_eq!(word("http://127.0.0.1:8545"), "http://127.0.0.1:8545");
        assert_eq!(word("ETH / USD"), "'ETH / USD'");
        assert_eq!(word("$(id)"), "'$(id)'");
        assert_eq!(word("it's"), r"'it'\''s'");
        assert_eq!(word(""), "''");
        assert_eq!(word("~"), "'~'");
    }
}
