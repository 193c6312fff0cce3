//! What a person is shown before anything is done, and what is not done.

use super::*;
use crate::support::{debian, skipped};

#[test]
fn a_site_that_is_down_is_mended_verified_held_and_said_to_be_so() {
    let desk = Desk::new("", MEND);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, 1), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded: it helped, and was seen to hold."), "{}", ran.out);
    // The plan stands before the steps, for whoever reads the log.
    let plan = ran.err.find("SiteDown (site): mend would").expect("the plan");
    let step = ran.err.find("✔ mend").expect("the step");
    assert!(plan < step && ran.err[step..].contains("✔ verify") && ran.err[step..].contains("✔ hold"), "{}", ran.err);
    assert!(ran.err.contains("now 503"), "what verify asks, before: {}", ran.err);
    let data = desk.shown(1);
    assert_eq!(data["run"]["state"], "succeeded");
    assert_eq!(data["steps"].as_array().map(Vec::len), Some(1), "{data}");
}

#[test]
fn lesson_26_an_alert_that_is_over_does_nothing_and_makes_no_record() {
    let desk = Desk::new("", MEND);
    desk.write_alert(&[("site", "resolved"), ("other", "resolved")]);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, ran.out.trim()), (0, "Nothing to do: every alert is resolved."), "{ran:?}");
    assert!(desk.ledger().is_empty() && !desk.person.path(".local/state/ira").exists());
    assert!(desk.site.asked().is_empty(), "nobody is even asked");
}

#[test]
fn without_anybody_to_ask_nothing_is_done_and_the_line_that_does_it_is_printed() {
    let desk = Desk::new("", MEND);
    let ran = desk.remediate(&[]);
    assert_eq!((ran.code, desk.ledger().len()), (3, 0), "{ran:?}");
    assert!(ran.err.contains("there is no terminal to ask at"), "{}", ran.err);
    let line = ran.out.lines().last().and_then(|line| line.strip_prefix("next: ira ")).expect("the line");
    assert_eq!(line, "remediate --alert alert.json --yes");
    let json = desk.remediate(&["--json"]);
    assert_eq!((json.code, &json.json()["success"]), (3, &json!(false)), "{json:?}");
    assert_eq!(json.json()["errors"][0]["hint"], format!("ira {line}"));
    assert!(!desk.person.path(".local/state/ira/ira.db").exists(), "no record of what was not begun");
    // It is the very line.
    let words: Vec<&str> = line.split(' ').collect();
    assert_eq!(desk.run(&words).code, 0);
    assert_eq!(desk.ledger().len(), 1);
}

#[test]
fn promise_3_a_dry_run_writes_nothing_and_asks_only_what_reads() {
    let desk = Desk::new("cooldown: 5m", MEND);
    for words in [&["--dry-run"][..], &["--mode", "suggest"], &["--mode", "observe", "--json"]] {
        let ran = desk.remediate(words);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("mend"), "{}", ran.out);
    }
    assert!(desk.ledger().is_empty() && !desk.person.path(".local/state/ira/ira.db").exists());
    assert!(desk.site.asked().iter().all(|asked| asked.method == "GET"));
    // And where there is a record, it stays as it is.
    assert_eq!(desk.remediate(&["--yes"]).code, 0);
    let before = std::fs::read(desk.person.path(".local/state/ira/ira.db-wal")).expect("the log");
    let ran = desk.remediate(&["--dry-run"]);
    assert!(ran.code == 0 && ran.out.contains("denied by the guard `cooldown`"), "{ran:?}");
    assert_eq!(std::fs::read(desk.person.path(".local/state/ira/ira.db-wal")).expect("the log"), before);
    traced(&desk);
}

/// The same under the eyes of the kernel, where that can be had.
fn traced(desk: &Desk) {
    if !debian(&["strace"]) {
        return;
    }
    let log = desk.person.path("trace");
    let mut command = Command::new("strace");
    command.args(["-f", "-qq", "-e", "trace=openat,open,creat,unlink,rename,renameat2,mkdir,connect,execve", "-o"]);
    command.arg(&log).arg(env!("CARGO_BIN_EXE_ira")).args(["remediate", "--alert", "alert.json", "--dry-run"]);
    command.env_clear().env("HOME", desk.person.home.path()).current_dir(desk.person.home.path());
    let output = command.output().expect("strace");
    let log = std::fs::read_to_string(&log).unwrap_or_default();
    if !log.contains("execve") {
        skipped("strace may not trace");
        return;
    }
    assert!(output.status.success(), "{output:?}");
    let home = desk.person.home.path().display().to_string();
    let writes = |line: &&str| {
        let opened = line.contains("open") && (line.contains("O_WRONLY") || line.contains("O_RDWR"));
        let changed = ["creat(", "unlink(", "rename", "mkdir("].iter().any(|call| line.contains(call));
        // What readers of one database tell each other is no part of it.
        (opened || changed) && line.contains(&home) && !line.contains("ira.db-")
    };
    let written: Vec<&str> = log.lines().filter(writes).collect();
    assert!(written.is_empty(), "{written:#?}");
    assert!(!log.contains("mend.sh\", ["), "no script is started");
}

#[test]
fn what_cannot_be_begun_is_said_with_what_to_do() {
    let desk = Desk::new("", MEND);
    let hint = |words: &[&str], code: i32, said: &str| {
        let ran = desk.remediate(words);
        assert_eq!(ran.code, code, "{words:?}: {ran:?}");
        assert!(ran.err.contains(said), "{words:?}: {}", ran.err);
    };
    hint(&["mendd", "--yes"], 2, "did you mean `mend`?");
    hint(&["--param", "x=1", "--yes"], 2, "there is no parameter `x`");
    hint(&["--override", "lock", "--reason", "r", "--yes"], 2, "`ira run cancel`");
    hint(&["--override", "freeze", "--reason", "r"], 2, "`ira thaw`");
    hint(&["--override", "nonsense", "--reason", "r"], 2, "one of: cooldown");
    hint(&["--override", "cooldown", "--reason", " ", "--yes"], 2, "--reason is empty");
    desk.person.write("alert.json", &alert(&[("site", "firing")]).to_string().replace("SiteDown", "Other"), 0o600);
    hint(&["--yes"], 69, "`ira playbook explain`");
    assert!(desk.ledger().is_empty() && !desk.person.path(".local/state/ira/ira.db").exists());
}

#[test]
fn what_would_do_nothing_is_not_asked_about_and_wakes_nobody() {
    let cannot = "  - id: look\n    do: systemd.status\n    with: { unit: web }\n";
    let desk = Desk::new("", &[cannot, MEND].concat());
    desk.person.configure("[budgets.web]\nmax = 9\nwindow = \"1h\"\n[systemd]\nbus = \"unix:path=/nonexistent/bus\"\n");
    let ran = desk.remediate(&[]);
    assert!(ran.code == 69 && ran.out.contains("would do nothing: `look`:"), "{ran:?}");
    let idle = MEND.replace("    do:", "    if: q.site == 200\n    do:");
    desk.playbook("", &idle);
    let ran = desk.remediate(&[]);
    assert!(ran.code == 4 && ran.out.contains("no step that changes anything is to be done"), "{ran:?}");
    desk.playbook("require: q.site == 200", MEND);
    let ran = desk.remediate(&[]);
    assert!(ran.code == 75 && ran.out.contains("--override require --reason TEXT"), "{ran:?}");
    assert!(!desk.person.path(".local/state/ira/ira.db").exists(), "a person sees it: there is nothing to record");
    let ran = desk.remediate(&["--override", "require", "--reason", "it is down, that is why", "--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (0, 1), "{ran:?}");
}

#[test]
fn I15_a_plan_that_changed_since_it_was_shown_is_not_carried_out() {
    let desk = Desk::new("", MEND);
    // The guard's query is asked before each plan is made: at the second time the script becomes another one.
    let (script, home) = (desk.person.path("scripts/mend.sh"), desk.person.home.path().to_owned());
    let looks = std::sync::atomic::AtomicUsize::new(0);
    let tampered = Api::start(move |_| {
        if looks.fetch_add(1, std::sync::atomic::Ordering::SeqCst) == 1 {
            let text = format!("#!/bin/sh\necho other >> {}/ledger\n", home.display());
            std::fs::write(&script, text).expect("written");
        }
        answer(200, &json!({}))
    });
    let text = playbook("mend", desk.site.port, "require: q.gate == 200", MEND);
    let gate = format!(
        "queries:\n  gate: {{ do: http.check, with: {{ url: \"http://127.0.0.1:{}/\" }}, take: status }}\n",
        tampered.port
    );
    desk.write_playbook(&text.replace("queries:\n", &gate));
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, desk.ledger().len()), (3, 0), "{ran:?}");
    assert!(ran.err.contains("the plan has changed, and is not carried out"), "{}", ran.err);
    assert_eq!(desk.state(1), "cancelled");
}
