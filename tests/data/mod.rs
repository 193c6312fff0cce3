//! Databases, poolers and caches: real ones, on ports of their own.
#![cfg(target_os = "linux")]

pub mod bed;
mod pooler;
mod postgres;
pub mod proxy;
mod redis;
mod settings;

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
