//! Is the feed set up as believed: config-changed, aggregator-mismatch, migration-pending, phase-changed, access.

use crate::fault::Kind;
use crate::report::{Finding, Status};
use crate::units::{address, duration, hex, percent, short_address, short_hex, thousands};

use super::super::facts::{Facts, Proposed, Scene};
use super::{finding, percent_off, unknown};

/// An aggregator in force for longer than this was not put there lately, seconds.
const WARM_UP: u64 = 30 * 86_400;

/// An OCR configuration set within the window: the first suspect of an alert that began just after.
pub fn config_changed(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "config-changed";
    let config = match facts.config.as_ref()? {
        Ok(config) => config,
        Err(fault) => return Some(unknown(CHECK, "the configuration", fault)),
    };
    let age = config.set_at.as_ref().ok().map(|at| scene.block.timestamp.saturating_sub(*at));
    let block = config.event.as_ref().map_or(config.block, |event| event.block);
    let when = match age {
        Some(age) => format!("{} ago, in block {}", duration(age), thousands(block)),
        None => format!("in block {}", thousands(block)),
    };
    let by = match &config.event {
        Ok(event) => format!(" by transaction {}", short_hex(event.tx.as_bytes())),
        Err(_) => String::new(),
    };
    let misnamed = config.event.as_ref().err().filter(|fault| fault.kind == Kind::Missing);
    let recent = match (&config.newest_in_window, misnamed) {
        (Ok(Some(_)), _) => true,
        // Neither the window's events nor the number can be gone by.
        (Err(_), Some(fault)) => return Some(unknown(CHECK, "when the configuration was set", fault)),
        _ => config.block >= scene.window_from,
    };
    let mut found = match (recent, misnamed) {
        _ if config.count == 0 => finding(CHECK, Status::Warn, "no configuration was ever set: no oracle can transmit"),
        (true, _) => finding(
            CHECK,
            Status::Warn,
            format!("configuration {} was set {when}{by}, within the window", config.count),
        ),
        (false, Some(fault)) => finding(
            CHECK,
            Status::Ok,
            format!("no change in the window; when the last one was is not known: {}", fault.one_line()),
        ),
        (false, None) => finding(CHECK, Status::Ok, format!("last change {when}")),
    };
    found = found
        .with("count", config.count)
        .with("block", block)
        .with("set_at", config.set_at.as_ref().ok().copied())
        .with("age_seconds", age)
        .with("digest", hex(&config.digest));
    found = match &config.event {
        Ok(event) => {
            found.with("tx", hex(event.tx.as_bytes())).with("f", event.f).with("oracles", event.transmitters.len())
        }
        Err(fault) => found.with("event", fault.one_line()),
    };
    Some(found.mend(
        "ask who set it, and whether the alert began after it; nodes must run the same configuration",
        "feed owner",
    ))
}

/// The directory's aggregator against the proxy's.
pub fn aggregator_mismatch(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "aggregator-mismatch";
    let entry = facts.entry.as_ref()?;
    facts.proxy?;
    let Some(listed) = entry.aggregator else {
        return Some(finding(CHECK, Status::Unknown, "the directory names no aggregator for this feed"));
    };
    let same = listed == facts.aggregator;
    let message = if same {
        "the directory and the proxy name the same aggregator".to_owned()
    } else {
        format!(
            "the proxy reads {}, the directory says {}: an upgrade it has not heard of, or an unexpected aggregator",
            short_address(facts.aggregator),
            short_address(listed)
        )
    };
    Some(
        finding(CHECK, if same { Status::Ok } else { Status::Warn }, message)
            .with("aggregator", address(facts.aggregator))
            .with("directory_aggregator", address(listed))
            .mend("ask whether an upgrade was meant; refresh the directory", "feed owner"),
    )
}

/// An aggregator proposed on the proxy, and its answer against the one in force.
pub fn migration_pending(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "migration-pending";
    facts.proxy?;
    let Proposed { aggregator: proposed, round } = match &facts.proposed {
        None => return Some(finding(CHECK, Status::Ok, "no aggregator is proposed")),
        Some(Err(fault)) => return Some(unknown(CHECK, "the proposed aggregator", fault)),
        Some(Ok(proposed)) => proposed,
    };
    let base = |status, message: String| finding(CHECK, status, message).with("proposed", address(*proposed));
    let round = match round {
        Ok(round) => round,
        Err(fault) if !fault.is_absence() => {
            return Some(unknown(CHECK, "the proposed answer", fault).with("proposed", address(*proposed)));
        }
        Err(fault) => {
            return Some(
                base(
                    Status::Warn,
                    format!("{} is proposed, and gives no answer: {}", short_address(*proposed), fault.one_line()),
                )
                .mend("do not confirm it until it answers (access for the proxy, first round)", "feed owner"),
            );
        }
    };
    let off = facts.best_round().as_ref().ok().and_then(|now| percent_off(round.answer.to_f64(), now.answer.to_f64()));
    let limit = facts.threshold.filter(|threshold| *threshold > 0.0).unwrap_or(1.0);
    let (status, message) = match off {
        Some(off) if off.abs() > limit => (
            Status::Warn,
            format!("{} is proposed, and its answer is {} off the current one", short_address(*proposed), percent(off)),
        ),
        Some(off) => (
            Status::Info,
            format!(
                "{} is proposed; its answer is within {} of the current one",
                short_address(*proposed),
                percent(off.abs().max(0.01))
            ),
        ),
        None => (Status::Warn, format!("{} is proposed, and its answer cannot be compared", short_address(*proposed))),
    };
    Some(
        base(status, message)
            .with("answer_raw", round.answer.to_string())
            .with("off_percent", off)
            .mend("compare the two before confirming", "feed owner"),
    )
}

/// Whether the proxy moved to another aggregator lately, as far as the two aggregators' rounds tell.
pub fn phase_changed(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "phase-changed";
    facts.proxy?;
    let phase = match facts.phase.as_ref()? {
        Ok(phase) => *phase,
        Err(fault) => return Some(unknown(CHECK, "the proxy's phase", fault)),
    };
    if phase <= 1 {
        return Some(finding(CHECK, Status::Ok, "the proxy is in its first phase").with("phase", phase));
    }
    let old = match facts.old_phase.as_ref()? {
        Ok(old) => old,
        Err(fault) => return Some(unknown(CHECK, "the former aggregator", fault)),
    };
    let window = scene.block.timestamp.saturating_sub(window_start(scene, facts));
    let ago = |at: u64| scene.block.timestamp.saturating_sub(at);
    let first = old.first_round.as_ref().ok().filter(|round| round.updated_at > 0);
    let last_old = match &old.round {
        Ok(round) => round,
        Err(fault) => {
            return Some(unknown(CHECK, "the former aggregator", fault).with("former", address(old.aggregator)));
        }
    };
    let begun_lately = first.is_some_and(|round| ago(round.updated_at) <= window);
    let still_updated = last_old.updated_at > 0 && ago(last_old.updated_at) <= window;
    // A new aggregator is warmed up before the proxy moves to it, but not for long; some former ones are kept going.
    let long_ago = first.is_some_and(|round| ago(round.updated_at) > WARM_UP);
    let (status, message) = match (begun_lately, still_updated) {
        (false, true) if long_ago => (
            Status::Info,
            format!(
                "phase {phase}; the former aggregator {} is still updated ({} ago), beside the one in force",
                short_address(old.aggregator),
                duration(ago(last_old.updated_at))
            ),
        ),
        (_, true) => (
            Status::Warn,
            format!(
                "phase {phase}: the former aggregator {} was still updated {} ago, so the change may be recent",
                short_address(old.aggregator),
                duration(ago(last_old.updated_at))
            ),
        ),
        (true, false) => (
            Status::Warn,
            format!(
                "phase {phase}: the aggregator in force had its first round {} ago",
                duration(first.map_or(0, |round| ago(round.updated_at)))
            ),
        ),
        (false, false) => (
            Status::Ok,
            format!("phase {phase}; the former aggregator has been still for {}", duration(ago(last_old.updated_at))),
        ),
    };
    Some(
        finding(CHECK, status, message)
            .with("phase", phase)
            .with("former", address(old.aggregator))
            .with("former_updated_at", last_old.updated_at)
            .with("first_round_at", first.map(|round| round.updated_at))
            .mend("check that consumers, monitors and the directory follow the new aggregator", "feed owner"),
    )
}

/// Start of the window, unix seconds: by block time where known, else by its oldest round.
fn window_start(scene: &Scene, facts: &Facts) -> u64 {
    let blocks = scene.block.number.saturating_sub(scene.window_from);
    if let Some(block_time) = scene.network.block_time {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a bounded, positive span")]
        let seconds = (blocks as f64 * block_time) as u64;
        return scene.block.timestamp.saturating_sub(seconds);
    }
    facts
        .transmissions
        .as_ref()
        .ok()
        .and_then(|rounds| rounds.first())
        .and_then(|round| round.updated_at.or(round.observed_at))
        .unwrap_or(scene.block.timestamp)
}

/// Whether contracts can read the feed: the aggregator's list for the proxy, and the proxy's own.
pub fn access(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "access";
    let proxy = facts.proxy?;
    if let Some(Err(fault)) = &facts.access {
        return Some(unknown(CHECK, "the access list", fault));
    }
    if let Some(Ok(access)) = &facts.access
        && access.checked
    {
        match &access.allowed {
            Ok(true) => {}
            Ok(false) => {
                return Some(
                    finding(
                        CHECK,
                        Status::Critical,
                        "the aggregator does not allow the proxy: every consumer's read reverts",
                    )
                    .with("proxy", address(proxy))
                    .with("aggregator", address(facts.aggregator))
                    .mend(format!("addAccess({}) on the aggregator", address(proxy)), "feed owner"),
                );
            }
            Err(fault) => return Some(unknown(CHECK, "the access list", fault)),
        }
    }
    Some(match &facts.proxy_controller {
        Some(Err(fault)) => unknown(CHECK, "the proxy's access controller", fault),
        Some(Ok(controller)) => finding(
            CHECK,
            Status::Info,
            format!(
                "the proxy itself asks {} who may read: a consumer can be refused where you are not",
                short_address(*controller)
            ),
        )
        .with("access_controller", address(*controller))
        .mend("if a consumer is refused, have it added there", "feed owner"),
        None => finding(CHECK, Status::Ok, "contracts may read the feed through the proxy"),
    })
}
