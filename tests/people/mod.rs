//! Actions and commands that speak HTTP, to systems and to people.

#![expect(clippy::format_push_string, reason = "a test builds its texts plainly")]

pub mod alerting;
pub mod api;
mod bad_answers;
mod check;
mod intake;
mod outbound;
mod pagerduty;
mod pages;
mod prism;
mod query;
mod secrets;
mod senders;
mod tickets;
mod war_room;

use std::os::unix::fs::PermissionsExt as _;
use std::process::Command;

use crate::support::run::{Ran, ira};

/// A secret that must never be seen.
const CANARY: &str = "c4n4ry+K3y/AbCdEf0123";

/// Somebody on call with a configuration.
struct Person(tempfile::TempDir);

impl Person {
    fn with(config: &str) -> Self {
        let home = tempfile::tempdir().expect("a home");
        let path = home.path().join(".config/ira/config.toml");
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, config).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("chmod");
        Self(home)
    }

    /// `ira` as this person runs it.
    fn command(&self, words: &[&str]) -> Command {
        let mut command = ira(self.0.path());
        command.env("KEY", CANARY).args(words);
        command
    }

    fn ira(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        assert_kept(&ran);
        ran
    }

    /// `ira act NAME … --json`; an action that acts is agreed to.
    fn act(&self, words: &[&str]) -> Ran {
        let mut all = vec!["act"];
        all.extend(words);
        all.push("--json");
        self.ira(&all)
    }

    fn agreed(&self, words: &[&str]) -> Ran {
        let mut all = words.to_vec();
        all.push("--yes");
        self.act(&all)
    }

    /// Whatever was written down, as it is on the disk.
    fn journal(&self) -> String {
        let files = std::fs::read_dir(self.0.path().join(".local/state/ira")).into_iter().flatten().flatten();
        let text =
            |path: std::path::PathBuf| String::from_utf8_lossy(&std::fs::read(path).unwrap_or_default()).into_owned();
        files.map(|file| text(file.path())).collect()
    }
}

/// Nothing of the secret is in what is said, in no form.
fn assert_kept(ran: &Ran) {
    let said = format!("{}\n{}", ran.out, ran.err);
    for form in forms() {
        assert!(!said.to_lowercase().contains(&form.to_lowercase()), "{form}: {ran:?}");
    }
    assert!(!said.contains("panicked"), "{ran:?}");
}

/// The forms in which a server may repeat the secret.
fn forms() -> Vec<String> {
    use base64::Engine as _;
    use base64::engine::general_purpose::{STANDARD, URL_SAFE};
    vec![CANARY.to_owned(), "c4n4ry%2BK3y%2FAbCdEf0123".to_owned(), STANDARD.encode(CANARY), URL_SAFE.encode(CANARY)]
}
