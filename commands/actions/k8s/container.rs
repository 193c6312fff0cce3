//! A container among those of a workload or a pod.

use serde_json::Value as Json;

use super::name::Name;
use super::object::items;
use crate::fault::{Fault, Kind};
use crate::ports::cluster::ObjectName;
use crate::text::excerpt;

/// A container of those at `place` by its name, or the only one.
pub(super) fn container<'a>(
    json: &'a Json,
    place: &str,
    named: Option<&Name>,
    object: &ObjectName,
) -> Result<&'a Json, Fault> {
    let all: Vec<&Json> = items(json, place).collect();
    let names = || all.iter().map(|one| excerpt(name_of(one), 100)).collect::<Vec<_>>().join(", ");
    match named {
        Some(named) => all
            .iter()
            .find(|one| name_of(one) == named.as_str())
            .copied()
            .ok_or_else(|| Fault::new(Kind::Missing, format!("{object} has no container {named}, but {}", names()))),
        None => match all.as_slice() {
            [one] => Ok(one),
            _ => Err(Fault::new(Kind::Usage, format!("{object} has several containers: {}", names()))
                .hint("name one with --container")),
        },
    }
}

pub(super) fn name_of(container: &Json) -> &str {
    container["name"].as_str().unwrap_or_default()
}
