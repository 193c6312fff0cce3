//! States and kinds, each with the one word that is stored, serialised and shown.

use serde::{Deserialize, Serialize};

/// An enum whose values are words.
macro_rules! words {
    ($(#[$about:meta])* $name:ident { $($(#[$doc:meta])* $value:expr => $word:literal,)+ }) => {
        impl $name {
            /// Every value, with its word.
            pub const WORDS: &'static [(Self, &'static str)] = &[$(($value, $word)),+];

            /// The word that is stored and shown.
            pub fn word(self) -> &'static str {
                Self::WORDS.iter().find(|(value, _)| *value == self).map_or("", |(_, word)| word)
            }

            /// The value of a word.
            pub fn of_word(word: &str) -> Option<Self> {
                Self::WORDS.iter().find(|(_, known)| *known == word).map(|(value, _)| *value)
            }
        }

        impl TryFrom<String> for $name {
            type Error = String;

            fn try_from(word: String) -> Result<Self, String> {
                Self::of_word(&word).ok_or_else(|| format!("{word:?} is no {}", stringify!($name)))
            }
        }

        impl From<$name> for String {
            fn from(value: $name) -> Self {
                value.word().to_owned()
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str(self.word())
            }
        }
    };
}

/// The phases of a run, in their order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Phase {
    /// The plan is read, shown and agreed to.
    #[default]
    Approve,
    /// The steps.
    Act,
    /// Whether it helped.
    Verify,
    /// Whether it stays so.
    Hold,
}

words! { Phase {
    Self::Approve => "approve", Self::Act => "act", Self::Verify => "verify", Self::Hold => "hold",
} }

/// What a run waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Wait {
    /// Its `wake_at`.
    Timer,
    /// A person's yes or no.
    Approval,
    /// A lock of another run.
    Lock,
    /// A bucket, budget or cooldown.
    Limit,
    /// The thaw.
    Freeze,
}

words! { Wait {
    Self::Timer => "timer", Self::Approval => "approval", Self::Lock => "lock", Self::Limit => "limit",
    Self::Freeze => "freeze",
} }

/// Where a run stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum RunState {
    /// Admitted, and taken by nobody yet.
    #[default]
    Queued,
    /// A worker is at it, or was when it died.
    Running(Phase),
    /// Nothing is to be done before something else happens.
    Waiting(Wait),
    /// Only a person can go on: an attempt is unknown, or a plan is in doubt. Has a page. Not terminal.
    NeedsHuman,
    /// Verified. Terminal.
    Succeeded,
    /// It did not help, or could not be done, and nobody has to be told more. Terminal.
    Failed,
    /// Taken back before it did anything, or undone on request. Terminal.
    Cancelled,
    /// A person owns it now. Terminal.
    Escalated,
}

words! { RunState {
    Self::Queued => "queued",
    Self::Running(Phase::Approve) => "running:approve", Self::Running(Phase::Act) => "running:act",
    Self::Running(Phase::Verify) => "running:verify", Self::Running(Phase::Hold) => "running:hold",
    Self::Waiting(Wait::Timer) => "waiting:timer", Self::Waiting(Wait::Approval) => "waiting:approval",
    Self::Waiting(Wait::Lock) => "waiting:lock", Self::Waiting(Wait::Limit) => "waiting:limit",
    Self::Waiting(Wait::Freeze) => "waiting:freeze",
    Self::NeedsHuman => "needs_human", Self::Succeeded => "succeeded", Self::Failed => "failed",
    Self::Cancelled => "cancelled", Self::Escalated => "escalated",
} }

impl RunState {
    /// Whether nothing more happens to it by itself.
    pub fn terminal(self) -> bool {
        matches!(self, Self::Succeeded | Self::Failed | Self::Cancelled | Self::Escalated)
    }
}

/// What is known of the effect of a failed attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Trace {
    /// It provably had none: refused before anything was done.
    Nothing,
    /// It had some, or may have had.
    Something,
}

words! { Trace { Self::Nothing => "none", Self::Something => "some", } }

/// Where an attempt stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum StepState {
    /// Nothing was begun. Never stored: a path without an attempt.
    Pending,
    /// Written down before its effect; no result yet.
    Started,
    /// It happened.
    Done,
    /// It failed, leaving this.
    Failed(Trace),
    /// It may have happened. Never retried before a probe or a person decides.
    Unknown,
}

words! { StepState {
    Self::Pending => "pending", Self::Started => "started", Self::Done => "done",
    Self::Failed(Trace::Nothing) => "failed:none", Self::Failed(Trace::Something) => "failed:some",
    Self::Unknown => "unknown",
} }

impl StepState {
    /// Whether it is not known yet what came of it: its run's locks are not released before.
    pub fn is_open(self) -> bool {
        matches!(self, Self::Started | Self::Unknown)
    }
}

/// What can deny a write, or a verb of a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Guard {
    /// Another run acts on the same thing.
    Lock,
    /// The same thing was acted on a short while ago.
    Cooldown,
    /// Too many runs in the window.
    Bucket,
    /// Too much spent or touched in the window.
    Budget,
    /// It was done too often for the same key: a person has to look.
    Recurrence,
    /// It failed too often.
    Breaker,
    /// `ira freeze`.
    Freeze,
    /// A maintenance window.
    Maintenance,
    /// Too many alerts at once.
    Storm,
    /// Another worker has taken the run since.
    Fence,
    /// The lease has run out, or somebody else holds it.
    Lease,
    /// The plan is not the one that was agreed to.
    Plan,
    /// Nobody agreed, or the yes has expired.
    Approval,
    /// The run was handed to a person.
    Escalated,
    /// A person cancelled it.
    Cancelled,
    /// An earlier attempt at the same path forbids this one.
    Attempt,
    /// The run or the page is in a state in which this cannot be asked.
    State,
    /// What the playbook requires is not so, or cannot be told.
    Require,
    /// Too few are healthy.
    MinHealthy,
    /// Whether the alert still fires cannot be told.
    Firing,
    /// A playbook does not go on by itself any more: what it did last did not help. Denies nothing.
    Demoted,
}

words! { Guard {
    Self::Lock => "lock", Self::Cooldown => "cooldown", Self::Bucket => "bucket", Self::Budget => "budget",
    Self::Recurrence => "recurrence", Self::Breaker => "breaker", Self::Freeze => "freeze",
    Self::Maintenance => "maintenance", Self::Storm => "storm", Self::Fence => "fence", Self::Lease => "lease",
    Self::Plan => "plan", Self::Approval => "approval", Self::Escalated => "escalated",
    Self::Cancelled => "cancelled", Self::Attempt => "attempt", Self::State => "state", Self::Require => "require",
    Self::MinHealthy => "min_healthy", Self::Firing => "firing", Self::Demoted => "demoted",
} }

/// What an outbox row asks of its sender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum Mail {
    /// Wake somebody.
    Trigger,
    /// Say more about it; wakes nobody.
    Note,
    /// It is over.
    Resolve,
}

words! { Mail { Self::Trigger => "trigger", Self::Note => "note", Self::Resolve => "resolve", } }

/// Where an outbox row stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum MailState {
    /// Written, and due only when its run's `escalate_by` passes or the run escalates.
    Armed,
    /// To be sent. Left only for `Accepted`, or, by a note, for `Moot`.
    Pending,
    /// The provider took it.
    Accepted,
    /// A note whose incident does not exist.
    Moot,
    /// Never due: its runs ended well.
    Disarmed,
    /// A trigger that was accepted, and whose resolve was too: the key may be triggered anew.
    Closed,
}

words! { MailState {
    Self::Armed => "armed", Self::Pending => "pending", Self::Accepted => "accepted", Self::Moot => "moot",
    Self::Disarmed => "disarmed", Self::Closed => "closed",
} }

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_word_is_read_back() {
        for (state, word) in RunState::WORDS {
            assert_eq!((RunState::of_word(word), state.word()), (Some(*state), *word));
        }
        for (guard, word) in Guard::WORDS {
            assert_eq!((Guard::of_word(word), guard.word()), (Some(*guard), *word));
        }
        assert!(serde_json::from_str::<StepState>("\"failed\"").is_err());
        assert_eq!(serde_json::to_string(&StepState::Failed(Trace::Nothing)).expect("a word"), "\"failed:none\"");
    }
}
