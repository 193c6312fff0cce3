//! `--watch`: the same report again and again, in the same place.

use std::io;
use std::time::Duration;

use ira_commands::{Fault, Kind};

use crate::render::{error, push};
use crate::terminal::Terminal;

/// Redraws what `again` gives, every `period`, until it fails for good or somebody stops it. That the chain cannot be
/// read is shown and tried again: it may be what is being watched.
pub async fn watch(
    period: Duration,
    terminal: &Terminal,
    colour: bool,
    mut again: impl AsyncFnMut() -> Result<String, Fault>,
    mut draw: impl FnMut(&str) -> io::Result<()>,
) -> Fault {
    let mut first = true;
    loop {
        let text = match again().await {
            Ok(text) => text,
            Err(fault) if fault.kind.exit_code() == 69 => error(&fault, colour),
            Err(fault) => return fault,
        };
        let footer = format!("every {} s, Ctrl-C ends", period.as_secs());
        if let Err(error) = draw(&frame(&text, &footer, terminal.height, first)) {
            return Fault::new(Kind::Failed, "cannot write the result").because(error.to_string());
        }
        first = false;
        tokio::time::sleep(period).await;
    }
}

/// One picture: from the top left corner, each line to its end, then nothing. What does not fit is cut at the end and at
/// the right, because a line too many would scroll the verdict away.
fn frame(text: &str, footer: &str, height: Option<u16>, first: bool) -> String {
    const HOME: &str = "\u{1b}[H";
    const CLEAR: &str = "\u{1b}[2J";
    const CLEAR_LINE: &str = "\u{1b}[K";
    const CLEAR_BELOW: &str = "\u{1b}[J";
    const WRAP_OFF: &str = "\u{1b}[?7l";
    const WRAP_ON: &str = "\u{1b}[?7h";

    let lines: Vec<&str> = text.lines().collect();
    let room = height.map_or(usize::MAX, |height| usize::from(height).saturating_sub(2).max(1));
    let mut out = format!("{WRAP_OFF}{HOME}{}", if first { CLEAR } else { "" });
    for line in lines.iter().take(room) {
        push(&mut out, format_args!("{line}{CLEAR_LINE}\r\n"));
    }
    let hidden = lines.len().saturating_sub(room);
    let more = if hidden > 0 { format!("{hidden} more lines in a taller window; ") } else { String::new() };
    push(&mut out, format_args!("{more}{footer}{CLEAR_LINE}{CLEAR_BELOW}\r\n{WRAP_ON}"));
    out
}

/// The fault where the output cannot be redrawn.
pub fn not_here() -> Fault {
    Fault::new(Kind::Usage, "`--watch` redraws a terminal, and stdout is none that can be redrawn")
        .hint("leave --watch out, and run the command again when you need it")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_picture_never_scrolls() {
        let text: String = (0..50).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let picture = frame(&text, "footer", Some(10), false);
        assert_eq!(picture.matches('\n').count(), 9, "{picture:?}");
        assert!(picture.contains("line 7\u{1b}") && !picture.contains("line 8\u{1b}"), "{picture:?}");
        assert!(picture.contains("42 more lines"), "{picture:?}");
        assert!(picture.starts_with("\u{1b}[?7l\u{1b}[H") && picture.ends_with("\u{1b}[?7h"));
    }

    #[test]
    fn only_the_first_picture_clears_the_screen() {
        assert!(frame("a", "f", None, true).contains("\u{1b}[2J"));
        assert!(!frame("a", "f", None, false).contains("\u{1b}[2J"));
    }

    #[tokio::test]
    async fn a_chain_that_cannot_be_read_is_shown_and_tried_again() {
        let mut answers = [
            Ok("well".to_owned()),
            Err(Fault::new(Kind::Timeout, "no answer in 5 s")),
            Ok("well again".to_owned()),
            Err(Fault::new(Kind::Config, "a bad file")),
        ]
        .into_iter();
        let mut pictures = Vec::new();
        let ended = watch(
            Duration::ZERO,
            &Terminal::default(),
            false,
            async || answers.next().expect("ended before"),
            |picture| {
                pictures.push(picture.to_owned());
                Ok(())
            },
        )
        .await;
        assert_eq!(ended.kind, Kind::Config);
        assert_eq!(pictures.len(), 3);
        assert!(pictures[1].contains("Error: no answer in 5 s") && pictures[2].contains("well again"));
    }
}
