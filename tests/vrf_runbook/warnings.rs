//! What is about to go wrong is said before it does.

use serde_json::Value;

use super::network::write;
use super::place::{Place, step};
use super::{blocking, text};
use crate::support::bed::{Bed, Chain};

fn warned(json: &Value) -> Vec<&str> {
    let all = json["data"]["requests"][0]["warnings"].as_array().expect("warnings");
    all.iter().map(|warning| text(warning, "cause")).collect()
}

fn asked<'a>(bed: &'a Bed, name: &str) -> [&'a str; 4] {
    let situation = &bed.about["situations"][name];
    ["--coordinator", text(situation, "coordinator"), "--request", text(situation, "request_id")]
}

#[test]
fn a_block_hash_that_is_nearly_out_of_reach_is_a_warning() {
    let bed = Bed::start(Chain::Vrf);
    let place = Place::with(&bed, "");
    let json = place.runbook(&asked(&bed, "blockhash-window")).json();
    let found = step(&json, "blockhash-expired");
    assert!(found["status"] == "pass" && text(found, "message").contains("out of reach in 26 blocks"), "{found:#}");
    assert!(warned(&json).contains(&"blockhash-expired"), "{:?}", warned(&json));
    for name in ["healthy-pending", "blockhash-stored"] {
        let json = place.runbook(&asked(&bed, name)).json();
        assert!(!warned(&json).contains(&"blockhash-expired"), "{name}");
    }
}

#[test]
fn a_balance_that_covers_fewer_than_three_more_requests_is_a_warning() {
    let bed = Bed::start(Chain::Vrf);
    let place = Place::with(&bed, "");
    let json = place.runbook(&asked(&bed, "healthy-pending")).json();
    let found = step(&json, "underfunded");
    // 100 LINK, of which one request may take 48.
    assert!(found["status"] == "pass" && found["evidence"]["further_requests"] == 1, "{found:#}");
    assert!(text(found, "message").contains("covers 1 more requests like it, fewer than 3"), "{found:#}");
    assert!(warned(&json).contains(&"underfunded") && blocking(&json["data"]["requests"][0]).is_empty());
    let rich = place.runbook(&asked(&bed, "healthy-native")).json();
    let found = step(&rich, "underfunded");
    assert!(found["evidence"]["further_requests"].as_u64().is_some_and(|more| more >= 3), "{found:#}");
    assert!(!warned(&rich).contains(&"underfunded"), "{found:#}");
}

#[test]
fn a_price_feed_that_is_nearly_too_old_is_a_warning() {
    let bed = Bed::start(Chain::Vrf);
    let place = Place::with(&bed, "");
    let args = asked(&bed, "healthy-pending");
    assert!(!warned(&place.runbook(&args).json()).contains(&"link-feed-stale"));
    // updateRoundData(2, 0.005 ETH, 21 hours ago, the same): a day is allowed.
    let then = bed.about["head"]["timestamp"].as_u64().expect("a time") - 21 * 3_600;
    let feed = text(&bed.about["coordinators"]["main"], "link_native_feed");
    write(&bed, feed, &format!("0x4aa2011f{:064x}{:064x}{then:064x}{then:064x}", 2, 5_000_000_000_000_000_u64));
    let json = place.runbook(&args).json();
    let found = step(&json, "link-feed-stale");
    assert!(found["status"] == "pass" && text(found, "message").contains("nearly the 1 d"), "{found:#}");
    assert!(warned(&json).contains(&"link-feed-stale"), "{:?}", warned(&json));
}
