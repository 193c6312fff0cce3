//! How far the rollout of a workload is.

use serde_json::{Value as Json, json};

use super::object::{condition, generation, number, text};
use crate::actions::Verified;
use crate::actions::looks::Looks;
use crate::context::Context;
use crate::fault::Fault;
use crate::ports::cluster::{ObjectKind, ObjectName};
use crate::report::Status;
use crate::text::excerpt;
use crate::units;

/// A rollout.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rollout {
    /// How many pods there are to be.
    pub wanted: i64,
    /// How many are of the newest revision.
    pub updated: i64,
    /// How many are ready.
    pub ready: i64,
    /// How many are available.
    pub available: i64,
    /// Whether it is through.
    pub complete: bool,
    /// Why it goes no further, where the API says so.
    pub stuck: Option<String>,
    /// What is missing, in words.
    pub words: String,
}

impl Rollout {
    pub(super) fn of(kind: ObjectKind, json: &Json) -> Self {
        let seen = number(json, "/status/observedGeneration") >= generation(json);
        let daemons = kind == ObjectKind::DaemonSet;
        let wanted = if daemons {
            number(json, "/status/desiredNumberScheduled")
        } else {
            json.pointer("/spec/replicas").and_then(Json::as_i64).unwrap_or(1)
        };
        let (updated, ready, available) = if daemons {
            (
                number(json, "/status/updatedNumberScheduled"),
                number(json, "/status/numberReady"),
                number(json, "/status/numberAvailable"),
            )
        } else {
            let ready = number(json, "/status/readyReplicas");
            let available =
                if kind == ObjectKind::StatefulSet { ready } else { number(json, "/status/availableReplicas") };
            (number(json, "/status/updatedReplicas"), ready, available)
        };
        // A stateful set counts as updated only while an update is under way.
        let through = kind == ObjectKind::StatefulSet
            && text(json, "/status/currentRevision") == text(json, "/status/updateRevision");
        let updated = if through { wanted } else { updated };
        let old = if daemons { 0 } else { (number(json, "/status/replicas") - updated).max(0) };
        let (words, complete) = if !seen {
            ("its controller has not looked at it yet".to_owned(), false)
        } else if updated < wanted {
            (format!("{updated} of {wanted} pods are of the newest revision"), false)
        } else if old > 0 {
            (format!("{old} pods of an older revision are still there"), false)
        } else if available < wanted {
            (format!("{available} of {wanted} pods are available"), false)
        } else {
            (format!("{available} of {wanted} pods are available, all of the newest revision"), true)
        };
        let late = condition(json, "Progressing").filter(|(_, reason)| *reason == "ProgressDeadlineExceeded");
        let failed = condition(json, "ReplicaFailure").filter(|(status, _)| *status == "True");
        let stuck = late.or(failed).map(|(_, reason)| excerpt(reason, 60)).filter(|_| seen && !complete);
        Self { wanted, updated, ready, available, complete, stuck, words }
    }

    pub(super) fn level(&self) -> Status {
        match (&self.stuck, self.complete) {
            (Some(_), _) => Status::Critical,
            (None, true) => Status::Ok,
            (None, false) if self.available == 0 && self.wanted > 0 => Status::Critical,
            (None, false) => Status::Warn,
        }
    }

    pub(super) fn json(&self) -> Json {
        json!({
            "wanted": self.wanted,
            "updated": self.updated,
            "ready": self.ready,
            "available": self.available,
            "complete": self.complete,
            "stuck": self.stuck,
        })
    }
}

/// Waits until a rollout is through, or the API says that it goes no further.
pub(super) async fn verify(context: &Context, object: &ObjectName, seconds: u64) -> Result<Verified, Fault> {
    let cluster = context.cluster()?;
    let mut looks = Looks::new(context, seconds);
    let mut last = "nothing could be read".to_owned();
    loop {
        match cluster.get(object).await {
            Err(fault) if looks.bears(&fault) => {}
            Err(fault) => return Err(fault),
            Ok(json) => {
                let now = Rollout::of(object.kind, &json);
                context.progress().stage(&format!("{object}: {}", now.words));
                if let Some(why) = now.stuck {
                    let proof = format!("{object}: {}; it goes no further ({why})", now.words);
                    return Ok(Verified { worked: false, proof });
                }
                if now.complete {
                    return Ok(Verified { worked: true, proof: format!("{object}: {}", now.words) });
                }
                last = now.words;
            }
        }
        if !looks.again().await {
            let proof = format!("{object} after {}: {last}", units::duration(seconds));
            return Ok(Verified { worked: false, proof });
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(status: Json) -> Rollout {
        let mut json = json!({ "metadata": { "generation": 3 }, "spec": { "replicas": 2 } });
        json["status"] = status;
        Rollout::of(ObjectKind::Deployment, &json)
    }

    #[test]
    fn a_rollout_is_through_only_when_the_controller_saw_it_and_no_old_pod_is_left() {
        let well = json!({ "observedGeneration": 3, "replicas": 2, "updatedReplicas": 2, "readyReplicas": 2, "availableReplicas": 2 });
        assert!(deployment(well.clone()).complete);
        for (field, value) in
            [("observedGeneration", 2), ("replicas", 3), ("updatedReplicas", 1), ("availableReplicas", 1)]
        {
            let mut not = well.clone();
            not[field] = json!(value);
            assert!(!deployment(not).complete, "{field}");
        }
    }

    #[test]
    fn one_whose_deadline_is_over_is_stuck() {
        let status = json!({ "observedGeneration": 3, "replicas": 3, "updatedReplicas": 1, "availableReplicas": 2,
            "conditions": [{ "type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded" }] });
        let rollout = deployment(status);
        assert_eq!((rollout.stuck.as_deref(), rollout.level()), (Some("ProgressDeadlineExceeded"), Status::Critical));
    }

    #[test]
    fn a_stateful_set_without_an_update_is_through() {
        let json = json!({ "metadata": { "generation": 1 }, "spec": { "replicas": 3 }, "status": { "observedGeneration": 1,
            "replicas": 3, "readyReplicas": 3, "currentRevision": "a", "updateRevision": "a" } });
        assert!(Rollout::of(ObjectKind::StatefulSet, &json).complete);
    }
}
