//! The playbooks for a cluster, on one control plane each test: verified, handed over, killed, dry.

use super::cluster::Bed;
use super::front::Held;
use super::rows::ROWS;
use super::{Scene as _, dry, handed_over, killed, verified};

#[test]
fn each_mends_what_it_is_for_with_no_more_rights_than_it_needs_and_changes_nothing_before() {
    let Some(bed) = Bed::start() else { return };
    for row in &ROWS {
        let (scene, before) = (bed.scene(row, row.needs, false), bed.tickets().len());
        dry(&scene);
        assert_eq!(bed.tickets().len(), before, "nor is anybody told");
        verified(&scene);
        assert_eq!(scene.writes(), row.writes, "{}", row.playbook);
        let tickets = &bed.tickets()[before..];
        assert_eq!(tickets.len(), row.tickets.0, "{}", row.playbook);
        assert!(tickets.iter().all(|text| text.contains("heap at https://profiles.example/1")), "{tickets:?}");
    }
}

#[test]
fn what_does_not_help_and_what_may_not_be_done_is_a_persons() {
    let Some(bed) = Bed::start() else { return };
    for row in &ROWS {
        let forbidden = bed.scene(row, row.reads, false);
        handed_over(&forbidden, "does not allow this");
        assert_eq!(forbidden.writes(), [] as [String; 0], "{}", row.playbook);
        let (useless, before) = (bed.scene(row, row.needs, true), bed.tickets().len());
        handed_over(&useless, "did not help");
        assert_eq!(bed.tickets().len() - before, row.tickets.1, "{}", row.playbook);
        assert_ne!(useless.writes(), [] as [String; 0], "{}", row.playbook);
    }
}

#[test]
fn fault_3_killed_at_a_write_it_is_settled_and_done_once() {
    let Some(bed) = Bed::start() else { return };
    for row in &ROWS {
        for (method, path) in row.gates {
            for held in [Held::After, Held::Before] {
                let scene = bed.scene(row, row.needs, false);
                bed.front.hold(method, path, held);
                let (ended, writes) = killed(&scene, &bed.front);
                assert!(bed.front.is_hit());
                assert_eq!(ended, "succeeded", "{} {method} {path} {held:?}", row.playbook);
                assert_eq!(writes, row.writes, "{} {method} {path} {held:?}: no second effect", row.playbook);
            }
        }
    }
}
