//! YAML as a tree in which everything has its place. Strict: no aliases, anchors, tags, merge keys, or doubled keys.

use saphyr_parser::{Event, Parser, ScalarStyle, Span, Tag};
use serde_json::Value as Json;

use super::place::Place;
use super::problem::Problem;
use crate::text::excerpt;

/// Longest file, bytes.
const LONGEST: usize = 256 << 10;
/// Deepest nesting.
const DEEPEST: usize = 24;
/// Most values in a file.
const MOST: usize = 20_000;

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Node {
    pub at: Place,
    pub value: Value,
}

/// A value.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A text, number, truth or nothing: as written, and as what it is.
    Scalar(String, Json),
    List(Vec<Node>),
    /// Names are unlike each other.
    Map(Vec<Item>),
}

/// An entry of a map.
#[derive(Clone, Debug)]
pub(super) struct Item {
    pub name: String,
    pub at: Place,
    pub node: Node,
}

impl Node {
    pub fn text(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, Json::String(_)) => Some(text),
            _ => None,
        }
    }

    /// The characters of a scalar, whatever it is.
    pub fn raw(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(text, json) if !json.is_null() => Some(text),
            _ => None,
        }
    }

    pub fn items(&self) -> &[Item] {
        match &self.value {
            Value::Map(items) => items,
            _ => &[],
        }
    }

    pub fn list(&self) -> &[Node] {
        match &self.value {
            Value::List(nodes) => nodes,
            _ => &[],
        }
    }

    /// What it is, for a message.
    pub fn kind(&self) -> &'static str {
        match &self.value {
            Value::Scalar(_, Json::String(_)) => "a text",
            Value::Scalar(_, Json::Bool(_)) => "true or false",
            Value::Scalar(_, Json::Null) => "nothing",
            Value::Scalar(..) => "a number",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// Without the places.
    pub fn json(&self) -> Json {
        match &self.value {
            Value::Scalar(_, json) => json.clone(),
            Value::List(nodes) => nodes.iter().map(Self::json).collect(),
            Value::Map(items) => Json::Object(items.iter().map(|item| (item.name.clone(), item.node.json())).collect()),
        }
    }
}

/// A collection that is still open.
enum Open {
    List(Place, Vec<Node>),
    Map(Place, Vec<Item>, Option<(String, Place)>),
}

struct Builder {
    open: Vec<Open>,
    root: Option<Node>,
    count: usize,
    problems: Vec<Problem>,
}

/// Reads `text`. Where it is no YAML at all there is no tree; else the tree, and what in it may not be.
pub(super) fn read(text: &str) -> (Option<Node>, Vec<Problem>) {
    let top = Place { line: 1, column: 1 };
    if text.len() > LONGEST {
        let size = text.len() >> 10;
        return (None, vec![Problem::new(top, format!("the file has {size} KiB, and at most 256 are read"))]);
    }
    let mut builder = Builder { open: Vec::new(), root: None, count: 0, problems: Vec::new() };
    let mut documents = 0;
    for event in Parser::new_from_str(text) {
        let (event, span) = match event {
            Ok(event) => event,
            Err(error) => {
                let at = place(*error.marker());
                let said = excerpt(error.info(), 120);
                builder.problems.push(Problem::new(at, format!("this is no YAML: {said}")).hint(
                    "look at the indentation and the quotes here and on the line before; the rest of the file was not read",
                ));
                return (None, builder.problems);
            }
        };
        let at = place(span.start);
        if matches!(event, Event::DocumentStart(_)) {
            documents += 1;
            if documents > 1 {
                let problem = Problem::new(at, "a second document begins here").hint("one playbook a file");
                builder.problems.push(problem);
                break;
            }
        }
        if let Err(problem) = builder.take(event, span) {
            builder.problems.push(problem);
            return (None, builder.problems);
        }
    }
    if builder.root.is_none() && builder.problems.is_empty() {
        builder
            .problems
            .push(Problem::new(top, "the file is empty").hint("`ira playbook new` prints one to start from"));
    }
    (builder.root, builder.problems)
}

fn place(mark: saphyr_parser::Marker) -> Place {
    Place { line: mark.line(), column: mark.col() + 1 }
}

impl Builder {
    /// Takes an event; an error ends the reading.
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let at = place(span.start);
        match event {
            Event::Alias(_) => {
                self.problems.push(
                    Problem::new(at, "an alias (`*name`) stands here")
                        .hint("write the value out: a playbook is read from the top to the bottom"),
                );
                self.put(Node { at, value: Value::Scalar(String::new(), Json::Null) });
            }
            Event::Scalar(text, style, anchor, tag) => {
                self.plain_only(at, anchor, tag.as_deref());
                self.grow(at)?;
                let value = if style == ScalarStyle::Plain { self.resolve(at, &text) } else { text.as_ref().into() };
                self.put(Node { at, value: Value::Scalar(text.into_owned(), value) });
            }
            Event::SequenceStart(anchor, tag) => {
                self.plain_only(at, anchor, tag.as_deref());
                self.grow(at)?;
                self.open.push(Open::List(at, Vec::new()));
            }
            Event::MappingStart(anchor, tag) => {
                self.plain_only(at, anchor, tag.as_deref());
                self.grow(at)?;
                self.open.push(Open::Map(at, Vec::new(), None));
            }
            Event::SequenceEnd | Event::MappingEnd => match self.open.pop() {
                Some(Open::List(at, nodes)) => self.put(Node { at, value: Value::List(nodes) }),
                Some(Open::Map(at, items, _)) => self.put(Node { at, value: Value::Map(items) }),
                None => {}
            },
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd => {}
        }
        Ok(())
    }

    /// Refuses what makes a file mean something else than it says.
    fn plain_only(&mut self, at: Place, anchor: usize, tag: Option<&Tag>) {
        if anchor != 0 {
            let problem = Problem::new(at, "an anchor (`&name`) stands here");
            self.problems.push(problem.hint("leave it out, and write the value where it is used"));
        }
        if tag.is_some() {
            let problem = Problem::new(at, "a tag (`!name`) stands here");
            self.problems.push(problem.hint("leave it out: what a value is says its field"));
        }
    }

    fn grow(&mut self, at: Place) -> Result<(), Problem> {
        self.count += 1;
        if self.open.len() >= DEEPEST {
            return Err(Problem::new(at, format!("this is nested more than {DEEPEST} deep")));
        }
        if self.count > MOST {
            return Err(Problem::new(at, format!("the file holds more than {MOST} values")));
        }
        Ok(())
    }

    /// What an unquoted scalar is, by the core schema of YAML 1.2; but hexadecimal digits are a text (an address is no
    /// number), and so is an integer that no 64 bits hold (an id is none either).
    fn resolve(&mut self, at: Place, text: &str) -> Json {
        match text {
            "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
            "true" | "True" | "TRUE" => return Json::Bool(true),
            "false" | "False" | "FALSE" => return Json::Bool(false),
            _ => {}
        }
        let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
        if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
            return text.parse::<i64>().map_or_else(|_| text.into(), Json::from);
        }
        if matches!(digits.to_ascii_lowercase().as_str(), ".inf" | ".nan") {
            self.problems.push(Problem::new(at, format!("`{text}` is no number to reckon with")));
            return Json::from(0);
        }
        let number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
            && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'-' | b'+'));
        match text.parse::<f64>() {
            Ok(value) if number && value.is_finite() => Json::from(value),
            Ok(_) if number => {
                self.problems.push(Problem::new(at, format!("`{}` is too great a number", excerpt(text, 30))));
                Json::from(0)
            }
            _ => text.into(),
        }
    }

    /// Puts a whole value where it belongs: a name, a value, an item, or the root.
    fn put(&mut self, node: Node) {
        match self.open.last_mut() {
            None => self.root = Some(node),
            Some(Open::List(_, nodes)) => nodes.push(node),
            Some(Open::Map(_, items, name @ None)) => {
                let text = if let Value::Scalar(text, _) = &node.value {
                    text.clone()
                } else {
                    let message = format!("{} stands where a name belongs", node.kind());
                    self.problems.push(Problem::new(node.at, message));
                    String::new()
                };
                if text == "<<" {
                    let problem = Problem::new(node.at, "a merge key (`<<`) stands here");
                    self.problems.push(problem.hint("write the entries out"));
                } else if let Some(first) = items.iter().find(|item| item.name == text) {
                    let message = format!("`{}` stands here a second time", excerpt(&text, 60));
                    let hint = format!("it stands on line {} already; keep one of them", first.at.line);
                    self.problems.push(Problem::new(node.at, message).hint(hint));
                }
                *name = Some((text, node.at));
            }
            Some(Open::Map(_, items, name)) => {
                if let Some((name, at)) = name.take()
                    && name != "<<"
                    && !items.iter().any(|item| item.name == name)
                {
                    items.push(Item { name, at, node });
                }
            }
        }
    }
}
