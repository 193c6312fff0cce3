//! The exit codes: public, so that a script may branch on them.

use crate::render::push;

/// One exit code and what it says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Row {
    /// The code of the process.
    pub code: u8,
    /// Its name in one or two words.
    pub name: &'static str,
    /// When it is given.
    pub meaning: &'static str,
    /// What the JSON envelope's `success` says with it.
    pub success: bool,
}

/// Every exit code there is.
pub const TABLE: &[Row] = &[
    row(0, "ok", "it ran, and all is well", true),
    row(1, "failed", "it broke; the error says why", false),
    row(2, "usage", "the command line is wrong", false),
    row(3, "confirmation needed", "nothing was done; the output says the exact command that does it", false),
    row(
        4,
        "problem",
        "it ran and found a problem, or ended unverified or escalated; the verdict is in the result",
        true,
    ),
    row(69, "unavailable", "what was asked about cannot be read; what could be is still printed", false),
    row(75, "try again", "a guard denied it or a lock is held; later it may pass", false),
    row(78, "configuration", "a configuration file, or a value in it, is wrong", false),
    row(130, "interrupted", "Ctrl-C, or the process was told to end", false),
];

const fn row(code: u8, name: &'static str, meaning: &'static str, success: bool) -> Row {
    Row { code, name, meaning, success }
}

/// What the envelope's `success` says with `code`.
pub fn success(code: u8) -> bool {
    TABLE.iter().any(|row| row.code == code && row.success)
}

/// The table as text, one line each: `ira help exit-codes`.
pub fn lines() -> String {
    let mut out = String::new();
    for row in TABLE {
        push(&mut out, format_args!("  {:>3}  {:<20} {}", row.code, row.name, row.meaning));
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use ira_commands::Kind;
    use ira_commands::report::Outcome;

    use super::*;

    #[test]
    fn faults_and_outcomes_end_with_codes_of_the_table_only() {
        use Kind::{
            BadAnswer, Busy, Config, Confirmation, Denied, Disagree, Failed, Interrupted, Missing, RateLimited,
            Reorged, Reverted, Timeout, TooLarge, Unreachable, Usage, WrongNetwork,
        };
        let kinds = [
            BadAnswer,
            Busy,
            Config,
            Confirmation,
            Denied,
            Disagree,
            Failed,
            Interrupted,
            Missing,
            RateLimited,
            Reorged,
            Reverted,
            Timeout,
            TooLarge,
            Unreachable,
            Usage,
            WrongNetwork,
        ];
        for code in kinds.map(Kind::exit_code) {
            assert!(TABLE.iter().any(|row| row.code == code && !row.success), "{code}");
        }
        for outcome in [Outcome::Well, Outcome::Problem, Outcome::Unavailable] {
            assert!(TABLE.iter().any(|row| row.code == outcome.exit_code()), "{outcome:?}");
        }
    }

    #[test]
    fn success_is_false_exactly_for_these() {
        let failed: Vec<u8> = TABLE.iter().filter(|row| !success(row.code)).map(|row| row.code).collect();
        assert_eq!(failed, [1, 2, 3, 69, 75, 78, 130]);
    }
}
