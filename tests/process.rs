//! The process as a shell sees it: exit codes, streams, pipes, completion.

use std::io::Read as _;
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::support::{in_repository, ira};

fn json(output: &[u8]) -> Json {
    serde_json::from_slice(output).expect("one JSON document on stdout")
}

#[test]
fn with_json_an_error_comes_in_the_envelope_and_on_stderr() {
    for args in [
        &["feed-reprot", "--json"][..],
        &["--format=json", "feed-report", "--treshold", "1"],
        &["help", "nothing", "--format", "json"],
        &["--json"],
    ] {
        let out = ira().args(args).output().expect("it runs");
        assert_eq!(out.status.code(), Some(2), "{args:?}");
        let envelope = json(&out.stdout);
        assert_eq!(envelope["success"], false, "{args:?}");
        assert_eq!(envelope["schema_version"], 1);
        assert_eq!(envelope["errors"][0]["kind"], "usage", "{args:?}");
        assert!(String::from_utf8_lossy(&out.stderr).starts_with("Error: "), "{args:?}");
    }
}

#[test]
fn without_json_an_error_leaves_stdout_empty() {
    let out = ira().args(["feed-report", "--nothing"]).output().expect("it runs");
    assert_eq!(out.status.code(), Some(2));
    assert!(out.stdout.is_empty());
    assert!(String::from_utf8_lossy(&out.stderr).contains("\n\nhint: "));
}

#[test]
fn a_topic_comes_as_data_where_json_is_asked_for() {
    let out = ira().args(["help", "exit-codes", "--json"]).output().expect("it runs");
    let envelope = json(&out.stdout);
    assert_eq!((&envelope["success"], &envelope["data"]["topic"]), (&Json::from(true), &Json::from("exit-codes")));
    assert!(out.stderr.is_empty());
}

#[test]
fn a_reader_who_leaves_early_is_no_error() {
    let mut child =
        ira().args(["help", "feeds"]).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it runs");
    // Nobody reads: the pipe is closed before or while it is written.
    drop(child.stdout.take());
    let mut said = String::new();
    child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
    assert_eq!((child.wait().expect("ends").code(), said.as_str()), (Some(0), ""));
}

#[cfg(target_os = "linux")]
#[test]
fn a_result_that_cannot_be_written_is_an_error() {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").expect("linux has it");
    let out = ira().args(["help", "feeds"]).stdout(full).stderr(Stdio::piped()).output().expect("it runs");
    assert_eq!(out.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&out.stderr).starts_with("Error: cannot write the result"));
}

#[test]
fn a_configuration_that_cannot_be_used_ends_a_check_with_78() {
    let home = tempfile::tempdir().expect("a folder");
    let file = home.path().join("ira.toml");
    std::fs::write(&file, "netwrok = \"base\"\n").expect("written");
    let check = |more: &[&str]| {
        let out = ira().args(["config", "check", "--config"]).arg(&file).args(more).output().expect("it runs");
        (out.status.code(), String::from_utf8_lossy(&out.stdout).into_owned(), out.stderr)
    };
    let (code, shown, said) = check(&[]);
    assert!(code == Some(78) && shown.contains("netwrok") && said.is_empty(), "{code:?} {shown}");
    let (code, shown, _) = check(&["--json"]);
    let envelope = json(shown.as_bytes());
    assert_eq!((code, &envelope["success"]), (Some(78), &Json::from(false)));
    assert_eq!(envelope["errors"][0]["kind"], "config");
    assert_eq!(envelope["data"]["findings"][0]["status"], "critical", "{envelope}");
    std::fs::write(&file, "network = \"base\"\n").expect("written");
    assert_eq!(check(&[]).0, Some(0));
}

#[test]
fn watching_needs_a_terminal() {
    let out = ira().args(["feed-report", "eth-usd", "--watch"]).output().expect("it runs");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("hint: leave --watch out"));
}

#[test]
fn the_environment_turns_logs_on_and_a_typo_in_it_is_said() {
    let out = ira().args(["completions", "bash"]).env("IRA_LOG", "debgu").output().expect("it runs");
    assert_eq!(out.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&out.stderr).contains("hint: did you mean `debug`?"));
}

/// What the adapter of bash gets for a line whose last word is being typed.
fn completed(words: &[&str]) -> Vec<String> {
    let out = ira()
        .env("COMPLETE", "bash")
        .env("_CLAP_COMPLETE_INDEX", (words.len() - 1).to_string())
        .env("_CLAP_IFS", "\n")
        .arg("--")
        .args(words)
        .output()
        .expect("it runs");
    assert!(out.status.success(), "{words:?}");
    String::from_utf8_lossy(&out.stdout).lines().map(str::to_owned).collect()
}

#[test]
fn a_shell_is_told_commands_flags_values_and_topics() {
    assert!(completed(&["ira", "fee"]).contains(&"feed-report".to_owned()));
    assert!(completed(&["ira", "feed-report", "--thr"]).contains(&"--threshold".to_owned()));
    assert!(completed(&["ira", "feed-report", "--rp"]).contains(&"--rpc-url".to_owned()));
    assert_eq!(completed(&["ira", "demo", "--format", "ma"]), ["markdown"]);
    assert_eq!(completed(&["ira", "help", "exit"]), ["exit-codes"]);
    assert_eq!(completed(&["ira", "config", "ch"]), ["check"]);
    let file = in_repository("README.m").display().to_string();
    for flag in ["--directory", "--alert", "--record"] {
        let offered = completed(&["ira", "feed-report", flag, &file]);
        assert_eq!(offered.len(), 1, "{flag} {offered:?}");
        assert!(offered[0].ends_with("README.md"), "{flag} {offered:?}");
    }
}

#[test]
fn bash_completes_through_the_stub_that_is_checked_in() {
    let Ok(probe) = Command::new("bash").arg("--version").output() else { return };
    assert!(probe.status.success());
    let binary = std::path::Path::new(env!("CARGO_BIN_EXE_ira"));
    let path = format!("{}:/usr/bin:/bin", binary.parent().expect("a folder").display());
    let script = r#"
        source "$STUB"
        complete -p ira || exit 9
        COMP_WORDS=(ira feed-report --heart) COMP_CWORD=2 COMP_TYPE=9
        _clap_complete_ira ira --heart feed-report
        printf '%s\n' "${COMPREPLY[@]}"
    "#;
    let out = Command::new("bash")
        .args(["--norc", "-c", script])
        .env_clear()
        .env("PATH", path)
        .env("STUB", in_repository("completions/ira.bash"))
        .output()
        .expect("bash runs");
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(out.status.success(), "{said} {}", String::from_utf8_lossy(&out.stderr));
    assert!(said.lines().any(|line| line == "--heartbeat"), "{said}");
}
