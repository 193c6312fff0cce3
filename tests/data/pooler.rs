//! The console of a real pooler.

use super::console::PgBouncer;
use super::*;

const SET: &[&str] = &["pgbouncer.set_pool", "--pooler", "shop"];

#[test]
fn a_pool_is_raised_within_its_bound_and_set_back() {
    let Some(bed) = PgBouncer::start() else { return };
    let person = person(&bed.table("ira"));
    let raise = [SET, &["--times", "1.5", "--at-most", "29"]].concat();
    let dry = person.act(&[&raise[..], &["--dry-run"]].concat());
    assert!(dry.code == 0 && dry.out.contains("reloaded") && dry.out.contains("own"), "{dry:?}");
    let first = person.agreed(&raise);
    let action = first.json()["data"]["actions"][0].clone();
    // 20 is what it is made with; half as much again is 30.
    assert_eq!((first.code, &action["before"], &action["value"]), (0, &20.into(), &29.into()), "{first:?}");
    let again = person.agreed(&raise);
    assert!(again.code == 0 && again.out.contains("default_pool_size is 29"), "{again:?}");
    let back = person.agreed(&[SET, &["--size", "20"]].concat());
    assert_eq!((back.code, &back.json()["data"]["actions"][0]["before"]), (0, &29.into()), "{back:?}");
    is_secret(&person, &back);
}

#[test]
fn who_may_only_look_sets_nothing() {
    let Some(bed) = PgBouncer::start() else { return };
    let person = person(&bed.table("watch"));
    let ran = person.agreed(&[SET, &["--size", "40"]].concat());
    assert!(ran.code == 69 && ran.out.contains("admin_users"), "{ran:?}");
    assert!(person.journal().is_empty() || person.ended() == "failed:none", "{:?}", person.journal());
    for words in [&["--times", "2"][..], &["--size", "40", "--at-most", "30"], &[]] {
        assert_eq!(person.agreed(&[SET, words].concat()).code, 2, "{words:?}");
    }
    configure(&person, &bed.table("ira"));
    person.write("secret", "not the password", 0o600);
    let wrong = person.agreed(&[SET, &["--size", "40"]].concat());
    assert_eq!(wrong.code, 69, "{wrong:?}");
}
