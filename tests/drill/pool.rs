//! Connections of a PostgreSQL are taken; the playbook that ships closes them.

use super::*;
use crate::data::bed::Postgres;
use crate::data::policy;
use crate::support::run::wait_until;

/// The playbook that ships, in a hurry.
fn hurried() -> String {
    let hurry = [
        ("hold: 5m", "hold: 4s"),
        ("within: 5m", "within: 8s"),
        ("every: 15s", "every: 3s"),
        ("after: 30s", "after: 1s"),
        ("{ for: 5s }", "{ for: 1s }"),
        ("cooldown: 30m", "cooldown: 1s"),
    ];
    let text = include_str!("../../commands/playbooks/connection-pool.yaml");
    hurry.iter().fold(text.to_owned(), |text, (slow, fast)| text.replace(slow, fast))
}

/// A server with room for 37, a daemon's machine, and a drill of it; `more` is added to the drill.
fn range(bed: &Postgres, more: &str) -> Range {
    let range = Range::with("");
    let own = Postgres::table(bed.port);
    let app = own.replace("[postgres.shop]", "[postgres.shop-app]").replace("//ira@", "//app@");
    range.configure(&format!(
        "[budgets.databases]\nmax = 9\nwindow = \"1h\"\n{own}{app}\
         [playbooks.connection-pool]\ntargets = {{ database = [\"shop\"] }}\n\
         [drill.pool]\nplaybook = \"connection-pool\"\n\
         labels = {{ alertname = \"DatabaseConnectionPoolExhaustion\", database = \"shop\", severity = \"critical\" }}\n\
         inject = {{ fault = \"exhaust-pool\", target = \"shop-app\", most = 35 }}\n{more}"
    ));
    range.person.write(".config/ira/playbooks/pool.yaml", &hurried(), 0o600);
    for action in ["postgres.terminate_idle", "postgres.set"] {
        bed.grant(&policy(&range.person, action));
    }
    range
}

const SAFE: &str = "safe = true\nafter = \"3s\"\nwithin = \"60s\"\nrung = \"auto\"\nparams = { idle = \"1s\" }\n";

#[test]
fn connections_are_taken_the_playbook_closes_them_and_three_times_are_printed() {
    let Some(bed) = Postgres::start(40) else { return };
    let range = range(&bed, SAFE);
    let _daemon = range.daemon();
    let refused = range.run(&["drill", "pool", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("ira.drill = 'safe'"), "the mark of its own: {refused:?}");
    bed.sql("ALTER DATABASE postgres SET ira.drill = 'safe'");

    let plan = range.run(&["drill", "connection-pool", "--dry-run"]);
    assert!(plan.code == 0 && plan.out.contains("at most 35 idle sessions") && plan.out.contains("nobody"), "{plan:?}");
    let asked = range.run(&["drill", "pool"]);
    assert_eq!((asked.code, bed.count("ira-drill")), (3, 0), "nobody agreed: {asked:?}");

    let ran = range.run(&["drill", "pool", "--yes", "--json"]);
    let data = ran.json()["data"].clone();
    assert_eq!((ran.code, &data["passed"]), (0, &json!(true)), "{ran:?} {}", range.log());
    let times: Vec<f64> =
        ["detect", "act", "recover"].iter().filter_map(|name| data["seconds"][name].as_f64()).collect();
    assert!(times.len() == 3 && times.is_sorted() && times[0] >= 3.0, "{data}");
    assert!(bed.log().contains("pg_terminate_backend"), "the playbook closed them");
    assert_eq!(bed.count("ira-drill"), 0, "nothing is left");
    range.assert_quiet();
    let listed = range.run(&["drill", "list"]);
    assert!(listed.out.contains("mended"), "{listed:?}");
}

#[test]
fn what_is_not_marked_is_refused() {
    let Some(bed) = Postgres::start(40) else { return };
    bed.sql("ALTER DATABASE postgres SET ira.drill = 'safe'");
    let range = range(&bed, "");
    let refused = range.run(&["drill", "pool", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("not marked as safe for drills"), "{refused:?}");
    let none = range.run(&["drill", "cache-degraded", "--yes"]);
    assert!(none.code == 2 && none.err.contains("no target is marked"), "{none:?}");
    assert_eq!((bed.count("ira-drill"), range.runs().len()), (0, 0));
}

#[test]
fn killed_in_the_middle_it_leaves_nothing_broken() {
    let Some(bed) = Postgres::start(40) else { return };
    bed.sql("ALTER DATABASE postgres SET ira.drill = 'safe'");
    let range = range(&bed, &SAFE.replace("after = \"3s\"", "after = \"50s\""));
    let mut drill = range.left(&["drill", "pool", "--yes"]);
    wait_until("the pool is taken", || bed.count("ira-drill") >= 30);
    drill.kill().expect("killed");
    drill.wait().expect("reaped");
    wait_until("the sessions are closed", || bed.count("ira-drill") == 0);
    let undone = range.run(&["drill", "undo"]);
    assert!(undone.code == 0 && range.runs()[0].state.terminal(), "{undone:?}");
    let frozen = range.run(&["freeze", "--reason", "a test"]);
    assert_eq!(frozen.code, 0, "{frozen:?}");
    let refused = range.run(&["drill", "pool", "--yes"]);
    assert!(refused.code != 0 && refused.err.contains("no drill now: freeze"), "{refused:?}");
    assert_eq!(bed.count("ira-drill"), 0);
}
