//! Connections of a real server: who holds them, which are closed, and what is left after a crash.

use std::time::Duration;

use super::bed::Postgres;
use super::proxy::{Flag, Pass, before, mute};
use super::*;
use crate::support::run::wait_until;

const CLOSE: &[&str] = &["postgres.terminate_idle", "--server", "shop", "--older-than", "1s"];

/// A server, and somebody who may do what closing needs.
fn granted(most: u32) -> Option<(Postgres, Person)> {
    let bed = Postgres::start(most)?;
    let person = person(&Postgres::table(bed.port));
    bed.grant(&policy(&person, "postgres.terminate_idle"));
    Some((bed, person))
}

/// Longer than the second that is asked for.
fn a_while() {
    std::thread::sleep(Duration::from_millis(2_200));
}

#[test]
fn who_is_connected_is_counted_by_state_user_and_application() {
    let Some((bed, person)) = granted(20) else { return };
    let idle = bed.sessions("app", "web", 3);
    let open = bed.sessions("app", "batch", 1);
    open.say("BEGIN");
    let ran = person.act(&["postgres.connections", "--server", "shop", "--older-than", "0s", "--json"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    let data = ran.json()["data"].clone();
    // Its own is one of them.
    assert_eq!((&data["in_use"], &data["max"], &data["usable"]), (&5.into(), &20.into(), &17.into()), "{data}");
    assert_eq!((&data["idle"], &data["idle_in_transaction"], &data["hidden"]), (&3.into(), &1.into(), &0.into()));
    let web = data["by"].as_array().expect("a list").iter().find(|group| group["application"] == "web");
    assert_eq!(web.expect("web")["count"], 3, "{data}");
    let full = bed.sessions("app", "more", 11);
    let ran = person.act(&["postgres.connections", "--server", "shop"]);
    assert_eq!(ran.code, 4, "nearly full is a problem: {ran:?}");
    is_secret(&person, &ran);
    drop((idle, open, full));
}

#[test]
fn what_idles_is_closed_and_nothing_else() {
    let Some((bed, person)) = granted(30) else { return };
    bed.sql(&format!("CREATE ROLE root SUPERUSER LOGIN PASSWORD '{CANARY}'"));
    bed.sql(&format!("CREATE ROLE copy REPLICATION LOGIN PASSWORD '{CANARY}'"));
    let sessions = [
        bed.sessions("app", "idle", 3),
        bed.sessions("root", "super", 1),
        bed.sessions("copy", "replica", 1),
        bed.sessions("ira", "own", 1),
    ];
    let open = bed.sessions("app", "open", 1);
    open.say("BEGIN");
    let busy = bed.sessions("app", "busy", 1);
    busy.begin("SELECT pg_sleep(60)");
    a_while();
    let plan = person.act(&[CLOSE, &["--dry-run", "--json"]].concat());
    let changes = plan.json()["data"]["plan"]["changes"].clone();
    assert_eq!((plan.code, changes.as_array().expect("a list").len()), (0, 3), "{plan:?}");
    assert_eq!(bed.count("idle"), 3, "promise 3: a dry run closes nothing");
    let unasked = person.act(CLOSE);
    assert_eq!((unasked.code, bed.count("idle")), (3, 3), "{unasked:?}");
    assert!(!bed.log().contains("pg_terminate_backend"), "nor does it ask for it");

    let one = person.agreed(&[CLOSE, &["--most", "1"]].concat());
    assert_eq!((one.code, bed.count("idle")), (0, 2), "{one:?}");
    let ran = person.agreed(CLOSE);
    assert_eq!((ran.code, bed.count("idle")), (0, 0), "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["closed"], 2);
    for spared in ["super", "replica", "own", "open", "busy"] {
        assert_eq!(bed.count(spared), 1, "{spared} is left alone");
    }
    let again = person.agreed(CLOSE);
    assert!(again.code == 0 && again.out.contains("no connection idles"), "{again:?}");
    let ran = person.agreed(&[CLOSE, &["--in-transaction"]].concat());
    assert_eq!((ran.code, bed.count("open"), bed.count("busy")), (0, 0, 1), "{ran:?}");
    assert!(ran.out.contains("irreversible"), "{ran:?}");
    is_secret(&person, &ran);
    drop(sessions);
}

#[test]
fn each_misuse_ends_in_a_named_state_and_nothing_is_begun() {
    let Some(bed) = Postgres::start(20) else { return };
    let person = person(&Postgres::table(bed.port));
    let _idle = bed.sessions("app", "idle", 1);
    a_while();
    // It may not see their state: they are left alone, and that is said.
    let blind = person.agreed(CLOSE);
    assert!(blind.code == 0 && blind.out.contains("may not be seen"), "{blind:?}");
    // It may see them, and not close them.
    bed.sql("GRANT pg_read_all_stats TO ira");
    let denied = person.agreed(CLOSE);
    assert!(denied.code == 69 && denied.out.contains("pg_signal_backend"), "{denied:?}");
    assert_eq!((person.ended().as_str(), bed.count("idle")), ("failed:none", 1));
    let records = person.journal().len();

    let failed = |what: &str| {
        let ran = person.agreed(CLOSE);
        assert_eq!((ran.code, person.journal().len()), (69, records), "{ran:?}");
        assert!(ran.out.contains(what), "{what}: {ran:?}");
        is_secret(&person, &ran);
    };
    person.write("secret", "not the password", 0o600);
    failed("refuses the user or the password");
    person.write("secret", CANARY, 0o600);
    configure(&person, &Postgres::table(mute()));
    failed("did not let ira in");
    configure(&person, &Postgres::table(1));
    failed("cannot be reached");
    configure(&person, &Postgres::table(bed.port).replace("/postgres\"", "/nowhere\""));
    failed("has no such database");
    let other = person.agreed(&["postgres.terminate_idle", "--server", "shpo"]);
    assert!(other.code == 2 && other.out.contains("did you mean `shop`?"), "{other:?}");
    assert_eq!(bed.count("idle"), 1);
}

#[test]
fn lesson_26_one_that_is_at_work_again_by_then_is_left_alone() {
    let Some((bed, person)) = granted(20) else { return };
    let idle = std::sync::Arc::new(bed.sessions("app", "idle", 2));
    a_while();
    let (port, again) = (bed.port, std::sync::Arc::clone(&idle));
    // The plan was read twice by then; right before the first is closed both are used.
    let racing = before(port, move |said| {
        if said.contains("pg_terminate_backend(") {
            again.say("SELECT 2");
        }
        Pass::On
    });
    configure(&person, &Postgres::table(racing));
    let ran = person.agreed(CLOSE);
    assert_eq!((ran.code, bed.count("idle")), (0, 2), "{ran:?}");
    let action = &ran.json()["data"]["actions"][0];
    assert_eq!((&action["closed"], &action["left_alone"]), (&0.into(), &2.into()), "{ran:?}");
}

#[test]
fn fault_3_killed_while_it_closes_the_server_says_what_became_of_it() {
    let Some((bed, person)) = granted(20) else { return };
    let _idle = bed.sessions("app", "idle", 2);
    a_while();
    for (pass, status, left) in [(Pass::Swallow, "not-done", 2), (Pass::OnOnly, "failed", 1)] {
        let sent = Flag::default();
        let (seen, mut asked) = (sent.clone(), false);
        let broken = before(bed.port, move |said| {
            // It is asked for in one message, and done with the next. Whoever comes later gets through.
            let done = asked;
            asked |= said.contains("pg_terminate_backend(");
            if !seen.is_set() && (done || (asked && pass == Pass::Swallow)) {
                seen.set();
                return pass;
            }
            Pass::On
        });
        configure(&person, &Postgres::table(broken));
        let running = person.left(CLOSE);
        wait_until("it was asked to close one", || sent.is_set());
        if pass == Pass::OnOnly {
            wait_until("one is closed", || bed.count("idle") == 1);
        }
        running.kill();
        wait_until("its session is gone", || {
            bed.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ira close%'") == "0"
        });
        let busy = person.agreed(CLOSE);
        assert_eq!((busy.code, bed.count("idle")), (75, left), "nothing new while it is open: {busy:?}");
        let settled = person.resumed(CLOSE);
        assert_eq!((settled.code, &settled.json()["data"]["actions"][0]["status"]), (4, &status.into()), "{settled:?}");
        assert_eq!(bed.count("idle"), left, "looking closes nothing");
    }
    let ran = person.agreed(CLOSE);
    assert_eq!((ran.code, bed.count("idle")), (0, 0), "{ran:?}");
}
