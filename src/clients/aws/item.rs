//! Items of DynamoDB in its own JSON, both ways.

use aws_sdk_dynamodb::primitives::Blob;
use aws_sdk_dynamodb::types::AttributeValue;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Map, Value as Json, json};
use std::collections::HashMap;

/// An item as the SDK has it.
pub(super) type Item = HashMap<String, AttributeValue>;

/// In DynamoDB's own JSON, the names in order; none where it has a kind of value that is not known.
pub(super) fn json(item: &Item) -> Option<Json> {
    let mut names: Vec<&String> = item.keys().collect();
    names.sort();
    let all = names.into_iter().map(|name| Some((name.clone(), value(item.get(name)?)?)));
    all.collect::<Option<Map<String, Json>>>().map(Json::Object)
}

fn value(of: &AttributeValue) -> Option<Json> {
    // Sets have no order: one is made, so that the same item is the same text.
    let sorted = |all: &[String]| {
        let mut all = all.to_vec();
        all.sort();
        all
    };
    let blob = |blob: &Blob| STANDARD.encode(blob.as_ref());
    Some(match of {
        AttributeValue::S(text) => json!({ "S": text }),
        AttributeValue::N(number) => json!({ "N": number }),
        AttributeValue::B(bytes) => json!({ "B": blob(bytes) }),
        AttributeValue::Bool(is) => json!({ "BOOL": is }),
        AttributeValue::Null(is) => json!({ "NULL": is }),
        AttributeValue::Ss(all) => json!({ "SS": sorted(all) }),
        AttributeValue::Ns(all) => json!({ "NS": sorted(all) }),
        AttributeValue::Bs(all) => json!({ "BS": sorted(&all.iter().map(blob).collect::<Vec<_>>()) }),
        AttributeValue::L(all) => json!({ "L": all.iter().map(value).collect::<Option<Vec<_>>>()? }),
        AttributeValue::M(item) => json!({ "M": json(item)? }),
        _ => return None,
    })
}

/// As the SDK has it; none where it is no item.
pub(super) fn item(json: &Json) -> Option<Item> {
    json.as_object()?.iter().map(|(name, value)| Some((name.clone(), attribute(value)?))).collect()
}

pub(super) fn attribute(json: &Json) -> Option<AttributeValue> {
    let object = json.as_object().filter(|object| object.len() == 1)?;
    let (kind, value) = object.iter().next()?;
    let text = |value: &Json| value.as_str().map(str::to_owned);
    let blob = |value: &Json| STANDARD.decode(value.as_str()?).ok().map(Blob::new);
    let list = || value.as_array();
    Some(match kind.as_str() {
        "S" => AttributeValue::S(text(value)?),
        "N" => AttributeValue::N(text(value)?),
        "B" => AttributeValue::B(blob(value)?),
        "BOOL" => AttributeValue::Bool(value.as_bool()?),
        "NULL" => AttributeValue::Null(value.as_bool()?),
        "SS" => AttributeValue::Ss(list()?.iter().map(text).collect::<Option<_>>()?),
        "NS" => AttributeValue::Ns(list()?.iter().map(text).collect::<Option<_>>()?),
        "BS" => AttributeValue::Bs(list()?.iter().map(blob).collect::<Option<_>>()?),
        "L" => AttributeValue::L(list()?.iter().map(attribute).collect::<Option<_>>()?),
        "M" => AttributeValue::M(item(value)?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_item_comes_back_as_it_went() {
        let whole = json!({
            "b": { "B": "AAEC" },
            "bs": { "BS": ["AAEC", "AwQF"] },
            "l": { "L": [{ "S": "x" }, { "NULL": true }] },
            "m": { "M": { "n": { "N": "1.50" }, "ok": { "BOOL": false } } },
            "ns": { "NS": ["1", "2"] },
            "ss": { "SS": ["a", "b"] },
        });
        assert_eq!(json(&item(&whole).expect("an item")), Some(whole));
        for wrong in [json!({ "a": "x" }), json!({ "a": { "S": 1 } }), json!({ "a": { "X": "1" } }), json!([])] {
            assert_eq!(item(&wrong), None, "{wrong}");
        }
    }
}
