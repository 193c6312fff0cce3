//! What the process is attached to: whether a person looks, how wide, and in colour or not.

use std::io::{self, IsTerminal as _, Write as _};

use terminal_size::{Height, Width};

use crate::cli::Color;

/// Reads one environment variable; injected, so that nothing but the entry point touches the environment.
pub type Env<'a> = &'a dyn Fn(&str) -> Option<String>;

/// What stdout and stderr are.
#[expect(clippy::struct_excessive_bools, reason = "facts that hold one by one")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terminal {
    /// Whether stdin is a terminal.
    pub stdin: bool,
    /// Whether stdout is a terminal.
    pub stdout: bool,
    /// Whether stderr is a terminal.
    pub stderr: bool,
    /// Columns, where stdout is a terminal or COLUMNS says so; `None` means lines are as long as they are.
    pub width: Option<u16>,
    /// Whether COLUMNS gave the width, which then stays when the window changes.
    pub fixed: bool,
    /// Lines, where stdout is a terminal.
    pub height: Option<u16>,
    /// Whether the terminal knows no escape codes (`TERM=dumb`).
    pub dumb: bool,
    /// Whether `NO_COLOR` is set to anything.
    pub no_color: bool,
}

impl Terminal {
    /// Looks at the process's own stdout and stderr.
    pub fn detect(env: Env<'_>) -> Self {
        let stdout = io::stdout().is_terminal();
        let size = if stdout { terminal_size::terminal_size_of(io::stdout()) } else { None };
        let stdin = io::stdin().is_terminal();
        Self { stdin, stdout, stderr: io::stderr().is_terminal(), ..Self::described(env, size) }
    }

    fn described(env: Env<'_>, size: Option<(Width, Height)>) -> Self {
        let columns = env("COLUMNS").and_then(|text| text.trim().parse().ok()).filter(|columns| *columns > 0);
        Self {
            stdin: false,
            stdout: false,
            stderr: false,
            width: columns.or(size.map(|(Width(width), _)| width)),
            fixed: columns.is_some(),
            height: size.map(|(_, Height(height))| height),
            dumb: env("TERM").is_some_and(|term| term == "dumb"),
            no_color: env("NO_COLOR").is_some_and(|value| !value.is_empty()),
        }
    }

    /// Columns and lines of the window as they are now: it may have been resized since it was looked at.
    pub fn size_now(&self) -> (Option<u16>, Option<u16>) {
        let Some((Width(width), Height(height))) = terminal_size::terminal_size_of(io::stdout()) else {
            return (self.width, self.height);
        };
        (if self.fixed { self.width } else { Some(width) }, Some(height))
    }

    /// Whether the result is coloured.
    pub fn colour_stdout(&self, wish: Color) -> bool {
        self.colour(wish, self.stdout)
    }

    /// Whether errors and warnings are coloured.
    pub fn colour_stderr(&self, wish: Color) -> bool {
        self.colour(wish, self.stderr)
    }

    fn colour(&self, wish: Color, tty: bool) -> bool {
        match wish {
            Color::Always => true,
            Color::Never => false,
            Color::Auto => tty && !self.dumb && !self.no_color,
        }
    }

    /// Whether progress may be drawn and erased on stderr.
    pub fn draws(&self) -> bool {
        self.stderr && !self.dumb
    }

    /// Whether stdout can be redrawn in place.
    pub fn redraws(&self) -> bool {
        self.stdout && !self.dumb
    }
}

/// Writes the result to stdout, whole and at once. A reader who has gone away (`| head`) is not an error.
pub fn write_stdout(text: &str) -> io::Result<()> {
    written(io::stdout().lock().write_all(text.as_bytes()).and_then(|()| io::stdout().lock().flush()))
}

/// Writes a message for a person to stderr; where even that fails there is nobody left to tell.
pub fn write_stderr(text: &str) {
    let _nobody_to_tell = io::stderr().lock().write_all(text.as_bytes());
}

fn written(result: io::Result<()>) -> io::Result<()> {
    match result {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn with<'a>(vars: &'a [(&'a str, &'a str)]) -> impl Fn(&str) -> Option<String> + 'a {
        |name| vars.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned())
    }

    fn described(vars: &[(&str, &str)]) -> Terminal {
        let env = with(vars);
        Terminal { stdout: true, stderr: true, ..Terminal::described(&env, Some((Width(120), Height(40)))) }
    }

    #[test]
    fn colour_is_for_a_terminal_that_wants_it() {
        assert!(described(&[("TERM", "xterm")]).colour_stdout(Color::Auto));
        assert!(!described(&[("NO_COLOR", "1")]).colour_stdout(Color::Auto));
        assert!(described(&[("NO_COLOR", "")]).colour_stdout(Color::Auto), "an empty NO_COLOR is unset");
        assert!(!described(&[("TERM", "dumb")]).colour_stderr(Color::Auto));
        let pipe = Terminal { stdout: false, ..described(&[]) };
        assert!(!pipe.colour_stdout(Color::Auto) && pipe.colour_stderr(Color::Auto));
    }

    #[test]
    fn an_explicit_wish_wins_over_the_environment() {
        assert!(described(&[("NO_COLOR", "1"), ("TERM", "dumb")]).colour_stdout(Color::Always));
        assert!(!described(&[]).colour_stdout(Color::Never));
    }

    #[test]
    fn columns_wins_over_the_terminals_own_width() {
        assert_eq!(described(&[]).width, Some(120));
        assert_eq!(described(&[("COLUMNS", "72")]).width, Some(72));
        assert_eq!(described(&[("COLUMNS", "wide")]).width, Some(120));
        assert_eq!(described(&[("COLUMNS", "0")]).width, Some(120));
    }

    #[test]
    fn a_dumb_terminal_is_not_drawn_on() {
        let dumb = described(&[("TERM", "dumb")]);
        assert!(!dumb.draws() && !dumb.redraws());
        assert!(described(&[]).draws() && described(&[]).redraws());
    }

    #[test]
    fn a_reader_who_left_is_no_error_and_a_full_disk_is() {
        assert!(written(Err(io::ErrorKind::BrokenPipe.into())).is_ok());
        assert!(written(Err(io::ErrorKind::StorageFull.into())).is_err());
    }
}
