//! `cargo bench --bench vrf_runbook`: 500 pending requests over 50,000 blocks, against `cast` asked for 20 of them. Prints
//! medians, ratios and the number of round trips.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::Value;
use wait4::Wait4 as _;

#[path = "../support/bed.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod bed;
#[path = "../support/faults.rs"]
mod faults;
mod measure;

use bed::{Bed, Chain};
use measure::{RUNS, median, ms, run, trips};

/// How many requests `cast` is asked about.
const ASKED: usize = 20;
/// What the delaying proxy adds to each request.
const DELAY: Duration = Duration::from_millis(50);
/// The topics of the V2.5 events of a request and its fulfilment.
const REQUESTED: &str = "0xeb0e3652e0f44f417695e6e90f2f42c99b65cd7169074c5a654b16b9748c3a4e";
const FULFILLED: &str = "0xaeb4b4786571e184246d39587f659abf0e26f41f6a3358692250382c0cdb47b7";

fn main() {
    let home = tempfile::tempdir().expect("a folder");
    let bed = Bed::start(Chain::VrfMany);
    let coordinator = bed.about["coordinators"]["main"]["address"].as_str().expect("an address").to_owned();
    let ira = |url: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ira"));
        command.env_clear().env("HOME", home.path());
        command.args(["vrf-runbook", "--json", "--lookback", "50000", "--coordinator", &coordinator, "--rpc-url", url]);
        command
    };
    let mut times: Vec<Duration> = (0..=RUNS).map(|_| run(&mut ira(&bed.url))).skip(1).collect();
    let ours = median(&mut times);
    let situations = bed.about["situations"].as_object().expect("situations");
    let requests: Vec<&Value> =
        situations.values().flat_map(|one| one["requests"].as_array().into_iter().flatten()).collect();
    let theirs: Duration = requests.iter().take(ASKED).map(|one| cast(&bed, &coordinator, one)).sum();
    let all = theirs.mul_f64(requests.len() as f64 / ASKED as f64);
    println!(
        "{} pending requests over 50,000 blocks: the whole runbook {:.0} ms / 11 reads each by cast {:.1} s for {ASKED} of \
         them, {:.0} s for all by extrapolation: ira is faster {:.0}× (extrapolated)",
        requests.len(),
        ms(ours),
        theirs.as_secs_f64(),
        all.as_secs_f64(),
        all.as_secs_f64() / ours.as_secs_f64()
    );
    let mut child = ira(&bed.url).stdout(Stdio::null()).stderr(Stdio::null()).spawn().expect("ira runs");
    let usage = child.wait4().expect("it ends");
    println!("peak memory {:.1} MiB", usage.rusage.maxrss as f64 / 1_048_576.0);
    let slow = faults::Server::delaying(bed.port, DELAY);
    let url = format!("http://127.0.0.1:{}", slow.port);
    println!(
        "through a proxy that adds {} ms to each request: {:.0} ms; {}",
        DELAY.as_millis(),
        ms(run(&mut ira(&url))),
        trips(&mut ira(&url))
    );
}

/// What an engineer asks `cast` for to know why one request waits.
fn cast(bed: &Bed, coordinator: &str, request: &Value) -> Duration {
    let cast: PathBuf = bed::folder().join("node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    let text = |field: &str| request[field].as_str().expect("a text").to_owned();
    let id = text("request_id");
    let block = request["block"].as_u64().expect("a height").to_string();
    let about = |field: &str| bed.about[field].as_str().expect("an address").to_owned();
    let subscription = bed.about["situations"]["s0"]["subscription"].as_str().expect("an id").to_owned();
    let call = |to: &str, what: &str, args: &[&str]| -> Duration {
        run(Command::new(&cast).args(["call", "--rpc-url", &bed.url, to, what]).args(args))
    };
    let other = |args: &[&str]| -> Duration { run(Command::new(&cast).args(args).args(["--rpc-url", &bed.url])) };
    other(&["block-number"])
        + other(&["gas-price"])
        + other(&["logs", "--from-block", &block, "--to-block", &block, "--address", coordinator, REQUESTED])
        + other(&["logs", "--from-block", &block, "--address", coordinator, FULFILLED])
        + other(&["code", &text("consumer")])
        + call(coordinator, "s_requestCommitments(uint256)(bytes32)", &[&id])
        + call(coordinator, "getSubscription(uint256)(uint96,uint96,uint64,address,address[])", &[&subscription])
        + call(coordinator, "s_config()(uint16,uint32,bool,uint32,uint32,uint32,uint32,uint8,uint8)", &[])
        + call(coordinator, "s_provingKeys(bytes32)(bool,uint64)", &[&text("key_hash")])
        + call(&about("link_native_feed"), "latestRoundData()(uint80,int256,uint256,uint256,uint80)", &[])
        + stored(&mut Command::new(&cast), &bed.url, &about("blockhash_store"), &block)
}

/// Asks the store for a block's hash. One that it does not have is an answer, too: `cast` fails by it.
fn stored(cast: &mut Command, url: &str, store: &str, block: &str) -> Duration {
    cast.args(["call", "--rpc-url", url, store, "getBlockhash(uint256)(bytes32)", block]);
    let begun = Instant::now();
    let ended = cast.stdout(Stdio::null()).stderr(Stdio::null()).status().expect("cast runs");
    assert!(ended.code().is_some_and(|code| code < 2), "{ended}");
    begun.elapsed()
}
