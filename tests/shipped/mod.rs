//! The playbooks that ship, through the daemon: from what Alertmanager sends to *verified*, and to a person; killed in the
//! middle of a write and started again; dry.
#![cfg(target_os = "linux")]

mod cache;
#[cfg(feature = "kubernetes")]
mod cluster;
#[cfg(feature = "kubernetes")]
mod clusters;
#[cfg(feature = "kubernetes")]
pub mod front;
mod hosts;
mod pool;
#[cfg(feature = "kubernetes")]
mod rows;

use ira::store::model::Run;
use serde_json::{Value, json};

use crate::daemon::{Daemon, Host, TOKEN, post};
use crate::support::in_repository;
use crate::support::run::{Ran, wait_until};

/// What a playbook that ships is tried on.
pub trait Scene {
    /// The playbook.
    fn playbook(&self) -> &'static str;
    /// What of its waiting is shortened: the text that ships, and the one in its place.
    fn hurry(&self) -> Vec<(&'static str, &'static str)>;
    /// The lines of `[playbooks.NAME]`: targets and parameters.
    fn own(&self) -> String;
    /// Further tables of the configuration; `@/` is the home.
    fn tables(&self) -> String;
    /// What the alert is about.
    fn labels(&self) -> Value;
    /// Whether it did what it does.
    fn acted(&self) -> bool;
    /// What helps once it did, where that is not the act itself.
    fn help(&self) {}
    /// Whether what is to be told beside the page was heard by whom it is for: it goes out by itself.
    fn told(&self) -> bool {
        true
    }
    /// What was changed so far, as the system itself has it on record.
    fn writes(&self) -> Vec<String>;
    /// Files in the home: name, text, mode.
    fn files(&self) -> Vec<(&'static str, String, u32)> {
        Vec::new()
    }
}

/// What Alertmanager sends, about this.
fn payload(labels: &Value) -> Value {
    let sent = include_str!("../payloads/alertmanager/single-01-firing-n1.json");
    let mut body: Value = serde_json::from_str(sent).expect("a payload");
    let name = labels["alertname"].as_str().expect("a name").to_owned();
    body["alerts"][0]["labels"] = labels.clone();
    body["commonLabels"] = labels.clone();
    body["groupLabels"] = json!({ "alertname": name });
    body["groupKey"] = json!(format!("{{}}/{{rcv=\"single\"}}:{{alertname=\"{name}\"}}"));
    body
}

/// A machine on which the daemon has this playbook on the rung `auto`, in a hurry.
fn host(scene: &dyn Scene) -> Host {
    let name = scene.playbook();
    let budgets: String = ["pods", "rollouts", "nodes", "databases", "caches", "services"]
        .map(|budget| format!("[budgets.{budget}]\nmax = 9\nwindow = \"1h\"\n"))
        .concat();
    let host = Host::with("");
    let home = host.path("").display().to_string();
    let tables = scene.tables().replace("@/", &home);
    host.configure(&format!("{budgets}{tables}\n[playbooks.{name}]\nmode = \"auto\"\n{}", scene.own()));
    let file = in_repository(&format!("commands/playbooks/{name}.yaml"));
    let mut text = std::fs::read_to_string(file).expect("it ships");
    for (slow, here) in scene.hurry() {
        assert!(text.contains(slow), "{name}: {slow}");
        text = text.replacen(slow, here, 1);
    }
    host.playbook(name, &text);
    for (file, text, mode) in scene.files() {
        host.write(file, &text.replace("@/", &home), mode);
    }
    let checked = host.ira(&["daemon", "--check"]);
    assert_eq!(checked.code, 0, "{name}: {checked:?}");
    host
}

fn fire(daemon: &Daemon, scene: &dyn Scene) {
    let body = payload(&scene.labels()).to_string();
    assert_eq!(post(daemon.port, "/alertmanager", Some("another"), body.as_bytes()).0, 401, "who sends it says so");
    assert_eq!(post(daemon.port, "/alertmanager", Some(TOKEN), body.as_bytes()).0, 200, "it is taken");
}

/// Whether there is a run, and it goes no further by itself.
fn is_over(host: &Host) -> bool {
    !host.runs().is_empty() && host.all_settled()
}

/// The run, once it goes no further by itself.
fn settled(host: &Host, scene: &dyn Scene) -> Run {
    let (name, mut run) = (scene.playbook(), None);
    let over = |run: &Run| run.state.terminal() || run.state.word() == "needs_human";
    wait_until(&format!("the run of {name} is over"), || {
        run = host.runs().into_iter().find(over);
        run.is_some()
    });
    let run = run.expect("over");
    assert_eq!(run.playbook.as_deref(), Some(name));
    run
}

/// What is known of a run, for whoever reads that a test failed.
fn said(host: &Host) -> String {
    let shown = host.ira(&["run", "show", "1"]);
    format!("{}\n{}", shown.out, host.log())
}

/// From the alert to *verified*: nobody is woken.
pub fn verified(scene: &dyn Scene) {
    let host = host(scene);
    let daemon = host.start();
    fire(&daemon, scene);
    let name = scene.playbook();
    wait_until(&format!("{name} acts"), || scene.acted() || is_over(&host));
    scene.help();
    assert_eq!(settled(&host, scene).state.word(), "succeeded", "{name}: {}", said(&host));
    assert_eq!(host.woken(), [] as [String; 0], "{name}: {}", said(&host));
    assert_ne!(scene.writes(), [] as [String; 0], "{name}");
    wait_until(&format!("what {name} tells is heard"), || scene.told());
    assert_eq!(daemon.end(), Some(0));
}

/// From the alert to a person, who is told `why`.
pub fn handed_over(scene: &dyn Scene, why: &str) {
    let host = host(scene);
    let daemon = host.start();
    fire(&daemon, scene);
    let name = scene.playbook();
    let run = settled(&host, scene);
    assert!(matches!(run.state.word(), "escalated" | "needs_human"), "{name}: {}", said(&host));
    wait_until(&format!("{name} wakes somebody"), || !host.woken().is_empty());
    let mut woken = host.woken();
    woken.dedup();
    assert_eq!(woken.len(), 1, "{name}: one incident: {}", said(&host));
    let shown = host.ira(&["run", "show", "1", "--verbose"]).out;
    assert!(shown.contains(why), "{name}: {why}: {shown}\n{}", host.log());
    wait_until(&format!("what {name} tells is heard"), || scene.told());
    assert_eq!(daemon.end(), Some(0));
}

/// Planned, and nothing is changed.
pub fn dry(scene: &dyn Scene) {
    let host = host(scene);
    host.write("alert.json", &payload(&scene.labels()).to_string(), 0o600);
    let ran: Ran = host.ira(&["remediate", "--alert", "alert.json", "--dry-run"]);
    let name = scene.playbook();
    assert!(ran.code == 0 && ran.out.contains("would"), "{name}: {ran:?}");
    assert_eq!(scene.writes(), [] as [String; 0], "{name}: a dry run changes nothing");
    assert!(!scene.acted(), "{name}");
}

/// A place on the way to a system where one write is stopped.
pub trait Gate {
    /// Whether the write came by.
    fn is_hit(&self) -> bool;
}

/// How a run ended that was killed while a write was under way, and what was changed in all.
pub fn killed(scene: &dyn Scene, gate: &dyn Gate) -> (String, Vec<String>) {
    let host = host(scene);
    let name = scene.playbook();
    let daemon = host.start();
    fire(&daemon, scene);
    wait_until(&format!("{name} writes"), || gate.is_hit() || is_over(&host));
    assert!(gate.is_hit(), "{name}: {}", said(&host));
    daemon.kill();
    let daemon = host.start();
    wait_until(&format!("{name} goes on"), || scene.acted() || is_over(&host));
    scene.help();
    let run = settled(&host, scene);
    let word = run.state.word().to_owned();
    if word != "succeeded" {
        wait_until(&format!("{name} wakes somebody"), || !host.woken().is_empty());
    }
    assert_eq!(daemon.end(), Some(0));
    let told = if word == "succeeded" { word } else { format!("{word}: {}", said(&host)) };
    (told, scene.writes())
}
