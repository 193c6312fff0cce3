//! Holds a tree against the table of fields: what is unknown, missing, or of the wrong kind.

use super::fields::{Field, Shape, Table};
use super::place::Place;
use super::problem::Problem;
use super::tree::{Item, Node, Value};
use crate::text::{excerpt, nearest};
use crate::words::Coins;

/// The longest duration, seconds: 30 days.
const LONGEST: u64 = 30 * 86_400;

/// In a map with more entries than this nobody meant anything.
const MOST: usize = 100;

/// The entry of `field`; one whose name is a typo of it serves as well, so that one mistake is reported once.
pub(super) fn entry<'a>(node: &'a Node, table: &Table, name: &str) -> Option<&'a Item> {
    let items = node.items();
    items.iter().find(|item| item.name == name).or_else(|| {
        if items.len() > MOST {
            return None;
        }
        let unknown = |item: &&Item| !table.fields.iter().any(|field| field.name == item.name);
        items.iter().filter(unknown).find(|item| nearest_field(&item.name, table) == Some(name))
    })
}

fn nearest_field(word: &str, table: &Table) -> Option<&'static str> {
    nearest(word, table.fields.iter().map(|field| field.name))
}

/// Collects what is wrong with `node` as a `shape`; `name` is the field that it is the value of.
pub(super) fn check(node: &Node, shape: &Shape, name: &str, problems: &mut Vec<Problem>) {
    let wrong = |wanted: &str| Problem::new(node.at, format!("`{name}` takes {wanted}, and this is {}", node.kind()));
    let text = node.text();
    let found =
        match shape {
            Shape::Any => None,
            Shape::Text | Shape::Prose | Shape::Expression | Shape::Regex => match text {
                None => Some(wrong("a text").hint("write it in quotes")),
                Some("") => Some(Problem::new(node.at, format!("`{name}` is empty"))),
                Some(_) => None,
            },
            Shape::Scalar => node.raw().is_none().then(|| wrong("a text")),
            Shape::Name => match text {
                Some(text) if is_name(text) => None,
                Some(text) => Some(Problem::new(node.at, format!("`{}` is no name", excerpt(text, 60))).hint(
                    "a name has letters, digits, `-` and `_`, begins with a letter, and has at most 63 characters",
                )),
                None => Some(wrong("a name")),
            },
            Shape::Ident => match text {
                Some(text) => ident(text, node.at),
                None => Some(wrong("a name")),
            },
            Shape::Duration => match node.raw().map(duration) {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(Problem::new(node.at, format!("`{name}` {why}"))),
                None => Some(wrong("a duration, as 90s or 10m")),
            },
            Shape::Int(least, most) => match &node.value {
                Value::Scalar(_, json) if json.is_i64() => {
                    let value = json.as_i64().unwrap_or_default();
                    let range = if least == most { format!("{least}") } else { format!("between {least} and {most}") };
                    (!(*least..=*most).contains(&value))
                        .then(|| Problem::new(node.at, format!("`{name}` must be {range}, not {value}")))
                }
                _ => Some(wrong("a whole number")),
            },
            Shape::Number => {
                (!matches!(&node.value, Value::Scalar(_, json) if json.is_number())).then(|| wrong("a number"))
            }
            Shape::Bool => {
                (!matches!(&node.value, Value::Scalar(_, json) if json.is_boolean())).then(|| wrong("true or false"))
            }
            Shape::Coins => match text.map(str::parse::<Coins>) {
                Some(Ok(_)) => None,
                Some(Err(why)) => Some(Problem::new(node.at, format!("`{name}`: {why}"))),
                None => Some(wrong("an amount and its coin, as \"5 LINK\"")),
            },
            Shape::OneOf(words) => match text {
                Some(text) if words.contains(&text) => None,
                Some(text) => Some(
                    Problem::new(node.at, format!("`{name}` cannot be `{}`", excerpt(text, 60)))
                        .meant(text, words.iter().copied()),
                ),
                None => Some(wrong("a word").meant("", words.iter().copied())),
            },
            Shape::List(inner) => {
                node.list().iter().for_each(|item| check(item, inner, name, problems));
                (!matches!(node.value, Value::List(_))).then(|| wrong("a list"))
            }
            Shape::Map(inner) => {
                node.items().iter().for_each(|item| check(&item.node, inner, &item.name, problems));
                (!matches!(node.value, Value::Map(_))).then(|| wrong("a map"))
            }
            Shape::Named(inner) => {
                for item in node.items() {
                    problems.extend(ident(&item.name, item.at));
                    check(&item.node, inner, &item.name, problems);
                }
                (!matches!(node.value, Value::Map(_))).then(|| wrong("a map"))
            }
            Shape::Record(table) => {
                record(node, table, problems);
                (!matches!(node.value, Value::Map(_))).then(|| wrong("a map"))
            }
            Shape::Either(one, other) => {
                // The complaint of the one that is nearer: the one of this kind.
                let chosen = if fits(node, one) { one } else { other };
                check(node, chosen, name, problems);
                None
            }
        };
    problems.extend(found);
}

/// Whether the kind of `node` is that of `shape`.
fn fits(node: &Node, shape: &Shape) -> bool {
    match shape {
        Shape::List(_) => matches!(node.value, Value::List(_)),
        Shape::Map(_) | Shape::Named(_) | Shape::Record(_) => matches!(node.value, Value::Map(_)),
        Shape::Number | Shape::Int(..) => matches!(&node.value, Value::Scalar(_, json) if json.is_number()),
        _ => matches!(node.value, Value::Scalar(..)),
    }
}

fn record(node: &Node, table: &'static Table, problems: &mut Vec<Problem>) {
    let Value::Map(items) = &node.value else { return };
    for item in items {
        if let Some(field) = table.fields.iter().find(|field| field.name == item.name) {
            check(&item.node, &field.shape, field.name, problems);
            continue;
        }
        problems.push(unknown(item, table, items.len() <= MOST));
        // What was meant is looked at all the same.
        let meant = (items.len() <= MOST).then(|| nearest_field(&item.name, table)).flatten();
        let meant = meant.filter(|name| items.iter().all(|item| item.name != *name));
        if let Some(field) = table.fields.iter().find(|field| Some(field.name) == meant) {
            check(&item.node, &field.shape, field.name, problems);
        }
    }
    for field in table.fields.iter().filter(|field| field.required) {
        if entry(node, table, field.name).is_none() {
            problems.push(missing(node, table, field));
        }
    }
}

fn unknown(item: &Item, table: &'static Table, few: bool) -> Problem {
    let problem = Problem::new(item.at, format!("{} has no field `{}`", table.what, excerpt(&item.name, 60)));
    if !few {
        return problem;
    }
    problem.meant(&item.name, table.fields.iter().map(|field| field.name))
}

fn missing(node: &Node, table: &Table, field: &Field) -> Problem {
    Problem::new(node.at, format!("{} needs `{}`", table.what, field.name))
        .hint(format!("{}: {}", field.name, field.doc))
}

/// Words that mean something in an expression, or are kept for it.
const RESERVED: [&str; 20] = [
    "true",
    "false",
    "null",
    "in",
    "as",
    "break",
    "const",
    "continue",
    "else",
    "for",
    "function",
    "if",
    "import",
    "let",
    "loop",
    "package",
    "namespace",
    "return",
    "void",
    "while",
];

/// What is wrong with a name that expressions use.
fn ident(text: &str, at: Place) -> Option<Problem> {
    let inner = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let sound = text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(inner);
    let shown = excerpt(text, 60);
    if !sound {
        return Some(
            Problem::new(at, format!("`{shown}` is no name that an expression could use"))
                .hint("it has letters, digits and `_`, begins with a letter, and has at most 63 characters"),
        );
    }
    RESERVED.contains(&text).then(|| Problem::new(at, format!("`{shown}` means something else in an expression")))
}

/// Whether `text` may name something.
fn is_name(text: &str) -> bool {
    let inner = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    text.len() <= 63 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(inner)
}

/// Seconds of `1h30m`. The error goes on after the field's name.
pub(super) fn duration(text: &str) -> Result<u64, String> {
    let shown = excerpt(text, 30);
    let wrong = || format!("takes a duration, as 90s, 10m, 1h30m or 2d, not `{shown}`");
    let mut seconds: u64 = 0;
    let mut digits = String::new();
    let mut last = u64::MAX;
    for c in text.chars() {
        if c.is_ascii_digit() {
            digits.push(c);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        let number: u64 = digits.parse().map_err(|_| wrong())?;
        if unit >= last {
            return Err(wrong());
        }
        last = unit;
        digits.clear();
        seconds = seconds.saturating_add(number.saturating_mul(unit));
    }
    if last == u64::MAX || !digits.is_empty() {
        return Err(wrong());
    }
    if seconds > LONGEST { Err(format!("is longer than 30 days: `{shown}`")) } else { Ok(seconds) }
}

/// `12m35s`: seconds as a file would have them.
pub fn spelled(seconds: u64) -> String {
    let mut out = String::new();
    let mut rest = seconds;
    for (unit, name) in [(86_400, 'd'), (3_600, 'h'), (60, 'm'), (1, 's')] {
        if rest >= unit {
            out.push_str(&(rest / unit).to_string());
            out.push(name);
            rest %= unit;
        }
    }
    if out.is_empty() { "0s".to_owned() } else { out }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_read_and_spelled() {
        for (text, seconds) in [("90s", 90), ("10m", 600), ("1h30m", 5_400), ("2d", 172_800), ("0s", 0)] {
            assert_eq!(duration(text), Ok(seconds), "{text}");
        }
        for bad in ["", "10", "m", "1.5h", "-1s", "1m1h", "1m1m", "10 m", "31d", "99999999999999999999d", "1ms"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
        assert_eq!((spelled(755), spelled(0), spelled(90_000)), ("12m35s".into(), "0s".into(), "1d1h".into()));
    }
}
