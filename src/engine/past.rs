//! What a run has done so far, as its record has it: all that is left of it after a crash.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::playbook::{Incoming, KeyPart, Playbook, StepState, StepView};
use ira_commands::units::hex;
use serde_json::{Value as Json, json};
use sha2::{Digest as _, Sha256};

use crate::store::event::{Event, What};
use crate::store::model::Step;
use crate::store::{Phase, RunState, StepState as Stored};

/// Longest answer of a step that is kept whole, bytes of JSON.
const LONGEST: usize = 64 << 10;

/// What a run has done so far.
#[derive(Clone, Debug, Default)]
pub(super) struct Past {
    /// Every attempt, in the order of beginning.
    pub attempts: Vec<Step>,
    /// Steps that are over.
    pub steps: BTreeMap<String, StepView>,
    /// What verify's queries said before the first write.
    pub before: BTreeMap<String, Json>,
    /// The plan that was agreed to.
    pub agreed: Option<String>,
    /// When verifying began, unix milliseconds.
    pub verify_since: Option<u64>,
    /// Since when it has been good.
    pub good_since: Option<u64>,
    /// Steps that were taken back.
    pub undone: Vec<String>,
}

/// The sorts of notes by which a run remembers.
pub(super) mod sort {
    /// A step is over: `{id, state, out}`.
    pub const STEP: &str = "step";
    /// What verify's queries said before the first write.
    pub const BEFORE: &str = "before";
    /// Who agreed to which plan.
    pub const AGREED: &str = "agreed";
    /// A look at whether it helped: `{good, values, fault}`.
    pub const LOOK: &str = "look";
    /// A step was taken back: `{id}`.
    pub const UNDONE: &str = "undone";
}

impl Past {
    /// Reads the record.
    pub fn of(attempts: Vec<Step>, events: &[Event]) -> Self {
        let mut past = Self { attempts, ..Self::default() };
        for event in events {
            match &event.what {
                What::Moved { state: RunState::Running(Phase::Verify), .. } => {
                    past.verify_since.get_or_insert(event.at);
                }
                What::Reopened => (past.verify_since, past.good_since) = (None, None),
                What::Noted { sort, matter } => past.noted(sort, matter, event.at),
                _ => {}
            }
        }
        let reads: Vec<(String, StepView)> = past
            .attempts
            .iter()
            .filter(|step| step.effect == ira_commands::Effect::Read && step.state == Stored::Done)
            .map(|step| (step.path.clone(), StepView { state: StepState::Done, out: step.exit["out"].clone() }))
            .collect();
        for (path, view) in reads {
            past.steps.entry(path).or_insert(view);
        }
        past
    }

    fn noted(&mut self, sort: &str, matter: &Json, at: u64) {
        let id = matter["id"].as_str().unwrap_or_default().to_owned();
        match sort {
            sort::STEP => {
                if let Ok(state) = serde_json::from_value(matter["state"].clone()) {
                    self.steps.insert(id, StepView { state, out: matter["out"].clone() });
                }
            }
            sort::BEFORE => self.before = serde_json::from_value(matter.clone()).unwrap_or_default(),
            sort::AGREED => self.agreed = matter["plan_hash"].as_str().map(str::to_owned),
            sort::LOOK if matter["good"] == true => {
                self.good_since.get_or_insert(at);
            }
            sort::LOOK => self.good_since = None,
            sort::UNDONE => self.undone.push(id),
            _ => {}
        }
    }

    /// The attempts at a step, its loop's and its command's inner ones among them.
    pub fn of_step<'a>(&'a self, id: &str) -> impl Iterator<Item = &'a Step> {
        let below = format!("{id}/");
        let id = id.to_owned();
        self.attempts.iter().filter(move |step| step.path == id || step.path.starts_with(&below))
    }
}

/// What a step answered, as it is kept: one that is too long for that is not.
pub(super) fn kept(out: &Json) -> Json {
    let length = out.to_string().len();
    if length <= LONGEST {
        out.clone()
    } else {
        json!({ "not_kept": format!("{length} bytes, at most {LONGEST} are") })
    }
}

/// An alert as the inbox keeps it.
pub(super) fn payload(alert: &Incoming) -> Json {
    json!({ "source": alert.source, "alert": alert.alert, "starts_at": alert.starts_at })
}

/// The same, read back.
pub(super) fn incoming(payload: &Json) -> Option<Incoming> {
    let alert: Alert = serde_json::from_value(payload.get("alert")?.clone()).ok()?;
    let source = payload["source"].as_str()?.to_owned();
    Some(Incoming { source, alert, starts_at: payload["starts_at"].as_u64() })
}

/// What tells that two alerts are the same: their source and labels.
pub(super) fn fingerprint(alert: &Incoming) -> String {
    let text = json!([alert.source, alert.alert.labels]).to_string();
    hex(&Sha256::digest(text.as_bytes()))[2..34].to_owned()
}

/// What a run is about: the parts of the key of the first kind of alert that the playbook is for and that has them all.
pub(super) fn key(playbook: &Playbook, alert: &Incoming) -> Option<Vec<KeyPart>> {
    let part = |path: &str| {
        let value = match path.split_once('.').map(|(_, rest)| rest.split_once('.')) {
            Some(Some(("labels", name))) => alert.alert.labels.get(name),
            Some(Some(("annotations", name))) => alert.alert.annotations.get(name),
            _ => None,
        };
        let value = value.filter(|value| !value.is_empty())?;
        Some(KeyPart { path: path.to_owned(), value: value.clone() })
    };
    let of_source = playbook.on.iter().filter(|on| on.source.text == alert.source);
    of_source.map(|on| on.key.iter().map(|path| part(&path.text)).collect::<Option<Vec<_>>>()).find_map(|key| key)
}
