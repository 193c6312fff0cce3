//! A home with a configuration, for what depends on the network's settings.

use std::process::Command;

use serde_json::Value;

use crate::support::bed::Bed;
use crate::support::run::{Ran, ira};

/// A home whose configuration names the bed's chain.
pub struct Place {
    home: tempfile::TempDir,
}

impl Place {
    /// With these lines in `[networks.bed]`.
    pub fn with(bed: &Bed, lines: &str) -> Self {
        let home = tempfile::tempdir().expect("a folder");
        let text = format!("[networks.bed]\nchain_id = 31337\nrpc = \"{}\"\n{lines}", bed.url);
        std::fs::write(home.path().join("ira.toml"), text).expect("written");
        Self { home }
    }

    /// `ira` in that home, with its configuration.
    pub fn ira(&self) -> Command {
        let mut command = ira(self.home.path());
        command.env("IRA_CONFIG", self.home.path().join("ira.toml"));
        command
    }

    /// A file in the home.
    pub fn write(&self, name: &str, text: &str) -> String {
        use std::os::unix::fs::PermissionsExt as _;
        let path = self.home.path().join(name);
        std::fs::write(&path, text).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("made private");
        path.display().to_string()
    }

    /// A runbook on the bed's network.
    pub fn runbook(&self, args: &[&str]) -> Ran {
        Ran::of(self.ira().args(["vrf-runbook", "--json", "--network", "bed"]).args(args))
    }

    /// What a shell is told for a line whose last word is being typed.
    pub fn completed(&self, words: &[&str]) -> Vec<String> {
        let out = self
            .ira()
            .env("COMPLETE", "bash")
            .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
            .env("_CLAP_IFS", "\n")
            .arg("--")
            .args(words)
            .output()
            .expect("it runs");
        assert!(out.status.success() && out.stderr.is_empty(), "{words:?}: {}", String::from_utf8_lossy(&out.stderr));
        String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
    }
}

/// A step of the only request of a report.
pub fn step<'a>(json: &'a Value, cause: &str) -> &'a Value {
    let steps = json["data"]["requests"][0]["steps"].as_array().expect("steps");
    steps.iter().find(|step| step["step"] == cause).expect("a step")
}
