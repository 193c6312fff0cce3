//! `ira playbook`, as a user runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::support::run::{Ran, ira};

const ALERT: &str = r#"{ "version": "4", "alerts": [{ "status": "firing", "labels": { "alertname": "FeedStale",
    "contract_address": "0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419" }, "annotations": {} }] }"#;

fn home() -> (tempfile::TempDir, PathBuf) {
    let home = tempfile::tempdir().expect("a folder");
    let folder = home.path().join(".config/ira/playbooks");
    fs::create_dir_all(&folder).expect("made");
    (home, folder)
}

fn playbook(home: &Path, words: &[&str]) -> Ran {
    Ran::of(ira(home).arg("playbook").args(words))
}

#[test]
fn what_ships_is_listed_sound_and_passes_its_tests() {
    let (home, _) = home();
    let ran = playbook(home.path(), &["list", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["playbooks"][0]["name"], "feed-alert");
    assert_eq!(ran.json()["data"]["playbooks"][0]["ships"], true);
    for verb in ["check", "test"] {
        let ran = playbook(home.path(), &[verb]);
        assert_eq!((ran.code, ran.err.as_str()), (0, ""), "{verb}: {ran:?}");
    }
}

#[test]
fn a_file_of_the_same_name_stands_in_the_place_of_what_ships_and_list_says_so() {
    let (home, folder) = home();
    let own = Ran::of(ira(home.path()).args(["playbook", "new", "feed-alert"])).out;
    fs::write(folder.join("mine.yaml"), own).expect("written");
    let ran = playbook(home.path(), &["list", "--wide"]);
    assert!(ran.code == 0 && ran.out.contains("overridden by") && ran.out.contains("mine.yaml"), "{ran:?}");
    let data = playbook(home.path(), &["list", "--json"]).json();
    let loaded: Vec<bool> = data["data"]["playbooks"]
        .as_array()
        .expect("a list")
        .iter()
        .filter(|one| one["name"] == "feed-alert")
        .map(|one| one["loaded"].as_bool().expect("said"))
        .collect();
    assert_eq!(loaded[..2], [true, false], "the others ship, and nothing stands in their place");
    // Two of one folder with one name: the second is a mistake.
    fs::copy(folder.join("mine.yaml"), folder.join("twice.yaml")).expect("copied");
    let ran = playbook(home.path(), &["check"]);
    assert!(ran.code == 78 && ran.out.contains("is there already"), "{ran:?}");
}

#[test]
fn a_mistake_ends_with_78_and_its_place_in_every_form() {
    let (home, folder) = home();
    let text =
        Ran::of(ira(home.path()).args(["playbook", "new", "mine"])).out.replace("do: feed-report", "do: feed-reprot");
    let file = folder.join("mine.yaml");
    fs::write(&file, text).expect("written");
    let line = "mine.yaml:19:9";
    let ran = playbook(home.path(), &["check", "--wide", file.to_str().expect("text")]);
    assert!(ran.code == 78 && ran.out.contains(line) && ran.out.contains("did you mean `feed-report`?"), "{ran:?}");
    let ran = playbook(home.path(), &["check", "--json"]);
    let json = ran.json();
    assert_eq!((ran.code, json["success"].as_bool()), (78, Some(false)), "{ran:?}");
    assert_eq!(json["data"]["files"][0]["problems"][0]["line"], 19);
    let ran = playbook(home.path(), &["list"]);
    assert!(ran.code == 4 && ran.out.contains("not loaded: 1 error"), "{ran:?}");
    // The others are loaded.
    fs::write(home.path().join("alert.json"), ALERT).expect("written");
    let ran = playbook(home.path(), &["explain", "alert.json"]);
    assert!(ran.code == 0 && ran.out.contains("FeedStale is for feed-alert"), "{ran:?}");
}

#[test]
fn a_test_that_fails_is_shown_with_what_came_of_it() {
    let (home, folder) = home();
    let text = Ran::of(ira(home.path()).args(["playbook", "new", "mine"])).out.replace("path: [report]", "path: []");
    let file = folder.join("mine.yaml");
    fs::write(&file, text).expect("written");
    let ran = playbook(home.path(), &["test", file.to_str().expect("text")]);
    assert!(ran.code == 4 && ran.out.contains("path is [report], not []"), "{ran:?}");
    assert_eq!(playbook(home.path(), &["check"]).code, 78);
}

#[test]
fn an_alert_is_explained_stage_by_stage() {
    let (home, _) = home();
    let ran = Ran::with_input(
        ira(home.path()).args(["playbook", "explain", "-", "--json"]),
        &ALERT.replace("firing", "resolved"),
    );
    let json = ran.json();
    assert_eq!(ran.code, 4, "{ran:?}");
    assert_eq!(json["data"]["alerts"][0]["playbooks"][0]["stopped"][0]["stage"], "status");
    let ran = Ran::with_input(ira(home.path()).args(["playbook", "explain", "-"]), "- alertname = DiskFull\n");
    assert!(ran.code == 4 && ran.out.contains("is for no playbook"), "{ran:?}");
    let ran = Ran::with_input(ira(home.path()).args(["playbook", "explain", "-", "--source", "nobody"]), ALERT);
    assert_eq!(ran.code, 2, "{ran:?}");
}

#[test]
fn the_schema_is_json_and_knows_every_action() {
    let (home, _) = home();
    let ran = playbook(home.path(), &["schema"]);
    let schema: serde_json::Value = serde_json::from_str(&ran.out).expect("JSON");
    let step = &schema["properties"]["steps"]["items"]["properties"];
    let names = step["do"]["enum"].as_array().expect("names");
    for name in ira_commands::Invocation::names() {
        assert!(names.iter().any(|known| known == name), "{name}");
    }
    assert!(step["timeout"]["description"].is_string());
}

#[test]
fn a_fixture_is_beside_its_playbook_and_a_strangers_file_is_not_believed() {
    let (home, folder) = home();
    let text = Ran::of(ira(home.path()).args(["playbook", "new", "mine"])).out;
    let with = |alert: &str| {
        text.replace(
            "alert: { labels: { alertname: FeedStale, contract: \"0x5f4eC3Df9cbd43714FE2740f5E3616155c5b8419\" } }",
            &format!("alert: {alert}"),
        )
    };
    let file = folder.join("mine.yaml");
    fs::create_dir(folder.join("fixtures")).expect("made");
    let alert = ALERT.replace("contract_address", "contract");
    fs::write(folder.join("fixtures/low.json"), &alert).expect("written");
    fs::write(home.path().join("outside.json"), &alert).expect("written");
    fs::write(&file, with("fixtures/low.json")).expect("written");
    assert_eq!(playbook(home.path(), &["check"]).code, 0);
    let outside = home.path().join("outside.json");
    for place in ["../../../outside.json", outside.to_str().expect("text"), "fixtures/../../x.json"] {
        fs::write(&file, with(place)).expect("written");
        let ran = playbook(home.path(), &["check", "--wide"]);
        assert!(ran.code == 78 && ran.out.contains("it must be beside the playbook"), "{place}: {ran:?}");
    }
    fs::write(&file, &text).expect("written");
    fs::set_permissions(&file, fs::Permissions::from_mode(0o666)).expect("set");
    let ran = playbook(home.path(), &["check", "--wide"]);
    assert!(ran.code == 78 && ran.out.contains("the file is not trusted") && ran.out.contains("chmod o-w"), "{ran:?}");
}

#[test]
fn a_projects_folder_is_not_read() {
    let (home, _) = home();
    let project = home.path().join("project/playbooks");
    fs::create_dir_all(&project).expect("made");
    fs::write(home.path().join("project/.ira.toml"), "").expect("written");
    let text = Ran::of(ira(home.path()).args(["playbook", "new", "planted"])).out;
    fs::write(project.join("planted.yaml"), text).expect("written");
    let ran = Ran::of(ira(home.path()).args(["playbook", "list"]).current_dir(home.path().join("project")));
    assert!(ran.code == 0 && !ran.out.contains("planted"), "{ran:?}");
}
