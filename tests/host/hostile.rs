//! Text from alerts: exactly one argument, or refused. Never a shell.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::sync::Arc;

use ira::clients::script::Scripts;
use ira::store::StoreJournal;
use ira_commands::actions::Action;
use ira_commands::context::{Reads, Writes};
use ira_commands::fakes::{FixedDirectory, Silent, StoppedClock};
use ira_commands::{Context, Kind};
use proptest::prelude::*;
use serde_json::json;

use super::*;

/// A script that writes how many arguments it got, and each, with a NUL after it.
const ECHO: &str = "printf '%s\\0' \"$#\" \"$@\" > @/got";

impl Person {
    fn with_echo() -> Self {
        let person = Self::new();
        person.script("echo.sh", ECHO);
        person
    }
}

fn scripts(person: &Person, end_of_options: bool) -> Arc<Scripts> {
    Arc::new(Scripts {
        folder: Some(person.path("scripts")),
        attempts: person.path("attempts"),
        shim: env!("CARGO_BIN_EXE_ira").into(),
        end_of_options,
        memory: 1 << 32,
        mask: Box::new(str::to_owned),
    })
}

/// Runs the script with one argument; what it got, or why not.
fn given(person: &Person, value: &str, end_of_options: bool) -> Result<String, ira_commands::Fault> {
    let _of_before = std::fs::remove_file(person.path("got"));
    let action =
        Action::from_data("script.run", json!({ "program": "echo.sh", "arg": [value] })).expect("an action")?;
    let scripts = scripts(person, end_of_options);
    let reads = Reads {
        scripts: Some(Arc::<Scripts>::clone(&scripts)),
        ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(1)), Arc::new(Silent))
    };
    let journal = Arc::new(StoreJournal::open(&person.path("state")).expect("it opens"));
    let writes = Writes { scripts: Some(scripts), ..Writes::new(journal) };
    let context = Context::acting(reads, writes);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(action.run(&context)).map(|_| person.read("got"))
}

/// Whether the value reached the script as it is, or was refused before anything was done.
fn one_or_none(person: &Person, value: &str) {
    match given(person, value, false) {
        Ok(got) => assert_eq!(got, format!("1\0{value}\0")),
        Err(fault) => {
            assert_eq!(fault.kind, Kind::Usage, "{fault}");
            assert!(value.contains('\0') || value.starts_with('-') || value.len() > 131_071, "{fault}: {value:?}");
            assert!(!person.path("got").exists() && !person.path("attempts").exists(), "{value:?}");
        }
    }
}

#[test]
fn fault_25_hostile_labels_are_one_argument_or_refused() {
    let million = "x".repeat(1 << 20);
    for value in [
        "$(touch /tmp/pwned)",
        "`id`",
        "; rm -rf /",
        "a\nb\r\n",
        "a\0b",
        "-rf",
        "--",
        "",
        " ",
        "*",
        "~",
        "\u{202e}txt.exe",
        "'\"\\",
        "é\u{fffd}\u{10ffff}",
        "{{ 7*7 }} ${{ x }} %s %n",
        &million,
        &million[..131_071],
    ] {
        one_or_none(&Person::with_echo(), value);
    }
    let person = Person::with_echo();
    assert!(given(&person, &million, false).is_err() && given(&person, "a\0b", false).is_err());
    assert!(given(&person, "-rf", false).is_err());
    assert_eq!(given(&person, "-rf", true).expect("guarded"), "2\0--\0-rf\0");
    // What is no UTF-8 does not get past the command line.
    let mut command = person.command(&["script.run", "--program", "echo.sh", "--yes", "--arg"]);
    let ran = Ran::of(command.arg(OsStr::from_bytes(b"a\xff\xfeb")));
    assert_eq!(ran.code, 2, "{ran:?}");
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn fault_25_any_text_is_one_argument_or_refused(value in prop_oneof![
        any::<String>(),
        "[-$`'\"\\\\;&|<>(){}\\[\\]*?~!# \t\n\r\0a-c\u{202e}\u{200b}]{0,40}",
    ]) {
        one_or_none(&Person::with_echo(), &value);
    }
}

#[test]
fn lesson_38_nothing_is_read_by_a_shell() {
    let person = Person::with_echo();
    let value = format!("x > {}/authorized_keys; echo y", person.home.path().display());
    assert_eq!(given(&person, &value, false).expect("run"), format!("1\0{value}\0"));
    assert!(!person.path("authorized_keys").exists());
    // A program's name is no command line either.
    for program in ["echo.sh x", "echo.sh; id", "/bin/sh -c id", "/bin/sh\n"] {
        assert_eq!(person.agreed(&["script.run", "--program", program]).code, 69, "{program}");
    }
}

#[test]
fn lesson_39_what_an_alert_says_is_data() {
    let person = Person::new();
    person.script("echo.sh", "cat > @/told; env > @/env");
    let name = "$(touch pwned) {{ 1 + 1 }}\n${IFS}";
    let alert = json!({ "version": "4", "status": "firing", "alerts": [{
        "status": "firing",
        "labels": { "alertname": name, "LD_PRELOAD": "/tmp/evil.so", "PATH": "/tmp/evil", "a=b": "c" },
        "annotations": { "summary": "\u{202e}x" },
    }] });
    person.write("alert.json", &alert.to_string(), 0o600);
    let ran = person.agreed(&["script.run", "--program", "echo.sh", "--alert", "alert.json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let told: Value = serde_json::from_str(&person.read("told")).expect("JSON");
    assert_eq!(told["labels"]["alertname"], name);
    let env = person.read("env");
    assert!(env.contains(&format!("IRA_ALERT_NAME={name}")), "{env}");
    assert!(!env.contains("LD_PRELOAD") && !env.contains("evil") && !env.contains("a=b"), "{env}");
    for variable in ["LD_PRELOAD=x", "PATH=x", "BASH_ENV=x", "a=x", "=x", "A", "IRA_METRIC=x", "PYTHONPATH=x"] {
        let ran = person.agreed(&["script.run", "--program", "echo.sh", "--env", variable]);
        assert!(ran.code == 2 && ran.out.contains("cannot be set"), "{variable}: {ran:?}");
    }
    let ran = person.agreed(&["systemd.restart", "--unit", "web", "--alert", "alert.json"]);
    assert!(ran.code == 2 && ran.out.contains("--alert"), "{ran:?}");
}
