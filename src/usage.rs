//! Bad usage, said as every other fault is: what, why, and the word that was probably meant.

use std::ffi::OsString;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use ira_commands::text::{clean, nearest};
use ira_commands::{Fault, Kind};

use crate::cli::{Color, Format};

/// The output flags as they can be told from a command line that did not parse.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Glimpse {
    /// `--json`, `--format json` or `--format=json`.
    pub json: bool,
    /// `--color WHEN`, where it is one of the three.
    pub color: Option<Color>,
}

impl Glimpse {
    /// Looks for the output flags among raw arguments, up to `--`.
    pub fn of(args: &[OsString]) -> Self {
        let mut glimpse = Self::default();
        let words: Vec<_> = args.iter().map(|arg| arg.to_string_lossy()).take_while(|arg| arg != "--").collect();
        for (at, word) in words.iter().enumerate() {
            let (flag, value) = match word.split_once('=') {
                Some((flag, value)) => (flag, Some(value)),
                None => (word.as_ref(), words.get(at + 1).map(AsRef::as_ref)),
            };
            match (flag, value) {
                ("--json", _) => glimpse.json = true,
                ("--format", Some(value)) => glimpse.json |= parsed::<Format>(value) == Some(Format::Json),
                ("--color", Some(value)) => glimpse.color = parsed(value).or(glimpse.color),
                _ => {}
            }
        }
        glimpse
    }
}

fn parsed<T: clap::ValueEnum>(value: &str) -> Option<T> {
    T::from_str(value, false).ok()
}

/// Clap's error as a fault. Help and version are no errors and are not to be given to this.
pub fn fault(error: &clap::Error) -> Fault {
    let arg = one(error, ContextKind::InvalidArg).unwrap_or_default();
    let value = one(error, ContextKind::InvalidValue).unwrap_or_default();
    let mut fault = match error.kind() {
        ErrorKind::InvalidSubcommand => {
            usage(format!("there is no command `{}`", one(error, ContextKind::InvalidSubcommand).unwrap_or_default()))
        }
        ErrorKind::MissingSubcommand => {
            usage(format!("`{}` needs a command", one(error, ContextKind::InvalidSubcommand).unwrap_or_default()))
        }
        ErrorKind::UnknownArgument if arg.starts_with('-') => usage(format!("there is no flag `{arg}` here")),
        ErrorKind::UnknownArgument => usage(format!("`{arg}` is one word too many")),
        ErrorKind::MissingRequiredArgument => {
            usage(format!("missing: {}", several(error, ContextKind::InvalidArg).join(", ")))
        }
        ErrorKind::ArgumentConflict => conflict(error, &arg),
        ErrorKind::InvalidValue if value.is_empty() => usage(format!("`{arg}` needs a value")),
        ErrorKind::NoEquals => usage(format!("`{arg}` takes its value after an equals sign")),
        ErrorKind::InvalidUtf8 => usage("an argument is not UTF-8"),
        ErrorKind::InvalidValue | ErrorKind::ValueValidation | ErrorKind::TooManyValues => {
            usage(format!("`{arg}` does not take `{value}`"))
        }
        other => usage(other.to_string()),
    };
    if let Some(source) = std::error::Error::source(error) {
        fault = fault.because(match source.to_string().as_str() {
            "invalid digit found in string" => "it takes a whole number".to_owned(),
            "invalid float literal" => "it takes a number".to_owned(),
            other => clean(&hide_urls(other)),
        });
    }
    let mut valid = several(error, ContextKind::ValidValue);
    valid.extend(several(error, ContextKind::ValidSubcommand));
    if !valid.is_empty() {
        fault = fault.because(format!("it takes one of: {}", valid.join(", ")));
    }
    if error.kind() == ErrorKind::MissingSubcommand {
        let within = one(error, ContextKind::InvalidSubcommand).unwrap_or_default();
        return fault.hint(format!("`{within} --help` says what each does"));
    }
    fault.hint(hint(error, &value, &valid))
}

fn usage(message: impl Into<String>) -> Fault {
    Fault::new(Kind::Usage, message)
}

fn conflict(error: &clap::Error, arg: &str) -> Fault {
    let others = several(error, ContextKind::PriorArg);
    if others.is_empty() || others == [arg] {
        usage(format!("`{arg}` is given more than once"))
    } else {
        usage(format!("`{arg}` cannot be used together with `{}`", others.join("`, `")))
    }
}

/// The nearest word where there is one, else where to read on.
fn hint(error: &clap::Error, value: &str, valid: &[String]) -> String {
    let suggested = [ContextKind::SuggestedSubcommand, ContextKind::SuggestedArg, ContextKind::SuggestedValue]
        .into_iter()
        .find_map(|kind| several(error, kind).into_iter().next_back())
        .or_else(|| nearest(value, valid.iter().map(String::as_str)).map(str::to_owned));
    match (suggested, usage_line(error)) {
        (Some(word), _) => format!("did you mean `{word}`?"),
        (None, Some(line)) if error.kind() != ErrorKind::InvalidSubcommand => format!("{line}   (`--help` says more)"),
        (None, _) if matches!(error.kind(), ErrorKind::InvalidSubcommand) => "`ira --help` lists commands".to_owned(),
        (None, _) => "the same command with `--help` lists its flags, and what each takes".to_owned(),
    }
}

/// `ira feed-report [OPTIONS] [FEED]...`, of the command that the error is about.
fn usage_line(error: &clap::Error) -> Option<String> {
    match error.get(ContextKind::Usage)? {
        ContextValue::StyledStr(text) => {
            let text = text.to_string();
            let line = text.lines().next()?.trim();
            Some(clean(&hide_urls(line.strip_prefix("Usage: ").unwrap_or(line))))
        }
        _ => None,
    }
}

fn one(error: &clap::Error, kind: ContextKind) -> Option<String> {
    several(error, kind).into_iter().next()
}

fn several(error: &clap::Error, kind: ContextKind) -> Vec<String> {
    let words = match error.get(kind) {
        Some(ContextValue::String(word)) => vec![word.clone()],
        Some(ContextValue::Strings(words)) => words.clone(),
        _ => vec![],
    };
    words.iter().map(|word| clean(&hide_urls(word))).collect()
}

/// A word that holds a URL may hold a key: what stands behind `://` is not repeated.
fn hide_urls(text: &str) -> String {
    let mut words = Vec::new();
    for word in text.split(' ') {
        words.push(match word.split_once("://") {
            Some((scheme, _)) => format!("{scheme}://…"),
            None => word.to_owned(),
        });
    }
    words.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<OsString> {
        std::iter::once("ira").chain(line.split(' ')).map(OsString::from).collect()
    }

    fn refused(line: &str) -> Fault {
        fault(&crate::cli::parse(&args(line), None).expect_err(line))
    }

    #[test]
    fn every_kind_of_typo_names_the_nearest_word() {
        for (line, meant) in [
            ("feed-reprot", "feed-report"),
            ("feed-report x --treshold 3", "--threshold"),
            ("demo --format markdwon", "markdown"),
            ("config shwo", "show"),
            ("completions bsh", "bash"),
        ] {
            let fault = refused(line);
            assert_eq!(fault.hint, Some(format!("did you mean `{meant}`?")), "{line}: {fault:?}");
            assert_eq!(fault.kind, Kind::Usage);
        }
    }

    #[test]
    fn every_refusal_says_what_is_wrong() {
        for (line, what) in [
            ("feed-report a --record f --replay g", "cannot be used together"),
            ("feed-report a --window many", "`--window <BLOCKS>` does not take `many`"),
            ("feed-report a --threshold much", "it takes a number"),
            ("feed-report a --window", "`--window <BLOCKS>` needs a value"),
            ("completions", "missing: <SHELL>"),
            ("config", "`ira config` needs a command"),
            ("feed-report --network a --network b", "more than once"),
            ("demo more", "more"),
        ] {
            let fault = refused(line);
            assert!(fault.one_line().contains(what), "{line}: {fault:?}");
            assert!(fault.hint.is_some(), "{line}");
        }
    }

    #[test]
    fn a_key_in_a_url_is_never_repeated() {
        for line in [
            "demo https://user:KEY@rpc.example/KEY",
            "--rpc-url=https://rpc.example/KEY",
            "feed-report --window https://rpc.example/KEY",
            "feed-report --quorum=wss://rpc.example/KEY?k=KEY",
            "https://rpc.example/KEY",
            "completions https://rpc.example/KEY",
            "feed-report a --replay f --rpc-url https://rpc.example/KEY",
            "feed-report a --https://rpc.example/KEY",
        ] {
            let fault = refused(line);
            assert!(!format!("{fault:?}").contains("KEY"), "{line}: {fault:?}");
        }
    }

    #[test]
    fn control_characters_of_an_argument_do_not_come_back() {
        let fault = refused("\u{1b}[31mx\u{202e}");
        assert!(!fault.one_line().contains(['\u{1b}', '\u{202e}']), "{fault:?}");
    }

    #[test]
    fn output_flags_are_seen_in_a_line_that_does_not_parse() {
        for line in ["nonsense --json", "--format json nonsense", "--format=json --nonsense"] {
            assert!(Glimpse::of(&args(line)).json, "{line}");
        }
        assert!(!Glimpse::of(&args("feed-report -- --json")).json);
        assert!(!Glimpse::of(&args("feed-report --format table")).json);
        assert_eq!(Glimpse::of(&args("x --color never")).color, Some(Color::Never));
        assert_eq!(Glimpse::of(&args("x --color=always")).color, Some(Color::Always));
    }
}
