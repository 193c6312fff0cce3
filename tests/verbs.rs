//! `ira playbook plan`, `backtest` and `promote`, as a user runs them; and a run with a secret in everything.

#![expect(non_snake_case, reason = "named for what must hold: an invariant, a lesson")]

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::path::Path;
use std::time::SystemTime;

use crate::support::run::{Ran, ira};

/// A playbook that runs a script where a site says that it is well enough.
fn mend(port: u16, more: &str) -> String {
    format!(
        "ira: 1
playbook: mend
owner: team
mode: suggest
approve: {{ from: approver, within: 10m }}
on:
  - source: alertmanager
    match: {{ alertname: Down }}
    when: alert.labels.env == \"prod\"
    key: [alert.labels.unit]
targets: {{ unit: [web*] }}
queries:
  site: {{ do: http.check, with: {{ url: \"http://127.0.0.1:{port}/\" }}, take: status }}
guards:
  cooldown: 30m
  budget: all
  require: q.site == 200
steps:
  - id: look
    do: http.check
    with: {{ url: \"http://127.0.0.1:{port}/health\" }}
  - id: fix
    if: steps.look.out.status == 200
    do: script.run
    with: {{ program: fix.sh, arg: [$key] }}
    timeout: 30s
    caps: {{ max_targets: 1 }}
verify: {{ after: 1m, until: q.site == 200, within: 5m, hold: 4m }}
escalate: {{ to: pagerduty, deadline: 20m }}
{more}"
    )
}

const TESTS: &str = "tests:
  - name: it helps
    alert: { labels: { alertname: Down, env: prod, unit: web } }
    mock: { look: { status: 200 }, fix: ok, q.site: 200 }
    expect: { decision: run, verified: true }
  - name: it does not help
    alert: { labels: { alertname: Down, env: prod, unit: web } }
    mock: { look: { status: 200 }, fix: ok, q.site: [200, 500] }
    expect: { decision: run, verified: false, escalated: true }
";

/// A home with this playbook, a script and a budget.
fn home(book: &str) -> tempfile::TempDir {
    use std::os::unix::fs::PermissionsExt as _;
    let home = tempfile::tempdir().expect("a folder");
    let config = home.path().join(".config/ira");
    fs::create_dir_all(config.join("playbooks")).expect("made");
    fs::create_dir_all(home.path().join("scripts")).expect("made");
    fs::write(config.join("playbooks/mend.yaml"), book).expect("written");
    let scripts = home.path().join("scripts");
    let text = format!("[scripts]\nfolder = \"{}\"\n[budgets.all]\nmax = 2\nwindow = \"1h\"\n", scripts.display());
    fs::write(config.join("config.toml"), text).expect("written");
    let fix = scripts.join("fix.sh");
    fs::write(&fix, format!("#!/bin/sh\necho $1 >> {}/fixed\n", home.path().display())).expect("written");
    fs::set_permissions(&fix, fs::Permissions::from_mode(0o755)).expect("chmod");
    fs::write(home.path().join("down.json"), alert("Down", "prod", "web", 0)).expect("written");
    home
}

fn alert(name: &str, env: &str, unit: &str, minute: u64) -> String {
    format!(
        "{{\"alerts\":[{{\"status\":\"firing\",\"labels\":{{\"alertname\":\"{name}\",\"env\":\"{env}\",\"unit\":\"{unit}\"}},\
         \"startsAt\":\"2026-11-01T{:02}:{:02}:00Z\"}}]}}",
        minute / 60,
        minute % 60
    )
}

/// A site that answers 200 for as long as the test goes on.
fn site() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("asked");
            let mut asked = [0; 4096];
            let length = stream.read(&mut asked).unwrap_or(0);
            // It repeats what it was asked.
            let body = String::from_utf8_lossy(&asked[..length]).into_owned();
            let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n", body.len());
            let _nobody_may_wait = stream.write_all((head + &body).as_bytes());
        }
    });
    port
}

/// Every file below a folder, with its length and when it was changed.
fn files(folder: &Path) -> BTreeMap<String, (u64, SystemTime)> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir(folder).expect("read").flatten() {
        let (path, about) = (entry.path(), entry.metadata().expect("there"));
        if about.is_dir() {
            all.extend(files(&path));
        }
        all.insert(path.display().to_string(), (about.len(), about.modified().expect("known")));
    }
    all
}

fn playbook(home: &Path, words: &[&str]) -> Ran {
    Ran::of(ira(home).arg("playbook").args(words))
}

#[test]
fn lesson_40_a_plan_reads_the_world_and_writes_nothing_at_all() {
    let home = home(&mend(site(), ""));
    let before = files(home.path());
    let ran = playbook(home.path(), &["plan", "mend", "--alert", "down.json", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(files(home.path()), before, "not even a store was made");
    let data = &ran.json()["data"];
    assert_eq!((&data["matched"], &data["key"][0], &data["worst_seconds"]), (&true.into(), &"web".into(), &395.into()));
    let write = &data["plan"]["writes"][0];
    assert!(write["target"].as_str().expect("named").contains("fix.sh sha256:"), "{write}");
    let shown = playbook(home.path(), &["plan", "mend", "--alert", "down.json"]);
    for part in
        ["mend would run", "worst case", "= 6m35s", "budget all 1 of 2", "/health answers as it should: 200", "when "]
    {
        assert!(shown.out.contains(part), "{part}: {}", shown.out);
    }
}

#[test]
fn a_plan_offline_goes_by_what_it_is_given_and_names_what_is_missing() {
    let home = home(&mend(9, ""));
    let plan = |more: &[&str]| {
        playbook(home.path(), &[&["plan", "mend", "--alert", "down.json", "--offline", "--json"], more].concat())
    };
    let ran = plan(&["--value", "q.site=200", "--value", "look={\"status\":200}"]);
    let data = &ran.json()["data"];
    assert!(ran.code == 0 && data["offline"] == true, "{ran:?}");
    assert!(data["plan"]["writes"][0]["target"].as_str().expect("told").contains("web"), "{data}");
    let left_out = plan(&["--value", "q.site=200", "--value", "look={\"status\":500}"]).json();
    assert_eq!(left_out["data"]["plan"]["writes"].as_array().map(Vec::len), Some(0), "its condition is false");
    let ran = plan(&["--value", "q.sit=200"]);
    assert!(ran.code == 2 && ran.out.contains("did you mean `q.site`?"), "{ran:?}");
    let shown = playbook(home.path(), &["plan", "mend", "--alert", "down.json", "--offline"]);
    assert!(shown.out.contains("--value look="), "{shown:?}");
    // An alert of another, by the name of a file.
    fs::write(home.path().join("other.json"), alert("Down", "test", "web", 0)).expect("written");
    let file = home.path().join(".config/ira/playbooks/mend.yaml");
    let file = file.to_str().expect("text");
    let ran = playbook(home.path(), &["plan", file, "--alert", "other.json"]);
    assert!(ran.code == 4 && ran.out.contains("(at `when`)"), "{ran:?}");
    assert_eq!(playbook(home.path(), &["plan", "mned", "--alert", "down.json"]).code, 2);
}

#[test]
fn a_backtest_counts_what_would_have_become_of_recorded_alerts() {
    let home = home(&mend(9, "").replace("  require: q.site == 200\n", ""));
    let folder = home.path().join("alerts");
    fs::create_dir_all(&folder).expect("made");
    let alerts = [
        ("Down", "prod", "web", 0),
        ("Down", "prod", "web", 10),
        ("Down", "test", "web", 11),
        ("Up", "prod", "web", 12),
        ("Down", "prod", "web2", 13),
        ("Down", "prod", "web3", 14),
        ("Down", "prod", "db", 15),
        ("Down", "prod", "web", 100),
    ];
    for (number, (name, env, unit, minute)) in alerts.into_iter().enumerate() {
        fs::write(folder.join(format!("{number}.json")), alert(name, env, unit, minute)).expect("written");
    }
    fs::write(folder.join("8.json"), alert("Down", "prod", "web", 100)).expect("written");
    let ran = playbook(home.path(), &["backtest", "mend", "--from", "alerts", "--json"]);
    let data = &ran.json()["data"];
    assert_eq!(ran.code, 0, "{ran:?}");
    let by: Vec<&str> = data["rows"].as_array().expect("rows").iter().filter_map(|row| row["by"].as_str()).collect();
    assert_eq!(by, ["", "cooldown", "when", "match", "", "budget", "target", "", "delivery"]);
    assert_eq!((&data["decisions"]["run"], &data["denied_by"]["budget"]), (&3.into(), &1.into()));
    let table = playbook(home.path(), &["backtest", "mend", "--from", "alerts", "--wide"]);
    assert!(table.out.contains("is for 7 of 9 recorded alerts: 3 would run"), "{}", table.out);
    assert!(table.out.contains("fix: arg"), "{}", table.out);
    let ran = playbook(home.path(), &["backtest", "mend", "--from", "alerts", "--since", "10m", "--json"]);
    assert_eq!(ran.json()["data"]["alerts"], 2);
    // Those that came in are in the store.
    let none = playbook(home.path(), &["backtest", "mend"]);
    assert!(none.code == 0 && none.out.contains("There is no recorded alert in the store"), "{none:?}");
}

/// The playbook with a verify that does not take long.
fn quick(port: u16, more: &str) -> String {
    mend(port, more)
        .replace("after: 1m", "after: 1s")
        .replace("hold: 4m", "hold: 1s")
        .replace("within: 5m", "within: 5m, every: 1s")
}

#[test]
fn a_promotion_says_what_the_record_does_not_show_and_a_reason_is_written_down() {
    let port = site();
    let home = home(&quick(port, ""));
    let promote = |more: &[&str]| playbook(home.path(), &[&["promote", "mend"], more].concat());
    let record = promote(&[]);
    assert!(record.code == 0 && record.out.contains("mend stands on `suggest`."), "{record:?}");
    let ran = promote(&["--to", "approve", "--reason", "seen"]);
    assert!(ran.code == 4 && ran.out.contains("it lacks a run of it, rehearsal in tests, rehearsals"), "{ran:?}");
    let ran = Ran::of(ira(home.path()).args(["remediate", "mend", "--alert", "down.json", "--yes"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    // The plan was agreed to by hand; the file has no test of it yet.
    let ran = promote(&["--to", "approve"]);
    assert!(ran.code == 4 && ran.out.contains("it lacks rehearsal in tests."), "{ran:?}");
    assert_eq!(promote(&["--to", "suggest"]).code, 2, "it is there already");
    assert_eq!(promote(&["--to", "approve", "--reason", " "]).code, 2);
    // A script cannot be taken back: no reason lets it onto `auto` before its file says so.
    let ran = promote(&["--to", "auto", "--reason", "seen"]);
    assert!(ran.code == 4 && ran.out.contains("no reason stands for"), "{ran:?}");
    // Somebody's word stands for what the record lacks; the operator sets it.
    let ran = promote(&["--to", "approve", "--reason", "seen twice"]);
    assert!(ran.code == 0 && ran.out.contains("[playbooks.mend] mode = \"approve\""), "{ran:?}");
    let config = home.path().join(".config/ira/config.toml");
    let text = fs::read_to_string(&config).expect("there") + "[playbooks.mend]\nmode = \"approve\"\n";
    fs::write(&config, text).expect("written");
    let record = promote(&["--json"]).json();
    assert_eq!((&record["data"]["rung"], &record["data"]["record"]["verified"]), (&"approve".into(), &1.into()));
    assert_eq!(record["data"]["record"]["last_promotion"]["reason"], "seen twice");
    assert_eq!(record["data"]["record"]["last_promotion"]["not_shown"][0], "rehearsal in tests");
    let shown = Ran::of(ira(home.path()).args(["run", "show", "1", "--events"]));
    assert!(shown.out.contains("seen twice"), "{}", shown.out);
    // With its tests in it, it is another text, and has to be seen again.
    let file = home.path().join(".config/ira/playbooks/mend.yaml");
    fs::write(&file, quick(port, TESTS)).expect("written");
    assert_eq!(promote(&["--json"]).json()["data"]["record"]["verified"], 0);
}

#[test]
fn I22_lesson_35_a_secret_is_nowhere_in_the_record_of_a_run_its_log_or_what_is_made_of_it() {
    let canary = "9aa3d95b3bc440fa88ea12eaa4456161";
    let header = "secret-header: [\"Authorization: Bearer env:KEY\"], url:";
    let book = quick(site(), "").replace("url:", header);
    let home = home(&book);
    let config = home.path().join(".config/ira/config.toml");
    let text = fs::read_to_string(&config).expect("there") + "[networks.base-mainnet]\nrpc = \"env:RPC\"\n";
    fs::write(&config, text).expect("written");
    let leak = format!(
        "#!/bin/sh\necho https://rpc.example/v3/{canary}; echo {canary} >&2; echo $1 >> {}/fixed\n",
        home.path().display()
    );
    fs::write(home.path().join("scripts/fix.sh"), leak).expect("written");
    let with = |words: &[&str]| {
        let mut command = ira(home.path());
        command
            .args(words)
            .env("RPC", format!("https://rpc.example/v3/{canary}"))
            .env("KEY", canary)
            .env("IRA_LOG", "trace");
        Ran::of(&mut command)
    };
    let ran = with(&["remediate", "mend", "--alert", "down.json", "--yes", "--json"]);
    assert_eq!(fs::read_to_string(home.path().join("fixed")).expect("it ran"), "web\n", "{ran:?}");
    assert_eq!(ran.code, 0, "{ran:?}");
    let mut all = vec![ran];
    for words in [&["show", "1", "--events", "--json"][..], &["tail", "1"], &["export-test", "1"], &["list"]] {
        all.push(with(&[&["run"], words].concat()));
    }
    for ran in &all {
        assert!(!format!("{ran:?}").contains(canary), "{ran:?}");
    }
    let mut kept = 0;
    for file in files(&home.path().join(".local/state/ira")).into_keys().filter(|file| Path::new(file).is_file()) {
        let bytes = fs::read(&file).expect("read");
        assert!(!bytes.windows(canary.len()).any(|part| part == canary.as_bytes()), "{file}");
        kept += 1;
    }
    assert!(kept > 3, "the store, its log, and what the script wrote");
}
