//! Progress on stderr: seen when something takes longer than a blink, and gone when it is done.

use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use ira_commands::ports::Progress;
use ira_commands::text::clean;

/// What is done sooner than this is never announced.
const PATIENCE: Duration = Duration::from_millis(80);
const FRAME: Duration = Duration::from_millis(100);

/// Progress that nobody watches.
#[derive(Debug)]
pub struct Silent;

impl Progress for Silent {}

/// A spinner that becomes a bar when it is known how much there is.
pub struct Drawn {
    bar: ProgressBar,
    waiting: Mutex<Option<(Sender<()>, JoinHandle<()>)>>,
}

impl Drawn {
    /// Starts waiting; draws to `target` from `PATIENCE` on, unless finished before.
    pub fn start(target: ProgressDrawTarget) -> Arc<Self> {
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()).with_style(spinner());
        let (stop, stopped) = mpsc::channel();
        let late = bar.clone();
        let waiting = std::thread::spawn(move || {
            if stopped.recv_timeout(PATIENCE) == Err(RecvTimeoutError::Timeout) {
                late.set_draw_target(target);
                late.enable_steady_tick(FRAME);
            }
        });
        Arc::new(Self { bar, waiting: Mutex::new(Some((stop, waiting))) })
    }

    /// Writes something above it that stays.
    pub fn above(&self, write: impl FnOnce()) {
        self.bar.suspend(write);
    }

    /// Erases it. Nothing is drawn afterwards.
    pub fn finish(&self) {
        let waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some((stop, thread)) = waiting {
            drop(stop);
            let _a_panic_there_draws_nothing = thread.join();
        }
        self.bar.finish_and_clear();
    }
}

impl Drop for Drawn {
    fn drop(&mut self) {
        self.finish();
    }
}

impl Progress for Drawn {
    fn stage(&self, text: &str) {
        self.bar.unset_length();
        self.bar.set_style(spinner());
        self.bar.set_message(clean(text));
    }

    fn advance(&self, done: usize, total: usize) {
        if self.bar.length() != Some(total as u64) {
            self.bar.set_length(total as u64);
            self.bar.set_style(bar());
        }
        self.bar.set_position(done as u64);
    }
}

fn spinner() -> ProgressStyle {
    ProgressStyle::default_spinner().template("{spinner} {wide_msg}").expect("a template of known keys")
}

fn bar() -> ProgressStyle {
    ProgressStyle::default_bar()
        .template("{spinner} {bar:30} {pos}/{len} {wide_msg}")
        .expect("a template of known keys")
}

#[cfg(test)]
mod tests {
    use std::io;
    use std::time::Instant;

    use indicatif::TermLike;

    use super::*;

    /// A terminal of one line that remembers what was written since it was last cleared, and whether it ever was.
    #[derive(Clone, Debug, Default)]
    struct Line(Arc<Mutex<(String, bool)>>);

    impl Line {
        fn shown(&self) -> String {
            self.0.lock().expect("not poisoned").0.clone()
        }

        fn touched(&self) -> bool {
            self.0.lock().expect("not poisoned").1
        }

        fn wait_for(&self, text: &str) {
            let started = Instant::now();
            while !self.shown().contains(text) {
                assert!(started.elapsed() < Duration::from_secs(10), "`{text}` is not in `{}`", self.shown());
                std::thread::sleep(Duration::from_millis(2));
            }
        }
    }

    impl TermLike for Line {
        fn width(&self) -> u16 {
            80
        }
        fn move_cursor_up(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_down(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_right(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn move_cursor_left(&self, _: usize) -> io::Result<()> {
            Ok(())
        }
        fn write_line(&self, text: &str) -> io::Result<()> {
            self.write_str(text)
        }
        fn write_str(&self, text: &str) -> io::Result<()> {
            let mut line = self.0.lock().expect("not poisoned");
            line.0.push_str(text);
            line.1 = true;
            Ok(())
        }
        fn clear_line(&self) -> io::Result<()> {
            self.0.lock().expect("not poisoned").0.clear();
            Ok(())
        }
        fn flush(&self) -> io::Result<()> {
            Ok(())
        }
    }

    fn drawn() -> (Line, Arc<Drawn>) {
        let line = Line::default();
        let target = ProgressDrawTarget::term_like(Box::new(line.clone()));
        (line, Drawn::start(target))
    }

    #[test]
    fn what_is_fast_never_flashes() {
        let (line, progress) = drawn();
        progress.stage("reading");
        progress.finish();
        std::thread::sleep(PATIENCE * 2);
        assert!(!line.touched(), "{}", line.shown());
    }

    #[test]
    fn what_is_slow_is_seen_and_then_gone() {
        let (line, progress) = drawn();
        progress.stage("reading \u{1b}[31m16 oracles");
        line.wait_for("reading [31m16 oracles");
        progress.advance(3, 7);
        line.wait_for("3/7");
        progress.stage("judging");
        line.wait_for("judging");
        progress.finish();
        assert_eq!(line.shown().trim(), "");
    }
}
