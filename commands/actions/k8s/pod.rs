//! How a pod stands, in the words that its users know from the command line.

use serde_json::{Value as Json, json};

use super::object::{condition, controller, items, name, number, text, uid};
use crate::context::Context;
use crate::report::{Cell, Status, Table};
use crate::text::excerpt;
use crate::{date, units};

/// A pod, as far as triage needs it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Pod {
    /// Its name.
    pub name: String,
    /// Its uid: another pod of that name has another.
    pub uid: String,
    /// Where it runs; empty where it has no node yet.
    pub node: String,
    /// `Running`, `CrashLoopBackOff`, `ImagePullBackOff`, `Pending`, `Terminating` …
    pub state: String,
    /// Whether it serves.
    pub ready: bool,
    /// Whether it ended well and is not to serve.
    pub ended: bool,
    /// How often its containers were started again.
    pub restarts: i64,
    /// Why its containers ended last (`OOMKilled`, `Error`), and with which exit code.
    pub last: Option<(String, i64)>,
    /// When it was made, unix seconds.
    pub since: Option<u64>,
    /// Whether a controller makes another one in its place.
    pub controlled: Option<String>,
}

impl Pod {
    pub(super) fn of(pod: &Json) -> Self {
        let statuses =
            || ["/status/initContainerStatuses", "/status/containerStatuses"].into_iter().flat_map(|at| items(pod, at));
        let phase = text(pod, "/status/phase");
        let waiting = statuses().map(|one| text(one, "/state/waiting/reason"));
        let reason = waiting.chain(statuses().map(|one| text(one, "/state/terminated/reason")));
        let reason =
            reason.into_iter().find(|reason| !reason.is_empty() && !matches!(*reason, "Completed" | "PodInitializing"));
        let going = !text(pod, "/metadata/deletionTimestamp").is_empty();
        let evicted = text(pod, "/status/reason");
        let state = match (going, reason) {
            (true, _) => "Terminating",
            (_, Some(reason)) => reason,
            (_, None) if !evicted.is_empty() => evicted,
            _ => phase,
        };
        let ended = statuses().filter_map(|one| {
            let last = one.pointer("/lastState/terminated").or_else(|| one.pointer("/state/terminated"))?;
            Some((excerpt(text(last, "/reason"), 60), number(last, "/exitCode")))
        });
        Self {
            name: excerpt(name(pod), 253),
            uid: excerpt(uid(pod), 64),
            node: excerpt(text(pod, "/spec/nodeName"), 253),
            state: excerpt(state, 60),
            ready: !going && condition(pod, "Ready").is_some_and(|(status, _)| status == "True"),
            ended: phase == "Succeeded",
            restarts: statuses().map(|one| number(one, "/restartCount")).sum(),
            last: ended.last(),
            since: date::moment(text(pod, "/metadata/creationTimestamp")),
            controlled: controller(pod)
                .map(|(kind, name, _)| format!("{}/{}", kind.to_lowercase(), excerpt(name, 253))),
        }
    }

    /// How bad that is.
    pub(super) fn level(&self) -> Status {
        match (self.ready || self.ended, self.state.as_str()) {
            (true, _) => Status::Ok,
            (_, "Terminating" | "Pending" | "ContainerCreating" | "Running") => Status::Warn,
            _ => Status::Critical,
        }
    }

    /// `CrashLoopBackOff, 7 restarts, last OOMKilled (137)`.
    pub(super) fn words(&self) -> String {
        let mut words = vec![self.state.clone()];
        if !self.ready && self.state == "Running" {
            words.push("not ready".to_owned());
        }
        match self.restarts {
            0 => {}
            1 => words.push("1 restart".to_owned()),
            many => words.push(format!("{many} restarts")),
        }
        words.extend(self.last.as_ref().map(|(reason, exit)| format!("last {reason} ({exit})")));
        words.join(", ")
    }

    /// For a program.
    pub(super) fn json(&self) -> Json {
        json!({
            "name": self.name,
            "uid": self.uid,
            "node": self.node,
            "state": self.state,
            "ready": self.ready,
            "restarts": self.restarts,
            "last_reason": self.last.as_ref().map(|(reason, _)| reason),
            "last_exit": self.last.as_ref().map(|(_, exit)| exit),
            "controller": self.controlled,
        })
    }
}

/// Pods as a table: those that are not well first.
pub(super) fn table(context: &Context, pods: &[Pod]) -> Table {
    let mut sorted: Vec<&Pod> = pods.iter().collect();
    sorted.sort_by_key(|pod| (std::cmp::Reverse(pod.level()), std::cmp::Reverse(pod.restarts), pod.name.clone()));
    let row = |pod: &&Pod| {
        let last = pod.last.as_ref().map(|(reason, exit)| format!("{reason} ({exit})")).unwrap_or_default();
        let age = pod.since.map(|since| units::duration(context.now().saturating_sub(since))).unwrap_or_default();
        vec![
            Cell::from(pod.name.as_str()),
            Cell::from(pod.state.as_str()).coloured(pod.level()),
            Cell::from(if pod.ready { "yes" } else { "no" }),
            Cell::from(pod.restarts.to_string()),
            Cell::from(last),
            Cell::from(pod.node.as_str()),
            Cell::from(age),
        ]
    };
    Table {
        columns: vec!["pod", "state", "ready", "restarts", "ended last by", "node", "age"],
        rows: sorted.iter().map(row).collect(),
        ..Table::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_that_crashes_says_so_and_by_what_it_ended() {
        let pod = Pod::of(&json!({
            "metadata": { "name": "web-1", "uid": "u1", "creationTimestamp": "2026-01-01T00:00:00Z",
                "ownerReferences": [{ "kind": "ReplicaSet", "name": "web-7d", "uid": "r", "controller": true }] },
            "spec": { "nodeName": "n1" },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "False" }],
                "containerStatuses": [{ "restartCount": 7, "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                    "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } } }] },
        }));
        assert_eq!(pod.words(), "CrashLoopBackOff, 7 restarts, last OOMKilled (137)");
        assert_eq!(pod.level(), Status::Critical);
        assert_eq!(pod.controlled.as_deref(), Some("replicaset/web-7d"));
    }

    #[test]
    fn one_that_is_being_deleted_does_not_serve_whatever_its_conditions_say() {
        let pod = Pod::of(&json!({
            "metadata": { "name": "web-1", "deletionTimestamp": "2026-01-01T00:00:00Z" },
            "status": { "phase": "Running", "conditions": [{ "type": "Ready", "status": "True" }] },
        }));
        assert_eq!((pod.ready, pod.state.as_str()), (false, "Terminating"));
    }

    #[test]
    fn a_job_that_succeeded_is_well() {
        let pod = Pod::of(&json!({ "status": { "phase": "Succeeded",
            "containerStatuses": [{ "state": { "terminated": { "reason": "Completed", "exitCode": 0 } } }] } }));
        assert_eq!((pod.level(), pod.state.as_str()), (Status::Ok, "Succeeded"));
    }
}
