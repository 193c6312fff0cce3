//! What goes wrong on the way: refusals, haste, silence, a credential that ran out, `ira` killed.

use serde_json::json;

use super::*;
use crate::support::run::{Running, wait_until};

const STOP: [&str; 5] = ["ecs.stop_service", "--cluster", "shop", "--service", "web"];

#[test]
fn what_is_not_allowed_is_named_with_the_action_that_iam_has_to_allow() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    for call in ["DescribeServices", "UpdateService"] {
        way.on(call, Then::Refuse(400, "AccessDeniedException", "User: arn:aws:iam::1:user/x is not authorized"));
        let ran = person.agreed(&STOP);
        assert!(ran.code == 69 && ran.out.contains(&format!("does not allow ecs:{call}")), "{ran:?}");
        assert!(ran.out.contains("--policy"), "{ran:?}");
    }
    assert_eq!(person.ended(), ["failed:none"]);
    assert_eq!(cloud.web()["desiredCount"], 2);
}

#[test]
fn a_credential_that_ran_out_is_said_to_have() {
    let Some((_cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    // Words of AWS that repeat what was signed.
    way.on("DescribeServices", Then::Refuse(400, "ExpiredTokenException", "expired: c4n4ryS3cr3tAcc3ssK3y0123456789"));
    let ran = person.agreed(&STOP);
    assert!(ran.code == 69 && ran.out.contains("the credential has run out"), "{ran:?}");
}

#[test]
fn haste_is_borne_a_few_times_and_then_said() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    let mut refused = 0;
    way.judge(move |call| {
        if call != "UpdateService" || refused == 2 {
            return Then::On;
        }
        refused += 1;
        Then::Refuse(400, "ThrottlingException", "Rate exceeded")
    });
    let ran = person.agreed(&STOP);
    assert_eq!((ran.code, way.count("UpdateService")), (0, 3), "{ran:?}");
    assert_eq!(cloud.web()["desiredCount"], 0);
    way.on("UpdateService", Then::Refuse(400, "ThrottlingException", "Rate exceeded"));
    let start = ["ecs.start_service", "--cluster", "shop", "--service", "web", "--tasks", "1"];
    let ran = person.agreed(&start);
    assert!(ran.code == 69 && ran.out.contains("asks to slow down"), "{ran:?}");
    assert_eq!((way.count("UpdateService"), person.ended().last().map(String::as_str)), (7, Some("failed:none")));
}

#[test]
fn a_write_that_is_not_answered_is_unknown_and_never_sent_again_until_it_is_looked_at() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    way.on("UpdateService", Then::Silence);
    let ran = person.agreed(&STOP);
    assert!(ran.code == 75 && ran.out.contains("it is not known whether this happened"), "{ran:?}");
    assert_eq!(way.count("UpdateService"), 1);
    way.judge(|_| Then::On);
    let settled = person.act(&[&STOP[..], &["--resume", "--json"]].concat());
    assert!(settled.code == 0 && settled.out.contains(r#""status":"done""#), "{settled:?}");
    assert_eq!((way.count("UpdateService"), cloud.web()["desiredCount"].as_i64()), (1, Some(0)), "once");
}

#[test]
fn what_changed_since_it_was_planned_is_not_done() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    let (port, mut looks) = (cloud.port, 0);
    way.judge(move |call| {
        looks += usize::from(call == "DescribeServices");
        if call == "DescribeServices" && looks == 2 {
            let other = json!({ "cluster": "shop", "service": "web", "desiredCount": 5 });
            bed::call(port, "Ecs.UpdateService", &other);
        }
        Then::On
    });
    let ran = person.agreed(&STOP);
    assert!(ran.code != 0 && way.writes().is_empty(), "{ran:?}");
    assert_eq!(cloud.web()["desiredCount"], 5, "it is as somebody else wanted it");
}

#[test]
fn a_write_that_was_swallowed_is_found_not_to_have_happened() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    way.on("UpdateService", Then::Hang);
    assert_eq!(person.agreed(&STOP).code, 75);
    way.judge(|_| Then::On);
    let settled = person.act(&[&STOP[..], &["--resume", "--json"]].concat());
    assert!(settled.out.contains(r#""status":"not-done""#), "{settled:?}");
    assert_eq!(cloud.web()["desiredCount"], 2);
}

#[test]
fn fault_5_killed_between_two_writes_what_runs_says_how_far_it_came() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    let update = ["ecs.update_task_definition", "--cluster", "shop", "--service", "web", "--container", "web"];
    let update = [&update[..], &["--image", "web:3"]].concat();
    way.on("UpdateService", Then::Hang);
    let running = Running::of(person.command(&update).arg("--yes"));
    wait_until("a revision was made", || way.count("UpdateService") == 1);
    running.kill();
    assert_eq!(person.ended(), [] as [String; 0], "begun, and no end");
    way.judge(|_| Then::On);
    let settled = person.act(&[&update[..], &["--resume", "--json"]].concat());
    assert!(settled.out.contains(r#""status":"not-done""#) && settled.out.contains("web:3 was made"), "{settled:?}");
    assert!(cloud.web()["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("/web:2")));
    // Looked at, it may be done anew.
    assert_eq!(person.agreed(&update).code, 0);
    assert_eq!(person.ended(), ["failed:none", "done"]);
}

#[test]
fn fault_5_a_revision_is_registered_once_though_its_answer_is_lost() {
    let Some((_cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    way.on("RegisterTaskDefinition", Then::Silence);
    let update = ["ecs.update_task_definition", "--cluster", "shop", "--service", "web", "--container", "web"];
    let update = [&update[..], &["--image", "web:3"]].concat();
    let ran = person.agreed(&update);
    assert_eq!((ran.code, way.count("RegisterTaskDefinition"), way.count("UpdateService")), (75, 1, 0), "{ran:?}");
    let settled = person.act(&[&update[..], &["--resume", "--json"]].concat());
    assert!(settled.out.contains(r#""status":"not-done""#), "the service runs as before: {settled:?}");
}

#[test]
fn a_hung_api_is_a_timeout_and_an_unknown_host_is_nothing_done() {
    let Some((_cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    way.on("DescribeServices", Then::Hang);
    let ran = person.agreed(&STOP);
    assert!(ran.code == 69 && ran.out.contains("does not answer in time"), "{ran:?}");
    let nowhere = Person::new(crate::support::bed::free_port());
    let ran = nowhere.agreed(&STOP);
    assert!(ran.code == 69 && ran.out.contains("cannot be reached"), "{ran:?}");
}

#[test]
fn without_a_region_or_an_account_it_is_said_how_to_name_one() {
    let home = tempfile::tempdir().expect("a home");
    let ran = Ran::of(ira(home.path()).arg("act").args(STOP));
    assert!(ran.code == 78 && ran.err.contains("no region of AWS is known"), "{ran:?}");
    let ran = Ran::of(ira(home.path()).arg("act").args(STOP).args(["--account", "prod"]));
    assert!(ran.code == 78 && ran.err.contains("no [aws.prod] is configured"), "{ran:?}");
}
