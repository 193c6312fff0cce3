//! Settings of a real server: written within bounds, brought into force, taken back.

use super::bed::Postgres;
use super::proxy::{Flag, Pass, before};
use super::*;
use crate::support::run::wait_until;

const RAISE: &[&str] =
    &["postgres.set", "--server", "shop", "--setting", "max_connections", "--times", "1.5", "--at-most", "100"];

fn granted() -> Option<(Postgres, Person)> {
    let bed = Postgres::start(40)?;
    let person = person(&Postgres::table(bed.port));
    bed.grant(&policy(&person, "postgres.set"));
    Some((bed, person))
}

/// What ALTER SYSTEM wrote.
fn written(bed: &Postgres) -> String {
    bed.sql("SELECT string_agg(name || '=' || setting, ' ') FROM pg_file_settings WHERE sourcefile LIKE '%auto.conf'")
}

#[test]
fn a_limit_is_raised_within_its_bound_counts_at_the_next_start_and_is_taken_back() {
    let Some((mut bed, person)) = granted() else { return };
    let dry = person.act(&[RAISE, &["--dry-run"]].concat());
    assert!(dry.code == 0 && dry.out.contains("60") && dry.out.contains("restarted"), "{dry:?}");
    assert_eq!(written(&bed), "", "promise 3: a dry run writes nothing");
    assert!(!bed.log().contains("ALTER SYSTEM SET"), "nor does it ask for it");

    let ran = person.agreed(RAISE);
    assert_eq!((ran.code, written(&bed).as_str()), (0, "max_connections=60"), "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((&action["before"], &action["restart_needed"]), (&"40".into(), &true.into()), "{action}");
    assert_eq!(bed.sql("SHOW max_connections"), "40", "not before it is restarted");
    // Raised once more it is raised from what was written, and no further than the bound.
    let again = person.agreed(RAISE);
    assert_eq!((again.code, written(&bed).as_str()), (0, "max_connections=90"), "{again:?}");
    let most = person.agreed(RAISE);
    assert_eq!((most.code, written(&bed).as_str()), (0, "max_connections=100"), "{most:?}");
    let nothing = person.agreed(RAISE);
    assert_eq!((nothing.code, person.journal().len()), (0, 6), "{nothing:?}");
    bed.restart();
    assert_eq!(bed.sql("SHOW max_connections"), "100");

    // The line that it printed takes the first one back.
    assert_eq!(action["undo"]["reset"], true, "{action}");
    let back = person.agreed(&["postgres.set", "--server", "shop", "--setting", "max_connections", "--reset"]);
    assert_eq!((back.code, written(&bed).as_str()), (0, ""), "{back:?}");
    is_secret(&person, &back);
}

#[test]
fn what_a_reload_brings_into_force_is_read_back() {
    let Some((bed, person)) = granted() else { return };
    bed.sql("GRANT ALTER SYSTEM ON PARAMETER work_mem TO ira");
    let ran = person.agreed(&["postgres.set", "--server", "shop", "--setting", "work_mem", "--value", "8192"]);
    assert_eq!((ran.code, bed.sql("SHOW work_mem").as_str()), (0, "8MB"), "{ran:?}");
    let undo = ran.json()["data"]["actions"][0]["undo"].clone();
    assert_eq!(undo["setting"], "work_mem");
    for (setting, value) in [
        ("archive_command", "touch /tmp/x"),
        ("shared_preload_libraries", "x"),
        ("fsync", "off"),
        ("work_mem", "1"),
        ("work_mem", "64MB'; SELECT 1; --"),
        ("no_such_setting", "1"),
    ] {
        let ran = person.agreed(&["postgres.set", "--server", "shop", "--setting", setting, "--value", value]);
        assert!(matches!(ran.code, 2 | 69), "{setting}: {ran:?}");
    }
    // One that was not granted.
    let denied =
        person.agreed(&["postgres.set", "--server", "shop", "--setting", "maintenance_work_mem", "--value", "131072"]);
    assert_eq!((denied.code, person.ended().as_str()), (69, "failed:none"), "{denied:?}");
    assert_eq!(written(&bed), "work_mem=8192");
}

#[test]
fn fault_3_killed_while_it_is_set_the_server_says_whether_it_was() {
    let Some((bed, person)) = granted() else { return };
    for (pass, status, after) in [(Pass::Swallow, "not-done", ""), (Pass::OnOnly, "failed", "max_connections=60")] {
        let sent = Flag::default();
        let seen = sent.clone();
        let broken = before(bed.port, move |said| {
            if said.contains("ALTER SYSTEM SET") && !seen.is_set() {
                seen.set();
                return pass;
            }
            Pass::On
        });
        configure(&person, &Postgres::table(broken));
        let running = person.left(RAISE);
        wait_until("it was asked to set it", || sent.is_set());
        wait_until("it is written", || written(&bed) == after);
        running.kill();
        wait_until("its session is gone", || {
            bed.sql("SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE 'ira set%'") == "0"
        });
        assert_eq!(person.agreed(RAISE).code, 75, "nothing new while it is open");
        let settled = person.resumed(RAISE);
        let action = settled.json()["data"]["actions"][0].clone();
        assert_eq!((settled.code, &action["status"]), (4, &status.into()), "{settled:?}");
        assert_eq!(written(&bed), after, "looking writes nothing");
    }
    // It was written, and not read: that is said, with what brings it into force.
    bed.sql("SELECT pg_reload_conf()");
    configure(&person, &Postgres::table(bed.port));
    let other = person.agreed(&["postgres.set", "--server", "shop", "--setting", "max_connections", "--reset"]);
    assert_eq!((other.code, written(&bed).as_str()), (0, ""), "{other:?}");
}
