//! The report as a person reads it: verdict, what to do, facts, oracles, findings.

use crate::report::{Cell, Fact, Finding, Section, Status, Table};
use crate::units::{address, coin, duration, percent, readable, scaled, short_address, short_hex, thousands};

use super::checks::Judged;
use super::checks::gas::{transmission_cost, transmissions_left};
use super::checks::participation::{Part, participation};
use super::checks::payments::{days_shown, juels_per_day, link};
use super::data::{oracle_findings, oracle_status};
use super::facts::{Facts, FeedKind, Scene};

/// Answers shown in the sparkline.
const SPARK_ROUNDS: usize = 24;
/// Width of the participation bar.
const BAR: usize = 10;

/// The section of one feed.
pub fn section(scene: &Scene, facts: &Facts, judged: &Judged) -> Section {
    let worst: Vec<&Finding> = judged.findings.iter().filter(|finding| finding.status == judged.status()).collect();
    Section {
        status: judged.status(),
        headline: headline(scene, facts, judged, &worst),
        advice: advice(&worst),
        facts: facts_shown(scene, facts, judged),
        tables: [oracle_table(scene, facts, judged), Some(finding_table(judged))].into_iter().flatten().collect(),
    }
}

fn headline(scene: &Scene, facts: &Facts, judged: &Judged, worst: &[&Finding]) -> String {
    let subject = format!("{} on {}", facts.name(), scene.network.name);
    let more = match worst.len() {
        0 | 1 => String::new(),
        count => format!(" (and {} more)", count - 1),
    };
    match (judged.status(), worst.first()) {
        (Status::Ok, _) => format!("{subject} is well: {}", freshness(scene, facts)),
        (Status::Info, Some(first)) => {
            format!("{subject} is well: {}; note: {}{more}", freshness(scene, facts), first.message)
        }
        (Status::Unknown, Some(first)) => format!("{subject} is not known to be well: {}{more}", first.message),
        (status, Some(first)) => format!("{subject} is {}: {}{more}", status.word().to_uppercase(), first.message),
        (_, None) => subject,
    }
}

/// `updated 54 min ago, next heartbeat due in 6 min`.
fn freshness(scene: &Scene, facts: &Facts) -> String {
    let Ok(round) = facts.best_round() else { return "its last round is not known".to_owned() };
    let age = scene.block.timestamp.saturating_sub(round.updated_at);
    let due = match facts.heartbeat {
        Some(heartbeat) if heartbeat > age => format!(", next heartbeat due in {}", duration(heartbeat - age)),
        _ => String::new(),
    };
    format!("updated {} ago{due}", duration(age))
}

fn advice(worst: &[&Finding]) -> String {
    let mut lines: Vec<String> = Vec::new();
    for remedy in worst.iter().filter_map(|finding| finding.remedy.as_ref()) {
        let line = format!("{} ({})", remedy.action, remedy.by);
        if !lines.contains(&line) {
            lines.push(line);
        }
    }
    lines.join(" · ")
}

fn facts_shown(scene: &Scene, facts: &Facts, judged: &Judged) -> Vec<Fact> {
    let mut shown = Vec::new();
    let mut add = |label, value: Cell, note: String| shown.push(Fact { label, value, note });
    if let Ok(round) = facts.best_round() {
        let decimals = facts.decimals.as_ref().ok().copied();
        let exact = decimals.map_or_else(|| round.answer.to_string(), |decimals| scaled(round.answer, decimals));
        let phase = known_phase(facts)
            .map_or(String::new(), |phase| format!(" (phase {phase}, #{})", thousands(round.number())));
        add("answer", Cell::shortened(readable(&exact, 8), exact), format!("round {}{phase}", round.id));
        let age = scene.block.timestamp.saturating_sub(round.updated_at);
        let mut promised = Vec::new();
        promised.extend(facts.heartbeat.map(|heartbeat| format!("heartbeat {}", duration(heartbeat))));
        promised.extend(facts.threshold.map(|threshold| format!("threshold {threshold} %")));
        promised.extend(answers_spark(facts));
        add("updated", Cell::from(format!("{} ago", duration(age))), promised.join(" · "));
    }
    if let Some(proxy) = facts.proxy {
        add("proxy", Cell::shortened(short_address(proxy), address(proxy)), explorer(scene, &address(proxy)));
    }
    let mut about = vec![kind(facts)];
    if let Some(Ok(config)) = &facts.config {
        if let Ok(at) = &config.set_at {
            about.push(format!("config {} old", duration(scene.block.timestamp.saturating_sub(*at))));
        }
        about.push(format!("digest {}", short_hex(&config.digest)));
        about.extend(facts.f().map(|f| format!("f = {f}")));
    }
    if judged.get("aggregator-mismatch").is_some_and(|finding| finding.status == Status::Ok) {
        about.push("directory agrees".to_owned());
    }
    add("aggregator", Cell::shortened(short_address(facts.aggregator), address(facts.aggregator)), about.join(" · "));
    if let Some(Ok(juels)) = &facts.link_available {
        let rate = juels_per_day(scene, facts).ok().filter(|rate| *rate > 0.0 && juels.is_positive());
        let note = rate
            .map_or(String::new(), |rate| format!("{} at the rate of the window", days_shown(juels.to_f64() / rate)));
        add("LINK", Cell::from(format!("{} available", link(*juels))), note);
    }
    let block_age = scene.now.saturating_sub(scene.block.timestamp);
    let endpoints = match scene.endpoints {
        0 | 1 => String::new(),
        count => format!(" · {count} endpoints"),
    };
    add("block", Cell::from(thousands(scene.block.number)), format!("{} old{endpoints}", duration(block_age)));
    shown
}

fn known_phase(facts: &Facts) -> Option<u64> {
    facts.phase.as_ref()?.as_ref().ok().copied()
}

fn kind(facts: &Facts) -> String {
    match (&facts.kind, &facts.type_and_version) {
        (FeedKind::Other | FeedKind::Unread, Ok(what)) if !what.is_empty() => what.clone(),
        (kind, _) => kind.word().to_uppercase(),
    }
}

fn explorer(scene: &Scene, address: &str) -> String {
    scene
        .network
        .explorer
        .as_ref()
        .map_or(String::new(), |base| format!("{}/address/{address}", base.trim_end_matches('/')))
}

/// `last 24 rounds ▂▂▃▂▅`, from the window's transmissions or from the rounds read by call.
fn answers_spark(facts: &Facts) -> Option<String> {
    let mut answers: Vec<f64> = match &facts.transmissions {
        Ok(rounds) if rounds.len() > facts.previous.len() => {
            rounds.iter().rev().take(SPARK_ROUNDS).map(|round| round.answer.to_f64()).collect()
        }
        _ => facts
            .best_round()
            .iter()
            .chain(facts.previous.iter().filter_map(|round| round.as_ref().ok()))
            .map(|round| round.answer.to_f64())
            .collect(),
    };
    answers.reverse();
    (answers.len() > 1).then(|| format!("last {} rounds {}", answers.len(), spark(&answers)))
}

/// One bar for each value, between the least and the greatest.
fn spark(values: &[f64]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let low = values.iter().copied().fold(f64::INFINITY, f64::min);
    let span = values.iter().copied().fold(f64::NEG_INFINITY, f64::max) - low;
    values
        .iter()
        .map(|value| {
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and 7")]
            let at = if span > 0.0 { ((value - low) / span * 7.0).round() as usize } else { 0 };
            BARS[at.min(7)]
        })
        .collect()
}

fn oracle_table(scene: &Scene, facts: &Facts, judged: &Judged) -> Option<Table> {
    let oracles = facts.oracles.as_ref().ok().filter(|oracles| !oracles.is_empty())?;
    let seen = facts.kind.is_ocr().then(|| participation(facts).ok()).flatten();
    let cost = transmission_cost(scene, facts).map(|(_, _, cost)| cost);
    let mut rows: Vec<(Status, Vec<Cell>)> = oracles
        .iter()
        .enumerate()
        .map(|(index, oracle)| {
            let status = oracle_status(facts, judged, index);
            let part = seen.as_ref().and_then(|seen| seen.parts.get(index));
            let mut notes: Vec<String> = Vec::new();
            if let Some(part) = part.filter(|part| part.missed_in_a_row > 0 && status >= Status::Warn) {
                notes.push(silence(part));
            }
            let balance = match &oracle.balance {
                Ok(balance) => {
                    if let Some(left) = cost.map(|cost| transmissions_left(*balance, cost)).filter(|left| *left < 20.0)
                    {
                        notes.push(format!("gas for {:.0} transmissions", left.floor()));
                    }
                    coin(*balance, &scene.network.native)
                }
                Err(_) => "unknown".to_owned(),
            };
            notes.extend(
                oracle_findings(judged, index)
                    .filter(|finding| !matches!(finding.check, "silent-oracle" | "transmitter-gas"))
                    .map(|finding| finding.check.to_owned()),
            );
            let row = vec![
                Cell::from(index.to_string()),
                Cell::shortened(short_address(oracle.account), address(oracle.account)),
                Cell::from(balance),
                Cell::from(part.map_or_else(String::new, bar)),
                Cell::from(part.and_then(|part| part.last_seen).map_or_else(String::new, |at| {
                    format!("{} ago", duration(scene.block.timestamp.saturating_sub(at)))
                })),
                Cell::from(notes.join("; ")).coloured(status),
            ];
            (status, row)
        })
        .collect();
    rows.sort_by_key(|(status, _)| std::cmp::Reverse(*status));
    let healthy = rows.iter().position(|(status, _)| *status < Status::Warn).unwrap_or(rows.len());
    let folded: Vec<Vec<Cell>> = rows.drain(healthy..).map(|(_, row)| row).collect();
    Some(Table {
        columns: vec!["#", "oracle", "balance", "rounds", "last seen", "note"],
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        folded_note: format!(
            "{} {} without a finding",
            folded.len(),
            if folded.len() == 1 { "oracle" } else { "oracles" }
        ),
        folded,
    })
}

fn silence(part: &Part) -> String {
    match part.last_round {
        Some(round) => format!("silent since round {}", round + 1),
        None => format!("in none of {} rounds", part.rounds.len()),
    }
}

/// `██████░░░░  61 %`: filled where the oracle took part in most rounds of that stretch of the window.
fn bar(part: &Part) -> String {
    let total = part.rounds.len();
    if total == 0 {
        return String::new();
    }
    let shown = BAR.min(total);
    let bar: String = (0..shown)
        .map(|at| {
            let stretch = &part.rounds[at * total / shown..(at + 1) * total / shown];
            if stretch.iter().filter(|here| **here).count() * 2 >= stretch.len() { '█' } else { '░' }
        })
        .collect();
    format!("{bar} {}", percent(part.observed as f64 / total as f64 * 100.0))
}

fn finding_table(judged: &Judged) -> Table {
    let row = |finding: &Finding| {
        vec![
            Cell::from(finding.check),
            Cell::status(finding.status),
            Cell::from(finding.message.clone()),
            Cell::from(finding.remedy.as_ref().map_or("", |remedy| remedy.by.as_str())),
        ]
    };
    let (well, open): (Vec<&Finding>, Vec<&Finding>) =
        judged.findings.iter().partition(|finding| finding.status == Status::Ok);
    Table {
        columns: vec!["finding", "status", "evidence", "who can act"],
        rows: open.into_iter().map(row).collect(),
        folded_note: format!("{} more ok", well.len()),
        folded: well.into_iter().map(row).collect(),
    }
}

/// The fleet: one row for each feed, worst first.
pub fn fleet(scene: &Scene, feeds: &[(Facts, Judged)]) -> Section {
    let mut order: Vec<&(Facts, Judged)> = feeds.iter().collect();
    order.sort_by(|a, b| b.1.status().cmp(&a.1.status()).then_with(|| a.0.name().cmp(&b.0.name())));
    let row = |(facts, judged): &(Facts, Judged)| {
        let round = facts.best_round().as_ref().ok();
        let age = round.map_or_else(
            || "unknown".to_owned(),
            |round| duration(scene.block.timestamp.saturating_sub(round.updated_at)),
        );
        let answer = round
            .zip(facts.decimals.as_ref().ok())
            .map_or_else(String::new, |(round, decimals)| readable(&scaled(round.answer, *decimals), 6));
        let worst = judged.findings.first().filter(|finding| finding.status > Status::Ok);
        let more = judged.findings.iter().filter(|finding| finding.status >= Status::Warn).count().saturating_sub(1);
        let more = if more > 0 { format!(" (+{more})") } else { String::new() };
        vec![
            Cell::status(judged.status()),
            Cell::from(facts.name()),
            Cell::from(answer),
            Cell::from(age),
            Cell::from(facts.heartbeat.map_or_else(|| "unknown".to_owned(), duration)),
            Cell::from(
                worst.map_or_else(String::new, |finding| format!("{}: {}{more}", finding.check, finding.message)),
            ),
        ]
    };
    let bad = order.iter().filter(|(_, judged)| judged.status() >= Status::Warn).count();
    let unknown = order.iter().filter(|(_, judged)| judged.status() == Status::Unknown).count();
    let status = order.first().map_or(Status::Ok, |(_, judged)| judged.status());
    let split = order.iter().position(|(_, judged)| judged.status() <= Status::Info).unwrap_or(order.len());
    Section {
        status,
        headline: format!(
            "{bad} of {} feeds on {} need somebody{}",
            order.len(),
            scene.network.name,
            if unknown > 0 { format!(", {unknown} more are not fully known") } else { String::new() }
        ),
        advice: String::new(),
        facts: vec![Fact {
            label: "block",
            value: Cell::from(thousands(scene.block.number)),
            note: format!("{} old", duration(scene.now.saturating_sub(scene.block.timestamp))),
        }],
        tables: vec![Table {
            columns: vec!["status", "feed", "answer", "age", "heartbeat", "worst finding"],
            rows: order[..split].iter().map(|feed| row(feed)).collect(),
            folded_note: match order.len() - split {
                1 => "1 feed that is well".to_owned(),
                well => format!("{well} feeds that are well"),
            },
            folded: order[split..].iter().map(|feed| row(feed)).collect(),
        }],
    }
}
