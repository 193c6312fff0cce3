//! Services: stopped, taken to another revision, started.

use serde_json::json;

use super::*;

const STOP: [&str; 5] = ["ecs.stop_service", "--cluster", "shop", "--service", "web"];
const UPDATE: [&str; 5] = ["ecs.update_task_definition", "--cluster", "shop", "--service", "web"];

#[test]
fn a_dry_run_only_reads_and_says_how_to_take_it_back() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    for words in [
        [&STOP[..], &["--dry-run"]].concat(),
        [&UPDATE[..], &["--to", "web:1", "--dry-run"]].concat(),
        [&UPDATE[..], &["--container", "web", "--image", "web:3", "--dry-run"]].concat(),
    ] {
        let ran = person.act(&words);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.out.contains("taken back by: ira act ecs."), "{ran:?}");
    }
    assert_eq!(way.writes(), [] as [String; 0], "{:?}", way.asked());
    assert_eq!(cloud.web()["desiredCount"], 2);
}

#[test]
fn a_service_is_stopped_and_what_the_plan_says_brings_its_tasks_back() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    let stopped = person.agreed(&STOP);
    assert_eq!(stopped.code, 0, "{stopped:?}");
    let action = stopped.json()["data"]["actions"][0].clone();
    assert_eq!((&action["before"], &action["after"], &action["status"]), (&json!(2), &json!(0), &json!("done")));
    assert_eq!((cloud.web()["desiredCount"].clone(), cloud.web()["runningCount"].clone()), (json!(0), json!(0)));
    let again = person.agreed(&STOP);
    assert!(again.code == 0 && way.count("UpdateService") == 1, "nothing is left to do: {again:?}");
    let start = ["ecs.start_service", "--cluster", "shop", "--service", "web", "--tasks", "2", "--only-stopped"];
    let started = person.agreed(&start);
    assert_eq!(started.code, 0, "{started:?}");
    assert_eq!(cloud.web()["runningCount"], 2);
    assert_eq!(person.ended(), ["done", "done"]);
    let stable = person.data(&["ecs.wait_stable", "--cluster", "shop", "--service", "web"]);
    assert_eq!((&stable["stable"], &stable["running"]), (&json!(true), &json!(2)), "{stable}");
}

#[test]
fn a_service_goes_back_to_a_revision_only_while_it_is_as_it_was() {
    let Some((cloud, _, person)) = with_service(Emulator::Ministack) else { return };
    let other = person.agreed(&[&UPDATE[..], &["--to", "web:1", "--from", "web:9"]].concat());
    assert!(other.code == 1 && other.out.contains("made from web:2 by now"), "{other:?}");
    let back = person.agreed(&[&UPDATE[..], &["--to", "web:1", "--from", "web:2"]].concat());
    assert_eq!(back.code, 0, "{back:?}");
    assert!(cloud.web()["taskDefinition"].as_str().is_some_and(|arn| arn.ends_with("/web:1")));
    let gone = person.agreed(&[&UPDATE[..], &["--to", "web:7"]].concat());
    assert!(gone.code == 69 && gone.out.contains("has no such thing"), "{gone:?}");
}

#[test]
fn a_new_revision_has_the_change_and_everything_else_as_before() {
    let Some((cloud, way, person)) = with_service(Emulator::Ministack) else { return };
    let change = ["--container", "web", "--env", "MODE=safe", "--env", "NEW=1", "--memory", "256"];
    let ran = person.agreed(&[&UPDATE[..], &change].concat());
    assert_eq!(ran.code, 0, "{ran:?}");
    let action = ran.json()["data"]["actions"][0].clone();
    assert_eq!((&action["before"], &action["after"]), (&json!("web:2"), &json!("web:3")), "{action}");
    let said = cloud.call("Ecs.DescribeTaskDefinition", &json!({ "taskDefinition": "web:3" }));
    let container = said["taskDefinition"]["containerDefinitions"][0].clone();
    assert_eq!((&container["image"], &container["memory"]), (&json!("web:2"), &json!(256)), "{container}");
    assert_eq!(container["portMappings"][0]["containerPort"], 80, "{container}");
    let environment = container["environment"].as_array().expect("a list");
    for (name, value) in [("MODE", "safe"), ("NEW", "1")] {
        assert!(environment.contains(&json!({ "name": name, "value": value })), "{container}");
    }
    assert_eq!(way.count("RegisterTaskDefinition"), 1);
    let again = person.agreed(&[&UPDATE[..], &change].concat());
    assert!(again.code == 0 && way.count("RegisterTaskDefinition") == 1, "it is so already: {again:?}");
}

#[test]
fn what_is_missing_is_named_in_aws_s_own_words() {
    let Some((_cloud, way, person)) = with_service(Emulator::Moto) else { return };
    for (words, said) in [
        (&["ecs.stop_service", "--cluster", "shop", "--service", "nope"][..], "MISSING"),
        (&["ecs.stop_service", "--cluster", "nope", "--service", "web"][..], "ClusterNotFoundException"),
        (&["dynamodb.delete_items", "--table", "nope", "--partition", "x"][..], "ResourceNotFoundException"),
        (&["lambda.invoke", "--function", "nope"][..], "ResourceNotFoundException"),
    ] {
        let ran = person.agreed(words);
        assert!(ran.code == 69 && ran.out.contains(said), "{words:?}: {ran:?}");
    }
    assert_eq!(way.writes(), [] as [String; 0]);
    let lost = person.agreed(&[&UPDATE[..], &["--container", "db", "--image", "x:1"]].concat());
    assert!(lost.code == 69 && lost.out.contains("no container db"), "{lost:?}");
}
