//! The neutral output document: a command fills it, a renderer shows it as table, markdown or JSON.

use serde::Serialize;
use serde_json::{Map, Value as Json};

/// How bad something is. The order is from best to worst; `Unknown` stands between `Info` and `Warn`
/// when findings are sorted for reading, because what could not be read may hide anything.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// Checked and well.
    Ok,
    /// Worth knowing.
    Info,
    /// It could not be read; the message says why.
    Unknown,
    /// Somebody should look.
    Warn,
    /// Somebody must act.
    Critical,
}

impl Status {
    /// The word that is shown and serialised.
    pub fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Info => "info",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Critical => "critical",
        }
    }
}

/// What to do about a finding, and who can.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Remedy {
    /// The action, as an imperative.
    pub action: String,
    /// Who is able to do it (`node operator`, `feed owner`, `anyone`).
    pub by: String,
}

/// The outcome of one check.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Finding {
    /// Stable kebab-case name of the check.
    pub check: &'static str,
    /// How bad it is.
    pub status: Status,
    /// One sentence with the numbers that prove it.
    pub message: String,
    /// The numbers, for machines.
    pub evidence: Map<String, Json>,
    /// What to do, where anything is to be done.
    pub remedy: Option<Remedy>,
}

/// A text that is shortened on a narrow screen and whole with `--wide`.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Cell {
    /// As shown in a table.
    pub text: String,
    /// The whole of it where `text` is shortened; markdown and `--wide` show this.
    pub full: Option<String>,
    /// Coloured by this, where set.
    pub status: Option<Status>,
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self { text, ..Self::default() }
    }
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

impl Cell {
    /// A text that has a longer form.
    pub fn shortened(text: impl Into<String>, full: impl Into<String>) -> Self {
        Self { text: text.into(), full: Some(full.into()), status: None }
    }

    /// The word of a status, in its colour.
    pub fn status(status: Status) -> Self {
        Self { text: status.word().to_owned(), full: None, status: Some(status) }
    }

    /// Colours it.
    #[must_use]
    pub fn coloured(mut self, status: Status) -> Self {
        self.status = Some(status);
        self
    }
}

/// Rows under a heading. Rows stand in the order in which they are to be read.
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct Table {
    /// The column headings.
    pub columns: Vec<&'static str>,
    /// The rows; each as long as `columns`.
    pub rows: Vec<Vec<Cell>>,
    /// Rows folded away without `--verbose`: healthy ones.
    pub folded: Vec<Vec<Cell>>,
    /// What the folded rows are, when they are not shown (`13 more oracles, all in the last round`).
    pub folded_note: String,
}

/// A label with what is known about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fact {
    /// What it is (`answer`).
    pub label: &'static str,
    /// Its value with units.
    pub value: Cell,
    /// What goes with it.
    pub note: String,
}

/// One thing reported about: a verdict, then the proof.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Section {
    /// How bad it is, as a whole.
    pub status: Status,
    /// The verdict, with the number that proves it.
    pub headline: String,
    /// What to do and who can; empty where nothing is to be done.
    pub advice: String,
    /// Facts, in order.
    pub facts: Vec<Fact>,
    /// Tables, in order.
    pub tables: Vec<Table>,
}

/// How a command that ran through ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// Nothing wrong was found (exit 0).
    Well,
    /// It ran, and found a problem (exit 4).
    Problem,
    /// Something that was asked about could not be read; the rest is in the report (exit 69).
    Unavailable,
}

impl Outcome {
    /// The process exit code.
    pub fn exit_code(self) -> u8 {
        match self {
            Self::Well => 0,
            Self::Problem => 4,
            Self::Unavailable => 69,
        }
    }
}

/// What a command found and did.
#[derive(Clone, Debug, PartialEq)]
pub struct Report {
    /// What is shown to a person.
    pub sections: Vec<Section>,
    /// The likely next commands, filled in.
    pub next: Vec<String>,
    /// The typed data of `--json`: the envelope's `data`.
    pub data: Json,
    /// What went wrong with parts of it: the envelope's `errors`.
    pub errors: Vec<crate::Fault>,
    /// What the reader should know that is no finding: the envelope's `warnings`.
    pub warnings: Vec<String>,
    /// How it ended.
    pub outcome: Outcome,
}
