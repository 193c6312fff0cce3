//! Headers of a request: what may be read by anybody, and what is a secret and given by reference.

use std::fmt;
use std::str::FromStr;

/// A header whose value anybody may read: `Accept: text/plain`.
#[derive(Clone, PartialEq, Eq)]
pub struct PlainHeader {
    /// Its name.
    pub name: String,
    /// Its value.
    pub value: String,
}

/// A header whose value is a secret, by reference: `Authorization: Bearer env:TOKEN`.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretHeader {
    /// Its name.
    pub name: String,
    /// What stands before the secret, with its blank (`Bearer `); mostly nothing.
    pub before: String,
    /// Where the secret is: `env:NAME`, `file:PATH` or `credential:NAME`.
    pub reference: String,
}

/// Parts of the names of headers that carry secrets.
const TELLING: [&str; 9] = ["auth", "cookie", "token", "secret", "key", "passw", "credential", "signature", "session"];

fn split(text: &str) -> Result<(&str, &str), String> {
    let wrong = || "it takes a name, a colon and a value: \"Accept: text/plain\"".to_owned();
    let (name, value) = text.split_once(':').ok_or_else(wrong)?;
    let (name, value) = (name.trim(), value.trim());
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) || value.chars().any(char::is_control) {
        return Err(wrong());
    }
    Ok((name, value))
}

fn is_reference(text: &str) -> bool {
    ["env:", "file:", "credential:"].iter().any(|form| text.len() > form.len() && text.starts_with(form))
}

impl FromStr for PlainHeader {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (name, value) = split(text)?;
        let small = name.to_ascii_lowercase();
        if small == "idempotency-key" {
            return Err("the key of a repeated request is set by ira itself".to_owned());
        }
        if TELLING.iter().any(|part| small.contains(part)) {
            return Err(format!("{name} carries a secret: give it by reference, secret-header \"{name}: env:NAME\""));
        }
        Ok(Self { name: name.to_owned(), value: value.to_owned() })
    }
}

impl SecretHeader {
    /// Name, what stands before the secret, and where it is.
    pub fn parts(&self) -> (String, String, String) {
        (self.name.clone(), self.before.clone(), self.reference.clone())
    }
}

impl FromStr for SecretHeader {
    type Err = String;

    // The text may be the secret itself: no error repeats it.
    fn from_str(text: &str) -> Result<Self, String> {
        let wrong = "a secret is given by reference: \"Authorization: Bearer env:NAME\", file:PATH or credential:NAME";
        let (name, value) = split(text).map_err(|_| wrong.to_owned())?;
        let (before, reference) = value.rsplit_once(' ').map_or(("", value), |(before, reference)| (before, reference));
        let plain = before.len() <= 20 && before.chars().all(|c| c.is_ascii_alphabetic() || c == '=');
        if !plain || !is_reference(reference) {
            return Err(wrong.to_owned());
        }
        let before = if before.is_empty() { String::new() } else { format!("{before} ") };
        Ok(Self { name: name.to_owned(), before, reference: reference.to_owned() })
    }
}

impl fmt::Display for PlainHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.value)
    }
}

impl fmt::Display for SecretHeader {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}{}", self.name, self.before, self.reference)
    }
}

crate::words::as_text!(PlainHeader, SecretHeader);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_taken_by_reference_only_and_never_repeated() {
        let header: SecretHeader = "Authorization: Bearer env:TOKEN".parse().expect("a reference");
        assert_eq!((header.before.as_str(), header.reference.as_str()), ("Bearer ", "env:TOKEN"));
        assert_eq!(header.to_string(), "Authorization: Bearer env:TOKEN");
        for wrong in ["Authorization: Bearer c4n4ry", "Authorization: c4n4ry", "c4n4ry", "A: c4n4ry env:X", "A: env:"] {
            let why = wrong.parse::<SecretHeader>().expect_err(wrong);
            assert!(!why.contains("c4n4ry"), "{why}");
        }
    }

    #[test]
    fn a_header_that_carries_a_secret_is_no_plain_one() {
        for name in ["Authorization", "Cookie", "X-Api-Key", "x-auth-token", "X-Signature"] {
            let why = format!("{name}: c4n4ry").parse::<PlainHeader>().expect_err(name);
            assert!(why.contains("secret-header") && !why.contains("c4n4ry"), "{why}");
        }
        assert!("Accept: text/plain".parse::<PlainHeader>().is_ok());
        for wrong in ["Accept", ": x", "A b: c", "A: b\r\nC: d"] {
            assert!(wrong.parse::<PlainHeader>().is_err(), "{wrong}");
        }
    }
}
