//! What happened on the way, on stderr: off until `IRA_LOG` asks for it.

use std::str::FromStr as _;

use ira_commands::text::{excerpt, nearest, without_urls};
use ira_commands::{Fault, Kind};
use tracing::Level;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::layer::{Layer as _, SubscriberExt as _};
use tracing_subscriber::util::SubscriberInitExt as _;

/// The environment variable that turns it on.
pub const VARIABLE: &str = "IRA_LOG";

const LEVELS: [&str; 5] = ["error", "warn", "info", "debug", "trace"];

/// The level asked for; `None` where the variable is unset or empty.
pub fn level(setting: Option<&str>) -> Result<Option<Level>, Fault> {
    let Some(word) = setting.map(str::trim).filter(|word| !word.is_empty()) else { return Ok(None) };
    let known = LEVELS.contains(&word.to_lowercase().as_str());
    match Level::from_str(word) {
        Ok(level) if known => Ok(Some(level)),
        _ => {
            let fault =
                Fault::new(Kind::Usage, format!("{VARIABLE} does not take `{}`", excerpt(&without_urls(word), 40)))
                    .because(format!("it takes one of: {}", LEVELS.join(", ")));
            Err(match nearest(word, LEVELS) {
                Some(near) => fault.hint(format!("did you mean `{near}`?")),
                None => fault.hint(format!("{VARIABLE}=debug, or unset it")),
            })
        }
    }
}

/// Sends everything up to `level` to stderr from here on.
pub fn start(level: Level, colour: bool) {
    // ira's own words only: those of the libraries beneath it name hosts as they are, and a host can hold a key.
    let own = Targets::new().with_target("ira", level).with_target("ira_commands", level);
    let lines = tracing_subscriber::fmt::layer().with_ansi(colour).with_writer(std::io::stderr);
    // A second start in one process (tests) keeps the first.
    let _already = tracing_subscriber::registry().with(lines.with_filter(own)).try_init();
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_level_is_a_word_and_anything_else_is_said_to_be_wrong() {
        assert_eq!(level(None), Ok(None));
        assert_eq!(level(Some("")), Ok(None));
        assert_eq!(level(Some("DEBUG")), Ok(Some(Level::DEBUG)));
        assert_eq!(level(Some("debg")).expect_err("a typo").hint.as_deref(), Some("did you mean `debug`?"));
        assert!(level(Some("3")).is_err(), "a number is no level here");
    }
}
