//! What the last reports saw pending, for a shell that completes an id: in the cache, so that nobody waits for a chain.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use ira_commands::Invocation;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::input;
use crate::keep::{private_folder, replace};

/// The most ids that are kept of one kind at one coordinator.
const MOST: usize = 500;
/// A file longer than this is not ours, bytes.
const MOST_BYTES: usize = 4 << 20;

/// Coordinators by network, then what was seen at each.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Seen(BTreeMap<String, BTreeMap<String, At>>);

/// What was seen at one coordinator; ids in digits, the latest first.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct At {
    requests: Vec<String>,
    subscriptions: Vec<String>,
}

/// What an id is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Of {
    /// A request that was pending.
    Requests,
    /// A subscription.
    Subscriptions,
    /// A coordinator.
    Coordinators,
}

fn file(folder: &Path) -> PathBuf {
    folder.join("vrf-seen.json")
}

impl Seen {
    /// What is kept in the cache; nothing where it cannot be read.
    pub fn load(folder: &Path) -> Self {
        let text = input::text(&file(folder), "what was seen", MOST_BYTES).unwrap_or_default();
        serde_json::from_str(&text).unwrap_or_default()
    }

    /// The ids that were seen, on a network and at a coordinator or on all and at all.
    pub fn ids(&self, of: Of, network: Option<&str>, coordinator: Option<&str>) -> Vec<&str> {
        let same = |a: &str, b: Option<&str>| b.is_none_or(|b| a.eq_ignore_ascii_case(b));
        let networks = self.0.iter().filter(|(name, _)| same(name, network));
        let places = networks.flat_map(|(_, all)| all).filter(|(address, _)| same(address, coordinator));
        places
            .flat_map(|(address, at)| match of {
                Of::Requests => at.requests.iter().map(String::as_str).collect::<Vec<_>>(),
                Of::Subscriptions => at.subscriptions.iter().map(String::as_str).collect(),
                Of::Coordinators => vec![address.as_str()],
            })
            .collect()
    }

    /// Takes in the data of a runbook; `whole` where it was of all that a coordinator has.
    fn take(&mut self, data: &Json, whole: bool) -> Option<()> {
        let network = data["network"]["name"].as_str()?;
        let coordinator = data["coordinator"]["address"].as_str()?;
        let at = self.0.entry(network.to_owned()).or_default().entry(coordinator.to_owned()).or_default();
        let listed = |list: &Json, open: fn(&Json) -> bool| -> Vec<String> {
            let items = list.as_array().into_iter().flatten().filter(|one| open(one));
            items.filter_map(|one| one["id"].as_str().map(str::to_owned)).collect()
        };
        let pending =
            listed(&data["requests"], |one| one["status"] != "fulfilled" && one["status"] != "callback-failed");
        let done = listed(&data["requests"], |one| one["status"] == "fulfilled" || one["status"] == "callback-failed");
        if whole {
            at.requests.clear();
        }
        at.requests.retain(|id| !done.contains(id));
        put(&mut at.requests, pending);
        put(&mut at.subscriptions, listed(&data["subscriptions"], |one| !one["owner"].is_null()));
        Some(())
    }
}

/// Puts `fresh` before what is there, each once.
fn put(kept: &mut Vec<String>, fresh: Vec<String>) {
    kept.retain(|id| !fresh.contains(id));
    kept.splice(0..0, fresh);
    kept.truncate(MOST);
}

/// Keeps what a runbook saw. That it could not be kept costs a completion, and is nothing to trouble anybody with.
pub fn keep(folder: &Path, invocation: &Invocation, data: &Json) {
    let Invocation::VrfRunbook(args) = invocation else { return };
    let whole = args.request.is_none() && args.tx.is_none() && args.subscription.is_none() && args.alerts.is_empty();
    let mut seen = Seen::load(folder);
    if seen.take(data, whole).is_none() {
        return;
    }
    let written = private_folder(folder).and_then(|()| replace(&file(folder), &serde_json::to_vec(&seen)?));
    if let Err(error) = written {
        tracing::debug!(folder = %folder.display(), %error, "what was seen could not be kept");
    }
}

#[cfg(test)]
mod tests {
    use ira_commands::vrf_runbook::Args;
    use serde_json::json;

    use super::*;

    fn report(requests: &[(&str, &str)]) -> Json {
        let requests: Vec<Json> = requests.iter().map(|(id, status)| json!({ "id": id, "status": status })).collect();
        json!({
            "network": { "name": "bed" },
            "coordinator": { "address": "0xAb00000000000000000000000000000000000001" },
            "subscriptions": [{ "id": "8831", "owner": "0x01" }, { "id": "9", "owner": null }],
            "requests": requests,
        })
    }

    #[test]
    fn what_is_pending_is_kept_privately_and_what_is_done_is_forgotten() {
        let folder = tempfile::tempdir().expect("a folder");
        let cache = folder.path().join("ira");
        let all = Invocation::VrfRunbook(Args::default());
        let one = Invocation::VrfRunbook(Args { request: Some("1".to_owned()), ..Args::default() });
        keep(&cache, &all, &report(&[("1", "pending"), ("2", "expired"), ("3", "fulfilled")]));
        let ids = |of, network, at| -> Vec<String> {
            Seen::load(&cache).ids(of, network, at).into_iter().map(str::to_owned).collect()
        };
        assert_eq!(ids(Of::Requests, Some("bed"), None), ["1", "2"]);
        assert_eq!(ids(Of::Subscriptions, None, Some("0xab00000000000000000000000000000000000001")), ["8831"]);
        assert_eq!(ids(Of::Requests, Some("base-mainnet"), None), [""; 0]);
        assert_eq!(ids(Of::Coordinators, Some("bed"), None).len(), 1);
        keep(&cache, &one, &report(&[("1", "fulfilled")]));
        assert_eq!(ids(Of::Requests, None, None), ["2"], "a report of one request says nothing of the others");
        keep(&cache, &all, &report(&[("4", "pending")]));
        assert_eq!(ids(Of::Requests, None, None), ["4"], "one of all of them does");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let mode = std::fs::metadata(file(&cache)).expect("kept").permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
    }

    #[test]
    fn a_file_that_is_no_such_thing_is_nothing_seen_and_is_replaced() {
        let folder = tempfile::tempdir().expect("a folder");
        for text in ["", "[]", "{\"bed\":1}", "\u{1}"] {
            std::fs::write(file(folder.path()), text).expect("written");
            assert_eq!(Seen::load(folder.path()), Seen::default(), "{text}");
        }
        keep(folder.path(), &Invocation::VrfRunbook(Args::default()), &report(&[("7", "pending")]));
        assert_eq!(Seen::load(folder.path()).ids(Of::Requests, None, None), ["7"]);
    }
}
