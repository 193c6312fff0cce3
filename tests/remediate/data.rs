//! The playbooks for databases and caches that ship, against real ones.

use std::time::Duration;

use super::*;
use crate::data::bed::{Postgres, Redis};
use crate::data::proxy::{Flag, Pass, before};
use crate::data::{CANARY, configure, policy};
use crate::people::api::{Api, json as answer};

/// A playbook that ships, in a hurry.
fn hurried(text: &str, more: &[(&str, &str)]) -> String {
    let hurry = [
        ("hold: 5m", "hold: 2s"),
        ("within: 5m", "within: 4s"),
        ("within: 3m", "within: 4s"),
        ("every: 15s", "every: 1s"),
    ];
    hurry.iter().chain(more).fold(text.to_owned(), |text, (slow, fast)| text.replace(slow, fast))
}

fn write_alert(desk: &Desk, labels: &Value) {
    let mut body = alert(&[("shop", "firing")]);
    body["alerts"][0]["labels"] = labels.clone();
    desk.person.write("alert.json", &body.to_string(), 0o600);
}

/// A desk for a server with room for 37, and `port` in front of it.
fn pool_desk(bed: &Postgres, port: u16) -> Desk {
    let desk = Desk::new("", MEND);
    desk.person.write("secret", CANARY, 0o600);
    let text = hurried(
        include_str!("../../commands/playbooks/connection-pool.yaml"),
        &[("after: 30s", "after: 1s"), ("{ for: 5s }", "{ for: 1s }")],
    );
    desk.person.write(".config/ira/playbooks/mend.yaml", &text, 0o600);
    configure(
        &desk.person,
        &format!(
            "[budgets.databases]\nmax = 9\nwindow = \"1h\"\n{}[playbooks.connection-pool]\n\
             targets = {{ database = [\"shop\"] }}\nparams = {{ idle = \"1s\", raise = \"postgres\" }}\n",
            Postgres::table(port)
        ),
    );
    for action in ["postgres.terminate_idle", "postgres.set"] {
        bed.grant(&policy(&desk.person, action));
    }
    write_alert(
        &desk,
        &json!({ "alertname": "DatabaseConnectionPoolExhaustion", "database": "shop", "severity": "critical" }),
    );
    desk
}

#[test]
fn connection_pool_closes_what_idles_and_is_seen_to_hold() {
    let Some(bed) = Postgres::start(40) else { return };
    let desk = pool_desk(&bed, bed.port);
    let idle = bed.sessions("app", "web", 35);
    std::thread::sleep(Duration::from_millis(2_200));
    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("close 35 connections"), "{plan:?}");
    assert!(!bed.log().contains("pg_terminate_backend") && bed.count("web") == 35, "a dry run touches nothing");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.count("web")), (0, 0), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded"), "{}", ran.out);
    assert!(!bed.log().contains("ALTER SYSTEM SET"), "what was enough is enough");
    assert!(!ran.out.contains(CANARY) && !desk.shown(1).to_string().contains(CANARY));
    drop(idle);
}

#[test]
fn connection_pool_hands_what_does_not_help_to_a_person() {
    let Some(bed) = Postgres::start(40) else { return };
    let desk = pool_desk(&bed, bed.port);
    let busy = bed.sessions("app", "web", 35);
    busy.say("BEGIN");
    std::thread::sleep(Duration::from_millis(2_200));
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.count("web")), (4, 35), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 was handed to a person: it did not help"), "{}", ran.out);
    // The limit was raised by half, which counts at the next start: that is said, and how it is taken back.
    let written = bed.sql("SELECT setting FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'");
    assert_eq!(written, "60", "{}", ran.out);
    assert_eq!(bed.sql("SHOW max_connections"), "40");
    drop(busy);
}

#[test]
fn fault_1_killed_while_connections_are_closed_it_goes_on_and_closes_them() {
    let Some(bed) = Postgres::start(40) else { return };
    let sent = Flag::default();
    let seen = sent.clone();
    let port = before(bed.port, move |said| {
        if said.contains("pg_terminate_backend(") && !seen.is_set() {
            seen.set();
            return Pass::Swallow;
        }
        Pass::On
    });
    let desk = pool_desk(&bed, port);
    let idle = bed.sessions("app", "web", 35);
    std::thread::sleep(Duration::from_millis(2_200));
    let running = desk.left();
    wait_until("it was asked to close one", || sent.is_set());
    running.kill();
    assert_eq!(bed.count("web"), 35);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, bed.count("web")), (0, 0), "{resumed:?}");
    drop(idle);
}

/// A desk for a cache, and a site whose pages fill it, if it is of any use.
fn cache_desk(bed: &Redis, useful: bool) -> (Desk, Api) {
    let port = bed.port;
    let site = Api::start(move |_| {
        if useful {
            let filled =
                Command::new("redis-cli").args(["-p", &port.to_string(), "SET", "front", "page", "EX", "60"]).output();
            assert!(filled.is_ok());
        }
        answer(200, &json!({}))
    });
    let desk = Desk::new("", MEND);
    desk.person.write("secret", CANARY, 0o600);
    let text = hurried(
        include_str!("../../commands/playbooks/cache-degraded.yaml"),
        &[("after: 60s", "after: 1s"), ("default: 10s", "default: 1s")],
    );
    desk.person.write(".config/ira/playbooks/mend.yaml", &text, 0o600);
    let url = format!("http://127.0.0.1:{}/front", site.port);
    configure(
        &desk.person,
        &format!(
            "[budgets.caches]\nmax = 9\nwindow = \"1h\"\n{}[playbooks.cache-degraded]\n\
             targets = {{ cache = [\"pages\"] }}\nparams = {{ stale = \"page:*\", idle = \"1s\", urls = \"{url}\" }}\n",
            Redis::table(port, "ira")
        ),
    );
    bed.grant(&policy(&desk.person, "redis.delete_stale"), "page:*");
    bed.grant(&policy(&desk.person, "redis.hot_keys").replace(" resetkeys", "").replace(" -@all", ""), "page:*");
    write_alert(&desk, &json!({ "alertname": "CacheHitRatioDegraded", "cache": "pages", "severity": "warning" }));
    bed.fill("page:", 20);
    std::thread::sleep(Duration::from_millis(2_200));
    (desk, site)
}

/// Somebody who looks up the front page all the time; ends with the value.
struct Visitors(std::process::Child);

impl Visitors {
    fn of(bed: &Redis) -> Self {
        let mut command = bed.command(&["-r", "-1", "-i", "0.02", "GET", "front"]);
        Self(command.stdout(std::process::Stdio::null()).spawn().expect("it starts"))
    }
}

impl Drop for Visitors {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _status = self.0.wait();
    }
}

#[test]
fn cache_degraded_removes_what_is_stale_warms_what_is_hot_and_is_seen_to_hold() {
    let Some(bed) = Redis::start() else { return };
    let (desk, site) = cache_desk(&bed, true);
    let _visitors = Visitors::of(&bed);
    let plan = desk.remediate(&["--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("remove up to"), "{plan:?}");
    assert_eq!(bed.size(), 20, "a dry run touches nothing");
    let ran = desk.remediate(&["--yes"]);
    assert_eq!((ran.code, bed.say(&["KEYS", "page:*"]).as_str()), (0, ""), "{ran:?}");
    assert!(ran.out.starts_with("Run 1 succeeded"), "{}", ran.out);
    assert!(!desk.shown(1).to_string().contains(CANARY));
    drop(site);
}

#[test]
fn cache_degraded_hands_what_does_not_help_to_a_person() {
    let Some(bed) = Redis::start() else { return };
    let (desk, site) = cache_desk(&bed, false);
    let _visitors = Visitors::of(&bed);
    let ran = desk.remediate(&["--yes"]);
    assert_eq!(ran.code, 4, "{ran:?}");
    assert!(ran.out.starts_with("Run 1 was handed to a person: it did not help"), "{}", ran.out);
    assert!(ran.out.contains("irreversible") || ran.out.contains("cannot be taken back"), "{}", ran.out);
    drop(site);
}

#[test]
fn fault_1_killed_while_keys_are_removed_a_person_is_told_how_far_it_came() {
    let Some(bed) = Redis::start() else { return };
    let sent = Flag::default();
    let seen = sent.clone();
    let port = before(bed.port, move |said| {
        if said.contains("EVAL") && !seen.is_set() {
            seen.set();
            return Pass::OnOnly;
        }
        Pass::On
    });
    let (desk, site) = cache_desk(&bed, false);
    let config =
        desk.person.read(".config/ira/config.toml").replace(&format!(":{}/0", bed.port), &format!(":{port}/0"));
    desk.person.write(".config/ira/config.toml", &config, 0o600);
    bed.fill("page:", 200);
    std::thread::sleep(Duration::from_millis(2_200));
    let _visitors = Visitors::of(&bed);
    let running = desk.left();
    wait_until("it was asked to remove some", || sent.is_set());
    running.kill();
    wait_until("they are gone", || bed.size() == 100);
    let resumed = desk.run(&["run", "resume", "1"]);
    assert_eq!((resumed.code, bed.size()), (4, 100), "never a second time by itself: {resumed:?}");
    assert!(resumed.out.contains("between 0 and 100 of 200"), "{}", resumed.out);
    drop(site);
}
