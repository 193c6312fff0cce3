//! `--watch`: the report again and again, in place.

use std::io;
use std::time::{Duration, Instant};

use ira_commands::ports::Clock;
use ira_commands::{Fault, Kind};

use crate::render::push;

/// How often the window's size and the age of what is shown are looked at. A first picture that is late is announced
/// after as long.
const TICK: Duration = Duration::from_millis(80);
/// A question that is out for longer is said to be: what is shown is then older than it looks.
const LATE: Duration = Duration::from_secs(2);

const ENTER: &str = "\u{1b}[?1049h";
const LEAVE: &str = "\u{1b}[?1049l";

/// A window's columns and lines.
pub type Size = (Option<u16>, Option<u16>);

/// Shows what was read, or why it was not, in so many columns.
pub type Show<'a, T> = dyn Fn(&Result<T, Fault>, Option<u16>) -> String + 'a;

/// What was read last, and when.
struct Seen<T> {
    what: Result<T, Fault>,
    at: String,
}

/// What a watch is made of.
pub struct Watch<'a, T> {
    /// How long to wait between two questions.
    pub period: Duration,
    /// The window's size now.
    pub size: &'a dyn Fn() -> Size,
    /// What time it is.
    pub clock: &'a dyn Clock,
    /// What was read, as text for a window of so many columns.
    pub show: &'a Show<'a, T>,
}

impl<T> Watch<'_, T> {
    /// Shows what `again` gives, every period, until it fails for good or somebody stops it. That the chain cannot be
    /// read is shown and tried again: it may be what is being watched.
    pub async fn run(
        &self,
        mut again: impl AsyncFnMut() -> Result<T, Fault>,
        write: impl FnMut(&str) -> io::Result<()>,
    ) -> Fault {
        let mut screen = Screen { write, drawn: None, last: String::new() };
        let mut seen = None;
        loop {
            let what = match self.ask(&mut again, seen.as_ref(), &mut screen).await {
                Ok(Err(fault)) if fault.kind.exit_code() != 69 => return fault,
                Ok(what) => what,
                Err(error) => return unwritten(&error),
            };
            let now = seen.insert(Seen { what, at: time_of_day(self.clock.now()) });
            let due = Instant::now() + self.period;
            loop {
                let footer = format!("read {}, every {} s, Ctrl-C ends", now.at, self.period.as_secs());
                if let Err(error) = self.draw(Some(now), &footer, &mut screen) {
                    return unwritten(&error);
                }
                let left = due.saturating_duration_since(Instant::now());
                if left.is_zero() {
                    break;
                }
                tokio::time::sleep(left.min(TICK)).await;
            }
        }
    }

    /// One answer. While it is out the picture stays, fitted to the window, and says when it grows old.
    async fn ask<W: FnMut(&str) -> io::Result<()>>(
        &self,
        again: &mut impl AsyncFnMut() -> Result<T, Fault>,
        seen: Option<&Seen<T>>,
        screen: &mut Screen<W>,
    ) -> io::Result<Result<T, Fault>> {
        let asked = Instant::now();
        let mut answer = std::pin::pin!(again());
        loop {
            tokio::select! {
                biased;
                what = &mut answer => return Ok(what),
                () = tokio::time::sleep(TICK) => {}
            }
            let out = asked.elapsed();
            let footer = match seen {
                None => format!("asking for {} s, Ctrl-C ends", out.as_secs()),
                Some(seen) if out < LATE => {
                    format!("read {}, every {} s, Ctrl-C ends", seen.at, self.period.as_secs())
                }
                Some(seen) => {
                    format!("NOT CURRENT: read {}, asked again {} s ago; Ctrl-C ends", seen.at, out.as_secs())
                }
            };
            self.draw(seen, &footer, screen)?;
        }
    }

    fn draw<W: FnMut(&str) -> io::Result<()>>(
        &self,
        seen: Option<&Seen<T>>,
        footer: &str,
        screen: &mut Screen<W>,
    ) -> io::Result<()> {
        let size = (self.size)();
        let text = seen.map_or_else(String::new, |seen| (self.show)(&seen.what, size.0));
        screen.draw(&text, footer, size)
    }
}

/// The terminal's second screen, so that neither a picture nor a resize leaves anything in the scrollback. What was
/// shown last stays behind, whole, when it is left.
struct Screen<W: FnMut(&str) -> io::Result<()>> {
    write: W,
    /// The picture that stands there, and the size it was made for.
    drawn: Option<(String, Size)>,
    last: String,
}

impl<W: FnMut(&str) -> io::Result<()>> Screen<W> {
    fn draw(&mut self, text: &str, footer: &str, size: Size) -> io::Result<()> {
        let begin = if self.drawn.is_none() { ENTER } else { "" };
        let clear = self.drawn.as_ref().is_none_or(|(_, before)| *before != size);
        let picture = frame(text, footer, size.1);
        if !clear && self.drawn.as_ref().is_some_and(|(before, _)| *before == picture) {
            return Ok(());
        }
        (self.write)(&format!("{begin}{}{picture}", if clear { "\u{1b}[2J" } else { "" }))?;
        self.drawn = Some((picture, size));
        text.clone_into(&mut self.last);
        Ok(())
    }
}

impl<W: FnMut(&str) -> io::Result<()>> Drop for Screen<W> {
    fn drop(&mut self) {
        if self.drawn.is_some() {
            let _nobody_to_tell = (self.write)(&format!("{LEAVE}{}", self.last));
        }
    }
}

/// One picture: from the top left corner, each line to its end, then nothing. What does not fit is cut at the end and at
/// the right, because a line too many would scroll the verdict away.
fn frame(text: &str, footer: &str, height: Option<u16>) -> String {
    const HOME: &str = "\u{1b}[H";
    const CLEAR_LINE: &str = "\u{1b}[K";
    const CLEAR_BELOW: &str = "\u{1b}[J";
    const WRAP_OFF: &str = "\u{1b}[?7l";
    const WRAP_ON: &str = "\u{1b}[?7h";

    let lines: Vec<&str> = text.lines().collect();
    let room = height.map_or(usize::MAX, |height| usize::from(height).saturating_sub(2).max(1));
    let mut out = format!("{WRAP_OFF}{HOME}");
    for line in lines.iter().take(room) {
        // Cleared before it is written: behind a line of the window's full width, the last character would go.
        push(&mut out, format_args!("{CLEAR_LINE}{line}\r\n"));
    }
    let hidden = lines.len().saturating_sub(room);
    let more = if hidden > 0 { format!("; {hidden} more lines in a taller window") } else { String::new() };
    push(&mut out, format_args!("{CLEAR_LINE}{footer}{more}\r\n{CLEAR_BELOW}{WRAP_ON}"));
    out
}

/// `03:12:45 UTC` of unix seconds.
fn time_of_day(now: u64) -> String {
    format!("{:02}:{:02}:{:02} UTC", now / 3600 % 24, now / 60 % 60, now % 60)
}

fn unwritten(error: &io::Error) -> Fault {
    Fault::new(Kind::Failed, "cannot write the result").because(error.to_string())
}

/// The fault where the output cannot be redrawn.
pub fn not_here() -> Fault {
    Fault::new(Kind::Usage, "`--watch` redraws a terminal, and stdout is none that can be redrawn")
        .hint("leave --watch out, and run the command again when you need it")
}

#[cfg(test)]
mod tests {
    use std::cell::{Cell, RefCell};

    use super::*;
    use crate::clock::StoppedClock;

    const NOON: StoppedClock = StoppedClock(43_200);

    fn shown(what: &Result<String, Fault>, width: Option<u16>) -> String {
        match what {
            Ok(text) => format!("{text} in {} columns", width.unwrap_or_default()),
            Err(fault) => format!("Error: {}", fault.message),
        }
    }

    fn broken() -> Fault {
        Fault::new(Kind::Config, "a bad file")
    }

    /// Everything that a watch of `answers` writes, and how it ended.
    async fn watched(
        size: &dyn Fn() -> Size,
        again: impl AsyncFnMut() -> Result<String, Fault>,
    ) -> (Vec<String>, Fault) {
        let written = RefCell::new(Vec::new());
        let watch = Watch { period: Duration::from_millis(300), size, clock: &NOON, show: &shown };
        let ended = watch
            .run(again, |text| {
                written.borrow_mut().push(text.to_owned());
                Ok(())
            })
            .await;
        (written.into_inner(), ended)
    }

    #[test]
    fn a_picture_never_scrolls() {
        let text: String = (0..50).map(|n| format!("line {n}")).collect::<Vec<_>>().join("\n");
        let picture = frame(&text, "footer", Some(10));
        assert_eq!(picture.matches('\n').count(), 9, "{picture:?}");
        assert!(picture.contains("line 7\r") && !picture.contains("line 8\r"), "{picture:?}");
        assert!(picture.contains("42 more lines"), "{picture:?}");
        assert!(picture.contains("\u{1b}[Kline 7"), "cleared first, or a full line loses its end: {picture:?}");
        assert!(picture.starts_with("\u{1b}[?7l\u{1b}[H") && picture.ends_with("\u{1b}[?7h"));
    }

    #[tokio::test]
    async fn a_chain_that_cannot_be_read_is_shown_and_tried_again() {
        let mut answers = [
            Ok("well".to_owned()),
            Err(Fault::new(Kind::Timeout, "no answer in 5 s")),
            Ok("well again".to_owned()),
            Err(broken()),
        ]
        .into_iter();
        let (written, ended) = watched(&|| (Some(80), Some(24)), async || answers.next().expect("ended before")).await;
        assert_eq!(ended.kind, Kind::Config);
        assert_eq!(written.len(), 4, "one picture an answer, and what stays behind: {written:?}");
        assert!(written[0].starts_with(ENTER) && written[0].contains("read 12:00:00 UTC"), "{written:?}");
        assert!(written[1].contains("Error: no answer in 5 s") && written[2].contains("well again"));
        assert_eq!(written[3], format!("{LEAVE}well again in 80 columns"), "outside the second screen");
    }

    #[tokio::test]
    async fn another_window_is_another_picture_at_once() {
        let looks = Cell::new(0);
        let size = || {
            looks.set(looks.get() + 1);
            if looks.get() < 3 { (Some(80), Some(24)) } else { (Some(60), Some(30)) }
        };
        let mut answers = [Ok("well".to_owned()), Err(broken())].into_iter();
        let (written, _) = watched(&size, async || answers.next().expect("ended before")).await;
        assert!(written[1].starts_with("\u{1b}[2J") && written[1].contains("well in 60 columns"), "{written:?}");
        assert_eq!(written.len(), 3, "{written:?}");
    }

    #[tokio::test]
    async fn a_picture_that_grows_old_says_so() {
        let mut asked = 0;
        let (written, _) = watched(&|| (Some(80), Some(24)), async || {
            asked += 1;
            if asked == 1 {
                return Ok("well".to_owned());
            }
            tokio::time::sleep(LATE + TICK * 3).await;
            Err(broken())
        })
        .await;
        assert!(written[1].contains("well") && written[1].contains("NOT CURRENT: read 12:00:00 UTC"), "{written:?}");
    }

    #[tokio::test]
    async fn a_first_answer_that_is_slow_is_announced() {
        let (written, _) = watched(&|| (None, None), async || {
            tokio::time::sleep(TICK * 3).await;
            Err(broken())
        })
        .await;
        assert!(written[0].contains("asking for 0 s"), "{written:?}");
    }

    #[tokio::test]
    async fn what_fails_at_once_leaves_the_screen_alone() {
        let (written, _) = watched(&|| (None, None), async || Err(broken())).await;
        assert_eq!(written, [""; 0]);
    }
}
