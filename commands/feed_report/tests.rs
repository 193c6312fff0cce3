//! A whole report over a chain that answers from a table: reorganisations, feeds that cannot be read, exit codes.

use std::sync::Arc;

use super::*;
use crate::context::Reads;
use crate::fakes::{FixedDirectory, ScriptedChain, Silent, StoppedClock};
use crate::ports::{Interface, Log};
use crate::report::Outcome;
use crate::value::{H160, H256, I256, U256, Value};

const PROXY: &str = "0x0000000000000000000000000000000000000001";
const OTHER: &str = "0x0000000000000000000000000000000000000003";

fn at(n: u64) -> H160 {
    H160::from_low_u64_be(n)
}

fn uint(n: u64) -> Value {
    Value::Uint(U256::from(n))
}

fn down() -> Fault {
    Fault::new(Kind::Timeout, "rpc.example does not answer within 10 s")
}

/// A feed of four oracles behind the proxy 1, as OCR2 answers it, updated a minute ago.
fn chain() -> ScriptedChain {
    let mut chain = ScriptedChain::default();
    let round = Value::List(vec![
        Value::Uint((U256::one() << 64) + 1),
        Value::Int(I256::positive(U256::from(300_000_000_000_u64))),
        uint(ScriptedChain::TIME - 70),
        uint(ScriptedChain::TIME - 60),
        Value::Uint((U256::one() << 64) + 1),
    ]);
    let config = Value::List(vec![uint(1), uint(100), Value::Bytes(vec![7; 32])]);
    let oracles = Value::List((10..14).map(|n| Value::Address(at(n))).collect());
    let bound = |bits: usize| Value::Int(I256::positive(U256::one() << bits));
    for (contract, function, answer) in [
        (1, "description", Value::Text("ETH / USD".to_owned())),
        (1, "decimals", uint(8)),
        (1, "aggregator", Value::Address(at(2))),
        (1, "phaseId", uint(1)),
        (1, "proposedAggregator", Value::Address(H160::zero())),
        (1, "accessController", Value::Address(H160::zero())),
        (1, "latestRoundData", round),
        (2, "typeAndVersion", Value::Text("OCR2Aggregator 1.0.0".to_owned())),
        (2, "latestConfigDetails", config),
        (2, "getTransmitters", oracles),
        (2, "minAnswer", bound(0)),
        (2, "maxAnswer", bound(95)),
        (2, "getBilling", Value::List(vec![uint(2_000), uint(100), uint(1), uint(1), uint(0)])),
        (2, "linkAvailableForPayment", Value::Int(I256::positive(U256::exp10(22)))),
    ] {
        chain.calls.insert((at(contract), function), Ok(answer));
    }
    chain
}

fn args(feeds: &[&str]) -> Args {
    Args {
        feeds: feeds.iter().map(|feed| (*feed).to_owned()).collect(),
        heartbeat: Some(3_600),
        threshold: Some(0.5),
        ..Args::default()
    }
}

fn context(chain: ScriptedChain) -> Context {
    let clock = Arc::new(StoppedClock(ScriptedChain::TIME + 5));
    let bare = Reads::new(Arc::new(FixedDirectory(None)), clock, Arc::new(Silent));
    Context::dry(Reads { chain: Some(Arc::new(chain)), ..bare })
}

async fn ask(args: &Args, chain: ScriptedChain) -> Result<Report, Fault> {
    run(args, &context(chain)).await
}

fn status(report: &Report, check: &str) -> String {
    let findings = report.data["feeds"][0]["findings"].as_array().expect("findings");
    let found = findings.iter().find(|finding| finding["check"] == check);
    found.and_then(|finding| finding["status"].as_str()).unwrap_or_default().to_owned()
}

#[tokio::test]
async fn a_reorganisation_is_read_anew_once_and_said() {
    let mut moving = chain();
    moving.heads = [10_000, 10_001].into_iter().collect::<std::collections::VecDeque<_>>().into();
    moving.gone = vec![10_000];
    let report = ask(&args(&[PROXY]), moving).await.expect("the second block stays");
    assert_eq!(report.data["network"]["block"]["number"], 10_001);
    assert!(report.warnings.iter().any(|warning| warning.contains("read anew")), "{:?}", report.warnings);
    assert_eq!(report.outcome, Outcome::Well, "{:#}", report.data);
}

#[tokio::test]
async fn a_chain_that_reorganises_twice_is_a_fault() {
    let mut moving = chain();
    moving.heads = [10_000, 10_001].into_iter().collect::<std::collections::VecDeque<_>>().into();
    moving.gone = vec![10_000, 10_001];
    let fault = ask(&args(&[PROXY]), moving).await.expect_err("no block to hold on to");
    assert_eq!((fault.kind, fault.kind.exit_code()), (Kind::Reorged, 69));
}

#[tokio::test]
async fn a_feed_that_cannot_be_read_leaves_the_others() {
    let report = ask(&args(&[PROXY, OTHER]), chain()).await.expect("one can be read");
    assert_eq!((report.outcome, report.outcome.exit_code()), (Outcome::Unavailable, 69));
    assert_eq!(report.data["feeds"].as_array().map(Vec::len), Some(1));
    assert!(report.errors.len() == 1 && report.errors[0].message.contains("no contract"), "{:?}", report.errors);
    let fault = ask(&args(&[OTHER]), chain()).await.expect_err("nothing is left");
    assert_eq!(fault.kind.exit_code(), 69);
}

#[tokio::test]
async fn an_endpoint_that_fails_in_its_own_words_is_unavailable_too() {
    let mut failing = chain();
    for answer in failing.calls.values_mut() {
        *answer = Err(Fault::new(Kind::Failed, "rpc.example answers error -32603: internal error"));
    }
    assert_eq!(ask(&args(&[PROXY]), failing).await.expect_err("unread").kind.exit_code(), 69);
}

#[tokio::test]
async fn an_aggregator_that_went_unanswered_is_unknown_and_not_inapplicable() {
    let mut half = chain();
    for ((contract, _), answer) in &mut half.calls {
        if *contract == at(2) {
            *answer = Err(down());
        }
    }
    half.calls.insert((at(2), "transmitters"), Err(down()));
    half.logs = Some(Err(down()));
    let report = ask(&args(&[PROXY]), half).await.expect("the proxy answers");
    assert_eq!(report.data["feeds"][0]["kind"], "unknown");
    for check in ["config-changed", "silent-oracle", "transmitter-gas", "link-funds", "answer-bounds"] {
        assert_eq!(status(&report, check), "unknown", "{check}");
    }
    assert_eq!(report.outcome, Outcome::Problem, "config-changed must be known");
    assert_eq!(status(&report, "stale"), "ok");
}

#[tokio::test]
async fn a_proxy_that_is_not_known_to_be_one_is_not_read_as_an_aggregator() {
    let mut half = chain();
    half.calls.insert((at(1), "aggregator"), Err(Fault::new(Kind::Disagree, "the endpoints disagree")));
    let fault = ask(&args(&[PROXY]), half).await.expect_err("unread");
    assert_eq!(fault.kind, Kind::Disagree);
    let mut empty = chain();
    empty.calls.retain(|(_, function), _| *function == "aggregator");
    empty.calls.insert((at(1), "aggregator"), Ok(Value::Address(H160::zero())));
    let fault = ask(&args(&[PROXY]), empty).await.expect_err("no aggregator");
    assert!(fault.message.contains("has no aggregator"), "{fault}");
}

#[tokio::test]
async fn only_the_unknowns_that_matter_are_a_problem() {
    let some = |change: fn(&mut Args)| {
        let mut args = args(&[PROXY]);
        change(&mut args);
        args
    };
    let ended = async |args: Args| ask(&args, chain()).await.expect("read").outcome;
    // No event was in the window: who is silent is not known.
    assert_eq!(ended(some(|_| {})).await, Outcome::Well);
    assert_eq!(ended(some(|args| args.strict = true)).await, Outcome::Problem);
    assert_eq!(
        ended(some(|args| args.heartbeat = None)).await,
        Outcome::Well,
        "a heartbeat nobody knows is not missed"
    );
    assert_eq!(ended(some(|args| args.heartbeat = Some(1))).await, Outcome::Well, "within the grace");
    assert_eq!(ended(some(|args| args.heartbeat = Some(u64::MAX))).await, Outcome::Well);
}

#[tokio::test]
async fn arguments_that_mean_nothing_are_said_before_anything_is_read() {
    let wrong = [
        Args { window: Some(0), ..args(&[PROXY]) },
        Args { heartbeat: Some(0), ..args(&[PROXY]) },
        Args { threshold: Some(0.0), ..args(&[PROXY]) },
        Args { threshold: Some(-1.0), ..args(&[PROXY]) },
        Args { threshold: Some(f64::NAN), ..args(&[PROXY]) },
        Args { threshold: Some(f64::INFINITY), ..args(&[PROXY]) },
    ];
    for args in wrong {
        let fault = ask(&args, ScriptedChain::default()).await.expect_err("meaningless");
        assert!(fault.kind == Kind::Usage && fault.hint.is_some(), "{fault:?}");
    }
    let longer_than_the_chain = Args { window: Some(u64::MAX), ..args(&[PROXY]) };
    assert!(ask(&longer_than_the_chain, chain()).await.is_ok());
}

#[tokio::test]
async fn more_oracles_than_there_can_be_are_not_asked_one_by_one() {
    let mut hostile = chain();
    let many = Value::List((0..100_000).map(|n| Value::Address(at(n))).collect());
    hostile.calls.insert((at(2), "getTransmitters"), Ok(many));
    hostile.calls.insert((at(1), "description"), Ok(Value::Text("x".repeat(1_000_000))));
    let report = ask(&args(&[PROXY]), hostile).await.expect("read");
    assert_eq!(status(&report, "transmitter-gas"), "unknown");
    assert!(report.data["feeds"][0]["description"].as_str().is_some_and(|text| text.len() < 1_000));
}

/// `ConfigSet` of OCR2, in a block of its own.
fn config_set(block: u64) -> Log {
    let accounts = || Value::List((10..14).map(|n| Value::Address(at(n))).collect());
    Log {
        address: at(2),
        interface: Interface::Ocr2,
        event: "ConfigSet",
        fields: vec![uint(0), Value::Bytes(vec![7; 32]), uint(1), accounts(), accounts(), uint(1)],
        block,
        tx: H256::repeat_byte(9),
        index: 0,
    }
}

#[tokio::test]
async fn a_configuration_is_found_by_its_event_where_the_aggregator_names_another_chains_block() {
    let mut l2 = chain();
    l2.logs = Some(Ok(vec![config_set(9_999)]));
    let report = ask(&args(&[PROXY]), l2).await.expect("read");
    assert_eq!(status(&report, "config-changed"), "warn");
    let mut older = chain();
    older.logs = Some(Ok(vec![config_set(100)]));
    let window = Args { window: Some(700), ..args(&[PROXY]) };
    let report = ask(&window, older).await.expect("read");
    assert_eq!(status(&report, "config-changed"), "ok");
    assert_eq!(report.data["feeds"][0]["config"]["f"], 1);
}
