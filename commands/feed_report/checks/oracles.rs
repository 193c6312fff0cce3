//! Do the oracles take part as they should: silent-oracle, outlier-oracle, epoch-racing.

use serde_json::json;

use crate::report::{Finding, Status};
use crate::units::{address, percent};

use super::super::facts::{Facts, FeedKind, Oracle, Scene, Transmission};
use super::participation::{Participation, participation};
use super::{finding, oracle_list, percent_off, plural, unknown};

/// A report needs no more than 2f+1 observations, so a well oracle misses some rounds; so many in a row it does not.
const SILENT_ROUNDS: u64 = 8;
/// Silent for so long, somebody should have noticed.
const SILENT_LONG: u64 = 20;
/// An observation further from the median than so many thresholds is an outlier.
const OUTLIER_THRESHOLDS: f64 = 2.0;
/// The same where the threshold is not known, percent.
const OUTLIER_PERCENT: f64 = 1.0;
/// Fewer observations than this tell nothing about an oracle's habit.
const OUTLIER_ROUNDS: usize = 3;
/// Epochs that pass so many times faster than before are racing.
const RACING_TIMES: f64 = 3.0;
/// Of which so much must be pace, and not time between transmissions: most of it, as the change need not fall on the cut.
const PACE_TIMES: f64 = 2.0;
/// Transmissions at the end of the window that are compared with those before.
const RACING_RECENT: usize = 5;

/// Oracles whose observations are missing from the rounds, and what loss the feed still bears.
pub fn silent_oracle(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "silent-oracle";
    if !facts.kind.is_ocr() {
        return None;
    }
    let seen = match participation(facts) {
        Ok(seen) => seen,
        Err(fault) => return Some(by_counts(facts).unwrap_or_else(|| unknown(CHECK, "who took part", &fault))),
    };
    if seen.rounds == 0 {
        return Some(
            finding(
                CHECK,
                Status::Unknown,
                "no round in the window under the configuration in force: nobody could take part",
            )
            .mend("widen the window: --window BLOCKS", "you"),
        );
    }
    if seen.rounds < SILENT_ROUNDS && seen.parts.iter().any(|part| part.missed_in_a_row == seen.rounds) {
        return Some(
            finding(
                CHECK,
                Status::Unknown,
                format!("only {} in the window: too few to tell who is silent", plural(seen.rounds, "round")),
            )
            .with("rounds", seen.rounds)
            .mend("widen the window: --window BLOCKS", "you"),
        );
    }
    Some(silent(scene, facts, &seen))
}

fn silent(scene: &Scene, facts: &Facts, seen: &Participation) -> Finding {
    let silent: Vec<usize> =
        (0..seen.parts.len()).filter(|index| seen.parts[*index].missed_in_a_row >= SILENT_ROUNDS).collect();
    let f = facts.f().unwrap_or(0);
    // A report needs the observations of more than two thirds: 2f+1.
    let needed = 2 * f + 1;
    let speaking = (seen.parts.len() - silent.len()) as u64;
    let spare = speaking.saturating_sub(needed);
    let longest = silent.iter().map(|index| seen.parts[*index].missed_in_a_row).max().unwrap_or(0);
    let status = match silent.len() {
        0 => Status::Ok,
        _ if spare == 0 || longest >= SILENT_LONG => Status::Critical,
        _ => Status::Warn,
    };
    let message = if silent.is_empty() {
        format!(
            "each of {} oracles took part in the last {} of {}",
            seen.parts.len(),
            plural(SILENT_ROUNDS.min(seen.rounds), "round"),
            seen.rounds
        )
    } else {
        let quorum = if speaking < needed {
            "the quorum is lost".to_owned()
        } else {
            let borne = match spare {
                0 => "no further loss is borne".to_owned(),
                1 => "1 more loss is borne".to_owned(),
                more => format!("{more} more losses are borne"),
            };
            format!("quorum holds (f = {f}, {needed} needed), {borne}")
        };
        format!(
            "{} of {} oracles silent for {} ({}); {quorum}",
            silent.len(),
            seen.parts.len(),
            plural(longest, "round"),
            oracle_list(&silent)
        )
    };
    let details: Vec<serde_json::Value> = silent
        .iter()
        .map(|index| {
            let part = &seen.parts[*index];
            json!({
                "oracle": index,
                "transmitter": account(facts, *index),
                "missed_in_a_row": part.missed_in_a_row,
                "last_observed_round": part.last_round.map(|round| round.to_string()),
                "last_seen": part.last_seen,
                "silent_seconds": part.last_seen.map(|at| scene.block.timestamp.saturating_sub(at)),
            })
        })
        .collect();
    finding("silent-oracle", status, message)
        .with("silent", details)
        .with("rounds", seen.rounds)
        .with("oracles", seen.parts.len())
        .with("needed", needed)
        .with("spare", spare)
        .mend(
            format!(
                "ask the {} of {} to check their nodes",
                if silent.len() == 1 { "operator" } else { "operators" },
                oracle_list(&silent)
            ),
            "node operators",
        )
}

/// OCR1's counts of observations due for payment, where logs cannot be read: who, but not since when.
fn by_counts(facts: &Facts) -> Option<Finding> {
    if facts.kind != FeedKind::Ocr1 {
        return None;
    }
    let oracles = facts.oracles.as_ref().ok()?;
    let counts: Vec<u64> =
        oracles.iter().map(|oracle| oracle.unpaid_observations.clone()?.ok()).collect::<Option<Vec<_>>>()?;
    let most = counts.iter().copied().max()?;
    if most < SILENT_ROUNDS {
        return None;
    }
    let silent: Vec<usize> = (0..counts.len()).filter(|index| counts[*index] * 4 < most).collect();
    let status = if silent.is_empty() { Status::Unknown } else { Status::Warn };
    let message = if silent.is_empty() {
        "logs could not be read; by the payment counts all oracles took part since the last payout, which misses one that fell silent lately".to_owned()
    } else {
        format!(
            "by the payment counts {} took part in less than a quarter of the rounds since the last payout (logs could not be read)",
            oracle_list(&silent)
        )
    };
    Some(
        finding("silent-oracle", status, message)
            .with("counts", counts)
            .with("silent", silent.clone())
            .mend(format!("ask the operators of {} to check their nodes", oracle_list(&silent)), "node operators"),
    )
}

fn account(facts: &Facts, index: usize) -> Option<String> {
    facts.oracles.as_ref().ok()?.get(index).map(|oracle: &Oracle| address(oracle.account))
}

/// Oracles whose observations are habitually far from the median.
pub fn outlier_oracle(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "outlier-oracle";
    if !facts.kind.is_ocr() {
        return None;
    }
    let (current, oracles) = match (facts.current(), &facts.oracles) {
        (Ok(current), Ok(oracles)) => (current, oracles.len()),
        (Err(fault), _) => return Some(unknown(CHECK, "observations", &fault)),
        (_, Err(fault)) => return Some(unknown(CHECK, "oracles", fault)),
    };
    if current.is_empty() {
        return Some(finding(CHECK, Status::Unknown, "no round in the window under the configuration in force"));
    }
    let limit =
        facts.threshold.filter(|threshold| *threshold > 0.0).map_or(OUTLIER_PERCENT, |t| OUTLIER_THRESHOLDS * t);
    let mut outliers = Vec::new();
    let mut details = Vec::new();
    for index in 0..oracles {
        let off = offsets(index, &current);
        let far = off.iter().filter(|off| off.abs() > limit).count();
        let worst = off.iter().copied().fold(0.0, |worst: f64, one| if one.abs() > worst.abs() { one } else { worst });
        if off.len() >= OUTLIER_ROUNDS && far * 3 > off.len() {
            details.push(json!({ "oracle": index, "transmitter": account(facts, index), "rounds": off.len(), "far": far, "worst_percent": worst }));
            outliers.push((index, far, off.len(), worst));
        }
    }
    let f = facts.f().unwrap_or(0);
    let status = match outliers.len() as u64 {
        0 => Status::Ok,
        // More than f wrong observations can move the median itself.
        count if count > f => Status::Critical,
        _ => Status::Warn,
    };
    let indices: Vec<usize> = outliers.iter().map(|(index, ..)| *index).collect();
    let message = match outliers.first() {
        None => format!("every oracle's observations lie within {} of the median", percent(limit)),
        Some((_, far, of, worst)) if outliers.len() == 1 => {
            format!(
                "{} is off the median by more than {} in {far} of {of} rounds, at worst {}",
                oracle_list(&indices),
                percent(limit),
                percent(*worst)
            )
        }
        Some(_) => format!("{} are habitually off the median by more than {}", oracle_list(&indices), percent(limit)),
    };
    Some(
        finding(CHECK, status, message).with("outliers", details).with("limit_percent", limit).with("f", f).mend(
            format!("ask the operators of {} to check their data sources", oracle_list(&indices)),
            "node operators",
        ),
    )
}

/// How far the observations of oracle `index` were from each median, percent.
fn offsets(index: usize, current: &[&Transmission]) -> Vec<f64> {
    current
        .iter()
        .filter_map(|one| {
            let place = one.observers.iter().position(|observer| usize::from(*observer) == index)?;
            percent_off(one.observations.get(place)?.to_f64(), one.answer.to_f64())
        })
        .collect()
}

/// Epochs that pass much faster than before: leaders fail one after the other.
pub fn epoch_racing(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "epoch-racing";
    if !facts.kind.is_ocr() {
        return None;
    }
    let current = match facts.current() {
        Ok(current) => current,
        Err(fault) => return Some(unknown(CHECK, "epochs", &fault)),
    };
    let steps: Vec<Step> = current.windows(2).map(|pair| Step::between(pair[0], pair[1])).collect();
    if steps.len() < 2 * RACING_RECENT {
        return Some(
            finding(
                CHECK,
                Status::Unknown,
                format!(
                    "{} in the window under this configuration: too few to tell whether epochs race",
                    plural(current.len() as u64, "transmission")
                ),
            )
            .with("transmissions", current.len())
            .mend("widen the window: --window BLOCKS", "you"),
        );
    }
    let (before, recent) = steps.split_at(steps.len() - RACING_RECENT);
    let epochs = |steps: &[Step]| median(&steps.iter().map(|step| step.epochs).collect::<Vec<_>>());
    let usual = epochs(before).max(1.0);
    let now = epochs(recent);
    // A quiet market lets more epochs pass between transmissions, at the same pace: only a faster one is a race.
    let faster = match (pace(before), pace(recent)) {
        (Some(before), Some(recent)) => recent >= PACE_TIMES * before,
        _ => true,
    };
    let racing = now >= RACING_TIMES * usual && faster;
    let message = if racing {
        format!("{now} epochs between transmissions lately, {usual} before: leaders fail one after the other")
    } else {
        format!("{now} epochs between transmissions, {usual} before")
    };
    Some(
        finding(CHECK, if racing { Status::Warn } else { Status::Ok }, message)
            .with("epochs_per_transmission", now)
            .with("epochs_per_transmission_before", usual)
            .mend("look at the leaders' nodes and the network between the oracles", "node operators"),
    )
}

/// From one transmission to the next.
struct Step {
    epochs: f64,
    seconds: Option<f64>,
}

impl Step {
    fn between(one: &Transmission, next: &Transmission) -> Self {
        let at = |one: &Transmission| one.observed_at.or(one.updated_at);
        let seconds = at(one).zip(at(next)).map(|(one, next)| next.saturating_sub(one) as f64);
        Self { epochs: next.epoch.saturating_sub(one.epoch) as f64, seconds }
    }
}

/// Epochs in a second; `None` where the times are not known.
fn pace(steps: &[Step]) -> Option<f64> {
    let seconds: f64 = steps.iter().map(|step| step.seconds).sum::<Option<f64>>()?;
    (seconds > 0.0).then(|| steps.iter().map(|step| step.epochs).sum::<f64>() / seconds)
}

fn median(values: &[f64]) -> f64 {
    let mut sorted = values.to_vec();
    sorted.sort_by(f64::total_cmp);
    sorted.get(sorted.len() / 2).copied().unwrap_or(0.0)
}
