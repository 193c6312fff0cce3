//! Expressions. They decide; nothing else in a playbook does.

use std::sync::Arc;

use ::cel::Program;

use super::place::Place;

/// An expression, compiled once. Two are equal where their texts are.
#[derive(Clone)]
pub struct Cel {
    text: String,
    at: Place,
    program: Arc<Program>,
}

impl Cel {
    /// Compiles `text`, which stands at `at`. The error says what is wrong with it.
    pub fn compile(text: &str, at: Place) -> Result<Self, String> {
        let program = Program::compile(text).map_err(|errors| errors.to_string())?;
        Ok(Self { text: text.to_owned(), at, program: Arc::new(program) })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands.
    pub fn at(&self) -> Place {
        self.at
    }

    /// The compiled form.
    pub(super) fn program(&self) -> &Program {
        &self.program
    }
}

impl PartialEq for Cel {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl std::fmt::Debug for Cel {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Cel({:?})", self.text)
    }
}
