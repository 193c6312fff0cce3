//! Is the answer itself plausible: deviation, answer-bounds, decimals-mismatch.

use crate::report::{Finding, Status};
use crate::units::{duration, percent, scaled};
use crate::value::I256;

use super::super::decode::unscaled;
use super::super::facts::{Facts, Known, Round, Scene};
use super::{finding, percent_off, unknown};

/// A move between two rounds of so many thresholds is worth a look; a round is due at one.
const MOVE_WARN: f64 = 2.0;
/// A move of so many thresholds is no price move that the feed followed.
const MOVE_CRITICAL: f64 = 10.0;
/// An answer this near to a bound is in danger: beyond it every transmit reverts. Percent of the bound.
const BOUND_WARN: f64 = 10.0;
/// And this near, the next move may stop the feed.
const BOUND_CRITICAL: f64 = 2.0;

/// The last rounds against the threshold, and the answer against `--reference`.
#[expect(clippy::unnecessary_wraps, reason = "the type of every check; this one always applies")]
pub fn deviation(scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "deviation";
    let round = match facts.best_round() {
        Ok(round) => round,
        Err(fault) => return Some(unknown(CHECK, "the last round", fault)),
    };
    let reference = match scene.reference.as_ref().map(|known| against_reference(facts, round, known)) {
        Some(Err(fault)) => return Some(unknown(CHECK, "the reference", &fault)),
        Some(Ok(reference)) => Some(reference),
        None => None,
    };
    let moves = moves(facts, round);
    let largest =
        moves.iter().copied().map(f64::abs).fold(None, |most: Option<f64>, one| Some(most.map_or(one, |m| m.max(one))));
    let Some(threshold) = facts.threshold.filter(|threshold| *threshold > 0.0) else {
        let seen = largest
            .map_or(String::new(), |most| format!("; the largest move of the last rounds was {}", percent(most)));
        return Some(
            finding(CHECK, Status::Unknown, format!("the deviation threshold is not known{seen}"))
                .with("reference_percent", reference.as_ref().map(|(off, _)| *off))
                .mend("give --threshold PERCENT, or a --directory that lists the feed", "you"),
        );
    };
    let by_moves = match largest {
        None => Status::Unknown,
        Some(most) if most > MOVE_CRITICAL * threshold => Status::Critical,
        Some(most) if most > MOVE_WARN * threshold => Status::Warn,
        Some(_) => Status::Ok,
    };
    let by_reference = reference.as_ref().map(|(off, _)| match off.abs() {
        off if off > 2.0 * threshold => Status::Critical,
        off if off > threshold => Status::Warn,
        _ => Status::Ok,
    });
    let mut parts = Vec::new();
    if let Some((off, label)) = &reference {
        parts.push(format!("{} off {label}", percent(*off)));
    }
    parts.push(match largest {
        Some(most) => {
            format!("largest move of the last {} rounds {}, threshold {threshold} %", moves.len() + 1, percent(most))
        }
        None => "no earlier round to compare with".to_owned(),
    });
    let mut found = finding(CHECK, by_reference.unwrap_or(Status::Ok).max(by_moves), parts.join("; "))
        .with("threshold_percent", threshold)
        .with("largest_move_percent", largest)
        .with("rounds", moves.len() + 1);
    if let Some((off, label)) = reference {
        found = found.with("reference", label).with("reference_percent", off);
    }
    Some(
        found.mend(
            "compare with other markets; if the answer is wrong, warn consumers and the feed's owner",
            "feed owner",
        ),
    )
}

fn against_reference(
    facts: &Facts,
    round: &Round,
    known: &Known<super::super::facts::Reference>,
) -> Known<(f64, String)> {
    let reference = known.as_ref().map_err(Clone::clone)?;
    let decimals = facts.decimals.clone()?;
    let off = percent_off(unscaled(round.answer, decimals), reference.value)
        .ok_or_else(|| crate::Fault::new(crate::Kind::BadAnswer, "the reference is zero"))?;
    let age = reference.age.map_or(String::new(), |age| format!(" (updated {} ago)", duration(age)));
    Ok((off, format!("{}{age}", reference.label)))
}

/// Moves between neighbouring rounds, percent, newest first; unreadable and empty rounds are left out.
fn moves(facts: &Facts, last: &Round) -> Vec<f64> {
    let rounds: Vec<&Round> = std::iter::once(last)
        .chain(facts.previous.iter().filter_map(|round| round.as_ref().ok()))
        .filter(|round| round.updated_at > 0)
        .collect();
    rounds.windows(2).filter_map(|pair| percent_off(pair[0].answer.to_f64(), pair[1].answer.to_f64())).collect()
}

/// How near the answer is to the limits beyond which every transmit reverts.
pub fn answer_bounds(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "answer-bounds";
    let (low, high) = match facts.bounds.as_ref()? {
        Ok(bounds) => *bounds,
        Err(fault) => return Some(unknown(CHECK, "minAnswer and maxAnswer", fault)),
    };
    let round = match facts.best_round() {
        Ok(round) => round,
        Err(fault) => return Some(unknown(CHECK, "the last round", fault)),
    };
    let answer = round.answer;
    let room = |bound: I256| percent_off(answer.to_f64(), bound.to_f64()).map(f64::abs);
    // Widest possible bounds say that the limits are not used; a lower bound of one unit or less likewise.
    let below = if low <= I256::positive(1.into()) { None } else { room(low) };
    let nearest = [below, room(high)].into_iter().flatten().fold(f64::INFINITY, f64::min);
    let status = if answer <= low || answer >= high || nearest < BOUND_CRITICAL {
        Status::Critical
    } else if nearest < BOUND_WARN {
        Status::Warn
    } else {
        Status::Ok
    };
    let decimals = facts.decimals.as_ref().copied().unwrap_or(0);
    let shown = |value: I256| crate::units::readable(&scaled(value, decimals), 6);
    let message = if status == Status::Ok {
        "the answer is far from its limits".to_owned()
    } else {
        format!(
            "{} is {} from a limit ({} to {}): beyond it every transmit reverts and the feed goes stale",
            shown(answer),
            percent(nearest),
            shown(low),
            shown(high)
        )
    };
    Some(
        finding(CHECK, status, message)
            .with("min_answer", low.to_string())
            .with("max_answer", high.to_string())
            .with("nearest_percent", nearest.is_finite().then_some(nearest))
            .mend("deploy an aggregator with wider limits and propose it on the proxy", "feed owner"),
    )
}

/// The directory's decimals against the contract's.
pub fn decimals_mismatch(_scene: &Scene, facts: &Facts) -> Option<Finding> {
    const CHECK: &str = "decimals-mismatch";
    let entry = facts.entry.as_ref()?;
    let decimals = match &facts.decimals {
        Ok(decimals) => *decimals,
        Err(fault) => return Some(unknown(CHECK, "decimals", fault)),
    };
    let Some(listed) = entry.decimals else {
        return Some(
            finding(CHECK, Status::Unknown, "the directory does not say how many decimals the feed has")
                .with("decimals", decimals),
        );
    };
    let (status, message) = if listed == decimals {
        (Status::Ok, format!("{decimals} decimals, as the directory says"))
    } else {
        (
            Status::Critical,
            format!(
                "the contract has {decimals} decimals, the directory says {listed}: consumers that trust it read a wrong price"
            ),
        )
    };
    Some(
        finding(CHECK, status, message)
            .with("decimals", decimals)
            .with("directory_decimals", listed)
            .mend("correct the directory; warn consumers that scale by it", "feed owner"),
    )
}
