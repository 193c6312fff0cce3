//! Is the answer as fresh as promised: stale, block-age, sequencer, deprecated.

use crate::report::{Finding, Status};
use crate::units::duration;

use super::super::facts::{Facts, Scene};
use super::{finding, unknown};

/// Least grace past the heartbeat, seconds.
const LEAST_GRACE: u64 = 120;
/// Grace in median transmit latencies.
const GRACE_LATENCIES: u64 = 3;
/// A pinned block older than so many block times is too old to judge by.
const BLOCK_TIMES: f64 = 10.0;
/// But never younger than this, seconds.
const LEAST_BLOCK_AGE: u64 = 60;
/// Seconds after an L2 sequencer came back in which prices catch up (the period of the public documentation's example).
const SEQUENCER_GRACE: u64 = 3_600;

/// Age of the pinned block by the wall clock, and whether that is too old.
fn block_is_old(scene: &Scene) -> Option<(u64, bool)> {
    let block_time = scene.network.block_time?;
    let age = scene.now.saturating_sub(scene.block.timestamp);
    Some((age, age as f64 > BLOCK_TIMES * block_time && age > LEAST_BLOCK_AGE))
}

/// Age against heartbeat, by block time.
#[expect(clippy::unnecessary_wraps, reason = "the type of every check; this one always applies")]
pub fn stale(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "stale";
    let round = match facts.best_round() {
        Ok(round) => round,
        Err(fault) => return Some(unknown(CHECK, "the last round", fault).mend("see the other findings", "you")),
    };
    if round.updated_at == 0 {
        return Some(
            finding(CHECK, Status::Critical, "the feed has never had a round")
                .mend("ask whether the feed is live yet", "feed owner"),
        );
    }
    if round.updated_at > scene.block.timestamp.saturating_add(LEAST_GRACE) {
        let ahead = round.updated_at - scene.block.timestamp;
        let message = format!("the last round is dated {} after the block: its age is not known", duration(ahead));
        return Some(
            finding(CHECK, Status::Unknown, message)
                .with("updated_at", round.updated_at)
                .mend("ask what writes this feed's times", "feed owner"),
        );
    }
    let age = scene.block.timestamp.saturating_sub(round.updated_at);
    let Some(heartbeat) = facts.heartbeat else {
        return Some(
            finding(CHECK, Status::Unknown, format!("updated {} ago; its heartbeat is not known", duration(age)))
                .with("age_seconds", age)
                .mend("give --heartbeat SECONDS, or a --directory that lists the feed", "you"),
        );
    };
    let latency = facts.median_latency();
    let grace = LEAST_GRACE.max(latency.unwrap_or(0).saturating_mul(GRACE_LATENCIES));
    let status = if facts.is_shut_down(scene.block.timestamp) {
        // Deprecated: nobody updates it any more, and nobody shall.
        Status::Info
    } else if age > heartbeat.saturating_add(grace.saturating_mul(2)) {
        Status::Critical
    } else if age > heartbeat.saturating_add(grace) {
        Status::Warn
    } else if block_is_old(scene).is_some_and(|(_, old)| old) {
        Status::Unknown
    } else {
        Status::Ok
    };
    let message = match status {
        Status::Unknown => format!(
            "updated {} before the pinned block, but that block itself is old: the feed's present state is not known",
            duration(age)
        ),
        _ if age > heartbeat => format!(
            "no round for {}: {} past the heartbeat of {}",
            duration(age),
            duration(age - heartbeat),
            duration(heartbeat)
        ),
        _ => format!("updated {} ago, heartbeat {}", duration(age), duration(heartbeat)),
    };
    let mut found = finding(CHECK, status, message)
        .with("age_seconds", age)
        .with("heartbeat_seconds", heartbeat)
        .with("grace_seconds", grace)
        .with("updated_at", round.updated_at);
    if let Some(latency) = latency {
        found = found.with("median_transmit_latency_seconds", latency);
    }
    Some(match status {
        Status::Unknown => found.mend("ask an endpoint that is up to date", "you"),
        Status::Info => found,
        _ => found.mend(
            "find what keeps rounds from being written: transmitters without gas, stuck nonces, too few oracles, bounds",
            "node operators",
        ),
    })
}

/// The pinned block against the wall clock.
pub fn block_age(scene: &Scene, _facts: &Facts) -> Option<Finding> {
    let (age, old) = block_is_old(scene)?;
    let block_time = scene.network.block_time?;
    let message = if old {
        format!(
            "block {} is {} old, with blocks every {block_time} s: the chain has halted or the endpoint lags",
            scene.block.number,
            duration(age)
        )
    } else {
        format!("block {} is {} old", scene.block.number, duration(age))
    };
    Some(
        finding("block-age", if old { Status::Critical } else { Status::Ok }, message)
            .with("age_seconds", age)
            .with("block_time_seconds", block_time)
            .with("block", scene.block.number)
            .mend("compare with another endpoint (--rpc-url twice); if they agree, the chain has halted", "you"),
    )
}

/// The L2 sequencer, by its uptime feed.
pub fn sequencer(scene: &Scene, _facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "sequencer";
    let round = match scene.sequencer.as_ref()? {
        Ok(round) => round,
        Err(fault) => return Some(unknown(CHECK, "the sequencer uptime feed", fault)),
    };
    if round.started_at == 0 {
        return Some(finding(CHECK, Status::Unknown, "the sequencer uptime feed is not initialised"));
    }
    let since = scene.block.timestamp.saturating_sub(round.started_at);
    let (status, message) = if !round.answer.magnitude.is_zero() {
        (Status::Critical, format!("the L2 sequencer has been down for {}", duration(since)))
    } else if since < SEQUENCER_GRACE {
        let left = duration(SEQUENCER_GRACE - since);
        (
            Status::Warn,
            format!("the L2 sequencer came back {} ago; prices may be catching up for {left} more", duration(since)),
        )
    } else {
        (Status::Ok, format!("the L2 sequencer has been up for {}", duration(since)))
    };
    Some(
        finding(CHECK, status, message)
            .with("down", !round.answer.magnitude.is_zero())
            .with("since", round.started_at)
            .with("grace_seconds", SEQUENCER_GRACE)
            .mend(
                "wait for the sequencer; consumers must not use prices until the grace has passed",
                "network operator",
            ),
    )
}

/// Whether the directory says that the feed is shut down.
pub fn deprecated(scene: &Scene, facts: &Facts) -> Option<Finding> {
    let entry = facts.entry.as_ref()?;
    let passed = facts.is_shut_down(scene.block.timestamp);
    Some(match &entry.shutdown {
        Some(date) if !passed => finding(
            "deprecated",
            Status::Info,
            format!("the feed will be shut down ({date}); until then it owes its rounds"),
        )
        .with("shutdown_date", date.clone())
        .mend("move consumers to the feed that replaces it", "consumers"),
        Some(date) => {
            finding("deprecated", Status::Info, format!("the feed is shut down as of {date}: it is stale on purpose"))
                .with("shutdown_date", date.clone())
                .mend("move consumers to the feed that replaces it, and silence its alerts", "consumers")
        }
        None => finding("deprecated", Status::Ok, "the directory names no shutdown"),
    })
}
