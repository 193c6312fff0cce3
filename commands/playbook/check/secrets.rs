//! Secrets stand in arguments by reference, and only where one belongs.

use serde_json::Value as Json;

use crate::playbook::place::Place;
use crate::playbook::problem::Problem;
use crate::playbook::template::{Entry, Piece, Template};

/// How a reference to a secret begins.
const SCHEMES: [&str; 4] = ["env:", "file:", "credential:", "exec:"];

/// A reference to a secret where none belongs.
pub(super) fn secrets(entry: &Entry, field: &Json, problems: &mut Vec<Problem>) {
    let is_secret = field["format"] == "secret" || field["writeOnly"] == true;
    if is_secret && !entry.value.variables().is_empty() {
        let problem =
            Problem::new(entry.value.at(), format!("`{}` is a secret, and a variable stands in it", entry.name));
        problems.push(problem.hint("write a reference: env:NAME, file:PATH or credential:NAME"));
    }
    if !is_secret {
        for at in references(&entry.value) {
            let message = format!("`{}` is no secret, and a reference to one stands in it", entry.name);
            problems.push(Problem::new(at, message).hint("it would be shown, kept and passed on in clear"));
        }
    }
}

fn refers(text: &str) -> bool {
    SCHEMES.iter().any(|scheme| text.starts_with(scheme))
}

/// Where texts stand that are references to secrets.
fn references(template: &Template) -> Vec<Place> {
    match template {
        Template::Plain(Json::String(text), at) if refers(text) => vec![*at],
        Template::Text(pieces, at) => match pieces.first() {
            Some(Piece::Literal(text)) if refers(text) => vec![*at],
            _ => Vec::new(),
        },
        Template::Plain(..) => Vec::new(),
        Template::List(items, _) => items.iter().flat_map(references).collect(),
        Template::Map(entries, _) => entries.iter().flat_map(|entry| references(&entry.value)).collect(),
    }
}
