//! The format as a JSON Schema, for editors.

use serde_json::{Map, Value as Json, json};

use super::fields::{PLAYBOOK, Shape, Table};
use crate::Invocation;

/// The JSON Schema (draft 2020-12) of a playbook, with every command and action and its arguments.
pub fn schema() -> Json {
    let mut schema = table(&PLAYBOOK);
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema["title"] = "A playbook of ira".into();
    schema
}

fn table(table: &Table) -> Json {
    let mut properties = Map::new();
    for field in table.fields {
        let mut one = shape(&field.shape);
        one["description"] = field.doc.into();
        properties.insert(field.name.to_owned(), one);
    }
    let required: Vec<&str> = table.fields.iter().filter(|field| field.required).map(|field| field.name).collect();
    let mut schema = json!({ "type": "object", "properties": properties, "additionalProperties": false });
    if !required.is_empty() {
        schema["required"] = json!(required);
    }
    if table.fields.iter().any(|field| field.name == "do") {
        schema["properties"]["do"]["enum"] = Invocation::names().collect();
        schema["allOf"] = Invocation::names().map(arguments).collect();
    }
    schema
}

/// Where `do` is this name, `with` has these arguments. Their types are left open: a variable may stand for any.
fn arguments(name: &str) -> Json {
    let own = Invocation::schema(name).map(Json::from).unwrap_or_default();
    let mut properties = Map::new();
    for (field, shape) in own["properties"].as_object().into_iter().flatten().filter(|(field, _)| *field != "alerts") {
        properties.insert(field.clone(), json!({ "description": shape["description"] }));
    }
    let with = json!({ "type": "object", "properties": properties, "additionalProperties": false, "required": own["required"] });
    let mut then = json!({ "properties": { "with": with } });
    match own["required"].as_array() {
        Some(fields) if !fields.is_empty() => then["required"] = json!(["with"]),
        _ => drop(then["properties"]["with"].as_object_mut().map(|with| with.remove("required"))),
    }
    json!({ "if": { "properties": { "do": { "const": name } }, "required": ["do"] }, "then": then })
}

fn shape(of: &Shape) -> Json {
    match of {
        Shape::Any => json!({}),
        Shape::Text | Shape::Expression | Shape::Prose | Shape::Coins => json!({ "type": "string", "minLength": 1 }),
        Shape::Regex => json!({ "type": "string", "format": "regex" }),
        Shape::Scalar => json!({ "type": ["string", "number", "boolean"] }),
        Shape::Name => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_-]{0,62}$" }),
        Shape::Ident => json!({ "type": "string", "pattern": "^[A-Za-z][A-Za-z0-9_]{0,62}$" }),
        Shape::Duration => {
            json!({ "type": "string", "pattern": "^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$", "minLength": 2 })
        }
        Shape::Int(least, most) => json!({ "type": "integer", "minimum": least, "maximum": most }),
        Shape::Number => json!({ "type": "number" }),
        Shape::Bool => json!({ "type": "boolean" }),
        Shape::OneOf(words) => json!({ "enum": words }),
        Shape::List(inner) => json!({ "type": "array", "items": shape(inner) }),
        Shape::Map(inner) | Shape::Named(inner) => json!({ "type": "object", "additionalProperties": shape(inner) }),
        Shape::Record(inner) => table(inner),
        Shape::Either(one, other) => json!({ "anyOf": [shape(one), shape(other)] }),
    }
}
