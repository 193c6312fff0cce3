//! Who takes part, who can transmit, and whether they can be paid.

use super::*;

/// Takes oracle 3 out of the last `count` rounds.
fn silence(facts: &mut Facts, count: usize) {
    for one in rounds(facts).iter_mut().rev().take(count) {
        one.observers.pop();
        one.observations.pop();
    }
}

#[test]
fn a_silent_oracle_is_named_with_the_loss_still_borne() {
    assert_eq!(after("silent-oracle", |_, facts| silence(facts, 7)), "ok");
    let (scene, mut facts) = healthy();
    silence(&mut facts, 8);
    let judged = judge(&scene, &facts);
    let found = judged.get("silent-oracle").expect("applies");
    assert_eq!(found.status, Status::Critical, "three of four is the quorum: no further loss is borne");
    assert_eq!(found.evidence["silent"][0]["oracle"], 3);
    assert_eq!(found.evidence["silent"][0]["last_observed_round"], "16");
    assert_eq!(found.evidence["spare"], 0);
    assert_eq!(after("silent-oracle", |_, facts| facts.transmissions = down()), "unknown");
    assert_eq!(after("silent-oracle", |_, facts| rounds(facts).clear()), "unknown");
    assert_eq!(after("silent-oracle", |_, facts| facts.kind = FeedKind::Flux), "");
}

#[test]
fn oracle_indices_of_an_older_configuration_are_not_counted() {
    let judged = after("silent-oracle", |_, facts| {
        silence(facts, 24);
        for one in rounds(facts).iter_mut().take(14) {
            one.digest = vec![6; 32];
        }
        for one in rounds(facts).iter_mut().skip(14) {
            one.observers.push(3);
        }
    });
    assert_eq!(judged, "ok");
}

#[test]
fn ocr1_counts_stand_in_where_logs_cannot_be_read() {
    let counted = |counts: [u64; 4]| {
        after("silent-oracle", |_, facts| {
            facts.kind = FeedKind::Ocr1;
            facts.transmissions = down();
            for (oracle, count) in oracles(facts).iter_mut().zip(counts) {
                oracle.unpaid_observations = Some(Ok(count));
            }
        })
    };
    assert_eq!(counted([40, 40, 41, 9]), "warn");
    assert_eq!(counted([40, 40, 41, 30]), "unknown", "the counts cannot say that all is well");
    assert_eq!(counted([3, 3, 3, 0]), "unknown", "too few to tell");
}

#[test]
fn an_outlier_is_habitually_off() {
    let off = |rounds_off: usize, by: u64| {
        after("outlier-oracle", |_, facts| {
            for one in rounds(facts).iter_mut().take(rounds_off) {
                one.observations[3] = price(by);
            }
        })
    };
    assert_eq!(off(24, 303_000), "ok");
    assert_eq!(off(9, 303_100), "warn");
    assert_eq!(off(8, 303_100), "ok", "now and then is no habit");
    let two = after("outlier-oracle", |_, facts| {
        for one in rounds(facts).iter_mut() {
            one.observations[3] = price(310_000);
            one.observations[0] = price(290_000);
        }
    });
    assert_eq!(two, "critical", "more than f can move the median");
}

#[test]
fn epochs_race_when_leaders_fail() {
    let step = |by: u64| {
        after("epoch-racing", |_, facts| {
            let mut epoch = 1;
            for (n, one) in rounds(facts).iter_mut().enumerate() {
                epoch += if n < 18 { 1 } else { by };
                one.epoch = epoch;
            }
        })
    };
    assert_eq!((step(2), step(3)), ("ok", "warn"));
    let quiet = after("epoch-racing", |_, facts| {
        for one in rounds(facts).iter_mut().skip(18) {
            let later = (one.epoch - 18) * 5;
            one.epoch += later;
            one.observed_at = one.observed_at.map(|at| at + later * 300);
        }
    });
    assert_eq!(quiet, "ok", "more time between transmissions, more epochs");
    assert_eq!(after("epoch-racing", |_, facts| rounds(facts).truncate(10)), "unknown");
}

#[test]
fn transmitters_need_gas_for_transmissions() {
    // 200,000 gas at 20 gwei: 0.004 ETH each.
    let holds = |wei: u64| after("transmitter-gas", |_, facts| oracles(facts)[1].balance = Ok(U256::from(wei)));
    assert_eq!((holds(ETH / 10), holds(ETH / 100), holds(0)), ("ok", "critical", "critical"));
    assert_eq!(holds(ETH / 1_000 * 79), "warn");
    assert_eq!(after("transmitter-gas", |_, facts| oracles(facts)[1].balance = down()), "unknown");
    let dry_beside_unread = after("transmitter-gas", |_, facts| {
        oracles(facts)[1].balance = down();
        oracles(facts)[2].balance = Ok(U256::zero());
    });
    assert_eq!(dry_beside_unread, "critical", "one that is not known hides no other");
    assert_eq!(after("transmitter-gas", |scene, _| scene.gas_price = down()), "unknown");
    assert_eq!(after("transmitter-gas", |_, facts| facts.oracles = Ok(Vec::new())), "");
}

#[test]
fn a_waiting_transaction_is_stuck_unless_a_round_was_just_written() {
    let waits = |count: u64, age: u64| {
        after("transmitter-stuck", |_, facts| {
            oracles(facts)[2].pending_nonce = Ok(10 + count);
            facts.round = Ok(round(24, 300_000, age));
        })
    };
    assert_eq!((waits(1, 10), waits(1, 60), waits(3, 10)), ("info", "warn", "critical"));
    assert_eq!(after("transmitter-stuck", |_, facts| oracles(facts)[2].nonce = down()), "unknown");
    let stuck_beside_unread = after("transmitter-stuck", |_, facts| {
        oracles(facts)[1].nonce = down();
        oracles(facts)[2].pending_nonce = Ok(20);
    });
    assert_eq!(stuck_beside_unread, "critical");
}

#[test]
fn one_that_never_transmits_is_told_from_one_whose_turn_has_not_come() {
    let skip = |facts: &mut Facts| {
        for one in rounds(facts) {
            if one.transmitter == account(3) {
                one.transmitter = account(0);
            }
        }
    };
    assert_eq!(after("transmitter-never", |_, facts| skip(facts)), "warn");
    let few = after("transmitter-never", |_, facts| {
        rounds(facts).truncate(11);
        skip(facts);
    });
    assert_eq!(few, "info");
}

#[test]
fn gas_above_what_billing_pays_back() {
    assert_eq!(after("gas-above-billing", |scene, _| scene.gas_price = Ok(U256::from(2_001_000_000_000_u64))), "warn");
    assert_eq!(after("gas-above-billing", |scene, _| scene.gas_price = down()), "unknown");
    assert_eq!(after("gas-above-billing", |_, facts| facts.billing = None), "");
}

#[test]
fn link_lasts_by_the_rate_of_the_window() {
    // 288 rounds a day; each 5 × 100,000 gjuels, and 200,000 gas, paid at 60 gwei for 20, at 5 LINK for a coin: about
    // 17.4 LINK a day.
    let holds = |link: u64| {
        after("link-funds", |_, facts| facts.link_available = Some(Ok(I256::positive(U256::from(ETH) * link))))
    };
    assert_eq!((holds(250), holds(50), holds(30), holds(0)), ("ok", "warn", "critical", "critical"));
    let owed = I256 { negative: true, magnitude: U256::one() };
    assert_eq!(after("link-funds", |_, facts| facts.link_available = Some(Ok(owed))), "critical");
    assert_eq!(after("link-funds", |_, facts| facts.link_available = Some(down())), "unknown");
    assert_eq!(after("link-funds", |_, facts| facts.transmissions = down()), "unknown", "the rate is not known");
    assert_eq!(after("link-funds", |_, facts| facts.billing = Some(down())), "unknown");
    assert_eq!(after("link-funds", |scene, _| scene.gas_price = down()), "unknown");
    // One round in the window: at least one per heartbeat.
    let (scene, mut facts) = healthy();
    rounds(&mut facts).truncate(1);
    let rate = payments::juels_per_day(&scene, &facts).expect("known");
    // 24 × (5 × 1e14 + 200,000 × (20 + (100 − 20) / 2) gwei × 5): what is saved against 100 gwei is shared.
    assert!((rate / (24.0 * (5e14 + 200_000.0 * 60e9 * 5.0)) - 1.0).abs() < 1e-9, "{rate}");
}
