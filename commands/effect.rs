//! What a step may do to the world, and how it is taken back.

/// How a step may be repeated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// It changes nothing.
    Read,
    /// Safe to repeat under the same key.
    Idempotent,
    /// It may have happened once begun, and is never silently repeated.
    Once,
}

/// What a step reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Reach {
    /// It changes a system.
    Target,
    /// It tells somebody: a note, a page.
    Tell,
}

/// How what a step did is taken back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TakenBack {
    /// By an action of its own, which the plan names.
    Undo,
    /// There is nothing to take back.
    Transient,
    /// It cannot be: money, data.
    Irreversible,
}

impl TakenBack {
    /// The word that is shown and serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Undo => "can be undone",
            Self::Transient => "transient",
            Self::Irreversible => "irreversible",
        }
    }
}
