//! A run while it goes on: a line for each step that ended, and below them, at a terminal, what it is at.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use ira_commands::ports::Progress;
use ira_commands::text::{clean, excerpt};
use ira_commands::units::duration;

use crate::engine::{Mark, Watch};
use crate::progress::Drawn;
use crate::store::{Phase, RunState, Wait};
use crate::terminal::write_stderr;

/// Columns of a line but for what was said.
const LEFT: usize = 2 + 2 + 12 + 1 + 18 + 1;
/// Columns of a line where the terminal does not say.
const WIDTH: usize = 120;

/// The lines of a run.
pub struct Lines {
    drawn: Option<Arc<Drawn>>,
    width: usize,
    said: Mutex<Said>,
}

#[derive(Default)]
struct Said {
    /// When each step began.
    begun: BTreeMap<String, Instant>,
    /// The last line of each step and phase: what is read again and is as it was is not said again.
    last: BTreeMap<String, String>,
}

impl Lines {
    /// Lines on stderr; what is under way is drawn where `drawn` is.
    pub fn new(drawn: Option<Arc<Drawn>>, width: Option<u16>) -> Self {
        let width = width.map_or(WIDTH, usize::from).max(LEFT + 20);
        Self { drawn, width, said: Mutex::default() }
    }

    fn write(&self, text: &str) {
        match &self.drawn {
            Some(drawn) => drawn.above(|| write_stderr(text)),
            None => write_stderr(text),
        }
    }

    fn stage(&self, text: &str) {
        if let Some(drawn) = &self.drawn {
            drawn.stage(text);
        }
    }

    /// Whether this is the same as was said last.
    fn again(&self, what: &str, line: &str) -> bool {
        let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
        said.last.insert(what.to_owned(), line.to_owned()).as_deref() == Some(line)
    }

    fn line(&self, sign: &str, id: &str, what: &str, said: &str, took: Option<Duration>) -> String {
        let took = took.map(|took| format!("  {}", took_text(took))).unwrap_or_default();
        let room = self.width.saturating_sub(LEFT + took.chars().count()).max(20);
        let said = excerpt(said, room);
        let line = format!("  {sign} {:<12} {:<18} {said}", excerpt(id, 30), excerpt(what, 30));
        format!("{}{took}\n", line.trim_end())
    }
}

impl Watch for Lines {
    fn step(&self, id: &str, what: &str, mark: Mark, text: &str) {
        let id = id.strip_prefix("undo/").unwrap_or(id);
        let sign = match mark {
            Mark::Begins => {
                let mut said = self.said.lock().unwrap_or_else(PoisonError::into_inner);
                said.begun.insert(id.to_owned(), Instant::now());
                drop(said);
                return self.stage(&format!("{} {}", clean(id), clean(what)));
            }
            Mark::Done => "✔",
            Mark::Skipped => "–",
            Mark::Failed | Mark::Refused => "✘",
            Mark::Unknown => "?",
            Mark::Undone => "↶",
        };
        let begun = self.said.lock().unwrap_or_else(PoisonError::into_inner).begun.remove(id);
        let text = if mark == Mark::Skipped && text.is_empty() { "left out: its condition is false" } else { text };
        if !self.again(id, &format!("{sign}{text}")) {
            self.write(&self.line(sign, id, what, text, begun.map(|begun| begun.elapsed())));
        }
    }

    fn state(&self, state: RunState, why: &str) {
        match state {
            RunState::Running(Phase::Verify) if !why.is_empty() => self.stage("verify"),
            RunState::Waiting(Wait::Timer) => {}
            _ => self.stage(""),
        }
    }

    fn look(&self, phase: Phase, good: bool, seen: &str, left: Duration) {
        let word = if phase == Phase::Act { "until" } else { phase.word() };
        let rest = duration(left.as_secs());
        let holds = if phase == Phase::Hold { "holds" } else { "is so" };
        self.stage(&format!("{word}  {}  {rest} left", excerpt(seen, 100)));
        // Looked at every few seconds: a line only where something is new.
        if !self.again(word, &format!("{good}{seen}")) {
            let state = if good { holds.to_owned() } else { format!("{rest} left") };
            self.write(&self.line(if good { "✔" } else { "…" }, word, &state, seen, None));
        }
    }

    fn warn(&self, said: &str) {
        self.write(&format!("  ! {}\n", excerpt(said, 300)));
    }
}

fn took_text(took: Duration) -> String {
    if took < Duration::from_secs(10) {
        format!("{}.{} s", took.as_secs(), took.subsec_millis() / 100)
    } else {
        duration(took.as_secs())
    }
}
