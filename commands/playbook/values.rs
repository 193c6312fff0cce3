//! What a value from outside must be before it is inserted anywhere: a text of an alert, a parameter, an output.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::model::{Param, ParamType, Playbook};
use super::pattern::is_dns_label;
use super::shape::duration;
use crate::text::{clean, excerpt, nearest};

/// Longest text that is inserted, bytes.
pub(super) const TEXT: usize = 1_024;
/// Most items of a list where nothing is said.
const ITEMS: usize = 64;

/// Whatever a pattern says: not empty, not long, nothing invisible, and nothing that reads as a flag.
pub(super) fn harmless(text: &str) -> Result<(), String> {
    if text.is_empty() {
        return Err("it is empty".to_owned());
    }
    if text.len() > TEXT {
        return Err(format!("it has {} bytes, and at most {TEXT} are inserted", text.len()));
    }
    if text.starts_with('-') {
        return Err(format!("`{}` begins with `-` and would be read as a flag", excerpt(text, 40)));
    }
    if clean(text) != text {
        return Err(format!("`{}` holds blanks at its ends, or control or invisible characters", excerpt(text, 40)));
    }
    Ok(())
}

/// A text that must match `pattern`, or be a DNS label where there is none.
pub(super) fn fitting(text: &str, pattern: Option<&super::pattern::Whole>) -> Result<(), String> {
    harmless(text)?;
    let shown = excerpt(text, 40);
    match pattern {
        Some(pattern) if pattern.matches(text) => Ok(()),
        Some(pattern) => Err(format!("`{shown}` does not match `{}`", excerpt(pattern.text(), 60))),
        None if is_dns_label(text) => Ok(()),
        None => Err(format!("`{shown}` is no DNS label (letters, digits, inner hyphens, at most 63)")),
    }
}

impl Param {
    /// Whether `value` is one that it may have. The error goes on after its name.
    pub fn accept(&self, value: &Json) -> Result<(), String> {
        match (self.kind, value) {
            (ParamType::String, Json::String(text)) => self.text(text),
            (ParamType::Int, Json::Number(number)) if number.is_i64() => self.number(number.as_f64()),
            (ParamType::Double, Json::Number(number)) => self.number(number.as_f64()),
            (ParamType::Duration, Json::Number(number)) if number.is_u64() => self.number(number.as_f64()),
            (ParamType::Bool, Json::Bool(_)) => Ok(()),
            (ParamType::Strings, Json::Array(items)) => {
                let most = self.max_items.unwrap_or(ITEMS);
                if items.len() > most {
                    return Err(format!("has {} items, and at most {most} may be", items.len()));
                }
                items.iter().try_for_each(|item| match item {
                    Json::String(text) => self.text(text),
                    _ => Err("has an item that is no text".to_owned()),
                })
            }
            _ => Err(format!("takes {}", self.kind.wanted())),
        }
    }

    /// Reads a value as it stands on a command line; a list is separated by commas.
    pub fn read(&self, text: &str) -> Result<Json, String> {
        let value = match self.kind {
            ParamType::String => Json::from(text),
            ParamType::Int => {
                text.parse::<i64>().map(Json::from).map_err(|_| format!("takes {}", self.kind.wanted()))?
            }
            ParamType::Double => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Json::from(number),
                _ => return Err(format!("takes {}", self.kind.wanted())),
            },
            ParamType::Bool => match text {
                "true" => Json::from(true),
                "false" => Json::from(false),
                _ => return Err(format!("takes {}", self.kind.wanted())),
            },
            ParamType::Duration => Json::from(duration(text)?),
            ParamType::Strings if text.is_empty() => Json::Array(Vec::new()),
            ParamType::Strings => text.split(',').map(Json::from).collect(),
        };
        self.accept(&value)?;
        Ok(value)
    }

    fn text(&self, text: &str) -> Result<(), String> {
        if !self.values.is_empty() {
            let shown = excerpt(text, 40);
            let listed = self.values.iter().any(|value| value == text);
            return if listed {
                harmless(text)
            } else {
                Err(format!("is one of {}, not `{shown}`", self.values.join(", ")))
            };
        }
        fitting(text, self.pattern.as_ref())
    }

    fn number(&self, number: Option<f64>) -> Result<(), String> {
        let number = number.filter(|number| number.is_finite()).ok_or("is no number to reckon with")?;
        match (self.min, self.max) {
            (Some(min), _) if number < min => Err(format!("is at least {min}, not {number}")),
            (_, Some(max)) if number > max => Err(format!("is at most {max}, not {number}")),
            _ => Ok(()),
        }
    }
}

impl ParamType {
    fn wanted(self) -> &'static str {
        match self {
            Self::String => "a text",
            Self::Int => "a whole number",
            Self::Double => "a number",
            Self::Bool => "true or false",
            Self::Duration => "a duration",
            Self::Strings => "a list of texts",
        }
    }
}

/// The parameters of a run: those given, and the defaults of the rest. The errors name each one that is wrong.
pub fn params(playbook: &Playbook, given: &BTreeMap<String, Json>) -> Result<BTreeMap<String, Json>, Vec<String>> {
    let mut wrong = Vec::new();
    for name in given.keys().filter(|name| !playbook.params.contains_key(*name)) {
        let near = nearest(name, playbook.params.keys().map(String::as_str));
        let near = near.map(|near| format!("; did you mean `{near}`?")).unwrap_or_default();
        wrong.push(format!("there is no parameter `{}`{near}", excerpt(name, 40)));
    }
    let mut params = BTreeMap::new();
    for (name, param) in &playbook.params {
        match given.get(name).or(param.default.as_ref()) {
            None => wrong.push(format!("the parameter `{name}` is not given, and has no default")),
            Some(value) => match param.accept(value) {
                Ok(()) => {
                    params.insert(name.clone(), value.clone());
                }
                Err(why) => wrong.push(format!("the parameter `{name}` {why}")),
            },
        }
    }
    if wrong.is_empty() { Ok(params) } else { Err(wrong) }
}

/// The parameters that have no value by themselves: neither the file nor the configuration gives one.
pub fn unset(playbook: &Playbook) -> Vec<&str> {
    let without = playbook.params.iter().filter(|(_, param)| param.default.is_none());
    without.map(|(name, _)| name.as_str()).collect()
}

/// The value at `path` (`feeds.0.answer`) in what something answered.
pub fn at<'a>(answer: &'a Json, path: &str) -> Option<&'a Json> {
    path.split('.').try_fold(answer, |value, part| match value {
        Json::Object(map) => map.get(part),
        Json::Array(items) => items.get(part.parse::<usize>().ok()?),
        _ => None,
    })
}
