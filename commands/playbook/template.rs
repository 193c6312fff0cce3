//! Arguments with variables in them. What a variable stands for is a value: it is never parsed again.

use serde_json::Value as Json;

use super::place::Place;

/// The action behind the short form of a query.
pub(super) const PROMETHEUS: &str = "prometheus.query";

/// The words of a name with dots, with its place (`alert.labels.cluster`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Path {
    /// As written.
    pub text: String,
    /// Where it stands.
    pub at: Place,
}

/// A value of the file in which `$name` may stand.
#[derive(Clone, Debug, PartialEq)]
pub enum Template {
    /// A value without a variable.
    Plain(Json, Place),
    /// A text with variables. One that is a single variable has that variable's type.
    Text(Vec<Piece>, Place),
    /// A list.
    List(Vec<Template>, Place),
    /// Names with values, in the order of the file.
    Map(Vec<Entry>, Place),
}

/// One entry of a map.
#[derive(Clone, Debug, PartialEq)]
pub struct Entry {
    /// Its name.
    pub name: String,
    /// Where the name stands.
    pub at: Place,
    /// Its value.
    pub value: Template,
}

/// A part of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Characters of the file.
    Literal(String),
    /// What stands for a value.
    Variable(Variable),
}

/// What stands for a value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Variable {
    /// `$key`: what the run is about.
    Key,
    /// `$item`: the one that a loop is at.
    Item,
    /// `$params.NAME`.
    Param(String),
    /// `$alert.labels.NAME`.
    Label(String),
    /// `$steps.ID.out.NAME`, of an output that the step declares.
    Output {
        /// The step.
        step: String,
        /// The output.
        name: String,
    },
}
