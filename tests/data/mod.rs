//! Databases, poolers and caches: real ones, on ports of their own.
#![cfg(target_os = "linux")]

pub mod bed;
pub mod console;
mod pooler;
mod postgres;
pub mod proxy;
mod redis;
mod settings;
mod tls;

use crate::host::Person;
use crate::support::run::{Ran, ira};

/// A password that must be nowhere but where it is given.
pub const CANARY: &str = "CANARY-5c0ffee-9d41";

/// Somebody on call, with these tables in the configuration and the canary in a file.
pub fn person(tables: &str) -> Person {
    let person = Person::new();
    person.write("secret", CANARY, 0o600);
    configure(&person, tables);
    person
}

/// The same with other tables; `@/` is the home.
pub fn configure(person: &Person, tables: &str) {
    person.configure(&tables.replace("@/", &format!("{}/", person.home.path().display())));
}

/// What an action has to be allowed.
pub fn policy(person: &Person, action: &str) -> String {
    let ran = Ran::of(ira(person.home.path()).args(["act", action, "--policy"]));
    assert_eq!(ran.code, 0, "{ran:?}");
    ran.out
}

/// Whether the password was said anywhere.
pub fn is_secret(person: &Person, ran: &Ran) {
    let kept = format!("{:?}", person.journal());
    assert!(![&ran.out, &ran.err, &kept].iter().any(|text| text.contains(CANARY)), "I22: {ran:?} {kept}");
}

#[test]
fn the_doctor_asks_each_and_says_what_it_may_not_see() {
    let (Some(server), Some(pooler), Some(cache)) =
        (bed::Postgres::start(20), console::PgBouncer::start(), bed::Redis::start())
    else {
        return;
    };
    let tables = |port| {
        let (pooler, cache) = (pooler.table("watch"), bed::Redis::table(cache.port, ""));
        format!("{}{pooler}{cache}[systemd]\nbus = \"unix:path=/nonexistent\"\n", bed::Postgres::table(port))
    };
    let person = person(&tables(server.port));
    let _seen = server.sessions("app", "web", 2);
    let said = |check: &str| {
        let ran = Ran::of(ira(person.home.path()).args(["doctor", "--json"]));
        is_secret(&person, &ran);
        let all = ran.json()["data"]["findings"].clone();
        let one = all.as_array().expect("a list").iter().find(|one| one["check"] == check).cloned();
        one.unwrap_or_else(|| panic!("{check}: {ran:?}"))["message"].as_str().expect("a message").to_owned()
    };
    assert!(said("postgres").contains("may not be seen"), "{}", said("postgres"));
    server.grant(&policy(&person, "postgres.connections"));
    let seen = said("postgres");
    assert!(seen.contains("of 20 connections") && !seen.contains("may not be seen"), "{seen}");
    assert!(said("pgbouncer").contains("0 clients wait") && said("redis").contains("0 keys"));
    configure(&person, &tables(1));
    assert!(said("postgres").contains("cannot be reached"), "{}", said("postgres"));
}
