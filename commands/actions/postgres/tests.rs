//! What may be set, what came of an attempt, and which connections are spared.

use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use serde_json::json;

use super::set::probed;
use super::{Set, TerminateIdle};
use crate::actions::{Act as _, Action, Applied, Broken, Probed};
use crate::context::{Context, Journal, Reads, Writes};
use crate::fakes::{FixedDirectory, MemoryJournal, Silent, StoppedClock};
use crate::fault::{Fault, Kind};
use crate::ports::data::{Closed, PgConnection, PgServer, PgSetting, PostgresRead, PostgresWrite};

/// A server in memory: what is asked of it in order, and what was done to it.
#[derive(Default)]
struct Server {
    seen: Mutex<Vec<PgServer>>,
    setting: Mutex<PgSetting>,
    closed: Mutex<Vec<i32>>,
}

#[async_trait]
impl PostgresRead for Server {
    fn place(&self, server: &str) -> Result<String, Fault> {
        Ok(server.to_owned())
    }

    async fn server(&self, _: &str) -> Result<PgServer, Fault> {
        let mut seen = self.seen.lock().expect("no panic");
        Ok(if seen.len() > 1 { seen.remove(0) } else { seen[0].clone() })
    }

    async fn setting(&self, _: &str, _: &str) -> Result<PgSetting, Fault> {
        Ok(self.setting.lock().expect("no panic").clone())
    }

    async fn at_work(&self, _: &str, _: &str) -> Result<usize, Fault> {
        Ok(0)
    }

    async fn pause(&self) {}
}

#[async_trait]
impl PostgresWrite for Server {
    async fn close(&self, _: &str, _: &str, which: &[PgConnection]) -> Result<Closed, Broken> {
        self.closed.lock().expect("no panic").extend(which.iter().map(|one| one.pid));
        Ok(Closed { closed: which.len(), ..Closed::default() })
    }

    async fn set(&self, _: &str, _: &str, _: &str, value: Option<&str>) -> Result<(), Broken> {
        self.setting.lock().expect("no panic").written = value.map(str::to_owned);
        Ok(())
    }
}

fn idle(pid: i32, seconds: u64) -> PgConnection {
    PgConnection {
        pid,
        opened: 1,
        changed: 2_000_000_000 - i64::try_from(seconds).expect("small"),
        state: "idle".to_owned(),
        seconds,
        user: "app".to_owned(),
        ..PgConnection::default()
    }
}

fn server(connections: Vec<PgConnection>) -> PgServer {
    PgServer { most: 100, reserved: 3, connections, ..PgServer::default() }
}

fn contexts(server: &Arc<Server>) -> (Context, Context, Arc<MemoryJournal>) {
    let journal = Arc::new(MemoryJournal::default());
    let reads = || Reads {
        postgres: Some(Arc::<Server>::clone(server) as _),
        ..Reads::new(Arc::new(FixedDirectory(None)), Arc::new(StoppedClock(7)), Arc::new(Silent))
    };
    let writes = Writes {
        postgres: Some(Arc::<Server>::clone(server) as _),
        ..Writes::new(Arc::<MemoryJournal>::clone(&journal) as Arc<dyn Journal>)
    };
    (Context::dry(reads()), Context::acting(reads(), writes), journal)
}

fn terminate(with: serde_json::Value) -> TerminateIdle {
    serde_json::from_value(with).expect("arguments")
}

#[tokio::test]
async fn only_what_idles_long_enough_is_closed_the_longest_first_and_never_what_is_spared() {
    let spared = |pid, why| PgConnection { spared: Some(why), ..idle(pid, 9000) };
    let of_state = |pid, state: &str| PgConnection { state: state.to_owned(), ..idle(pid, 9000) };
    let seen = server(vec![
        idle(1, 301),
        idle(2, 300),
        idle(3, 900),
        of_state(4, "active"),
        of_state(5, "idle in transaction"),
        of_state(6, ""),
        spared(7, "ira's own"),
        spared(8, "a superuser's"),
        spared(9, "replication"),
    ]);
    let there = Arc::new(Server { seen: Mutex::new(vec![seen]), ..Server::default() });
    let (dry, _, _) = contexts(&there);
    let pids = async |with| {
        let plan = terminate(with).plan(&dry).await.expect("a plan");
        plan.changes.iter().map(|change| change.what.split(' ').nth(1).expect("a pid").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(pids(json!({ "server": "a" })).await, ["3", "1"]);
    assert_eq!(pids(json!({ "server": "a", "most": 1 })).await, ["3"]);
    assert_eq!(pids(json!({ "server": "a", "older-than": "10m" })).await, ["3"]);
    assert_eq!(pids(json!({ "server": "a", "in-transaction": true })).await, ["5", "3", "1"]);
    assert!(pids(json!({ "server": "a", "user": "other" })).await.is_empty());
}

#[tokio::test]
async fn lesson_26_what_is_at_work_again_since_the_plan_is_left_alone_and_said() {
    let busy = PgConnection { changed: 3_000_000_000, ..idle(3, 0) };
    let first = server(vec![idle(1, 400), idle(2, 400), idle(3, 400)]);
    let then = server(vec![idle(1, 400), busy, idle(4, 400)]);
    // The plan; read again; right before it is done; afterwards.
    let seen = Mutex::new(vec![first.clone(), first.clone(), then, server(Vec::new())]);
    let there = Arc::new(Server { seen, ..Server::default() });
    let (dry, acting, journal) = contexts(&there);
    let action = Action::PostgresTerminateIdle(terminate(json!({ "server": "a" })));
    let plan = action.plan(&dry).await.expect("a plan");
    assert_eq!(plan.changes.len(), 3);
    let Applied::Done(report) = action.apply(&acting, &plan).await.expect("applied") else { panic!("done") };
    assert_eq!(*there.closed.lock().expect("no panic"), [1], "agreed to, and as it was; never the fourth");
    let done = &report.data["actions"][0];
    assert_eq!((&done["closed"], &done["left_alone"]), (&json!(1), &json!(2)), "{done}");
    assert_eq!(journal.all().len(), 1);
}

fn setting(kind: &str, value: &str) -> PgSetting {
    PgSetting {
        name: "max_connections".to_owned(),
        value: value.to_owned(),
        kind: kind.to_owned(),
        least: Some(1.0),
        most: Some(1000.0),
        choices: vec!["minimal".to_owned(), "replica".to_owned()],
        context: "postmaster".to_owned(),
        ..PgSetting::default()
    }
}

async fn planned(now: &PgSetting, with: serde_json::Value) -> Result<crate::actions::Plan, Fault> {
    let there = Arc::new(Server { setting: Mutex::new(now.clone()), ..Server::default() });
    let mut with = with;
    with["server"] = json!("a");
    with["setting"] = json!(now.name);
    let set: Set = serde_json::from_value(with).expect("arguments");
    set.plan(&contexts(&there).0).await
}

#[tokio::test]
async fn a_setting_is_held_to_its_own_bounds_and_to_those_that_are_given() {
    let now = setting("integer", "100");
    let plan = planned(&now, json!({ "times": 1.5, "at-most": 200.0 })).await.expect("a plan");
    assert_eq!((plan.changes[0].before.as_str(), plan.changes[0].after.as_str()), ("100", "150"));
    assert!(plan.notes.iter().any(|note| note.contains("restarted")), "{:?}", plan.notes);
    assert!(plan.notes.iter().any(|note| note.contains("--reset")), "{:?}", plan.notes);
    let plan = planned(&now, json!({ "times": 1.5, "at-most": 120.0 })).await.expect("a plan");
    assert_eq!(plan.changes[0].after, "120", "no further than the bound");
    assert!(planned(&now, json!({ "value": "100" })).await.expect("a plan").is_nothing());
    for with in [
        json!({ "value": "0" }),
        json!({ "value": "1001" }),
        json!({ "value": "150", "at-most": 120.0 }),
        json!({ "value": "1.5" }),
        json!({ "value": "1; DROP TABLE x" }),
        json!({ "value": "nan" }),
        json!({ "times": 1.5 }),
        json!({ "times": -1.0, "at-most": 10.0 }),
        json!({}),
        json!({ "value": "5", "reset": true }),
    ] {
        assert_eq!(planned(&now, with.clone()).await.expect_err("refused").kind, Kind::Usage, "{with}");
    }
}

#[tokio::test]
async fn what_names_a_program_or_loses_data_is_not_set() {
    let named = |name: &str, kind| PgSetting { name: name.to_owned(), ..setting(kind, "x") };
    for now in [
        named("archive_command", "string"),
        named("shared_preload_libraries", "string"),
        named("fsync", "bool"),
        named("full_page_writes", "bool"),
        PgSetting { category: "Developer Options".to_owned(), ..named("zero_damaged_pages", "bool") },
        PgSetting { context: "internal".to_owned(), ..named("block_size", "integer") },
    ] {
        let fault = planned(&now, json!({ "value": "off" })).await.expect_err("refused");
        assert_eq!(fault.kind, Kind::Usage, "{}", now.name);
    }
    let plan = planned(&named("autovacuum", "bool"), json!({ "value": "true" })).await.expect("a plan");
    assert_eq!(plan.changes[0].after, "on");
    assert!(planned(&named("wal_level", "enum"), json!({ "value": "maximal" })).await.is_err());
}

#[test]
fn a_look_back_at_a_setting_claims_no_more_than_it_can_tell() {
    let written = |value: &str, written: Option<&str>, waits| PgSetting {
        written: written.map(str::to_owned),
        waits_for_restart: waits,
        ..setting("integer", value)
    };
    let word = |now: &PgSetting| match probed(None, Some("150"), now) {
        Probed::Done(_) => "done",
        Probed::Failed(_) => "failed",
        Probed::NotDone(_) => "not done",
        Probed::Unknown(_) => "unknown",
    };
    assert_eq!(word(&written("100", Some("150"), true)), "done", "at the next restart");
    assert_eq!(word(&written("150", Some("150"), false)), "done");
    assert_eq!(word(&written("100", Some("150"), false)), "failed", "written, and not read");
    assert_eq!(word(&written("100", None, false)), "not done");
    assert_eq!(word(&written("100", Some("120"), true)), "unknown", "somebody else was at it");
}
