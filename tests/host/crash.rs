//! `ira` killed, its shim killed, scripts that do not want to end: known in the end, and done at most once.

use std::time::Duration;

use super::*;
use crate::support::run::wait_until;

const SLOW: &[&str] = &["script.run", "--program", "slow.sh", "--timeout", "60s"];

/// A script that says that it began, takes a while, and has an effect.
fn slow(seconds: u32) -> Person {
    let person = Person::new();
    person.script("slow.sh", &format!("echo $$ > @/pid; sleep {seconds}; echo effect >> @/effects"));
    person
}

fn began(person: &Person) {
    wait_until("the script began", || person.read("pid").ends_with('\n'));
}

#[test]
fn fault_5_killed_while_a_script_runs_it_is_attached_to_again_and_done_once() {
    let person = slow(4);
    let running = person.left(SLOW);
    began(&person);
    running.kill();
    assert!(is_alive(&person.read("pid")), "the script outlives ira");
    assert_eq!(person.journal().len(), 1, "begun, and no end");
    let again = person.agreed(SLOW);
    assert!(again.code == 75 && again.out.contains("--resume"), "{again:?}");
    assert_eq!(person.read("effects"), "", "it is still at work");
    let settled = person.resumed(SLOW);
    assert_eq!(settled.code, 0, "{settled:?}");
    assert_eq!(settled.json()["data"]["actions"][0]["status"], "done", "{settled:?}");
    assert_eq!(person.read("effects"), "effect\n", "once");
    assert_eq!(person.ended(), "done");
    assert_eq!(person.journal()[1]["exit"]["by"], "probe");
}

#[test]
fn killed_and_long_over_the_result_is_found() {
    let person = Person::new();
    person.script("slow.sh", "echo $$ > @/pid; sleep 0.5; echo effect >> @/effects; exit 7");
    let running = person.left(SLOW);
    began(&person);
    running.kill();
    wait_until("it is over", || shim(&person).is_none());
    let settled = person.resumed(SLOW);
    assert_eq!(settled.code, 4, "{settled:?}");
    let action = &settled.json()["data"]["actions"][0];
    assert!(action["status"] == "failed" && action["reason"].as_str().is_some_and(|why| why.contains("exit 7")));
    assert_eq!(person.ended(), "failed:some");
    assert_eq!(person.read("effects"), "effect\n");
}

#[test]
fn fault_27_a_living_script_whose_shim_was_killed_is_not_taken_for_dead() {
    shim_killed(&Person::new());
}

#[test]
fn fault_27_nor_where_there_is_no_cgroup() {
    shim_killed(&Person { without_cgroup: true, ..Person::new() });
}

fn shim_killed(person: &Person) {
    // Without the lock, too: it closes every file that it was given.
    person.script(
        "slow.sh",
        "exec 3>&- 4>&- 5>&- 6>&- 7>&- 8>&- 9>&- >/dev/null 2>&1; echo $$ > @/pid; sleep 3; echo effect >> @/effects",
    );
    let mut running = person.left(SLOW);
    began(person);
    kill(shim(person).expect("a shim"));
    std::thread::sleep(Duration::from_secs(1));
    assert!(running.0.try_wait().expect("asked").is_none(), "ira waits for the living script");
    assert!(is_alive(&person.read("pid")) && person.journal().len() == 1);
    // Somebody else who looks waits, too.
    let looking = Running::of(person.command(SLOW).arg("--resume"));
    assert_eq!(running.code(), Some(75), "nobody saw how it ended");
    assert_eq!(looking.code(), Some(4));
    assert_eq!(person.read("effects"), "effect\n");
    assert_eq!(person.ended(), "", "it stays open");
    assert_eq!(person.agreed(SLOW).code, 75, "and is not run again");
}

#[test]
fn lesson_31_at_its_deadline_every_descendant_is_ended_and_the_lock_is_free() {
    over_time(&Person::new());
}

#[test]
fn lesson_31_also_where_there_is_no_cgroup() {
    over_time(&Person { without_cgroup: true, ..Person::new() });
}

fn over_time(person: &Person) {
    person.script(
        "wild.sh",
        "trap '' TERM\n\
         setsid sh -c \"trap '' TERM HUP; echo \\$\\$ > @/daemon; while :; do sleep 1; done\" > /dev/null 2>&1 3>&- 4>&- &\n\
         ( ( sh -c \"trap '' TERM; echo \\$\\$ > @/orphan; while :; do sleep 1; done\" & ) & )\n\
         while [ ! -s @/daemon ] || [ ! -s @/orphan ]; do sleep 0.1; done\n\
         echo $$ > @/pid\n\
         while :; do echo flood flood flood flood flood flood flood flood flood flood flood flood flood; done",
    );
    let words = ["script.run", "--program", "wild.sh", "--timeout", "3s"];
    let ran = person.agreed(&words);
    assert_eq!(ran.code, 75, "what was ended half way may have done half of it: {ran:?}");
    for pid in ["pid", "daemon", "orphan"] {
        assert!(!is_alive(&person.read(pid)), "{pid} is ended");
    }
    assert!(shim(person).is_none());
    assert_eq!(person.ended(), "", "it stays open: never failed");
    let settled = person.resumed(&words);
    assert_eq!((settled.code, &settled.json()["data"]["actions"][0]["status"]), (4, &"unknown".into()));
}

#[test]
fn lesson_33_a_flood_is_counted_and_hashed_and_only_its_ends_are_kept() {
    let person = Person::new();
    person.script("flood.sh", "echo the beginning; head -c 20000000 /dev/zero | tr '\\0' x; echo; echo the end");
    let ran = person.agreed(&["script.run", "--program", "flood.sh"]);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let stdout = ran.json()["data"]["actions"][0]["stdout"].clone();
    assert_eq!(stdout["bytes"], 20_000_000 + 14 + 9);
    let kept = std::fs::read_to_string(stdout["file"].as_str().expect("a file")).expect("kept");
    assert!(kept.starts_with("the beginning\n") && kept.ends_with("the end\n") && kept.contains("are left out here"));
    assert!(kept.len() < 1_200_000, "{}", kept.len());
    assert!(format!("{:?}", person.journal()).len() < 10_000, "a digest, not the output");
    assert!(ran.out.len() < 20_000);
}

#[test]
fn what_a_script_leaves_behind_is_ended_with_it() {
    let person = Person::new();
    person.script("leaves.sh", "setsid sleep 300 > /dev/null 2>&1 & echo $! > @/left; exit 0");
    let ran = person.agreed(&["script.run", "--program", "leaves.sh"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(ran.json()["data"]["actions"][0]["ended_processes"], 1);
    assert!(!is_alive(&person.read("left")));
}

#[test]
fn a_script_that_the_system_does_not_run_had_no_effect() {
    let person = Person::new();
    person.write("scripts/broken.sh", "#!/no/such/interpreter\n", 0o755);
    let ran = person.agreed(&["script.run", "--program", "broken.sh"]);
    assert!(ran.code == 1 && ran.out.contains("was not run"), "{ran:?}");
    assert_eq!(person.ended(), "failed:none");
    // So it may be tried again.
    assert_eq!(person.agreed(&["script.run", "--program", "broken.sh"]).code, 1);
}

#[test]
fn nobody_finds_the_shim_by_asking_for_help() {
    let person = Person::new();
    for words in [&["--help"][..], &["help", "act"], &["act", "--help"]] {
        let ran = Ran::of(ira(person.home.path()).args(words));
        assert!(!ran.out.contains("ira-attempt"), "{words:?}");
    }
}
