//! `k8s.…` against a real API server and its controllers.

#![cfg(all(target_os = "linux", feature = "kubernetes"))]

pub mod bed;
mod broken;
mod named;
mod nodes;
mod playbooks;
mod pods;
mod rollouts;

use serde_json::Value;

use crate::support::journal::journal;
use crate::support::run::{Ran, Running, ira};
use bed::Cluster;

/// Somebody on call, with a kubeconfig.
struct Person {
    home: tempfile::TempDir,
    kubeconfig: String,
}

impl Person {
    fn new(kubeconfig: String) -> Self {
        Self { home: tempfile::tempdir().expect("a home"), kubeconfig }
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = ira(self.home.path());
        command.env("KUBECONFIG", &self.kubeconfig).arg("act").args(words);
        command
    }

    fn act(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        assert!(!ran.err.contains("panicked"), "{ran:?}");
        ran
    }

    /// Agreed to.
    fn agreed(&self, words: &[&str]) -> Ran {
        self.act(&[words, &["--yes", "--json"]].concat())
    }

    fn data(&self, words: &[&str]) -> Value {
        self.act(&[words, &["--json"]].concat()).json()["data"].clone()
    }

    /// How the attempts ended that were made, in order.
    fn ended(&self) -> Vec<String> {
        let all = journal(self.home.path());
        all.iter().filter_map(|one| one["state"].as_str()).map(str::to_owned).collect()
    }
}
