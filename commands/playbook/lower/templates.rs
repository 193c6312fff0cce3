//! Arguments: where a variable stands, and where a dollar is only a dollar.

use super::{Lower, Record};
use crate::playbook::place::Place;
use crate::playbook::problem::Problem;
use crate::playbook::template::{Entry, Piece, Template, Variable};
use crate::playbook::tree::{Node, Value};
use crate::text::excerpt;

/// What a variable may be, for hints.
const KNOWN: [&str; 5] = ["$key", "$item", "$params.NAME", "$alert.labels.NAME", "$steps.ID.out.NAME"];

impl Lower {
    /// The arguments of `do`.
    pub(super) fn with(&mut self, of: Record<'_>) -> Template {
        match of.get("with") {
            Some(node) => self.template(node),
            None => Template::Map(Vec::new(), of.node.at),
        }
    }

    /// The arguments of the short form of a query.
    pub(super) fn prometheus(&mut self, node: &Node) -> Option<Template> {
        node.text()?;
        let query = Entry { name: "query".to_owned(), at: node.at, value: self.template(node) };
        Some(Template::Map(vec![query], node.at))
    }

    fn template(&mut self, node: &Node) -> Template {
        match &node.value {
            Value::Scalar(text, serde_json::Value::String(_)) => self.pieces(text, node.at),
            Value::Scalar(_, json) => Template::Plain(json.clone(), node.at),
            Value::List(nodes) => Template::List(nodes.iter().map(|node| self.template(node)).collect(), node.at),
            Value::Map(items) => {
                let entry = |item: &crate::playbook::tree::Item| Entry {
                    name: item.name.clone(),
                    at: item.at,
                    value: self.template(&item.node),
                };
                Template::Map(items.iter().map(entry).collect(), node.at)
            }
        }
    }

    /// Takes a text apart: `$` and a letter begin a variable, `$$` is a dollar, and so is any other `$`.
    fn pieces(&mut self, text: &str, at: Place) -> Template {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(dollar) = rest.find('$') {
            literal.push_str(&rest[..dollar]);
            rest = &rest[dollar + 1..];
            match rest.chars().next() {
                Some('$') => {
                    literal.push('$');
                    rest = &rest[1..];
                }
                Some('{') => {
                    let problem = Problem::new(at, "`${` stands here");
                    self.problems
                        .push(problem.hint("a variable is written without braces: $params.NAME; a dollar as $$"));
                    return Template::Plain(text.into(), at);
                }
                Some(c) if c.is_ascii_alphabetic() => {
                    let end = name_end(rest);
                    if let Some(variable) = variable(&rest[..end]) {
                        if !literal.is_empty() {
                            pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                        }
                        pieces.push(Piece::Variable(variable));
                    } else {
                        let name = &rest[..end];
                        let message = format!("there is no variable `${}`", excerpt(name, 60));
                        self.problems.push(Problem::new(at, message).hint(hint(name)));
                    }
                    rest = &rest[end..];
                }
                _ => literal.push('$'),
            }
        }
        literal.push_str(rest);
        if pieces.is_empty() {
            return Template::Plain(literal.into(), at);
        }
        if !literal.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Template::Text(pieces, at)
    }
}

/// Where the name that `text` begins with ends. A dot belongs to it only before another letter or digit: a sentence may
/// end behind a variable.
fn name_end(text: &str) -> usize {
    let bytes = text.as_bytes();
    let inner = |at: &usize| match bytes[*at] {
        b'.' => bytes.get(at + 1).is_some_and(u8::is_ascii_alphanumeric),
        byte => byte.is_ascii_alphanumeric() || byte == b'_',
    };
    (0..bytes.len()).find(|at| !inner(at)).unwrap_or(bytes.len())
}

fn hint(name: &str) -> String {
    let first = name.split('.').next().unwrap_or_default();
    match first {
        "labels" => format!("write `$alert.{name}`"),
        "q" => "a query decides in an expression; it is not inserted".to_owned(),
        "annotations" => "an annotation describes, it does not point: only labels are inserted".to_owned(),
        "alert" => "only labels are inserted: $alert.labels.NAME".to_owned(),
        "params" | "steps" | "key" | "item" => format!("one of: {}; a dollar is written as $$", KNOWN.join(", ")),
        _ => format!("did you mean `$params.{name}`? one of: {}; a dollar is written as $$", KNOWN.join(", ")),
    }
}

/// The variable of this name.
pub(in crate::playbook) fn variable(name: &str) -> Option<Variable> {
    let parts: Vec<&str> = name.split('.').collect();
    Some(match parts.as_slice() {
        ["key"] => Variable::Key,
        ["item"] => Variable::Item,
        ["params", name] => Variable::Param((*name).to_owned()),
        ["alert", "labels", _, ..] => Variable::Label(parts[2..].join(".")),
        ["steps", step, "out", name] => Variable::Output { step: (*step).to_owned(), name: (*name).to_owned() },
        _ => return None,
    })
}
