//! Is the feed set up as believed.

use super::*;

#[test]
fn proxy_directory_and_proposal_are_compared() {
    assert_eq!(after("aggregator-mismatch", |_, facts| entry(facts).aggregator = Some(account(50))), "warn");
    assert_eq!(after("aggregator-mismatch", |_, facts| entry(facts).aggregator = None), "unknown");
    assert_eq!(after("aggregator-mismatch", |_, facts| facts.proxy = None), "");
    let proposed = |round: Known<Round>| {
        after("migration-pending", |_, facts| facts.proposed = Some(Ok(Proposed { aggregator: account(60), round })))
    };
    assert_eq!(proposed(Ok(round(3, 300_100, 60))), "info");
    assert_eq!(proposed(Ok(round(3, 309_000, 60))), "warn");
    let reverted = || Err(Fault::new(Kind::Reverted, "reverted: No access"));
    assert_eq!(proposed(reverted()), "warn");
    assert_eq!(proposed(down()), "unknown", "what could not be read is no answer");
    assert_eq!(after("migration-pending", |_, facts| facts.proposed = Some(down())), "unknown");
}

#[test]
fn a_recent_phase_shows_in_the_rounds_of_both_aggregators() {
    let phases = |first: u64, last_old: u64| {
        after("phase-changed", |_, facts| {
            facts.phase = Some(Ok(2));
            facts.old_phase = Some(Ok(OldPhase {
                aggregator: account(70),
                round: Ok(round(900, 300_000, last_old)),
                first_round: Ok(round(1, 300_000, first)),
            }));
        })
    };
    assert_eq!(phases(10_000_000, 9_000_000), "ok");
    assert_eq!(phases(10_000_000, 3_000), "info", "kept going beside the one that took over long ago");
    assert_eq!(phases(1_000_000, 3_000), "warn");
    assert_eq!(after("phase-changed", |_, facts| facts.phase = Some(down())), "unknown");
    assert_eq!(phases(3_000, 9_000_000), "warn");
}

#[test]
fn access_is_the_consumers_not_ours() {
    let listed = |checked, allowed| {
        after("access", |_, facts| facts.access = Some(Ok(Access { checked, allowed: Ok(allowed) })))
    };
    assert_eq!((listed(true, false), listed(false, false), listed(true, true)), ("critical", "ok", "ok"));
    assert_eq!(after("access", |_, facts| facts.proxy_controller = Some(Ok(account(5)))), "info");
    assert_eq!(after("access", |_, facts| facts.access = Some(down())), "unknown");
    assert_eq!(after("access", |_, facts| facts.proxy_controller = Some(down())), "unknown");
    assert_eq!(after("access", |_, facts| facts.proxy = None), "");
}
