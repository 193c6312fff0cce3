//! Typed values out of a TOML file, each error with its place.

use std::ops::Range;

use clap::ValueEnum;
use ira_commands::text::{clean, nearest};
use ira_commands::units;
use ira_commands::value::H160;
use toml::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::keys::Key;
use super::origin::{ConfigFile, Layer, Origin};
use super::problem::{Place, Problem, excerpt};

/// A key with its place.
pub(super) type Name<'a> = Spanned<DeString<'a>>;
/// A value with its place.
pub(super) type Item<'a> = Spanned<DeValue<'a>>;

/// Reads one file's values and collects what is wrong with them.
pub(super) struct Reader<'a> {
    pub file: &'a ConfigFile,
    pub text: &'a str,
    pub problems: Vec<Problem>,
}

impl Reader<'_> {
    pub fn is_project(&self) -> bool {
        self.file.layer == Layer::Project
    }

    /// Where a value at `span` comes from.
    pub fn origin(&self, span: &Range<usize>) -> Origin {
        match self.file.layer {
            Layer::BuiltIn => Origin::Default,
            _ => Origin::File(self.file.clone(), Place::of(self.text, span.start).line),
        }
    }

    pub fn problem(&mut self, span: &Range<usize>, message: impl Into<String>, hint: Option<String>) {
        let place = Place::of(self.text, span.start);
        self.problems.push(Problem {
            file: self.file.clone(),
            place: Some(place),
            excerpt: excerpt(self.text, place),
            message: message.into(),
            hint,
        });
    }

    /// An unknown key: the nearest known one, and what a project file may hold.
    pub fn unknown(&mut self, key: &Name<'_>, table: &str, known: &[Key]) {
        let hint = match nearest(key.get_ref(), known.iter().map(|key| key.name)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if self.is_project() => "a project file may set only `output`, and `networks` without credentials; \
                                          everything else belongs in the user's configuration (`ira help config`)"
                .to_owned(),
            None => format!("one of: {}", known.iter().map(|key| key.name).collect::<Vec<_>>().join(", ")),
        };
        let shown = shown_word(key.get_ref());
        self.problem(&key.span(), format!("there is no key `{shown}` in {table}"), Some(hint));
    }

    pub fn wrong_type(&mut self, key: &str, item: &Item<'_>, wanted: &str) {
        let found = match item.get_ref() {
            DeValue::String(_) => "a string",
            DeValue::Integer(_) => "an integer",
            DeValue::Float(_) => "a decimal number",
            DeValue::Boolean(_) => "true or false",
            DeValue::Datetime(_) => "a date",
            DeValue::Array(_) => "a list",
            DeValue::Table(_) => "a table",
        };
        self.problem(&item.span(), format!("`{key}` takes {wanted}, and this is {found}"), None);
    }

    pub fn table<'b, 'c>(&mut self, key: &str, item: &'b Item<'c>) -> Option<&'b DeTable<'c>> {
        if let DeValue::Table(table) = item.get_ref() {
            return Some(table);
        }
        self.wrong_type(key, item, "a table");
        None
    }

    pub fn boolean(&mut self, key: &str, item: &Item<'_>) -> Option<bool> {
        if let DeValue::Boolean(value) = item.get_ref() {
            return Some(*value);
        }
        self.wrong_type(key, item, "true or false");
        None
    }

    pub fn text<'b>(&mut self, key: &str, item: &'b Item<'_>) -> Option<&'b str> {
        if let DeValue::String(text) = item.get_ref() {
            return Some(text);
        }
        self.wrong_type(key, item, "a string");
        None
    }

    /// A string that `parse` makes something of; its error is a predicate of the key.
    pub fn parsed<T>(
        &mut self,
        key: &str,
        item: &Item<'_>,
        parse: impl FnOnce(&str) -> Result<T, String>,
    ) -> Option<T> {
        match parse(self.text(key, item)?) {
            Ok(value) => Some(value),
            Err(why) => {
                self.problem(&item.span(), format!("`{key}` {why}"), None);
                None
            }
        }
    }

    /// A string, or a list of them; each with its place. `None` where any of them is something else.
    pub fn texts<'b>(&mut self, key: &str, item: &'b Item<'_>) -> Option<Vec<(&'b str, Range<usize>)>> {
        match item.get_ref() {
            DeValue::String(text) => Some(vec![(text, item.span())]),
            DeValue::Array(items) => {
                items.iter().map(|item| self.text(key, item).map(|text| (text, item.span()))).collect()
            }
            _ => {
                self.wrong_type(key, item, "a string or a list of strings");
                None
            }
        }
    }

    pub fn integer(&mut self, key: &str, item: &Item<'_>, range: &std::ops::RangeInclusive<u64>) -> Option<u64> {
        let DeValue::Integer(digits) = item.get_ref() else {
            self.wrong_type(key, item, "an integer");
            return None;
        };
        let value = u64::from_str_radix(digits.as_str(), digits.radix()).ok().filter(|value| range.contains(value));
        if value.is_none() {
            let (least, most) = (range.start(), range.end());
            self.problem(&item.span(), format!("`{key}` must be between {least} and {most}"), None);
        }
        value
    }

    pub fn seconds(&mut self, key: &str, item: &Item<'_>) -> Option<f64> {
        let value = match item.get_ref() {
            DeValue::Integer(digits) => digits.as_str().parse::<f64>().ok(),
            DeValue::Float(digits) => digits.as_str().parse::<f64>().ok(),
            _ => {
                self.wrong_type(key, item, "a number of seconds");
                return None;
            }
        };
        let value = value.filter(|value| (0.001..=86_400.0).contains(value));
        if value.is_none() {
            self.problem(&item.span(), format!("`{key}` must be between 0.001 and 86400 seconds"), None);
        }
        value
    }

    /// A moment with its zone, unix seconds.
    pub fn time(&mut self, key: &str, item: &Item<'_>) -> Option<u64> {
        let seconds = match item.get_ref() {
            DeValue::Datetime(datetime) => unix(datetime),
            DeValue::String(text) => text.parse().ok().and_then(|datetime| unix(&datetime)),
            _ => None,
        };
        if seconds.is_none() {
            self.problem(
                &item.span(),
                format!("`{key}` takes a moment with its zone"),
                Some("2026-12-01T02:00:00Z".to_owned()),
            );
        }
        seconds
    }

    pub fn address(&mut self, key: &str, item: &Item<'_>) -> Option<H160> {
        let text = self.text(key, item)?;
        match parse_address(text) {
            Ok(address) => Some(address),
            Err((why, hint)) => {
                self.problem(&item.span(), format!("`{key}` {why}"), hint);
                None
            }
        }
    }

    pub fn choice<T: ValueEnum>(&mut self, key: &str, item: &Item<'_>) -> Option<T> {
        let text = self.text(key, item)?;
        match parse_choice(text) {
            Ok(value) => Some(value),
            Err((why, hint)) => {
                self.problem(&item.span(), format!("`{key}` {why}"), hint);
                None
            }
        }
    }
}

/// Unix seconds of a moment that has a date, a time and a zone.
pub(crate) fn unix(datetime: &toml::value::Datetime) -> Option<u64> {
    let (date, time) = (datetime.date?, datetime.time?);
    let minutes = match datetime.offset? {
        toml::value::Offset::Z => 0,
        toml::value::Offset::Custom { minutes } => i64::from(minutes),
    };
    let day = i64::try_from(ira_commands::date::day(&date.to_string())?).ok()?;
    let clock = i64::from(time.hour) * 3_600 + i64::from(time.minute) * 60 + time.second.map_or(0, i64::from);
    u64::try_from(day + clock - minutes * 60).ok()
}

/// A word of a closed set; the error says what is wrong and what was perhaps meant.
pub(super) fn parse_choice<T: ValueEnum>(text: &str) -> Result<T, (String, Option<String>)> {
    T::from_str(text, true).map_err(|_| {
        let values: Vec<_> = T::value_variants().iter().filter_map(ValueEnum::to_possible_value).collect();
        let names: Vec<&str> = values.iter().map(clap::builder::PossibleValue::get_name).collect();
        let hint = nearest(text, names.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        (format!("is one of {}, not `{}`", names.join(", "), shown_word(text)), hint)
    })
}

/// An address; where it has capitals its EIP-55 checksum must be right.
fn parse_address(text: &str) -> Result<H160, (String, Option<String>)> {
    let digits = text.strip_prefix("0x").filter(|digits| digits.len() == 40);
    let Some(address) = digits.and_then(|digits| digits.parse::<H160>().ok()) else {
        return Err((format!("takes an address, 0x and 40 hex digits, not `{}`", shown_word(text)), None));
    };
    let right = units::address(address);
    let plain = text.to_ascii_lowercase() == text;
    if plain || right == text {
        Ok(address)
    } else {
        Err((
            format!("has a wrong checksum: `{text}`"),
            Some(format!("a digit may be mistyped; if none is, write it {right}")),
        ))
    }
}

/// A word of a file as it is shown: short, without control characters, and not at all where it could be an endpoint.
fn shown_word(text: &str) -> String {
    let text = clean(text);
    if text.contains("//") || text.contains('@') {
        return "…".to_owned();
    }
    if text.chars().count() <= 60 { text } else { format!("{}…", text.chars().take(59).collect::<String>()) }
}
