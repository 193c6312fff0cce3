//! Steps that are done for each of a list, steps that wait, and steps that tell.

use ira::engine::{Came, Ending};
use ira::store::StepState;

use super::books::{RESTART, SAY, STOP, of};
use super::world::Mishap;
use super::*;

fn each(concurrency: usize) -> String {
    let step = RESTART.replace("unit: $key", "unit: $item");
    let list = "    for_each: { over: [web, app, app-last], max: 5, concurrency: N }\n";
    of(&format!("{step}{}", list.replace('N', &concurrency.to_string())))
}

#[test]
fn a_loop_does_each_of_a_list_once_and_stops_at_the_first_that_fails() {
    on_each(async |rig, _| {
        for (key, concurrency) in [("one", 1), ("two", 3)] {
            let before = rig.world.done().len();
            let run = rig.admit_as(&each(concurrency), key, Mode::Auto, Vec::new()).await.expect("admitted");
            assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
            let mut done = rig.world.done().split_off(before);
            done.sort();
            assert_eq!(done, ["restart app-last.service", "restart app.service", "restart web.service"]);
        }
        let run = rig.admit_as(&each(1), "three", Mode::Auto, Vec::new()).await.expect("admitted");
        let before = rig.world.done().len();
        rig.world.amid(|what| what.contains("app.service").then_some(Mishap::Fails));
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert_eq!(rig.world.done().len() - before, 2, "the third was not come to");
        assert_eq!(rig.stands(run, "restart/app-last/").await, None);
        rig.sound(run).await;
    });
}

#[test]
fn lesson_34_a_list_that_is_longer_than_allowed_is_refused_whole() {
    on_each(async |rig, _| {
        let step = RESTART.replace("unit: $key", "unit: $item");
        let text = of(&format!("{step}    for_each: {{ over: $params.units, max: 2 }}\n"));
        let text =
            text.replace("queries:", "params:\n  units: { type: strings, default: [web, app, app-last] }\nqueries:");
        let run = rig.admit(&text).await;
        let Came::Denied(denial, _) = rig.drive(run).await else { panic!("refused") };
        assert!(denial.message.contains("has 3 items"), "{}", denial.message);
        assert!(rig.world.done().is_empty());
    });
}

#[test]
fn lesson_32_a_wait_is_a_timer_of_the_store_and_another_process_goes_on_with_it() {
    on_each(async |rig, folder| {
        let wait = "  - id: up
    do: systemd.status
    with: { unit: site }
    until: steps.up.out.active == \"active\"
    every: 15s
    within: 5m
";
        rig.world.unit("site.service", false, 1);
        let run = rig.admit(&of(&[RESTART, wait].concat())).await;
        let other = rig.other(folder);
        for looks in 1.. {
            let engine = if looks % 2 == 0 { &rig.engine } else { &other };
            match heard(engine.drive(run, &Unwatched).await) {
                Came::Sleeps(length) => rig.ticks.pass(length),
                came => {
                    assert_eq!(ended(&came), Ending::Verified);
                    break;
                }
            }
            if looks == 3 {
                rig.world.unit("site.service", true, 1);
            }
        }
        let story = rig.story(run).await;
        let looks = story.steps.iter().filter(|step| step.path == "up").count();
        assert_eq!(
            (looks, rig.world.done().len()),
            (4, 1),
            "each look is a read of its own; the write is not repeated"
        );
        assert!(story.steps.iter().all(|step| step.state == StepState::Done));
        // What does not come true in time is a step that failed.
        rig.world.unit("site.service", false, 1);
        let run = rig.admit_as(&of(&[wait, RESTART].concat()), "two", Mode::Auto, Vec::new()).await.expect("admitted");
        assert_eq!(ended(&rig.drive(run).await), Ending::Broken);
        assert_eq!(rig.world.done().len(), 1);
    });
}

#[test]
fn what_was_to_be_told_and_cannot_be_said_takes_nothing_back() {
    on_each(async |rig, _| {
        let look = "  - id: look
    do: systemd.status
    with: { unit: $key }
    outputs: { never: { take: no.such, type: string, pattern: '.+' } }
";
        let say = SAY.replace("about web", "$steps.look.out.never");
        let run = rig.admit(&of(&[look, STOP, &say].concat())).await;
        assert_eq!(ended(&rig.drive(run).await), Ending::Verified);
        assert_eq!(rig.world.done().len(), 1, "{:?}", rig.world.done());
        rig.sound(run).await;
    });
}
