//! Items of a table: counted, kept, deleted, put back.

use std::os::unix::fs::PermissionsExt as _;

use serde_json::json;

use super::*;
use crate::support::run::{Running, wait_until};

const DELETE: [&str; 5] = ["dynamodb.delete_items", "--table", "locks", "--partition", "checkout"];

/// The file that was kept, by its name.
fn kept(person: &Person) -> String {
    let folder = person.home.path().join(".local/state/ira/kept");
    let all: Vec<_> = std::fs::read_dir(folder).expect("a folder").map(|one| one.expect("a file")).collect();
    assert_eq!(all.len(), 1);
    assert_eq!(all[0].metadata().expect("there").permissions().mode() & 0o777, 0o600);
    all[0].file_name().into_string().expect("a name")
}

#[test]
fn items_are_counted_kept_and_deleted_and_come_back_as_they_were() {
    // The real one refuses batches of more than 25, and so does this.
    let Some((cloud, way, person)) = with_items(Emulator::Dynalite, 60) else { return };
    let dry = person.act(&[&DELETE[..], &["--dry-run"]].concat());
    assert!(dry.code == 0 && dry.out.contains("60 items"), "{dry:?}");
    assert_eq!(way.writes(), [] as [String; 0]);
    let ran = person.agreed(&DELETE);
    assert_eq!(ran.code, 0, "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((&action["deleted"], way.count("BatchWriteItem")), (&json!(60), 3), "{action}");
    assert_eq!((cloud.count("checkout"), cloud.count("other")), (0, 1));
    let file = kept(&person);
    assert_eq!(action["kept"], json!(file));
    // What came since stays as it is.
    cloud.item("checkout", 7);
    let back = person.agreed(&["dynamodb.restore_items", "--kept", &file]);
    assert_eq!((back.code, cloud.count("checkout")), (0, 60), "{back:?}");
    let again = person.agreed(&["dynamodb.restore_items", "--kept", &file]);
    assert!(again.code == 0 && way.count("PutItem") == 59, "nothing is left to do: {again:?}");
}

#[test]
fn more_items_than_are_meant_are_not_touched() {
    let Some((cloud, way, person)) = with_items(Emulator::Dynalite, 4) else { return };
    let ran = person.agreed(&[&DELETE[..], &["--at-most", "3"]].concat());
    assert!(ran.code == 1 && ran.out.contains("more than 3 items"), "{ran:?}");
    let below = person.agreed(&[&DELETE[..], &["--sort-below", "2"]].concat());
    assert_eq!((below.code, cloud.count("checkout")), (0, 2), "{below:?}");
    let one = person.agreed(&[&DELETE[..], &["--sort-is", "3"]].concat());
    assert_eq!((one.code, cloud.count("checkout")), (0, 1), "{one:?}");
    let wrong = person.agreed(&[&DELETE[..], &["--sort-begins", "3"]].concat());
    assert!(wrong.code == 2 && wrong.out.contains("no condition on the key nr"), "{wrong:?}");
    assert_eq!(way.count("BatchWriteItem"), 2);
}

#[test]
fn keys_that_are_not_taken_are_asked_again_until_they_are() {
    let Some((cloud, way, person)) = with_items(Emulator::Dynalite, 30) else { return };
    let mut batches = 0;
    way.judge(move |call| {
        batches += usize::from(call == "BatchWriteItem");
        if call == "BatchWriteItem" && batches < 4 { Then::Partly(7) } else { Then::On }
    });
    let ran = person.agreed(&DELETE);
    assert_eq!((ran.code, cloud.count("checkout")), (0, 0), "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["deleted"], 30);
}

#[test]
fn a_batch_of_which_a_part_is_never_taken_is_said_exactly_with_the_file_that_has_all() {
    let Some((cloud, way, person)) = with_items(Emulator::Dynalite, 10) else { return };
    let mut batches = 0;
    way.judge(move |call| {
        batches += usize::from(call == "BatchWriteItem");
        if call == "BatchWriteItem" { Then::Partly(if batches == 1 { 4 } else { 0 }) } else { Then::On }
    });
    let ran = person.agreed(&DELETE);
    assert!(ran.code == 69 && ran.out.contains("4 of 10 items are deleted"), "{ran:?}");
    let file = kept(&person);
    assert!(ran.out.contains(&file) && ran.out.contains("dynamodb.restore_items"), "{ran:?}");
    assert_eq!(cloud.count("checkout"), 6);
    way.judge(|_| Then::On);
    let back = person.agreed(&["dynamodb.restore_items", "--kept", &file]);
    assert_eq!((back.code, cloud.count("checkout")), (0, 10), "{back:?}");
}

#[test]
fn fault_5_killed_between_two_batches_the_file_says_how_many_are_gone() {
    let Some((cloud, way, person)) = with_items(Emulator::Dynalite, 40) else { return };
    let mut batches = 0;
    way.judge(move |call| {
        batches += usize::from(call == "BatchWriteItem");
        if call == "BatchWriteItem" && batches == 2 { Then::Hang } else { Then::On }
    });
    let running = Running::of(person.command(&DELETE).arg("--yes"));
    wait_until("the second batch is asked", || way.count("BatchWriteItem") == 2);
    running.kill();
    way.judge(|_| Then::On);
    let settled = person.act(&[&DELETE[..], &["--resume", "--json"]].concat());
    assert!(settled.out.contains("25 of 40 items are deleted"), "{settled:?}");
    assert_eq!(cloud.count("checkout"), 15);
    let file = kept(&person);
    let back = person.agreed(&["dynamodb.restore_items", "--kept", &file]);
    assert_eq!((back.code, cloud.count("checkout")), (0, 40), "{back:?}");
}
