//! The typed data of `--json`: shapes are public. Integers that may pass 2^53 are decimal strings, times unix seconds.

use serde_json::{Value as Json, json};

use crate::report::{Finding, Status};
use crate::units::{address, hex, scaled};

use super::checks::Judged;
use super::checks::participation::{Participation, participation};
use super::facts::{Facts, FeedKind, Scene};

/// The checks whose unknown alone makes a report a problem.
const MUST_BE_KNOWN: [&str; 3] = ["stale", "sequencer", "config-changed"];

/// `data` of the envelope.
pub fn data(scene: &Scene, feeds: &[(Facts, Judged)]) -> Json {
    let count = |status| feeds.iter().filter(|(_, judged)| judged.status() == status).count();
    json!({
        "network": {
            "name": scene.network.name,
            "chain_id": scene.network.chain_id,
            "block": {
                "number": scene.block.number,
                "hash": hex(scene.block.hash.as_bytes()),
                "timestamp": scene.block.timestamp,
            },
        },
        "feeds": feeds.iter().map(|(facts, judged)| feed(scene, facts, judged)).collect::<Vec<_>>(),
        "summary": {
            "ok": count(Status::Ok),
            "info": count(Status::Info),
            "warn": count(Status::Warn),
            "critical": count(Status::Critical),
            "unknown": count(Status::Unknown),
        },
    })
}

fn feed(scene: &Scene, facts: &Facts, judged: &Judged) -> Json {
    let round = facts.best_round().as_ref().ok();
    let decimals = facts.decimals.as_ref().ok().copied();
    let answer = round.and_then(|round| Some(scaled(round.answer, decimals?)));
    json!({
        "input": facts.input,
        "proxy": facts.proxy.map(address),
        "name": facts.name(),
        "description": facts.description.as_ref().ok(),
        "decimals": decimals,
        "aggregator": address(facts.aggregator),
        "phase_id": facts.phase.as_ref().and_then(|phase| phase.as_ref().ok()),
        "kind": facts.kind.word(),
        "type_and_version": facts.type_and_version.as_ref().ok(),
        "answer": answer,
        "answer_raw": round.map(|round| round.answer.to_string()),
        "round_id": round.map(|round| round.id.to_string()),
        "updated_at": round.map(|round| round.updated_at),
        "age_seconds": round.map(|round| scene.block.timestamp.saturating_sub(round.updated_at)),
        "heartbeat_seconds": facts.heartbeat,
        "deviation_threshold_percent": facts.threshold,
        "status": judged.status(),
        "findings": judged.findings,
        "not_applicable": judged.not_applicable,
        "oracles": oracles(facts, judged),
        "link": match (&facts.link_available, &facts.kind) {
            (Some(Ok(juels)), FeedKind::Ocr1 | FeedKind::Ocr2 | FeedKind::Flux) => json!({ "available_juels": juels.to_string() }),
            _ => Json::Null,
        },
        "config": config(facts),
    })
}

fn config(facts: &Facts) -> Json {
    let Some(Ok(config)) = &facts.config else { return Json::Null };
    let event = config.event.as_ref().ok();
    json!({
        "count": config.count,
        "block": config.block,
        "digest": hex(&config.digest),
        "f": event.map(|event| event.f),
        "signers": event.map(|event| event.signers.iter().copied().map(address).collect::<Vec<_>>()),
    })
}

fn oracles(facts: &Facts, judged: &Judged) -> Vec<Json> {
    let Ok(oracles) = &facts.oracles else { return Vec::new() };
    let seen = facts.kind.is_ocr().then(|| participation(facts).ok()).flatten();
    oracles
        .iter()
        .enumerate()
        .map(|(index, oracle)| {
            let part = seen.as_ref().and_then(|seen: &Participation| seen.parts.get(index));
            json!({
                "transmitter": address(oracle.account),
                "balance_wei": oracle.balance.as_ref().ok().map(ToString::to_string),
                "nonce": { "latest": oracle.nonce.as_ref().ok(), "pending": oracle.pending_nonce.as_ref().ok() },
                "rounds_observed": part.map(|part| part.observed),
                "rounds_total": seen.as_ref().map(|seen| seen.rounds),
                "last_observed_round": part.and_then(|part| part.last_round).map(|round| round.to_string()),
                "status": oracle_status(facts, judged, index),
            })
        })
        .collect()
}

/// The worst finding that names oracle `index` in its evidence; what could not be read of it makes it unknown.
pub fn oracle_status(facts: &Facts, judged: &Judged, index: usize) -> Status {
    let oracle = facts.oracles.as_ref().ok().and_then(|oracles| oracles.get(index));
    let read = oracle.is_some_and(|o| o.balance.is_ok() && o.nonce.is_ok() && o.pending_nonce.is_ok());
    let seen = judged.get("silent-oracle").is_none_or(|finding| finding.status != Status::Unknown);
    let least = if read && seen { Status::Ok } else { Status::Unknown };
    let named = judged.findings.iter().filter(|finding| names(finding, index)).map(|finding| finding.status);
    named.fold(least, Status::max)
}

/// The findings that name oracle `index`, worst first.
pub fn oracle_findings(judged: &Judged, index: usize) -> impl Iterator<Item = &Finding> {
    judged.findings.iter().filter(move |finding| finding.status >= Status::Warn && names(finding, index))
}

fn names(finding: &Finding, index: usize) -> bool {
    let one = |item: &Json| item.get("oracle").unwrap_or(item).as_u64() == Some(index as u64);
    ["silent", "outliers", "poor", "waiting", "never"]
        .iter()
        .filter_map(|key| finding.evidence.get(*key)?.as_array())
        .any(|items| items.iter().any(one))
}

/// Whether the findings make the report a problem (exit 4).
pub fn is_problem(judged: &Judged, facts: &Facts, strict: bool) -> bool {
    judged.findings.iter().any(|finding| match finding.status {
        Status::Warn | Status::Critical => true,
        Status::Unknown if strict => true,
        Status::Unknown if finding.check == "stale" => facts.heartbeat.is_some(),
        Status::Unknown => MUST_BE_KNOWN.contains(&finding.check),
        Status::Ok | Status::Info => false,
    })
}
