//! A real cache: how well it serves, and which keys go.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use super::bed::Redis;
use super::proxy::{Flag, Pass, before, mute};
use super::*;
use crate::support::run::wait_until;

const STALE: &[&str] = &["redis.delete_stale", "--server", "pages", "--pattern", "page:*", "--lives", "1h"];

/// A cache, and somebody who may do no more than this action needs.
fn granted(action: &str) -> Option<(Redis, Person)> {
    let bed = Redis::start()?;
    let person = person(&Redis::table(bed.port, "ira"));
    bed.grant(&policy(&person, action), "page:*");
    Some((bed, person))
}

#[test]
fn how_it_stands_and_how_well_it_serves_is_read() {
    let Some((bed, person)) = granted("redis.hot_keys") else { return };
    bed.fill("page:", 50);
    let info = person.act(&["redis.info", "--server", "pages", "--json"]);
    assert_eq!((info.code, &info.json()["data"]["keys"]), (0, &50.into()), "{info:?}");
    let idle = person.act(&["redis.hit_ratio", "--server", "pages", "--window", "1s", "--json"]);
    assert!(idle.code == 69 && idle.out.contains("nothing was looked up"), "nothing is not zero: {idle:?}");
    let window = ["redis.hit_ratio", "--server", "pages", "--window", "2s", "--json"];
    let running = person.command(&window).stdout(std::process::Stdio::piped()).spawn().expect("it starts");
    let asked =
        ["EVAL", "for i = 1, 8 do redis.call('GET', 'page:1') end redis.call('GET', 'a') redis.call('GET', 'b')", "0"];
    wait_until("it listens", || bed.say(&["INFO", "stats"]).contains("total_connections_received"));
    std::thread::sleep(Duration::from_millis(700));
    bed.say(&asked);
    let ran = Ran::from(running.wait_with_output().expect("it ends"));
    assert_eq!((ran.code, &ran.json()["data"]["ratio"]), (0, &0.8.into()), "{ran:?}");
    std::thread::sleep(Duration::from_millis(2_100));
    bed.say(&["GET", "page:7"]);
    let hot = person.act(&["redis.hot_keys", "--server", "pages", "--top", "1", "--json"]);
    assert_eq!((hot.code, &hot.json()["data"]["keys"][0]["key"]), (0, &"page:7".into()), "{hot:?}");
    bed.say(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
    let hot = person.act(&["redis.hot_keys", "--server", "pages", "--json"]);
    assert_eq!((hot.code, &hot.json()["data"]["by"]), (0, &"frequency".into()), "{hot:?}");
}

#[test]
fn stale_keys_go_and_no_others_and_a_dry_run_removes_none() {
    let Some((bed, person)) = granted("redis.delete_stale") else { return };
    bed.fill("page:", 250);
    bed.fill("cart:", 10);
    bed.say(&["EXPIRE", "page:1", "60"]);
    let file = person.path("monitor");
    let monitor = bed.monitor(&file);
    let dry = person.act(&[STALE, &["--dry-run"]].concat());
    assert!(dry.code == 0 && dry.out.contains("249 of 260"), "{dry:?}");
    wait_until("it was heard", || person.read("monitor").contains("SCAN"));
    let heard = person.read("monitor");
    drop(monitor);
    for word in ["UNLINK", "EVAL", "DEL", "SET", "FLUSH", "KEYS", "EXPIRE"] {
        assert!(!heard.contains(&format!("\"{word}")), "promise 3: {heard}");
    }
    let some = person.agreed(&[STALE, &["--most", "30"]].concat());
    assert_eq!((some.code, bed.size()), (0, 230), "{some:?}");
    let ran = person.agreed(STALE);
    assert_eq!((ran.code, bed.size()), (0, 11), "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["removed"], 219);
    assert_eq!(bed.say(&["EXISTS", "page:1", "cart:1"]), "2", "what lives shortly and what is not meant stay");
    let nothing = person.agreed(STALE);
    assert!(nothing.code == 0 && nothing.out.contains("no key is stale"), "{nothing:?}");
    is_secret(&person, &ran);
    // Its user may do nothing beyond that.
    assert!(
        bed.command(&["--user", "ira", "--pass", CANARY, "FLUSHALL"])
            .output()
            .is_ok_and(|out| { String::from_utf8_lossy(&out.stdout).contains("NOPERM") })
    );
}

#[test]
fn lesson_26_a_key_that_is_looked_up_again_by_then_stays() {
    let Some((bed, person)) = granted("redis.delete_stale") else { return };
    bed.fill("page:", 5);
    std::thread::sleep(Duration::from_millis(2_500));
    let port = bed.port;
    let racing = before(port, move |said| {
        if said.contains("EVAL") {
            let used =
                std::process::Command::new("redis-cli").args(["-p", &port.to_string(), "GET", "page:3"]).output();
            assert!(used.is_ok());
        }
        Pass::On
    });
    configure(&person, &Redis::table(racing, "ira"));
    let ran = person.agreed(&["redis.delete_stale", "--server", "pages", "--pattern", "page:*", "--idle", "1s"]);
    assert_eq!(
        (ran.code, bed.say(&["DBSIZE"]).as_str(), bed.say(&["EXISTS", "page:3"]).as_str()),
        (0, "1", "1"),
        "{ran:?}"
    );
    let action = &ran.json()["data"]["actions"][0];
    assert_eq!((&action["removed"], &action["left_alone"]), (&4.into(), &1.into()), "{ran:?}");
}

#[test]
fn each_misuse_of_a_cache_ends_in_a_named_state() {
    let Some((bed, person)) = granted("redis.info") else { return };
    bed.fill("page:", 5);
    let failed = |what: &str| {
        let ran = person.agreed(STALE);
        assert!(ran.code == 69 && ran.out.contains(what), "{what}: {ran:?}");
        is_secret(&person, &ran);
    };
    failed("does not let this user do it");
    person.write("secret", "not the password", 0o600);
    failed("refuses the user or the password");
    person.write("secret", CANARY, 0o600);
    configure(&person, &Redis::table(mute(), "ira"));
    let hung = person.agreed(STALE);
    assert!(hung.code == 69 && (hung.out.contains("did not let ira in") || hung.out.contains("in time")), "{hung:?}");
    configure(&person, &Redis::table(1, "ira"));
    failed("cannot be reached");
    assert!(person.journal().is_empty(), "nothing was begun");
    configure(&person, &Redis::table(bed.port, ""));
    bed.say(&["CONFIG", "SET", "maxmemory-policy", "allkeys-lfu"]);
    let lfu = person.agreed(&["redis.delete_stale", "--server", "pages", "--pattern", "page:*", "--idle", "1s"]);
    assert!(lfu.code == 1 && lfu.out.contains("--lives"), "{lfu:?}");
    // It may look, and not remove: that is found out by doing, and nothing was done.
    bed.say(&["ACL", "SETUSER", "default", "-unlink"]);
    bed.say(&["CONFIG", "SET", "maxmemory-policy", "noeviction"]);
    let denied = person.agreed(STALE);
    assert_eq!((denied.code, person.ended().as_str(), bed.size()), (69, "failed:none", 5), "{denied:?}");
}

#[test]
fn fault_3_killed_between_two_steps_it_is_said_how_far_it_came() {
    let Some((bed, person)) = granted("redis.delete_stale") else { return };
    bed.fill("page:", 250);
    for (until, left) in [(1, 250), (2, 150)] {
        let sent = Flag::default();
        let (seen, count) = (sent.clone(), AtomicUsize::new(0));
        let broken = before(bed.port, move |said| {
            if said.contains("SETNAME") && count.fetch_add(1, Ordering::SeqCst) + 1 == until {
                seen.set();
                return Pass::Swallow;
            }
            Pass::On
        });
        configure(&person, &Redis::table(broken, "ira"));
        let running = person.left(STALE);
        wait_until("it is at that step", || sent.is_set());
        running.kill();
        assert_eq!((person.agreed(STALE).code, bed.size()), (75, left), "nothing new while it is open");
        let settled = person.resumed(STALE);
        let action = settled.json()["data"]["actions"][0].clone();
        // Each step is written down before it is sent: whether the last one was, nobody saw.
        assert_eq!((settled.code, &action["status"]), (4, &"failed".into()), "{settled:?}");
        let reach = format!("between {} and {} of", (until - 1) * 100, until * 100);
        assert!(action["reason"].as_str().is_some_and(|why| why.contains(&reach)), "{action}");
        assert_eq!(bed.size(), left, "looking removes nothing");
    }
    let ran = person.agreed(STALE);
    assert_eq!((ran.code, bed.size()), (0, 0), "{ran:?}");
}
