//! Expressions. They decide; nothing else in a playbook does.
//!
//! CEL has no budget of its own while it is evaluated, so everything that could make it slow is refused when it is
//! compiled ([`fence`]), for inputs that are capped when they are bound ([`bind`]). What it may look at, and whether its
//! types fit, depends on the playbook and is checked there ([`kinds`]).

mod bind;
mod fence;
mod kinds;
#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};

use ::cel::{Context, Env, Program, Value};

use super::place::Place;
use super::scope::Scope;
use crate::text::excerpt;

pub(super) use kinds::{Kind, Roots, check};

/// Longest expression, bytes.
const LONGEST: usize = 2 << 10;

/// The functions of CEL's standard library, without optional values.
static ENV: LazyLock<Arc<Env>> = LazyLock::new(|| Arc::new(Env::stdlib().with_optional_support(false)));

/// An expression, compiled once. Two are equal where their texts are.
#[derive(Clone)]
pub struct Cel {
    text: String,
    at: Place,
    inner: Arc<Inner>,
}

struct Inner {
    program: Program,
    /// What it looks at, as paths from a root.
    paths: Vec<Vec<String>>,
    cost: u64,
}

/// What an expression said. Who asks goes by `holds`: an error is no match, denies, and is not verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// Whether it is true.
    pub holds: bool,
    /// Why it could not be said; to be seen by somebody.
    pub fault: Option<String>,
}

impl Cel {
    /// Compiles `text`, which stands at `at`. The error says what is wrong with it, or why it could take too long.
    pub fn compile(text: &str, at: Place) -> Result<Self, String> {
        if text.len() > LONGEST {
            return Err(format!("the expression has {} bytes, and at most {LONGEST} are taken", text.len()));
        }
        fence::before(text)?;
        let program = ENV.compile(text).map_err(|errors| {
            let said = errors.errors.first().map(|error| error.msg.clone()).unwrap_or_default();
            format!("this is no expression: {}", excerpt(&said, 160))
        })?;
        let fence::Fenced { paths, cost } = fence::after(program.expression())?;
        Ok(Self { text: text.to_owned(), at, inner: Arc::new(Inner { program, paths, cost }) })
    }

    /// As written.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Where it stands.
    pub fn at(&self) -> Place {
        self.at
    }

    /// The most work that it can be, whatever it is given: nodes evaluated, more or less.
    pub fn cost(&self) -> u64 {
        self.inner.cost
    }

    /// The names of the queries that it asks.
    pub fn queries(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.below("q").collect();
        names.sort_unstable();
        names.dedup();
        names
    }

    /// The names directly below a root.
    pub(super) fn below<'a>(&'a self, root: &'a str) -> impl Iterator<Item = &'a str> {
        let below = self.inner.paths.iter().filter(move |path| path[0] == root);
        below.filter_map(|path| path.get(1)).map(String::as_str)
    }

    /// What it looks at, as paths from a root.
    pub(super) fn paths(&self) -> &[Vec<String>] {
        &self.inner.paths
    }

    /// Whether it is true. An error is cleaned and short: it may quote what came from outside.
    pub fn holds(&self, scope: &Scope) -> Result<bool, String> {
        match self.evaluate(scope)? {
            Value::Bool(truth) => Ok(truth),
            other => Err(format!("`{}` is {}, neither true nor false", excerpt(&self.text, 60), kind(&other))),
        }
    }

    /// The same with the error as a part of the answer.
    pub fn judge(&self, scope: &Scope) -> Judged {
        match self.holds(scope) {
            Ok(holds) => Judged { holds, fault: None },
            Err(fault) => Judged { holds: false, fault: Some(fault) },
        }
    }

    fn evaluate(&self, scope: &Scope) -> Result<Value, String> {
        let shown = excerpt(&self.text, 60);
        let mut context = Context::with_env(Arc::clone(&ENV));
        for (name, value) in bind::variables(&self.inner.paths, scope).map_err(|why| format!("`{shown}`: {why}"))? {
            context.add_variable_from_value(name, value);
        }
        let value = self.inner.program.execute(&context);
        value.map_err(|error| format!("`{shown}`: {}", excerpt(&error.to_string(), 160)))
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::String(_) => "a text",
        Value::Int(_) | Value::UInt(_) | Value::Float(_) => "a number",
        Value::List(_) => "a list",
        Value::Map(_) => "a map",
        Value::Null => "nothing",
        _ => "something",
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
