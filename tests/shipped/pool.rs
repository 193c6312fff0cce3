//! A server that runs out of connections, a real one, and the pooler before it.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde_json::{Value, json};

use super::{Gate, Scene, dry, handed_over, killed, verified};
use crate::data::bed::{Postgres, Sessions};
use crate::data::console::PgBouncer;
use crate::data::proxy::{Pass, before};
use crate::data::{CANARY, policy};
use crate::host::Person;

/// The word of the write that is held, how, after how many more messages, and whether it was.
#[derive(Default)]
struct Held {
    meant: Option<(&'static str, Pass, usize)>,
    seen: bool,
    hit: bool,
}

/// What stands before a server: it can hold one write, or its answer.
#[derive(Clone, Default)]
pub struct Way(Arc<Mutex<Held>>);

impl Way {
    pub fn before(&self, port: u16) -> u16 {
        let held = Arc::clone(&self.0);
        before(port, move |said| {
            let mut held = held.lock().expect("whole");
            let Some((word, pass, more)) = held.meant else { return Pass::On };
            if held.seen && more > 0 {
                held.meant = Some((word, pass, more - 1));
            }
            held.seen |= said.contains(word);
            match held.meant {
                Some((_, pass, 0)) if held.seen => {
                    *held = Held { hit: true, ..Held::default() };
                    pass
                }
                _ => Pass::On,
            }
        })
    }

    /// Holds the message with this word, or the one so many after it.
    pub fn hold(&self, word: &'static str, pass: Pass, more: usize) {
        *self.0.lock().expect("whole") = Held { meant: Some((word, pass, more)), ..Held::default() };
    }
}

impl Gate for Way {
    fn is_hit(&self) -> bool {
        self.0.lock().expect("whole").hit
    }
}

/// A server with room for 37 whose connections nobody uses any more, or all use; the pooler before it.
struct Pool {
    bed: Postgres,
    pooler: Option<PgBouncer>,
    sessions: Mutex<Option<Sessions>>,
    way: Way,
    port: u16,
    raise: &'static str,
}

impl Pool {
    fn of(raise: &'static str, busy: bool) -> Option<Self> {
        let bed = Postgres::start(40)?;
        let pooler = if raise == "pgbouncer" { Some(PgBouncer::start()?) } else { None };
        let person = Person::new();
        for action in ["postgres.terminate_idle", "postgres.set"] {
            bed.grant(&policy(&person, action));
        }
        let sessions = bed.sessions("app", "web", 35);
        if busy {
            sessions.say("BEGIN");
        }
        // Longer than what counts as idle.
        std::thread::sleep(Duration::from_millis(2_200));
        let way = Way::default();
        let port = way.before(bed.port);
        Some(Self { bed, pooler, sessions: Mutex::new(Some(sessions)), way, port, raise })
    }

    fn raised(&self) -> Option<String> {
        let size = self.pooler.as_ref()?.size();
        (size != "20").then(|| format!("pool {size}"))
    }
}

impl Scene for Pool {
    fn playbook(&self) -> &'static str {
        "connection-pool"
    }

    fn hurry(&self) -> Vec<(&'static str, &'static str)> {
        vec![
            ("after: 30s", "after: 1s"),
            ("{ for: 5s }", "{ for: 1s }"),
            ("hold: 5m", "hold: 2s"),
            ("within: 5m", "within: 4s"),
            ("every: 15s", "every: 1s"),
        ]
    }

    fn own(&self) -> String {
        let pooler = if self.pooler.is_some() { ", pooler = \"shop\"" } else { "" };
        format!(
            "targets = {{ database = [\"shop\"] }}\nparams = {{ idle = \"1s\", raise = \"{}\"{pooler} }}",
            self.raise
        )
    }

    fn tables(&self) -> String {
        let pooler = self.pooler.as_ref().map(|pooler| {
            let table = pooler.table("ira");
            table.replace(&format!(":{}/", pooler.port), &format!(":{}/", self.way.before(pooler.port)))
        });
        format!("{}{}", Postgres::table(self.port), pooler.unwrap_or_default())
    }

    fn labels(&self) -> Value {
        json!({ "alertname": "DatabaseConnectionPoolExhaustion", "database": "shop", "severity": "critical" })
    }

    fn acted(&self) -> bool {
        !self.writes().is_empty()
    }

    /// Those whose connections were open close them by themselves, once something was done.
    fn help(&self) {
        if self.raise != "none" {
            drop(self.sessions.lock().expect("whole").take());
        }
    }

    /// As the server's own log has it, and the pooler's own settings.
    fn writes(&self) -> Vec<String> {
        let log = self.bed.log();
        let closed =
            log.lines().filter(|line| line.contains("execute") && line.contains("pg_terminate_backend(")).count();
        let raised = log.lines().filter(|line| line.contains("statement: ALTER SYSTEM SET")).count();
        let mut all = vec!["terminate".to_owned(); closed];
        all.extend(vec!["set".to_owned(); raised]);
        all.extend(self.raised());
        all
    }

    fn files(&self) -> Vec<(&'static str, String, u32)> {
        vec![("secret", CANARY.to_owned(), 0o600)]
    }
}

#[test]
fn connection_pool_closes_what_idles_or_raises_what_may_be_or_hands_over() {
    let (Some(idle), Some(pool), Some(busy)) =
        (Pool::of("none", false), Pool::of("pgbouncer", true), Pool::of("postgres", true))
    else {
        return;
    };
    dry(&idle);
    verified(&idle);
    assert_eq!((idle.writes().len(), idle.bed.count("web")), (35, 0), "{:?}", idle.writes());
    dry(&pool);
    verified(&pool);
    assert_eq!(pool.writes(), ["pool 30"], "those that are in a transaction are left alone");
    handed_over(&busy, "did not help");
    assert_eq!((busy.writes(), busy.bed.count("web")), (vec!["set".to_owned()], 35), "it counts at the next start");
}

#[test]
fn fault_3_killed_at_each_write_to_a_database_or_its_pooler_it_is_settled_and_done_once() {
    // Which limit is raised, the word of the write, how it is held; how it ends, and what was done.
    let table = [
        ("none", "pg_terminate_backend(", Pass::Swallow, 0, "succeeded", &["terminate"; 35][..]),
        // It is asked for in one message, and done with the next: one is closed, and that is said.
        ("none", "pg_terminate_backend(", Pass::OnOnly, 1, "escalated", &["terminate"]),
        ("postgres", "ALTER SYSTEM SET", Pass::Swallow, 0, "succeeded", &["set"]),
        // It is written, and nobody told the server to read it.
        ("postgres", "ALTER SYSTEM SET", Pass::OnOnly, 0, "escalated", &["set"]),
        ("pgbouncer", "SET default_pool_size", Pass::Swallow, 0, "succeeded", &["pool 30"]),
        ("pgbouncer", "SET default_pool_size", Pass::OnOnly, 0, "succeeded", &["pool 30"]),
    ];
    for (raise, word, pass, more, ends, wrote) in table {
        let Some(pool) = Pool::of(raise, raise != "none") else { return };
        pool.way.hold(word, pass, more);
        let (ended, writes) = killed(&pool, &pool.way);
        assert!(ended.starts_with(ends), "{word} {more}: {ended}");
        assert_eq!(writes, wrote, "{word}: no second effect: {ended}");
    }
}
