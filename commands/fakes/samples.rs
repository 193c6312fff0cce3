//! A command of every name, with arguments that it takes.

use serde_json::{Map, Value as Json, json};

use crate::Invocation;

/// Texts of which every required argument takes one.
const TEXTS: [&str; 11] = [
    "x",
    "1",
    "0x0000000000000000000000000000000000000001",
    "0x0000000000000000000000000000000000000000000000000000000000000001",
    "1 LINK",
    "1 ETH",
    "10s",
    "http://127.0.0.1:9/",
    "POST",
    "web-01",
    "trigger",
];

/// The command of this name with what it cannot be without; `None` where nothing of the above fits.
pub fn sample(name: &str) -> Option<Invocation> {
    let schema = Invocation::schema(name)?;
    let required = schema.get("required").and_then(Json::as_array);
    let fields: Vec<&str> = required.into_iter().flatten().filter_map(Json::as_str).collect();
    let most = TEXTS.len().pow(u32::try_from(fields.len()).ok()?);
    (0..most).find_map(|mut number| {
        let mut with = Map::new();
        for field in &fields {
            let text = TEXTS[number % TEXTS.len()];
            number /= TEXTS.len();
            // A number where the text is one and the field takes no text.
            let kind = schema.get("properties").and_then(|all| all.get(*field)).and_then(|one| one.get("type"));
            let value = match (kind.and_then(Json::as_str), text.parse::<u64>()) {
                (Some("integer"), Ok(number)) => json!(number),
                (Some("array"), _) => json!([text]),
                (Some("object"), _) => json!({ text: text }),
                _ => json!(text),
            };
            with.insert((*field).to_owned(), value);
        }
        Invocation::from_data(name, Json::Object(with)).ok()
    })
}
