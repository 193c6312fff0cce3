//! `daemon.url`: who asks by hand beside a daemon asks it, and has its guards, locks and budgets.

use sha2::{Digest as _, Sha256};

use super::*;

/// Whoever may do most of it, and whoever may only look.
const OPERATOR: &str = "0p3rat0r+T0k3n";
const VIEWER: &str = "v13w3r+T0k3n";
const ADMIN: &str = "adm1n+T0k3n";

fn hash(token: &str) -> String {
    ira_commands::units::digits(&Sha256::digest(token.as_bytes()))
}

/// A host with users, and a daemon on it.
fn asked(more: &str) -> (Host, Daemon) {
    let users = [("mila", OPERATOR, "operator"), ("vic", VIEWER, "viewer"), ("ada", ADMIN, "admin")];
    let one = |(name, token, role): &(&str, &str, &str)| {
        format!("[users.{name}]\ntoken = \"sha256:{}\"\nrole = \"{role}\"\n", hash(token))
    };
    let users = users.iter().map(one).collect::<Vec<_>>().concat();
    let host = Host::with(&format!("{users}{more}"));
    let daemon = host.start_with(&["--admin", "127.0.0.1:0"]);
    host.write("alert.json", &message(&["web"], "firing", 1).to_string(), 0o600);
    (host, daemon)
}

/// `ira`, on a machine that has nothing but the daemon's address and a token.
fn far(host: &Host, daemon: &Daemon, token: &str, words: &[&str]) -> Ran {
    far_at(host, &format!("http://127.0.0.1:{}", daemon.admin), token, "", words)
}

fn far_at(host: &Host, url: &str, token: &str, more: &str, words: &[&str]) -> Ran {
    let config = format!("[daemon]\nurl = \"{url}\"\ntoken = \"env:MINE\"\n{more}");
    host.write("far/config.toml", &config, 0o600);
    host.write("far/.keep", "", 0o600);
    let home = host.path("far");
    let mut command = ira(&home);
    command.env("MINE", token).args(words).arg("--config").arg(home.join("config.toml"));
    Ran::of(&mut command)
}

#[test]
fn a_loaded_playbook_is_planned_agreed_to_and_run_by_the_daemon() {
    let (host, daemon) = asked("");
    host.script("echo done >> @/effects");
    let alert = host.path("alert.json").display().to_string();
    let ask = |token, more: &[&str]| far(&host, &daemon, token, &[&["remediate", "--alert", &alert], more].concat());
    let plan = ask(OPERATOR, &[]);
    assert_eq!(plan.code, 3, "{plan:?}");
    assert!(plan.out.contains("shared with the daemon") && plan.err.contains("asked of the daemon"), "{plan:?}");
    assert!(plan.err.contains("has to be confirmed") && host.runs().is_empty() && host.effects() == 0, "{plan:?}");
    let dry = ask(OPERATOR, &["--dry-run"]);
    assert_eq!((dry.code, host.runs().len()), (0, 0), "{dry:?}");
    let done = ask(OPERATOR, &["--yes"]);
    assert!(done.code == 0 && done.out.contains("succeeded"), "{done:?}\n{}", host.log());
    let runs = host.runs();
    assert_eq!((runs.len(), runs[0].by.as_str(), host.effects()), (1, "mila", 1), "under the name of the token");
    assert!(host.woken().is_empty(), "a person was there: {:?}", host.woken());
    assert!(!host.path("far/.local").exists(), "nothing is kept where it was asked");
    for (token, code, said) in [(VIEWER, 1, "operator"), ("nobody's", 69, "401")] {
        let refused = ask(token, &["--yes"]);
        assert!(refused.code != 0 && !refused.err.contains(token), "{refused:?}");
        assert!(refused.err.contains(said) || refused.code == code, "{refused:?}");
    }
    let other = far(&host, &daemon, OPERATOR, &["remediate", "nothing", "--alert", &alert, "--yes"]);
    assert!(other.code == 2 && other.err.contains("no playbook `nothing` is loaded"), "{other:?}");
    assert_eq!(host.effects(), 1);
}

#[test]
fn freezes_and_runs_are_the_daemons_and_every_word_has_its_name() {
    let (host, daemon) = asked("");
    let frozen = far(&host, &daemon, OPERATOR, &["freeze", "--reason", "a test"]);
    assert!(frozen.code == 0 && frozen.out.contains("frozen"), "{frozen:?}");
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it is denied", || host.runs().first().is_some_and(|run| run.state.terminal()));
    assert_eq!((host.runs()[0].state.word(), host.effects()), ("escalated", 0), "nobody is there: a person is woken");
    let list = far(&host, &daemon, VIEWER, &["run", "list", "--json"]);
    assert!(list.code == 0 && list.json()["success"] == true && list.out.contains("mend"), "{list:?}");
    assert_ne!(far(&host, &daemon, VIEWER, &["thaw"]).code, 0, "who looks thaws nothing");
    assert_eq!(far(&host, &daemon, OPERATOR, &["thaw"]).code, 0);
    assert_eq!(daemon.post(&message(&["db"], "firing", 1)), 200);
    wait_until("it is answered", || host.runs().len() == 2 && host.runs()[0].state.terminal());
    assert_eq!(host.effects(), 1);
    let tail = far(&host, &daemon, VIEWER, &["run", "tail", "2"]);
    assert!(tail.code == 0 && tail.err.contains("is begun"), "{tail:?}");
    let none = far(&host, &daemon, OPERATOR, &["run", "cancel", "7"]);
    assert!(none.code == 2 && none.err.contains("no run 7"), "{none:?}");
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_plan_that_is_asked_about_is_agreed_to_by_somebody_else() {
    let (host, daemon) = asked("");
    host.playbook("mend", &host.mend("2s", "60s").replace("within: 10m }", "within: 10m, second_person: true }"));
    daemon.signal("HUP");
    wait_until("it is loaded", || host.log().contains("reloaded:"));
    let alert = host.path("alert.json").display().to_string();
    std::thread::scope(|scope| {
        let asks = scope.spawn(|| far(&host, &daemon, OPERATOR, &["remediate", "--alert", &alert, "--yes"]));
        wait_until("it asks", || host.runs().first().is_some_and(|run| run.state.word().contains("approval")));
        let plan = host.runs()[0].plan_hash.clone().expect("a plan");
        // The client's file is the same for both: they are asked one after the other.
        let yes = |token: &str| {
            let body = json!({ "ask": { "run": { "approve": { "run": 1, "plan": plan } } } }).to_string();
            post(daemon.admin, "/api/v1", Some(token), body.as_bytes())
        };
        assert!(yes(OPERATOR).1.contains("somebody else has to agree"), "{:?}", yes(OPERATOR));
        assert!(yes(ADMIN).1.contains("agreed to"));
        let done = asks.join().expect("it ends");
        assert!(done.code == 0 && done.out.contains("succeeded"), "{done:?}");
    });
    assert_eq!(host.effects(), 1);
}

#[test]
fn what_is_written_by_hand_takes_leave_of_the_daemon() {
    let (host, daemon) = asked("");
    let folder = host.path("scripts").display().to_string();
    let admin = daemon.admin;
    let act = || {
        let more = format!("[scripts]\nfolder = \"{folder}\"\n");
        let url = format!("http://127.0.0.1:{admin}");
        far_at(&host, &url, OPERATOR, &more, &["act", "script.run", "--program", "mend", "--yes"])
    };
    let done = act();
    assert!(done.code == 0 && host.effects() == 1, "{done:?}\n{}", host.log());
    let permits = host.runs();
    assert_eq!((permits[0].by.as_str(), permits[0].state.word()), ("mila", "succeeded"), "{permits:?}");
    assert_eq!(far(&host, &daemon, OPERATOR, &["freeze", "--reason", "a test"]).code, 0);
    let frozen = act();
    assert!(frozen.code == 75 && host.effects() == 1, "{frozen:?}");
    assert!(host.runs().iter().all(|run| run.state.terminal()), "a permit that was denied is over");
    daemon.kill();
    let alone = act();
    assert!(alone.code == 69 && alone.err.contains("nothing is done without the daemon"), "{alone:?}");
    assert_eq!(host.effects(), 1, "it never falls back");
}

#[test]
fn no_command_comes_over_the_network_and_no_token_goes_in_the_clear() {
    let (host, daemon) = asked("");
    for body in [
        json!({ "ask": { "act": { "do": "script.run", "with": { "program": "mend" } } } }),
        json!({ "ask": { "remediate": { "args": {}, "alert": "", "do": "script.run" } } }),
        json!({ "do": "script.run" }),
        json!([]),
    ] {
        let (code, said) = post(daemon.admin, "/api/v1", Some(ADMIN), body.to_string().as_bytes());
        assert_eq!(code, 400, "{said}");
    }
    let ask = json!({ "ask": { "run": { "list": { "active": false, "orphans": false, "max": 9 } } } }).to_string();
    assert_eq!(post(daemon.admin, "/api/v1", None, ask.as_bytes()).0, 401);
    assert_eq!(post(daemon.admin, "/api/v1", Some("x"), ask.as_bytes()).0, 401);
    assert_eq!(post(daemon.port, "/api/v1", Some(ADMIN), ask.as_bytes()).0, 404, "not where alerts come in");
    assert_eq!(daemon.get("/api/v1").0, 405);
    let clear = far_at(&host, "http://ira.example:9098", OPERATOR, "", &["run", "list"]);
    assert!(clear.code == 78 && clear.err.contains("in the clear"), "{clear:?}");
    let nothing = far_at(&host, "http://127.0.0.1:9", OPERATOR, "", &["run", "list"]);
    assert_eq!(nothing.code, 69, "{nothing:?}");
    assert!(host.runs().is_empty() && host.effects() == 0);
}

#[test]
fn permits_lock_what_they_are_for_and_count_against_their_budget() {
    let (host, daemon) = asked("[budgets.hand]\nmax = 2\nwindow = \"1h\"\n");
    let ask = |ask: Value| -> Value {
        let (code, said) = post(daemon.admin, "/api/v1", Some(OPERATOR), json!({ "ask": ask }).to_string().as_bytes());
        assert_eq!(code, 200, "{said}");
        serde_json::from_str(said.split("\r\n\r\n").nth(1).expect("a body")).expect("JSON")
    };
    let permit = |key: &str| ask(json!({ "permit": { "title": "by hand", "keys": [key], "seconds": 60 } }));
    let ended = |permit: &Value| ask(json!({ "permitted": { "permit": permit["permit"], "done": true, "note": "" } }));
    let first = permit("web");
    assert!(first["permit"].is_u64() && first["code"] == 0, "{first}");
    let second = permit("web");
    assert!(second["code"] == 75 && second["aside"].to_string().contains("lock"), "one at a time: {second}");
    // What the daemon does by itself about the same thing waits or is refused, too.
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("it is decided", || host.all_decided());
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(host.effects(), 0, "{:?}", host.runs());
    assert_eq!(ended(&first)["code"], 0);
    let third = permit("db");
    assert_eq!(third["code"], 0, "{third}");
    assert_eq!((&ended(&third)["code"], &ended(&third)["code"]), (&json!(0), &json!(0)), "said twice is said once");
    let fourth = permit("app");
    assert!(fourth["code"] == 75 && fourth["aside"].to_string().contains("budget"), "{fourth}");
    assert_eq!(ended(&json!({ "permit": 99 }))["code"], 2, "not one of theirs");
}
