//! What a script gets, what comes of it, and which scripts are not run.

use super::*;
use crate::support::run::wait_until;

#[test]
fn a_script_gets_its_arguments_and_a_cleared_environment() {
    let person = Person::new();
    person.script("show.sh", "printf '%s|' \"$@\"; env | sort; pwd; cat");
    let words =
        ["script.run", "--program", "show.sh", "--flag=-v", "--arg", "a b", "--env", "REGION=eu", "--stdin", "told"];
    let ran = Ran::of(person.command(&words).args(["--yes", "--json"]).env("CANARY", "leaked").env("LD_X", "y"));
    assert_eq!(ran.code, 0, "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    let out = std::fs::read_to_string(action["stdout"]["file"].as_str().expect("a file")).expect("kept");
    let names: Vec<&str> = out.lines().filter_map(|line| line.split_once('=')).map(|(name, _)| name).collect();
    assert_eq!(names, ["-v|a b|HOME", "IRA_ATTEMPT", "LANG", "PATH", "PWD", "REGION", "TMPDIR"], "{out}");
    assert!(out.ends_with("told") && !out.contains("leaked"), "{out}");
    assert_eq!((&action["exit"], &action["stdout"]["bytes"]), (&0.into(), &out.len().into()));
    assert_eq!(person.journal().len(), 2, "begun and done");
    // Its own folder is gone with it, and nobody else reads what is kept.
    let attempts = std::fs::metadata(person.path(".local/state/ira/attempts")).expect("there");
    assert_eq!(attempts.permissions().mode() & 0o777, 0o700);
    assert!(
        !std::fs::read_dir(person.path(".local/state/ira/attempts"))
            .expect("there")
            .flatten()
            .any(|entry| entry.path().is_dir())
    );
}

#[test]
fn how_it_ended_is_told_apart() {
    let person = Person::new();
    person.script("three.sh", "echo effect >> @/effects; echo why >&2; exit 3");
    person.script("signal.sh", "kill -SEGV $$");
    let failed = person.agreed(&["script.run", "--program", "three.sh"]);
    assert_eq!(failed.code, 1, "{failed:?}");
    assert!(failed.err.contains("exit 3, not 0") || failed.out.contains("exit 3, not 0"), "{failed:?}");
    assert!(failed.out.contains("why"), "{failed:?}");
    assert_eq!(person.ended(), "failed:some", "it acted");
    let meant = person.agreed(&["script.run", "--program", "three.sh", "--expect-exit", "3"]);
    assert_eq!(meant.code, 0, "{meant:?}");
    let signal = person.agreed(&["script.run", "--program", "signal.sh"]);
    assert!(signal.code == 1 && signal.out.contains("signal 11"), "{signal:?}");
}

#[test]
fn a_script_that_others_could_change_or_that_names_no_interpreter_is_not_run() {
    let person = Person::new();
    let script = person.script("open.sh", "echo effect >> @/effects");
    for mode in [0o775, 0o757] {
        std::fs::set_permissions(&script, std::fs::Permissions::from_mode(mode)).expect("chmod");
        let ran = person.agreed(&["script.run", "--program", "open.sh"]);
        assert!(ran.code == 78 && ran.out.contains("others could change it"), "{ran:?}");
    }
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o644)).expect("chmod");
    let ran = person.agreed(&["script.run", "--program", "open.sh"]);
    assert!(ran.code == 2 && ran.out.contains("may not be executed"), "{ran:?}");
    std::fs::set_permissions(&script, std::fs::Permissions::from_mode(0o755)).expect("chmod");
    std::fs::set_permissions(person.path("scripts"), std::fs::Permissions::from_mode(0o777)).expect("chmod");
    let ran = person.agreed(&["script.run", "--program", "open.sh"]);
    assert!(ran.code == 78 && ran.out.contains("0777"), "{ran:?}");
    std::fs::set_permissions(person.path("scripts"), std::fs::Permissions::from_mode(0o755)).expect("chmod");
    person.write("scripts/plain.sh", "echo effect >> /nowhere\n", 0o755);
    let ran = person.agreed(&["script.run", "--program", "plain.sh"]);
    assert!(ran.code == 2 && ran.out.contains("does not say what runs it"), "{ran:?}");
    for program in ["../scripts/open.sh", "scripts/open.sh", "./open.sh", ""] {
        assert_eq!(person.agreed(&["script.run", "--program", program]).code, 69, "{program}");
    }
    assert_eq!((person.read("effects"), person.journal().len()), (String::new(), 0), "nothing was run or written down");
}

#[test]
fn the_hash_of_the_script_is_a_part_of_what_is_agreed_to() {
    let person = Person::new();
    person.script("a.sh", "exit 0");
    let target = |ran: &Ran| ran.json()["data"]["plan"]["target"].as_str().expect("a target").to_owned();
    let before = target(&person.act(&["script.run", "--program", "a.sh", "--dry-run", "--json"]));
    person.script("a.sh", "exit 0 # changed");
    let after = target(&person.act(&["script.run", "--program", "a.sh", "--dry-run", "--json"]));
    assert!(before != after && before.contains("sha256:"), "{before} {after}");
    assert_eq!(person.journal().len(), 0, "a dry run writes nothing");
    assert!(!person.path(".local/state/ira/attempts").exists());
}

#[test]
fn a_script_for_a_metric_is_the_one_of_exactly_that_name() {
    let person = Person::new();
    for name in ["CPUUtilization#AWS%2FEC2.sh", "CPUUtilization#AWS%2FEC2x.sh", "CPU#AWS%2FEC2.sh", "EC2.sh"] {
        person.script(name, &format!("echo '{name}' \"$IRA_METRIC\" \"$IRA_NAMESPACE\" >> @/effects"));
    }
    let ran = person.agreed(&["script.by_metric", "--metric", "CPUUtilization", "--namespace", "AWS/EC2"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(person.read("effects"), "CPUUtilization#AWS%2FEC2.sh CPUUtilization AWS/EC2\n");
    for (metric, namespace) in [
        ("CPUUtil", "AWS/EC2"),
        ("cpuutilization", "AWS/EC2"),
        ("CPUUtilization", "AWS%2FEC2"),
        ("CPUUtilization#AWS%2FEC2.sh", "x"),
        ("../scripts/EC2", "AWS/EC2"),
        ("*", "AWS/EC2"),
        ("CPUUtilization\n", "AWS/EC2"),
    ] {
        let ran = person.agreed(&["script.by_metric", "--metric", metric, "--namespace", namespace]);
        assert!(ran.code == 69 && ran.out.contains("there is no script"), "{metric}: {ran:?}");
    }
    assert_eq!(person.read("effects").lines().count(), 1);
}

#[test]
#[expect(non_snake_case, reason = "the invariant's own name")]
fn I22_a_known_secret_in_what_a_script_writes_is_masked_everywhere() {
    let person = Person::new();
    person.configure("[networks.base-mainnet]\nrpc = \"env:RPC\"\n");
    person.script("leak.sh", "cat @/key; cat @/key >&2; env; exit 4");
    person.write("key", "https://rpc.example/v3/9aa3d95b3bc440fa88ea12eaa4456161\n", 0o600);
    let words = ["script.run", "--program", "leak.sh", "--yes", "--json"];
    let url = "https://rpc.example/v3/9aa3d95b3bc440fa88ea12eaa4456161";
    let ran = Ran::of(person.command(&words).env("RPC", url));
    assert_eq!(ran.code, 1, "{ran:?}");
    assert!(!format!("{ran:?}{:?}", person.journal()).contains("9aa3d95b"), "{ran:?}");
    for entry in std::fs::read_dir(person.path(".local/state/ira/attempts")).expect("there").flatten() {
        let kept = std::fs::read_to_string(entry.path()).expect("text");
        assert!(!kept.contains("9aa3d95b"), "{}: {kept}", entry.path().display());
    }
}

#[test]
fn what_it_may_write_is_confined_where_the_kernel_can() {
    let person = Person::new();
    person.script("writes.sh", "echo a > \"$HOME/own\" && echo in > @/in/file; echo out > @/out; exit 0");
    std::fs::create_dir(person.path("in")).expect("made");
    let folder = person.path("in").display().to_string();
    let ran = person.agreed(&["script.run", "--program", "writes.sh", "--writable", &folder]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let level = ran.json()["data"]["actions"][0]["confined"].as_str().expect("it is told").to_owned();
    assert_eq!(person.read("in/file"), "in\n");
    assert_eq!(person.read("out").is_empty(), level == "fully" || level == "in part", "{level}");
}

#[test]
fn the_same_script_with_other_arguments_is_another_thing() {
    let person = Person::new();
    person.script("of.sh", "echo \"$1\" >> @/effects; [ \"$1\" != web ] || while [ ! -e @/go ]; do sleep 0.05; done");
    let web = ["script.run", "--program", "of.sh", "--arg", "web"];
    let running = person.left(&web);
    wait_until("it runs", || person.read("effects") == "web\n");
    let db = person.agreed(&["script.run", "--program", "of.sh", "--arg", "db"]);
    assert_eq!((db.code, person.read("effects").as_str()), (0, "web\ndb\n"), "{db:?}");
    // The very same is refused while it goes on.
    let again = person.agreed(&web);
    assert!(again.code == 75 && again.out.contains("at work on the same thing"), "{again:?}");
    person.write("go", "", 0o600);
    assert_eq!(running.code(), Some(0));
    // What is given by a variable or on standard input counts as well; what an alert tells does not.
    let target = |more: &[&str]| {
        let words = [&["script.run", "--program", "of.sh", "--dry-run", "--json"], more].concat();
        person.act(&words).json()["data"]["plan"]["target"].as_str().expect("a target").to_owned()
    };
    person.write("alert.json", r#"{"alerts":[{"status":"firing","labels":{"alertname":"Down"}}]}"#, 0o600);
    let plain = target(&[]);
    let others = [target(&["--env", "A=1"]), target(&["--env", "A=2"]), target(&["--stdin", "a"])];
    assert!(!others.contains(&plain) && others[0] != others[1] && others[1] != others[2], "{plain} {others:?}");
    assert_eq!(target(&["--alert", "alert.json"]), plain);
}
