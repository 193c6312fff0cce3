//! What the store knows of a run: its alert, what it was asked with, and how far it came.

use std::collections::BTreeMap;

use ira_commands::alert::Alert;
use ira_commands::playbook::{Incoming, Mode, StepState, StepView};
use ira_commands::{Effect, Fault, Kind};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use super::outputs;
use super::plan::digest;
use crate::store::ask::{self, Override, Story};
use crate::store::event::{Event, What};
use crate::store::model::{Run, Step};
use crate::store::{Guard, StepState as Stands, Trace};

/// How far it goes, and with what: kept as the run's parameters.
pub(super) struct Asked {
    pub params: BTreeMap<String, Json>,
    pub rung: Mode,
    pub overrides: Vec<Override>,
    pub unattended: bool,
    /// What alert data may point a write at, by label, as it was when the run was made.
    pub targets: BTreeMap<String, Vec<String>>,
}

impl Asked {
    pub fn json(&self) -> Json {
        let word = |word: &Override| json!({ "guard": word.guard, "reason": word.reason, "actor": word.actor });
        json!({
            "params": self.params,
            "rung": self.rung,
            "overrides": self.overrides.iter().map(word).collect::<Vec<_>>(),
            "unattended": self.unattended,
            "targets": self.targets,
        })
    }

    pub fn of(run: &Run) -> Result<Self, Fault> {
        let broken = |what: &str| Fault::new(Kind::Failed, format!("run {} is written down without {what}", run.id));
        let read = |name: &str| run.params.get(name).cloned().unwrap_or_default();
        let word = |word: &Json| {
            Some(Override {
                guard: Guard::of_word(word["guard"].as_str()?)?,
                reason: word["reason"].as_str()?.to_owned(),
                actor: word["actor"].as_str()?.to_owned(),
            })
        };
        Ok(Self {
            params: serde_json::from_value(read("params")).map_err(|_| broken("its parameters"))?,
            rung: serde_json::from_value(read("rung")).map_err(|_| broken("how far it goes"))?,
            overrides: read("overrides").as_array().into_iter().flatten().filter_map(word).collect(),
            unattended: run.params["unattended"] == json!(true),
            targets: serde_json::from_value(read("targets")).unwrap_or_default(),
        })
    }
}

/// An alert as it is received: `delivery_id` is the sender's own; where it has none, one alert, beginning and status is one.
pub fn kept(alert: &Incoming, delivery_id: Option<String>, group_key: String) -> ask::Incoming {
    ask::Incoming {
        source: alert.source.clone(),
        delivery_id: delivery_id.unwrap_or_else(|| delivery(alert)),
        fingerprint: fingerprint(alert),
        group_key,
        payload: payload(alert, None),
        over: alert.alert.resolved,
    }
}

/// An alert as the inbox keeps it.
#[derive(Serialize)]
struct Payload<'a> {
    source: &'a str,
    starts_at: Option<u64>,
    alert: &'a Alert,
    #[serde(skip_serializing_if = "Option::is_none")]
    incident: Option<&'a str>,
}

/// The same, read.
#[derive(Deserialize)]
struct Read {
    #[serde(default)]
    source: String,
    #[serde(default)]
    starts_at: Option<u64>,
    alert: Alert,
}

/// An alert as the inbox keeps it, with the key of the incident that it comes from.
pub fn payload(alert: &Incoming, incident: Option<&str>) -> String {
    let whole = Payload { source: &alert.source, starts_at: alert.starts_at, alert: &alert.alert, incident };
    // Texts and a number: there is nothing in it that is no JSON.
    serde_json::to_string(&whole).unwrap_or_default()
}

/// An alert out of the inbox.
pub fn incoming(payload: &str) -> Result<Incoming, Fault> {
    let Read { source, starts_at, alert } = serde_json::from_str(payload)
        .map_err(|error| Fault::new(Kind::Failed, "the alert of a run cannot be read").because(error.to_string()))?;
    Ok(Incoming { source, alert, starts_at })
}

/// What is alerting: its sender and its labels.
pub fn fingerprint(alert: &Incoming) -> String {
    digest(&json!([alert.source, alert.alert.labels]).to_string())
}

/// The sender's id of an alert that has none.
fn delivery(alert: &Incoming) -> String {
    digest(&json!([fingerprint(alert), alert.starts_at, alert.status()]).to_string())
}

/// How far a run came.
pub(super) struct Past {
    pub run: Run,
    pub steps: Vec<Step>,
    notes: Vec<(String, Json)>,
}

impl Past {
    pub fn of(story: Story, events: &[Event]) -> Self {
        let note = |event: &Event| match &event.what {
            What::Noted { sort, matter } => Some((sort.clone(), matter.clone())),
            What::Reopened => Some(("reopened".to_owned(), Json::Null)),
            _ => None,
        };
        Self { run: story.run, steps: story.steps, notes: events.iter().filter_map(note).collect() }
    }

    /// The last note of a sort, since a person last took the run up where `fresh`.
    pub fn noted(&self, sort: &str, fresh: bool) -> Option<&Json> {
        let from = self.notes.iter().rposition(|(sort, _)| fresh && sort == "reopened").unwrap_or(0);
        self.notes[from..].iter().rfind(|(known, _)| known == sort).map(|(_, matter)| matter)
    }

    /// Every note of a sort, oldest first.
    pub fn all_noted(&self, sort: &str) -> Vec<&Json> {
        self.notes.iter().filter(|(known, _)| known == sort).map(|(_, matter)| matter).collect()
    }

    /// What a step came to that was written down as a whole.
    pub fn settled(&self, path: &str) -> Option<&Json> {
        let own = |(sort, matter): &&(String, Json)| sort == "step" && matter["path"] == path;
        self.notes.iter().rfind(own).map(|(_, matter)| matter)
    }

    /// How often a step was refused since a person last took the run up.
    pub fn tried(&self, path: &str) -> usize {
        let from = self.notes.iter().rposition(|(sort, _)| sort == "reopened").unwrap_or(0);
        self.notes[from..].iter().filter(|(sort, matter)| sort == "tried" && matter["path"] == path).count()
    }

    /// The attempts at a step and at what its command began below it, in order.
    pub fn attempts<'a>(&'a self, path: &'a str) -> impl Iterator<Item = &'a Step> {
        self.steps.iter().filter(move |step| {
            step.path.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        })
    }

    /// The last attempt at each path below a step.
    pub fn latest<'a>(&'a self, path: &'a str) -> Vec<&'a Step> {
        let mut last: BTreeMap<&str, &Step> = BTreeMap::new();
        for step in self.attempts(path) {
            last.insert(&step.path, step);
        }
        last.into_values().collect()
    }

    /// Whether anything was changed, or may have been.
    pub fn wrote(&self) -> bool {
        let changed =
            |step: &Step| step.effect != Effect::Read && !step.undo && step.state != Stands::Failed(Trace::Nothing);
        self.steps.iter().any(changed)
    }

    /// How a read went that was written down.
    pub fn read(&self, path: &str) -> Option<StepView> {
        let last = self.steps.iter().rfind(|step| step.path == path && step.effect == Effect::Read)?;
        match last.state {
            Stands::Done => {
                Some(StepView { state: StepState::Done, out: outputs::read(&last.exit, last.output_ref.as_deref()) })
            }
            _ => None,
        }
    }
}
