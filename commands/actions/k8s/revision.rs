//! The revisions of a workload: what its pods were made from, and when.

use serde_json::{Value as Json, json};

use super::object::{self, MOST, items, text, uid};
use crate::context::Context;
use crate::date;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::{Listing, ObjectKind, ObjectName};
use crate::text::excerpt;

/// One revision.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Revision {
    /// Its number; the highest is the present one.
    pub number: u64,
    /// The images of its containers.
    pub images: Vec<String>,
    /// When it was made, unix seconds.
    pub since: Option<u64>,
    /// Why, where the one who made it said so.
    pub cause: String,
    /// The patch that brings it back.
    pub patch: Json,
}

impl Revision {
    /// `7 (web:2.1)`.
    pub(super) fn words(&self) -> String {
        format!("revision {} ({})", self.number, self.images.join(", "))
    }

    pub(super) fn json(&self) -> Json {
        json!({ "revision": self.number, "images": self.images, "since": self.since, "cause": self.cause })
    }
}

/// The revisions of a workload, newest first. A fault where there is none.
pub(super) async fn all(context: &Context, of: &ObjectName, workload: &Json) -> Result<Vec<Revision>, Fault> {
    let kind = match of.kind {
        ObjectKind::Deployment => ObjectKind::ReplicaSet,
        _ => ObjectKind::ControllerRevision,
    };
    let listing = Listing {
        kind,
        namespace: Some(of.namespace.clone()),
        labels: object::selector(workload, of)?,
        fields: String::new(),
        most: MOST,
    };
    let listed = context.cluster()?.list(&listing).await?.items;
    let own = listed.iter().filter(|one| object::controller(one).is_some_and(|(_, _, owner)| owner == uid(workload)));
    let mut revisions: Vec<Revision> = own.filter_map(|one| revision(kind, one)).collect();
    revisions.sort_by_key(|one| std::cmp::Reverse(one.number));
    if revisions.is_empty() {
        return Err(Fault::new(Kind::Missing, format!("{of} has no revision that can be read")));
    }
    Ok(revisions)
}

fn revision(kind: ObjectKind, one: &Json) -> Option<Revision> {
    let annotation = |name: &str| one["metadata"]["annotations"][name].as_str().unwrap_or_default();
    let (number, template, patch) = if kind == ObjectKind::ReplicaSet {
        let mut template = one.pointer("/spec/template")?.clone();
        // The deployment's controller gives each of its sets this label anew.
        if let Some(labels) = template.pointer_mut("/metadata/labels").and_then(Json::as_object_mut) {
            labels.remove("pod-template-hash");
        }
        let mut whole = template.clone();
        whole["$patch"] = json!("replace");
        let number = annotation("deployment.kubernetes.io/revision").parse().ok()?;
        (number, template, json!({ "spec": { "template": whole } }))
    } else {
        // The API keeps it as the very patch that brings it back.
        (one["revision"].as_u64()?, one.pointer("/data/spec/template")?.clone(), one["data"].clone())
    };
    let images =
        items(&template, "/spec/containers").map(|container| excerpt(text(container, "/image"), 200)).collect();
    Some(Revision {
        number,
        images,
        since: date::moment(text(one, "/metadata/creationTimestamp")),
        cause: excerpt(annotation("kubernetes.io/change-cause"), 200),
        patch,
    })
}
