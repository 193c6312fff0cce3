//! The daemon under the units that it prints, on a real systemd, as a user who may do nothing else. Faults 5, 20, 27.

use std::path::PathBuf;

use super::*;
use crate::host::bed::Bed;

/// The daemon's own folder, as it is called inside.
const STATE: &str = "/var/lib/ira";

struct Unit {
    bed: Bed,
    host: Host,
    port: u16,
}

/// The shipped units, started, with this script; none where no systemd can be had.
fn unit(test: &str, script: &str, timeout: &str) -> Option<Unit> {
    let host = Host::new();
    let port = crate::support::bed::free_port();
    let playbook = host.mend(timeout, "120s");
    let config = format!(
        "store = \"sqlite:{STATE}/ira.db\"\n[daemon]\nlisten = \"127.0.0.1:{port}\"\n\
         [sources.alertmanager]\nkind = \"alertmanager\"\ntoken = \"credential:token\"\n\
         [page]\nrouting_key = \"credential:routing-key\"\nurl = \"{}\"\ndeclared = \"by this test\"\n\
         [alertmanager]\nurls = \"{}\"\nsettle = \"0s\"\n[scripts]\nfolder = \"/etc/ira/scripts\"\nrunner = \"same-user\"\n\
         [budgets.all]\nmax = 100\nwindow = \"1h\"\n",
        host.pager.url(),
        host.firing.url()
    );
    host.write(".config/ira/config.toml", &config, 0o600);
    let file = host.path(".config/ira/config.toml").display().to_string();
    host.write("credentials/token", TOKEN, 0o600);
    host.write("credentials/routing-key", CANARY, 0o600);
    let mut command = host.command(&["daemon", "--unit", "--config", &file]);
    let printed = Ran::of(command.env("CREDENTIALS_DIRECTORY", host.path("credentials")));
    assert_eq!(printed.code, 0, "{printed:?}");
    // Only where the binary and the configuration are, and whose loopback it is, is this test's own.
    let own = printed
        .out
        .replace(&file, "/etc/ira/config.toml")
        .replace(env!("CARGO_BIN_EXE_ira"), "/usr/bin/ira")
        .replace("[Service]\n", "[Service]\nNetworkNamespacePath=/run/outside\nStandardError=append:/run/ira.log\n");
    let bed = Bed::start(test)?;
    let unit = Unit { bed, host, port };
    let units = own.split("# /etc/systemd/system/").skip(1).filter_map(|part| part.split_once('\n'));
    for (name, text) in units {
        // What follows for others than systemd is no part of it.
        let text = text.split("\n// /etc/").next().unwrap_or_default();
        unit.put(&format!("/etc/systemd/system/{name}"), text.as_bytes(), 0o644);
    }
    assert!(unit.bed.inside("/etc/systemd/system/ira.service").exists(), "{own}");
    unit.put("/usr/bin/ira", &std::fs::read(env!("CARGO_BIN_EXE_ira")).expect("the binary"), 0o755);
    for (file, line) in
        [("/etc/passwd", "ira:x:990:990::/var/lib/ira:/usr/sbin/nologin\n"), ("/etc/group", "ira:x:990:\n")]
    {
        let before = std::fs::read_to_string(unit.bed.inside(file)).expect("read");
        unit.put(file, (before + line).as_bytes(), 0o644);
    }
    unit.put("/etc/ira/config.toml", config.as_bytes(), 0o644);
    unit.put("/etc/ira/playbooks/mend.yaml", playbook.as_bytes(), 0o644);
    unit.put("/etc/ira/credentials/token", TOKEN.as_bytes(), 0o600);
    unit.put("/etc/ira/credentials/routing-key", CANARY.as_bytes(), 0o600);
    unit.put("/etc/ira/scripts/mend", format!("#!/bin/sh\ncd {STATE}\n{script}\n").as_bytes(), 0o755);
    unit.bed.systemctl(&["daemon-reload"]);
    unit.bed.systemctl(&["start", "ira"]);
    assert_eq!(unit.bed.property("ira", "ActiveState"), "active", "{}", unit.said());
    Some(unit)
}

impl Unit {
    fn put(&self, path: &str, what: &[u8], mode: u32) {
        let path = self.bed.inside(path);
        std::fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        std::fs::write(&path, what).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(mode)).expect("chmod");
    }

    fn kept(&self, name: &str) -> PathBuf {
        self.bed.inside(&format!("{STATE}/{name}"))
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = std::fs::read_to_string(self.kept(name)).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    fn said(&self) -> String {
        let words = ["status", "--no-pager", "-l", "-n", "50", "ira", "ira-failed"];
        let log = std::fs::read_to_string(self.bed.inside("/run/ira.log")).unwrap_or_default();
        format!("{}\n{log}", self.bed.systemctl(&words))
    }

    fn post(&self, unit: &str) -> u16 {
        post(self.port, "/alertmanager", Some(TOKEN), message(&[unit], "firing", 1).to_string().as_bytes()).0
    }

    fn pid(&self) -> String {
        self.bed.property("ira", "MainPID")
    }

    /// As `kill -9` does, and systemd starts it again.
    fn kill(&self) {
        let before = self.pid();
        self.bed.systemctl(&["kill", "--kill-who=main", "-s", "KILL", "ira"]);
        let again = || {
            let now = self.pid();
            now != "0" && now != before && self.bed.property("ira", "ActiveState") == "active"
        };
        wait_until("systemd starts it again", again);
    }

    fn runs(&self) -> Vec<Run> {
        // Read from a copy: the daemon's own files are not this user's to write beside.
        let folder = tempfile::tempdir().expect("a folder");
        for end in ["", "-wal"] {
            let from = self.kept(&format!("ira.db{end}"));
            if from.exists() {
                std::fs::copy(from, folder.path().join(format!("ira.db{end}"))).expect("copied");
            }
        }
        let Ok(store) = Sqlite::open(&folder.path().join("ira.db"), Options::default()) else { return Vec::new() };
        block(store.runs(Filter::All)).unwrap_or_default()
    }

    fn ends(&self, word: &str) {
        let is = || self.runs().first().is_some_and(|run| run.state.word() == word);
        let begun = std::time::Instant::now();
        while !is() {
            assert!(begun.elapsed() < Duration::from_secs(60), "{word}: {:?}\n{}", self.runs(), self.said());
            std::thread::sleep(Duration::from_millis(200));
        }
    }
}

#[test]
fn fault_5_under_the_shipped_unit_a_script_outlives_a_daemon_that_is_no_root_and_is_done_once() {
    let test = "fault_5_under_the_shipped_unit_a_script_outlives_a_daemon_that_is_no_root_and_is_done_once";
    let Some(unit) = unit(test, "id -un >> who; echo begun >> begun; sleep 5; echo done >> effects", "40s") else {
        return;
    };
    assert_eq!(unit.post("web"), 200, "{}", unit.said());
    wait_until("it has begun", || !unit.lines("begun").is_empty());
    unit.kill();
    unit.ends("succeeded");
    assert_eq!((unit.lines("begun").len(), unit.lines("effects").len()), (1, 1), "once");
    assert_eq!(unit.lines("who"), ["ira"], "no root");
    // So does a restart that is asked for.
    assert_eq!(unit.post("db"), 200);
    wait_until("it has begun", || unit.lines("begun").len() == 2);
    unit.bed.systemctl(&["restart", "ira"]);
    wait_until("it is waited for", || unit.runs().iter().filter(|run| run.state.word() == "succeeded").count() == 2);
    assert_eq!((unit.lines("begun").len(), unit.lines("effects").len()), (2, 2), "once each");
    assert!(unit.host.woken().is_empty(), "{:?}", unit.host.woken());
}

#[test]
fn fault_20_under_the_shipped_unit_a_crash_loop_wakes_somebody_at_the_third_end() {
    let test = "fault_20_under_the_shipped_unit_a_crash_loop_wakes_somebody_at_the_third_end";
    let Some(unit) = unit(test, "echo done >> effects", "5s") else { return };
    for _ in 0..2 {
        unit.kill();
    }
    assert!(unit.host.woken().is_empty(), "{:?}", unit.host.woken());
    unit.kill();
    wait_until("somebody is woken", || unit.host.woken().iter().any(|key| key.ends_with(":daemon")));
    // It works all the same, and an end that is asked for is none.
    assert_eq!(unit.post("web"), 200);
    unit.ends("succeeded");
    unit.bed.systemctl(&["stop", "ira"]);
    assert_eq!(unit.bed.property("ira", "ActiveState"), "inactive");
    assert_eq!(unit.host.woken().len(), 1, "{:?}", unit.host.woken());
}

#[test]
fn fault_27_under_the_shipped_unit_every_descendant_of_a_script_ends_at_its_deadline() {
    let test = "fault_27_under_the_shipped_unit_every_descendant_of_a_script_ends_at_its_deadline";
    // One that is no child any more, hears no TERM, and says more than anybody reads.
    let script = "echo begun >> begun\n\
                  setsid sh -c 'trap \"\" TERM HUP; while :; do date +%s.%N >> alive; sleep 0.2; done' &\n\
                  trap '' TERM; while :; do echo flood flood flood flood flood flood; done";
    let Some(unit) = unit(test, script, "3s") else { return };
    assert_eq!(unit.post("web"), 200, "{}", unit.said());
    wait_until("both live", || unit.lines("alive").len() > 3);
    wait_until("somebody is asked", || !unit.host.woken().is_empty());
    unit.ends("needs_human");
    let lived = unit.lines("alive").len();
    std::thread::sleep(Duration::from_secs(1));
    assert_eq!(unit.lines("alive").len(), lived, "none of them lives on");
    assert_eq!(unit.lines("begun").len(), 1, "it is not run again");
    let size: u64 = std::fs::read_dir(unit.kept(""))
        .expect("its folder")
        .flatten()
        .filter_map(|one| one.metadata().ok())
        .map(|one| one.len())
        .sum();
    assert!(size < 32 << 20, "what it said is cut: {size} bytes");
    assert_eq!(unit.bed.property("ira", "ActiveState"), "active");
}
