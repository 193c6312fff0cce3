//! What is wrong with a configuration file, and where.

use ira_commands::{Fault, Kind};

use super::origin::ConfigFile;

/// A place in a file, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The character in it.
    pub column: usize,
}

impl Place {
    /// Of a byte offset into `text`.
    pub(super) fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset.min(text.len())).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self { line: before.matches('\n').count() + 1, column: before[line_start..].chars().count() + 1 }
    }
}

/// Something wrong with a configuration file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// The file.
    pub file: ConfigFile,
    /// Where in it; `None` for the file as a whole.
    pub place: Option<Place>,
    /// The line up to its `=`: what follows may be a secret.
    pub excerpt: Option<String>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Problem {
    /// `/path:12:3`.
    pub fn at(&self) -> String {
        let path = self.file.path.display();
        match self.place {
            Some(Place { line, column }) => format!("{path}:{line}:{column}"),
            None => path.to_string(),
        }
    }

    /// As it ends a command.
    pub fn fault(&self) -> Fault {
        let mut fault = Fault::new(Kind::Config, format!("{}: {}", self.at(), self.message));
        fault.causes.extend(self.excerpt.clone());
        fault.hint.clone_from(&self.hint);
        fault
    }
}

/// All of them in one fault, or none.
pub(super) fn together(problems: &[Problem]) -> Result<(), Fault> {
    match problems {
        [] => Ok(()),
        [only] => Err(only.fault()),
        [first, ..] => {
            let mut fault = Fault::new(Kind::Config, format!("the configuration has {} errors", problems.len()));
            for problem in problems {
                let hint = problem.hint.as_ref().map(|hint| format!(" ({hint})")).unwrap_or_default();
                fault.causes.push(format!("{}: {}{hint}", problem.at(), problem.message));
            }
            fault.hint = Some(first.hint.clone().unwrap_or_else(|| "`ira config check` lists them".to_owned()));
            Err(fault)
        }
    }
}

/// The start of the line at `place`, as far as it cannot hold a value.
pub(super) fn excerpt(text: &str, place: Place) -> Option<String> {
    let line = text.lines().nth(place.line - 1)?.trim();
    let harmless =
        |part: &str| part.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.' | ' ' | '"'));
    let shown = match line.split_once('=') {
        Some((key, _)) if harmless(key) && key.len() <= 80 => format!("{} = …", key.trim()),
        None if line.len() <= 80
            && line.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).is_some_and(harmless) =>
        {
            line.to_owned()
        }
        _ => return None,
    };
    Some(format!("line {}: {shown}", place.line))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_counts_lines_and_characters_from_one() {
        assert_eq!(Place::of("", 0), Place { line: 1, column: 1 });
        assert_eq!(Place::of("a\nbé = 1", 6), Place { line: 2, column: 4 });
        assert_eq!(Place::of("a", 99), Place { line: 1, column: 2 });
    }

    #[test]
    fn an_excerpt_ends_where_a_value_begins() {
        let text = "rcp = \"https://h/CANARY\"\n  \"https://h/CANARY?key=1\",\n[networks.x]\n";
        let at = |line| excerpt(text, Place { line, column: 1 });
        assert_eq!(at(1).as_deref(), Some("line 1: rcp = …"));
        assert_eq!(at(2), None);
        assert_eq!(at(3).as_deref(), Some("line 3: [networks.x]"));
    }
}
