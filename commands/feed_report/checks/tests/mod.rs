//! Every check, healthy and provoked, on facts made by hand; the same is seen on real contracts in the test bed.

use super::*;
use crate::fault::Kind;
use crate::feed_report::directory::Entry;
use crate::feed_report::facts::*;
use crate::ports::{BlockRef, Network, Notice, NoticeKind};
use crate::value::{H160, H256, I256, U256};

mod configuration;
mod oracles;

const NOW: u64 = 1_790_000_000;
const ETH: u64 = 1_000_000_000_000_000_000;

fn account(n: u64) -> H160 {
    H160::from_low_u64_be(n)
}

fn price(cents: u64) -> I256 {
    I256::positive(U256::from(cents))
}

fn down<T>() -> Known<T> {
    Err(Fault::new(Kind::Unreachable, "connection refused"))
}

fn round(number: u64, answer: u64, age: u64) -> Round {
    Round { id: (U256::one() << 64) + number, answer: price(answer), started_at: NOW - age - 12, updated_at: NOW - age }
}

/// Four oracles, twenty-four rounds five minutes apart, all in all rounds, each transmitting in turn.
fn healthy() -> (Scene, Facts) {
    let scene = Scene {
        network: Network {
            name: "test".into(),
            chain_id: 1,
            native: "ETH".into(),
            block_time: Some(12.0),
            ..Network::default()
        },
        block: BlockRef { number: 10_000, hash: H256::repeat_byte(1), timestamp: NOW },
        gas_price: Ok(U256::from(20_000_000_000_u64)),
        now: NOW + 5,
        window_from: 2_800,
        sequencer: Some(Ok(Round {
            id: U256::one(),
            answer: I256::default(),
            started_at: NOW - 86_400,
            updated_at: NOW - 86_400,
        })),
        reference: None,
        endpoints: 2,
        notices: Vec::new(),
    };
    let transmissions = (0..24_u64)
        .map(|n| Transmission {
            round: n + 1,
            answer: price(300_000),
            transmitter: account(n % 4),
            observed_at: Some(NOW - 60 - (23 - n) * 300 - 12),
            updated_at: Some(NOW - 60 - (23 - n) * 300),
            observations: vec![price(299_900), price(300_000), price(300_000), price(300_100)],
            observers: vec![0, 1, 2, 3],
            epoch: n + 1,
            digest: vec![7; 32],
            juels_per_fee_coin: Some(price(ETH * 5)),
            block: 9_000 + n,
            tx: H256::from_low_u64_be(n),
        })
        .collect();
    let facts = Facts {
        input: "eth-usd".into(),
        entry: Some(Entry {
            name: "ETH / USD".into(),
            aggregator: Some(account(99)),
            decimals: Some(8),
            ..Entry::default()
        }),
        proxy: Some(account(98)),
        aggregator: account(99),
        description: Ok("ETH / USD".into()),
        decimals: Ok(8),
        phase: Some(Ok(1)),
        round: Ok(round(24, 300_000, 60)),
        aggregator_round: None,
        previous: (1..8).map(|n| Ok(round(24 - n, 300_000, 60 + n * 300))).collect(),
        kind: FeedKind::Ocr2,
        type_and_version: Ok("AccessControlledOCR2Aggregator 1.0.0".into()),
        proposed: None,
        proxy_controller: None,
        access: Some(Ok(Access { checked: true, allowed: Ok(true) })),
        old_phase: None,
        config: Some(Ok(Config {
            count: 1,
            block: 100,
            set_at: Ok(NOW - 1_000_000),
            digest: vec![7; 32],
            newest_in_window: Ok(None),
            event: Ok(ConfigEvent {
                block: 100,
                tx: H256::repeat_byte(9),
                f: 1,
                signers: (0..4).map(account).collect(),
                transmitters: (0..4).map(account).collect(),
            }),
        })),
        oracles: Ok((0..4)
            .map(|n| Oracle {
                account: account(n),
                balance: Ok(U256::from(ETH)),
                nonce: Ok(10),
                pending_nonce: Ok(10),
                unpaid_observations: None,
            })
            .collect()),
        transmissions: Ok(transmissions),
        bounds: Some(Ok((price(1), I256::positive(U256::one() << 170)))),
        billing: Some(Ok(Billing {
            max_gas_gwei: 2_000,
            reasonable_gas_gwei: 100,
            micro_link_per_native: None,
            observation_gjuels: 100_000,
            transmission_gjuels: 100_000,
        })),
        flux: None,
        link_available: Some(Ok(I256::positive(U256::from(ETH) * 10_000))),
        gas_used: Some(Ok((U256::from(200_000), H256::repeat_byte(3)))),
        heartbeat: Some(3_600),
        threshold: Some(0.5),
    };
    (scene, facts)
}

/// What `check` says after `change` was made to a healthy feed; the empty word where it does not apply.
fn after(check: &str, change: impl FnOnce(&mut Scene, &mut Facts)) -> &'static str {
    let (mut scene, mut facts) = healthy();
    change(&mut scene, &mut facts);
    judge(&scene, &facts).get(check).map_or("", |finding| finding.status.word())
}

fn oracles(facts: &mut Facts) -> &mut Vec<Oracle> {
    facts.oracles.as_mut().expect("healthy")
}

fn rounds(facts: &mut Facts) -> &mut Vec<Transmission> {
    facts.transmissions.as_mut().expect("healthy")
}

fn entry(facts: &mut Facts) -> &mut Entry {
    facts.entry.as_mut().expect("healthy")
}

#[test]
fn a_healthy_feed_has_every_finding_ok() {
    let (scene, facts) = healthy();
    let judged = judge(&scene, &facts);
    let not_ok: Vec<_> = judged.findings.iter().filter(|finding| finding.status != Status::Ok).collect();
    assert!(not_ok.is_empty(), "{not_ok:?}");
    assert!(judged.not_applicable.is_empty(), "{:?}", judged.not_applicable);
    assert_eq!(judged.findings.len(), CHECKS.len());
}

#[test]
fn stale_waits_for_heartbeat_and_grace() {
    let aged = |age| after("stale", |_, facts| facts.round = Ok(round(24, 300_000, age)));
    assert_eq!(aged(3_720), "ok");
    assert_eq!(aged(3_721), "warn");
    assert_eq!(aged(3_840), "warn");
    assert_eq!(aged(3_841), "critical");
    assert_eq!(after("stale", |_, facts| facts.heartbeat = None), "unknown");
    let dated = |at| after("stale", |_, facts| facts.round.as_mut().expect("healthy").updated_at = at);
    assert_eq!((dated(NOW + 5), dated(NOW + 600)), ("ok", "unknown"), "a time to come has no age");
    assert_eq!(after("stale", |_, facts| facts.round = down()), "unknown");
    assert_eq!(after("stale", |_, facts| facts.round.as_mut().expect("healthy").updated_at = 0), "critical");
    let slow = |age| {
        after("stale", |_, facts| {
            facts.round = Ok(round(24, 300_000, age));
            for one in rounds(facts) {
                one.observed_at = one.updated_at.map(|at| at - 100);
            }
        })
    };
    assert_eq!((slow(3_900), slow(3_901)), ("ok", "warn"), "grace is three median latencies where that is more");
}

#[test]
fn an_old_block_makes_a_fresh_answer_unknown() {
    let halted = |scene: &mut Scene| scene.now = NOW + 121;
    assert_eq!(after("block-age", |scene, _| halted(scene)), "critical");
    assert_eq!(after("stale", |scene, _| halted(scene)), "unknown");
    assert_eq!(after("block-age", |scene, _| scene.now = NOW + 120), "ok");
    assert_eq!(after("block-age", |scene, _| scene.network.block_time = None), "");
}

#[test]
fn a_shut_down_feed_is_stale_on_purpose() {
    let shut = |facts: &mut Facts| {
        entry(facts).shutdown = Some("2026-01-01".into());
        facts.round = Ok(round(24, 300_000, 900_000));
    };
    assert_eq!(after("deprecated", |_, facts| shut(facts)), "info");
    assert_eq!(after("stale", |_, facts| shut(facts)), "info");
    assert_eq!(after("deprecated", |_, facts| facts.entry = None), "");
    // Announced for a day that has not come, or that cannot be read: it owes its rounds.
    for date in ["December 1st, 2099", "soon"] {
        let late = |facts: &mut Facts| {
            entry(facts).shutdown = Some(date.into());
            facts.round = Ok(round(24, 300_000, 900_000));
        };
        assert_eq!(after("deprecated", |_, facts| late(facts)), "info");
        assert_eq!(after("stale", |_, facts| late(facts)), "critical");
        assert_ne!(after("silent-oracle", |_, facts| late(facts)), "");
    }
}

#[test]
fn the_sequencer_is_judged_by_its_feed() {
    let feed = |answer: u64, since: u64| {
        after("sequencer", |scene, _| {
            scene.sequencer =
                Some(Ok(Round { id: U256::one(), answer: price(answer), started_at: since, updated_at: NOW }));
        })
    };
    assert_eq!(feed(1, NOW - 30), "critical");
    assert_eq!(feed(0, NOW - 600), "warn");
    assert_eq!(feed(0, NOW - 3_600), "ok");
    assert_eq!(feed(0, 0), "unknown");
    assert_eq!(after("sequencer", |scene, _| scene.sequencer = Some(down())), "unknown");
    assert_eq!(after("sequencer", |scene, _| scene.sequencer = None), "");
}

#[test]
fn endpoints_that_differ_are_a_finding() {
    let noticed = |kind| {
        after("endpoints-disagree", |scene, _| {
            scene.notices.push(Notice { kind, endpoint: "b".into(), message: "differs".into() });
        })
    };
    assert_eq!(noticed(NoticeKind::Fork), "critical");
    assert_eq!(noticed(NoticeKind::Disagrees), "critical");
    assert_eq!(noticed(NoticeKind::Lags), "warn");
    assert_eq!(noticed(NoticeKind::Failed), "info");
    assert_eq!(after("endpoints-disagree", |scene, _| scene.endpoints = 1), "");
    let alone = after("endpoints-disagree", |scene, _| {
        scene.endpoints = 1;
        scene.notices.push(Notice { kind: NoticeKind::Lags, endpoint: "a".into(), message: "lacked a block".into() });
    });
    assert_eq!(alone, "info", "one endpoint disagrees with nobody");
}

#[test]
fn deviation_is_against_the_threshold_and_the_reference() {
    let moved = |to| after("deviation", |_, facts| facts.round = Ok(round(24, to, 60)));
    assert_eq!((moved(303_000), moved(303_001), moved(315_001)), ("ok", "warn", "critical"));
    let off = |value| {
        after("deviation", |scene, _| {
            scene.reference = Some(Ok(Reference { label: "3000".into(), value, age: None }));
        })
    };
    assert_eq!((off(0.003), off(0.003_02), off(0.003_04)), ("ok", "warn", "critical"));
    assert_eq!(after("deviation", |scene, _| scene.reference = Some(down())), "unknown");
    assert_eq!(after("deviation", |_, facts| facts.threshold = None), "unknown");
    assert_eq!(after("deviation", |_, facts| facts.previous.clear()), "unknown");
}

#[test]
fn bounds_are_felt_before_they_are_hit() {
    let high = |max: u64| after("answer-bounds", |_, facts| facts.bounds = Some(Ok((price(1), price(max)))));
    assert_eq!((high(400_000), high(330_000), high(303_000), high(300_000)), ("ok", "warn", "critical", "critical"));
    let low = |min: u64| after("answer-bounds", |_, facts| facts.bounds = Some(Ok((price(min), price(3_000_000)))));
    assert_eq!((low(200_000), low(280_000), low(299_000)), ("ok", "warn", "critical"));
    assert_eq!(after("answer-bounds", |_, facts| facts.bounds = Some(down())), "unknown");
    assert_eq!(after("answer-bounds", |_, facts| facts.bounds = None), "");
}

#[test]
fn decimals_are_the_directorys() {
    assert_eq!(after("decimals-mismatch", |_, facts| entry(facts).decimals = Some(18)), "critical");
    assert_eq!(after("decimals-mismatch", |_, facts| entry(facts).decimals = None), "unknown");
    assert_eq!(after("decimals-mismatch", |_, facts| facts.decimals = down()), "unknown");
}

#[test]
fn a_configuration_set_in_the_window_is_said_with_its_transaction() {
    let (scene, mut facts) = healthy();
    config(&mut facts).block = 2_800;
    let judged = judge(&scene, &facts);
    let found = judged.get("config-changed").expect("applies");
    assert_eq!(found.status, Status::Warn);
    assert_eq!(found.evidence["tx"], hex_of(9));
    assert_eq!(after("config-changed", |_, facts| facts.config = Some(down())), "unknown");
    assert_eq!(after("config-changed", |_, facts| facts.config = None), "");
}

fn config(facts: &mut Facts) -> &mut Config {
    facts.config.as_mut().expect("healthy").as_mut().expect("healthy")
}

#[test]
fn a_block_of_another_chain_does_not_hide_a_configuration_set_in_the_window() {
    // On some L2s the aggregator names the L1's block, far before the window: the events of the window tell.
    let nowhere = || Err(Fault::new(Kind::Missing, "block 100 holds no ConfigSet event"));
    let status = |newest: Known<Option<u64>>| {
        after("config-changed", |_, facts| {
            config(facts).event = nowhere();
            config(facts).newest_in_window = newest;
        })
    };
    assert_eq!(status(Ok(Some(9_000))), "warn");
    assert_eq!(status(Ok(None)), "ok");
    assert_eq!(status(down()), "unknown");
}

#[test]
fn what_the_aggregator_is_could_not_be_read_and_nothing_is_well() {
    let (scene, mut facts) = healthy();
    facts.kind = FeedKind::Unread;
    facts.config = Some(down());
    facts.oracles = down();
    facts.billing = Some(down());
    facts.bounds = Some(down());
    facts.link_available = Some(down());
    let judged = judge(&scene, &facts);
    for check in [
        "config-changed",
        "silent-oracle",
        "outlier-oracle",
        "epoch-racing",
        "transmitter-gas",
        "transmitter-stuck",
        "transmitter-never",
        "gas-above-billing",
        "link-funds",
        "answer-bounds",
    ] {
        assert_eq!(judged.get(check).map(|finding| finding.status), Some(Status::Unknown), "{check}");
    }
}

#[test]
fn numbers_at_the_edge_of_their_types_are_judged_without_a_panic() {
    let (mut scene, mut facts) = healthy();
    facts.heartbeat = Some(u64::MAX);
    facts.decimals = Ok(255);
    facts.bounds = Some(Ok((I256 { negative: true, magnitude: U256::one() << 255 }, I256::positive(U256::MAX >> 1))));
    for one in rounds(&mut facts) {
        (one.updated_at, one.observed_at, one.epoch) = (Some(u64::MAX), Some(0), u64::MAX);
    }
    for oracle in oracles(&mut facts) {
        (oracle.balance, oracle.nonce, oracle.pending_nonce) = (Ok(U256::MAX), Ok(0), Ok(u64::MAX));
    }
    scene.gas_price = Ok(U256::MAX);
    facts.link_available = Some(Ok(I256 { negative: true, magnitude: U256::MAX }));
    config(&mut facts).set_at = Ok(u64::MAX);
    let zero = I256::default();
    for answer in [zero, I256 { negative: true, magnitude: U256::one() << 191 }, I256::positive(U256::MAX)] {
        for at in [0, 1, u64::MAX] {
            facts.round = Ok(Round { id: U256::MAX, answer, started_at: u64::MAX, updated_at: at });
            facts.previous = vec![Ok(Round { id: U256::zero(), answer: zero, started_at: 0, updated_at: u64::MAX })];
            let judged = judge(&scene, &facts);
            let feeds = [(facts.clone(), judged.clone())];
            super::super::data::data(&scene, &feeds);
            super::super::present::section(&scene, &facts, &judged);
            super::super::present::fleet(&scene, &feeds);
        }
    }
}

fn hex_of(byte: u8) -> String {
    crate::units::hex(&[byte; 32])
}
