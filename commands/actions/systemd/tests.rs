//! What became of an attempt, by how the unit was and how it is.

use super::act::{Before, probed};
use crate::actions::Probed;
use crate::ports::host::{UnitState, UnitVerb};

fn state(active: &str, run: &str) -> UnitState {
    UnitState {
        name: "web.service".to_owned(),
        active: active.to_owned(),
        invocation: run.to_owned(),
        active_since: u64::from(active == "active"),
        manager_since: 7,
        ..UnitState::default()
    }
}

fn word(verb: UnitVerb, before: &UnitState, now: &UnitState) -> &'static str {
    match probed(verb, &Before::from(before), now) {
        Probed::Done(_) => "done",
        Probed::Failed(_) => "failed",
        Probed::NotDone(_) => "not done",
        Probed::Unknown(_) => "unknown",
    }
}

#[test]
fn lesson_26_a_look_back_at_a_unit_claims_no_more_than_it_can_tell() {
    use UnitVerb::{Restart, Start, Stop};
    let up = |run| state("active", run);
    for (verb, before, now, expected) in [
        (Restart, up("a"), up("a"), "not done"),
        (Restart, up("a"), up("b"), "done"),
        (Restart, up("a"), state("failed", "b"), "failed"),
        (Restart, up("a"), state("inactive", "a"), "unknown"),
        (Restart, up("a"), state("activating", "b"), "unknown"),
        (Restart, state("failed", "a"), state("failed", "a"), "not done"),
        (Restart, state("inactive", ""), state("inactive", ""), "unknown"),
        (Start, state("inactive", "a"), state("inactive", "a"), "not done"),
        (Start, state("inactive", "a"), up("b"), "done"),
        (Start, state("inactive", ""), up("b"), "done"),
        (Stop, up("a"), up("a"), "not done"),
        (Stop, up("a"), up("b"), "unknown"),
        (Stop, up("a"), state("inactive", "a"), "done"),
        (Stop, up("a"), state("failed", "a"), "done"),
    ] {
        assert_eq!(word(verb, &before, &now), expected, "{verb:?} {before:?} {now:?}");
    }
    let mut now = up("a");
    now.job = true;
    assert_eq!(word(Restart, &up("a"), &now), "unknown", "systemd is at it");
    now = UnitState { manager_since: 8, ..up("b") };
    assert_eq!(word(Restart, &up("a"), &now), "unknown", "the machine was started anew");
}
