//! The events of a run: gapless, each linked to the one before by its hash. What a run and its steps are is what folding
//! its events gives; the columns beside them are a cache, written in the same transaction.

use std::collections::BTreeMap;

use ira_commands::Effect;
use ira_commands::units::digits;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::model::{AttemptId, RunId};
use super::words::{Guard, RunState, StepState};

/// What happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", tag = "kind", content = "body")]
pub enum What {
    /// The run exists; `queued`.
    Admitted {
        /// What it is called.
        title: String,
        /// The playbook's revision.
        #[serde(skip_serializing_if = "Option::is_none", default)]
        revision: Option<String>,
    },
    /// A worker took it.
    Claimed {
        /// Which.
        worker: String,
        /// The fence from now on.
        fence: u64,
        /// The state from now on.
        state: RunState,
    },
    /// It stands elsewhere now.
    Moved {
        /// Where.
        state: RunState,
        /// Why, in a few words; may be empty.
        why: String,
    },
    /// What is to be done is known.
    Planned {
        /// The hash of it.
        plan_hash: String,
    },
    /// An attempt is about to be made.
    Began {
        /// Its number.
        attempt_id: AttemptId,
        /// Of which step.
        path: String,
        /// The how-manieth.
        attempt: u32,
        /// How it may be repeated.
        effect: Effect,
        /// Whether it is the run's first write.
        first_write: bool,
    },
    /// Something more is about to be done under an attempt.
    Added {
        /// Its number.
        attempt_id: AttemptId,
    },
    /// It is known, or known to be unknown, what came of an attempt.
    Ended {
        /// Its number.
        attempt_id: AttemptId,
        /// How it stands.
        state: StepState,
        /// By what it is known.
        by: By,
    },
    /// The time that the phase was given is over, or the run gave up: a person is woken, nothing more is begun.
    Escalated {
        /// Why.
        why: String,
    },
    /// A guard denied, and a person said to go on.
    Overridden {
        /// Which.
        guard: Guard,
        /// Of what.
        key: String,
        /// Why.
        reason: String,
    },
    /// A person is asked.
    Asked {
        /// About which plan.
        plan_hash: String,
        /// Until when.
        expires_at: u64,
    },
    /// A person answered.
    Decided {
        /// About which plan.
        plan_hash: String,
        /// What.
        yes: bool,
    },
    /// A person cancelled it.
    CancelAsked,
    /// It is over.
    Finished {
        /// How.
        state: RunState,
        /// The last word.
        note: String,
    },
    /// A person took it up again.
    Reopened,
    /// Something worth keeping that changes no state.
    Noted {
        /// What sort: `progress`, `probe`, `denied` …
        sort: String,
        /// The matter.
        matter: Json,
    },
}

/// By what it is known how an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum By {
    /// The worker that did it.
    Worker,
    /// A result that came after its worker had lost the run.
    Late,
    /// The step's probe.
    Probe,
    /// A person.
    Human,
    /// A later attempt under the same effect key took its place.
    Superseded,
}

/// One event.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Of which run.
    pub run: RunId,
    /// From 1, without a gap.
    pub seq: u64,
    /// When, unix milliseconds.
    pub at: u64,
    /// Who: a worker, a user.
    pub actor: String,
    /// What.
    #[serde(flatten)]
    pub what: What,
    /// The hash of the event before; empty for the first.
    pub prev_hash: String,
}

impl Event {
    /// The SHA-256 of everything in it, in hex: what the next one is linked to.
    pub fn hash(&self) -> String {
        hash(self.run, self.seq, self.at, &self.actor, &self.text(), &self.prev_hash)
    }

    /// Kind and body as they are stored.
    pub fn text(&self) -> String {
        serde_json::to_string(&self.what).unwrap_or_default()
    }
}

/// The hash of an event whose kind and body are `text`.
pub(super) fn hash(run: RunId, seq: u64, at: u64, actor: &str, text: &str, prev_hash: &str) -> String {
    let mut hash = Sha256::new();
    for part in [&run.0.to_be_bytes()[..], &seq.to_be_bytes(), &at.to_be_bytes()] {
        hash.update(part);
    }
    for part in [actor, text, prev_hash] {
        // Lengths keep the parts apart.
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    digits(&hash.finalize())
}

/// Checks that events are gapless from the first on and linked; an error names the first that is not.
pub fn check(events: &[Event]) -> Result<(), String> {
    let mut prev = String::new();
    for (index, event) in events.iter().enumerate() {
        if event.seq != index as u64 + 1 {
            return Err(format!("event {} stands where {} belongs", event.seq, index + 1));
        }
        if event.prev_hash != prev {
            return Err(format!("event {} is not linked to the one before it", event.seq));
        }
        prev = event.hash();
    }
    Ok(())
}

/// What a run's events make of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Folded {
    /// Where it stands.
    pub state: RunState,
    /// The fence.
    pub fence: u64,
    /// Whether it was handed to a person.
    pub no_more_writes: bool,
    /// Where each attempt stands.
    pub attempts: BTreeMap<AttemptId, StepState>,
}

/// Folds the events of one run, oldest first.
pub fn fold<'a>(events: impl IntoIterator<Item = &'a Event>) -> Folded {
    let mut folded = Folded::default();
    for event in events {
        match &event.what {
            What::Admitted { .. } => folded.state = RunState::Queued,
            What::Claimed { fence, state, .. } => {
                folded.fence = *fence;
                folded.state = *state;
            }
            What::Moved { state, .. } | What::Finished { state, .. } => folded.state = *state,
            What::Began { attempt_id, .. } => {
                folded.attempts.insert(*attempt_id, StepState::Started);
            }
            What::Ended { attempt_id, state, .. } => {
                folded.attempts.insert(*attempt_id, *state);
            }
            What::Escalated { .. } => folded.no_more_writes = true,
            What::Reopened => {
                folded.state = RunState::Queued;
                folded.no_more_writes = false;
            }
            What::Planned { .. }
            | What::Added { .. }
            | What::Overridden { .. }
            | What::Asked { .. }
            | What::Decided { .. }
            | What::CancelAsked
            | What::Noted { .. } => {}
        }
    }
    folded
}
