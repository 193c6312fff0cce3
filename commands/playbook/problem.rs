//! What is wrong with a playbook, and where.

use std::fmt::Write as _;

use super::place::Place;
use crate::text::{excerpt, nearest};

/// Problems beyond this many are counted, not listed.
pub(super) const MOST: usize = 100;

/// Something wrong with a playbook.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Problem {
    /// The line, from 1.
    pub line: usize,
    /// The character in it, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// The line itself, cut; `None` where it may hold a secret.
    pub excerpt: Option<String>,
}

/// The longest message, characters: it may quote what a file is full of …
const MESSAGE: usize = 480;
/// … and the longest hint, which may list what there is.
const HINT: usize = 1000;

fn cut(text: String, most: usize) -> String {
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

impl Problem {
    pub(super) fn new(at: Place, message: impl Into<String>) -> Self {
        let message = cut(message.into(), MESSAGE);
        Self { line: at.line.max(1), column: at.column.max(1), message, hint: None, excerpt: None }
    }

    #[must_use]
    pub(super) fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(cut(hint.into(), HINT));
        self
    }

    /// The nearest of the known words, else the first few of them.
    #[must_use]
    pub(super) fn meant<'a>(self, word: &str, known: impl IntoIterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.into_iter().collect();
        match nearest(word, known.iter().copied()) {
            Some(near) => self.hint(format!("did you mean `{near}`?")),
            None if known.is_empty() => self,
            None => self.hint(format!("one of: {}", known.join(", "))),
        }
    }

    /// `file:line:column: message`, the line it is about, and the hint, as a person reads them.
    pub fn render(&self, file: &str) -> String {
        let mut out = format!("{file}:{}:{}: {}", self.line, self.column, self.message);
        if let Some(line) = &self.excerpt {
            let _ = write!(out, "\n  {:>4} | {line}", self.line);
        }
        if let Some(hint) = &self.hint {
            let _ = write!(out, "\n  hint: {hint}");
        }
        out
    }
}

/// The problems in the order of the file, each once, with the lines they are about, cut to a number that can be read.
pub(super) fn settle(mut problems: Vec<Problem>, text: &str) -> Vec<Problem> {
    problems.sort_by_key(|problem| (problem.line, problem.column));
    problems.dedup();
    let more = problems.len().saturating_sub(MOST);
    problems.truncate(MOST);
    let lines: Vec<&str> = text.lines().collect();
    for problem in &mut problems {
        problem.excerpt =
            lines.get(problem.line - 1).filter(|line| !may_be_secret(line)).map(|line| excerpt(line, 100));
    }
    if let Some(last) = problems.last().cloned().filter(|_| more > 0) {
        let at = Place { line: last.line, column: last.column };
        problems.push(Problem::new(at, format!("and {more} more problems behind this one")));
    }
    problems
}

/// Whether a line could show something that ought not to be shown: a reference to a secret stands where none belongs,
/// so the secret itself may as well.
fn may_be_secret(line: &str) -> bool {
    let line = line.to_ascii_lowercase();
    ["token", "password", "secret", "authorization", "api_key", "apikey", "routing_key", "://"]
        .iter()
        .any(|word| line.contains(word))
}
