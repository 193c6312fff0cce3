//! Where objects are, in the API.

use ira_commands::ports::cluster::{Listing, LogAsk, ObjectKind, ObjectName};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

fn part(text: &str) -> String {
    utf8_percent_encode(text, NON_ALPHANUMERIC).to_string().replace("%2D", "-").replace("%2E", ".")
}

/// The group with its version, and the plural.
fn resource(kind: ObjectKind) -> (&'static str, &'static str) {
    match kind {
        ObjectKind::Pod => ("/api/v1", "pods"),
        ObjectKind::Node => ("/api/v1", "nodes"),
        ObjectKind::Event => ("/api/v1", "events"),
        ObjectKind::Deployment => ("/apis/apps/v1", "deployments"),
        ObjectKind::StatefulSet => ("/apis/apps/v1", "statefulsets"),
        ObjectKind::DaemonSet => ("/apis/apps/v1", "daemonsets"),
        ObjectKind::ReplicaSet => ("/apis/apps/v1", "replicasets"),
        ObjectKind::ControllerRevision => ("/apis/apps/v1", "controllerrevisions"),
        ObjectKind::Autoscaler => ("/apis/autoscaling/v1", "horizontalpodautoscalers"),
    }
}

fn folder(kind: ObjectKind, namespace: &str) -> String {
    let (group, plural) = resource(kind);
    match namespace {
        "" => format!("{group}/{plural}"),
        name => format!("{group}/namespaces/{}/{plural}", part(name)),
    }
}

/// One object.
pub(super) fn object(object: &ObjectName) -> String {
    format!("{}/{}", folder(object.kind, &object.namespace), part(&object.name))
}

/// With these parameters; those without a value are left out.
fn asked(path: &str, query: &[(&str, &str)]) -> String {
    let some = query.iter().filter(|(_, value)| !value.is_empty());
    let all: Vec<String> = some.map(|(name, value)| format!("{name}={}", part(value))).collect();
    if all.is_empty() { path.to_owned() } else { format!("{path}?{}", all.join("&")) }
}

/// One page of a list; `after` is what the page before ended with.
pub(super) fn list(listing: &Listing, most: u32, after: &str) -> String {
    let path = folder(listing.kind, listing.namespace.as_deref().unwrap_or_default());
    let (labels, fields) = (listing.labels.as_str(), listing.fields.as_str());
    let most = most.to_string();
    asked(&path, &[("limit", &most), ("labelSelector", labels), ("fieldSelector", fields), ("continue", after)])
}

/// The end of a log.
pub(super) fn log(ask: &LogAsk) -> String {
    let (lines, bytes) = (ask.lines.to_string(), ask.bytes.to_string());
    let container = ask.container.as_deref().unwrap_or_default();
    let previous = if ask.previous { "true" } else { "" };
    let query =
        [("tailLines", lines.as_str()), ("limitBytes", &bytes), ("container", container), ("previous", previous)];
    asked(&format!("{}/log", object(&ask.pod)), &query)
}

/// What pods or nodes use.
pub(super) fn usage(kind: ObjectKind, namespace: Option<&str>, labels: &str) -> String {
    let plural = resource(kind).1;
    let within = namespace.map(|name| format!("namespaces/{}/", part(name))).unwrap_or_default();
    asked(&format!("/apis/metrics.k8s.io/v1beta1/{within}{plural}"), &[("labelSelector", labels)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_in_a_name_or_a_selector_leaves_its_place_in_the_path() {
        let pod = ObjectName::new(ObjectKind::Pod, "a/../b", "x?y=1&z#w");
        assert_eq!(object(&pod), "/api/v1/namespaces/a%2F..%2Fb/pods/x%3Fy%3D1%26z%23w");
        let listing = Listing {
            kind: ObjectKind::Pod,
            namespace: Some("shop".to_owned()),
            labels: "app=web,tier in (a,b)".to_owned(),
            fields: String::new(),
            most: 10,
        };
        let path = list(&listing, 10, "");
        assert_eq!(path, "/api/v1/namespaces/shop/pods?limit=10&labelSelector=app%3Dweb%2Ctier%20in%20%28a%2Cb%29");
        assert_eq!(object(&ObjectName::node("ip-10-0-0-1.internal")), "/api/v1/nodes/ip-10-0-0-1.internal");
    }
}
