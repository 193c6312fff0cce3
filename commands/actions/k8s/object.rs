//! What is read out of an object of the API.

use serde_json::Value as Json;

use super::name::{Name, Workload};
use crate::context::Context;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Listing, ObjectKind, ObjectName};
use crate::text::excerpt;

/// The most objects of one list that are looked at.
pub(super) const MOST: u32 = 500;

/// A text of an object by its place; empty where there is none.
pub(super) fn text<'a>(of: &'a Json, pointer: &str) -> &'a str {
    of.pointer(pointer).and_then(Json::as_str).unwrap_or_default()
}

/// A number of an object by its place; zero where there is none, as the API leaves zeros out.
pub(super) fn number(of: &Json, pointer: &str) -> i64 {
    of.pointer(pointer).and_then(Json::as_i64).unwrap_or_default()
}

/// The items of a list in an object.
pub(super) fn items<'a>(of: &'a Json, pointer: &str) -> impl Iterator<Item = &'a Json> + use<'a> {
    of.pointer(pointer).and_then(Json::as_array).into_iter().flatten()
}

pub(super) fn name(of: &Json) -> &str {
    text(of, "/metadata/name")
}

pub(super) fn uid(of: &Json) -> &str {
    text(of, "/metadata/uid")
}

pub(super) fn version(of: &Json) -> &str {
    text(of, "/metadata/resourceVersion")
}

pub(super) fn generation(of: &Json) -> i64 {
    number(of, "/metadata/generation")
}

/// The condition of a type: its status and reason, where there is one.
pub(super) fn condition<'a>(of: &'a Json, kind: &str) -> Option<(&'a str, &'a str)> {
    let found = items(of, "/status/conditions").find(|one| text(one, "/type") == kind)?;
    Some((text(found, "/status"), text(found, "/reason")))
}

/// The controller that an object belongs to: kind, name and uid.
pub(super) fn controller(of: &Json) -> Option<(&str, &str, &str)> {
    let owner = items(of, "/metadata/ownerReferences").find(|owner| owner["controller"] == true)?;
    Some((text(owner, "/kind"), text(owner, "/name"), text(owner, "/uid")))
}

/// A selector of labels in the words of a list request. A fault for one with nothing in it: it would mean everything.
pub(super) fn selector(of: &Json, whose: &ObjectName) -> Result<String, Fault> {
    let mut parts = Vec::new();
    let labels = of.pointer("/spec/selector/matchLabels").and_then(Json::as_object);
    for (key, value) in labels.into_iter().flatten() {
        parts.push(format!("{key}={}", value.as_str().unwrap_or_default()));
    }
    for one in items(of, "/spec/selector/matchExpressions") {
        let key = text(one, "/key");
        let values: Vec<&str> = items(one, "/values").filter_map(Json::as_str).collect();
        parts.push(match text(one, "/operator") {
            "In" => format!("{key} in ({})", values.join(",")),
            "NotIn" => format!("{key} notin ({})", values.join(",")),
            "Exists" => key.to_owned(),
            "DoesNotExist" => format!("!{key}"),
            other => {
                return Err(Fault::new(Kind::BadAnswer, format!("{whose} selects by `{}`", excerpt(other, 40))));
            }
        });
    }
    if parts.is_empty() {
        return Err(Fault::new(Kind::BadAnswer, format!("{whose} selects no pods by their labels")));
    }
    Ok(parts.join(","))
}

/// The namespace that is meant.
pub(super) async fn namespace(context: &Context, named: Option<&Name>) -> Result<String, Fault> {
    match named {
        Some(name) => Ok(name.as_str().to_owned()),
        None => context.cluster()?.namespace().await,
    }
}

/// A workload by its name, with all that the API says of it.
pub(super) async fn workload(
    context: &Context,
    namespace: Option<&Name>,
    workload: &Workload,
) -> Result<(ObjectName, Json), Fault> {
    let space = self::namespace(context, namespace).await?;
    let object = ObjectName::new(workload.kind, &space, workload.name.as_str());
    let json = context.cluster()?.get(&object).await?;
    Ok((object, json))
}

/// The pods of a workload.
pub(super) async fn pods(context: &Context, of: &ObjectName, json: &Json) -> Result<Vec<Json>, Fault> {
    let listing = Listing {
        kind: ObjectKind::Pod,
        namespace: Some(of.namespace.clone()),
        labels: selector(json, of)?,
        fields: String::new(),
        most: MOST,
    };
    Ok(context.cluster()?.list(&listing).await?.items)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_selector_that_would_mean_every_pod_is_refused() {
        let whose = ObjectName::new(ObjectKind::Deployment, "shop", "web");
        let of = |by: Json| selector(&json!({ "spec": { "selector": by } }), &whose).ok();
        assert_eq!(of(json!({ "matchLabels": { "app": "web" } })).as_deref(), Some("app=web"));
        let by = json!({ "matchExpressions": [
            { "key": "tier", "operator": "In", "values": ["a", "b"] }, { "key": "old", "operator": "DoesNotExist" },
        ] });
        assert_eq!(of(by).as_deref(), Some("tier in (a,b),!old"));
        assert_eq!(of(json!({})), None);
        assert_eq!(of(json!({ "matchExpressions": [{ "key": "a", "operator": "Near" }] })), None);
    }
}
