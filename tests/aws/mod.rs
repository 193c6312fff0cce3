//! `cloudwatch.…`, `ecs.…`, `dynamodb.…` and `lambda.…` against emulators, with a way to them that breaks.

#![cfg(all(target_os = "linux", feature = "aws"))]

mod bed;
mod broken;
mod items;
mod playbooks;
mod proxy;
mod reads;
mod services;

use serde_json::Value;

use crate::support::journal::journal;
use crate::support::run::{Ran, ira};
use bed::{Cloud, Emulator, REGION};
use proxy::{Then, Way};

/// A secret that must never be seen.
const CANARY: &str = "c4n4ryS3cr3tAcc3ssK3y0123456789";

/// Somebody on call, with an account.
struct Person {
    home: tempfile::TempDir,
}

impl Person {
    /// At that port; what is not answered within a second will not be.
    fn new(port: u16) -> Self {
        let person = Self { home: tempfile::tempdir().expect("a home") };
        let config = format!(
            "[aws]\nregion = \"{REGION}\"\nendpoint = \"http://127.0.0.1:{port}\"\nconnect = \"1s\"\nanswer = \"3s\"\n"
        );
        let folder = person.home.path().join(".config/ira");
        std::fs::create_dir_all(&folder).expect("made");
        std::fs::write(folder.join("config.toml"), config).expect("written");
        person
    }

    fn command(&self, words: &[&str]) -> std::process::Command {
        let mut command = ira(self.home.path());
        command.env("AWS_ACCESS_KEY_ID", "AKIAEXAMPLE").env("AWS_SECRET_ACCESS_KEY", CANARY).arg("act").args(words);
        command
    }

    fn act(&self, words: &[&str]) -> Ran {
        let ran = Ran::of(&mut self.command(words));
        for never in ["panicked", CANARY] {
            assert!(!ran.err.contains(never) && !ran.out.contains(never), "{never}: {ran:?}");
        }
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

/// A cloud with the service `web`, the way to it, and somebody who goes it.
fn with_service(which: Emulator) -> Option<(Cloud, Way, Person)> {
    let cloud = Cloud::start(which)?;
    cloud.service();
    let way = Way::to(cloud.port);
    let person = Person::new(way.port);
    Some((cloud, way, person))
}

/// The same with so many items.
fn with_items(which: Emulator, many: usize) -> Option<(Cloud, Way, Person)> {
    let cloud = Cloud::start(which)?;
    cloud.items(many);
    let way = Way::to(cloud.port);
    let person = Person::new(way.port);
    Some((cloud, way, person))
}
