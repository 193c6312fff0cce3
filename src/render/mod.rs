//! The neutral [`Report`] as table, markdown or JSON; and what goes to stderr beside it.
//!
//! Text from outside is cleaned here once more, whatever a command did: nothing that moves a cursor, hides or
//! reorders text gets past a renderer.

mod json;
mod markdown;
mod paint;
mod table;

use std::fmt::Write as _;

use ira_commands::text::clean;
use ira_commands::{Fault, Report};

use crate::cli::Format;
use paint::Paint;

pub use json::envelope;

/// How a result is shown.
#[expect(clippy::struct_excessive_bools, reason = "switches that a person sets one by one")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Style {
    /// Its form.
    pub format: Format,
    /// Cells in full, and lines as long as they are.
    pub wide: bool,
    /// Folded rows too.
    pub verbose: bool,
    /// In colour.
    pub colour: bool,
    /// Columns to fit into; `None` means lines are as long as they are.
    pub width: Option<u16>,
    /// JSON for the eye: one field a line.
    pub pretty: bool,
}

/// What goes to stdout for a command that ran, with the exit code it ends with.
pub fn report(report: &Report, code: u8, style: &Style) -> String {
    match style.format {
        Format::Table => table::report(report, style),
        Format::Markdown => markdown::report(report, style),
        Format::Json => json::report(report, code, style.pretty),
    }
}

/// What goes to stderr beside the result: warnings, and what went wrong with parts of it.
pub fn aside(report: &Report, colour: bool) -> String {
    let mut out = warnings(&report.warnings, colour);
    for fault in &report.errors {
        out.push_str(&error(fault, colour));
    }
    out
}

/// `warning: …`, a line each.
pub fn warnings(texts: &[String], colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = String::new();
    for text in texts {
        push(&mut out, format_args!("{} {}\n", paint.warn("warning:"), clean(text)));
    }
    out
}

/// `Error: what`, causes, a blank line, `hint: what to do`.
pub fn error(fault: &Fault, colour: bool) -> String {
    let paint = Paint(colour);
    let mut out = format!("{} {}\n", paint.bad("Error:"), clean(&fault.message));
    for cause in &fault.causes {
        push(&mut out, format_args!("  {}\n", clean(cause)));
    }
    if let Some(hint) = &fault.hint {
        push(&mut out, format_args!("\n{} {}\n", paint.bold("hint:"), clean(hint)));
    }
    out
}

/// Lines wrapped between words, where they are longer than `width`.
pub fn fitted(text: &str, width: Option<u16>) -> String {
    let style = Style { width, ..Style::default() };
    text.lines().map(|line| if line.is_empty() { "\n".to_owned() } else { table::wrapped(line, &style) }).collect()
}

/// Appends what `format_args!` makes, without a string in between.
pub(crate) fn push(out: &mut String, text: std::fmt::Arguments<'_>) {
    out.write_fmt(text).expect("a String takes any text");
}

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod tests {
    use ira_commands::Kind;

    use super::*;

    #[test]
    fn an_error_says_what_why_and_what_next() {
        let fault = Fault::new(Kind::WrongNetwork, "cannot read the feed")
            .because("the endpoint answers as chain 137")
            .hint("--network polygon-mainnet");
        assert_eq!(
            error(&fault, false),
            "Error: cannot read the feed\n  the endpoint answers as chain 137\n\nhint: --network polygon-mainnet\n"
        );
        assert_eq!(error(&Fault::new(Kind::Failed, "no"), false), "Error: no\n");
    }

    #[test]
    fn warnings_are_a_line_each() {
        assert_eq!(warnings(&["a\nb".to_owned(), "c".to_owned()], false), "warning: a b\nwarning: c\n");
    }
}
