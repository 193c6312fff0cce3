//! The two arms of the page, looked at in Alertmanager's own configuration; and the external switch. Fault 32.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use super::*;

/// A playbook that writes by itself, for alerts that are called `Down`.
fn mend(place: &Place) {
    let text = crate::paged::PLAYBOOK.replace("@SITE", &place.chat.url());
    place.write(".config/ira/playbooks/mend.yaml", &text.replace("@TIMEOUT", "5s").replace("@DEADLINE", "60s"));
    let script = place.home.join("scripts/mend");
    place.write("scripts/mend", &format!("#!/bin/sh\necho done >> {}\n", place.home.join("effects").display()));
    std::fs::set_permissions(script, std::fs::Permissions::from_mode(0o700)).expect("chmod");
}

fn place(home: &Path, more: &str) -> Place {
    std::fs::create_dir_all(home.join(".config/ira")).expect("made");
    std::fs::write(home.join(".config/ira/config.toml"), "").expect("written");
    let scripts = home.join("scripts").display().to_string();
    let own = format!(
        "[scripts]\nfolder = \"{scripts}\"\nrunner = \"same-user\"\n[budgets.all]\nmax = 100\nwindow = \"1h\"\n{more}"
    );
    let place = Place::at(home, "", &own);
    mend(&place);
    place
}

fn effects(place: &Place) -> usize {
    std::fs::read_to_string(place.home.join("effects")).unwrap_or_default().lines().count()
}

fn down(unit: &str) -> Value {
    json!({ "alertname": "Down", "unit": unit, "severity": "critical" })
}

#[test]
fn a_playbook_that_writes_is_loaded_where_both_arms_are_seen_and_not_before() {
    if !alerting::is_there() {
        return;
    }
    let home = tempfile::tempdir().expect("a home");
    let mut place = place(home.path(), "");
    // Alertmanager is not up yet: nothing is wrong with the configuration, and nothing is written.
    let checked = Ran::of(&mut place.command(&["daemon", "--check"]));
    assert!(checked.code == 0 && checked.err.contains("mend: not loaded before"), "{checked:?}");
    let daemon = place.daemon();
    assert!(daemon.get("/readyz").1.contains("failing arm of the alert: not seen"), "{:?}", daemon.get("/readyz"));

    // It is there, and its routes are not: what is missing is said by name.
    let bare = "route: { receiver: none }\nreceivers: [{ name: none }]\n";
    place.managed = Some(alerting::alertmanager_at(place.manager, &place.home, "am", bare));
    let ready =
        || request(place.manager, "GET /-/ready HTTP/1.1\r\nhost: l\r\nconnection: close\r\n\r\n", b"").0 == 200;
    wait_until("Alertmanager is there", ready);
    let why = |part: &str| {
        let checked = Ran::of(&mut place.command(&["daemon", "--check"]));
        assert!(checked.code == 78 && checked.err.contains(part), "{part}: {checked:?}");
    };
    why("no route takes IraRunOpen");
    let change = |config: &str| {
        place.write("am.yml", config);
        let head = "POST /-/reload HTTP/1.1\r\nhost: l\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";
        assert_eq!(request(place.manager, head, b"").0, 200, "{config}");
    };
    let printed = place.routes(&[]);
    let pairs: [(&str, &str, &str); 3] = [
        ("  receiver: ira\n", "  receiver: none\n", "no route takes Down to the webhook of ira"),
        (
            "  receiver: ira-pager\n    group_by: [alertname, unit]",
            "  receiver: none\n    group_by: [alertname, unit]",
            "no route takes Down to the pager",
        ),
        (
            "  receiver: ira-pager\n    group_by: [alertname, unit]",
            "  receiver: ira-pager\n    group_by: [alertname]",
            "grouped otherwise",
        ),
    ];
    for (right, wrong, said) in pairs {
        assert!(printed.contains(right), "{right}: {printed}");
        change(&printed.replacen(right, wrong, 1));
        why(said);
    }
    change(&printed);
    // The daemon looks again by itself.
    wait_until("both arms are seen", || daemon.get("/readyz").1.contains("ok arm of the alert: seen at"));
    place.fire(&down("web"));
    wait_until("the playbook answers", || effects(&place) == 1);
    // Somebody takes the pager's route away: told to look, it does no more.
    change(&printed.replacen(pairs[1].0, pairs[1].1, 1));
    daemon.signal("HUP");
    wait_until("it is not loaded any more", || daemon.get("/readyz").1.contains("not loaded: mend"));
    place.fire(&down("db"));
    let decided = || {
        block(place.store().inbox(100))
            .expect("read")
            .iter()
            .any(|row| row.state.starts_with("paged: the playbook mend is not loaded"))
    };
    wait_until("a person is woken in its place", decided);
    assert_eq!(effects(&place), 1);
    // The operator's word, where it cannot be seen.
    let config = std::fs::read_to_string(place.home.join(".config/ira/config.toml")).expect("a configuration");
    place.write(".config/ira/config.toml", &config.replace("[page]\n", "[page]\ndeclared = \"by a proxy of ours\"\n"));
    assert_eq!(Ran::of(&mut place.command(&["daemon", "--check"])).code, 0);
    drop(place.managed.take());
    daemon.signal("HUP");
    wait_until("it is taken at their word", || {
        daemon.get("/readyz").1.contains("declared, not seen: by a proxy of ours")
    });
    assert_eq!(daemon.end(), Some(0));
}

/// A way to a port that can be cut.
struct Way {
    port: u16,
    cut: Arc<AtomicBool>,
}

impl Way {
    fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("loopback");
        let cut = Arc::new(AtomicBool::new(false));
        let (own, seen) = (listener.local_addr().expect("bound").port(), Arc::clone(&cut));
        std::thread::spawn(move || {
            for mut from in listener.incoming().flatten() {
                let seen = Arc::clone(&seen);
                std::thread::spawn(move || {
                    // One request, one answer; what is cut says nothing.
                    let _ended = from.set_read_timeout(Some(Duration::from_millis(300)));
                    let mut asked = Vec::new();
                    let _read = from.read_to_end(&mut asked);
                    if seen.load(Ordering::SeqCst) {
                        return;
                    }
                    let Ok(mut on) = TcpStream::connect(("127.0.0.1", port)) else { return };
                    let _set = on.set_read_timeout(Some(Duration::from_secs(2)));
                    let mut answer = [0; 4096];
                    if on.write_all(&asked).is_ok()
                        && let Ok(length) = on.read(&mut answer)
                    {
                        let _told = from.write_all(&answer[..length]);
                    }
                });
            }
        });
        Self { port: own, cut }
    }
}

#[test]
fn fault_32_what_is_cut_between_alertmanager_and_ira_has_the_alerts_arm_page_and_the_heartbeat_stop() {
    if !alerting::is_there() {
        return;
    }
    let switch = Api::start(|_| with(200, &[], b"OK"));
    let home = tempfile::tempdir().expect("a home");
    let more = format!("[heartbeat]\nurl = \"{}/beat\"\nevery = \"1s\"\nwatchdog = \"6s\"\n", switch.url());
    let mut place = place(home.path(), &more);
    let way = Way::to(place.listen);
    let (listen, through) = (format!("127.0.0.1:{}/", place.listen), format!("127.0.0.1:{}/", way.port));
    place.manage(&[(&listen, &through), ("group_wait: 60s", "group_wait: 3s")]);
    let daemon = place.daemon();
    place.fire(&json!({ "alertname": "Watchdog", "severity": "none" }));
    wait_until("all is well", || switch.asked().len() > 7);
    assert!(block(place.store().inbox(10)).expect("read").is_empty(), "the watchdog is no alert");

    way.cut.store(true, Ordering::SeqCst);
    let held = || daemon.get("/metrics").1.contains("ira_heartbeats_total{outcome=\"held\"}");
    wait_until("the switch is not told any more", held);
    let told = switch.asked().len();
    place.fire(&down("web"));
    wait_until("the pager's route pages", || place.triggered_by("Alertmanager") == 1);
    assert_eq!((switch.asked().len(), place.triggered_by("ira"), effects(&place)), (told, 0, 0));
    assert_eq!(daemon.get("/healthz").0, 200, "it lives, and knows nothing of it");

    way.cut.store(false, Ordering::SeqCst);
    wait_until("it comes through again", || effects(&place) == 1);
    wait_until("all is well again", || switch.asked().len() > told);
    assert_eq!(daemon.end(), Some(0));
}
