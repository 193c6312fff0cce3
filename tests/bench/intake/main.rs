//! `cargo bench --bench intake`: `ira daemon` beside adnanh/webhook (Debian's `webhook`) in one run: bodies of 2 KB, each one
//! that was never seen before. What ira answers with 200 is on the disk, and is counted there afterwards; webhook only
//! parses. Then how long it takes from a request to the process that it starts, and what becomes of a flood.

#![expect(clippy::disallowed_macros, reason = "what a benchmark prints is its result")]
#![expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "shares of small counts")]

mod load;
mod servers;

use std::io::Read as _;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use load::{Shot, Until, load, once, paced, storm as storm_body};
use servers::{Server, TOKEN, anything};

/// Counted rounds of each side, in turn.
const ROUNDS: usize = 5;
/// How long a load lasts.
const LENGTH: Duration = Duration::from_secs(4);
/// Connections at the same time.
const CONNECTIONS: u64 = 64;
/// Starts that are timed.
const STARTS: u64 = 40;
/// Requests of the flood.
const FLOOD: u64 = 400;

/// What was measured in a round.
#[derive(Clone, Copy)]
struct Round {
    rate: f64,
    p50: f64,
    p99: f64,
    cpu: f64,
    peak: f64,
}

fn median(values: impl Iterator<Item = f64>) -> f64 {
    let mut values: Vec<f64> = values.collect();
    values.sort_by(f64::total_cmp);
    values[values.len() / 2]
}

fn measured(server: &Server, shot: &Shot, first: u64) -> (Round, u64) {
    let before = server.cpu();
    let seen = load(server.at, shot, CONNECTIONS, first, Until::Passed(LENGTH));
    assert_eq!(seen.other, 0, "each is to be taken");
    let cpu = (server.cpu() - before) / seen.taken as f64;
    let (p50, p99, peak) = (seen.within(0.5), seen.within(0.99), server.memory("VmHWM"));
    (Round { rate: seen.rate(), p50, p99, cpu, peak }, seen.taken)
}

fn shown(name: &str, rounds: &[Round]) -> Round {
    let of = |pick: fn(&Round) -> f64| median(rounds.iter().map(pick));
    let all = Round {
        rate: of(|r| r.rate),
        p50: of(|r| r.p50),
        p99: of(|r| r.p99),
        cpu: of(|r| r.cpu),
        peak: of(|r| r.peak),
    };
    println!(
        "  {name:<26} {:>6.0} req/s   p50 {:>5.2} ms  p99 {:>5.2} ms   {:>5.1} µs CPU a request   peak {:>5.1} MiB",
        all.rate, all.p50, all.p99, all.cpu, all.peak
    );
    all
}

/// Side by side, in turn, with so many alerts in a body.
fn intake(alerts: usize, around: &str) {
    let path = |path: &str| Shot::new(path, TOKEN, alerts, "InstanceDown", "info");
    let (mine, theirs) = (path("/alertmanager"), path("/hooks/alertmanager"));
    let (mut ours, mut peers) = (Vec::new(), Vec::new());
    let mut later = Vec::new();
    for _ in 0..ROUNDS {
        let peer = Server::webhook("#!/bin/sh\n");
        peers.push(measured(&peer, &theirs, 0).0);
        drop(peer);
        let ira = Server::ira("#!/bin/sh\n", around);
        let before = ira.cpu();
        let (round, taken) = measured(&ira, &mine, 0);
        let rows = ira.count("SELECT count(*) FROM inbox");
        assert_eq!(rows, taken * alerts as u64, "what was answered with 200 is on the disk");
        let decided = "SELECT count(*) FROM inbox WHERE state <> ''";
        let begun = Instant::now();
        let all = ira.until(decided, rows, Duration::from_secs(120));
        later.push((begun.elapsed().as_secs_f64(), all, (ira.cpu() - before) / taken as f64));
        ours.push(round);
    }
    println!(
        "{alerts} alerts in a body, {CONNECTIONS} connections, {ROUNDS} rounds of {} s in turn:",
        LENGTH.as_secs()
    );
    let (us, them) = (shown("ira, durable", &ours), shown("webhook, parsing only", &peers));
    let ratios = |pick: fn(&Round) -> f64| median(ours.iter().zip(&peers).map(|(us, them)| pick(us) / pick(them)));
    println!(
        "  ira takes {:.2}× the requests at {:.2}× the CPU of each (medians of the rounds' ratios); {:.1} MiB / {:.1} MiB at most",
        ratios(|r| r.rate),
        ratios(|r| r.cpu),
        us.peak,
        them.peak
    );
    let whole = if later.iter().all(|(_, all, _)| *all) { "all" } else { "NOT ALL" };
    println!(
        "  {whole} of its alerts were decided {:.1} s after the last answer; {:.1} µs CPU a request with that",
        median(later.iter().map(|one| one.0)),
        median(later.iter().map(|one| one.2))
    );
}

/// Milliseconds from a request to the process, in the middle.
fn start(server: &Server, shot: &Shot, fifo: &Path) -> f64 {
    let mut pipe = std::fs::OpenOptions::new().read(true).write(true).open(fifo).expect("a pipe");
    let times = (0..STARTS).map(|number| {
        let begun = Instant::now();
        assert_eq!(once(server.at, shot, number), 200);
        pipe.read_exact(&mut [0]).expect("it started");
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        // What it does afterwards is not the next one's.
        std::thread::sleep(Duration::from_millis(120));
        took
    });
    median(times)
}

fn starts(around: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let fifo = folder.path().join("started");
    assert!(Command::new("mkfifo").arg(&fifo).status().expect("mkfifo").success());
    let script = format!("#!/bin/sh\nprintf x >{}\n", fifo.display());
    let path = |path: &str| Shot::new(path, TOKEN, 1, "Start", "critical");
    let theirs = start(&Server::webhook(&script), &path("/hooks/alertmanager"), &fifo);
    let ours = start(&Server::ira(&script, around), &path("/alertmanager"), &fifo);
    println!("from a request to the process: ira {ours:.2} ms, webhook {theirs:.2} ms: {:.1}×", ours / theirs);
}

fn flood(around: &str) {
    let folder = tempfile::tempdir().expect("a folder");
    let marks = folder.path().join("marks");
    let script = format!("#!/bin/sh\necho x >>{}\n", marks.display());
    let path = |path: &str| Shot::new(path, TOKEN, 1, "Start", "critical");
    let done = || std::fs::read_to_string(&marks).unwrap_or_default().lines().count();
    let peer = Server::webhook(&script);
    let sent = load(peer.at, &path("/hooks/alertmanager"), CONNECTIONS, 0, Until::Passed(Duration::from_secs(2)));
    let at_kill = done();
    drop(peer);
    std::thread::sleep(Duration::from_secs(1));
    println!(
        "a flood, then kill -9: webhook answered {} of them with 200, had executed {at_kill}, and {} are lost without a word",
        sent.taken,
        sent.taken.saturating_sub(done() as u64)
    );
    std::fs::write(&marks, "").expect("written");
    let ira = Server::ira(&script, around);
    let sent = load(ira.at, &path("/alertmanager"), CONNECTIONS, 0, Until::Sent(FLOOD));
    let begun = Instant::now();
    let over = "SELECT count(*) FROM run WHERE ended_at IS NOT NULL";
    let all = ira.until(over, sent.taken, Duration::from_secs(300));
    let handed = ira.count("SELECT count(*) FROM run WHERE state = 'escalated'");
    println!(
        "ira answered {} with 200 and {} with 503; {:.0} s later {} had run, and {handed} were handed to a person with the \
         reason: {} unaccounted for",
        sent.taken,
        sent.other,
        begun.elapsed().as_secs_f64(),
        done(),
        if all { sent.taken.saturating_sub(done() as u64 + handed) } else { sent.taken - ira.count(over) }
    );
}

/// One cause, a thousand hosts: ten thousand alerts a second for a minute, none of which came before.
fn storm(around: &str) {
    const HOSTS: u32 = 1_000;
    const EACH: u32 = 100;
    const SECONDS: u64 = 60;
    let ira = Server::ira_with("#!/bin/sh\n", around, "");
    let rounds = (0..SECONDS * 10).flat_map(|round| (0..HOSTS / EACH).map(move |part| (round, part)));
    let requests = rounds.map(|(round, part)| storm_body(TOKEN, part * EACH..(part + 1) * EACH, round * 100));
    let begun = Instant::now();
    let (taken, other) = paced(ira.at, Duration::from_millis(10), requests);
    let took = begun.elapsed().as_secs_f64();
    let rows = ira.count("SELECT count(*) FROM inbox");
    println!(
        "{:.0} alerts a second for {took:.0} s, of {HOSTS} hosts: {} messages were answered with 200, {other} otherwise; {rows} \
         alerts are on the disk{}",
        f64::from(EACH) * (taken + other) as f64 / took,
        taken,
        if rows == taken * u64::from(EACH) { ", every one that was taken" } else { ", WHICH IS NOT WHAT WAS TAKEN" }
    );
    let begun = Instant::now();
    let all = ira.until("SELECT count(*) FROM inbox WHERE state <> ''", rows, Duration::from_secs(600));
    println!(
        "  {} decided {:.0} s later; {} pages were made of them; {:.0} MiB at most",
        if all { "all were" } else { "NOT ALL were" },
        begun.elapsed().as_secs_f64(),
        ira.count("SELECT count(*) FROM outbox WHERE mail = 'trigger'"),
        ira.memory("VmHWM")
    );
}

fn main() {
    let install = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/beds/debian.sh");
    if !Command::new(install).arg("webhook").status().is_ok_and(|status| status.success()) {
        println!("skipped: Debian's `webhook` cannot be had");
        return;
    }
    let around = anything();
    // It takes minutes, and is asked for by name.
    if std::env::args().any(|word| word == "storm") {
        return storm(&around);
    }
    let (ira, peer) = (Server::ira("#!/bin/sh\n", &around), Server::webhook("#!/bin/sh\n"));
    std::thread::sleep(Duration::from_secs(2));
    println!("at rest: ira {:.1} MiB, webhook {:.1} MiB", ira.memory("VmRSS"), peer.memory("VmRSS"));
    drop((ira, peer));
    for alerts in [1, 3] {
        intake(alerts, &around);
    }
    starts(&around);
    flood(&around);
}
