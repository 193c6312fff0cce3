//! What may stand in the place of a variable before there is a run: enough to know whether a command takes it.

use serde_json::{Map, Value as Json, json};

use super::actions::{properties, required, said};
use super::variables;
use crate::Invocation;
use crate::playbook::model::Playbook;
use crate::playbook::template::{Entry, Piece, Template};

/// Texts of which a typed argument takes at least one: what a variable may stand for.
const STAND_INS: [&str; 11] = [
    "x",
    "1",
    "0x0000000000000000000000000000000000000000",
    "0x0000000000000000000000000000000000000000000000000000000000000000",
    "1 LINK",
    "10s",
    "http://example.test/",
    "/x",
    "env:X",
    "x:1",
    "x=1",
];

/// A command with arguments of which nothing is known.
pub(super) fn typical(name: &str) -> Option<Invocation> {
    let fields = properties(name);
    let required = required(name);
    let of = |field: &String, text: &str| {
        let stand_in = stand_in(&fields.iter().find(|(name, _)| name == field)?.1);
        Some((field.clone(), if stand_in.is_null() { Json::from(text) } else { stand_in }))
    };
    let with = |text| Json::Object(required.iter().filter_map(|field| of(field, text)).collect());
    STAND_INS.into_iter().find_map(|text| Invocation::from_data(name, with(text)).ok())
}

/// A value for one argument that the command takes, where there is one.
pub(super) fn fitting(
    playbook: &Playbook,
    action: &str,
    entry: &Entry,
    fields: &[(String, Json)],
) -> Result<Json, String> {
    let others: Map<String, Json> = required(action)
        .iter()
        .filter(|field| **field != entry.name)
        .filter_map(|field| {
            let shape = fields.iter().find(|(name, _)| name == field)?;
            Some((field.clone(), stand_in(&shape.1)))
        })
        .collect();
    let mut first = None;
    for value in stand_ins(playbook, &entry.value) {
        match accepted(action, &entry.name, &value, &others) {
            Ok(()) => return Ok(value),
            Err(why) => first = first.or(Some(why)),
        }
    }
    Err(first.unwrap_or_else(|| "nothing could be inserted here".to_owned()))
}

/// Whether a command takes `value` for one argument, whatever the others may be.
fn accepted(action: &str, name: &str, value: &Json, others: &Map<String, Json>) -> Result<(), String> {
    let mut why = None;
    for text in STAND_INS {
        let mut with: Map<String, Json> = others
            .iter()
            .map(|(field, one)| (field.clone(), if one.is_null() { Json::from(text) } else { one.clone() }))
            .collect();
        with.insert(name.to_owned(), value.clone());
        match Invocation::from_data(action, Json::Object(with)) {
            Ok(_) => return Ok(()),
            Err(fault) => why = why.or(Some(said(&fault.message))),
        }
        if !others.values().any(Json::is_null) {
            break;
        }
    }
    Err(why.unwrap_or_default())
}

/// A value of the kind that a schema asks for; nothing where any text may do.
fn stand_in(schema: &Json) -> Json {
    if let Some(first) = schema["enum"].as_array().and_then(|words| words.first()) {
        return first.clone();
    }
    let by_name = match schema["$ref"].as_str().and_then(|name| name.rsplit('/').next()) {
        Some("Address") => Some(STAND_INS[2]),
        Some("Hash") => Some(STAND_INS[3]),
        Some("Id") => Some(STAND_INS[1]),
        Some("Coins") => Some(STAND_INS[4]),
        _ => None,
    };
    match (by_name, schema["type"].as_str()) {
        (Some(text), _) => text.into(),
        (None, Some("integer" | "number")) => json!(1),
        (None, Some("boolean")) => json!(false),
        (None, Some("array")) => json!([]),
        (None, Some("object")) => json!({}),
        _ => Json::Null,
    }
}

/// What a template may become, as far as kinds go.
fn stand_ins(playbook: &Playbook, template: &Template) -> Vec<Json> {
    match template {
        Template::Plain(json, _) => vec![json.clone()],
        Template::Text(pieces, _) => match pieces.as_slice() {
            [Piece::Variable(variable)] => match variables::kind(playbook, variable) {
                Some(kind) => kind.stand_ins(),
                None => STAND_INS.map(Json::from).to_vec(),
            },
            pieces => ["x", "1", "example.test"].map(|text| Json::from(filled(pieces, text))).to_vec(),
        },
        Template::List(items, _) => {
            let each: Vec<Vec<Json>> = items.iter().map(|item| stand_ins(playbook, item)).collect();
            (0..STAND_INS.len())
                .map(|at| each.iter().filter_map(|all| all.get(at).or(all.first())).cloned().collect())
                .collect()
        }
        Template::Map(entries, _) => {
            let each: Vec<(String, Vec<Json>)> =
                entries.iter().map(|entry| (entry.name.clone(), stand_ins(playbook, &entry.value))).collect();
            let at = |at: usize| {
                each.iter().filter_map(move |(name, all)| Some((name.clone(), all.get(at).or(all.first())?.clone())))
            };
            (0..STAND_INS.len()).map(|place| Json::Object(at(place).collect())).collect()
        }
    }
}

fn filled(pieces: &[Piece], text: &str) -> String {
    let piece = |piece: &Piece| match piece {
        Piece::Literal(literal) => literal.clone(),
        Piece::Variable(_) => text.to_owned(),
    };
    pieces.iter().map(piece).collect()
}

impl variables::VariableKind {
    fn stand_ins(self) -> Vec<Json> {
        match self {
            Self::Text => STAND_INS.map(Json::from).to_vec(),
            Self::Int => vec![json!(1)],
            Self::Double => vec![json!(1.5), json!(1)],
            Self::Bool => vec![json!(true)],
            Self::Texts => STAND_INS.iter().map(|text| json!([text])).collect(),
        }
    }
}
