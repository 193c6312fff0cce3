//! Where a part of an alert stands, as CEL writes it: `item.labels.host`, `body["x y"].list[0]`, `'a text'`.

use std::str::FromStr;

use serde_json::Value as Json;

/// What a path begins at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Root {
    /// The whole body.
    Body,
    /// The alert.
    Item,
}

/// A path, or a text as it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Pick {
    /// What stands there.
    Path(Root, Vec<Step>),
    /// This.
    Text(String),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Into an object.
    Name(String),
    /// Into a list.
    At(usize),
}

impl Pick {
    /// What stands there; `None` where nothing does.
    pub fn find<'a>(&self, body: &'a Json, item: &'a Json) -> Option<&'a Json> {
        let Self::Path(root, steps) = self else { return None };
        let start = if *root == Root::Body { body } else { item };
        steps.iter().try_fold(start, |at, step| match step {
            Step::Name(name) => at.get(name),
            Step::At(index) => at.get(index),
        })
    }

    /// The scalar there as text; `None` where there is none.
    pub fn text(&self, body: &Json, item: &Json) -> Option<String> {
        match (self, self.find(body, item)) {
            (Self::Text(text), _) => Some(text.clone()),
            (_, Some(value)) => scalar(value),
            _ => None,
        }
    }

    /// Whether it looks at the alert, which `alerts` itself cannot.
    pub(super) fn is_of_item(&self) -> bool {
        matches!(self, Self::Path(Root::Item, _))
    }
}

/// A scalar as text.
pub(crate) fn scalar(value: &Json) -> Option<String> {
    match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(truth) => Some(truth.to_string()),
        Json::Null | Json::Array(_) | Json::Object(_) => None,
    }
}

impl FromStr for Pick {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let text = text.trim();
        if let Some((inner, rest)) = quoted(text) {
            return if rest.is_empty() { Ok(Self::Text(inner)) } else { Err(wrong(rest)) };
        }
        let (root, mut rest) = name(text);
        let root = match root {
            "body" => Root::Body,
            "item" => Root::Item,
            _ => return Err("begins with `body` or `item`, or is a text in quotes: item.labels.host".to_owned()),
        };
        let mut steps = Vec::new();
        while !rest.is_empty() {
            let step;
            (step, rest) = match rest.as_bytes()[0] {
                b'.' => {
                    let (name, rest) = name(&rest[1..]);
                    if name.is_empty() {
                        return Err(wrong(rest));
                    }
                    (Step::Name(name.to_owned()), rest)
                }
                b'[' => {
                    let inner = rest[1..].trim_start();
                    let (step, rest) = if let Some((name, rest)) = quoted(inner) {
                        (Step::Name(name), rest)
                    } else {
                        let end = inner.find(|c: char| !c.is_ascii_digit()).unwrap_or(inner.len());
                        (Step::At(inner[..end].parse().map_err(|_| wrong(inner))?), &inner[end..])
                    };
                    (step, rest.trim_start().strip_prefix(']').ok_or_else(|| wrong(rest))?)
                }
                _ => return Err(wrong(rest)),
            };
            steps.push(step);
        }
        Ok(Self::Path(root, steps))
    }
}

fn wrong(rest: &str) -> String {
    if rest.is_empty() {
        return "ends too early: item.labels.host".to_owned();
    }
    "takes a path: item.labels.host, body[\"x y\"].list[0], or a text in quotes".to_owned()
}

/// The name at the beginning, and what follows it.
fn name(text: &str) -> (&str, &str) {
    let is_first = |c: char| c.is_ascii_alphabetic() || c == '_';
    if !text.starts_with(is_first) {
        return ("", text);
    }
    text.split_at(text.find(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).unwrap_or(text.len()))
}

/// The text in quotes at the beginning, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    let mut inner = String::new();
    let mut chars = text.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            _ if c == quote => return Some((inner, &text[at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => inner.push('\n'),
                't' => inner.push('\t'),
                c @ ('\\' | '\'' | '"') => inner.push(c),
                _ => return None,
            },
            c => inner.push(c),
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_path_is_written_as_in_cel() {
        let body = json!({ "a": { "x y": [ { "b": "found" } ] }, "n": 7 });
        let item = json!({ "host": "web-01", "up": true });
        let pick = |text: &str| text.parse::<Pick>().unwrap().text(&body, &item);
        assert_eq!(pick(r#"body.a["x y"][0].b"#).as_deref(), Some("found"));
        assert_eq!(pick(r"body.a['x y'][ 0 ]['b']").as_deref(), Some("found"));
        assert_eq!(pick("item.host").as_deref(), Some("web-01"));
        assert_eq!((pick("body.n").as_deref(), pick("item.up").as_deref()), (Some("7"), Some("true")));
        assert_eq!(pick("'pr\\'od'").as_deref(), Some("pr'od"));
        for nothing in ["item.none", "body.a", "item.host.more", "body[0]", "body"] {
            assert_eq!(pick(nothing), None, "{nothing}");
        }
    }

    #[test]
    fn what_is_no_path_is_refused() {
        for wrong in
            ["", "host", "item.", "item..a", "item[", "item[a]", "item[0", "item.a + 1", "'open", "'a'b", "item[-1]"]
        {
            assert!(wrong.parse::<Pick>().is_err(), "{wrong}");
        }
    }
}
