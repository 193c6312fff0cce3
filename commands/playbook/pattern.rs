//! What a text must look like.

use regex::{Regex, RegexBuilder};

use super::place::Place;

/// Longest pattern, characters.
const LONGEST: usize = 256;
/// A compiled pattern is no greater, bytes.
const GREATEST: usize = 256 << 10;

/// A regular expression that must match from the first to the last character.
#[derive(Clone)]
pub struct Whole {
    text: String,
    regex: Regex,
}

impl Whole {
    /// Compiles it; the error says what is wrong.
    pub fn new(text: &str) -> Result<Self, String> {
        if text.chars().count() > LONGEST {
            return Err(format!("a pattern has at most {LONGEST} characters"));
        }
        let whole = format!("^(?:{text})$");
        let regex = RegexBuilder::new(&whole).size_limit(GREATEST).build().map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => "the pattern is too great when it is compiled".to_owned(),
            // The last line says what is wrong; those before draw the pattern.
            error => error.to_string().lines().last().unwrap_or_default().trim_start_matches("error: ").to_owned(),
        })?;
        Ok(Self { text: text.to_owned(), regex })
    }

    /// Whether all of `text` matches.
    pub fn matches(&self, text: &str) -> bool {
        self.regex.is_match(text)
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }
}

impl std::fmt::Debug for Whole {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Whole({:?})", self.text)
    }
}

impl PartialEq for Whole {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// A value, or with `*` many of them: `*` stands for any characters, or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    /// As written.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

impl Pattern {
    /// A pattern that is written outside of the file, in the configuration say.
    pub fn new(text: &str) -> Self {
        Self { text: text.to_owned(), at: Place::default() }
    }

    /// Whether `value` is meant.
    pub fn matches(&self, value: &str) -> bool {
        let mut parts = self.text.split('*');
        let Some(mut rest) = parts.next().and_then(|first| value.strip_prefix(first)) else { return false };
        let mut parts: Vec<&str> = parts.collect();
        let Some(last) = parts.pop() else { return rest.is_empty() };
        for part in parts {
            match rest.find(part) {
                Some(at) => rest = &rest[at + part.len()..],
                None => return false,
            }
        }
        rest.ends_with(last)
    }
}

/// Whether `text` is a DNS label: letters, digits and inner hyphens, at most 63.
pub fn is_dns_label(text: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (1..=63).contains(&text.len()) && text.bytes().all(inner) && !text.starts_with('-') && !text.ends_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_matches_whole_values_only() {
        let is = |pattern: &str, value: &str| Pattern { text: pattern.to_owned(), at: Place::default() }.matches(value);
        assert!(is("cache-*", "cache-eu") && is("cache-*", "cache-") && is("a*b*c", "a-b-b-c") && is("web", "web"));
        assert!(
            !is("cache-*", "xcache-1") && !is("web", "web2") && !is("a*a", "a") && !is("", "x") && !is("a*b*c", "acb")
        );
    }

    #[test]
    fn a_regular_expression_matches_the_whole() {
        let whole = Whole::new("prod|stage").expect("compiles");
        assert!(whole.matches("prod") && !whole.matches("prod-x") && !whole.matches("prod\n"));
        assert!(Whole::new("(").is_err() && Whole::new("(a{1000}){1000}").expect_err("great").contains("too great"));
    }

    #[test]
    fn a_dns_label_has_letters_digits_and_inner_hyphens() {
        assert!(is_dns_label("web-01") && is_dns_label("0xD7f86b4b8Cae7D942340FF628F82735b7a20893a"));
        for bad in ["", "-rf", "a-", "a.b", "a b", "a\n", "é", &"a".repeat(64)] {
            assert!(!is_dns_label(bad), "{bad}");
        }
    }
}
