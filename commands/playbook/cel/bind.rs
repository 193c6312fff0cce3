//! What an expression is given: only what it looks at, and of that only so much.

use std::collections::HashMap;
use std::sync::Arc;

use ::cel::Value;
use ::cel::objects::Key;
use serde_json::{Map, Value as Json, json};

use crate::playbook::scope::Scope;
use crate::text::excerpt;

/// Most items of a list or a map.
pub(super) const ITEMS: usize = 200;
/// Longest text, bytes.
pub(super) const TEXT: usize = 4 << 10;
/// Most values in all.
const VALUES: usize = 4_096;
/// Deepest nesting.
const DEEPEST: usize = 12;

/// A value for each root of `paths`.
pub(super) fn variables(paths: &[Vec<String>], scope: &Scope) -> Result<Vec<(String, Value)>, String> {
    let mut roots = Map::new();
    // A longer path is a part of a shorter one, which therefore comes later and whole.
    let mut paths: Vec<&Vec<String>> = paths.iter().collect();
    paths.sort_by_key(|path| std::cmp::Reverse(path.len()));
    for path in paths {
        if let [root, rest @ ..] = path.as_slice()
            && let Some(from) = view(scope, root, rest)
        {
            graft(&mut roots, root, &from, rest);
        }
    }
    let mut left = VALUES;
    roots.into_iter().map(|(name, json)| Ok((name.clone(), value(&json, &name, 0, &mut left)?))).collect()
}

/// What stands behind a root, as far as `rest` needs it.
fn view(scope: &Scope, root: &str, rest: &[String]) -> Option<Json> {
    let part = |all: &std::collections::BTreeMap<String, Json>| match rest.first() {
        Some(name) => all.get(name).map_or_else(|| json!({}), |value| json!({ (name.as_str()): value })),
        None => json!(all),
    };
    let texts = |all: &std::collections::BTreeMap<String, String>| match rest.get(1) {
        Some(name) => all.get(name).map_or_else(|| json!({}), |value| json!({ (name.as_str()): value })),
        None => json!(all),
    };
    Some(match root {
        "alert" => match rest.first().map(String::as_str) {
            Some("labels") => json!({ "labels": texts(&scope.alert.alert.labels) }),
            Some("annotations") => json!({ "annotations": texts(&scope.alert.alert.annotations) }),
            Some("starts_at") => scope.alert.starts_at.map_or_else(|| json!({}), |at| json!({ "starts_at": at })),
            _ => json!({ "status": scope.alert.status(), "source": scope.alert.source }),
        },
        "key" => match scope.key.as_slice() {
            [one] => json!(one.value),
            _ => return None,
        },
        "params" => part(&scope.params),
        "q" => part(&scope.queries),
        "steps" => match rest.first().and_then(|id| Some((id, scope.steps.get(id)?))) {
            Some((id, step)) => json!({ (id.as_str()): { "state": step.state.word(), "out": step.out } }),
            None => json!({}),
        },
        "verify" => json!({ "before": scope.before, "after": scope.after }),
        _ => return None,
    })
}

/// Puts the part of `from` at `path` to the same place below `into[name]`.
fn graft(into: &mut Map<String, Json>, name: &str, from: &Json, path: &[String]) {
    match (path.split_first(), from) {
        (Some((first, rest)), Json::Object(map)) => {
            let slot = into.entry(name.to_owned()).or_insert_with(|| json!({}));
            if let (Json::Object(inner), Some(value)) = (slot, map.get(first)) {
                graft(inner, first, value, rest);
            }
        }
        _ => {
            into.insert(name.to_owned(), from.clone());
        }
    }
}

fn value(json: &Json, at: &str, depth: usize, left: &mut usize) -> Result<Value, String> {
    *left = left.checked_sub(1).ok_or_else(|| format!("`{at}` holds more than {VALUES} values"))?;
    if depth > DEEPEST {
        return Err(format!("`{at}` is nested more than {DEEPEST} deep"));
    }
    let long = |number: usize| {
        let at = excerpt(at, 80);
        Err(format!("`{at}` has {number} items, and an expression takes at most {ITEMS}"))
    };
    Ok(match json {
        Json::Null => Value::Null,
        Json::Bool(truth) => Value::Bool(*truth),
        Json::Number(number) => match (number.as_i64(), number.as_u64()) {
            (Some(int), _) => Value::Int(int),
            (None, Some(uint)) => Value::UInt(uint),
            _ => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(text) if text.len() > TEXT => {
            let at = excerpt(at, 80);
            return Err(format!("`{at}` has {} bytes, and an expression takes at most {TEXT}", text.len()));
        }
        Json::String(text) => Value::String(Arc::new(text.clone())),
        Json::Array(items) if items.len() > ITEMS => return long(items.len()),
        Json::Array(items) => {
            let items = items.iter().map(|item| value(item, at, depth + 1, left));
            Value::List(Arc::new(items.collect::<Result<_, _>>()?))
        }
        Json::Object(items) if items.len() > ITEMS => return long(items.len()),
        Json::Object(items) => {
            let mut map: HashMap<Key, Value> = HashMap::with_capacity(items.len());
            for (name, item) in items {
                let inner = value(item, &format!("{at}.{name}"), depth + 1, left)?;
                map.insert(Key::String(Arc::new(name.clone())), inner);
            }
            map.into()
        }
    })
}
