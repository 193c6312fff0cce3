//! The runner: scripts as a user of their own, for the daemon's user alone.

use std::os::unix::net::UnixStream;

use super::*;

/// A runner that runs; killed where the test does not end it.
struct Runner(Child);

impl Drop for Runner {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Runner {
    fn start(host: &Host, user: &str) -> Self {
        std::fs::create_dir_all(host.path("run")).expect("a folder");
        let mut command = host.command(&["daemon", "--runner", user]);
        // It has its own state, and none of the daemon's secrets.
        command.env_remove("KEY").env_remove("TOKEN").env("XDG_STATE_HOME", host.path("runner-state"));
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("it starts");
        let mut line = String::new();
        BufReader::new(child.stdout.take().expect("piped")).read_line(&mut line).expect("read");
        assert!(line.starts_with("ready: "), "{line}");
        Self(child)
    }

    fn end(mut self) {
        let pid = self.0.id().to_string();
        assert!(Command::new("kill").args(["-TERM", &pid]).status().expect("kill").success());
        assert_eq!(self.0.wait().expect("it ends").code(), Some(0));
    }
}

/// A host whose daemon has scripts run by a runner.
fn host() -> Host {
    let host = Host::new();
    let config = std::fs::read_to_string(host.path(".config/ira/config.toml")).expect("there");
    let socket = host.path("run/socket").display().to_string();
    host.write(".config/ira/config.toml", &config.replace("same-user", &socket), 0o600);
    host
}

fn me() -> String {
    rustix::process::geteuid().as_raw().to_string()
}

#[test]
fn fault_5_a_script_outlives_its_runner_and_the_daemon_and_is_found_by_the_next() {
    let host = host();
    host.script("echo $HOME > @/began; sleep 3; echo done >> @/effects");
    host.playbook("mend", &host.mend("30s", "120s"));
    let runner = Runner::start(&host, &me());
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("the script runs", || host.path("began").exists());
    let home = std::fs::read_to_string(host.path("began")).expect("there");
    assert!(home.contains("runner-state"), "it is the runner's: {home}");
    runner.end();
    daemon.kill();
    assert_eq!(host.effects(), 0, "it is still under way");
    let _runner = Runner::start(&host, &me());
    let daemon = host.start();
    wait_until("the run ends", || !host.runs_beside().is_empty());
    let run = host.runs().remove(0);
    assert_eq!((run.state.word(), host.effects()), ("succeeded", 1), "{run:?}\n{}", host.log());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn a_runner_that_is_restarted_is_waited_for_by_the_daemon_that_has_the_run() {
    let host = host();
    host.script("echo begun > @/began; sleep 2; echo done >> @/effects");
    host.playbook("mend", &host.mend("30s", "120s"));
    let runner = Runner::start(&host, &me());
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("the script runs", || host.path("began").exists());
    drop(runner);
    let _runner = Runner::start(&host, &me());
    wait_until("the run ends", || !host.runs_beside().is_empty());
    assert_eq!((host.runs()[0].state.word(), host.effects()), ("succeeded", 1), "{}", host.log());
    assert_eq!(daemon.end(), Some(0));
}

#[test]
fn it_serves_one_user_alone_and_runs_what_stands_in_its_folder() {
    let host = host();
    let ask = |question: &str| {
        let mut stream = UnixStream::connect(host.path("run/socket")).expect("it listens");
        stream.write_all(format!("{question}\n").as_bytes()).expect("sent");
        let mut said = String::new();
        stream.read_to_string(&mut said).expect("answered");
        said
    };
    let runner = Runner::start(&host, "12345");
    let said = ask("\"hello\"");
    assert!(said.contains("serves user 12345 alone"), "{said}");
    let doctor = host.ira(&["doctor", "--json"]);
    assert!(doctor.code == 69 && doctor.out.contains("serves user 12345 alone"), "{doctor:?}");
    drop(runner);
    let _runner = Runner::start(&host, &me());
    assert!(ask("\"hello\"").contains("version"));
    let bad = ask("{\"run\":\"/bin/sh\"}");
    assert!(bad.contains("cannot be read"), "{bad}");
    host.write("elsewhere/mend", "#!/bin/sh\necho done >> effects\n", 0o755);
    let start = |path: &str, sha256: &str| {
        let file = json!({ "path": path, "sha256": sha256 });
        let order = json!({ "attempt": "a1", "file": file, "args": [], "env": [], "stdin": null, "timeout": 5, "writable": [] });
        ask(&json!({ "start": order }).to_string())
    };
    let path = host.path("elsewhere/mend").canonicalize().expect("there").display().to_string();
    assert!(start(&path, "00").contains("is not among the runner's scripts"));
    let path = host.path("scripts/mend").canonicalize().expect("there").display().to_string();
    assert!(start(&path, "00").contains("has changed since"), "another content than was looked at");
    assert_eq!(host.effects(), 0);
}

#[test]
fn without_a_word_about_who_runs_them_a_playbook_with_scripts_is_not_loaded() {
    let host = host();
    let config = std::fs::read_to_string(host.path(".config/ira/config.toml")).expect("there");
    let without: String =
        config.lines().filter(|line| !line.starts_with("runner")).flat_map(|line| [line, "\n"]).collect();
    host.write(".config/ira/config.toml", &without, 0o600);
    let checked = host.ira(&["daemon", "--check"]);
    assert!(checked.code == 78 && checked.err.contains("nothing says as whom"), "{checked:?}");
    // A runner that is not there is no reason to run them as the daemon.
    host.write(".config/ira/config.toml", &config, 0o600);
    let daemon = host.start();
    assert_eq!(daemon.post(&message(&["web"], "firing", 1)), 200);
    wait_until("somebody is woken", || !host.woken().is_empty());
    assert_eq!(host.effects(), 0);
    assert_eq!(daemon.end(), Some(0));
}
