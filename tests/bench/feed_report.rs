//! `cargo bench --bench feed_report`: whole processes against `cast`, in turn, on the test bed. Prints medians and ratios.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]

use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use clap::Parser;
use wait4::Wait4 as _;

#[path = "../support/bed.rs"]
#[expect(dead_code, reason = "the tests use the rest of it")]
mod bed;
#[path = "../support/faults.rs"]
mod faults;
mod measure;

use bed::{Bed, Chain};
use measure::{RUNS, median, ms, run, trips};

/// What an engineer asks `cast` for: six reads of the proxy, six of its aggregator. `ira` reads these and more.
const PROXY_READS: [&str; 6] = [
    "description()(string)",
    "decimals()(uint8)",
    "aggregator()(address)",
    "phaseId()(uint16)",
    "latestRoundData()(uint80,int256,uint256,uint256,uint80)",
    "proposedAggregator()(address)",
];
const AGGREGATOR_READS: [&str; 6] = [
    "latestConfigDetails()(uint32,uint32,bytes32)",
    "getTransmitters()(address[])",
    "minAnswer()(int192)",
    "maxAnswer()(int192)",
    "getBilling()(uint32,uint32,uint32,uint32,uint24)",
    "linkAvailableForPayment()(int256)",
];
/// What the delaying proxy adds to each request.
const DELAY: Duration = Duration::from_millis(50);

/// The barest command line there is: what `ira --version` is held against.
#[derive(Parser)]
#[command(version, name = "bare")]
struct Bare {}

fn main() {
    // cargo passes `--bench`; the measured twin passes this instead.
    if std::env::args().nth(1).as_deref() == Some("--version") {
        Bare::parse();
        return;
    }
    let home = tempfile::tempdir().expect("a folder");
    let ira = |args: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_ira"));
        command.env_clear().env("HOME", home.path()).args(args);
        command
    };

    let own = std::env::current_exe().expect("this program");
    let version = paired(|| run(&mut ira(&["--version"])), || run(Command::new(&own).arg("--version")));
    say("ira --version / a bare clap binary", &version, "ira takes", |ours, theirs| ours / theirs);

    let one = Bed::start(Chain::Situations);
    let proxy = one.of("ocr2-healthy", "proxy");
    let aggregator = one.of("ocr2-healthy", "aggregator");
    let single = paired(
        || run(&mut ira(&["feed-report", "--json", "--window", "700", "--rpc-url", &one.url, &proxy])),
        || cast_feed(&one.url, &proxy, &aggregator),
    );
    say("one feed: the whole report / 12 × cast call", &single, "ira is faster", |ours, theirs| theirs / ours);
    drop(one);

    let fleet = Bed::start(Chain::Fleet);
    let directory = Chain::Fleet.directory();
    let directory = directory.to_str().expect("UTF-8");
    let all = ["feed-report", "--json", "--window", "700", "--all", "--directory", directory, "--rpc-url"];
    let mut ours: Vec<Duration> = (0..RUNS).map(|_| run(ira(&all).arg(&fleet.url))).collect();
    let theirs = {
        let begun = Instant::now();
        for feed in fleet.about["feeds"].as_object().expect("feeds").values() {
            let text = |field: &str| feed[field].as_str().expect("an address").to_owned();
            cast_feed(&fleet.url, &text("proxy"), &text("aggregator"));
        }
        begun.elapsed()
    };
    let ours = median(&mut ours);
    println!(
        "100 feeds: the whole report {:.1} ms / 1,200 × cast call {:.1} s (run once): ira is faster {:.0}×",
        ms(ours),
        theirs.as_secs_f64(),
        theirs.as_secs_f64() / ours.as_secs_f64()
    );

    let usage = ira(&all)
        .arg(&fleet.url)
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .and_then(|mut child| child.wait4())
        .expect("ira runs");
    println!("100 feeds: peak memory {:.1} MiB", usage.rusage.maxrss as f64 / 1_048_576.0);

    let slow = faults::Server::delaying(fleet.port, DELAY);
    let trips = trips(ira(&all).arg(format!("http://127.0.0.1:{}", slow.port)));
    let begun = Instant::now();
    run(ira(&all).arg(format!("http://127.0.0.1:{}", slow.port)));
    println!(
        "100 feeds through a proxy that adds {} ms to each request: {:.0} ms; {}",
        DELAY.as_millis(),
        ms(begun.elapsed()),
        trips
    );
}

fn cast_feed(url: &str, proxy: &str, aggregator: &str) -> Duration {
    let cast: PathBuf = bed::folder().join("node_modules/@foundry-rs/cast-linux-amd64/bin/cast");
    let reads =
        PROXY_READS.iter().map(|read| (proxy, read)).chain(AGGREGATOR_READS.iter().map(|read| (aggregator, read)));
    reads.map(|(to, read)| run(Command::new(&cast).args(["call", "--rpc-url", url, to, read]))).sum()
}

/// Both sides in turn, so that a drift of the machine's speed hits both.
fn paired(mut ours: impl FnMut() -> Duration, mut theirs: impl FnMut() -> Duration) -> (Duration, Duration) {
    let _warm = (ours(), theirs());
    let (mut a, mut b): (Vec<Duration>, Vec<Duration>) = (0..RUNS).map(|_| (ours(), theirs())).unzip();
    (median(&mut a), median(&mut b))
}

fn say(what: &str, (ours, theirs): &(Duration, Duration), word: &str, ratio: impl Fn(f64, f64) -> f64) {
    println!(
        "{what}: {:.1} ms / {:.1} ms: {word} {:.1}×",
        ms(*ours),
        ms(*theirs),
        ratio(ours.as_secs_f64(), theirs.as_secs_f64())
    );
}
