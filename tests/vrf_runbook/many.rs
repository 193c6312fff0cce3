//! Many requests at once: a bounded number of round trips, and what was seen offered to the shell.

use super::place::Place;
use super::text;
use crate::support::bed::{Bed, Chain};
use crate::support::run::Ran;

/// `7 round trips, 9 requests` as logged.
fn counted(ran: &Ran) -> (usize, usize) {
    let line = ran.err.lines().find_map(|line| line.split_once("ira::connect: ")).expect("a line").1;
    let mut numbers = line.split_whitespace().filter_map(|word| word.parse().ok());
    (numbers.next().expect("round trips"), numbers.next().expect("requests"))
}

#[test]
fn five_hundred_requests_take_no_more_round_trips_than_a_few() {
    let bed = Bed::start(Chain::VrfMany);
    let place = Place::with(&bed, "");
    let coordinator = &text(&bed.about["coordinators"]["main"], "address").to_owned();
    let asked = |extra: &[&str]| {
        let mut command = place.ira();
        command.env("IRA_LOG", "info").args(["vrf-runbook", "--json", "--network", "bed"]);
        Ran::of(command.args(["--coordinator", coordinator, "--lookback", "50010"]).args(extra))
    };
    let all = asked(&[]);
    let requests = all.json()["data"]["requests"].as_array().expect("requests").len();
    assert_eq!((all.code, requests), (4, 500), "{}", all.err);
    let id = text(&bed.about["situations"]["s0"], "request_id").to_owned();
    let one = asked(&["--request", &id]);
    let ((many_trips, many_sent), (one_trips, _)) = (counted(&all), counted(&one));
    assert!(many_trips <= one_trips + 1 && many_trips <= 8, "{many_trips} for 500, {one_trips} for one");
    assert!(many_sent <= 25, "{many_sent} HTTP requests");

    // What that report saw is offered to the shell, with the endpoint gone.
    drop(bed);
    let offered = place.completed(&["ira", "vrf-runbook", "--network", "bed", "--request", &id[..20]]);
    assert_eq!(offered, [id.as_str()]);
    let all = place.completed(&["ira", "vrf-runbook", "--request", ""]);
    assert_eq!(all.len(), 500);
    assert_eq!(place.completed(&["ira", "vrf-runbook", "--subscription", ""]).len(), 10);
    let subscriptions = place.completed(&["ira", "act", "chain.fund_subscription", "--subscription", ""]);
    assert_eq!(subscriptions.len(), 10);
    let offered = place.completed(&["ira", "act", "chain.fund_subscription", "--coordinator", "0x"]);
    assert_eq!(offered, [coordinator.as_str()]);
    assert_eq!(place.completed(&["ira", "vrf-runbook", "--network", "be"]), ["bed"]);
    assert!(place.completed(&["ira", "vrf-runbook", "--network", "base-mainnet", "--request", ""]).is_empty());
    let known = place.completed(&["ira", "vrf-runbook", "--network", "base-mainnet", "--coordinator", "0x"]);
    assert_eq!(known, ["0xd5D517aBE5cF79B7e95eC98dB0f0277788aFF634"], "those that ship are offered too");
}
