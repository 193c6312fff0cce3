//! Colour: it repeats what the words say, and is nothing where it is off.

use ira_commands::report::Status;

/// Colours text where it is on.
#[derive(Clone, Copy, Debug)]
pub struct Paint(pub bool);

impl Paint {
    fn with(self, code: &str, text: &str) -> String {
        if self.0 && !text.is_empty() { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }

    /// By how bad it is.
    pub fn status(self, status: Status, text: &str) -> String {
        match status {
            Status::Ok => self.with("32", text),
            Status::Info => self.with("36", text),
            Status::Unknown => self.with("35", text),
            Status::Warn => self.warn(text),
            Status::Critical => self.bad(text),
        }
    }

    /// What must be acted on.
    pub fn bad(self, text: &str) -> String {
        self.with("1;31", text)
    }

    /// What should be looked at.
    pub fn warn(self, text: &str) -> String {
        self.with("33", text)
    }

    /// What leads the eye.
    pub fn bold(self, text: &str) -> String {
        self.with("1", text)
    }

    /// What may be passed over.
    pub fn dim(self, text: &str) -> String {
        self.with("2", text)
    }
}
