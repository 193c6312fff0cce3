//! The first scene, as a process.

use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::in_repository;
use crate::support::run::{Ran, ira, wait_until};

/// The demonstration with a folder of its own for what it leaves in passing.
fn demo(home: &Path, words: &[&str]) -> Command {
    let mut command = ira(home);
    command.env("TMPDIR", home).arg("demo").args(words);
    command
}

fn left(home: &Path) -> Vec<String> {
    let all = std::fs::read_dir(home).expect("there").map(|entry| entry.expect("read").file_name());
    all.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// The processes whose folder is in this one.
fn living(home: &Path) -> usize {
    let all = std::fs::read_dir("/proc").expect("a list of processes").flatten();
    all.filter(|one| std::fs::read_link(one.path().join("cwd")).is_ok_and(|cwd| cwd.starts_with(home))).count()
}

/// What is the same each time: no name of a place, no number, nor how often was looked.
fn settled(text: &str) -> Vec<String> {
    let word = |word: &str| match word {
        word if word.contains("ira-demo-") => "FOLDER".to_owned(),
        word if word.starts_with("sha256:") => "HASH".to_owned(),
        word => {
            let mut out = word.replace(|c: char| c.is_ascii_digit(), "0");
            while out.contains("00") {
                out = out.replace("00", "0");
            }
            out
        }
    };
    let line = |line: &str| line.split_whitespace().map(word).collect::<Vec<_>>().join(" ");
    // On a machine with much to do the shop is not back at the first look.
    let looks = |line: &str| line.contains("q.answer = ") || line.contains("q.answer could not be read");
    let mut lines: Vec<String> = text.lines().filter(|line| !looks(line)).map(line).collect();
    lines.dedup();
    let host =
        |line: &String| line.split_once("Done on ").and_then(|(_, rest)| Some(rest.split_once(':')?.0.to_owned()));
    let host = lines.iter().find_map(host).unwrap_or_else(|| "HOST".to_owned());
    lines.into_iter().map(|line| line.replace(&format!("on {host}"), "on HOST")).collect()
}

#[test]
fn one_is_mended_and_for_the_other_somebody_is_paged_twice_at_once() {
    let homes = [tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder")];
    let both = homes.each_ref().map(|home| {
        demo(home.path(), &["--json"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    });
    for (child, home) in both.into_iter().zip(&homes) {
        let ran = Ran::from(child.wait_with_output().expect("it ends"));
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
        let data = ran.json()["data"].clone();
        let states: Vec<&Value> = data["runs"].as_array().expect("runs").iter().map(|run| &run["state"]).collect();
        assert_eq!(states, ["succeeded", "escalated"]);
        let pages = data["pages"].as_array().expect("pages");
        let text = pages[0].to_string();
        assert!(pages.len() == 1 && text.contains("till") && text.contains("/runs/2"), "{text}");
        assert!(!text.contains("routing_key"), "{text}");
        assert_eq!((left(home.path()), living(home.path())), (Vec::new(), 0));
    }
}

#[test]
fn what_the_readme_shows_of_it_is_what_it_says() {
    let home = tempfile::tempdir().expect("a folder");
    let ran = Ran::of(demo(home.path(), &[]).env("COLUMNS", "110"));
    assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{}", ran.out);
    let path = in_repository("README.md");
    let readme = std::fs::read_to_string(&path).expect("a file");
    let (before, rest) = readme.split_once("<!-- shown: demo -->\n```text\n").expect("its place");
    let (shown, after) = rest.split_once("```\n").expect("its end");
    let now = format!("$ ira demo\n{}", ran.out);
    if crate::generated::updating() {
        let text = format!("{before}<!-- shown: demo -->\n```text\n{now}```\n{after}");
        std::fs::write(&path, text).expect("written");
    } else {
        assert_eq!(settled(shown), settled(&now), "the README is stale: UPDATE_GENERATED=1 cargo test demo");
    }
}

#[test]
fn ctrl_c_leaves_nothing_behind() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = demo(home.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    // Two services and the daemon.
    wait_until("everything runs", || living(&home.path().join(left(home.path()).pop().unwrap_or_default())) >= 3);
    let pid = child.id().to_string();
    assert!(Command::new("kill").args(["-INT", &pid]).status().expect("kill").success());
    assert_eq!(child.wait().expect("it ends").code(), Some(130));
    wait_until("what a script has begun ends", || living(home.path()) == 0);
    assert_eq!(left(home.path()), Vec::<String>::new());
}

#[test]
fn a_death_takes_its_own_with_it() {
    let home = tempfile::tempdir().expect("a folder");
    let mut child = demo(home.path(), &[]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("it starts");
    wait_until("everything runs", || living(&home.path().join(left(home.path()).pop().unwrap_or_default())) >= 3);
    child.kill().expect("killed");
    child.wait().expect("reaped");
    wait_until("the others end", || living(&home.path().join(left(home.path()).pop().unwrap_or_default())) == 0);
}
