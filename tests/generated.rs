//! What is generated and checked in is what would be generated now. `UPDATE_GENERATED=1` rewrites it.

use std::collections::BTreeSet;
use std::fs;

use crate::support::{in_repository, ira, man};

/// Whether what is generated is to be written, not compared.
pub fn updating() -> bool {
    std::env::vars_os().any(|(name, value)| name == "UPDATE_GENERATED" && value == "1")
}

#[test]
fn manual_pages_are_fresh() {
    let folder = in_repository("man");
    let pages = man::pages();
    if updating() {
        fs::create_dir_all(&folder).expect("the folder");
        for (name, text) in &pages {
            fs::write(folder.join(name), text).expect("a page");
        }
    }
    for (name, text) in &pages {
        let kept = fs::read_to_string(folder.join(name)).unwrap_or_default();
        assert!(kept == *text, "man/{name} is stale: UPDATE_GENERATED=1 cargo test generated");
    }
    let kept: BTreeSet<String> = fs::read_dir(&folder)
        .expect("the folder")
        .map(|entry| entry.expect("an entry").file_name().to_string_lossy().into_owned())
        .collect();
    let wanted: BTreeSet<String> = pages.into_iter().map(|(name, _)| name).collect();
    assert_eq!(kept, wanted, "a page of a command that is gone, or one that is missing");
}

#[test]
fn the_manual_says_every_exit_code() {
    let pages = man::pages();
    let (_, text) = pages.iter().find(|(name, _)| name == "ira.1").expect("the main page");
    let section = text.split(".SH \"EXIT STATUS\"").nth(1).expect("the section");
    for row in ira::exit::TABLE {
        assert!(section.contains(&format!("\\fB{}\\fR", row.code)), "{}: {section}", row.code);
    }
    for title in ["ENVIRONMENT", "FILES"] {
        assert!(text.contains(&format!(".SH {title}")), "{title}");
    }
}

#[test]
fn completion_stubs_are_what_the_binary_prints() {
    for (shell, file) in
        [("bash", "ira.bash"), ("zsh", "_ira"), ("fish", "ira.fish"), ("elvish", "ira.elv"), ("powershell", "ira.ps1")]
    {
        let kept = fs::read(in_repository("completions").join(file)).expect(file);
        let printed = ira().args(["completions", shell]).output().expect("it runs");
        assert!(printed.status.success() && printed.stdout == kept, "{shell}");
        let asked = ira().env("COMPLETE", shell).output().expect("it runs");
        assert!(asked.status.success() && !asked.stdout.is_empty(), "{shell} is not answered");
    }
}
